//! The ACL document of an OpenSearch service: what a write makes of it, and which writes are refused.
//!
//! Takes as given that the service is one of OpenSearch; never looks at what its users are.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

const ENTRIES: usize = 512;
const RULES: usize = 256;
const PERMISSIONS: [&str; 5] = ["deny", "admin", "read", "readwrite", "write"];

/// A document of a service that has never been given one.
pub(super) fn empty() -> Map<String, Value> {
    Map::from_iter([("acls".to_owned(), json!([])), ("enabled".to_owned(), json!(false))])
}

/// What Aiven answers.
pub(super) fn shown(document: &Map<String, Value>) -> Value {
    json!({"opensearch_acl_config": document})
}

/// The document after a write; `whole` says that the write has to have all members.
///
/// A list replaces the list, an absent `enabled` means false as the default is, and members that the write does not name
/// stay as they are stored.
pub(super) fn written(
    stored: &Map<String, Value>,
    request: &Value,
    whole: bool,
) -> Result<Map<String, Value>, Refusal> {
    let given = request.get("opensearch_acl_config").and_then(Value::as_object);
    let given = given.ok_or_else(|| bad("'opensearch_acl_config' is a required property"))?;
    if whole && !(given.contains_key("acls") && given.contains_key("enabled")) {
        return Err(bad("'acls' and 'enabled' are required properties"));
    }
    if given.get("enabled").is_some_and(|enabled| !enabled.is_boolean()) {
        return Err(bad("'enabled' is not a boolean"));
    }
    if let Some(acls) = given.get("acls") {
        look_at(acls)?;
    }
    let mut document = stored.clone();
    document.insert("enabled".into(), json!(false));
    document.extend(given.iter().map(|(key, value)| (key.clone(), value.clone())));
    Ok(document)
}

/// Gives every user that has no entry all access, as enabling ACLs for the first time does.
pub(super) fn open<'a>(document: &mut Map<String, Value>, users: impl Iterator<Item = &'a String>) {
    let Some(acls) = document.get_mut("acls").and_then(Value::as_array_mut) else { return };
    let name = |entry: &Value| entry.get("username").and_then(Value::as_str).map(str::to_owned);
    let known: BTreeSet<String> = acls.iter().filter_map(name).collect();
    let rules = json!([{"index": "_*", "permission": "admin"}, {"index": "*", "permission": "admin"}]);
    for user in users.filter(|user| !known.contains(*user)).take(ENTRIES.saturating_sub(known.len())) {
        acls.push(json!({"username": user, "rules": rules}));
    }
}

pub(super) fn is_enabled(document: &Map<String, Value>) -> bool {
    document.get("enabled") == Some(&Value::Bool(true))
}

fn look_at(acls: &Value) -> Result<(), Refusal> {
    let acls = acls.as_array().ok_or_else(|| bad("'acls' is not a list"))?;
    if acls.len() > ENTRIES {
        return Err(bad(format!("'acls' has {} entries, and at most {ENTRIES} are allowed", acls.len())));
    }
    acls.iter().try_for_each(look_at_entry)
}

fn look_at_entry(entry: &Value) -> Result<(), Refusal> {
    let name = entry.get("username").and_then(Value::as_str).unwrap_or_default();
    let allowed = |letter: u8| letter.is_ascii_alphanumeric() || b"-._*?".contains(&letter);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
        return Err(bad("an entry of 'acls' has no 'username', or one that is not allowed"));
    }
    let rules = entry.get("rules").and_then(Value::as_array);
    let rules = rules.ok_or_else(|| bad("an entry of 'acls' has no list of 'rules'"))?;
    if rules.len() > RULES {
        return Err(bad(format!("an entry of 'acls' has {} rules, and at most {RULES} are allowed", rules.len())));
    }
    for rule in rules {
        let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
        if !(1..=249).contains(&text("index").len()) {
            return Err(bad("a rule has no 'index', or one that is too long"));
        }
        if !PERMISSIONS.contains(&text("permission")) {
            return Err(bad(format!("'{}' is not one of {PERMISSIONS:?}", text("permission"))));
        }
    }
    Ok(())
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::bad("bad_request", message)
}
