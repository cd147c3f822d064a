//! What Aiven has: projects, services, users, ACL documents.
//!
//! Takes the time as given, and the draws of chance as its own. Never answers a request: what one may do and see is
//! decided where requests are answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::authority::Authority;
use super::refusal::Refusal;
use super::user::{Shown, User};
use crate::sandbox::faults::Chance;

/// Everything that Aiven has.
pub(super) struct Store {
    pub(super) projects: BTreeMap<String, Project>,
    /// Every password and private key that there ever was.
    pub(super) secrets: Vec<String>,
    chance: Chance,
    renews: bool,
    /// When which user changes by itself; entries that have been overtaken do no harm.
    due: BTreeSet<(Timestamp, Place)>,
}

/// One project.
pub(super) struct Project {
    pub(super) authority: Arc<Authority>,
    pub(super) services: BTreeMap<String, Service>,
}

/// One service; a clone is cheap, so that answers are written while others go on.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) name: String,
    /// `service_type`.
    pub(super) kind: String,
    pub(super) state: String,
    /// `components`, and every other member that the sandbox makes nothing of.
    pub(super) about: Arc<Map<String, Value>>,
    pub(super) users: im::OrdMap<String, Arc<User>>,
    pub(super) acl: Arc<Map<String, Value>>,
    /// Whether ACLs have ever been enabled on it.
    pub(super) enabled_once: bool,
}

impl Store {
    pub(super) fn new(seed: u64, renews: bool) -> Self {
        let (projects, secrets) = (BTreeMap::new(), vec![]);
        Store { projects, secrets, chance: Chance::new(seed), renews, due: BTreeSet::new() }
    }

    /// Lets happen what has become due: certificates get renewed, and deleted users are shown no longer.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some((_, place)) = self.due.first().filter(|(at, _)| *at <= now).cloned() {
            self.due.pop_first();
            self.happen(&place, now);
        }
    }

    fn happen(&mut self, place: &Place, now: Timestamp) {
        let Some(project) = self.projects.get_mut(&place.project) else { return };
        let Some(service) = project.services.get_mut(&place.service) else { return };
        let Some(user) = service.users.get_mut(&place.user).map(Arc::make_mut) else { return };
        if user.until.is_some_and(|until| until <= now) {
            service.users.remove(&place.user);
            return;
        }
        // A certificate that cannot be renewed ends, as it would at Aiven; nothing else waits for it.
        if self.renews && user.renew(&place.user, &project.authority, now).unwrap_or(false) {
            self.secrets.extend(user.pair.iter().map(|pair| pair.key.clone()));
        }
        let next = user.due().filter(|at| *at > now);
        self.due.extend(next.map(|at| (at, place.clone())));
    }

    /// A new password.
    pub(super) fn password(&mut self) -> String {
        let password = format!("AVNS_{}", self.chance.text(19));
        self.secrets.push(password.clone());
        password
    }

    /// Gives a user a new key and a certificate that begins now.
    pub(super) fn certify(&mut self, place: &Place, user: &mut User, now: Timestamp) -> Result<(), Refusal> {
        let pair = self.project(&place.project)?.authority.issue(&place.user, now)?;
        self.secrets.push(pair.key.clone());
        (user.pair, user.expiring) = (Some(pair), None);
        Ok(())
    }

    pub(super) fn project(&self, project: &str) -> Result<&Project, Refusal> {
        self.projects.get(project).ok_or_else(|| Refusal::no_project(project))
    }

    pub(super) fn service(&self, project: &str, service: &str) -> Result<&Service, Refusal> {
        self.project(project)?.services.get(service).ok_or_else(|| Refusal::no_service(service))
    }

    pub(super) fn service_mut(&mut self, project: &str, service: &str) -> Result<&mut Service, Refusal> {
        let found = self.projects.get_mut(project).ok_or_else(|| Refusal::no_project(project))?;
        found.services.get_mut(service).ok_or_else(|| Refusal::no_service(service))
    }

    /// Puts a user in its place, whether or not there is one.
    pub(super) fn put(&mut self, place: &Place, user: User) -> Result<(), Refusal> {
        self.due.extend(user.due().map(|at| (at, place.clone())));
        let service = self.service_mut(&place.project, &place.service)?;
        service.users.insert(place.user.clone(), Arc::new(user));
        Ok(())
    }
}

/// Where a user is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) project: String,
    pub(super) service: String,
    pub(super) user: String,
}

impl Service {
    /// The user of that name, if there is one; reads may show something else.
    pub(super) fn user(&self, name: &str) -> Result<&User, Refusal> {
        self.users.get(name).map(Arc::as_ref).filter(|user| user.exists()).ok_or_else(Refusal::no_user)
    }

    pub(super) fn existing(&self) -> impl Iterator<Item = &String> {
        self.users.iter().filter(|(_, user)| user.exists()).map(|(name, _)| name)
    }

    pub(super) fn is_powered(&self) -> bool {
        self.state != "POWEROFF"
    }
}

/// A service as an answer shows it at a moment.
pub(super) struct ShownService<'a> {
    pub(super) service: &'a Service,
    pub(super) redact: bool,
    pub(super) now: Timestamp,
}

impl Serialize for ShownService<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let service = self.service;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("service_name", &service.name)?;
        map.serialize_entry("service_type", &service.kind)?;
        map.serialize_entry("state", &service.state)?;
        for (key, value) in service.about.as_ref() {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry("users", &ShownUsers(self))?;
        map.end()
    }
}

struct ShownUsers<'a>(&'a ShownService<'a>);

impl Serialize for ShownUsers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ShownService { service, redact, now } = *self.0;
        let shown = service.users.iter().filter(|(_, user)| user.is_shown(now));
        serializer.collect_seq(shown.map(|(name, user)| Shown { name, user, redact, ready: user.empty_reads == 0 }))
    }
}
