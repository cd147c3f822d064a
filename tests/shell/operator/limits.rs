//! What may only be had so often: deletions in one plan, users of a service, places in a document, a name.

use std::time::Duration;

use aivenator::sandbox::aiven::{Operation, Options};
use aivenator::world::DeletionCap;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::given::{KAFKA, PROJECT, SEARCH, TEAM, app, documents, kafka, search};
use super::process::{served, shows};
use super::rig::Rig;
use super::{Scenario, scenarios, together};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_a_limit() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![
        one_plan_deletes_only_so_many,
        a_service_has_as_many_users_as_it_may_have,
        the_document_has_no_place,
        the_last_place_goes_to_one,
        two_applications_want_one_secret,
    ]
}

/// Somebody deletes most applications at once: nothing follows before a person has looked at it.
async fn one_plan_deletes_only_so_many() {
    let mut rig = Rig::new().await;
    rig.settings.max_deletions = DeletionCap::Count(2);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        rig.apply(app(name, kafka(name)));
    }
    let operator = rig.start();
    rig.complete(&names).await;
    operator.stop().await;
    let users = rig.users(KAFKA);
    for name in names {
        rig.sandbox.kubernetes.delete("aivenapplications", TEAM, name).unwrap();
    }
    let (config, address) = served(&rig);
    let operator = rig.run(config);
    rig.until("it is said of each", |rig| {
        rig.events().into_iter().filter(|reason| reason == "DeletionLimit").count() == names.len()
    })
    .await;
    let all = |rig: &Rig| rig.users(KAFKA) == users && names.iter().all(|name| rig.secret(name).is_some());
    rig.stays(Duration::from_secs(1), "nothing is deleted", all).await;
    shows(address, "\naivenator_deletions_withheld 5\n").await;

    // Three were a mistake; two are as many as may be.
    for name in &names[..3] {
        rig.apply(app(name, kafka(name)));
    }
    rig.until("the others go", |rig| rig.users(KAFKA).len() == 3 && rig.secret("d").is_none()).await;
    rig.complete(&names[..3]).await;
    assert!(rig.users(KAFKA).iter().all(|user| users.contains(user)), "the same as before");
    shows(address, "\naivenator_deletions_withheld 0\n").await;
    operator.stop().await;
}

/// Who comes last waits, asks seldom, and gets the place of somebody who goes.
async fn a_service_has_as_many_users_as_it_may_have() {
    // One is built in.
    let mut rig = Rig::with(Options { user_limit: 3, ..Options::default() }).await;
    rig.settings.sync_period = SignedDuration::from_secs(3);
    rig.apply(app("one", kafka("one")));
    rig.apply(app("two", kafka("two")));
    let operator = rig.start();
    rig.complete(&["one", "two"]).await;
    rig.apply(app("three", kafka("three")));
    rig.apply(app("else", search("read", "else")));
    rig.until("it is said", |rig| rig.status("three") == ("RolloutFailed".to_owned(), vec!["UserLimit".to_owned()]))
        .await;
    rig.until("others are not held up", |rig| rig.is_complete("else")).await;
    let asked = rig.sandbox.aiven.count(Operation::UserCreate);
    rig.stays(Duration::from_millis(1_500), "it waits", |rig| {
        rig.secret("three").is_none() && rig.sandbox.aiven.count(Operation::UserCreate) <= asked + 1
    })
    .await;
    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "one").unwrap();
    rig.complete(&["two", "three", "else"]).await;
    rig.until("one is gone", |rig| rig.secret("one").is_none()).await;
    let mut expected =
        [rig.value("two", "KAFKA_SCHEMA_REGISTRY_USER"), rig.value("three", "KAFKA_SCHEMA_REGISTRY_USER")];
    expected.sort();
    assert_eq!(rig.users(KAFKA), expected);
    operator.stop().await;
}

/// The OpenSearch service, with so many entries of somebody else.
fn with_entries(rig: &Rig, count: usize) {
    let project = documents().into_iter().find(|it| it["kind"] == "AivenProject").unwrap();
    let mut service: Value =
        project["services"].as_array().unwrap().iter().find(|it| it["service_name"] == SEARCH).unwrap().clone();
    let entry = |number| json!({"username": format!("x{number}"), "rules": [{"index": "*", "permission": "read"}]});
    let entries: Vec<Value> = (0..count).map(entry).collect();
    service["opensearch_acl"] = json!({"enabled": true, "acls": entries});
    let kept: Vec<Value> =
        rig.users(SEARCH).iter().filter_map(|it| rig.sandbox.aiven.user(PROJECT, SEARCH, it)).collect();
    rig.sandbox.aiven.put_service(PROJECT, &service).unwrap();
    for user in kept {
        rig.sandbox.aiven.put_user(PROJECT, SEARCH, &user).unwrap();
    }
}

