//! An Aiven account in memory: services, their users and ACL documents, and how late each change shows.
//!
//! Decides what a request comes to, as Aiven would. Takes the time as given; remembers who made which user, which Aiven
//! does not.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::pem;
use crate::shell::aiven::{Operation, Target};
use crate::world::{ServiceKey, UserKey};

/// How long a client certificate holds.
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 820);

/// How long one holds that is about to end: nobody may wait any longer then.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 9);

/// Who has made a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Maker {
    /// The operators of a cluster.
    Cluster(usize),
    /// Somebody else.
    Stranger,
}

/// How late what is changed shows, in this moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lag {
    pub(super) create: Duration,
    pub(super) delete: Duration,
    pub(super) password: Duration,
    pub(super) acl: Duration,
}

/// One account.
pub(super) struct Account {
    pub(super) services: BTreeMap<ServiceKey, Service>,
    /// The user that each credential there ever was belongs to, by its number.
    pub(super) owners: BTreeMap<String, u64>,
    pub(super) lag: Lag,
    pub(super) token_refused: bool,
    number: u64,
}

/// One service.
pub(super) struct Service {
    pub(super) kind: &'static str,
    pub(super) state: String,
    pub(super) components: Value,
    pub(super) users: BTreeMap<String, User>,
    /// Users that were deleted and still show, until then.
    pub(super) ghosts: BTreeMap<String, (User, Duration)>,
    pub(super) acl: Map<String, Value>,
    /// The document before, which reads still show until then.
    pub(super) acl_before: Option<(Map<String, Value>, Duration)>,
    pub(super) limit: usize,
    /// Whether it does not exist at the moment.
    pub(super) is_gone: bool,
}

/// One user.
#[derive(Clone)]
pub(super) struct User {
    pub(super) number: u64,
    pub(super) maker: Maker,
    pub(super) primary: bool,
    pub(super) password: String,
    pub(super) pair: Option<(String, String, Timestamp)>,
    pub(super) access: Option<Value>,
    pub(super) shown_from: Duration,
    pub(super) ready_from: Duration,
    pub(super) password_updated: Timestamp,
}

/// What is answered: a status and a body.
pub(super) type Answer = (u16, Vec<u8>);

impl Account {
    pub(super) fn new() -> Self {
        Account {
            services: BTreeMap::new(),
            owners: BTreeMap::new(),
            lag: Lag::default(),
            token_refused: false,
            number: 0,
        }
    }

    /// A service with its built-in user.
    pub(super) fn serve(&mut self, key: &ServiceKey, kind: &'static str, components: Value) {
        let service = Service {
            kind,
            state: "RUNNING".to_owned(),
            components,
            users: BTreeMap::new(),
            ghosts: BTreeMap::new(),
            acl: Map::from_iter([("acls".to_owned(), json!([])), ("enabled".to_owned(), json!(false))]),
            acl_before: None,
            limit: 100,
            is_gone: false,
        };
        self.services.insert(key.clone(), service);
        let (now, lag) = (Timestamp::UNIX_EPOCH, std::mem::take(&mut self.lag));
        self.make(&key.user("avnadmin".into()), Maker::Stranger, (Duration::ZERO, now));
        if let Some(user) = self.user_mut(&key.user("avnadmin".into())) {
            user.primary = true;
        }
        self.lag = lag;
    }

    /// The service, if it exists.
    pub(super) fn service(&self, key: &ServiceKey) -> Option<&Service> {
        self.services.get(key).filter(|service| !service.is_gone)
    }

    /// The user, if it exists, whether or not it shows.
    pub(super) fn user(&self, key: &UserKey) -> Option<&User> {
        self.service(&key.service_key())?.users.get(key.username.as_str())
    }

    pub(super) fn user_mut(&mut self, key: &UserKey) -> Option<&mut User> {
        self.services.get_mut(&key.service_key())?.users.get_mut(key.username.as_str())
    }

    /// Makes a user, if there is none of that name.
    pub(super) fn make(&mut self, key: &UserKey, maker: Maker, (now, wall): (Duration, Timestamp)) {
        self.number += 1;
        let (number, lag) = (self.number, self.lag);
        let Some(service) = self.services.get_mut(&key.service_key()) else { return };
        let password = format!("password-{number}");
        let ends = wall.checked_add(LIFE).unwrap_or(Timestamp::MAX);
        let pair = (service.kind == "kafka").then(|| (pem::certificate(number, wall, ends), pem::key(number), ends));
        let secrets = pair.iter().flat_map(|(certificate, key, _)| [certificate.clone(), key.clone()]);
        self.owners.extend(secrets.chain([password.clone()]).map(|secret| (secret, number)));
        let user = User {
            number,
            maker,
            primary: false,
            password,
            pair,
            access: None,
            shown_from: now + lag.create,
            ready_from: now + lag.password,
            password_updated: wall,
        };
        service.users.insert(key.username.to_string(), user);
        service.ghosts.remove(key.username.as_str());
    }

