//! Writes: what create, update and delete do to what is stored.
//!
//! Decides metadata that belongs to Kubernetes, conflicts, finalizers, and what a namespace or a definition entails.
//! Takes as given that objects were decoded; never speaks HTTP.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::decode::{Target, fill_in};
use super::failure::{Failure, Fault};
use super::object::{Document, Object};
use super::resource::{EVENTS_GROUP, Resource};
use super::store::Store;
use super::{events, schema, valid};

/// Where names come from that Kubernetes makes up.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Members of the metadata that only Kubernetes sets.
const OURS: [&str; 6] =
    ["uid", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];

/// Stores a new object, or only says what would be stored.
pub(super) fn create(store: &mut Store, target: &Target, sent: Document, dry: bool) -> Result<Arc<Object>, Failure> {
    let mut document = sent;
    name(target, &mut document)?;
    let resource = &target.resource;
    let (namespace, name) = document.key();
    if resource.namespaced {
        admit(store, target, (&namespace, &name), dry)?;
    }
    if !document.text("resourceVersion").is_empty() {
        return Err(Failure::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    for field in OURS {
        document.metadata.remove(field);
    }
    if resource.status {
        document.rest.remove("status");
    }
    begin(store, resource, &mut document);
    // What may not be stored is refused before anybody looks whether it is there.
    refuse(resource, &name, &valid::faults(target, &document, None))?;
    if let Some(found) = store.get(resource, &document.key()) {
        let mut failure = Failure::exists(resource, &name);
        if found.document().is_deleting() {
            failure.message.insert_str(0, "object is being deleted: ");
        }
        return Err(failure);
    }
    Ok(keep(store, resource, document, dry))
}

/// Sets what every object has from its beginning; keeps what is there already.
pub(super) fn begin(store: &Store, resource: &Resource, document: &mut Document) {
    if document.text("uid").is_empty() {
        document.set("uid", Uuid::new_v4().to_string());
    }
    if document.text("creationTimestamp").is_empty() {
        document.set("creationTimestamp", store.now());
    }
    if resource.generation && document.generation() == 0 {
        document.set("generation", 1);
    }
    if resource.kind == "Secret" {
        valid::fold_string_data(document);
    }
    fill_in(resource, document);
}

fn name(target: &Target, document: &mut Document) -> Result<(), Failure> {
    let prefix = document.text("generateName");
    if !document.text("name").is_empty() {
        return Ok(());
    }
    if prefix.is_empty() {
        let fault = Fault::invalid("metadata.name", &json!(""), "name or generateName is required");
        return refuse(&target.resource, "", &[fault]);
    }
    let chance = Uuid::new_v4().into_bytes();
    let letter = |byte: &u8| LETTERS.iter().cycle().nth(usize::from(*byte)).map_or('x', |letter| char::from(*letter));
    let suffix: String = chance.iter().take(5).map(letter).collect();
    let name = format!("{prefix}{suffix}");
    document.set("name", name);
    Ok(())
}

/// A namespace is there before its objects, and stays until they are gone.
fn admit(store: &mut Store, target: &Target, key: (&str, &str), dry: bool) -> Result<(), Failure> {
    let (namespace, name) = key;
    let Some(namespaces) = store.table("", "namespaces").map(|table| Arc::clone(&table.resource)) else {
        return Ok(());
    };
    match store.get(&namespaces, &(String::new(), namespace.to_owned())) {
        Some(found) if found.document().is_deleting() => {
            let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
            Err(Failure::forbidden(&target.resource, name, &why).because(&json!({
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            })))
        }
        Some(_) => Ok(()),
        None if store.create_namespaces && dry => Ok(()),
        None if store.create_namespaces => {
            make_namespace(store, &namespaces, namespace);
            Ok(())
        }
        None => Err(Failure::not_found(&namespaces, namespace)),
    }
}

fn make_namespace(store: &mut Store, namespaces: &Resource, name: &str) {
    let mut document = Document { metadata: serde_json::Map::new(), rest: serde_json::Map::new() };
    document.set("name", name);
    begin(store, namespaces, &mut document);
    store.put(namespaces, document);
}

fn refuse(resource: &Resource, name: &str, faults: &[Fault]) -> Result<(), Failure> {
    if faults.is_empty() { Ok(()) } else { Err(Failure::invalid(resource, name, faults)) }
}

fn keep(store: &mut Store, resource: &Resource, document: Document, dry: bool) -> Arc<Object> {
    if dry {
        return Arc::new(Object::new(&document));
    }
    let object = store.put(resource, document);
    if resource.kind == "CustomResourceDefinition" {
        let definition = object.value("", "");
        if let Some(defined) = Resource::from_definition(&definition) {
            store.serve(defined);
        }
    }
    object
}

/// Stores a changed object over the current one; nothing happens if nothing changed.
pub(super) fn update(store: &mut Store, target: &Target, sent: &Document, dry: bool) -> Result<Arc<Object>, Failure> {
    let resource = &target.resource;
    let current = store.get(resource, &target.key()).cloned();
    let current = current.ok_or_else(|| Failure::not_found(resource, &target.name))?;
    let old = current.document();
    check_version(resource, &old, sent)?;
    let mut document = successor(target, &old, sent);
    let mut faults = valid::update_faults(target, &old, &document);
    for field in OURS {
        document.keep(field, &old);
    }
    faults.extend(valid::faults(target, &document, Some(&seen_by(target, &old))));
    refuse(resource, &target.name, &faults)?;
    document.keep("resourceVersion", &old);
    if document == old {
        return Ok(current);
    }
    if resource.generation && spec_changed(&seen_by(target, &old), &document) {
        document.set("generation", old.generation() + 1);
    }
    let released = document.is_deleting() && document.finalizers().is_empty() && !dry;
    if released && resource.kind != "Namespace" {
        // Who releases it is shown the version before; only watches are told the one under which it went.
        let last = Object::new(&document);
        bury(store, resource, &last);
        return Ok(Arc::new(last));
    }
    let object = keep(store, resource, document, dry);
    if released {
        end_namespace(store, &target.name);
    }
    Ok(object)
}

/// A write that names a version rests on that version.
fn check_version(resource: &Resource, old: &Document, sent: &Document) -> Result<(), Failure> {
    match sent.text("resourceVersion") {
        "" if resource.unconditional => Ok(()),
        "" => Err(Failure::versionless(resource, old.text("name"))),
        version if version == old.text("resourceVersion") => Ok(()),
        _ => Err(Failure::stale(resource, old.text("name"))),
    }
}

/// What is meant to become of the object: only its status, or everything else.
fn successor(target: &Target, old: &Document, sent: &Document) -> Document {
    let (mut next, status_of) = if target.status { (seen_by(target, old), sent) } else { (sent.clone(), old) };
    if target.resource.status {
        match status_of.rest.get("status") {
            Some(status) => drop(next.rest.insert("status".to_owned(), status.clone())),
            None => drop(next.rest.remove("status")),
        }
    }
    match target.resource.kind.as_str() {
        "Secret" => {
            valid::fold_string_data(&mut next);
            next.rest.entry("type").or_insert_with(|| json!("Opaque"));
        }
        "Namespace" => drop(old.rest.get("spec").map(|spec| next.rest.insert("spec".to_owned(), spec.clone()))),
        _ => {}
    }
    next
}

/// The object as a client of that version sees it: what the version does not know is lost with a write, and is no change.
fn seen_by(target: &Target, old: &Document) -> Document {
    let mut seen = old.clone();
    if target.resource.custom && target.api_version != target.resource.stored_api_version() {
        let mut rest = Value::Object(std::mem::take(&mut seen.rest));
        schema::prune(&mut rest, target.schema());
        seen.rest = rest.as_object().cloned().unwrap_or_default();
    }
    seen
}

fn spec_changed(old: &Document, new: &Document) -> bool {
    let without_status = |document: &Document| {
        let mut rest = document.rest.clone();
        rest.remove("status");
        rest
    };
    without_status(old) != without_status(new)
}

/// What a delete insists on.
#[derive(Debug, Default)]
pub(super) struct Preconditions {
    pub(super) uid: Option<String>,
    pub(super) version: Option<String>,
}

/// Deletes an object, or marks it where a finalizer holds it; says whether it is gone.
pub(super) fn delete(
    store: &mut Store,
    target: &Target,
    rests_on: &Preconditions,
    dry: bool,
) -> Result<(Arc<Object>, bool), Failure> {
    let resource = &target.resource;
    let current = store.get(resource, &target.key()).cloned();
    let current = current.ok_or_else(|| Failure::not_found(resource, &target.name))?;
    let mut document = current.document();
    check_preconditions(target, &document, rests_on)?;
    if document.finalizers().is_empty() && resource.kind != "Namespace" {
        return Ok(if dry { (current, true) } else { (bury(store, resource, &current), true) });
    }
    if document.is_deleting() || dry {
        return Ok((current, false));
    }
    document.set("deletionTimestamp", store.now());
    document.set("deletionGracePeriodSeconds", 0);
    if document.generation() > 0 {
        document.set("generation", document.generation() + 1);
    }
    if resource.kind == "Namespace" {
        document.rest.insert("status".to_owned(), json!({"phase": "Terminating"}));
    }
    let marked = store.put(resource, document);
    if resource.kind == "Namespace" {
        empty_namespace(store, &target.name);
    }
    Ok((marked, false))
}

fn check_preconditions(target: &Target, found: &Document, rests_on: &Preconditions) -> Result<(), Failure> {
    let wrong = |asked: &Option<String>, field: &str| match asked {
        Some(asked) if asked != found.text(field) => Some((asked.clone(), found.text(field).to_owned())),
        _ => None,
    };
    let named = Resource { plural: target.resource.kind.clone(), ..Resource::clone(&target.resource) };
    if let Some((asked, is)) = wrong(&rests_on.uid, "uid") {
        let why = format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({is}). \
             The object might have been deleted and then recreated"
        );
        return Err(Failure::conflict(&named, &target.name, &why));
    }
    if let Some((asked, is)) = wrong(&rests_on.version, "resourceVersion") {
        let why = format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({is}). \
             The object might have been modified"
        );
        return Err(Failure::conflict(&named, &target.name, &why));
    }
    Ok(())
}

