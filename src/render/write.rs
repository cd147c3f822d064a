//! What a Secret is written with: each key and where its value comes from, and the metadata.
//!
//! Takes as given that a plan names secret values and never holds them, so that everything in it may be shown.

use std::collections::BTreeMap;

use super::page::{Page, Row};
use super::paint::Symbol;
use crate::action::{Operation, WriteKeys};
use crate::value::{Credential, Value};
use crate::world::{Name, Retired};

/// The longest value of an annotation that is shown.
const LONGEST: usize = 60;

/// Writes what a write writes.
pub(super) fn keys(page: &mut Page, indent: usize, write: &WriteKeys) {
    let WriteKeys { namespace: _, name, operation, expect: _, set, remove, labels, annotations, finalizers, why } =
        write;
    let why = why.as_ref().map(|why| format!(": {}", page.dated(&why.to_string()))).unwrap_or_default();
    match operation {
        Operation::Create => page.item(indent, Symbol::Create, &format!("create secret {name}{why}")),
        Operation::Patch => page.item(indent, Symbol::Change, &format!("change secret {name}{why}")),
    }
    page.rows(indent + 4, &values(set));
    let plain = |names: &[Name]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let metadata = [
        ("remove keys", plain(remove)),
        ("labels", kept(labels, Name::to_string)),
        ("annotations", kept(annotations, annotation)),
        ("finalizers", plain(finalizers)),
        ("remove labels", gone(labels)),
        ("remove annotations", gone(annotations)),
    ];
    let rows = metadata.into_iter().filter(|(_, entries)| !entries.is_empty());
    let rows = rows.map(|(name, entries)| Row { names: vec![name.to_owned()], text: entries.join(", ") });
    page.minor_rows(indent + 4, &rows.collect::<Vec<_>>());
}

fn kept<V>(entries: &BTreeMap<Name, Option<V>>, text: impl Fn(&V) -> String) -> Vec<String> {
    entries.iter().filter_map(|(name, value)| Some(format!("{name}={}", text(value.as_ref()?)))).collect()
}

fn gone<V>(entries: &BTreeMap<Name, Option<V>>) -> Vec<String> {
    entries.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.to_string()).collect()
}

/// The value of an annotation; of a list of users their names, of a long text only the beginning.
fn annotation(value: &Value) -> String {
    match value {
        Value::Text { text } if text.is_empty() => "\"\"".to_owned(),
        Value::Text { text } if text.starts_with('[') => match Retired::parse(text).as_slice() {
            [] => "[...]".to_owned(),
            listed => {
                format!("[{}]", listed.iter().map(|entry| &*entry.username).collect::<Vec<_>>().join(" "))
            }
        },
        Value::Text { text } if text.chars().count() > LONGEST => {
            format!("{}...", text.chars().take(LONGEST).collect::<String>())
        }
        Value::Text { text } => text.to_string(),
        other => format!("<{}>", source(&[], other)),
    }
}

/// The keys, those with one source on one row, in the order of their first.
fn values(set: &BTreeMap<Name, Value>) -> Vec<Row> {
    let mut groups: Vec<(&Value, Vec<Credential>, Vec<String>)> = Vec::new();
    for (key, value) in set {
        let credential = match value {
            Value::User { field, user: _ } => Some(*field),
            _ => None,
        };
        match groups.iter_mut().find(|(other, _, _)| same_source(other, value)) {
            Some((_, credentials, names)) => {
                credentials.extend(credential);
                names.push(key.to_string());
            }
            None => groups.push((value, credential.into_iter().collect(), vec![key.to_string()])),
        }
    }
    groups.into_iter().map(|(value, credentials, names)| Row { names, text: source(&credentials, value) }).collect()
}

/// Whether two values are told in one: the same one, or credentials of one user.
fn same_source(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::User { user: first, field: _ }, Value::User { user: second, field: _ }) => first == second,
        _ => a == b,
    }
}

fn source(credentials: &[Credential], value: &Value) -> String {
    match value {
        Value::Text { text } => format!("\"{text}\""),
        Value::User { user, field } if credentials.iter().all(|other| other == field) => {
            format!("{} of user {}", word(*field), user.username)
        }
        Value::User { user, field: _ } => format!("credentials of user {}", user.username),
        Value::Ca { project } => format!("CA certificate of project {project}"),
        Value::Keystore { user } => format!("keystore of user {}", user.username),
        Value::Truststore { project } => format!("truststore of project {project}"),
        Value::Clock => "time of writing".to_owned(),
        Value::StoreDigests => "digests of both stores".to_owned(),
    }
}

const fn word(credential: Credential) -> &'static str {
    match credential {
        Credential::Certificate => "certificate",
        Credential::Password => "password",
        Credential::PrivateKey => "private key",
    }
}
