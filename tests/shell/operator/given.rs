//! What the sandboxes of these tests hold, as people would write it.

use aivenator::naming::{Prefix, suffixes};
use aivenator::world::AppKey;
use serde_json::{Value, json};

pub const PROJECT: &str = "dev-nais-dev";
pub const TEAM: &str = "shop";
pub const KAFKA: &str = "kafka";
pub const SEARCH: &str = "opensearch-shop-search";
pub const VALKEY: &str = "valkey-shop-cache";

/// One service of each type, and the instances of the team.
pub fn documents() -> Vec<Value> {
    let component = |component: &str, usage: &str, port: u16| {
        let host =
            if usage == "replica" { format!("replica.{component}.example") } else { format!("{component}.example") };
        json!({"component": component, "usage": usage, "route": "dynamic", "host": host, "port": port})
    };
    let mut certificate = component("kafka", "primary", 26484);
    certificate["kafka_authentication_method"] = json!("certificate");
    let mut sasl = component("kafka", "primary", 26400);
    sasl["kafka_authentication_method"] = json!("sasl");
    let services = json!([
        {"service_name": KAFKA, "service_type": "kafka", "state": "RUNNING",
         "components": [sasl, certificate, component("schema_registry", "primary", 26487)]},
        {"service_name": SEARCH, "service_type": "opensearch", "state": "RUNNING",
         "components": [component("opensearch", "primary", 26482), component("opensearch_dashboards", "primary", 443)]},
        {"service_name": VALKEY, "service_type": "valkey", "state": "RUNNING",
         "components": [component("valkey", "primary", 26483), component("valkey", "replica", 26489)]},
    ]);
    let instance = |kind: &str, name: &str| {
        json!({"apiVersion": "aiven.io/v1alpha1", "kind": kind, "metadata": {"namespace": TEAM, "name": name},
               "status": {"state": "RUNNING"}})
    };
    vec![
        json!({"apiVersion": "aivenator.aiven.nais.io/v1", "kind": "AivenProject", "metadata": {"name": PROJECT},
               "ca": "present", "services": services}),
        instance("OpenSearch", SEARCH),
        instance("Valkey", VALKEY),
    ]
}

/// An application of the team.
pub fn app(name: &str, spec: Value) -> Value {
    let mut object = json!({"apiVersion": "aiven.nais.io/v1", "kind": "AivenApplication",
                            "metadata": {"namespace": TEAM, "name": name}});
    object["spec"] = spec;
    object
}

/// A spec that asks for Kafka in a secret.
pub fn kafka(secret: &str) -> Value {
    json!({"kafka": {"pool": PROJECT, "secretName": secret}})
}

/// A spec that asks for OpenSearch in a secret.
pub fn search(access: &str, secret: &str) -> Value {
    json!({"openSearch": {"instance": SEARCH, "access": access, "secretName": secret}})
}

/// A spec that asks for Valkey in a secret.
pub fn valkey(access: &str, secret: &str) -> Value {
    json!({"valkey": [{"instance": "cache", "access": access, "secretName": secret}]})
}

/// A pod that runs, and gets a secret by its environment.
pub fn pod(name: &str, secret: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": TEAM, "name": name},
           "spec": {"containers": [{"name": "app", "image": "app", "env": [{"name": "A",
               "valueFrom": {"secretKeyRef": {"name": secret, "key": "AIVEN_CA"}}}]}]},
           "status": {"phase": "Running"}})
}

/// What a rollback needs: it runs nothing, and its template names a secret.
pub fn replica_set(name: &str, secret: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"namespace": TEAM, "name": name},
           "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": {
               "metadata": {"labels": {"app": name}},
               "spec": {"containers": [{"name": "app", "image": "app", "envFrom": [{"secretRef": {"name": secret}}]}]}}}})
}

/// The user name that is tried first for an application that asks for Kafka.
pub fn first_candidate(name: &str) -> String {
    let prefix = Prefix::kafka(&AppKey { namespace: TEAM.into(), name: name.into() });
    prefix.username(&suffixes(1, name, None).next().unwrap())
}