/// Removes an object, and what goes with it.
fn bury(store: &mut Store, resource: &Resource, last: &Object) -> Arc<Object> {
    let gone = store.remove(resource, last);
    if resource.kind == "CustomResourceDefinition"
        && let Some(defined) = Resource::from_definition(&gone.value("", ""))
    {
        store.unserve(&defined);
    }
    if resource.namespaced {
        end_namespace(store, &gone.key.0);
    }
    gone
}

/// Deletes everything in a namespace, and the namespace if nothing holds anything.
fn empty_namespace(store: &mut Store, namespace: &str) {
    let mut targets = vec![];
    for table in store.tables.values().filter(|table| table.resource.namespaced) {
        let inside = table.objects.keys().filter(|key| key.0 == namespace);
        targets.extend(inside.map(|key| Target {
            resource: Arc::clone(&table.resource),
            api_version: table.resource.stored_api_version(),
            namespace: key.0.clone(),
            name: key.1.clone(),
            status: false,
        }));
    }
    for target in targets {
        // What is gone already needs no delete.
        drop(delete(store, &target, &Preconditions::default(), false));
    }
    end_namespace(store, namespace);
}

/// A namespace that was deleted goes once it is empty.
fn end_namespace(store: &mut Store, namespace: &str) {
    let Some(namespaces) = store.table("", "namespaces").map(|table| Arc::clone(&table.resource)) else { return };
    let Some(found) = store.get(&namespaces, &(String::new(), namespace.to_owned())).cloned() else { return };
    let first = (namespace.to_owned(), String::new());
    let occupied = |table: &super::store::Table| {
        table.resource.namespaced
            && table.objects.range(first.clone()..).next().is_some_and(|(key, _)| key.0 == namespace)
    };
    let document = found.document();
    if document.is_deleting() && document.finalizers().is_empty() && !store.tables.values().any(occupied) {
        store.remove(&namespaces, &found);
    }
}

