//! Answers to requests for objects, one function a verb.
//!
//! Decides how a request becomes a read or a write of the store. Takes as given where it goes; never decides what a
//! write does there.

use std::sync::Arc;

use axum::response::Response;
use serde_json::Value;

use super::decode::{Target, decode};
use super::events;
use super::failure::Failure;
use super::object::{Document, Object};
use super::patch::{self, Form as PatchForm};
use super::resource::EVENTS_GROUP;
use super::select::{Selector, supported_fields};
use super::serve::{Ask, Shared, json};
use super::store::Store;
use super::view::{Form, View};
use super::write::{self, Preconditions};
use super::{list, watch};

/// Answers a request for objects; whoever speaks an old version is told so, refused or not.
pub(super) fn answer(shared: &Arc<Shared>, target: &Target, ask: &Ask) -> Result<Response, Failure> {
    answer_to(shared, target, ask).map_err(|failure| {
        let failure = if events::are_other(&target.api_version) { failure.in_group(EVENTS_GROUP) } else { failure };
        failure.warned(warnings(target))
    })
}

fn answer_to(shared: &Arc<Shared>, target: &Target, ask: &Ask) -> Result<Response, Failure> {
    match ask.route.verb {
        "get" => get(shared, target, ask),
        "list" => list(shared, target, ask),
        "watch" => watch::begin(shared, target, &ask.query, (view(target, ask), selector(target, ask)?)),
        "create" if target.name.is_empty() => create(shared, target, ask),
        "update" => update(shared, target, ask),
        "patch" => patch(shared, target, ask),
        "delete" => delete(shared, target, ask),
        _ => Err(Failure::method_not_allowed()),
    }
}

fn view(target: &Target, ask: &Ask) -> View {
    View::new(target, Form::accepted(&ask.accept))
}

fn selector(target: &Target, ask: &Ask) -> Result<Selector, Failure> {
    let supported = supported_fields(&target.resource.plural);
    let mut selector = Selector::parse(ask.query.text("labelSelector"), ask.query.text("fieldSelector"), supported)?;
    let namespace = Some(target.namespace.clone()).filter(|namespace| !namespace.is_empty());
    selector.namespace = namespace;
    Ok(selector)
}

fn show(shared: &Shared, target: &Target, object: &Object, ask: &Ask) -> Vec<u8> {
    let mut body = vec![];
    view(target, ask).one(object, (shared.clock)(), &mut body);
    body
}

fn get(shared: &Shared, target: &Target, ask: &Ask) -> Result<Response, Failure> {
    let object = shared.store().get(&target.resource, &target.key()).cloned();
    let object = object.ok_or_else(|| Failure::not_found(&target.resource, &target.name))?;
    Ok(json(200, show(shared, target, &object, ask), &warnings(target)))
}

fn list(shared: &Shared, target: &Target, ask: &Ask) -> Result<Response, Failure> {
    let selector = selector(target, ask)?;
    let page = list::list(&mut shared.store(), target, &selector, &ask.query)?;
    let body = view(target, ask).list(&page.objects, &page.metadata, (shared.clock)());
    Ok(json(200, body, &warnings(target)))
}

/// What clients of this version are always warned with.
fn warnings(target: &Target) -> Vec<String> {
    let version = target.api_version.rsplit('/').next().unwrap_or_default();
    target.resource.version(version).and_then(|version| version.warning.clone()).into_iter().collect()
}

/// What a client is told of the fields that were dropped, or that it is refused for them.
fn judge(target: &Target, ask: &Ask, unknown: &[String]) -> Result<Vec<String>, Failure> {
    match ask.query.text("fieldValidation") {
        "Strict" if !unknown.is_empty() => Err(target.unknown(unknown)),
        "Ignore" => Ok(vec![]),
        _ => Ok(unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect()),
    }
}

/// The answer to a write, with what the client is told.
fn written(
    (code, warned): (u16, Vec<String>),
    target: &Target,
    done: Result<Vec<u8>, Failure>,
) -> Result<Response, Failure> {
    match done {
        Ok(body) => Ok(json(code, body, &[warnings(target), warned].concat())),
        Err(failure) => Err(failure.warned(warned)),
    }
}

fn create(shared: &Shared, target: &Target, ask: &Ask) -> Result<Response, Failure> {
    let mut target = target.clone();
    let body = object_of(ask)?;
    if target.resource.namespaced && target.namespace.is_empty() {
        return Err(Failure::bad_request("an empty namespace may not be set during creation"));
    }
    let (document, unknown) = decode(&target, body)?;
    document.text("name").clone_into(&mut target.name);
    let warned = judge(&target, ask, &unknown)?;
    let done = write::create(&mut shared.store(), &target, document, ask.is_dry());
    written((201, warned), &target, done.map(|object| show(shared, &target, &object, ask)))
}