    /// Gives a user another password, of the same number.
    pub(super) fn rotate(&mut self, key: &UserKey, wall: Timestamp) {
        let Some(user) = self.user_mut(key) else { return };
        let password = format!("{}+", user.password);
        let number = user.number;
        (user.password, user.password_updated) = (password.clone(), wall);
        self.owners.insert(password, number);
    }

    /// Whether something was the password of a user that has another by now.
    pub(super) fn is_outdated(&self, value: &str) -> bool {
        let Some(number) = self.owners.get(value).filter(|_| value.starts_with("password-")) else { return false };
        let mut users = self.services.values().flat_map(|service| service.users.values());
        users.any(|user| user.number == *number && user.password != value)
    }

    /// Gives a user another certificate, which ends in a few days.
    pub(super) fn age(&mut self, key: &UserKey, wall: Timestamp) {
        let Some(user) = self.user_mut(key) else { return };
        let (number, ends) = (user.number, wall.checked_add(SOON).unwrap_or(Timestamp::MAX));
        let Some(pair) = &mut user.pair else { return };
        let certificate = pem::certificate(number, wall, ends);
        (pair.0, pair.2) = (certificate.clone(), ends);
        self.owners.insert(certificate, number);
    }

    /// Deletes a user.
    pub(super) fn remove(&mut self, key: &UserKey, now: Duration) {
        let lag = self.lag.delete;
        let Some(service) = self.services.get_mut(&key.service_key()) else { return };
        if let Some(user) = service.users.remove(key.username.as_str())
            && !lag.is_zero()
            && user.shown_from <= now
        {
            service.ghosts.insert(key.username.to_string(), (user, now + lag));
        }
    }

    /// Does what a request asks for.
    pub(super) fn answer(
        &mut self,
        (operation, target, body): (Operation, &Target, Option<&[u8]>),
        maker: Maker,
        (now, wall): (Duration, Timestamp),
    ) -> Answer {
        if self.token_refused {
            return refusal(401, "", "Invalid token");
        }
        let body: Value = body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        match (operation, target) {
            (Operation::GetCa, Target::Project(project)) => done(&json!({"certificate": ca(project)})),
            (Operation::GetService, Target::Service(key)) => self.service_get(key, now),
            (Operation::GetUser, Target::User(key)) => self.user_get(key, now),
            (Operation::CreateUser, Target::User(key)) => self.user_create(key, (maker, &body), (now, wall)),
            (Operation::SetAccess, Target::User(key)) => self.user_modify(key, &body),
            (Operation::DeleteUser, Target::User(key)) => self.user_delete(key, now),
            (Operation::GetAcl, Target::Service(key)) => self.acl_get(key, now),
            (Operation::PutAcl, Target::Service(key)) => self.acl_put(key, &body, now),
            _ => refusal(404, "", "Not found"),
        }
    }

    fn service_get(&self, key: &ServiceKey, now: Duration) -> Answer {
        let Some(service) = self.service(key) else { return no_service(key) };
        let shown = service.users.iter().filter(|(_, user)| user.shown_from <= now);
        let ghosts = service.ghosts.iter().filter(|(_, (_, until))| now < *until).map(|(name, (user, _))| (name, user));
        let users: Vec<Value> = shown.chain(ghosts).map(|(name, user)| user.shown(name, (false, true))).collect();
        done(&json!({"service": {
            "service_name": key.service, "service_type": service.kind, "state": service.state,
            "components": service.components, "users": users,
        }}))
    }

    fn user_get(&self, key: &UserKey, now: Duration) -> Answer {
        let Some(service) = self.service(&key.service_key()) else { return no_service(&key.service_key()) };
        let name = key.username.as_str();
        let shown = service.users.get(name).filter(|user| user.shown_from <= now);
        let ghost = || service.ghosts.get(name).filter(|(_, until)| now < *until).map(|(user, _)| user);
        match shown.or_else(ghost) {
            Some(user) => done(&json!({"user": user.shown(name, (true, user.ready_from <= now))})),
            None => refusal(404, "user_not_found", "Service user does not exist"),
        }
    }

