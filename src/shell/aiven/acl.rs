//! The OpenSearch ACL document of a service, kept as Aiven wrote it.
//!
//! Decides how a user's rules are exchanged for others. Takes as given that one writer at a time reads, edits and writes
//! it back. Never drops a member, an entry or a rule that it does not know.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::world::{AclDocument, Name};

/// The most entries that Aiven takes.
pub const MAX_ENTRIES: usize = 512;

/// The document, with every member that it had.
#[derive(Clone, Debug, PartialEq)]
pub struct RawAcl {
    config: Map<String, Value>,
    entries: Vec<Value>,
}

impl RawAcl {
    /// Takes the value of `opensearch_acl_config`; `None` if it is not what can be written back safely.
    pub fn new(config: Value) -> Option<Self> {
        let Value::Object(mut config) = config else { return None };
        if !matches!(config.get("enabled"), None | Some(Value::Null | Value::Bool(_))) {
            return None;
        }
        let entries = match config.remove("acls") {
            Some(Value::Array(entries)) => entries,
            None | Some(Value::Null) => vec![],
            Some(_) => return None,
        };
        Some(RawAcl { config, entries })
    }

    /// What enters the world.
    pub fn document(&self) -> AclDocument {
        let mut document = AclDocument { enabled: self.enabled(), ..AclDocument::default() };
        for entry in &self.entries {
            if let Some(user) = text(entry, "username") {
                let rules = document.rules.entry(user.into()).or_default();
                rules.extend(self::rules(entry).iter().filter_map(rule));
            }
        }
        document
    }

    /// Makes the rules of a user exactly these; rules that it has already are kept as they are.
    pub fn set_rules(&mut self, user: &str, rules: &BTreeSet<(Name, Name)>) {
        let wanted = |have: &[Value]| {
            let of = |wanted: &(Name, Name)| {
                let same = have.iter().find(|value| rule(value).as_ref() == Some(wanted));
                let (index, permission) = wanted;
                same.cloned().unwrap_or_else(|| json!({"index": index.as_str(), "permission": permission.as_str()}))
            };
            Value::Array(rules.iter().map(of).collect())
        };
        let mut first = true;
        self.entries.retain_mut(|entry| {
            if text(entry, "username") != Some(user) {
                return true;
            }
            if first && let Value::Object(members) = entry {
                let have = members.get("rules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let wanted = wanted(have);
                members.insert("rules".into(), wanted);
            }
            std::mem::take(&mut first)
        });
        if first {
            self.entries.push(json!({"username": user, "rules": wanted(&[])}));
        }
    }

    /// Removes every rule of a user.
    pub fn remove_rules(&mut self, user: &str) {
        self.entries.retain(|entry| text(entry, "username") != Some(user));
    }

    /// Turns the enforcement on.
    pub fn enable(&mut self) {
        self.config.insert("enabled".into(), Value::Bool(true));
    }

    /// Whether the rules are enforced.
    pub fn enabled(&self) -> bool {
        self.config.get("enabled") == Some(&Value::Bool(true))
    }

    /// How many entries it has; at most [`MAX_ENTRIES`] can be written.
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// What is sent: `enabled` is always in it, since what is left out counts as off.
    pub fn body(&self) -> Value {
        let mut config = self.config.clone();
        config.insert("enabled".into(), Value::Bool(self.enabled()));
        config.insert("acls".into(), Value::Array(self.entries.clone()));
        json!({ "opensearch_acl_config": config })
    }
}

fn rules(entry: &Value) -> &[Value] {
    entry.get("rules").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn rule(value: &Value) -> Option<(Name, Name)> {
    Some((text(value, "index")?.into(), text(value, "permission")?.into()))
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}
