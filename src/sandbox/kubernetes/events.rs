//! Events in their two shapes: they are stored as those of the core, and events.k8s.io shows the same ones otherwise.
//!
//! Decides only names and places of members; never what they say.

use serde_json::{Map, Value};

use super::failure::Fault;
use super::resource::EVENTS_GROUP;

/// Members of an event: in the core, and in events.k8s.io.
const NAMES: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Whether this is the other of the two.
pub(super) fn are_other(api_version: &str) -> bool {
    api_version.split_once('/').is_some_and(|(group, _)| group == EVENTS_GROUP)
}

/// From events.k8s.io to the core.
pub(super) fn to_core(event: &mut Map<String, Value>) {
    for (core, other) in NAMES {
        rename(event, other, core);
    }
}

/// From the core to events.k8s.io.
pub(super) fn from_core(event: &mut Map<String, Value>) {
    for (core, other) in NAMES {
        rename(event, core, other);
    }
}

/// What every event says, also where there is nothing to say.
pub(super) fn complete(event: &mut Map<String, Value>) {
    event.entry("source").or_insert_with(|| Value::Object(Map::new()));
    for time in ["firstTimestamp", "lastTimestamp", "eventTime"] {
        event.entry(time).or_insert(Value::Null);
    }
    for name in ["reportingComponent", "reportingInstance"] {
        event.entry(name).or_insert_with(|| Value::from(""));
    }
}

/// What is wrong with an event of events.k8s.io, by the names of the core.
pub(super) fn faults(event: &Map<String, Value>) -> Vec<Fault> {
    /// Bytes of a note, whatever Kubernetes calls them.
    const LONGEST: usize = 1024;
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut found = vec![];
    if text("message").len() > LONGEST {
        let why = format!("can have at most {LONGEST} characters");
        found.push(Fault::invalid("message", &Value::from(""), &why));
    }
    if !matches!(text("type"), "Normal" | "Warning") {
        found.push(Fault::invalid("type", &Value::from(""), &format!("has invalid value: {}", text("type"))));
    }
    found
}

/// What of an event of events.k8s.io may not change, and does.
pub(super) fn changes(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Fault> {
    const FIXED: [&str; 6] = ["reason", "message", "type", "action", "reportingComponent", "reportingInstance"];
    let changed = FIXED.into_iter().filter(|name| old.get(*name) != new.get(*name));
    let fault = |name| Fault::invalid(name, new.get(name).unwrap_or(&Value::Null), "field is immutable");
    changed.map(fault).collect()
}

fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = members.remove(from) {
        members.insert(to.to_owned(), value);
    }
}