/// Stores an object with everything that it says, as from a backup.
pub(super) fn load(store: &mut Store, target: &Target, mut document: Document) -> Result<Arc<Object>, Failure> {
    let resource = &target.resource;
    let (namespace, name) = document.key();
    if resource.namespaced {
        admit(store, target, (&namespace, &name), false)?;
    }
    document.metadata.remove("resourceVersion");
    begin(store, resource, &mut document);
    refuse(resource, &name, &valid::faults(target, &document, None))?;
    Ok(keep(store, resource, document, false))
}

impl Target {
    /// One object of a resource, in the version that is stored.
    pub(super) fn stored(resource: Arc<Resource>, namespace: &str, name: &str) -> Self {
        let namespace = if resource.namespaced { namespace } else { "" };
        Self {
            api_version: resource.stored_api_version(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            status: false,
            resource,
        }
    }
}

/// The answer to a delete that left nothing.
pub(super) fn deleted(target: &Target, object: &Object) -> Value {
    let mut details = super::failure::about(&target.resource, &object.key.1);
    if let Value::Object(details) = &mut details {
        details.insert("uid".to_owned(), json!(object.document().text("uid")));
        if events::are_other(&target.api_version) {
            details.insert("group".to_owned(), json!(EVENTS_GROUP));
        }
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
