//! What each operation does and answers.
//!
//! Takes requests as permitted. Writes see what there is, reads what there was a moment ago; only reads with secrets and
//! creations give secrets away.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::acl;
use super::authority::whole;
use super::call::{Call, Operation};
use super::refusal::Refusal;
use super::server::Server;
use super::store::{Place, Service, ShownService, Store};
use super::user::{Shown, User};

/// The body of an answer.
type Answer = Result<Vec<u8>, Refusal>;

impl Server {
    /// Does what a request asks for. `tell` is given the name of the user that a creation is for.
    pub(super) fn done(&self, call: &Call, body: &[u8], tell: &dyn Fn(&str)) -> Answer {
        match call.operation {
            Operation::ProjectList => self.project_list(),
            Operation::ProjectGet => self.project_get(call),
            Operation::ProjectCa => {
                bytes(&json!({"certificate": self.store().project(&call.project)?.authority.pem()}))
            }
            Operation::ServiceList => self.service_list(call),
            Operation::ServiceGet => self.service_get(call),
            Operation::UserCreate => {
                let body = parsed(body)?;
                let name = body.get("username").and_then(Value::as_str);
                let name = name.ok_or_else(|| Refusal::bad("bad_request", "'username' is a required property"))?;
                tell(name);
                self.user_create(&Place { user: name.into(), ..place(call) }, &body)
            }
            Operation::UserGet => self.user_get(call),
            Operation::UserModify => self.user_modify(call, &parsed(body)?),
            Operation::UserReset => self.user_reset(call),
            Operation::UserDelete => self.user_delete(call),
            Operation::AclGet => self.acl_get(call),
            Operation::AclSet | Operation::AclUpdate => self.acl_write(call, &parsed(body)?),
            Operation::NotAllowed => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "", "Method not allowed")),
            Operation::Unknown => Err(Refusal::new(StatusCode::NOT_FOUND, "", "Not found")),
        }
    }

    fn project_list(&self) -> Answer {
        let store = self.store();
        let names = || store.projects.keys();
        let roles = |role: Value| -> Map<String, Value> { names().map(|name| (name.clone(), role.clone())).collect() };
        let projects: Vec<Value> = names().map(|name| project(name)).collect();
        let (one, all) = (roles(json!("admin")), roles(json!(["admin"])));
        bytes(&json!({"projects": projects, "project_membership": one, "project_memberships": all}))
    }

    fn project_get(&self, call: &Call) -> Answer {
        self.store().project(&call.project)?;
        bytes(&json!({"project": project(&call.project)}))
    }

    fn service_list(&self, call: &Call) -> Answer {
        let services: Vec<Service> = self.store().project(&call.project)?.services.values().cloned().collect();
        let (redact, now) = (self.redacts(call), self.now());
        let services: Vec<_> = services.iter().map(|service| ShownService { service, redact, now }).collect();
        bytes(&Named("services", services))
    }

    fn service_get(&self, call: &Call) -> Answer {
        let service = self.store().service(&call.project, &call.service)?.clone();
        self.whole_service(&service, self.redacts(call))
    }

    /// Written without a lock: with thousands of users it takes a while.
    fn whole_service(&self, service: &Service, redact: bool) -> Answer {
        bytes(&Named("service", ShownService { service, redact, now: self.now() }))
    }

    fn user_create(&self, place: &Place, body: &Value) -> Answer {
        let now = self.now();
        let mut store = self.store();
        let service = powered(&store, place)?;
        why_bad_name(&place.user).map_or(Ok(()), Err)?;
        if service.user(&place.user).is_ok() {
            return Err(Refusal::user_exists());
        }
        let (limit, kind) = (self.options.user_limit, service.kind.clone());
        let limited = ["kafka", "opensearch"].contains(&kind.as_str());
        // Counting those that exist takes long; there are never more of them than of all.
        if limited && service.users.len() >= limit && service.existing().count() >= limit {
            return Err(Refusal::bad("", format!("Too many service users: at most {limit} are allowed")));
        }
        let access = body.get("access_control").map(access).transpose()?;
        let mut user = User::new("normal", store.password(), now);
        (user.access, user.empty_reads) = (access, self.options.lag.empty_passwords);
        user.from = now.checked_add(self.options.lag.create).unwrap_or(now);
        if kind == "kafka" {
            store.certify(place, &mut user, now)?;
        }
        let ready = user.read();
        store.put(place, user.clone())?;
        drop(store);
        let shown = Shown { name: &place.user, user: &user, redact: false, ready };
        bytes(&Message { message: "created", user: shown })
    }

    fn user_get(&self, call: &Call) -> Answer {
        let (now, redact) = (self.now(), self.redacts(call));
        let mut store = self.store();
        let service = store.service_mut(&call.project, &call.service)?;
        let shown = service.users.get(&call.user).is_some_and(|user| user.is_shown(now));
        let found = service.users.get_mut(&call.user).filter(|_| shown).ok_or_else(Refusal::no_user)?;
        let ready = redact || found.empty_reads == 0 || Arc::make_mut(found).read();
        let user = found.clone();
        drop(store);
        bytes(&Named("user", Shown { name: &call.user, user: &user, redact, ready }))
    }

    fn user_modify(&self, call: &Call, body: &Value) -> Answer {
        let (place, mut store) = (place(call), self.store());
        let mut user = powered(&store, &place)?.user(&place.user)?.clone();
        match body.get("operation").and_then(Value::as_str) {
            Some("set-access-control") => {
                let given = body.get("access_control").filter(|given| given.is_object());
                let given = given.ok_or_else(|| Refusal::bad("bad_request", "'access_control' is required"))?;
                user.access = Some(access(given)?);
            }
            Some("reset-credentials") => {
                let password = new_password(body)?;
                self.set_password(&mut store, &mut user, password);
            }
            // It ends reminders, of which the sandbox sends none.
            Some("acknowledge-renewal") => {}
            _ => return Err(Refusal::bad("bad_request", "'operation' is not one that there is")),
        }
        self.changed(store, &place, user)
    }

    fn user_reset(&self, call: &Call) -> Answer {
        let (place, mut store) = (place(call), self.store());
        let mut user = powered(&store, &place)?.user(&place.user)?.clone();
        self.set_password(&mut store, &mut user, None);
        if user.pair.is_some() {
            store.certify(&place, &mut user, self.now())?;
        }
        self.changed(store, &place, user)
    }

    fn set_password(&self, store: &mut Store, user: &mut User, password: Option<String>) {
        store.secrets.extend(password.iter().cloned());
        user.password = password.unwrap_or_else(|| store.password());
        user.password_updated = whole(self.now());
        user.empty_reads = self.options.lag.empty_passwords;
    }

    fn changed(&self, mut store: impl std::ops::DerefMut<Target = Store>, place: &Place, user: User) -> Answer {
        store.put(place, user)?;
        let service = store.service(&place.project, &place.service)?.clone();
        drop(store);
        self.whole_service(&service, self.options.redact)
    }

    fn user_delete(&self, call: &Call) -> Answer {
        let (place, mut store) = (place(call), self.store());
        let mut user = powered(&store, &place)?.user(&place.user)?.clone();
        if user.is_primary() {
            let message = format!("Cannot delete built-in user {}", place.user);
            return Err(Refusal::new(StatusCode::FORBIDDEN, "request_forbidden", message));
        }
        user.until = self.now().checked_add(self.options.lag.delete).ok();
        // One that reads have never shown, they do not begin to show.
        if self.options.lag.delete.is_zero() || !user.is_shown(self.now()) {
            store.service_mut(&place.project, &place.service)?.users.remove(&place.user);
        } else {
            store.put(&place, user)?;
        }
        bytes(&json!({"message": "deleted"}))
    }

    fn acl_get(&self, call: &Call) -> Answer {
        let store = self.store();
        bytes(&acl::shown(&opensearch(store.service(&call.project, &call.service)?)?.acl))
    }

    fn acl_write(&self, call: &Call, body: &Value) -> Answer {
        let mut store = self.store();
        let service = opensearch(powered(&store, &place(call))?)?;
        let mut document = acl::written(&service.acl, body, call.operation == Operation::AclSet)?;
        let enables = acl::is_enabled(&document);
        if enables && !service.enabled_once && self.options.open_when_enabled {
            acl::open(&mut document, service.existing());
        }
        let answer = acl::shown(&document);
        let service = store.service_mut(&call.project, &call.service)?;
        service.enabled_once |= enables;
        service.acl = Arc::new(document);
        bytes(&answer)
    }

    fn redacts(&self, call: &Call) -> bool {
        self.options.redact && !call.secrets
    }
}

