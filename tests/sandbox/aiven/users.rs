//! Credentials: who sees them, what they are, and how they change.

use aivenator::sandbox::aiven::{Lag, Options};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use std::sync::Arc;
use x509_cert::Certificate;
use x509_cert::der::DecodePem;

use super::{Api, KAFKA, VALKEY};

fn text<'a>(user: &'a Value, key: &str) -> &'a str {
    user[key].as_str().unwrap_or_else(|| panic!("{key} in {user}"))
}

/// Whether a server that trusts this CA lets this certificate in at that moment.
fn trusted(ca: &str, certificate: &str, at: jiff::Timestamp) -> bool {
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der(ca)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.as_second().unsigned_abs()));
    verifier.verify_client_cert(&der(certificate), &[], at).is_ok()
}

#[tokio::test]
async fn kafka_users_have_certificates_of_the_project() {
    let api = Api::calm().await;
    api.aiven.add_project("other").unwrap();
    let (_, answer) = api.get("/project/dev/kms/ca").await;
    let ca = answer["certificate"].as_str().unwrap();
    let (_, answer) = api.get("/project/other/kms/ca").await;
    let other = answer["certificate"].as_str().unwrap();
    let user = api.made(KAFKA, "team_app_1a2b3c4d_x").await;
    let pem = text(&user, "access_cert");

    let now = api.aiven.now();
    assert!(trusted(ca, pem, now) && !trusted(other, pem, now));
    let certificate = Certificate::from_pem(pem).unwrap();
    assert_eq!(certificate.tbs_certificate().subject().to_string(), "CN=team_app_1a2b3c4d_x");
    let validity = certificate.tbs_certificate().validity();
    let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
    assert_eq!(seconds(validity.not_after) - seconds(validity.not_before), 820 * 24 * 3600);
    let ends: jiff::Timestamp = text(&user, "access_cert_not_valid_after_time").parse().unwrap();
    assert_eq!(ends.as_second().unsigned_abs(), seconds(validity.not_after));
    assert!(!trusted(ca, pem, ends + jiff::SignedDuration::from_secs(1)));

    let key = PrivateKeyDer::from_pem_slice(text(&user, "access_key").as_bytes()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    rustls::sign::CertifiedKey::new(chain, key).keys_match().unwrap();
    let valkey = api.made(VALKEY, "one").await;
    assert!(valkey.get("access_cert").is_none() && valkey["password"].as_str().unwrap().starts_with("AVNS_"));
}

#[tokio::test]
async fn secrets_are_shown_to_who_asks() {
    let api = Api::calm().await;
    let made = api.made(KAFKA, "one").await;
    assert_eq!(made["type"], "normal");
    let secret = ["password", "access_key", "access_cert"];
    let hidden = |user: &Value| secret.iter().all(|key| user[*key] == "<redacted>");
    let find = |answer: &Value| -> Value {
        let users = answer["service"]["users"].as_array().unwrap();
        users.iter().find(|user| user["username"] == "one").unwrap().clone()
    };
    let path = format!("{KAFKA}/user/one");
    let (_, answer) = api.get(&path).await;
    assert!(hidden(&answer["user"]));
    assert_eq!(answer["user"]["access_cert_not_valid_after_time"], made["access_cert_not_valid_after_time"]);
    assert_eq!(api.get(&format!("{path}?include_secrets=true")).await.1["user"], made);
    assert!(hidden(&find(&api.get(KAFKA).await.1)));
    assert_eq!(find(&api.get(&format!("{KAFKA}?include_secrets=true")).await.1), made);
    let (_, answer) = api.put(&path, json!({"operation": "reset-credentials"})).await;
    assert!(hidden(&find(&answer)), "writes always redact");

    let api = Api::with(Options { redact: false, lag: Lag::NONE, ..Options::default() }).await;
    let made = api.made(KAFKA, "one").await;
    assert_eq!(api.get(&path).await.1["user"], made);
    assert_eq!(find(&api.get(KAFKA).await.1), made);
}

#[tokio::test]
async fn passwords_are_reset_and_every_one_is_known_to_who_looks_for_leaks() {
    let api = Api::calm().await;
    let made = api.made(KAFKA, "one").await;
    let path = format!("{KAFKA}/user/one");
    let read = format!("{path}?include_secrets=true");
    let mine = json!({"operation": "reset-credentials", "new_password": "correct horse"});
    assert_eq!(api.put(&path, mine).await.0, 200);
    let own = api.get(&read).await.1["user"].clone();
    assert_eq!(own["password"], "correct horse");
    assert_eq!(own["access_key"], made["access_key"], "only the password");
    api.put(&path, json!({"operation": "reset-credentials", "new_password": null})).await;
    let generated = api.get(&read).await.1["user"].clone();
    assert!(text(&generated, "password").starts_with("AVNS_"));
    assert_eq!(api.put(&format!("{path}/credentials/reset"), Value::Null).await.0, 200);
    let reset = api.get(&read).await.1["user"].clone();
    assert_ne!(reset["password"], generated["password"]);
    assert_ne!((&reset["access_key"], &reset["access_cert"]), (&made["access_key"], &made["access_cert"]));

    let known = api.aiven.secrets();
    for user in [&made, &own, &generated, &reset] {
        for key in ["password", "access_key"] {
            assert!(known.iter().any(|secret| secret == text(user, key)), "{key}");
        }
    }
    assert_eq!(api.aiven.user("dev", "kafka", "one").unwrap(), reset);
    assert!(!format!("{:?}", api.aiven.records()).contains("AVNS_"));
}

#[tokio::test]
async fn access_control_is_replaced_and_shown_without_empty_lists() {
    let api = Api::calm().await;
    let access =
        json!({"valkey_acl_categories": ["-@all", "+@read"], "valkey_acl_commands": [], "valkey_acl_keys": ["*"]});
    let body = json!({"username": "one", "access_control": access});
    let (_, answer) = api.post(&format!("{VALKEY}/user"), body).await;
    let shown = json!({"valkey_acl_categories": ["-@all", "+@read"], "valkey_acl_keys": ["*"]});
    assert_eq!((&answer["message"], &answer["user"]["access_control"]), (&json!("created"), &shown));

    let path = format!("{VALKEY}/user/one");
    let body = json!({"operation": "set-access-control", "access_control": {"valkey_acl_channels": ["*"]}});
    assert_eq!(api.put(&path, body).await.0, 200);
    let (_, answer) = api.get(&path).await;
    assert_eq!(answer["user"]["access_control"], json!({"valkey_acl_channels": ["*"]}));
}

#[tokio::test]
async fn somebody_else_has_users_too() {
    let api = Api::calm().await;
    let foreign = json!({"username": "theirs", "password": "their password", "since": "yesterday"});
    api.aiven.put_user("dev", "valkey", &foreign).unwrap();
    let (_, answer) = api.get(&format!("{VALKEY}/user/theirs?include_secrets=true")).await;
    assert_eq!(
        (&answer["user"]["password"], &answer["user"]["since"]),
        (&json!("their password"), &json!("yesterday"))
    );
    let not_ready = json!({"username": "empty", "password": ""});
    api.aiven.put_user("dev", "valkey", &not_ready).unwrap();
    let (_, answer) = api.get(&format!("{VALKEY}/user/empty?include_secrets=true")).await;
    assert_eq!(answer["user"]["password"], "");
    assert_eq!(api.aiven.users("dev", "valkey"), ["default", "empty", "theirs"]);
    assert!(api.aiven.remove_user("dev", "valkey", "theirs"));
    assert_eq!(api.get(&format!("{VALKEY}/user/theirs")).await.0, 404);
    assert!(api.aiven.put_user("dev", "gone", &foreign).is_err());
}
