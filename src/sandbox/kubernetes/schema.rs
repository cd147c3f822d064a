//! Structural schemas of custom resources: what is pruned, and what is refused.
//!
//! Takes as given that the schema is structural (one type per value). Never fills in defaults: there are none.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::failure::Fault;

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
    if format == Some("date-time") && !is_moment(value) {
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

/// Whether the server takes it for a time: a date that there is, and the shape of a time of day with any offset.
fn is_moment(value: &Value) -> bool {
    let Some((date, time)) = value.as_str().and_then(|text| text.split_once(['T', 't'])) else { return false };
    let (clock, rest) = time.split_at_checked(8).unwrap_or_default();
    let zone =
        rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    let is = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                like => byte.eq_ignore_ascii_case(&like),
            })
    };
    let in_a_day = clock.get(0..2) <= Some("23") && clock.get(3..5) <= Some("59") && clock.get(6..8) <= Some("59");
    let has_zone = ["z", "+00:00", "-00:00"].into_iter().any(|shape| is(zone, shape));
    is(date, "0000-00-00") && date.parse::<Date>().is_ok() && is(clock, "00:00:00") && in_a_day && has_zone
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
