//! The synchronization hash of a spec, bit for bit as programs before this one computed it.
//!
//! Decides whether a spec is the one that was last rolled out; never depends on which version the resource was read as.

use std::fmt::Write as _;

use crate::world::{InstanceSpec, KafkaSpec, Spec};

/// The hash of a spec: hexadecimal, not padded.
pub fn of(spec: &Spec) -> String {
    let mut hash: u64 = 0;
    for byte in canonical_json(spec).bytes() {
        let one = fnv1(&[byte]);
        let mut both = [0; 16];
        let (first, second) = both.split_at_mut(8);
        first.copy_from_slice(&hash.to_le_bytes());
        second.copy_from_slice(&one.to_le_bytes());
        hash = fnv1(&both);
    }
    format!("{hash:x}")
}

/// The JSON that is hashed: fixed order of fields, empty ones left out, text escaped as Go's encoder does.
pub fn canonical_json(spec: &Spec) -> String {
    let Spec { secret_name, protected, expires_at, kafka, open_search, valkey } = spec;
    let mut object = Object::default();
    object.text("secretName", secret_name.as_deref());
    if *protected {
        object.raw("protected", "true");
    }
    if let Some(end) = expires_at {
        object.text("expiresAt", Some(&crate::world::rfc3339(*end)));
    }
    if let Some(KafkaSpec { pool, secret_name }) = kafka {
        let mut inner = Object::default();
        inner.raw("pool", &quoted(pool));
        inner.text("secretName", secret_name.as_deref());
        object.raw("kafka", &inner.end());
    }
    if let Some(instance) = open_search {
        object.raw("openSearch", &instance_json(instance));
    }
    if !valkey.is_empty() {
        let entries: Vec<String> = valkey.iter().map(instance_json).collect();
        object.raw("valkey", &format!("[{}]", entries.join(",")));
    }
    object.end()
}

fn instance_json(spec: &InstanceSpec) -> String {
    let InstanceSpec { instance, access, secret_name } = spec;
    let mut object = Object::default();
    object.text("instance", Some(instance));
    object.text("access", access.map(crate::world::Access::as_str));
    object.text("secretName", secret_name.as_deref());
    object.end()
}

#[derive(Default)]
struct Object(String);

impl Object {
    /// Adds a text, unless it is empty.
    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.raw(name, &quoted(value));
        }
    }

    fn raw(&mut self, name: &str, json: &str) {
        let comma = if self.0.is_empty() { "" } else { "," };
        let _ = write!(self.0, "{comma}\"{name}\":{json}");
    }

    fn end(self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// A JSON string as Go's `encoding/json` writes it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// FNV-1 (not 1a, which is what crates offer), 64 bits.
fn fnv1(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte))
}
