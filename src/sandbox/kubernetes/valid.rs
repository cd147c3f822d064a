//! What may be stored.
//!
//! Decides what is wrong with an object, in the words of Kubernetes. Takes as given that it could be read.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::decode::Target;
use super::events;
use super::failure::Fault;
use super::object::Document;
use super::resource::Resource;
use super::schema;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
'-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', \
and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', \
regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const SLASHES: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', \
and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', \
regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' \
(e.g. 'example.com/MyName')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', \
regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const MOST_ANNOTATIONS: usize = 256 << 10;
const MOST_DATA: usize = 1 << 20;

/// Everything that is wrong with an object that is to be stored; what was wrong before and stays as it is may stay in a
/// custom resource.
pub(super) fn faults(target: &Target, document: &Document, old: Option<&Document>) -> Vec<Fault> {
    let mut found = metadata(target, document);
    match target.resource.kind.as_str() {
        "Secret" => found.extend(data(document, &["data"], true)),
        "ConfigMap" => found.extend(data(document, &["data", "binaryData"], false)),
        "Lease" => found.extend(lease(document)),
        "Event" if events::are_other(&target.api_version) => found.extend(events::faults(&document.rest)),
        _ if target.resource.custom => {
            let rest = |document: &Document| Value::Object(document.rest.clone());
            let faults = schema::faults(&rest(document), old.map(rest).as_ref(), target.schema());
            found.extend(faults.into_iter().map(|fault| if target.status { fault.in_status() } else { fault }));
        }
        _ => {}
    }
    found
}

fn metadata(target: &Target, document: &Document) -> Vec<Fault> {
    let mut found = vec![];
    let name = document.text("name");
    let label_only = target.resource.kind == "Namespace";
    if label_only && !(is_label(name) && name.len() <= 63) {
        found.push(Fault::invalid("metadata.name", &Value::from(name), LABEL));
    } else if !is_subdomain(name) {
        found.push(Fault::invalid("metadata.name", &Value::from(name), SUBDOMAIN));
    }
    for (key, value) in document.strings("labels") {
        if !is_qualified(&key) {
            let why = why_not_qualified(&key);
            found.push(Fault::invalid("metadata.labels", &Value::from(key), why));
        }
        if !(value.is_empty() || is_name_part(&value)) {
            found.push(Fault::invalid("metadata.labels", &Value::from(value), VALUE));
        }
    }
    let annotations = document.strings("annotations");
    let wrong = annotations.keys().filter(|key| !is_qualified(&key.to_lowercase()));
    found.extend(wrong.map(|key| Fault::invalid("metadata.annotations", &Value::from(key.as_str()), QUALIFIED)));
    if annotations.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > MOST_ANNOTATIONS {
        found.push(Fault::too_long("metadata.annotations", MOST_ANNOTATIONS));
    }
    found.extend(finalizers(target, document));
    found
}

fn finalizers(target: &Target, document: &Document) -> Vec<Fault> {
    const OF_KUBERNETES: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];
    let mut found = vec![];
    for (index, name) in document.finalizers().into_iter().enumerate() {
        if !is_qualified(name) {
            found.push(Fault::invalid("metadata.finalizers", &Value::from(name), why_not_qualified(name)));
        } else if !name.contains('/') && !OF_KUBERNETES.contains(&name) && is_strict(&target.resource) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            found.push(Fault::invalid(format!("metadata.finalizers[{index}]"), &Value::from(name), why));
        }
    }
    found
}

/// Whether finalizers have to name whose they are, or that is only recommended.
fn is_strict(resource: &Resource) -> bool {
    !resource.custom && resource.kind != "Lease"
}

fn lease(document: &Document) -> Vec<Fault> {
    let spec = document.rest.get("spec");
    let number = |field: &str| spec.and_then(|spec| spec.get(field)).and_then(Value::as_i64);
    let mut found = vec![];
    if let Some(seconds) = number("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        found.push(Fault::invalid("spec.leaseDurationSeconds", &seconds.into(), "must be greater than 0"));
    }
    if let Some(count) = number("leaseTransitions").filter(|count| *count < 0) {
        found.push(Fault::invalid("spec.leaseTransitions", &count.into(), "must be greater than or equal to 0"));
    }
    found
}

fn why_not_qualified(name: &str) -> &'static str {
    if name.matches('/').count() > 1 { SLASHES } else { QUALIFIED }
}