/// The body, which has to be an object in JSON.
fn object_of(ask: &Ask) -> Result<Value, Failure> {
    let media = ask.content_type.split(';').next().unwrap_or_default().trim();
    if !matches!(media, "" | "application/json") {
        return Err(Failure::unsupported_media_type(&["application/json"]));
    }
    ask.json()
}

fn update(shared: &Shared, target: &Target, ask: &Ask) -> Result<Response, Failure> {
    let (document, unknown) = decode(target, object_of(ask)?)?;
    let warned = judge(target, ask, &unknown)?;
    let mut store = shared.store();
    let current = store.get(&target.resource, &target.key()).map(|object| object.document());
    if current.is_none() && matches!(target.resource.kind.as_str(), "Lease" | "Event") {
        drop(store);
        return put(shared, (target, ask), (document, warned));
    }
    let (sent, stored) = (document.text("uid"), current.as_ref().map_or("", |current| current.text("uid")));
    if !sent.is_empty() && !stored.is_empty() && sent != stored {
        let why = format!("Precondition failed: UID in precondition: {sent}, UID in object meta: {stored}");
        return Err(Failure::conflict(&target.resource, &target.name, &why));
    }
    let done = write::update(&mut store, target, &document, ask.is_dry());
    drop(store);
    written((200, warned), target, done.map(|object| show(shared, target, &object, ask)))
}

/// Of a few kinds, a replacement of what is not there makes it.
fn put(
    shared: &Shared,
    (target, ask): (&Target, &Ask),
    (mut document, warned): (Document, Vec<String>),
) -> Result<Response, Failure> {
    document.metadata.remove("resourceVersion");
    let done = write::create(&mut shared.store(), target, document, ask.is_dry());
    written((201, warned), target, done.map(|object| show(shared, target, &object, ask)))
}

fn patch(shared: &Shared, target: &Target, ask: &Ask) -> Result<Response, Failure> {
    let form = form_of(target, &ask.content_type)?;
    let change = ask.json()?;
    let mut store = shared.store();
    let (document, unknown) = patched(&store, target, (form, change))?;
    let warned = judge(target, ask, &unknown)?;
    let done = write::update(&mut store, target, &document, ask.is_dry());
    drop(store);
    written((200, warned), target, done.map(|object| show(shared, target, &object, ask)))
}

/// How the patch is written; custom resources know no strategic merge.
fn form_of(target: &Target, content_type: &str) -> Result<PatchForm, Failure> {
    const JSON: &str = "application/json-patch+json";
    const MERGE: &str = "application/merge-patch+json";
    const STRATEGIC: &str = "application/strategic-merge-patch+json";
    match content_type.split(';').next().unwrap_or_default().trim() {
        JSON => Ok(PatchForm::Json),
        MERGE => Ok(PatchForm::Merge),
        STRATEGIC if !target.resource.custom => Ok(PatchForm::Strategic),
        _ if target.resource.custom => Err(Failure::unsupported_media_type(&[JSON, MERGE])),
        _ => Err(Failure::unsupported_media_type(&[JSON, MERGE, STRATEGIC])),
    }
}

/// What a patch makes of the stored object, in the version that the client speaks.
pub(super) fn patched(
    store: &Store,
    target: &Target,
    (form, change): (PatchForm, Value),
) -> Result<(Document, Vec<String>), Failure> {
    let current = store.get(&target.resource, &target.key());
    let current = current.ok_or_else(|| Failure::not_found(&target.resource, &target.name))?;
    if form == PatchForm::Merge && !change.is_object() {
        let why = "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}";
        return Err(Failure::bad_request(why));
    }
    let shown = View::new(target, Form::Full).document(current);
    let value = shown.into_value(&target.api_version, &target.resource.kind);
    let value = patch::apply(form, value, change).map_err(|why| {
        Failure::new(422, "Invalid", format!("the server rejected our request due to an error in our request: {why}"))
    })?;
    decode(target, value.clone()).map_err(|failure| match &failure.unreadable {
        Some(why) => Failure::unpatchable(&value, why),
        None => failure,
    })
}

fn delete(shared: &Shared, target: &Target, ask: &Ask) -> Result<Response, Failure> {
    let options = ask.json()?;
    let text = |path: &str| options.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let rests_on = Preconditions { uid: text("/preconditions/uid"), version: text("/preconditions/resourceVersion") };
    let dry = ask.is_dry() || options.pointer("/dryRun/0").and_then(Value::as_str) == Some("All");
    let (object, is_gone) = write::delete(&mut shared.store(), target, &rests_on, dry)?;
    let body = if is_gone {
        write::deleted(target, &object).to_string().into_bytes()
    } else {
        show(shared, target, &object, ask)
    };
    Ok(json(200, body, &warnings(target)))
}
