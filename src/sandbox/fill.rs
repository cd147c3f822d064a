//! Values of Secrets that a document leaves out are filled in, so that the Secret is one that could be there.
//!
//! Takes the users that the Secret records from its annotations. Decides nothing about Secrets of others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::aiven::Aiven;

/// The object, with every value that is marked as left out replaced.
pub(super) fn secret(object: &Value, aiven: &Aiven) -> Value {
    let mut object = object.clone();
    if object.get("kind").and_then(Value::as_str) != Some("Secret") {
        return object;
    }
    let annotations = object.pointer("/metadata/annotations").cloned().unwrap_or_default();
    let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) else { return object };
    for (key, value) in data {
        if matches!(value.as_str(), None | Some("present" | "<redacted>")) {
            let known = known(key, &annotations, aiven).unwrap_or_else(|| "left out".to_owned());
            *value = json!(STANDARD.encode(known));
        }
    }
    object
}

fn known(key: &str, annotations: &Value, aiven: &Aiven) -> Option<String> {
    let said = |name: &str| annotations.get(name).and_then(Value::as_str);
    let of = |project: &str, service: &str, user: &str, member: &str| {
        let found = aiven.user(project, service, user)?;
        found.get(member).and_then(Value::as_str).map(str::to_owned)
    };
    let kafka = |member| {
        let (pool, user) = (said("kafka.aiven.nais.io/pool")?, said("kafka.aiven.nais.io/serviceUser")?);
        of(pool, "kafka", user, member).or_else(|| of(pool, &format!("{pool}-kafka"), user, member))
    };
    match key {
        "AIVEN_CA" => {
            let projects = ["valkey", "opensearch"].map(|kind| format!("{kind}.aiven.nais.io/project"));
            let projects = projects.iter().map(String::as_str).chain(["kafka.aiven.nais.io/pool"]);
            projects.filter_map(said).find_map(|project| aiven.ca(project))
        }
        "KAFKA_CA" => aiven.ca(said("kafka.aiven.nais.io/pool")?),
        "KAFKA_CERTIFICATE" => kafka("access_cert"),
        "KAFKA_PRIVATE_KEY" => kafka("access_key"),
        "KAFKA_SCHEMA_REGISTRY_PASSWORD" => kafka("password"),
        "OPEN_SEARCH_PASSWORD" => {
            let name = |what| said(&format!("opensearch.aiven.nais.io/{what}"));
            of(name("project")?, name("serviceName")?, name("serviceUser")?, "password")
        }
        _ => valkey(key, annotations, &of),
    }
}

fn valkey(key: &str, annotations: &Value, of: &impl Fn(&str, &str, &str, &str) -> Option<String>) -> Option<String> {
    let instance = key.strip_prefix("VALKEY_PASSWORD_").or_else(|| key.strip_prefix("REDIS_PASSWORD_"))?;
    let slot = instance.to_lowercase().replace('_', "-");
    let said = |name: String| annotations.get(name).and_then(Value::as_str);
    let project = said("valkey.aiven.nais.io/project".to_owned())?;
    let service = said(format!("{slot}.valkey.aiven.nais.io/serviceName"))?;
    of(project, service, said(format!("{slot}.valkey.aiven.nais.io/serviceUser"))?, "password")
}
