//! Who did what at Aiven, and why: the log says each change once, and the server has seen just these.

use std::collections::BTreeMap;

use aivenator::sandbox::aiven::Operation;
use aivenator::sandbox::faults::{Effect, Rule};
use axum::http::Method;
use serde_json::Value;

use super::given::{KAFKA, PROJECT, SEARCH, TEAM, VALKEY, app, kafka, search, valkey};
use super::rig::Rig;
use super::{Scenario, scenarios, together};

/// A line of the log that tells of a change.
#[derive(Debug)]
struct Told {
    fields: BTreeMap<String, String>,
    text: String,
}

impl Told {
    fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }
}

fn told(rig: &Rig) -> Vec<Told> {
    let log = rig.log.text();
    let lines = log.lines().filter(|line| line.contains(" outcome="));
    let fields = |line: &str| {
        let words = line.split_whitespace().filter_map(|word| word.split_once('='));
        words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    lines.map(|line| Told { fields: fields(line), text: line.to_owned() }).collect()
}

/// What the server has done for users, in order: what, on which service, whose.
fn seen(rig: &Rig) -> Vec<(&'static str, String, String)> {
    let records = rig.sandbox.aiven.records();
    let done = records.iter().filter(|it| it.status == Some(200) || it.fault == Some("answer lost"));
    let named = done.filter_map(|it| {
        let action = match it.call.operation {
            Operation::UserCreate => "create_user",
            Operation::UserDelete => "delete_user",
            Operation::UserModify => "set_access",
            _ => return None,
        };
        Some((action, it.call.service.clone(), it.call.user.clone()))
    });
    named.collect()
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_told_once_and_nothing_else() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![every_change]
}

async fn every_change() {
    let rig = Rig::new().await;
    let secrets = format!("/api/v1/namespaces/{TEAM}/secrets");
    let refused = Rule::new(Effect::status(500)).method(Method::POST).under(secrets).next(1);
    rig.sandbox.faults.add(refused);
    let lost = Rule::new(Effect::LoseAnswer).method(Method::POST).containing(format!("{VALKEY}/user")).next(1);
    rig.sandbox.aiven.faults().add(lost);
    let operator = rig.start();
    rig.apply(app("one", kafka("one")));
    rig.apply(app("two", search("read", "two")));
    rig.apply(app("three", valkey("read", "three")));
    rig.complete(&["one", "two", "three"]).await;
    rig.apply(app("two", search("readwrite", "two")));
    rig.apply(app("three", valkey("admin", "three")));
    rig.complete(&["one", "two", "three"]).await;
    // Another secret, another user; and one that goes.
    rig.apply(app("one", kafka("other")));
    rig.until("the first secret is gone", |rig| rig.secret("one").is_none() && rig.users(KAFKA).len() == 1).await;
    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "two").unwrap();
    rig.until("its user is gone", |rig| rig.users(SEARCH).is_empty() && rig.secret("two").is_none()).await;
    rig.complete(&["one", "three"]).await;
    // Events follow, and nobody waits for them.
    rig.until("each change is an event, too", |rig| told(rig).iter().all(|line| is_an_event(rig, line))).await;
    operator.stop().await;

    let told = told(&rig);
    for line in &told {
        assert!(["done", "unknown"].contains(&line.get("outcome")), "{}", line.text);
        for field in ["subject", "reason", "action", "team"] {
            assert!(!line.get(field).is_empty(), "{field}: {}", line.text);
        }
        assert!(!line.get("secret_name").is_empty() || line.get("action") == "delete_application", "{}", line.text);
    }
    let users: Vec<_> = told.iter().filter(|line| !line.get("user").is_empty()).collect();
    assert!(users.iter().all(|line| line.get("project") == PROJECT && !line.get("service").is_empty()));
    let of_users = users.iter().map(|line| (line.get("action"), line.get("service"), line.get("user")));
    let of_users = of_users.filter(|(action, ..)| ["create_user", "delete_user", "set_access"].contains(action));
    let of_users = of_users.map(|(action, service, user)| (action.to_owned(), service.to_owned(), user.to_owned()));
    let seen = seen(&rig).into_iter().map(|(action, service, user)| (action.to_owned(), service, user));
    assert_eq!(sorted(of_users.collect()), sorted(seen.collect()), "{}", rig.story());
    rules_follow_from_what_was_told(&rig, &told);
    let unknown = told.iter().filter(|line| line.get("outcome") == "unknown").count();
    assert!(unknown >= 1, "the creation whose answer was lost");
}

/// The grants and revocations that were told, one after the other, give the document as it is.
fn rules_follow_from_what_was_told(rig: &Rig, told: &[Told]) {
    let mut rules: Vec<String> = vec![];
    for line in told {
        let user = line.get("user").to_owned();
        match line.get("action") {
            "grant_acl" => rules.push(user),
            "revoke_acl" => rules.retain(|other| *other != user),
            _ => {}
        }
    }
    let granted = told.iter().filter(|line| line.get("action") == "grant_acl").count();
    assert!(granted >= 2 && told.iter().any(|line| line.get("action") == "enable_acl"), "{told:#?}");
    rules.dedup();
    let found: Vec<String> = rig.acl().into_keys().filter(|user| user.starts_with(TEAM)).collect();
    assert_eq!(sorted(rules), found);
}

/// Whether a change that was done to a user stands in an event, with the same reason.
fn is_an_event(rig: &Rig, line: &Told) -> bool {
    let text = |event: &Value, member: &str| event[member].as_str().unwrap_or_default().to_owned();
    let is_it = |event: &Value| {
        text(event, "reason") == line.get("reason")
            && (text(event, "note") + &text(event, "message")).contains(line.get("user"))
    };
    let is_meant = line.get("outcome") == "done" && !line.get("user").is_empty();
    !is_meant || rig.sandbox.kubernetes.list("events", "").iter().any(is_it)
}
