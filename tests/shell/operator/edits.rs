//! What people do to applications, secrets and users while the operator runs, and what becomes of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::given::{KAFKA, PROJECT, SEARCH, TEAM, VALKEY, app, kafka, pod, replica_set, search, valkey};
use super::rig::{Operator, Rig, edit};
use super::{Scenario, scenarios, together};

/// What nothing protects would be gone after this time.
const PAST_GRACE: Duration = Duration::from_millis(2_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_changed() {
    together(of_applications()).await;
}

pub fn of_applications() -> Vec<(String, Scenario)> {
    scenarios![
        access_is_corrected_in_place,
        a_new_name_gives_a_new_secret_and_the_old_one_goes,
        a_service_that_is_no_longer_asked_for_goes,
        one_that_expires_goes_with_all_it_has,
        one_that_is_made_again_waits_for_its_secret,
        a_person_asks_for_a_sync,
        a_name_that_somebody_else_has_is_refused,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_changed() {
    together(of_secrets()).await;
}

pub fn of_secrets() -> Vec<(String, Scenario)> {
    scenarios![
        a_value_is_put_back,
        one_that_is_deleted_is_made_again_with_a_new_user,
        a_label_is_put_back,
        a_user_that_is_gone_is_replaced,
        a_protected_one_stays,
        one_that_a_rollback_needs_stays,
        one_that_a_pod_uses_stays,
        one_that_was_deleted_while_nobody_acted_goes,
        one_without_the_label_keeps_the_user_that_it_records,
    ]
}

async fn settled(spec: Value) -> (Rig, Operator) {
    let rig = Rig::new().await;
    rig.apply(app("web", spec));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    (rig, operator)
}

fn delete_app(rig: &Rig) {
    assert!(rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "web").unwrap());
}

async fn gone(rig: &Rig, secret: &str) {
    rig.until(&format!("{secret} gone, with its users, journal empty"), |rig| {
        let users = [KAFKA, SEARCH, VALKEY].map(|service| rig.users(service).len());
        rig.secret(secret).is_none() && users == [0, 0, 0] && rig.journal().is_empty()
    })
    .await;
}

async fn access_is_corrected_in_place() {
    let both = |access: &str| {
        let mut spec = search(access, "web-search");
        spec["valkey"] = valkey(access, "web-valkey")["valkey"].clone();
        spec
    };
    let (rig, operator) = settled(both("readwrite")).await;
    let users = (rig.users(SEARCH), rig.users(VALKEY));
    let password = rig.value("web-search", "OPEN_SEARCH_PASSWORD");
    for (access, categories) in [("read", vec!["+@read"]), ("admin", vec!["+@admin", "+@write", "+@read"])] {
        rig.apply(app("web", both(access)));
        rig.complete(&["web"]).await;
        assert_eq!((rig.users(SEARCH), rig.users(VALKEY)), users, "users stay");
        assert_eq!(rig.acl()[&users.0[0]][0]["permission"], access);
        let user = rig.sandbox.aiven.user(PROJECT, VALKEY, &users.1[0]).unwrap();
        let given = user["access_control"]["valkey_acl_categories"].as_array().unwrap().clone();
        assert_eq!(given[5..], categories.into_iter().map(Value::from).collect::<Vec<_>>());
        assert_eq!(rig.value("web-search", "OPEN_SEARCH_PASSWORD"), password);
    }
    operator.stop().await;
}

async fn a_new_name_gives_a_new_secret_and_the_old_one_goes() {
    let (rig, operator) = settled(kafka("old")).await;
    let before = rig.users(KAFKA);
    rig.apply(app("web", kafka("new")));
    rig.complete(&["web"]).await;
    rig.until("only the new secret and its user are left", |rig| {
        rig.secret("old").is_none() && rig.users(KAFKA).len() == 1 && rig.journal().is_empty()
    })
    .await;
    assert_ne!(rig.users(KAFKA), before);
    assert_eq!(rig.value("new", "KAFKA_SCHEMA_REGISTRY_USER"), rig.users(KAFKA)[0]);
    operator.stop().await;
}

async fn a_service_that_is_no_longer_asked_for_goes() {
    let mut spec = kafka("web");
    spec["openSearch"] = search("read", "web")["openSearch"].clone();
    let (rig, operator) = settled(spec).await;
    let user = rig.users(KAFKA);
    rig.apply(app("web", kafka("web")));
    rig.complete(&["web"]).await;
    rig.until("the user of OpenSearch is gone, rules too, journal empty", |rig| {
        rig.users(SEARCH).is_empty()
            && !rig.acl().keys().any(|name| name.starts_with("shop-"))
            && rig.journal().is_empty()
    })
    .await;
    let object = rig.secret("web").unwrap();
    assert!(object["data"].as_object().unwrap().keys().all(|key| !key.starts_with("OPEN_SEARCH")));
    let annotations = object["metadata"]["annotations"].as_object().unwrap();
    assert!(annotations.keys().all(|key| !key.starts_with("opensearch")), "{annotations:?}");
    assert_eq!(rig.users(KAFKA), user);
    operator.stop().await;
}

async fn one_that_expires_goes_with_all_it_has() {
    let rig = Rig::new().await;
    let mut spec = kafka("web");
    let moment = rig.sandbox.aiven.now() + SignedDuration::from_secs(6);
    spec["expiresAt"] = json!(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    rig.apply(app("web", spec));
    let operator = rig.start();
    rig.until("its secret is there", |rig| rig.secret("web").is_some()).await;
    rig.until("it is gone", |rig| rig.application("web").is_null()).await;
    assert!(rig.sandbox.aiven.now() >= moment - SignedDuration::from_secs(1), "not before its time");
    gone(&rig, "web").await;
    operator.stop().await;
}

async fn one_that_is_made_again_waits_for_its_secret() {
    let (rig, operator) = settled(kafka("web")).await;
    let held = json!({"metadata": {"finalizers": ["aivenator.aiven.nais.io/finalizer", "example.com/held"]}});
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), held).unwrap();
    delete_app(&rig);
    rig.sandbox.kubernetes.delete("secrets", TEAM, "web").unwrap();
    rig.apply(app("web", kafka("web")));
    rig.until("its user is deleted, and its secret is held by somebody else", |rig| {
        let finalizers = rig.secret("web").map(|secret| secret["metadata"]["finalizers"].clone());
        rig.users(KAFKA).is_empty() && finalizers == Some(json!(["example.com/held"]))
    })
    .await;
    let waiting = |rig: &Rig| rig.users(KAFKA).is_empty() && rig.application("web")["status"].is_null();
    rig.stays(Duration::from_secs(1), "nothing is made, nothing is said", waiting).await;
    let none: [&str; 0] = [];
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), json!({"metadata": {"finalizers": none}})).unwrap();
    rig.complete(&["web"]).await;
    assert_eq!(rig.users(KAFKA), [rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER")]);
    operator.stop().await;
}

async fn a_person_asks_for_a_sync() {
    let (rig, operator) = settled(kafka("web")).await;
    rig.quiet().await;
    let (user, updated) = (rig.users(KAFKA), rig.value("web", "AIVEN_SECRET_UPDATED"));
    let hash = rig.application("web")["status"]["synchronizationHash"].clone();
    let written: Timestamp = updated.parse().unwrap();
    rig.until("it is another second", |rig| rig.sandbox.aiven.now().as_second() > written.as_second()).await;
    let asked = json!({"status": {"synchronizationHash": ""}});
    rig.sandbox.kubernetes.patch_status(("aivenapplications", TEAM, "web"), asked).unwrap();
    rig.until("the hash is back", |rig| rig.application("web")["status"]["synchronizationHash"] == hash).await;
    rig.quiet().await;
    assert_ne!(rig.value("web", "AIVEN_SECRET_UPDATED"), updated);
    assert_eq!(rig.users(KAFKA), user);
    let patches = rig.writes().into_iter().filter(|(count, _)| count.resource == "secrets" && count.verb == "patch");
    assert_eq!(patches.map(|(_, times)| times).sum::<u64>(), 1, "once");
    operator.stop().await;
}

async fn a_name_that_somebody_else_has_is_refused() {
    let rig = Rig::new().await;
    let foreign = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": TEAM, "name": "taken"},
                         "data": {"KAFKA_BROKERS": "eA=="}});
    let before = rig.apply(foreign);
    rig.apply(app("web", kafka("taken")));
    rig.apply(app("shop", kafka("free")));
    let operator = rig.start();
    rig.complete(&["shop"]).await;
    rig.until("it is refused", |rig| rig.status("web").1 == ["SecretNotManaged"]).await;
    assert_eq!(rig.status("web").0, "RolloutFailed");
    assert_eq!(rig.secret("taken"), Some(before));
    assert_eq!(rig.users(KAFKA).len(), 1);
    operator.stop().await;
}

