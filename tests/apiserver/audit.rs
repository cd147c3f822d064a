//! What the operator asks for in a day, held against what it may do: by the audit log of the server.

use std::collections::BTreeSet;

use aivenator::shell::rights::{AT_HOME, EVERYWHERE};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::admission::Policies;
use super::server::Server;
use super::{assets, with_the_real_server};
use crate::shell::operator::given::{KAFKA, SEARCH, TEAM, VALKEY, app, kafka, search, valkey};
use crate::shell::operator::place::Cluster;
use crate::shell::operator::rig::{Rig, edit};

/// A verb on a resource of a group, for one object or any.
type Right = (String, String, String, Option<String>);

/// No verb is granted that is never used, none is used that is not granted, and each is asked for at the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_used_is_what_is_granted() {
    if assets().is_none() {
        return;
    }
    with_the_real_server(async {
        let rig = Rig::new().await;
        let Cluster::Real(lent) = &rig.sandbox.kubernetes else { panic!("it is real") };
        // What policies forbid to the operator would stop it here.
        let policies = Policies::put(lent);
        let before = audited(lent.server()).len();
        a_day(&rig).await;
        drop(policies);
        let log = audited(lent.server());
        let refused: Vec<&Value> = log[before..].iter().filter(|it| it["responseStatus"]["code"] == 403).collect();
        assert!(refused.is_empty(), "{refused:?}");
        let used = used(&log[before..]);
        let granted = granted(&lent.server().roles);
        let missing: Vec<_> = used.difference(&granted).collect();
        let too_much: Vec<_> = granted.difference(&used).collect();
        assert!(missing.is_empty() && too_much.is_empty(), "not granted: {missing:?}\nnever used: {too_much:?}");
        let without_names = |rights: BTreeSet<Right>| -> BTreeSet<[String; 3]> {
            rights.into_iter().map(|(verb, group, resource, _)| [verb, group, resource]).collect()
        };
        assert_eq!(without_names(granted), asked_for());
    })
    .await;
}

/// Whatever the operator does, it does here: with a lease, for each service, with ends of every kind.
async fn a_day(rig: &Rig) {
    let mut config = rig.config();
    config.candidate = Some("one".to_owned());
    config.janitor_interval = SignedDuration::from_secs(2);
    rig.apply(app("web", kafka("web")));
    rig.apply(app("index", search("read", "index")));
    rig.apply(app("cache", valkey("read", "cache")));
    let operator = rig.run(config);
    rig.complete(&["web", "index", "cache"]).await;

    // The same thing happens twice, which gives an event that counts.
    for _ in 0..2 {
        rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), edit("KAFKA_BROKERS", "x")).unwrap();
        rig.until("it is put back", |rig| rig.value("web", "KAFKA_BROKERS") == "kafka.example:26484").await;
    }
    let mut ends = app("cache", valkey("write", "cache"));
    let moment = rig.sandbox.aiven.now() + SignedDuration::from_secs(3);
    ends["spec"]["expiresAt"] = json!(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    rig.apply(ends);
    rig.apply(app("index", search("write", "another")));
    rig.sandbox.kubernetes.delete("secrets", TEAM, "web").unwrap();
    rig.until("what has ended is gone", |rig| {
        rig.application("cache").is_null() && ["cache", "index"].iter().all(|name| rig.secret(name).is_none())
    })
    .await;
    rig.complete(&["web", "index"]).await;
    for name in ["web", "index"] {
        rig.sandbox.kubernetes.delete("aivenapplications", TEAM, name).unwrap();
    }
    rig.until("everything is gone", |rig| {
        rig.sandbox.kubernetes.list("secrets", TEAM).is_empty()
            && [KAFKA, SEARCH, VALKEY].iter().all(|service| rig.users(service).is_empty())
            && rig.journal().is_empty()
    })
    .await;
    operator.stop().await;
}

/// Every request of the operator, as the server has written it down.
fn audited(server: &Server) -> Vec<Value> {
    let text = std::fs::read_to_string(&server.audit).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What was asked for, but for one's own rights.
fn used(log: &[Value]) -> BTreeSet<Right> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut used = BTreeSet::new();
    for entry in log {
        let about = &entry["objectRef"];
        let mut resource = text(&about["resource"]);
        if resource == "selfsubjectaccessreviews" {
            continue;
        }
        assert!(!resource.is_empty(), "something besides resources: {}", entry["requestURI"]);
        if let Some(of) = about["subresource"].as_str() {
            resource = format!("{resource}/{of}");
        }
        let is_named = ["configmaps", "leases", "namespaces"].contains(&resource.as_str()) && entry["verb"] != "create";
        let name = is_named.then(|| text(&about["name"]));
        let at_home = ["configmaps", "leases"].contains(&resource.as_str());
        assert!(!at_home || about["namespace"] == "aivenator", "{entry}");
        used.insert((text(&entry["verb"]), text(&about["apiGroup"]), resource, name));
    }
    used
}

/// What the roles of deploy/ allow.
fn granted(roles: &[Value]) -> BTreeSet<Right> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut granted = BTreeSet::new();
    for rule in roles.iter().flat_map(|role| role["rules"].as_array().unwrap()) {
        let names: Vec<Option<String>> = match rule.get("resourceNames") {
            Some(names) => texts(names).into_iter().map(Some).collect(),
            None => vec![None],
        };
        for (group, resource) in texts(&rule["apiGroups"]).iter().zip(std::iter::repeat(&rule["resources"])) {
            for resource in texts(resource) {
                for verb in texts(&rule["verbs"]) {
                    let right = |name: &Option<String>| (verb.clone(), group.clone(), resource.clone(), name.clone());
                    granted.extend(names.iter().map(right));
                }
            }
        }
    }
    granted
}

/// What the program asks for at its start.
fn asked_for() -> BTreeSet<[String; 3]> {
    let all = EVERYWHERE.iter().chain(&AT_HOME);
    all.flat_map(|(group, resource, verbs)| verbs.iter().map(|verb| [*verb, *group, *resource].map(str::to_owned)))
        .collect()
}
