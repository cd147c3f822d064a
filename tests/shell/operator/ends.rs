//! Users that are replaced because time asks for it, and how long the ones before them stay.

use std::time::Duration;

use aivenator::sandbox::aiven::Options;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::given::{KAFKA, PROJECT, TEAM, app, kafka, pod};
use super::rig::{Operator, Rig};
use super::{Scenario, scenarios, together};

pub const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_replaced_in_time() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![
        a_renewed_certificate_is_taken_over,
        a_certificate_that_ends_gets_a_new_user,
        a_protected_certificate_that_ends_is_only_warned_about,
        old_users_are_rotated_one_after_the_other,
        a_renamed_secret_stays_while_a_pod_uses_it,
        a_replaced_user_stays_while_a_pod_holds_it,
    ]
}

/// Where Aiven renews certificates by itself, or does not.
async fn settled(spec: Value, renew: bool) -> (Rig, Operator) {
    let mut rig = Rig::with(Options { renew, ..Options::default() }).await;
    rig.settings.sync_period = SignedDuration::from_secs(2);
    rig.apply(app("web", spec));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    (rig, operator)
}

/// Gives a user a certificate that ends then, as one that was made or renewed long ago has; its password stays.
pub fn certify(rig: &Rig, user: &str, ends_in: SignedDuration) {
    let mut account = rig.sandbox.aiven.user(PROJECT, KAFKA, user).unwrap();
    let ends = rig.sandbox.aiven.now() + ends_in;
    let account = account.as_object_mut().unwrap();
    account.retain(|key, _| !key.starts_with("access_"));
    account.insert("access_cert_not_valid_after_time".into(), json!(ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    rig.sandbox.aiven.put_user(PROJECT, KAFKA, &json!(account)).unwrap();
}

fn user_of(rig: &Rig, secret: &str) -> String {
    rig.value(secret, "KAFKA_SCHEMA_REGISTRY_USER")
}

/// Whether the secret holds the certificate and the key that its user has at Aiven, and stores of them.
pub fn holds_what_aiven_has(rig: &Rig, secret: &str) -> bool {
    let Some(account) = rig.sandbox.aiven.user(PROJECT, KAFKA, &user_of(rig, secret)) else { return false };
    let held = |key: &str| Value::from(rig.value(secret, key));
    let digests = aivenator::shell::keystore::digests(
        &rig.bytes(secret, "client.keystore.p12"),
        &rig.bytes(secret, "client.truststore.jks"),
    );
    let annotations = rig.secret(secret).unwrap_or_default()["metadata"]["annotations"].clone();
    held("KAFKA_CERTIFICATE") == account["access_cert"]
        && held("KAFKA_PRIVATE_KEY") == account["access_key"]
        && annotations["aivenator.aiven.nais.io/keystores"] == *digests
}

/// The names of the users that a secret lists as replaced.
fn retired(rig: &Rig, secret: &str) -> Vec<String> {
    let annotations = rig.secret(secret).unwrap_or_default()["metadata"]["annotations"].clone();
    let list = annotations["aivenator.aiven.nais.io/retired"].as_str().unwrap_or("[]");
    let list: Vec<Value> = serde_json::from_str(list).unwrap();
    list.iter().map(|entry| entry["username"].as_str().unwrap().to_owned()).collect()
}

/// The notes of warnings for a reason.
fn warnings(rig: &Rig, reason: &str) -> Vec<String> {
    let all = rig.sandbox.kubernetes.list("events", TEAM);
    let warnings = all.iter().filter(|event| event["type"] == "Warning" && event["reason"] == reason);
    warnings.map(|event| event["note"].as_str().or(event["message"].as_str()).unwrap_or_default().to_owned()).collect()
}

/// Aiven offers a new key and certificate three months before the end: the user stays, what it has is written.
async fn a_renewed_certificate_is_taken_over() {
    let (rig, operator) = settled(kafka("web"), true).await;
    let (users, before) = (rig.users(KAFKA), rig.value("web", "KAFKA_CERTIFICATE"));
    rig.sandbox.aiven.advance(Duration::from_hours(24 * 735));
    rig.until("what is on offer is in the secret", |rig| {
        rig.value("web", "KAFKA_CERTIFICATE") != before && holds_what_aiven_has(rig, "web")
    })
    .await;
    rig.complete(&["web"]).await;
    assert_eq!((rig.users(KAFKA), retired(&rig, "web")), (users, vec![]));
    // Told after it was done, on a way of its own.
    rig.until("it is told", |rig| rig.events().contains(&"CertificateEnding".to_owned())).await;
    operator.stop().await;
}

/// Nothing is on offer and the end is near: a new user takes over, and the one before goes.
async fn a_certificate_that_ends_gets_a_new_user() {
    let (rig, operator) = settled(kafka("web"), false).await;
    let before = user_of(&rig, "web");
    certify(&rig, &before, DAY * 20);
    rig.until("another user has taken over", |rig| user_of(rig, "web") != before && rig.users(KAFKA).len() == 1).await;
    rig.complete(&["web"]).await;
    assert!(holds_what_aiven_has(&rig, "web") && retired(&rig, "web").is_empty(), "{}", rig.story());
    assert_eq!(rig.users(KAFKA), [user_of(&rig, "web")]);
    operator.stop().await;
}

/// Someone outside the cluster may use it, who would not learn of another user.
async fn a_protected_certificate_that_ends_is_only_warned_about() {
    let mut spec = kafka("web");
    spec["protected"] = json!(true);
    let (rig, operator) = settled(spec, false).await;
    let users = rig.users(KAFKA);
    certify(&rig, &users[0], DAY * 20);
    rig.until("it is said", |rig| !warnings(rig, "CertificateEnding").is_empty()).await;
    let same = |rig: &Rig| rig.users(KAFKA) == users && user_of(rig, "web") == users[0];
    rig.stays(Duration::from_secs(1), "the user stays", same).await;
    assert!(rig.is_complete("web"));
    operator.stop().await;
}

/// All of them are too old at once; at most one of so few is being replaced at a time.
async fn old_users_are_rotated_one_after_the_other() {
    let mut rig = Rig::new().await;
    rig.settings.sync_period = SignedDuration::from_secs(2);
    let names = ["one", "two", "three"];
    for name in names {
        rig.apply(app(name, kafka(name)));
    }
    let operator = rig.start();
    rig.complete(&names).await;
    let before = rig.users(KAFKA);
    for user in &before {
        certify(&rig, user, DAY * 720);
    }
    rig.until("old certificates are in the secrets", |rig| names.iter().all(|name| holds_what_aiven_has(rig, name)))
        .await;
    operator.stop().await;
    assert_eq!(rig.users(KAFKA), before, "nobody has said after which time");

    rig.settings.rotate_after = Some(DAY * 90);
    let operator = rig.start();
    let replaced = |rig: &Rig| {
        // What is listed as replaced may be gone already.
        let users = rig.users(KAFKA).len();
        assert!(users <= names.len() + 1, "{users} users at a time\n{}", rig.story());
        rig.users(KAFKA).iter().all(|user| !before.contains(user)) && rig.users(KAFKA).len() == 3
    };
    rig.until("every user is another", replaced).await;
    rig.complete(&names).await;
    assert!(rig.events().contains(&"RotationDue".to_owned()), "{:?}", rig.events());
    operator.stop().await;
}

/// What a pod has in its environment works until it is gone.
async fn a_renamed_secret_stays_while_a_pod_uses_it() {
    let (rig, operator) = settled(kafka("old"), true).await;
    let before = user_of(&rig, "old");
    rig.sandbox.kubernetes.load(pod("web-1", "old")).unwrap();
    rig.apply(app("web", kafka("new")));
    rig.until("the new secret is there", |rig| rig.is_complete("web") && rig.secret("new").is_some()).await;
    let both = |rig: &Rig| rig.secret("old").is_some() && rig.users(KAFKA).contains(&before);
    rig.stays(Duration::from_millis(2_500), "a pod uses the old one", both).await;
    assert_eq!(rig.users(KAFKA).len(), 2);
    rig.sandbox.kubernetes.delete("pods", TEAM, "web-1").unwrap();
    rig.until("the old one goes, with its user", |rig| {
        rig.secret("old").is_none() && rig.users(KAFKA) == [user_of(rig, "new")]
    })
    .await;
    rig.complete(&["web"]).await;
    operator.stop().await;
}

/// A pod that started before the switch holds the old credentials, also when another uses the secret by now.
async fn a_replaced_user_stays_while_a_pod_holds_it() {
    let mut rig = Rig::with(Options { renew: false, ..Options::default() }).await;
    rig.settings.sync_period = SignedDuration::from_secs(2);
    rig.settings.retire_cap = SignedDuration::from_secs(2);
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    let before = user_of(&rig, "web");
    rig.sandbox.kubernetes.load(pod("web-1", "web")).unwrap();
    certify(&rig, &before, DAY * 20);
    rig.until("another user has taken over", |rig| user_of(rig, "web") != before).await;
    let mut later = pod("web-2", "web");
    let started = rig.sandbox.aiven.now() + SignedDuration::from_mins(5);
    later["status"]["startTime"] = json!(started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    rig.sandbox.kubernetes.load(later).unwrap();
    let both = |rig: &Rig| rig.users(KAFKA).contains(&before) && retired(rig, "web") == [before.clone()];
    rig.stays(Duration::from_millis(2_500), "a pod holds the old one", both).await;
    rig.until("it is said who", |rig| warnings(rig, "Retiring").iter().any(|note| note.contains("web-1"))).await;
    assert!(warnings(&rig, "Retiring").iter().all(|note| !note.contains("web-2")));
    rig.sandbox.kubernetes.delete("pods", TEAM, "web-1").unwrap();
    rig.until("the old one goes", |rig| rig.users(KAFKA) == [user_of(rig, "web")]).await;
    rig.complete(&["web"]).await;
    assert!(retired(&rig, "web").is_empty());
    operator.stop().await;
}
