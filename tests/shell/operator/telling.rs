//! No credential is told to anybody: not by logs at their loudest, not by events, statuses, metrics or the journal.

use std::time::Duration;

use aivenator::sandbox::aiven::{Lag, Options};
use aivenator::sandbox::faults::{Effect, Rule};
use aivenator::shell::logs::Level;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde_json::json;

use super::given::{KAFKA, PROJECT, TEAM, app, first_candidate, kafka, search, valkey};
use super::process::{page, ready, served};
use super::rig::{Rig, edit};
use super::{Scenario, scenarios, together};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_told() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![nothing_secret]
}

async fn nothing_secret() {
    let lag = Lag { empty_passwords: 2, ..Lag::default() };
    let mut rig = Rig::with(Options { lag, redact: false, ..Options::default() }).await;
    rig.level = Level::Trace;
    beset(&rig);
    rig.apply(app("one", kafka("one")));
    rig.apply(app("two", search("readwrite", "two")));
    rig.apply(app("three", valkey("admin", "three")));
    rig.apply(app("bad", kafka("taken")));
    let (config, address) = served(&rig);
    let operator = rig.run(config);
    ready(address).await;
    rig.until("complete", |rig| ["one", "two", "three"].iter().all(|name| rig.is_complete(name))).await;
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "one"), edit("KAFKA_PRIVATE_KEY", "broken")).unwrap();
    rig.sandbox.aiven.faults().add(Rule::new(Effect::Garbage).containing("include_secrets").next(2));
    rig.sandbox.aiven.faults().add(Rule::new(Effect::status(500)).method(Method::DELETE).next(1));
    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "two").unwrap();
    rig.apply(app("three", valkey("read", "three")));
    rig.until("settled again", |rig| {
        rig.value("one", "KAFKA_PRIVATE_KEY").starts_with("-----BEGIN")
            && rig.secret("two").is_none()
            && rig.journal().is_empty()
    })
    .await;
    rig.quiet().await;
    let metrics = page(address, "/metrics").await.1;
    operator.stop().await;

    let list = |resource: &str| json!(rig.sandbox.kubernetes.list(resource, "")).to_string();
    let log = rig.log.text();
    assert!(log.lines().count() > 500 && log.contains("hyper"), "the loudest logs there are");
    let told = [
        ("log", log),
        ("events", list("events")),
        ("applications", list("aivenapplications")),
        ("journal", list("configmaps")),
        ("metrics", metrics),
    ];
    let mut secrets = rig.sandbox.aiven.secrets();
    secrets.push(rig.sandbox.aiven.token().to_owned());
    assert!(secrets.len() > 6);
    for secret in &secrets {
        for form in forms(secret) {
            for (place, text) in &told {
                assert!(!text.contains(&form), "{place} tells {} characters of a secret", form.len());
            }
        }
    }
}

/// What fails on the way: answers that are garbled, lost and refused, with the secrets in them.
fn beset(rig: &Rig) {
    let foreign = json!({"username": first_candidate("one"), "password": "of-somebody-else"});
    rig.sandbox.aiven.put_user(PROJECT, KAFKA, &foreign).unwrap();
    rig.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": TEAM, "name": "taken"}}));
    let create = |effect| Rule::new(effect).method(Method::POST).containing("/user").next(1);
    rig.sandbox.aiven.faults().add(create(Effect::Garbage));
    rig.sandbox.aiven.faults().add(create(Effect::LoseAnswer));
    let secrets = "/api/v1/namespaces/shop/secrets";
    for effect in [Effect::LoseAnswer, Effect::Garbage, Effect::status(500), Effect::Delay(Duration::from_millis(50))] {
        rig.sandbox.faults.add(Rule::new(effect).method(Method::POST).under(secrets).next(1));
    }
}

/// The ways in which it could be told: as it is, each line of it, in JSON, in base64.
pub fn forms(secret: &str) -> Vec<String> {
    let lines = secret.lines().filter(|line| line.len() > 12 && !line.starts_with("-----")).map(str::to_owned);
    let quoted = json!(secret).to_string();
    let encoded = [STANDARD.encode(secret), STANDARD_NO_PAD.encode(secret), URL_SAFE.encode(secret)];
    let whole = [secret.to_owned(), quoted.trim_matches('"').to_owned()];
    whole.into_iter().chain(encoded).chain(lines).filter(|form| !form.is_empty()).collect()
}
