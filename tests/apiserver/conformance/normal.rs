//! Answers in words that are the same for both servers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The names of what one server has made up, in the order in which it appeared.
#[derive(Clone)]
pub struct Names {
    namespace: String,
    given: BTreeMap<String, String>,
}

impl Names {
    pub fn new(namespace: &str) -> Names {
        Names { namespace: namespace.to_owned(), given: BTreeMap::new() }
    }

    /// The answer with names instead of what this server has made up.
    pub fn replace(&mut self, mut body: Value) -> Value {
        // The version of a list counts what others do, too.
        if body["metadata"].get("uid").is_none() && body["metadata"].get("resourceVersion").is_some() {
            body["metadata"]["resourceVersion"] = json!("of a list");
        }
        self.learn(&body);
        causes_alone(&mut body);
        self.walk("", body)
    }

    /// Gives names to uids and versions, so that they are also found in messages.
    fn learn(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value.as_str()) {
                        ("uid" | "resourceVersion", Some(text)) if text.len() > 1 && text != "of a list" => {
                            let count = self.given.len();
                            self.given.entry(text.to_owned()).or_insert_with(|| format!("{name}-{count}"));
                        }
                        _ => self.learn(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            _ => {}
        }
    }

    fn walk(&self, name: &str, value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let kept = members.into_iter().filter(|(name, _)| name != "managedFields");
                kept.map(|(name, value)| (name.clone(), self.walk(&name, value))).collect()
            }
            Value::Array(items) => items.into_iter().map(|item| self.walk(name, item)).collect(),
            Value::String(text) => self.text(name, &text),
            other => other,
        }
    }

    fn text(&self, name: &str, text: &str) -> Value {
        match name {
            "continue" if !text.is_empty() => json!("a token"),
            "creationTimestamp" | "deletionTimestamp" if text.parse::<Timestamp>().is_ok() => json!("a time"),
            "uid" | "resourceVersion" => json!(self.given.get(text).map_or(text, String::as_str)),
            _ => {
                let mut text = text.replace(&self.namespace, "the-namespace");
                for (made_up, name) in &self.given {
                    text = if made_up.len() > 20 { text.replace(made_up, name) } else { whole(&text, made_up, name) };
                }
                json!(text)
            }
        }
    }
}

/// Of what is wrong with an object, a real server tells some things twice, and in no order; and it quotes the errors of the
/// language that it is written in.
fn causes_alone(status: &mut Value) {
    let message = status["message"].as_str().unwrap_or_default().to_owned();
    if let Some(causes) = status["details"]["causes"].as_array_mut() {
        causes.sort_by_key(Value::to_string);
        causes.dedup();
        if causes.iter().any(|cause| cause["field"] == "patch") {
            *causes = vec![json!("the patch")];
        }
        status["message"] = json!(message.split_once(" is invalid: ").map_or(&*message, |(who, _)| who));
    } else if let Some((what, _)) = message.split_once(" cannot be handled as a ") {
        status["message"] = json!(what);
    } else if status["code"] == 400 && (message.starts_with("found ") || message.starts_with("unable to parse")) {
        status["message"] = json!("a selector");
    }
}

/// Replaces a number where it stands alone.
fn whole(text: &str, number: &str, name: &str) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(number) {
        let (before, after) = (&rest[..at], &rest[at + number.len()..]);
        let alone = !before.ends_with(|c: char| c.is_ascii_alphanumeric())
            && !after.starts_with(|c: char| c.is_ascii_alphanumeric());
        replaced += before;
        replaced += if alone { name } else { number };
        rest = after;
    }
    replaced + rest
}
