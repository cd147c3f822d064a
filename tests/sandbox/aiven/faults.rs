//! Faults: what the client sees, and whether the thing was done.

use std::time::{Duration, Instant};

use aivenator::sandbox::aiven::{Lag, Operation, Options};
use aivenator::sandbox::faults::{Effect, Rule};
use reqwest::Method;
use serde_json::json;

use super::{Api, VALKEY};

#[tokio::test]
async fn the_next_ones_that_match_are_answered_otherwise() {
    let api = Api::calm().await;
    let faults = api.aiven.faults();
    let rule = Rule::new(Effect::too_many(7)).method(Method::GET).under("/v1/project/dev/service").next(2);
    let storm = faults.add(rule);
    assert_eq!(api.get("/project/dev").await.0, 200);
    assert_eq!(api.post(&format!("{VALKEY}/user"), json!({"username": "one"})).await.0, 200);
    for _ in 0..2 {
        let response = api.request(Method::GET, VALKEY).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    }
    assert_eq!(api.get(VALKEY).await.0, 200);
    assert_eq!(faults.hits(storm), 2);
    let struck = api.aiven.records().iter().filter(|record| record.fault.is_some()).count();
    assert_eq!(struck, 2, "and it is recorded");

    let down = faults.add(Rule::new(Effect::status(503)));
    assert_eq!(api.get(VALKEY).await.0, 503);
    faults.remove(down);
    let other = faults.add(Rule::new(Effect::status(401)).path("/v1/project/dev").containing("include"));
    assert_eq!(api.get("/project/dev").await.0, 200);
    assert_eq!(api.get("/project/dev?include_secrets=true").await.0, 401);
    assert_eq!(api.get("/project/dev/service?include_secrets=true").await.0, 200);
    faults.clear();
    assert_eq!((faults.hits(storm), faults.hits(down), faults.hits(other)), (2, 1, 1));
    assert_eq!(api.get("/project/dev?include_secrets=true").await.0, 200);
}

#[tokio::test]
async fn a_lost_answer_is_to_something_done_and_a_dropped_request_is_not_done() {
    let api = Api::calm().await;
    let users = format!("{VALKEY}/user");
    let post = |name: &str| api.request(Method::POST, &users).json(&json!({"username": name})).send();
    let is_post = |effect| Rule::new(effect).method(Method::POST).next(1);

    api.aiven.faults().add(is_post(Effect::Drop));
    let error = post("dropped").await.unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(api.aiven.users("dev", "valkey"), ["default"]);

    api.aiven.faults().add(is_post(Effect::LoseAnswer));
    assert!(post("lost").await.is_err());
    assert_eq!(api.aiven.users("dev", "valkey"), ["default", "lost"]);
    assert_eq!(post("lost").await.unwrap().status(), 409, "who asks again learns that it is there");
    assert_eq!(api.aiven.counts()[&(Operation::UserCreate, None)], 2);
    let records = api.aiven.records();
    let told: Vec<_> = records.iter().map(|record| (record.call.user.as_str(), record.fault)).collect();
    assert_eq!(told, [("", Some("dropped")), ("lost", Some("answer lost")), ("lost", None)]);

    api.aiven.faults().add(is_post(Effect::Garbage));
    let response = post("garbage").await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.json::<serde_json::Value>().await.is_err());
    assert_eq!(api.aiven.users("dev", "valkey"), ["default", "garbage", "lost"]);
}

#[tokio::test]
async fn a_delay_only_delays() {
    let api = Api::with(Options { latency: Duration::from_millis(30), lag: Lag::NONE, ..Options::default() }).await;
    let faults = api.aiven.faults();
    let slow = faults.add(Rule::new(Effect::Delay(Duration::from_millis(50))));
    let gone = faults.add(Rule::new(Effect::status(404)).when(|uri| uri.path().ends_with("ca")));
    let began = Instant::now();
    assert_eq!(api.get("/project/dev").await.0, 200);
    assert!(began.elapsed() >= Duration::from_millis(80));
    assert_eq!(api.get("/project/dev/kms/ca").await.0, 404);
    assert_eq!((faults.hits(slow), faults.hits(gone)), (2, 1));
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let mut seen = vec![];
    for seed in [1, 1, 2] {
        let api = Api::with(Options { seed, lag: Lag::NONE, ..Options::default() }).await;
        api.aiven.faults().add(Rule::new(Effect::status(503)).chance(0.3));
        let mut statuses = vec![];
        for _ in 0..100 {
            statuses.push(api.get("/project/dev").await.0);
        }
        let met = statuses.iter().filter(|status| **status == 503).count();
        assert!((10..60).contains(&met), "{met}");
        seen.push(statuses);
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}
