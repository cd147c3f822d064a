//! What teams ask for, what uses it, and what tenants forge: documents.
//!
//! Takes the choice as given; decides nothing.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cluster::{Key, whole};
use super::stage::{MAIN, POOL};
use crate::world::{UserKey, WorkloadKind, names};

/// How many specs there are.
pub(super) const SPECS: u32 = 20;

/// A spec of an application.
pub(super) fn spec((space, _): &Key, which: u32, now: Timestamp) -> Value {
    let kafka = |pool: &str, secret: &str| json!({"pool": pool, "secretName": secret});
    let search = |access: &str, secret: &str| json!({"instance": format!("opensearch-{space}-x"), "access": access, "secretName": secret});
    let valkey = |instance: &str, access: &str, secret: &str| json!({"instance": instance, "access": access, "secretName": secret});
    let later = whole(now.checked_add(SignedDuration::from_secs(3_600)).unwrap_or(now));
    match which % SPECS {
        0 => json!({"kafka": kafka(MAIN, "s1")}),
        1 => json!({"kafka": kafka(POOL, "s1")}),
        2 => json!({"openSearch": search("read", "s2")}),
        3 => json!({"openSearch": search("admin", "s2")}),
        4 => json!({"valkey": [valkey("c", "read", "s3")]}),
        5 => json!({"valkey": [valkey("c", "readwrite", "s3")]}),
        6 => {
            json!({"kafka": kafka(MAIN, "s1"), "openSearch": search("write", "s2"), "valkey": [valkey("c", "write", "s3")]})
        }
        7 => json!({"kafka": kafka(MAIN, "s1"), "openSearch": search("readwrite", "s1")}),
        8 => json!({"secretName": "s1", "kafka": {"pool": MAIN}, "valkey": [{"instance": "c", "access": "admin"}]}),
        9 => json!({}),
        10 => json!({"kafka": kafka("nowhere", "s1")}),
        11 => json!({"openSearch": {"instance": "none", "secretName": "s2"}}),
        12 => json!({"valkey": [valkey("a-b", "read", "s1"), valkey("a.b", "read", "s1")]}),
        13 => json!({"kafka": {"pool": MAIN}}),
        14 => json!({"protected": true, "kafka": kafka(MAIN, "s1")}),
        15 => json!({"protected": true, "expiresAt": later, "kafka": kafka(MAIN, "s1")}),
        16 => json!({"kafka": kafka(MAIN, "s4")}),
        17 => json!({"expiresAt": later, "openSearch": search("read", "s1")}),
        18 => json!({"valkey": [valkey("c", "read", "s4")], "kafka": kafka(POOL, "s4")}),
        _ => json!({"kafka": kafka(MAIN, "Not_A_Name")}),
    }
}

/// A pod or workload that uses a secret in one of the ways that there are.
pub(super) fn workload(
    (kind, space, name): (WorkloadKind, &str, &str),
    secret: &str,
    (way, now): (u32, Timestamp),
) -> Value {
    let container = |more: Value| {
        let mut container = json!({"name": "app", "image": "app"});
        for (member, value) in more.as_object().into_iter().flatten() {
            container[member] = value.clone();
        }
        container
    };
    let plain = container(json!({}));
    let volume = |source: Value| json!({"containers": [plain.clone()], "volumes": [source]});
    let pod = match way % 7 {
        0 => {
            json!({"containers": [container(json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": secret, "key": "AIVEN_CA"}}}]}))]})
        }
        1 => json!({"containers": [container(json!({"envFrom": [{"secretRef": {"name": secret}}]}))]}),
        2 => volume(json!({"name": "v", "secret": {"secretName": secret}})),
        3 => volume(json!({"name": "v", "projected": {"sources": [{"secret": {"name": secret}}]}})),
        4 => {
            json!({"containers": [plain], "initContainers": [container(json!({"envFrom": [{"secretRef": {"name": secret}}]}))]})
        }
        5 => json!({"containers": [plain], "imagePullSecrets": [{"name": secret}]}),
        _ => {
            json!({"containers": [plain], "ephemeralContainers": [container(json!({"envFrom": [{"secretRef": {"name": secret}}]}))]})
        }
    };
    let mut object = json!({"metadata": {"namespace": space, "name": name}});
    match kind {
        WorkloadKind::Pod => {
            object["spec"] = pod;
            object["status"] = json!({"phase": "Running", "startTime": whole(now)});
        }
        WorkloadKind::CronJob => object["spec"] = json!({"jobTemplate": {"spec": {"template": {"spec": pod}}}}),
        _ => object["spec"] = json!({"replicas": 0, "template": {"spec": pod}}),
    }
    object
}

/// A Secret that says it is one of ours.
pub(super) fn forged((space, name): &Key, which: u32, victim: Option<&UserKey>) -> Value {
    let mut annotations = record(which, victim);
    annotations["forged"] = json!("true");
    let label = if which.is_multiple_of(3) {
        json!({})
    } else {
        json!({"type": names::TYPE_VALUE, "app": "web", "team": space})
    };
    json!({
        "type": "Opaque",
        "metadata": {
            "namespace": space, "name": name, "labels": label, "annotations": annotations,
            "finalizers": [names::FINALIZER],
        },
        "data": {"MINE": "bWluZQ=="},
    })
}

/// Annotations that name a user of somebody else.
pub(super) fn record(which: u32, victim: Option<&UserKey>) -> Value {
    let admin = UserKey { project: MAIN.into(), service: "kafka".into(), username: "avnadmin".into() };
    let victim = if which.is_multiple_of(4) { &admin } else { victim.unwrap_or(&admin) };
    let UserKey { project, service, username } = victim;
    if which.is_multiple_of(5) {
        let retired =
            json!([{"project": project, "service": service, "username": username, "since": "2020-01-01T00:00:00Z"}]);
        return json!({names::RETIRED: retired.to_string()});
    }
    if which.is_multiple_of(7) {
        // Half a record.
        return json!({"kafka.aiven.nais.io/serviceUser": username});
    }
    match service.split('-').next() {
        Some("kafka") => json!({"kafka.aiven.nais.io/serviceUser": username, "kafka.aiven.nais.io/pool": project}),
        Some("opensearch") => json!({
            "opensearch.aiven.nais.io/serviceUser": username, "opensearch.aiven.nais.io/serviceName": service,
            "opensearch.aiven.nais.io/project": project,
        }),
        _ => json!({
            "c.valkey.aiven.nais.io/serviceUser": username, "c.valkey.aiven.nais.io/serviceName": service,
            "valkey.aiven.nais.io/project": project,
        }),
    }
}
