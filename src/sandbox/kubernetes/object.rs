//! Stored objects: written once as JSON, then shared by lists, watches and the history.
//!
//! Takes as given that an object is valid. Never holds apiVersion and kind, which depend on who asks.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde_json::{Map, Value};

use super::failure::Failure;

/// Namespace (empty for cluster-wide objects) and name.
pub(super) type Key = (String, String);

/// An object as it is stored.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) key: Key,
    pub(super) version: u64,
    pub(super) labels: BTreeMap<String, String>,
    /// The members besides apiVersion and kind, metadata first, without the braces.
    members: Bytes,
    /// How much of it is metadata.
    metadata: usize,
}

/// An object as it is worked on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    pub(super) metadata: Map<String, Value>,
    /// Everything besides apiVersion, kind and metadata.
    pub(super) rest: Map<String, Value>,
}

impl Object {
    pub(super) fn new(document: &Document) -> Self {
        let metadata = format!("\"metadata\":{}", Value::Object(document.metadata.clone()));
        let mut members = metadata.clone();
        for (name, value) in &document.rest {
            members.extend([",", &Value::from(name.as_str()).to_string(), ":", &value.to_string()]);
        }
        Self {
            key: document.key(),
            version: document.text("resourceVersion").parse().unwrap_or_default(),
            labels: document.strings("labels"),
            metadata: metadata.len(),
            members: Bytes::from(members),
        }
    }

    /// The object with apiVersion and kind.
    pub(super) fn write(&self, head: &str, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&self.members);
        out.push(b'}');
    }

    /// Only its metadata, with apiVersion and kind.
    pub(super) fn write_metadata(&self, head: &str, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(self.members.get(..self.metadata).unwrap_or_default());
        out.push(b'}');
    }

    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The object to work on.
    pub(super) fn document(&self) -> Document {
        let mut bytes = vec![];
        self.write("", &mut bytes);
        let mut rest: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
        let metadata = object(rest.remove("metadata"));
        Document { metadata, rest }
    }

    /// The object with apiVersion and kind, as JSON.
    pub(super) fn value(&self, api_version: &str, kind: &str) -> Value {
        self.document().into_value(api_version, kind)
    }

    /// The same under another version: how an object that leaves a selection is shown.
    pub(super) fn at(&self, version: u64) -> Self {
        let mut document = self.document();
        document.set("resourceVersion", version.to_string());
        Self::new(&document)
    }
}

impl Document {
    /// Takes an object apart.
    pub(super) fn from_value(value: Value) -> Result<Self, Failure> {
        let Value::Object(mut rest) = value else {
            return Err(Failure::bad_request("the body of the request is not an object"));
        };
        rest.remove("apiVersion");
        rest.remove("kind");
        let metadata = object(rest.remove("metadata"));
        Ok(Self { metadata, rest })
    }

    /// Puts it together again.
    pub(super) fn into_value(self, api_version: &str, kind: &str) -> Value {
        let mut members = self.rest;
        members.insert("apiVersion".to_owned(), Value::from(api_version));
        members.insert("kind".to_owned(), Value::from(kind));
        members.insert("metadata".to_owned(), Value::Object(self.metadata));
        Value::Object(members)
    }

    pub(super) fn key(&self) -> Key {
        (self.text("namespace").to_owned(), self.text("name").to_owned())
    }

    /// A text of its metadata, empty if it has none.
    pub(super) fn text(&self, field: &str) -> &str {
        self.metadata.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// A map of its metadata.
    pub(super) fn strings(&self, field: &str) -> BTreeMap<String, String> {
        let map = self.metadata.get(field).and_then(Value::as_object);
        let pairs = map.into_iter().flatten();
        pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }

    pub(super) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.metadata.insert(field.to_owned(), value.into());
    }

    pub(super) fn finalizers(&self) -> Vec<&str> {
        let list = self.metadata.get("finalizers").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether it was deleted and waits for its finalizers.
    pub(super) fn is_deleting(&self) -> bool {
        !self.text("deletionTimestamp").is_empty()
    }

    pub(super) fn generation(&self) -> i64 {
        self.metadata.get("generation").and_then(Value::as_i64).unwrap_or_default()
    }

    /// Takes a member of the metadata from another object, or removes it as there.
    pub(super) fn keep(&mut self, field: &str, other: &Self) {
        match other.metadata.get(field) {
            Some(value) => self.set(field, value.clone()),
            None => drop(self.metadata.remove(field)),
        }
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
