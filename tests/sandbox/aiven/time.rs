//! What time does: reads lag behind writes, certificates end and are renewed.

use std::time::Duration;

use aivenator::sandbox::aiven::{Lag, Options};
use serde_json::{Value, json};

use super::{Api, KAFKA, VALKEY};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn reads_lag_behind_writes() {
    let lag = Lag { create: Duration::from_mins(10), delete: Duration::from_mins(10), empty_passwords: 0 };
    let api = Api::with(Options { lag, ..Options::default() }).await;
    let path = format!("{VALKEY}/user/one");
    api.made(VALKEY, "one").await;
    assert_eq!(api.get(&path).await.0, 404, "not shown yet");
    assert_eq!(api.listed(VALKEY).await, ["default"]);
    assert_eq!(api.aiven.users("dev", "valkey"), ["default", "one"]);
    assert_eq!(api.post(&format!("{VALKEY}/user"), json!({"username": "one"})).await.0, 409, "writes know it");
    api.aiven.advance(Duration::from_mins(11));
    assert_eq!(api.get(&path).await.0, 200);

    assert_eq!(api.delete(&path).await.0, 200);
    assert_eq!(api.get(&path).await.0, 200, "still shown");
    assert_eq!(api.listed(VALKEY).await, ["default", "one"]);
    assert_eq!(api.aiven.users("dev", "valkey"), ["default"]);
    assert_eq!(api.delete(&path).await.0, 404);
    api.aiven.advance(Duration::from_mins(11));
    assert_eq!(api.get(&path).await.0, 404);
    assert_eq!(api.listed(VALKEY).await, ["default"]);
    api.made(VALKEY, "one").await;
    assert_eq!(api.delete(&path).await.0, 200);
    assert_eq!(api.get(&path).await.0, 404, "what was never shown does not begin to be");
}

#[tokio::test]
async fn passwords_may_not_be_there_at_first() {
    let lag = Lag { empty_passwords: 2, ..Lag::NONE };
    let api = Api::with(Options { lag, ..Options::default() }).await;
    assert_eq!(api.made(VALKEY, "one").await["password"], "");
    let path = format!("{VALKEY}/user/one");
    let read = format!("{path}?include_secrets=true");
    assert_eq!(api.get(&path).await.1["user"]["password"], "<redacted>");
    assert_eq!(api.get(&read).await.1["user"]["password"], "");
    assert_ne!(api.get(&read).await.1["user"]["password"], "");
    api.put(&path, json!({"operation": "reset-credentials"})).await;
    assert_eq!(api.get(&read).await.1["user"]["password"], "");
}

#[tokio::test]
async fn certificates_are_renewed_before_they_end() {
    let api = Api::calm().await;
    let made = api.made(KAFKA, "one").await;
    let path = format!("{KAFKA}/user/one?include_secrets=true");
    api.aiven.advance(DAY * 729);
    assert_eq!(api.get(&path).await.1["user"], made);

    api.aiven.advance(DAY * 2);
    let renewed = api.get(&path).await.1["user"].clone();
    assert_eq!(renewed["expiring_cert_not_valid_after_time"], made["access_cert_not_valid_after_time"]);
    assert_ne!((&renewed["access_cert"], &renewed["access_key"]), (&made["access_cert"], &made["access_key"]));
    assert_eq!(renewed["password"], made["password"]);
    let end = |user: &Value| -> jiff::Timestamp {
        user["access_cert_not_valid_after_time"].as_str().unwrap().parse().unwrap()
    };
    assert_eq!(end(&renewed).duration_since(end(&made)), jiff::SignedDuration::from_hours(24 * 730));
    let acknowledged = json!({"operation": "acknowledge-renewal"});
    assert_eq!(api.put(&format!("{KAFKA}/user/one"), acknowledged).await.0, 200);
    assert_eq!(api.get(&path).await.1["user"], renewed);

    api.aiven.advance(DAY * 90);
    let later = api.get(&path).await.1["user"].clone();
    assert!(later.get("expiring_cert_not_valid_after_time").is_none(), "the old one has ended");
    assert_eq!(later["access_cert"], renewed["access_cert"]);
    assert!(api.aiven.secrets().iter().any(|secret| renewed["access_key"] == secret.as_str()));
}

/// A document says when the certificates end that its users have.
#[tokio::test]
async fn a_loaded_user_has_a_certificate_of_that_end() {
    let api = Api::with(Options { renew: false, lag: Lag::NONE, ..Options::default() }).await;
    let ends = (api.aiven.now() + jiff::SignedDuration::from_hours(240)).round(jiff::Unit::Second).unwrap();
    let user = json!({"username": "one", "access_cert_not_valid_after_time": ends.to_string(), "password": "present"});
    api.aiven.put_user("dev", "kafka", &user).unwrap();
    let (_, answer) = api.get(&format!("{KAFKA}/user/one?include_secrets=true")).await;
    assert_eq!(answer["user"]["access_cert_not_valid_after_time"], ends.to_string(), "nothing is renewed here");
    assert!(answer["user"]["access_cert"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(answer["user"]["password"].as_str().unwrap().starts_with("AVNS_"));
}
