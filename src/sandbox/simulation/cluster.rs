//! A cluster in memory: objects with versions, finalizers and preconditions, and everything that ever happened to them.
//!
//! Decides what a write comes to, as a Kubernetes API server would. Takes the time as given; never speaks HTTP, and never
//! judges who may do what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::shell::kube::KubeError;
use crate::world::{Expect, Kind};

/// Where objects are: of a kind that is watched, or among the `ConfigMap`s.
pub(super) type Table = Option<Kind>;
/// Namespace and name.
pub(super) type Key = (String, String);

/// One cluster.
pub(super) struct Cluster {
    /// What tells it from every other: the uid of kube-system.
    pub(super) uid: String,
    version: u64,
    uids: u64,
    tables: BTreeMap<Table, Objects>,
    ending: BTreeSet<String>,
}

/// The objects of a kind, and what happened to them.
#[derive(Default)]
pub(super) struct Objects {
    /// As they are.
    pub(super) now: BTreeMap<Key, Arc<Value>>,
    /// Every change, in the order of versions.
    pub(super) log: Vec<Change>,
}

/// One change of one object.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) old: Option<Arc<Value>>,
    /// The object then; of one that is gone, its last state.
    pub(super) new: Arc<Value>,
    pub(super) gone: bool,
}

impl Cluster {
    pub(super) fn new(uid: &str) -> Self {
        Cluster { uid: uid.to_owned(), version: 100, uids: 0, tables: BTreeMap::new(), ending: BTreeSet::new() }
    }

