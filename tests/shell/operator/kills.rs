//! Killed at each write of what `crash.rs` does not do: a user is replaced, access changes, a user is left behind, an
//! application expires.

use aivenator::sandbox::aiven::Options;
use jiff::SignedDuration;
use serde_json::json;

use super::crash::{Point, killed, points};
use super::ends::{DAY, certify, holds_what_aiven_has};
use super::given::{KAFKA, PROJECT, SEARCH, TEAM, VALKEY, app, kafka, search, valkey};
use super::rig::Rig;
use super::{Scenario, together};

/// A scenario at each point.
fn of(name: &'static str, writes: usize, run: fn(Point) -> Scenario) -> impl Iterator<Item = (String, Scenario)> {
    points(writes).map(move |point| (format!("{name} at write {} {:?}", point.0, point.1), run(point)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_user_takes_over_or_gets_other_rights() {
    together(while_a_user_takes_over_or_gets_other_rights()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_something_goes() {
    together(while_something_goes()).await;
}

pub fn while_a_user_takes_over_or_gets_other_rights() -> Vec<(String, Scenario)> {
    let rotated = of("rotated", 12, |point| Box::pin(rotated(point)));
    rotated.chain(of("changed", 7, |point| Box::pin(changed(point)))).collect()
}

pub fn while_something_goes() -> Vec<(String, Scenario)> {
    let left = of("left", 6, |point| Box::pin(left(point)));
    left.chain(of("expired", 8, |point| Box::pin(expired(point)))).collect()
}

/// What follows is right whenever it was killed; and the last point is past everything.
async fn killed_or_not(rig: &Rig, point: Point, what: &str, done: impl Fn(&Rig) -> bool) {
    killed(rig, point, &done).await;
    let operator = rig.start();
    rig.until(what, &done).await;
    operator.stop().await;
}

/// The one before is not forgotten, and goes; the secret has one whole user at any time.
async fn rotated(point: Point) {
    let rig = Rig::with(Options { renew: false, ..Options::default() }).await;
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    operator.stop().await;
    let before = rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER");
    certify(&rig, &before, DAY * 20);
    let done = |rig: &Rig| {
        let now = rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER");
        now != before && rig.users(KAFKA) == [now] && rig.is_complete("web") && rig.journal().is_empty()
    };
    killed_or_not(&rig, point, "another user has taken over", done).await;
    assert!(holds_what_aiven_has(&rig, "web"), "{}", rig.story());
    rig.nobody_is_lost();
}

/// Two services in one secret; more rights, then fewer again.
async fn changed(point: Point) {
    let rig = Rig::new().await;
    let spec = |access: &str| {
        let mut spec = search(access, "web");
        spec["valkey"] = valkey(access, "web")["valkey"].clone();
        spec
    };
    rig.apply(app("web", spec("read")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    operator.stop().await;
    let users = (rig.users(SEARCH), rig.users(VALKEY));
    for access in ["readwrite", "read"] {
        rig.apply(app("web", spec(access)));
        let done = |rig: &Rig| {
            let rules = &rig.acl()[&users.0[0]];
            let valkey = rig.sandbox.aiven.user(PROJECT, VALKEY, &users.1[0]).unwrap_or_default();
            let categories = valkey["access_control"]["valkey_acl_categories"].as_array();
            let writes = categories.is_some_and(|all| all.contains(&json!("+@write")));
            rig.is_complete("web")
                && rules.as_array().unwrap().iter().all(|rule| rule["permission"] == access)
                && writes == (access == "readwrite")
                && rig.journal().is_empty()
        };
        killed_or_not(&rig, point, access, done).await;
        assert_eq!((rig.users(SEARCH), rig.users(VALKEY)), users, "the same users\n{}", rig.story());
    }
}

/// A person lets a secret go without its user: it is noted before nobody can know of it any more.
async fn left(point: Point) {
    let rig = Rig::new().await;
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    operator.stop().await;
    let user = rig.users(KAFKA);
    let note = json!({"metadata": {"annotations": {"aivenator.aiven.nais.io/skip-cleanup": "true"}}});
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), note).unwrap();
    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "web").unwrap();
    rig.sandbox.kubernetes.delete("secrets", TEAM, "web").unwrap();
    let noted = |rig: &Rig| {
        let entries = rig.journal();
        entries.len() == 1 && entries[0].contains(&user[0]) && entries[0].contains("reason")
    };
    // At no moment is the secret gone and nothing noted.
    let done = |rig: &Rig| {
        let gone = rig.secret("web").is_none();
        assert!(!gone || noted(rig), "{}", rig.story());
        gone
    };
    killed_or_not(&rig, point, "the secret is gone", done).await;
    assert_eq!(rig.users(KAFKA), user);
}

/// The application, its secret, its user and its rules go.
async fn expired(point: Point) {
    let rig = Rig::new().await;
    let mut short = app("web", search("read", "web"));
    rig.apply(short.clone());
    let operator = rig.start();
    rig.complete(&["web"]).await;
    operator.stop().await;
    let end = rig.sandbox.aiven.now() + SignedDuration::from_secs(1);
    short["spec"]["expiresAt"] = json!(end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    rig.apply(short);
    let done = |rig: &Rig| {
        rig.secret("web").is_none()
            && rig.users(SEARCH).is_empty()
            && rig.journal().is_empty()
            && rig.application("web").is_null()
    };
    killed_or_not(&rig, point, "everything is gone", done).await;
    assert!(rig.acl().keys().all(|name| !name.starts_with("shop-")), "{:?}", rig.acl());
}