async fn a_value_is_put_back() {
    let (rig, operator) = settled(kafka("web")).await;
    let user = rig.users(KAFKA);
    for (key, wrong) in [("KAFKA_BROKERS", "localhost:9092"), ("KAFKA_PRIVATE_KEY", "x"), ("client.keystore.p12", "x")]
    {
        let before = rig.value("web", "KAFKA_BROKERS");
        rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), edit(key, wrong)).unwrap();
        rig.until(&format!("{key} is put back"), |rig| rig.bytes("web", key) != wrong.as_bytes()).await;
        assert_eq!(rig.value("web", "KAFKA_BROKERS"), before);
    }
    let more = json!({"data": {"MINE": "eA=="}, "metadata": {"labels": {"mine": "yes"}}});
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), more).unwrap();
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), json!({"data": {"KAFKA_CA": null}})).unwrap();
    rig.until("the CA is back", |rig| !rig.value("web", "KAFKA_CA").is_empty()).await;
    assert_eq!(rig.value("web", "MINE"), "x", "what is not ours stays");
    assert_eq!(rig.secret("web").unwrap()["metadata"]["labels"]["mine"], "yes");
    assert_eq!(rig.users(KAFKA), user);
    rig.complete(&["web"]).await;
    operator.stop().await;
}

async fn one_that_is_deleted_is_made_again_with_a_new_user() {
    let (rig, operator) = settled(search("read", "web")).await;
    let (uid, password) =
        (rig.secret("web").unwrap()["metadata"]["uid"].clone(), rig.value("web", "OPEN_SEARCH_PASSWORD"));
    rig.sandbox.kubernetes.delete("secrets", TEAM, "web").unwrap();
    rig.until("there is another secret", |rig| {
        rig.secret("web").is_some_and(|secret| secret["metadata"]["uid"] != uid) && rig.is_complete("web")
    })
    .await;
    rig.complete(&["web"]).await;
    assert_ne!(rig.value("web", "OPEN_SEARCH_PASSWORD"), password, "what was deleted is worth nothing");
    rig.until("one user, with its rules", |rig| {
        let ours: Vec<String> = rig.acl().into_keys().filter(|name| name.starts_with("shop-")).collect();
        ours == rig.users(SEARCH) && ours == [rig.value("web", "OPEN_SEARCH_USERNAME")]
    })
    .await;
    operator.stop().await;
}

