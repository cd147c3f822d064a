//! Rows for people, as `kubectl get` prints them.
//!
//! Decides columns and cells: those of a definition for custom resources, the usual ones for the rest.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::Document;
use super::resource::Resource;

/// The columns of a resource.
pub(super) struct Columns {
    columns: Vec<Column>,
}

struct Column {
    name: String,
    kind: String,
    /// Where its value stands, as a definition writes it, or a word for what is computed.
    path: String,
    priority: i64,
}

/// Columns of built-in kinds besides name and age.
const USUAL: &[(&str, &[(&str, &str)])] = &[
    ("pods", &[("Status", ".status.phase")]),
    ("secrets", &[("Type", ".type"), ("Data", "count .data")]),
    ("configmaps", &[("Data", "count .data")]),
    ("namespaces", &[("Status", ".status.phase")]),
    ("leases", &[("Holder", ".spec.holderIdentity")]),
    ("deployments", &[("Desired", ".spec.replicas")]),
    ("replicasets", &[("Desired", ".spec.replicas")]),
    ("statefulsets", &[("Desired", ".spec.replicas")]),
    ("cronjobs", &[("Schedule", ".spec.schedule")]),
    (
        "events",
        &[
            ("Type", ".type"),
            ("Reason", ".reason"),
            ("Kind", ".involvedObject.kind"),
            ("Object", ".involvedObject.name"),
            ("Message", ".message"),
        ],
    ),
];

impl Columns {
    pub(super) fn of(resource: &Resource, version: &str) -> Self {
        let column = |name: &str, kind: &str, path: &str| Column {
            name: name.to_owned(),
            kind: kind.to_owned(),
            path: path.to_owned(),
            priority: 0,
        };
        let mut columns = vec![column("Name", "string", ".metadata.name")];
        let defined = resource.version(version).map(|version| version.columns.as_slice()).unwrap_or_default();
        columns.extend(defined.iter().map(Column::from_definition));
        let usual = USUAL.iter().find(|(plural, _)| *plural == resource.plural && !resource.custom);
        let usual = usual.map(|(_, usual)| *usual).unwrap_or_default();
        columns.extend(usual.iter().map(|(name, path)| column(name, "string", path)));
        if defined.is_empty() {
            columns.push(column("Age", "date", ".metadata.creationTimestamp"));
        }
        Self { columns }
    }

    pub(super) fn definitions(&self) -> Value {
        let define = |column: &Column| {
            let format = if column.name == "Name" { "name" } else { "" };
            let (name, kind) = (&column.name, &column.kind);
            json!({"name": name, "type": kind, "format": format, "description": "", "priority": column.priority})
        };
        self.columns.iter().map(define).collect()
    }

    pub(super) fn row(&self, document: &Document, now: Timestamp) -> Value {
        let metadata = Value::Object(document.metadata.clone());
        let whole = document.clone().into_value("", "");
        let cells: Vec<Value> = self.columns.iter().map(|column| column.cell(&whole, now)).collect();
        let object = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
        json!({"cells": cells, "object": object})
    }
}

impl Column {
    fn from_definition(column: &Value) -> Self {
        let text = |name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let priority = column.get("priority").and_then(Value::as_i64).unwrap_or_default();
        Self { name: text("name"), kind: text("type"), path: text("jsonPath"), priority }
    }

    fn cell(&self, object: &Value, now: Timestamp) -> Value {
        if let Some(path) = self.path.strip_prefix("count ") {
            let count = find(object, path).first().and_then(|found| found.as_object()).map_or(0, serde_json::Map::len);
            return json!(count);
        }
        let found = find(object, &self.path);
        match found.as_slice() {
            [] if self.kind == "date" => json!("<unknown>"),
            [] if self.kind == "string" => json!(""),
            [] => Value::Null,
            [Value::String(moment)] if self.kind == "date" => json!(age(moment, now)),
            [one] if self.kind != "string" || one.is_string() => (*one).clone(),
            many => json!(many.iter().map(|one| plain(one)).collect::<Vec<_>>().join(" ")),
        }
    }
}

/// What a path such as `.spec.valkey[*].secretName` finds.
fn find<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (name, all) = part.strip_suffix("[*]").map_or((part, false), |name| (name, true));
        found = found.into_iter().filter_map(|value| value.get(name)).collect();
        if all {
            found = found.into_iter().filter_map(Value::as_array).flatten().collect();
        }
    }
    found
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// How long ago something was, in the words of kubectl.
fn age(moment: &str, now: Timestamp) -> String {
    let Ok(moment) = moment.parse::<Timestamp>() else { return "<invalid>".to_owned() };
    let seconds = now.as_second() - moment.as_second();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if seconds < -1 => "<invalid>".to_owned(),
        () if seconds < 120 => format!("{}s", seconds.max(0)),
        () if minutes < 10 && seconds % 60 > 0 => format!("{minutes}m{}s", seconds % 60),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 && minutes % 60 > 0 => format!("{hours}h{}m", minutes % 60),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 && hours % 24 > 0 => format!("{days}d{}h", hours % 24),
        () if days < 730 => format!("{days}d"),
        () => format!("{}y{}d", days / 365, days % 365),
    }
}
