//! What a spec asks for, what a Secret records, and whether a Secret holds what it should: read once more, apart from the
//! planner.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::sandbox::simulation::cluster::{finalizers, noted};
use crate::sandbox::simulation::stage::{MAIN, POOL};
use crate::world::{ServiceKey, UserKey, names};

/// One service that an application asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) kind: &'static str,
    pub(super) service: ServiceKey,
    pub(super) access: String,
    pub(super) secret: String,
    /// The end of the names of its keys.
    pub(super) slot: String,
}

/// What a spec asks for; `None` if it asks for something that there cannot be.
pub(super) fn wants(namespace: &str, spec: &Value) -> Option<Vec<Want>> {
    let text = |of: &Value, member: &str| of.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let shared = text(spec, "secretName");
    let secret =
        |of: &Value| Some(text(of, "secretName")).filter(|it| !it.is_empty()).unwrap_or_else(|| shared.clone());
    let mut wants = vec![];
    if let Some(kafka) = spec.get("kafka") {
        let pool = text(kafka, "pool");
        let service = ServiceKey::new(pool.as_str(), "kafka");
        let want = Want { kind: "kafka", service, access: String::new(), secret: secret(kafka), slot: String::new() };
        wants.push((want, [MAIN, POOL].contains(&pool.as_str())));
    }
    let instance = |kind: &'static str, of: &Value| {
        let (name, access) = (text(of, "instance"), text(of, "access"));
        let full = if name.starts_with(kind) { name.clone() } else { format!("{kind}-{namespace}-{name}") };
        let slot: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        let access = if access.is_empty() { "read".to_owned() } else { access };
        let slot = if kind == "valkey" { slot } else { String::new() };
        (
            Want { kind, service: ServiceKey::new(MAIN, full.as_str()), access, secret: secret(of), slot },
            !name.is_empty(),
        )
    };
    wants.extend(spec.get("openSearch").map(|of| instance("opensearch", of)));
    wants.extend(spec.get("valkey").and_then(Value::as_array).into_iter().flatten().map(|of| instance("valkey", of)));
    let legal = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !wants.iter().all(|(want, is_good)| *is_good && legal(&want.secret)) {
        return None;
    }
    let mut slots: Vec<(&str, &str, &str)> =
        wants.iter().map(|(want, _)| (want.kind, want.secret.as_str(), want.slot.as_str())).collect();
    slots.sort_unstable();
    let all = slots.len();
    slots.dedup();
    (slots.len() == all).then(|| wants.into_iter().map(|(want, _)| want).collect())
}

/// Every name of a secret that stands anywhere in a spec.
pub(super) fn names_in(spec: &Value) -> Vec<String> {
    let valkey = spec.get("valkey").and_then(Value::as_array).into_iter().flatten();
    let services = [Some(spec), spec.get("kafka"), spec.get("openSearch")].into_iter().flatten().chain(valkey);
    services.filter_map(|of| Some(of.get("secretName")?.as_str()?.to_owned())).collect()
}

/// The users that a Secret records, as used or as replaced.
pub(super) fn records(secret: &Value) -> Vec<UserKey> {
    let note = |name: &str| noted(secret, "annotations", name).filter(|text| !text.is_empty());
    let user = |project: &str, service: &str, username: &str| UserKey {
        project: project.into(),
        service: service.into(),
        username: username.into(),
    };
    let mut found = vec![];
    if let (Some(name), Some(pool)) = (note("kafka.aiven.nais.io/serviceUser"), note("kafka.aiven.nais.io/pool")) {
        found.push(user(pool, "kafka", name));
    }
    let search = |what: &str| note(&format!("opensearch.aiven.nais.io/{what}"));
    if let (Some(name), Some(service), Some(project)) =
        (search("serviceUser"), search("serviceName"), search("project"))
    {
        found.push(user(project, service, name));
    }
    let annotations = secret.pointer("/metadata/annotations").and_then(Value::as_object);
    for (name, value) in annotations.into_iter().flatten() {
        if let Some(slot) = name.strip_suffix(".valkey.aiven.nais.io/serviceUser")
            && let (Some(service), Some(project)) =
                (note(&format!("{slot}.valkey.aiven.nais.io/serviceName")), note("valkey.aiven.nais.io/project"))
        {
            found.push(user(project, service, value.as_str().unwrap_or_default()));
        }
    }
    let retired: Value = note(names::RETIRED).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for entry in retired.as_array().into_iter().flatten() {
        let text = |member: &str| entry.get(member).and_then(Value::as_str);
        if let (Some(project), Some(service), Some(name)) = (text("project"), text("service"), text("username")) {
            found.push(user(project, service, name));
        }
    }
    found
}