async fn a_label_is_put_back() {
    let (rig, operator) = settled(kafka("web")).await;
    let user = rig.users(KAFKA);
    let stripped = json!({"metadata": {"labels": {"type": null}}});
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), stripped).unwrap();
    rig.until("the label is back", |rig| {
        rig.secret("web").is_some_and(|secret| secret["metadata"]["labels"]["type"] == "aivenator.aiven.nais.io")
    })
    .await;
    rig.complete(&["web"]).await;
    assert_eq!(rig.users(KAFKA), user);
    assert_eq!(rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER"), user[0]);
    operator.stop().await;
}

async fn a_user_that_is_gone_is_replaced() {
    let mut rig = Rig::new().await;
    rig.settings.sync_period = SignedDuration::from_secs(3);
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    let certificate = rig.value("web", "KAFKA_CERTIFICATE");
    assert!(rig.sandbox.aiven.remove_user(PROJECT, KAFKA, &rig.users(KAFKA)[0]));
    rig.until("another user", |rig| {
        rig.users(KAFKA) == [rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER")]
            && rig.value("web", "KAFKA_CERTIFICATE") != certificate
    })
    .await;
    rig.complete(&["web"]).await;
    operator.stop().await;
}

async fn a_protected_one_stays() {
    let mut spec = kafka("web");
    spec["protected"] = json!(true);
    let (rig, operator) = settled(spec).await;
    let labels = rig.secret("web").unwrap()["metadata"]["labels"].clone();
    assert_eq!(labels["aivenator.aiven.nais.io/protected"], "true");
    delete_app(&rig);
    let there = |rig: &Rig| rig.secret("web").is_some() && rig.users(KAFKA).len() == 1;
    rig.stays(PAST_GRACE, "it is protected", there).await;
    operator.stop().await;
}

async fn one_that_a_rollback_needs_stays() {
    let (rig, operator) = settled(kafka("web")).await;
    rig.apply(replica_set("web-1", "web"));
    delete_app(&rig);
    let there = |rig: &Rig| rig.secret("web").is_some() && rig.users(KAFKA).len() == 1;
    rig.stays(PAST_GRACE, "a rollback needs it", there).await;
    rig.sandbox.kubernetes.delete("replicasets", TEAM, "web-1").unwrap();
    gone(&rig, "web").await;
    operator.stop().await;
}

async fn one_that_a_pod_uses_stays() {
    let (rig, operator) = settled(valkey("read", "web")).await;
    rig.sandbox.kubernetes.load(pod("web-1", "web")).unwrap();
    delete_app(&rig);
    let there = |rig: &Rig| rig.secret("web").is_some() && rig.users(VALKEY).len() == 1;
    rig.stays(PAST_GRACE, "a pod uses it", there).await;
    let mut done = pod("web-1", "web");
    done["status"]["phase"] = json!("Succeeded");
    rig.sandbox.kubernetes.load(done).unwrap();
    gone(&rig, "web").await;
    operator.stop().await;
}

async fn one_that_was_deleted_while_nobody_acted_goes() {
    let rig = Rig::new().await;
    rig.apply(app("web", search("read", "web")));
    rig.apply(app("other", kafka("other")));
    let operator = rig.start();
    rig.complete(&["web", "other"]).await;
    operator.stop().await;
    delete_app(&rig);
    for secret in ["web", "other"] {
        rig.sandbox.kubernetes.delete("secrets", TEAM, secret).unwrap();
    }
    // The one of no watch shows: its label is stripped.
    let stripped = json!({"metadata": {"labels": {"type": null}}});
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), stripped).unwrap();
    let uid = rig.secret("other").unwrap()["metadata"]["uid"].clone();
    let operator = rig.start();
    rig.until("the one is gone, the other another", |rig| {
        let other = rig.secret("other").is_some_and(|secret| secret["metadata"]["uid"] != uid);
        rig.secret("web").is_none() && rig.users(SEARCH).is_empty() && other
    })
    .await;
    rig.complete(&["other"]).await;
    assert_eq!(rig.users(KAFKA), [rig.value("other", "KAFKA_SCHEMA_REGISTRY_USER")]);
    operator.stop().await;
}

