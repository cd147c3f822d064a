//! The API without HTTP: what a person or a test does to the cluster.
//!
//! Decides nothing of its own: every rule of the API holds here too, apart from what each method says.

use std::sync::Arc;

use serde_json::Value;

use super::Kubernetes;
use super::answer::patched;
use super::decode::{Target, decode};
use super::failure::Failure;
use super::object::{Document, Object};
use super::patch::Form;
use super::resource::{self, Resource};
use super::store::{self, Store};
use super::write::{self, Preconditions};

/// Puts in what every cluster has.
pub(super) fn furnish(store: &mut Store, aiven_kinds: bool) {
    for resource in resource::built_in() {
        store.serve(resource);
    }
    let aiven = if aiven_kinds { resource::aiven_definitions() } else { vec![] };
    let given = [store::namespace("default"), store::namespace("kube-system"), crate::crd::definition()];
    for object in given.into_iter().chain(aiven) {
        // All of these are valid, which a test checks.
        drop(load(store, object));
    }
}

/// The resource and the place that an object names.
fn target_of(store: &Store, object: &Value) -> Result<Target, Failure> {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("/apiVersion"), text("/kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let of_group = if group == resource::EVENTS_GROUP { "" } else { group };
    let found =
        store.tables.values().map(|table| &table.resource).find(|resource| {
            resource.group == of_group && resource.kind == kind && resource.version(version).is_some()
        });
    let found = found
        .ok_or_else(|| Failure::bad_request(format!("no matches for kind \"{kind}\" in version \"{api_version}\"")))?;
    let namespace = match text("/metadata/namespace") {
        "" if found.namespaced => "default",
        _ if !found.namespaced => "",
        namespace => namespace,
    };
    Ok(Target {
        resource: Arc::clone(found),
        api_version: api_version.to_owned(),
        namespace: namespace.to_owned(),
        name: text("/metadata/name").to_owned(),
        status: false,
    })
}

fn load(store: &mut Store, object: Value) -> Result<Arc<Object>, Failure> {
    let target = target_of(store, &object)?;
    let (document, _) = decode(&target, object)?;
    write::load(store, &target, document)
}

fn named(store: &Store, word: &str, namespace: &str, name: &str) -> Result<Target, Failure> {
    let resource = store.called(word).ok_or_else(Failure::no_such_resource)?;
    Ok(Target::stored(resource, namespace, name))
}

fn shown(resource: &Resource, object: &Object) -> Value {
    object.value(&resource.stored_api_version(), &resource.kind)
}

impl Kubernetes {
    /// Creates or replaces an object, as a person with a manifest would: what belongs to Kubernetes is ignored
    /// (uid, version, status), and what the manifest does not say goes.
    pub fn apply(&self, object: Value) -> Result<Value, Failure> {
        let mut store = self.shared.store();
        let target = target_of(&store, &object)?;
        let (mut document, _) = decode(&target, object)?;
        for field in ["uid", "resourceVersion"] {
            document.metadata.remove(field);
        }
        let current = store.get(&target.resource, &target.key()).map(|current| current.document());
        let object = match current {
            Some(current) => {
                keep_metadata(&mut document, &current);
                write::update(&mut store, &target, &document, false)?
            }
            None => write::create(&mut store, &target, document, false)?,
        };
        Ok(shown(&target.resource, &object))
    }

    /// Stores an object with all that it says, as from a backup: also uid, times, generation and status, which
    /// Kubernetes gives no one else; only the version is new. Replaces whatever was there.
    pub fn load(&self, object: Value) -> Result<Value, Failure> {
        let mut store = self.shared.store();
        let target = target_of(&store, &object)?;
        let stored = load(&mut store, object)?;
        Ok(shown(&target.resource, &stored))
    }

    /// An object in the stored version; `resource` is anything that kubectl takes: `po`, `secrets`, `crd`,
    /// `valkeys.aiven.io`. The namespace of cluster-wide objects does not matter.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let store = self.shared.store();
        let target = named(&store, resource, namespace, name).ok()?;
        store.get(&target.resource, &target.key()).map(|object| shown(&target.resource, object))
    }

    /// All objects of a resource, of one namespace or (empty) of all, in the order of namespace and name.
    pub fn list(&self, resource: &str, namespace: &str) -> Vec<Value> {
        let store = self.shared.store();
        let Some(resource) = store.called(resource) else { return vec![] };
        let Some(table) = store.table(&resource.group, &resource.plural) else { return vec![] };
        let objects = table.objects.clone();
        drop(store);
        let inside = |object: &&Arc<Object>| namespace.is_empty() || object.key.0 == namespace;
        objects.values().filter(inside).map(|object| shown(&resource, object)).collect()
    }

    /// Deletes an object; says whether it is gone, or held by a finalizer.
    pub fn delete(&self, resource: &str, namespace: &str, name: &str) -> Result<bool, Failure> {
        let mut store = self.shared.store();
        let target = named(&store, resource, namespace, name)?;
        write::delete(&mut store, &target, &Preconditions::default(), false)?;
        Ok(store.get(&target.resource, &target.key()).is_none())
    }

    /// Applies a merge patch to an object, apart from its status.
    pub fn patch(&self, (resource, namespace, name): (&str, &str, &str), patch: Value) -> Result<Value, Failure> {
        let target = named(&self.shared.store(), resource, namespace, name)?;
        self.merge(&target, patch)
    }

    /// Applies a merge patch to the status of an object.
    pub fn patch_status(
        &self,
        (resource, namespace, name): (&str, &str, &str),
        patch: Value,
    ) -> Result<Value, Failure> {
        let target = named(&self.shared.store(), resource, namespace, name)?;
        self.merge(&Target { status: true, ..target }, patch)
    }

    fn merge(&self, target: &Target, patch: Value) -> Result<Value, Failure> {
        let mut store = self.shared.store();
        let (document, _) = patched(&store, target, (Form::Merge, patch))?;
        let object = write::update(&mut store, target, &document, false)?;
        Ok(shown(&target.resource, &object))
    }
}

/// A manifest that replaces an object rests on what is there, and names no finalizers of others.
fn keep_metadata(document: &mut Document, current: &Document) {
    document.keep("resourceVersion", current);
    if document.finalizers().is_empty() {
        document.keep("finalizers", current);
    }
}
