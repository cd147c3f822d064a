//! `AivenProject` documents become what Aiven has.
//!
//! Takes the documents in the form that planning takes too, where credentials are mostly left out: those that are not
//! there are made, so that every user has some. Never makes a credential for a user whose own is given, or given as empty.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::acl;
use super::authority::{Authority, Pair, beginning};
use super::store::{Place, Project, Service, Store};
use super::user::{REDACTED, User};

/// Why a document could not be loaded; fits after "failed to".
#[derive(Debug, Error)]
pub enum LoadError {
    /// A member that has to be there is not, or is something else.
    #[error("load a project document: expected {expected} at {place}")]
    Unexpected {
        /// What should be there.
        expected: &'static str,
        /// Where.
        place: String,
    },
    /// There is no such project or service to put it in.
    #[error("find {0}")]
    Missing(String),
    /// A certificate could not be made.
    #[error("make a certificate")]
    Certificate(#[source] rcgen::Error),
}

type Members = Map<String, Value>;

/// Makes a project, if there is none.
pub(super) fn project(store: &mut Store, name: &str, now: Timestamp) -> Result<(), LoadError> {
    if !store.projects.contains_key(name) {
        let authority = Arc::new(Authority::new(name, now).map_err(LoadError::Certificate)?);
        store.projects.insert(name.to_owned(), Project { authority, services: [].into() });
    }
    Ok(())
}

/// Loads an `AivenProject` document.
pub(super) fn document(store: &mut Store, document: &Value, now: Timestamp) -> Result<(), LoadError> {
    let name = document.pointer("/metadata/name").and_then(Value::as_str);
    let name = name.ok_or_else(|| unexpected("a text", "metadata.name"))?;
    let services = document.get("services").and_then(Value::as_array);
    let services = services.ok_or_else(|| unexpected("a list", "services"))?;
    project(store, name, now)?;
    services.iter().try_for_each(|value| service(store, name, value, now))
}

/// Puts a service, with its users, into a project; one of that name goes.
pub(super) fn service(store: &mut Store, project: &str, value: &Value, now: Timestamp) -> Result<(), LoadError> {
    let mut about = value.as_object().cloned().ok_or_else(|| unexpected("an object", "services"))?;
    let name = take_text(&mut about, "service_name").ok_or_else(|| unexpected("a text", "service_name"))?;
    let kind = take_text(&mut about, "service_type").ok_or_else(|| unexpected("a text", "service_type"))?;
    let state = take_text(&mut about, "state").unwrap_or_else(|| "RUNNING".into());
    let built_in = if kind == "valkey" { "default" } else { "avnadmin" };
    let users = about.remove("users").unwrap_or_else(|| json!([{"username": built_in, "type": "primary"}]));
    let mut rules = acl::empty();
    rules.extend(about.remove("opensearch_acl").and_then(|acl| acl.as_object().cloned()).unwrap_or_default());
    for (key, value) in [("plan", json!("sandbox")), ("cloud_name", json!("sandbox")), ("user_config", json!({}))] {
        about.entry(key).or_insert(value);
    }
    about.entry("components").or_insert_with(|| json!([]));
    about.entry("service_uri").or_insert(Value::Null);
    let enabled_once = acl::is_enabled(&rules);
    let (acl, about) = (Arc::new(rules), Arc::new(about));
    let users_by_name = im::OrdMap::new();
    let service = Service { name: name.clone(), kind, state, about, users: users_by_name, acl, enabled_once };
    let into = store.projects.get_mut(project).ok_or_else(|| LoadError::Missing(format!("project {project}")))?;
    into.services.insert(name.clone(), service);
    let users = users.as_array().ok_or_else(|| unexpected("a list", "users"))?;
    users.iter().try_for_each(|value| user(store, (project, &name), value, now))
}

/// Puts a user into a service; one of that name goes.
pub(super) fn user(store: &mut Store, at: (&str, &str), value: &Value, now: Timestamp) -> Result<(), LoadError> {
    let (project, service) = at;
    let mut given = value.as_object().cloned().ok_or_else(|| unexpected("an object", "users"))?;
    let name = take_text(&mut given, "username").ok_or_else(|| unexpected("a text", "username"))?;
    let kind = take_text(&mut given, "type").unwrap_or_else(|| "normal".into());
    let password = take_credential(&mut given, "password");
    keep(store, password.as_deref());
    let mut user = User::new(kind, password.unwrap_or_else(|| store.password()), now);
    user.password_updated = take_time(&mut given, "password_updated_time")?.unwrap_or(user.password_updated);
    user.access = given.remove("access_control").filter(Value::is_object);
    user.expiring = take_time(&mut given, "expiring_cert_not_valid_after_time")?;
    let place = Place { project: project.into(), service: service.into(), user: name };
    let found = store.service(project, service).map_err(|_| LoadError::Missing(format!("service {service}")))?;
    if found.kind == "kafka" {
        user.pair = Some(pair(store, &place, &mut given, now)?);
    }
    user.others = given;
    store.put(&place, user).map_err(|_| LoadError::Missing(format!("service {service}")))
}

/// What is given of a certificate and key; the other of the two cannot be made to fit, so it is then empty.
fn pair(store: &mut Store, place: &Place, given: &mut Members, now: Timestamp) -> Result<Pair, LoadError> {
    let ends = take_time(given, "access_cert_not_valid_after_time")?;
    let (certificate, key) = (take_credential(given, "access_cert"), take_credential(given, "access_key"));
    keep(store, key.as_deref());
    if certificate.is_some() || key.is_some() {
        return Ok(Pair { certificate: certificate.unwrap_or_default(), key: key.unwrap_or_default(), ends });
    }
    let project = store.projects.get(&place.project);
    let project = project.ok_or_else(|| LoadError::Missing(format!("project {}", place.project)))?;
    let mut pair = project.authority.issue(&place.user, ends.map_or(now, beginning)).map_err(LoadError::Certificate)?;
    pair.ends = ends.or(pair.ends);
    keep(store, Some(&pair.key));
    Ok(pair)
}

fn keep(store: &mut Store, secret: Option<&str>) {
    store.secrets.extend(secret.filter(|secret| !secret.is_empty()).map(str::to_owned));
}

/// A credential that is given as a value; what only says that there is one counts as not given.
fn take_credential(given: &mut Members, key: &str) -> Option<String> {
    let text = take_text(given, key)?;
    (text != "present" && text != REDACTED && !text.starts_with("digest:")).then_some(text)
}

fn take_text(given: &mut Members, key: &str) -> Option<String> {
    given.remove(key).and_then(|value| value.as_str().map(str::to_owned))
}

fn take_time(given: &mut Members, key: &str) -> Result<Option<Timestamp>, LoadError> {
    let text = take_text(given, key);
    text.map(|text| text.parse().map_err(|_| unexpected("a time", key))).transpose()
}

fn unexpected(expected: &'static str, place: &str) -> LoadError {
    LoadError::Unexpected { expected, place: place.to_owned() }
}
