//! Each service from an application to the values of a secret.

use std::collections::BTreeSet;
use std::sync::Arc;

use aivenator::shell::keystore::digests;
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};

use super::given::{KAFKA, PROJECT, SEARCH, VALKEY, app, kafka, search, valkey};
use super::rig::Rig;
use super::{Scenario, scenarios, together};

const EVERY: [&str; 2] = ["AIVEN_CA", "AIVEN_SECRET_UPDATED"];
const KAFKA_KEYS: [&str; 11] = [
    "KAFKA_BROKERS",
    "KAFKA_CA",
    "KAFKA_CERTIFICATE",
    "KAFKA_CREDSTORE_PASSWORD",
    "KAFKA_PRIVATE_KEY",
    "KAFKA_SCHEMA_REGISTRY",
    "KAFKA_SCHEMA_REGISTRY_PASSWORD",
    "KAFKA_SCHEMA_REGISTRY_USER",
    "KAFKA_SECRET_UPDATED",
    "client.keystore.p12",
    "client.truststore.jks",
];
const SEARCH_KEYS: [&str; 8] = [
    "OPEN_SEARCH_DASHBOARD_HOST",
    "OPEN_SEARCH_DASHBOARD_PORT",
    "OPEN_SEARCH_DASHBOARD_URI",
    "OPEN_SEARCH_HOST",
    "OPEN_SEARCH_PASSWORD",
    "OPEN_SEARCH_PORT",
    "OPEN_SEARCH_URI",
    "OPEN_SEARCH_USERNAME",
];

