//! What every object says of itself: its name, and when and in which version it was there.
//!
//! Decides which names are names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::field::{Fault, Object, boolean, integer, text, time};
use crate::want::is_label;
use crate::world::{AppKey, Name, SecretKey};

pub(super) use crate::world::Names;

impl Names {
    /// Reads a text.
    pub(super) fn text(&self, value: &Value) -> Result<Name, Fault> {
        text(value).map(|text| self.of(text))
    }

    /// Reads a text that has to say something; an empty one counts as absent.
    pub(super) fn filled(&self, object: &Object<'_>, key: &str) -> Result<Option<Name>, Fault> {
        let found = object.opt(key, |value| self.text(value))?;
        Ok(found.filter(|name| !name.is_empty()))
    }
}

/// The metadata of an object.
pub(super) struct Metadata<'a> {
    object: Object<'a>,
    /// Empty for what lives in no namespace.
    pub(super) namespace: Name,
    pub(super) name: Name,
    pub(super) uid: Name,
    pub(super) version: Name,
    pub(super) created: Option<Timestamp>,
    pub(super) terminating: bool,
}

impl<'a> Metadata<'a> {
    pub(super) fn of(root: &Object<'a>, namespaced: bool, names: &Names) -> Result<Self, Fault> {
        root.need("metadata", |value| {
            let object = Object::of(value)?;
            let (namespace, name) = if namespaced {
                let namespace = object.need("namespace", |value| namespace_name(value, names))?;
                (namespace, object.need("name", |value| object_name(value, names))?)
            } else {
                (Name::default(), object.need("name", |value| plain_name(value, names))?)
            };
            Ok(Metadata {
                namespace,
                name,
                uid: object.opt("uid", |value| text(value).map(Name::from))?.unwrap_or_default(),
                version: object.opt("resourceVersion", |value| text(value).map(Name::from))?.unwrap_or_default(),
                created: object.opt("creationTimestamp", time)?,
                terminating: object.opt("deletionTimestamp", time)?.is_some(),
                object,
            })
        })
    }

    pub(super) fn app_key(&self) -> AppKey {
        AppKey { namespace: self.namespace.clone(), name: self.name.clone() }
    }

    pub(super) fn secret_key(&self) -> SecretKey {
        SecretKey { namespace: self.namespace.clone(), name: self.name.clone() }
    }

    pub(super) fn generation(&self) -> Result<i64, Fault> {
        let found = self.object.opt("generation", integer).map_err(|fault| fault.under("metadata"))?;
        Ok(found.unwrap_or(1))
    }

    pub(super) fn labels(&self) -> Result<BTreeMap<&'a str, &'a str>, Fault> {
        self.texts("labels")
    }

    pub(super) fn annotations(&self) -> Result<BTreeMap<&'a str, &'a str>, Fault> {
        self.texts("annotations")
    }

    pub(super) fn finalizers(&self) -> Result<Vec<&'a str>, Fault> {
        self.object.each("finalizers", text).map_err(|fault| fault.under("metadata"))
    }

    fn texts(&self, key: &str) -> Result<BTreeMap<&'a str, &'a str>, Fault> {
        let read = |value| {
            let entries = Object::of(value)?.entries();
            let read = |(key, value)| text(value).map(|text| (key, text)).map_err(|fault: Fault| fault.under(key));
            entries.map(read).collect()
        };
        let found = self.object.opt(key, read).map_err(|fault| fault.under("metadata"))?;
        Ok(found.unwrap_or_default())
    }
}

/// The name of an object, whatever it is worth.
pub(super) fn name_of<'a>(root: &Object<'a>) -> Option<&'a str> {
    root.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str)
}

/// Reads the name of a namespace.
pub(super) fn namespace_name(value: &Value, names: &Names) -> Result<Name, Fault> {
    let expected = "a DNS label (at most 63 of a-z, 0-9 and -, beginning and ending with a letter or digit)";
    checked(value, expected, is_label).map(|text| names.of(text))
}

/// Reads the name of an object in a namespace.
pub(super) fn object_name(value: &Value, names: &Names) -> Result<Name, Fault> {
    let expected = "a DNS subdomain (at most 253 of a-z, 0-9, - and ., each part beginning and ending with a letter or \
                    digit)";
    checked(value, expected, is_subdomain).map(|text| names.of(text))
}

/// Reads the name of something that is not in Kubernetes.
pub(super) fn plain_name(value: &Value, names: &Names) -> Result<Name, Fault> {
    let plain =
        |text: &str| !text.is_empty() && !text.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control());
    checked(value, "a name without spaces and /", plain).map(|text| names.of(text))
}

fn checked<'a>(value: &'a Value, expected: &str, is_right: impl Fn(&str) -> bool) -> Result<&'a str, Fault> {
    let found = value.as_str().ok_or_else(|| Fault::mismatch(expected, value))?;
    if is_right(found) { Ok(found) } else { Err(Fault::other_text(expected, found)) }
}

fn is_subdomain(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_part = |part: &str| {
        let bytes = part.as_bytes();
        ends(bytes.first()) && ends(bytes.last()) && part.bytes().all(inside)
    };
    text.len() <= 253 && text.split('.').all(is_part)
}

/// Reads `immutable` and the like: absent is false.
pub(super) fn flag(object: &Object<'_>, key: &str) -> Result<bool, Fault> {
    object.opt(key, boolean).map(Option::unwrap_or_default)
}