async fn the_document_has_no_place() {
    let mut rig = Rig::new().await;
    rig.settings.sync_period = SignedDuration::from_secs(3);
    with_entries(&rig, 512);
    rig.apply(app("web", search("read", "web")));
    rig.apply(app("stream", kafka("stream")));
    let operator = rig.start();
    rig.complete(&["stream"]).await;
    rig.until("it is said", |rig| rig.status("web") == ("RolloutFailed".to_owned(), vec!["AclFull".to_owned()])).await;
    let none = |rig: &Rig| rig.users(SEARCH).is_empty() && rig.acl().len() == 512;
    rig.stays(Duration::from_secs(1), "no user is made for which there is no place", none).await;
    with_entries(&rig, 511);
    rig.complete(&["web"]).await;
    assert_eq!(rig.users(SEARCH), [rig.value("web", "OPEN_SEARCH_USERNAME")]);
    assert_eq!(rig.acl().len(), 512);
    operator.stop().await;
}

/// Both were told that there is one.
async fn the_last_place_goes_to_one() {
    let mut rig = Rig::new().await;
    rig.settings.sync_period = SignedDuration::from_secs(3);
    with_entries(&rig, 511);
    rig.apply(app("one", search("read", "one")));
    rig.apply(app("two", search("read", "two")));
    let operator = rig.start();
    rig.until("one has it, the other is told", |rig| {
        let [one, two] = ["one", "two"].map(|name| (rig.is_complete(name), rig.status(name).1 == ["AclFull"]));
        (one.0 && two.1) || (one.1 && two.0)
    })
    .await;
    assert_eq!(rig.acl().len(), 512);
    let (first, last) = if rig.is_complete("one") { ("one", "two") } else { ("two", "one") };
    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, first).unwrap();
    rig.complete(&[last]).await;
    rig.until("only the other is left", |rig| rig.users(SEARCH) == [rig.value(last, "OPEN_SEARCH_USERNAME")]).await;
    assert_eq!(rig.acl().len(), 512, "{:?}", rig.acl().keys().filter(|name| !name.starts_with('x')));
    assert_eq!(rig.sandbox.aiven.count(Operation::UserCreate), 2, "the user of the other was kept for it");
    rig.nobody_is_lost();
    operator.stop().await;
}

/// It belongs to the one that was first; the other gets it when that one goes, with a user of its own.
async fn two_applications_want_one_secret() {
    let rig = Rig::new().await;
    let mut first = app("zeta", kafka("shared"));
    first["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    rig.sandbox.kubernetes.load(first).unwrap();
    rig.apply(app("alpha", kafka("shared")));
    let operator = rig.start();
    rig.complete(&["zeta"]).await;
    rig.until("the other is refused", |rig| {
        rig.status("alpha") == ("RolloutFailed".to_owned(), vec!["SecretContested".to_owned()])
    })
    .await;
    let label = |rig: &Rig| rig.secret("shared").unwrap_or_default()["metadata"]["labels"]["app"].clone();
    assert_eq!((label(&rig), rig.users(KAFKA).len()), (json!("zeta"), 1));
    let before = rig.value("shared", "KAFKA_SCHEMA_REGISTRY_USER");
    assert!(before.starts_with("shop_zeta_"), "{before}");
    let changes = rig.writes();
    rig.stays(Duration::from_secs(1), "they do not fight for it", |rig| rig.writes() == changes).await;

    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "zeta").unwrap();
    rig.until("it is the other's now", |rig| rig.is_complete("alpha") && label(rig) == "alpha").await;
    rig.until("the user of the first is gone", |rig| !rig.users(KAFKA).contains(&before)).await;
    rig.complete(&["alpha"]).await;
    let now = rig.value("shared", "KAFKA_SCHEMA_REGISTRY_USER");
    assert!(now.starts_with("shop_alpha_"), "{now}");
    assert_eq!(rig.users(KAFKA), [now]);
    operator.stop().await;
}