    /// The version of the last change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn table(&self, table: Table) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.tables.get(&table).into_iter().flat_map(|objects| &objects.now)
    }

    pub(super) fn log(&self, table: Table) -> &[Change] {
        self.tables.get(&table).map_or(&[], |objects| &objects.log)
    }

    pub(super) fn get(&self, table: Table, key: &Key) -> Option<&Arc<Value>> {
        self.tables.get(&table)?.now.get(key)
    }

    pub(super) fn create(&mut self, table: Table, mut object: Value, now: Timestamp) -> Result<Arc<Value>, KubeError> {
        let key = key_of(&object);
        if self.ending.contains(&key.0) {
            return Err(KubeError::Forbidden { code: 403, terminating: true });
        }
        if self.get(table, &key).is_some() {
            return Err(KubeError::Exists);
        }
        self.uids += 1;
        let uid = format!("{}-{}", self.uid, self.uids);
        if let Some(metadata) = metadata_mut(&mut object) {
            metadata.insert("uid".into(), json!(uid));
            metadata.insert("creationTimestamp".into(), json!(whole(now)));
            metadata.insert("generation".into(), json!(1));
        }
        Ok(self.put(table, object))
    }

    /// Changes an object by a merge patch; `status` says that only its status is meant.
    pub(super) fn patch(
        &mut self,
        table: Table,
        (key, status): (&Key, bool),
        patch: &Value,
    ) -> Result<Arc<Value>, KubeError> {
        let old = self.get(table, key).cloned().ok_or(KubeError::NotFound)?;
        for field in ["uid", "resourceVersion"] {
            let expected = patch.get("metadata").and_then(|metadata| metadata.get(field));
            if expected.is_some_and(|expected| Some(expected) != metadata_of(&old, field)) {
                return Err(KubeError::Stale);
            }
        }
        let mut new = Value::clone(&old);
        for (member, change) in patch.as_object().into_iter().flatten() {
            let Value::Object(members) = &mut new else { break };
            if (member == "status") != status {
                continue;
            }
            if change.is_null() {
                members.remove(member);
            } else {
                merge(members.entry(member.clone()).or_insert(Value::Null), change);
            }
        }
        if is_true(&old, "immutable") && old.get("data") != new.get("data") {
            return Err(KubeError::Refused { code: 422, reason: "Invalid".to_owned() });
        }
        if new == *old {
            return Ok(old);
        }
        if new.get("spec") != old.get("spec") {
            let generation = metadata_of(&old, "generation").and_then(Value::as_i64).unwrap_or_default();
            if let Some(metadata) = metadata_mut(&mut new) {
                metadata.insert("generation".into(), json!(generation + 1));
            }
        }
        if is_deleting(&new) && finalizers(&new).is_empty() {
            return Ok(self.remove(table, key, new));
        }
        Ok(self.put(table, new))
    }

    /// Deletes an object, or marks it where a finalizer holds it.
    pub(super) fn delete(
        &mut self,
        table: Table,
        (key, expect): (&Key, Option<&Expect>),
        now: Timestamp,
    ) -> Result<(), KubeError> {
        let old = self.get(table, key).cloned().ok_or(KubeError::NotFound)?;
        if let Some(Expect { uid, version }) = expect {
            let same = |field, text: &str| metadata_of(&old, field).and_then(Value::as_str) == Some(text);
            let differs = |field, text: &str| !text.is_empty() && !same(field, text);
            if differs("uid", uid) || differs("resourceVersion", version) {
                return Err(KubeError::Stale);
            }
        }
        let mut new = Value::clone(&old);
        if finalizers(&old).is_empty() {
            self.remove(table, key, new);
            return Ok(());
        }
        if !is_deleting(&old) {
            if let Some(metadata) = metadata_mut(&mut new) {
                metadata.insert("deletionTimestamp".into(), json!(whole(now)));
            }
            self.put(table, new);
        }
        Ok(())
    }

    /// Deletes a namespace and everything in it; it can be made anew at once when all is gone.
    pub(super) fn end(&mut self, namespace: &str, now: Timestamp) {
        self.ending.insert(namespace.to_owned());
        let tables: Vec<Table> = self.tables.keys().copied().collect();
        for table in tables {
            let inside: Vec<Key> =
                self.table(table).map(|(key, _)| key.clone()).filter(|it| it.0 == namespace).collect();
            for key in inside {
                // What is gone by now needs no delete.
                let _ = self.delete(table, (&key, None), now);
            }
        }
    }

    /// Lets a namespace be used again, once it is empty; says whether it can be.
    pub(super) fn begin(&mut self, namespace: &str) -> bool {
        let occupied = self.tables.values().any(|objects| objects.now.keys().any(|key| key.0 == namespace));
        !occupied && self.ending.remove(namespace)
    }

    fn put(&mut self, table: Table, mut object: Value) -> Arc<Value> {
        self.version += 1;
        let key = key_of(&object);
        if let Some(metadata) = metadata_mut(&mut object) {
            metadata.insert("resourceVersion".into(), json!(self.version.to_string()));
        }
        let new = Arc::new(object);
        let objects = self.tables.entry(table).or_default();
        let old = objects.now.insert(key, Arc::clone(&new));
        objects.log.push(Change { version: self.version, old, new: Arc::clone(&new), gone: false });
        new
    }

    fn remove(&mut self, table: Table, key: &Key, mut last: Value) -> Arc<Value> {
        self.version += 1;
        if let Some(metadata) = metadata_mut(&mut last) {
            metadata.insert("resourceVersion".into(), json!(self.version.to_string()));
        }
        let new = Arc::new(last);
        let objects = self.tables.entry(table).or_default();
        let old = objects.now.remove(key);
        objects.log.push(Change { version: self.version, old, new: Arc::clone(&new), gone: true });
        new
    }
}

fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(members) = value else { return };
    for (name, change) in patch {
        if change.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// A time as an API server writes it.
pub(super) fn whole(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

pub(super) fn key_of(object: &Value) -> Key {
    (text(object, "namespace").to_owned(), text(object, "name").to_owned())
}

/// A text of the metadata, empty if there is none.
pub(super) fn text<'v>(object: &'v Value, field: &str) -> &'v str {
    metadata_of(object, field).and_then(Value::as_str).unwrap_or_default()
}

fn metadata_of<'v>(object: &'v Value, field: &str) -> Option<&'v Value> {
    object.get("metadata")?.get(field)
}

fn metadata_mut(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.as_object_mut()
}

pub(super) fn is_deleting(object: &Value) -> bool {
    !text(object, "deletionTimestamp").is_empty()
}

pub(super) fn finalizers(object: &Value) -> Vec<&str> {
    let listed = metadata_of(object, "finalizers").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A label or annotation.
pub(super) fn noted<'v>(object: &'v Value, field: &str, name: &str) -> Option<&'v str> {
    metadata_of(object, field)?.get(name)?.as_str()
}

fn is_true(object: &Value, member: &str) -> bool {
    object.get(member) == Some(&Value::Bool(true))
}