/// An answer with one member.
struct Named<T>(&'static str, T);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, &self.1)])
    }
}

#[derive(Serialize)]
struct Message<'a> {
    message: &'static str,
    user: Shown<'a>,
}

fn parsed(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::bad("bad_request", "Invalid JSON in the body"))
}

fn bytes(answer: &impl Serialize) -> Answer {
    Ok(serde_json::to_vec(answer)?)
}

fn project(name: &str) -> Value {
    json!({"project_name": name, "account_id": "sandbox", "default_cloud": "sandbox"})
}

fn place(call: &Call) -> Place {
    Place { project: call.project.clone(), service: call.service.clone(), user: call.user.clone() }
}

/// The service, if its users and rules can be changed now.
fn powered<'s>(store: &'s Store, place: &Place) -> Result<&'s Service, Refusal> {
    let service = store.service(&place.project, &place.service)?;
    if service.is_powered() { Ok(service) } else { Err(Refusal::not_powered(&service.name)) }
}

fn opensearch(service: &Service) -> Result<&Service, Refusal> {
    let message = || format!("Service {} is not an OpenSearch service", service.name);
    if service.kind == "opensearch" { Ok(service) } else { Err(Refusal::bad("bad_request", message())) }
}

fn why_bad_name(name: &str) -> Option<Refusal> {
    let allowed = |letter: u8| letter.is_ascii_alphanumeric() || b"-._".contains(&letter);
    let begins = name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_');
    let good = begins && name.len() <= 64 && name.bytes().all(allowed);
    (!good).then(|| Refusal::bad("username_is_invalid", format!("Invalid username {name:?}")))
}

/// Access control as it may be: lists of at most 256 texts.
fn access(given: &Value) -> Result<Value, Refusal> {
    let bad = || Refusal::bad("bad_request", "'access_control' has a list that is too long or not of texts");
    for list in given.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_array) {
        if list.len() > 256 || !list.iter().all(Value::is_string) {
            return Err(bad());
        }
    }
    Ok(given.clone())
}

fn new_password(body: &Value) -> Result<Option<String>, Refusal> {
    match body.get("new_password") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(password)) if (8..=256).contains(&password.chars().count()) => Ok(Some(password.clone())),
        Some(_) => Err(Refusal::bad("bad_request", "'new_password' has to have 8 to 256 characters")),
    }
}
