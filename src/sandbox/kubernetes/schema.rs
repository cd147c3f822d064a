//! Structural schemas of custom resources: what is pruned, and what is refused.
//!
//! Takes as given that the schema is structural (one type per value). Never fills in defaults: there are none.

use serde_json::{Map, Value};

use super::failure::Fault;
use crate::documents::is_time;

/// Removes what the schema does not know.
pub(super) fn prune(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(members) => prune_object(members, schema),
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    prune(item, schema);
                }
            }
        }
        _ => {}
    }
}

fn prune_object(members: &mut Map<String, Value>, schema: &Value) {
    let known = schema.get("properties").and_then(Value::as_object);
    let additional = schema.get("additionalProperties");
    let open = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    members.retain(|name, _| open || additional.is_some() || known.is_some_and(|known| known.contains_key(name)));
    // A null where none may be is as if it were not said.
    let takes_null = |schema: &Value| schema.get("nullable") == Some(&Value::Bool(true));
    let of = |name: &str| known.and_then(|known| known.get(name)).or(additional);
    members.retain(|name, value| !value.is_null() || of(name).is_none_or(takes_null));
    for (name, value) in members {
        if let Some(schema) = known.and_then(|known| known.get(name)).or(additional) {
            prune(value, schema);
        }
    }
}

/// Everything that the schema does not allow, but for what was stored like that before.
pub(super) fn faults(value: &Value, old: Option<&Value>, schema: &Value) -> Vec<Fault> {
    let mut found = vec![];
    walk("", (value, old), schema, &mut found);
    found
}

fn walk(path: &str, (value, old): (&Value, Option<&Value>), schema: &Value, found: &mut Vec<Fault>) {
    if old == Some(value) {
        return;
    }
    let wanted = schema.get("type").and_then(Value::as_str);
    let format = schema.get("format").and_then(Value::as_str);
    let mistyped = wanted.filter(|wanted| !is_a(value, wanted));
    if let Some(wanted) = mistyped
        && !(value.is_null() && schema.get("nullable") == Some(&Value::Bool(true)))
    {
        // Of what is no text, Kubernetes compares formats, where there are any.
        found.push(match format {
            Some(format) if !value.is_string() && !value.is_array() => Fault::mistyped(path, format_of(value), format),
            _ => Fault::mistyped(path, type_of(value), wanted),
        });
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        found.push(Fault::unsupported(path, value, allowed));
    }
    if mistyped.is_some() {
        return;
    }
    if format == Some("date-time") && !value.as_str().is_some_and(is_time) {
        found.push(Fault::misformed(path, value, "date-time"));
    }
    match value {
        Value::Object(members) => walk_object(path, (members, old), schema, found),
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (index, item) in items.iter().enumerate() {
                // Which item it was before, nobody can tell.
                walk(&format!("{path}[{index}]"), (item, None), schema, found);
            }
        }
        _ => {}
    }
}

fn walk_object(
    path: &str,
    (members, old): (&Map<String, Value>, Option<&Value>),
    schema: &Value,
    found: &mut Vec<Fault>,
) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    found.extend(required.filter(|name| !members.contains_key(*name)).map(|name| Fault::required(below(name))));
    for (name, value) in members {
        let known = schema.get("properties").and_then(|known| known.get(name));
        if let Some(schema) = known.or_else(|| schema.get("additionalProperties")) {
            walk(&below(name), (value, old.and_then(|old| old.get(name))), schema, found);
        }
    }
}

fn is_a(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}

/// The format that a value has by itself.
fn format_of(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "int64",
        _ => "",
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The fields that are in one value and not in the other: what strict clients are refused for.
pub(super) fn lost(before: &Value, after: &Value) -> Vec<String> {
    let mut found = vec![];
    compare("", before, Some(after), &mut found);
    found
}

fn compare(path: &str, before: &Value, after: Option<&Value>, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(members), Some(Value::Object(kept))) => {
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&below, value, kept.get(name), found);
            }
        }
        (Value::Array(items), Some(Value::Array(kept))) => {
            for (index, (item, kept)) in items.iter().zip(kept).enumerate() {
                compare(&format!("{path}[{index}]"), item, Some(kept), found);
            }
        }
        // An empty list or map may be left out.
        (Value::Array(items), None) if items.is_empty() => {}
        (Value::Object(members), None) if members.is_empty() => {}
        (_, None) => found.push(path.to_owned()),
        (_, Some(_)) => {}
    }
}