    fn user_create(&mut self, key: &UserKey, (maker, body): (Maker, &Value), at: (Duration, Timestamp)) -> Answer {
        let Some(service) = self.service(&key.service_key()) else { return no_service(&key.service_key()) };
        if service.state == "POWEROFF" {
            return refusal(409, "not_powered", "Service is powered off");
        }
        if service.users.contains_key(key.username.as_str()) {
            return refusal(409, "", "Service user already exists");
        }
        if service.users.len() >= service.limit {
            return refusal(400, "", "Too many service users: at most 3 are allowed");
        }
        self.make(key, maker, at);
        let Some(user) = self.user_mut(key) else { return no_service(&key.service_key()) };
        user.access = body.get("access_control").cloned();
        let ready = user.ready_from <= at.0;
        done(&json!({"message": "created", "user": user.shown(&key.username, (true, ready))}))
    }

    fn user_modify(&mut self, key: &UserKey, body: &Value) -> Answer {
        if let Some(why) = self.why_not(key) {
            return why;
        }
        if let Some(user) = self.user_mut(key) {
            user.access = body.get("access_control").cloned();
        }
        done(&json!({"message": "updated"}))
    }

    fn user_delete(&mut self, key: &UserKey, now: Duration) -> Answer {
        if let Some(why) = self.why_not(key) {
            return why;
        }
        if self.user(key).is_some_and(|user| user.primary) {
            return refusal(403, "request_forbidden", "Cannot delete built-in user");
        }
        self.remove(key, now);
        done(&json!({"message": "deleted"}))
    }

    fn why_not(&self, key: &UserKey) -> Option<Answer> {
        let Some(service) = self.service(&key.service_key()) else { return Some(no_service(&key.service_key())) };
        if service.state == "POWEROFF" {
            return Some(refusal(409, "not_powered", "Service is powered off"));
        }
        let there = service.users.contains_key(key.username.as_str());
        (!there).then(|| refusal(404, "user_not_found", "Service user does not exist"))
    }

    fn acl_get(&self, key: &ServiceKey, now: Duration) -> Answer {
        let Some(service) = self.service(key) else { return no_service(key) };
        let before = service.acl_before.as_ref().filter(|(_, until)| now < *until).map(|(document, _)| document);
        done(&json!({"opensearch_acl_config": before.unwrap_or(&service.acl)}))
    }

    fn acl_put(&mut self, key: &ServiceKey, body: &Value, now: Duration) -> Answer {
        let lag = self.lag.acl;
        let Some(service) = self.services.get_mut(key).filter(|service| !service.is_gone) else {
            return no_service(key);
        };
        if service.state == "POWEROFF" {
            return refusal(409, "not_powered", "Service is powered off");
        }
        let Some(config) = body.get("opensearch_acl_config").and_then(Value::as_object) else {
            return refusal(400, "bad_request", "'opensearch_acl_config' is a required property");
        };
        let before = std::mem::replace(&mut service.acl, config.clone());
        service.acl_before = (!lag.is_zero()).then(|| (before, now + lag));
        done(&json!({"opensearch_acl_config": config}))
    }
}

impl User {
    fn shown(&self, name: &str, (secrets, ready): (bool, bool)) -> Value {
        let kind = if self.primary { "primary" } else { "normal" };
        let hide = |secret: &str| if secrets { secret.to_owned() } else { "<redacted>".to_owned() };
        let mut shown = json!({
            "username": name, "type": kind,
            "password": if ready { hide(&self.password) } else { String::new() },
            "password_updated_time": self.password_updated.to_string(),
        });
        let Some(members) = shown.as_object_mut() else { return shown };
        if let Some((certificate, key, ends)) = &self.pair {
            members.insert("access_cert".into(), json!(hide(certificate)));
            members.insert("access_key".into(), json!(hide(key)));
            members.insert("access_cert_not_valid_after_time".into(), json!(super::cluster::whole(*ends)));
        }
        if let Some(access) = &self.access {
            members.insert("access_control".into(), access.clone());
        }
        shown
    }
}

/// The CA of a project.
pub(super) fn ca(project: &str) -> String {
    let one = |which: &str| format!("-----BEGIN CERTIFICATE-----\n{which}CA-of-{project}\n-----END CERTIFICATE-----\n");
    // Two, as while it is exchanged for another.
    one("") + &one("next-")
}

fn done(body: &Value) -> Answer {
    (200, body.to_string().into_bytes())
}

fn no_service(key: &ServiceKey) -> Answer {
    refusal(404, "service_does_not_exist", &format!("Service {} does not exist", key.service))
}

/// How Aiven says no.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let mut error = json!({"message": message, "status": status});
    if let Some(members) = error.as_object_mut().filter(|_| !code.is_empty()) {
        members.insert("error_code".into(), json!(code));
    }
    (status, json!({"message": message, "errors": [error]}).to_string().into_bytes())
}
