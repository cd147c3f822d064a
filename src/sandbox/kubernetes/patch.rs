//! Patches: what an object becomes.
//!
//! Decides the result of merge patches, JSON patches and strategic merge patches. Never decides whether it is valid.

use serde_json::{Map, Value};

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// RFC 7386.
    Merge,
    /// RFC 6902.
    Json,
    /// As merge, with lists that are merged by the keys of their items.
    Strategic,
}

/// The patched value, or why the patch does not apply.
pub(super) fn apply(form: Form, mut value: Value, patch: Value) -> Result<Value, String> {
    match form {
        Form::Merge => Ok(merge(value, patch)),
        Form::Strategic => Ok(strategic(value, patch)),
        Form::Json => operations(&mut value, patch).map(|()| value),
    }
}

fn merge(value: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut members = members_of(value);
    for (name, change) in patch {
        let current = members.remove(&name).unwrap_or_default();
        if !change.is_null() {
            members.insert(name, merge(current, change));
        }
    }
    Value::Object(members)
}

/// Its members; what is no object counts as an empty one.
fn members_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The keys by which the items of these lists are told apart.
const MERGE_KEYS: &[(&str, &str)] = &[
    ("conditions", "type"),
    ("containers", "name"),
    ("env", "name"),
    ("ephemeralContainers", "name"),
    ("imagePullSecrets", "name"),
    ("initContainers", "name"),
    ("ownerReferences", "uid"),
    ("ports", "containerPort"),
    ("secrets", "name"),
    ("volumeMounts", "mountPath"),
    ("volumes", "name"),
];

fn strategic(value: Value, patch: Value) -> Value {
    let Value::Object(mut patch) = patch else { return patch };
    let mut members = members_of(value);
    if patch.remove("$patch").as_ref().and_then(Value::as_str) == Some("replace") {
        return Value::Object(patch);
    }
    if let Some(Value::Array(kept)) = patch.remove("$retainKeys") {
        members.retain(|name, _| kept.iter().any(|one| one.as_str() == Some(name)));
    }
    for (name, change) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            remove_all(members.get_mut(list), &change);
        } else if name.starts_with("$setElementOrder/") {
            // The order of what is merged by key carries no meaning here.
        } else {
            let current = members.remove(&name).unwrap_or_default();
            if !change.is_null() && !deletes(&change) {
                let merged = merge_member(&name, current, change);
                members.insert(name, merged);
            }
        }
    }
    Value::Object(members)
}

fn merge_member(name: &str, current: Value, change: Value) -> Value {
    let key = MERGE_KEYS.iter().find(|(list, _)| *list == name).map(|(_, key)| *key);
    match (change, key) {
        (Value::Array(items), Some(key)) => Value::Array(merge_list(items_of(current), items, key)),
        (Value::Array(items), None) if name == "finalizers" => {
            let mut merged = items_of(current);
            let new: Vec<Value> = items.into_iter().filter(|item| !merged.contains(item)).collect();
            merged.extend(new);
            Value::Array(merged)
        }
        (change, _) => strategic(current, change),
    }
}

fn merge_list(mut items: Vec<Value>, changes: Vec<Value>, key: &str) -> Vec<Value> {
    for change in changes {
        let same = |item: &Value| item.get(key).is_some() && item.get(key) == change.get(key);
        if deletes(&change) {
            items.retain(|item| !same(item));
            continue;
        }
        let found = items.iter().position(same).and_then(|index| items.get_mut(index));
        match found {
            Some(item) => *item = strategic(item.take(), change),
            None => items.push(change),
        }
    }
    items
}

fn items_of(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => vec![],
    }
}

fn remove_all(list: Option<&mut Value>, gone: &Value) {
    if let (Some(Value::Array(items)), Value::Array(gone)) = (list, gone) {
        items.retain(|item| !gone.contains(item));
    }
}

fn deletes(change: &Value) -> bool {
    change.get("$patch").and_then(Value::as_str) == Some("delete")
}

/// Applies the operations of a JSON patch in order; the first that does not apply ends it.
fn operations(value: &mut Value, patch: Value) -> Result<(), String> {
    let Value::Array(operations) = patch else { return Err("a JSON patch is a list of operations".to_owned()) };
    operations.iter().try_for_each(|operation| one(value, operation))
}

fn one(document: &mut Value, operation: &Value) -> Result<(), String> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let path = text("path").ok_or("an operation has no path")?;
    let value = || operation.get("value").cloned().ok_or_else(|| format!("no value for {path}"));
    let from = || text("from").ok_or_else(|| format!("no source for {path}"));
    match text("op") {
        Some("add") => add(document, path, value()?),
        Some("remove") => take(document, path).map(drop),
        Some("replace") => {
            take(document, path)?;
            add(document, path, value()?)
        }
        Some("copy") => {
            let copied = document.pointer(from()?).cloned().ok_or_else(|| missing(path))?;
            add(document, path, copied)
        }
        Some("move") => {
            let moved = take(document, from()?)?;
            add(document, path, moved)
        }
        Some("test") if document.pointer(path) == operation.get("value") => Ok(()),
        Some("test") => Err(format!("testing value {path} failed: test failed")),
        _ => Err("an operation is unknown".to_owned()),
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let Some((parent, name)) = split(path) else {
        *document = value;
        return Ok(());
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.insert(name, value)),
        Some(Value::Array(items)) if name == "-" => items.push(value),
        Some(Value::Array(items)) => {
            let index = name.parse().ok().filter(|index| *index <= items.len()).ok_or_else(|| missing(path))?;
            items.insert(index, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn take(document: &mut Value, path: &str) -> Result<Value, String> {
    let (parent, name) = split(path).ok_or_else(|| missing(path))?;
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => members.remove(&name).ok_or_else(|| missing(path)),
        Some(Value::Array(items)) => {
            let index = name.parse().ok().filter(|index| *index < items.len()).ok_or_else(|| missing(path))?;
            Ok(items.remove(index))
        }
        _ => Err(missing(path)),
    }
}

/// The parent and the last name of a path, none for the root.
fn split(path: &str) -> Option<(&str, String)> {
    let (parent, name) = path.rsplit_once('/')?;
    Some((parent, name.replace("~1", "/").replace("~0", "~")))
}

fn missing(path: &str) -> String {
    format!("the path {path} does not exist")
}
