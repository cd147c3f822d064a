//! Events in their two shapes: they are stored as those of the core, and events.k8s.io shows the same ones otherwise.
//!
//! Decides only names and places of members; never what they say.

use serde_json::{Map, Value};

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

fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = members.remove(from) {
        members.insert(to.to_owned(), value);
    }
}
