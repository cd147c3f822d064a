//! What goes wrong with Aiven, and what is there all the same in the end; see tests/FAULTS.md.

use std::time::Duration;

use aivenator::sandbox::aiven::{Lag, Operation, Options};
use aivenator::sandbox::faults::{Effect, Rule};
use axum::http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::given::{KAFKA, PROJECT, SEARCH, TEAM, VALKEY, app, first_candidate, kafka, search, valkey};
use super::rig::{Operator, Rig};
use super::{Scenario, scenarios, together};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aiven_fails() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![
        the_answer_to_a_creation_is_lost,
        the_answer_to_a_creation_is_garbled,
        a_creation_is_not_done,
        a_name_is_taken,
        a_name_is_taken_and_does_not_show,
        the_token_is_refused,
        it_asks_for_patience,
        it_has_a_storm,
        the_answers_to_changes_are_lost,
        a_service_disappears,
        credentials_are_not_ready,
        everything_is_shown_to_everybody,
    ]
}

/// One application for Kafka, under faults that begin before the operator.
pub async fn beset<T>(fault: impl FnOnce(&Rig) -> T) -> (Rig, Operator) {
    let rig = Rig::new().await;
    fault(&rig);
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    (rig, operator)
}

/// In the end there is one user, the secret has it, and nothing else is left.
pub async fn well_in_the_end(rig: &Rig, operator: Operator) {
    rig.complete(&["web"]).await;
    assert_eq!(rig.users(KAFKA), [rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER")], "{}", rig.story());
    let user = rig.sandbox.aiven.user(PROJECT, KAFKA, &rig.users(KAFKA)[0]).unwrap();
    assert_eq!(rig.value("web", "KAFKA_PRIVATE_KEY"), user["access_key"].as_str().unwrap());
    assert_eq!(rig.value("web", "KAFKA_SCHEMA_REGISTRY_PASSWORD"), user["password"].as_str().unwrap());
    operator.stop().await;
}

fn of_user(effect: Effect, method: Method) -> Rule {
    Rule::new(effect).method(method).containing("/user")
}

async fn the_answer_to_a_creation_is_lost() {
    let lost = |rig: &Rig| rig.sandbox.aiven.faults().add(of_user(Effect::LoseAnswer, Method::POST).next(1));
    let (rig, operator) = beset(lost).await;
    rig.complete(&["web"]).await;
    assert_eq!(rig.sandbox.aiven.count(Operation::UserCreate), 1, "adopted, not made again");
    well_in_the_end(&rig, operator).await;
}

async fn the_answer_to_a_creation_is_garbled() {
    let garbled = |rig: &Rig| rig.sandbox.aiven.faults().add(of_user(Effect::Garbage, Method::POST).next(1));
    let (rig, operator) = beset(garbled).await;
    well_in_the_end(&rig, operator).await;
}

async fn a_creation_is_not_done() {
    let dropped = |rig: &Rig| {
        rig.sandbox.aiven.faults().add(of_user(Effect::Drop, Method::POST).next(1));
        rig.sandbox.aiven.faults().add(of_user(Effect::status(500), Method::POST).next(1));
    };
    let (rig, operator) = beset(dropped).await;
    well_in_the_end(&rig, operator).await;
}

/// Whoever has the name keeps it, and what it is for.
async fn a_name_is_taken() {
    let name = first_candidate("web");
    let foreign = json!({"username": name, "password": "of-somebody-else"});
    let (rig, operator) = beset(|rig| rig.sandbox.aiven.put_user(PROJECT, KAFKA, &foreign).unwrap()).await;
    rig.until("complete", |rig| rig.is_complete("web") && rig.journal().is_empty()).await;
    next_to_a_foreign_one(&rig, &name);
    operator.stop().await;
}

fn next_to_a_foreign_one(rig: &Rig, foreign: &str) {
    let own = rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER");
    let mut expected = vec![own.clone(), foreign.to_owned()];
    expected.sort();
    assert_eq!(rig.users(KAFKA), expected);
    let user = rig.sandbox.aiven.user(PROJECT, KAFKA, foreign).unwrap();
    assert_ne!(own, foreign);
    assert_ne!(rig.value("web", "KAFKA_SCHEMA_REGISTRY_PASSWORD"), user["password"].as_str().unwrap());
    let touched = rig.sandbox.aiven.records();
    let touched = touched.iter().filter(|it| it.call.user == foreign && it.call.operation.writes());
    assert!(touched.filter(|it| it.status == Some(200)).count() <= 1, "but for its own creation");
}

/// Reads do not show it yet: only the creation says that it is there.
async fn a_name_is_taken_and_does_not_show() {
    let lag = Lag { create: Duration::from_secs(4), ..Lag::default() };
    let rig = Rig::with(Options { lag, ..Options::default() }).await;
    let name = first_candidate("web");
    let path = format!("{}/v1/project/{PROJECT}/service/{KAFKA}/user", rig.sandbox.aiven.url());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = format!("aivenv1 {}", rig.sandbox.aiven.token());
    let made = client.post(path).header("Authorization", token).json(&json!({"username": name})).send().await.unwrap();
    assert_eq!(made.status().as_u16(), 200);
    let password = rig.sandbox.aiven.user(PROJECT, KAFKA, &name).unwrap()["password"].clone();
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    rig.until("complete", |rig| rig.is_complete("web") && rig.journal().is_empty()).await;
    let conflicts = rig.sandbox.aiven.counts().get(&(Operation::UserCreate, Some(409))).copied();
    assert_eq!(conflicts, Some(1), "{}", rig.story());
    next_to_a_foreign_one(&rig, &name);
    assert_eq!(rig.sandbox.aiven.user(PROJECT, KAFKA, &name).unwrap()["password"], password);
    operator.stop().await;
}

async fn the_token_is_refused() {
    let (rig, operator) = beset(|rig| rig.sandbox.aiven.refuse_token(true)).await;
    rig.apply(app("search", search("read", "search")));
    rig.until("asked in vain", |rig| rig.sandbox.aiven.counts().iter().any(|((_, status), _)| *status == Some(403)))
        .await;
    let seldom = |rig: &Rig| rig.sandbox.aiven.counts().values().sum::<u64>() < 20;
    rig.stays(Duration::from_millis(1_500), "it is not asked on and on", seldom).await;
    assert!(rig.secret("web").is_none() && rig.users(KAFKA).is_empty());
    rig.sandbox.aiven.refuse_token(false);
    rig.complete(&["search"]).await;
    well_in_the_end(&rig, operator).await;
}

/// Then nothing is asked with that token until it may be.
async fn it_asks_for_patience() {
    let slow = |rig: &Rig| rig.sandbox.aiven.faults().add(of_user(Effect::too_many(3), Method::POST).next(1));
    let (rig, operator) = beset(slow).await;
    rig.until("it was asked", |rig| rig.sandbox.aiven.counts().contains_key(&(Operation::UserCreate, Some(429)))).await;
    rig.apply(app("search", search("read", "search")));
    rig.complete(&["web", "search"]).await;
    let records = rig.sandbox.aiven.records();
    let told = records.iter().find(|it| it.status == Some(429)).unwrap().at;
    let under_way = SignedDuration::from_millis(500);
    let early =
        records.iter().filter(|it| it.at > told + under_way && it.at < told + SignedDuration::from_millis(2_900));
    assert_eq!(early.count(), 0, "{}", rig.story());
    well_in_the_end(&rig, operator).await;
}

/// Every second request fails, in every way, for a while: of many applications none has more or less than it should.
async fn it_has_a_storm() {
    let rig = Rig::new().await;
    let faults = rig.sandbox.aiven.faults();
    let effects = [Effect::status(503), Effect::LoseAnswer, Effect::Drop, Effect::status(500)];
    let effects = effects.map(|effect| faults.add(Rule::new(effect).chance(0.15)));
    let names: Vec<String> = (0..9).map(|number| format!("app-{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let spec = match number % 3 {
            0 => kafka(name),
            1 => search("readwrite", name),
            _ => valkey("read", name),
        };
        rig.apply(app(name, spec));
    }
    let operator = rig.start();
    rig.until("it was felt again and again, or nothing is left to do", |rig| {
        let felt: u64 = effects.iter().map(|effect| rig.sandbox.aiven.faults().hits(*effect)).sum();
        felt >= 20 || names.iter().all(|name| rig.is_complete(name))
    })
    .await;
    rig.sandbox.aiven.faults().clear();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.complete(&names).await;
    for service in [KAFKA, SEARCH, VALKEY] {
        assert_eq!(rig.users(service).len(), 3, "{}", rig.story());
    }
    assert_eq!(rig.acl().keys().filter(|name| name.starts_with("shop-")).count(), 3, "{:?}", rig.acl());
    operator.stop().await;
}

async fn the_answers_to_changes_are_lost() {
    let rig = Rig::new().await;
    rig.apply(app("web", search("readwrite", "web")));
    rig.apply(app("cache", valkey("readwrite", "cache")));
    let faults = rig.sandbox.aiven.faults();
    faults.add(Rule::new(Effect::LoseAnswer).method(Method::PUT).containing("/acl").next(2));
    let operator = rig.start();
    rig.complete(&["web", "cache"]).await;
    let faults = rig.sandbox.aiven.faults();
    faults.add(of_user(Effect::LoseAnswer, Method::PUT).next(1));
    faults.add(Rule::new(Effect::LoseAnswer).method(Method::PUT).containing("/acl").next(1));
    rig.apply(app("web", search("read", "web")));
    rig.apply(app("cache", valkey("read", "cache")));
    rig.complete(&["web", "cache"]).await;
    assert_eq!(rig.acl()[&rig.users(SEARCH)[0]][0]["permission"], "read");
    let user = rig.sandbox.aiven.user(PROJECT, VALKEY, &rig.users(VALKEY)[0]).unwrap();
    assert_eq!(user["access_control"]["valkey_acl_categories"].as_array().unwrap().len(), 6);

    let deleted = rig.sandbox.aiven.faults().add(of_user(Effect::LoseAnswer, Method::DELETE).next(2));
    for name in ["web", "cache"] {
        rig.sandbox.kubernetes.delete("aivenapplications", TEAM, name).unwrap();
    }
    rig.until("everything is gone", |rig| {
        let none = rig.secret("web").is_none() && rig.secret("cache").is_none();
        none && rig.users(SEARCH).is_empty() && rig.users(VALKEY).is_empty() && rig.journal().is_empty()
    })
    .await;
    assert_eq!(rig.sandbox.aiven.faults().hits(deleted), 2);
    assert!(rig.acl().keys().all(|name| !name.starts_with("shop-")));
    operator.stop().await;
}

/// Who has all that it needs is not told; who needs more is; and what was there is given up.
async fn a_service_disappears() {
    let mut rig = Rig::new().await;
    rig.settings.sync_period = SignedDuration::from_secs(1);
    rig.apply(app("web", search("read", "web")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    let (secret, app_before) = (rig.secret("web"), rig.application("web"));
    rig.sandbox.aiven.remove_service(PROJECT, SEARCH);
    rig.apply(app("late", search("read", "late")));
    rig.until("the late one is told", |rig| rig.status("late").1 == ["ServiceNotFound"]).await;
    rig.stays(Duration::from_millis(1_500), "the other has what it had", |rig| {
        rig.secret("web") == secret && rig.application("web")["status"] == app_before["status"]
    })
    .await;
    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "web").unwrap();
    rig.until("the secret is gone", |rig| rig.secret("web").is_none()).await;
    operator.stop().await;
}

async fn credentials_are_not_ready() {
    let lag = Lag { empty_passwords: 4, ..Lag::default() };
    let rig = Rig::with(Options { lag, ..Options::default() }).await;
    rig.apply(app("web", search("read", "web")));
    rig.apply(app("stream", kafka("stream")));
    let operator = rig.start();
    rig.until("it is said", |rig| rig.status("web").1 == ["CredentialsNotReady"]).await;
    assert!(rig.secret("web").is_none(), "nothing is published half");
    rig.complete(&["web", "stream"]).await;
    let user = rig.sandbox.aiven.user(PROJECT, SEARCH, &rig.users(SEARCH)[0]).unwrap();
    assert_eq!(rig.value("web", "OPEN_SEARCH_PASSWORD"), user["password"].as_str().unwrap());
    assert_eq!((rig.users(SEARCH).len(), rig.users(KAFKA).len()), (1, 1));
    operator.stop().await;
}

/// As before March 2027; then what is asked without a word about secrets has them all the same.
async fn everything_is_shown_to_everybody() {
    let rig = Rig::with(Options { redact: false, ..Options::default() }).await;
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    well_in_the_end(&rig, operator).await;
    let whole = rig.sandbox.aiven.records();
    assert!(whole.iter().all(|it| it.call.operation != Operation::ServiceGet || !it.call.secrets));
}
