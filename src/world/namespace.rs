//! What is in one namespace, and who in it asks for or uses which secret.
//!
//! Takes as given that [`super::edit`] keeps the indexes in step; only the secret's own namespace ever counts.

use std::sync::Arc;

use jiff::Timestamp;

use super::application::Application;
use super::key::Name;
use super::secret::{Entry, Secret};
use super::usage::{Workload, WorkloadKey};
use super::{Kind, Lookup, World};
use crate::want::ServiceType;

/// What is in one namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    pub(super) applications: im::OrdMap<Name, Arc<Application>>,
    pub(super) secrets: im::OrdMap<Name, Entry>,
    pub(super) workloads: im::OrdMap<WorkloadKey, Arc<Workload>>,
    pub(super) instances: im::OrdMap<(ServiceType, Name), Name>,
    pub(super) asked: im::OrdMap<Name, im::OrdSet<Name>>,
    pub(super) used: im::OrdMap<Name, im::OrdMap<WorkloadKey, Option<Timestamp>>>,
}

impl Namespace {
    /// The applications, in order.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.applications.values().map(|app| &**app)
    }

    /// How many applications there are.
    pub fn applications_count(&self) -> usize {
        self.applications.len()
    }

    /// One application.
    pub fn application(&self, name: &str) -> Option<&Application> {
        self.applications.get(name).map(|app| &**app)
    }

    /// The managed secrets, in order.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.values().filter_map(as_managed)
    }

    /// One managed secret.
    pub fn managed(&self, name: &str) -> Option<&Secret> {
        self.secrets.get(name).and_then(as_managed)
    }

    /// What is known of a Secret of that name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.secrets.get(name)
    }

    /// The workloads, in order.
    pub fn workloads(&self) -> impl Iterator<Item = (&WorkloadKey, &Workload)> {
        self.workloads.iter().map(|(key, workload)| (key, &**workload))
    }

    /// The instance objects and their states, in order.
    pub fn instances(&self) -> impl Iterator<Item = (&(ServiceType, Name), &Name)> {
        self.instances.iter()
    }

    /// The state of an instance object.
    pub fn instance(&self, service_type: ServiceType, name: &Name) -> Option<&Name> {
        self.instances.get(&(service_type, name.clone()))
    }

    /// The names of the applications whose spec names the secret.
    pub fn asked(&self, secret: &str) -> Option<&im::OrdSet<Name>> {
        self.asked.get(secret)
    }

    /// What uses the secret.
    pub fn used(&self, secret: &str) -> Option<&im::OrdMap<WorkloadKey, Option<Timestamp>>> {
        self.used.get(secret)
    }
}

/// One namespace of a world: what is looked up here needs no further search for the namespace.
#[derive(Clone, Copy, Debug)]
pub struct Here<'w> {
    /// The world.
    pub world: &'w World,
    /// The name of the namespace.
    pub name: &'w Name,
    /// What is in it.
    pub space: &'w Namespace,
}

impl<'w> Here<'w> {
    /// A Secret of that name, managed or not.
    pub fn secret(self, name: &Name) -> Lookup<&'w Entry> {
        let World { unlisted, secrets_complete, .. } = self.world;
        match (self.space.entry(name), unlisted.get(&Kind::Secret)) {
            (Some(Entry::Absent), _) => Lookup::Absent,
            (Some(entry), _) => Lookup::Found(entry),
            (None, Some(why)) => Lookup::Unseen(why.clone()),
            (None, None) if *secrets_complete => Lookup::Absent,
            (None, None) => Lookup::Unseen(format!("Secret {name} was not looked for").into()),
        }
    }

    /// The applications that ask for the secret now: neither expired nor being deleted.
    pub fn asking(self, secret: &str) -> impl Iterator<Item = &'w Application> + use<'w> {
        let names = self.space.asked(secret).into_iter().flatten();
        let found = names.filter_map(move |name| self.space.application(name));
        found.filter(move |app| !app.terminating && !app.expired(self.world.now))
    }

    /// What uses the secret, and for pods since when.
    pub fn using(self, secret: &str) -> impl Iterator<Item = (&'w WorkloadKey, Option<Timestamp>)> + use<'w> {
        let uses = self.space.used(secret).into_iter().flatten();
        uses.map(|(workload, started)| (workload, *started))
    }

    /// The state of an instance object.
    pub fn instance(self, service_type: ServiceType, name: &Name) -> Lookup<&'w Name> {
        match (self.space.instance(service_type, name), self.world.why_unlisted(Kind::Instance(service_type))) {
            (Some(state), _) => Lookup::Found(state),
            (None, Some(why)) => Lookup::Unseen(why.clone()),
            (None, None) => Lookup::Absent,
        }
    }
}

fn as_managed(entry: &Entry) -> Option<&Secret> {
    match entry {
        Entry::Managed(secret) => Some(secret),
        Entry::Foreign | Entry::Absent => None,
    }
}