fn is_label(text: &str) -> bool {
    let legal = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(legal)
        && bytes.last().is_some_and(legal)
        && bytes.iter().all(|byte| legal(byte) || *byte == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_name_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name_part(name),
        None => is_name_part(text),
    }
}

/// Keys and sizes of a Secret or `ConfigMap`.
fn data(document: &Document, members: &[&str], encoded: bool) -> Vec<Fault> {
    let (mut found, mut size) = (vec![], 0);
    for member in members {
        let entries = document.rest.get(*member).and_then(Value::as_object);
        for (key, value) in entries.into_iter().flatten() {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            if key.is_empty() || key.len() > 253 || !key.bytes().all(legal) || key == "." || key.starts_with("..") {
                let field = format!("{member}[{key}]");
                found.push(Fault::invalid(field, &Value::from(key.as_str()), CONFIG_KEY));
            }
            let text = value.as_str().unwrap_or_default();
            size += if encoded { text.trim_end_matches('=').len() * 3 / 4 } else { text.len() };
        }
    }
    if size > MOST_DATA {
        found.push(Fault::too_long("data", MOST_DATA));
    }
    found
}

/// What an update may not change.
pub(super) fn update_faults(target: &Target, old: &Document, new: &Document) -> Vec<Fault> {
    let mut found = vec![];
    if old.is_deleting() {
        let before = old.finalizers();
        let added: Vec<&str> = new.finalizers().into_iter().filter(|name| !before.contains(name)).collect();
        if !added.is_empty() {
            let why = "no new finalizers can be added if the object is being deleted, found new finalizers";
            found.push(Fault::forbidden("metadata.finalizers", &format!("{why} []string{added:?}")));
        }
    }
    let ended = new.text("deletionTimestamp");
    if !ended.is_empty() && !old.is_deleting() {
        found.push(Fault::invalid("metadata.deletionTimestamp", &Value::from(ended), "field is immutable"));
    }
    let uid = new.text("uid");
    if !uid.is_empty() && uid != old.text("uid") {
        found.push(Fault::invalid("metadata.uid", &Value::from(uid), "field is immutable"));
    }
    match target.resource.kind.as_str() {
        "Secret" => found.extend(secret_update(&old.rest, &new.rest)),
        "ConfigMap" => found.extend(immutable(&old.rest, &new.rest, &["data", "binaryData"])),
        "Event" if events::are_other(&target.api_version) => found.extend(events::changes(&old.rest, &new.rest)),
        _ => {}
    }
    found
}

fn secret_update(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Fault> {
    let mut found = immutable(old, new, &["data"]);
    if old.get("type") != new.get("type") {
        found.push(Fault::invalid("type", new.get("type").unwrap_or(&Value::Null), "field is immutable"));
    }
    found
}

fn immutable(old: &Map<String, Value>, new: &Map<String, Value>, members: &[&str]) -> Vec<Fault> {
    const WHY: &str = "field is immutable when `immutable` is set";
    let is_set = |object: &Map<String, Value>| object.get("immutable") == Some(&Value::Bool(true));
    if !is_set(old) {
        return vec![];
    }
    let none = Value::Object(Map::new());
    let differs = |member: &&&str| old.get(**member).unwrap_or(&none) != new.get(**member).unwrap_or(&none);
    let mut found: Vec<Fault> = members.iter().filter(differs).map(|member| Fault::forbidden(member, WHY)).collect();
    if !is_set(new) {
        found.push(Fault::forbidden("immutable", WHY));
    }
    found
}

/// Folds the texts of a Secret into its data, as Kubernetes does on every write.
pub(super) fn fold_string_data(document: &mut Document) {
    use base64::Engine as _;
    let Some(Value::Object(texts)) = document.rest.remove("stringData") else { return };
    let encode = |text: &Value| base64::engine::general_purpose::STANDARD.encode(text.as_str().unwrap_or_default());
    let folded: BTreeMap<String, String> = texts.iter().map(|(key, text)| (key.clone(), encode(text))).collect();
    let mut data = match document.rest.remove("data") {
        Some(Value::Object(data)) => data,
        _ => Map::new(),
    };
    data.extend(folded.into_iter().map(|(key, value)| (key, Value::from(value))));
    document.rest.insert("data".to_owned(), Value::Object(data));
}