/// The users that a Secret names without saying where they are.
pub(super) fn half_records(secret: &Value) -> Vec<String> {
    let note = |name: &str| noted(secret, "annotations", name).filter(|text| !text.is_empty());
    let kafka = note("kafka.aiven.nais.io/serviceUser").filter(|_| note("kafka.aiven.nais.io/pool").is_none());
    kafka.into_iter().map(str::to_owned).collect()
}

/// Whether a record lacks what says where its user is.
pub(super) fn is_half(secret: &Value) -> bool {
    let has = |name: &str| noted(secret, "annotations", name).is_some_and(|text| !text.is_empty());
    let kafka = has("kafka.aiven.nais.io/serviceUser") && !has("kafka.aiven.nais.io/pool");
    let search = |what: &str| has(&format!("opensearch.aiven.nais.io/{what}"));
    kafka || (search("serviceUser") && search("serviceName") && !search("project"))
}

/// Whether a Secret counts as one of ours.
pub(super) fn is_managed(secret: &Value) -> bool {
    let annotations = secret.pointer("/metadata/annotations").and_then(Value::as_object);
    let records = annotations.into_iter().flatten().any(|(name, _)| name.ends_with("/serviceUser"));
    noted(secret, "labels", names::TYPE) == Some(names::TYPE_VALUE)
        || (finalizers(secret).contains(&names::FINALIZER) && records)
}

/// The values of a Secret.
pub(super) fn values(secret: &Value) -> BTreeMap<String, String> {
    let data = secret.get("data").and_then(Value::as_object).into_iter().flatten();
    let decoded = |value: &Value| String::from_utf8(STANDARD.decode(value.as_str()?).ok()?).ok();
    data.filter_map(|(key, value)| Some((key.clone(), decoded(value)?))).collect()
}

/// The keys that a service has to give, and those of them that hold credentials.
pub(super) fn keys(want: &Want) -> (Vec<String>, Vec<String>) {
    let slot = &want.slot;
    let owned = |keys: &[&str]| {
        keys.iter().map(|key| format!("{key}{}{slot}", if slot.is_empty() { "" } else { "_" })).collect()
    };
    match want.kind {
        "kafka" => (
            owned(&[
                "KAFKA_BROKERS",
                "KAFKA_SCHEMA_REGISTRY",
                "KAFKA_SCHEMA_REGISTRY_USER",
                "KAFKA_CA",
                "KAFKA_CREDSTORE_PASSWORD",
                "client.keystore.p12",
                "client.truststore.jks",
            ]),
            owned(&["KAFKA_CERTIFICATE", "KAFKA_PRIVATE_KEY", "KAFKA_SCHEMA_REGISTRY_PASSWORD"]),
        ),
        "opensearch" => (
            owned(&["OPEN_SEARCH_USERNAME", "OPEN_SEARCH_URI", "OPEN_SEARCH_HOST", "OPEN_SEARCH_PORT"]),
            owned(&["OPEN_SEARCH_PASSWORD"]),
        ),
        _ => (
            owned(&["VALKEY_USERNAME", "VALKEY_URI", "VALKEY_HOST", "VALKEY_PORT", "REDIS_USERNAME", "REDIS_URI"]),
            owned(&["VALKEY_PASSWORD", "REDIS_PASSWORD"]),
        ),
    }
}

/// Why a Secret does not hold what a service gives, all of it and of one user.
pub(super) fn why_incomplete(
    values: &BTreeMap<String, String>,
    want: &Want,
    owners: &BTreeMap<String, u64>,
) -> Option<String> {
    let (plain, credentials) = keys(want);
    let lacks = |key: &&String| {
        let value = values.get(*key);
        // Some Secrets of programs before this one have these, some do not: whether one was removed cannot be told.
        let either = ["VALKEY_HOST", "VALKEY_PORT", "OPEN_SEARCH_HOST", "OPEN_SEARCH_PORT"]
            .iter()
            .any(|either| key.starts_with(either));
        value.is_some_and(String::is_empty) || (value.is_none() && !either)
    };
    if let Some(key) = plain.iter().chain(&credentials).find(lacks) {
        return Some(format!("{key} is missing or empty"));
    }
    if let Some(key) = plain.iter().find(|key| values.get(*key).is_some_and(|value| value.contains("other-"))) {
        return Some(format!("{key} is an address that nobody shall be sent to"));
    }
    if want.kind == "kafka" && !values.get("KAFKA_CA").is_some_and(|ca| ca.contains("next-CA-of-")) {
        return Some("KAFKA_CA lacks one of the certificates".to_owned());
    }
    let owner = |key: &String| values.get(key).and_then(|value| owners.get(value)).copied();
    let mut of: Vec<Option<u64>> = credentials.iter().map(owner).collect();
    of.dedup();
    match of.as_slice() {
        [Some(_)] => None,
        _ => Some(format!("{} are not of one user", credentials.join(", "))),
    }
}