/// A copy that somebody has made without the label, and that pods may use: no watch shows it.
async fn one_without_the_label_keeps_the_user_that_it_records() {
    let (rig, operator) = settled(kafka("web")).await;
    operator.stop().await;
    let mut copy = rig.secret("web").unwrap();
    let metadata = copy["metadata"].as_object_mut().unwrap();
    metadata.retain(|name, _| ["namespace", "annotations", "finalizers", "labels"].contains(&name.as_str()));
    metadata.insert("name".to_owned(), json!("copy"));
    metadata["labels"].as_object_mut().unwrap().remove("type");
    rig.sandbox.kubernetes.load(copy).unwrap();
    let user = rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER");

    let mut config = rig.config();
    config.janitor_interval = SignedDuration::from_secs(1);
    let operator = rig.run(config);
    rig.until("it is looked at", |rig| rig.sandbox.kubernetes.requests().iter().any(|it| it.name == "copy")).await;
    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "web").unwrap();
    rig.sandbox.kubernetes.delete("secrets", TEAM, "web").unwrap();
    rig.until("it is let go", |rig| rig.secret("web").is_none()).await;
    assert_eq!(rig.users(KAFKA), [user], "{}", rig.story());

    // Who lets the copy go lets the user go with it.
    rig.sandbox.kubernetes.delete("secrets", TEAM, "copy").unwrap();
    rig.until("nobody is left", |rig| rig.users(KAFKA).is_empty() && rig.secret("copy").is_none()).await;
    operator.stop().await;
}