fn valkey_keys() -> Vec<String> {
    let both = ["VALKEY", "REDIS"].into_iter().flat_map(|prefix| {
        ["USERNAME", "PASSWORD", "URI", "HOST", "PORT"].map(|what| format!("{prefix}_{what}_CACHE"))
    });
    both.chain(["URI", "HOST", "PORT"].map(|what| format!("VALKEY_REPLICA_{what}_CACHE"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_reaches_its_secret() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![kafka_alone, opensearch_alone, valkey_alone, all_in_one_secret, opensearch_in_a_fresh_service]
}

async fn kafka_alone() {
    let rig = Rig::new().await;
    let mut object = app("web", kafka("web-kafka"));
    object["metadata"]["annotations"] = json!({"nais.io/deploymentCorrelationID": "c-1"});
    object["metadata"]["labels"] = json!({"aiven.nais.io/secret-generation": "007"});
    rig.apply(object);
    let operator = rig.start();
    rig.complete(&["web"]).await;

    has_keys(&rig, "web-kafka", EVERY.iter().chain(&KAFKA_KEYS).map(ToString::to_string));
    let users = rig.users(KAFKA);
    let [user] = users.as_slice() else { panic!("{users:?}") };
    assert!(user.starts_with("shop_web_") && user.matches('_').count() == 3, "{user}");
    holds_kafka(&rig, "web-kafka", user);
    let metadata = rig.secret("web-kafka").unwrap()["metadata"].clone();
    has_metadata(&metadata, "web");
    assert_eq!(metadata["labels"]["aiven.nais.io/secret-generation"], "7");
    assert_eq!(metadata["annotations"]["nais.io/deploymentCorrelationID"], "c-1");
    assert_eq!(metadata["annotations"]["kafka.aiven.nais.io/serviceUser"], **user);
    assert_eq!(metadata["annotations"]["kafka.aiven.nais.io/pool"], PROJECT);
    assert_eq!(rig.secret("web-kafka").unwrap()["type"], "Opaque");
    has_status(&rig.application("web"));
    let events: BTreeSet<String> = rig.events().into_iter().collect();
    assert!(events.contains("SecretMissing"), "{events:?}");
    let uid = &rig.application("web")["metadata"]["uid"];
    let about =
        rig.sandbox.kubernetes.list("events", "").into_iter().map(|event| event["involvedObject"]["uid"].clone());
    assert!(about.into_iter().all(|about| about == *uid), "kubectl describe finds no others");
    operator.stop().await;
}

fn holds_kafka(rig: &Rig, secret: &str, user: &str) {
    let account = rig.sandbox.aiven.user(PROJECT, KAFKA, user).unwrap();
    let (ca, value) = (rig.sandbox.aiven.ca(PROJECT).unwrap(), |key| rig.value(secret, key));
    assert_eq!(value("KAFKA_BROKERS"), "kafka.example:26484");
    assert_eq!(value("KAFKA_SCHEMA_REGISTRY"), "https://schema_registry.example:26487");
    assert_eq!(value("KAFKA_SCHEMA_REGISTRY_USER"), user);
    assert_eq!(value("KAFKA_SCHEMA_REGISTRY_PASSWORD"), account["password"].as_str().unwrap());
    assert_eq!(value("KAFKA_CERTIFICATE"), account["access_cert"].as_str().unwrap());
    assert_eq!(value("KAFKA_PRIVATE_KEY"), account["access_key"].as_str().unwrap());
    assert_eq!((value("KAFKA_CA"), value("AIVEN_CA")), (ca.clone(), ca.clone()));
    let password = value("KAFKA_CREDSTORE_PASSWORD");
    assert_eq!(password, "changeme");
    verify(&ca, &value("KAFKA_CERTIFICATE"));

    let (keys, trusted) = (rig.bytes(secret, "client.keystore.p12"), rig.bytes(secret, "client.truststore.jks"));
    let annotations = &rig.secret(secret).unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["aivenator.aiven.nais.io/keystores"], digests(&keys, &trusted));
    let entries = |bytes: &[u8]| -> Vec<KeyStoreEntry> {
        let store = KeyStore::from_pkcs12(bytes, &password, Pkcs12ImportPolicy::Relaxed).unwrap();
        store.entries().map(|(_, entry)| entry.clone()).collect()
    };
    let der = CertificateDer::from_pem_slice(value("KAFKA_CERTIFICATE").as_bytes()).unwrap();
    match entries(&keys).as_slice() {
        [KeyStoreEntry::PrivateKeyChain(chain)] => assert_eq!(chain.certs()[0].as_der(), &*der),
        _ => panic!("one key with its chain"),
    }
    match entries(&trusted).as_slice() {
        [KeyStoreEntry::Certificate(_)] => {}
        _ => panic!("one certificate that is trusted"),
    }
}

/// What a broker does with the certificate of a client.
fn verify(ca: &str, certificate: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    verifier.verify_client_cert(&certificate, &[], UnixTime::now()).unwrap();
}

async fn opensearch_alone() {
    let rig = Rig::new().await;
    rig.apply(app("web", search("readwrite", "web-search")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    holds_search(&rig, "web-search", "readwrite");
    has_keys(&rig, "web-search", EVERY.iter().chain(&SEARCH_KEYS).map(ToString::to_string));
    has_metadata(&rig.secret("web-search").unwrap()["metadata"], "web");
    has_status(&rig.application("web"));
    operator.stop().await;
}

fn holds_search(rig: &Rig, secret: &str, permission: &str) {
    let user = rig.value(secret, "OPEN_SEARCH_USERNAME");
    assert_eq!(rig.users(SEARCH), std::slice::from_ref(&user));
    assert!(user.starts_with("shop-"), "{user}");
    let account = rig.sandbox.aiven.user(PROJECT, SEARCH, &user).unwrap();
    assert_eq!(rig.value(secret, "OPEN_SEARCH_PASSWORD"), account["password"].as_str().unwrap());
    assert_eq!(rig.value(secret, "OPEN_SEARCH_HOST"), "opensearch.example");
    assert_eq!(rig.value(secret, "OPEN_SEARCH_PORT"), "26482");
    assert_eq!(rig.value(secret, "OPEN_SEARCH_URI"), "https://opensearch.example:26482");
    assert_eq!(rig.value(secret, "OPEN_SEARCH_DASHBOARD_PORT"), "443");
    let annotations = &rig.secret(secret).unwrap()["metadata"]["annotations"];
    let of = |what: &str| annotations[format!("opensearch.aiven.nais.io/{what}")].clone();
    assert_eq!((of("serviceUser"), of("serviceName"), of("project")), (json!(user), json!(SEARCH), json!(PROJECT)));
    let document = rig.sandbox.aiven.acl(PROJECT, SEARCH).unwrap();
    assert_eq!(document["enabled"], true);
    let rules = rig.acl()[&user].as_array().unwrap().clone();
    let pairs: BTreeSet<(&str, &str)> =
        rules.iter().map(|it| (it["index"].as_str().unwrap(), it["permission"].as_str().unwrap())).collect();
    assert_eq!(pairs, BTreeSet::from([("_*", permission), ("*", permission)]));
}

/// Who was there before rules were enforced keeps what it had.
async fn opensearch_in_a_fresh_service() {
    let rig = Rig::new().await;
    rig.sandbox.aiven.put_user(PROJECT, SEARCH, &json!({"username": "before"})).unwrap();
    rig.apply(app("web", search("read", "web-search")));
    let operator = rig.start();
    rig.until("complete", |rig| rig.is_complete("web") && rig.journal().is_empty()).await;
    let acl = rig.acl();
    assert_eq!(acl.len(), 3, "{acl:?}");
    assert_eq!(acl["before"][0]["permission"], "admin", "{acl:?}");
    operator.stop().await;
}

async fn valkey_alone() {
    let rig = Rig::new().await;
    rig.apply(app("web", valkey("write", "web-valkey")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    has_keys(&rig, "web-valkey", EVERY.iter().map(ToString::to_string).chain(valkey_keys()));
    holds_valkey(&rig, "web-valkey", "+@write");
    has_metadata(&rig.secret("web-valkey").unwrap()["metadata"], "web");
    has_status(&rig.application("web"));
    operator.stop().await;
}

fn holds_valkey(rig: &Rig, secret: &str, categories: &str) {
    let user = rig.value(secret, "VALKEY_USERNAME_CACHE");
    assert_eq!(rig.users(VALKEY), std::slice::from_ref(&user));
    assert!(user.starts_with("web-"), "{user}");
    let account = rig.sandbox.aiven.user(PROJECT, VALKEY, &user).unwrap();
    for prefix in ["VALKEY", "REDIS"] {
        assert_eq!(rig.value(secret, &format!("{prefix}_PASSWORD_CACHE")), account["password"].as_str().unwrap());
    }
    let access = &account["access_control"];
    let common = ["-@all", "+@connection", "+@scripting", "+@pubsub", "+@transaction"];
    let categories: Vec<&str> = common.into_iter().chain(categories.split(' ')).collect();
    assert_eq!(access["valkey_acl_categories"], json!(categories));
    assert_eq!(access["valkey_acl_commands"], json!(["+info", "+cluster|slots"]));
    assert_eq!((&access["valkey_acl_keys"], &access["valkey_acl_channels"]), (&json!(["*"]), &json!(["*"])));
    assert_eq!(rig.value(secret, "VALKEY_URI_CACHE"), "valkeys://valkey.example:26483");
    assert_eq!(rig.value(secret, "REDIS_URI_CACHE"), "rediss://valkey.example:26483");
    assert_eq!(rig.value(secret, "VALKEY_REPLICA_URI_CACHE"), "valkeys://replica.valkey.example:26489");
    let annotations = &rig.secret(secret).unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["cache.valkey.aiven.nais.io/serviceUser"], *user);
    assert_eq!(annotations["cache.valkey.aiven.nais.io/serviceName"], VALKEY);
    assert_eq!(annotations["valkey.aiven.nais.io/project"], PROJECT);
}

async fn all_in_one_secret() {
    let rig = Rig::new().await;
    let mut spec = kafka("web");
    spec["openSearch"] = search("write", "web")["openSearch"].clone();
    spec["valkey"] = valkey("readwrite", "web")["valkey"].clone();
    rig.apply(app("web", spec));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    let keys = EVERY.iter().chain(&KAFKA_KEYS).chain(&SEARCH_KEYS).map(ToString::to_string);
    has_keys(&rig, "web", keys.chain(valkey_keys()));
    let users = rig.users(KAFKA);
    assert_eq!(users.len(), 1, "{users:?}");
    holds_kafka(&rig, "web", &users[0]);
    holds_search(&rig, "web", "write");
    holds_valkey(&rig, "web", "+@write +@read");
    let writes = rig.writes();
    let created: u64 = writes.iter().filter(|(count, _)| count.resource == "secrets").map(|(_, times)| times).sum();
    assert_eq!(created, 1, "it is written once, when everything is ready: {writes:?}");
    operator.stop().await;
}

fn has_keys(rig: &Rig, secret: &str, keys: impl IntoIterator<Item = String>) {
    let object = rig.secret(secret).unwrap();
    let there: BTreeSet<String> = object["data"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(there, keys.into_iter().collect());
    for key in there {
        let bytes = rig.bytes(secret, &key);
        assert!(!bytes.is_empty() && bytes != b"<redacted>", "{key}");
    }
}

fn has_metadata(metadata: &Value, name: &str) {
    let (labels, annotations) = (&metadata["labels"], &metadata["annotations"]);
    assert_eq!((&labels["app"], &labels["team"]), (&json!(name), &json!("shop")));
    assert_eq!(labels["type"], "aivenator.aiven.nais.io");
    let protected = "aivenator.aiven.nais.io/protected";
    assert_eq!((&labels[protected], &annotations[protected]), (&json!("false"), &json!("false")));
    assert_eq!(metadata["finalizers"], json!(["aivenator.aiven.nais.io/finalizer"]));
    assert!(metadata.get("ownerReferences").is_none());
}

fn has_status(app: &Value) {
    let status = &app["status"];
    assert_eq!(status["synchronizationState"], "RolloutComplete");
    assert_eq!((&status["synchronizedGeneration"], &status["observedGeneration"]), (&json!(1), &json!(1)));
    assert!(!status["synchronizationHash"].as_str().unwrap().is_empty());
    assert!(!status["synchronizationTime"].as_str().unwrap().is_empty());
    let conditions = status["conditions"].as_array().unwrap();
    let said: BTreeSet<(&str, &str)> =
        conditions.iter().map(|it| (it["type"].as_str().unwrap(), it["status"].as_str().unwrap())).collect();
    assert_eq!(said, BTreeSet::from([("Succeeded", "True"), ("AivenFailure", "False"), ("LocalFailure", "False")]));
}
