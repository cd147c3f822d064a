//! What happens in a sandbox, told line by line as it happens, and how everything is in the end.
//!
//! Takes as given that objects and requests hold what they say; never shows the value of a Secret.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use super::Sandbox;
use super::aiven::{Aiven, Operation, Record};
use super::kubernetes::Change;
use crate::world::names;

/// A change of an object as a line; `None` for what is of no interest to people.
pub fn change(change: &Change) -> Option<String> {
    let object = change.object();
    let sign = match change.kind {
        "ADDED" => '+',
        "DELETED" => '-',
        _ => '~',
    };
    let (kind, what) = match change.resource() {
        "secrets" => ("Secret", secret(&object)),
        "aivenapplications" => ("AivenApplication", application(&object)),
        _ => return None,
    };
    Some(format!("{sign} {kind} {}/{}: {what}", change.namespace(), change.name()))
}

fn secret(object: &Value) -> String {
    let keys = object.get("data").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    let ending = object.pointer("/metadata/deletionTimestamp").is_some();
    let held = object.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|held| !held.is_empty());
    match (ending, held) {
        (true, true) => "is being deleted; its users first".to_owned(),
        (true, false) => "is gone".to_owned(),
        (false, _) => format!("{keys} keys{}", if is_protected(object) { ", protected" } else { "" }),
    }
}

fn is_protected(object: &Value) -> bool {
    let annotations = object.pointer("/metadata/annotations");
    annotations.and_then(|annotations| annotations.get(names::PROTECTED)).and_then(Value::as_str) == Some("true")
}

fn application(object: &Value) -> String {
    let status = object.get("status");
    let text = |key: &str| status.and_then(|status| status.get(key)).and_then(Value::as_str).unwrap_or_default();
    let conditions = status.and_then(|status| status.get("conditions")).and_then(Value::as_array).into_iter().flatten();
    let said = |condition: &&Value| {
        let is = |key: &str, text: &str| condition.get(key).and_then(Value::as_str) == Some(text);
        is("status", "True") && !is("type", "Succeeded")
    };
    let member =
        |condition: &Value, key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let why: Vec<String> =
        conditions.filter(said).map(|it| format!("{} ({})", member(it, "reason"), member(it, "message"))).collect();
    match (text("synchronizationState"), why.as_slice()) {
        ("", _) => "asked for".to_owned(),
        (state, []) => state.to_owned(),
        (state, why) => short(&format!("{state}: {}", why.join("; "))),
    }
}

/// As much of a text as fits on a line.
fn short(text: &str) -> String {
    const LONGEST: usize = 90;
    let cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() { cut.trim_end().to_owned() + "…" } else { cut }
}

/// A request to Aiven as a line; `None` for one that changes nothing.
pub fn request(record: &Arc<Record>) -> Option<String> {
    let call = &record.call;
    let done = record.status == Some(200);
    let place = format!("{}/{}", call.project, call.service);
    let what = match call.operation {
        Operation::UserCreate => format!("+ service user {} on {place}", call.user),
        Operation::UserDelete => format!("- service user {} on {place}", call.user),
        Operation::UserModify | Operation::UserReset => format!("~ service user {} on {place}", call.user),
        Operation::AclSet | Operation::AclUpdate => format!("~ access control of {place}"),
        Operation::ProjectList
        | Operation::ProjectGet
        | Operation::ProjectCa
        | Operation::ServiceList
        | Operation::ServiceGet
        | Operation::UserGet
        | Operation::AclGet
        | Operation::NotAllowed
        | Operation::Unknown => return None,
    };
    let answer = record.status.map_or_else(|| " (no answer)".to_owned(), |status| format!(" ({status})"));
    Some(if done { what } else { what + &answer })
}

/// Everything that is there in the end; values are counted, not shown.
pub fn ending(sandbox: &Sandbox) -> String {
    ending_of(&|resource| sandbox.kubernetes.list(resource, ""), &sandbox.aiven)
}

/// The same for any cluster, which lists all objects of a resource.
pub fn ending_of(list: &dyn Fn(&str) -> Vec<Value>, aiven: &Aiven) -> String {
    let mut text = String::new();
    let name = |object: &Value| {
        let of = |key: &str| object.pointer(&format!("/metadata/{key}")).and_then(Value::as_str).unwrap_or_default();
        format!("{}/{}", of("namespace"), of("name"))
    };
    for (title, resource, what) in [
        ("AivenApplications", "aivenapplications", application as fn(&Value) -> String),
        ("Secrets", "secrets", secret),
    ] {
        let _ = writeln!(text, "\n{title}");
        for object in list(resource) {
            let _ = writeln!(text, "  {:<36} {}", name(&object), what(&object));
        }
    }
    let _ = writeln!(text, "\nService users");
    for (project, service) in aiven.services() {
        let users = aiven.users(&project, &service);
        let _ = writeln!(text, "  {:<36} {}", format!("{project}/{service}"), users.join(", "));
    }
    text
}
