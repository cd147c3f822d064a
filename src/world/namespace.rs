//! What is in one namespace, and who in it asks for or uses which secret.
//!
//! Takes as given that [`super::edit`] keeps the indexes in step; only the secret's own namespace ever counts.

use std::sync::Arc;

use jiff::Timestamp;

use super::application::Application;
use super::key::{AppKey, Name};
use super::secret::{Entry, Secret};
use super::usage::{Workload, WorkloadKey};
use super::{ConsumerKind, ConsumerRef, Kind, Lookup, World};
use crate::want::ServiceType;

/// What is in one namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    pub(super) applications: im::OrdMap<Name, Arc<Application>>,
    pub(super) secrets: im::OrdMap<Name, Place>,
    pub(super) workloads: im::OrdMap<WorkloadKey, Arc<Workload>>,
    pub(super) instances: [im::OrdMap<Name, Name>; ServiceType::ALL.len()],
}

/// What is known of one name that a Secret can have: whether there is one, who asks for it, and what uses it.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub(super) entry: Option<Entry>,
    asked: Arc<[Arc<Application>]>,
    /// The same, as plans say it.
    askers: Arc<[ConsumerRef]>,
    pub(super) used: im::OrdMap<WorkloadKey, Option<Timestamp>>,
}

impl Place {
    /// What is known of a Secret of that name.
    pub fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// The managed secret of that name.
    pub fn managed(&self) -> Option<&Secret> {
        match &self.entry {
            Some(Entry::Managed(secret)) => Some(secret),
            Some(Entry::Foreign { .. } | Entry::Absent) | None => None,
        }
    }

    /// The applications whose spec names the secret, in order.
    pub fn asked(&self) -> impl Iterator<Item = &Application> {
        self.asked.iter().map(|app| &**app)
    }

    /// The applications that ask for the secret at that moment: neither expired nor being deleted.
    pub fn asking(&self, now: Timestamp) -> impl Iterator<Item = &Application> {
        self.asked().filter(move |app| !app.terminating && !app.expired(now))
    }

    /// Who asks for the secret at that moment, as plans say it.
    pub fn askers(&self, now: Timestamp) -> Arc<[ConsumerRef]> {
        let all = self.asking(now).count() == self.asked.len();
        if all { Arc::clone(&self.askers) } else { self.asking(now).map(asker).collect() }
    }

    /// The applications whose spec names the secret, but for one.
    pub(super) fn others(&self, but: &AppKey) -> Vec<Arc<Application>> {
        self.asked.iter().filter(|app| app.key != *but).cloned().collect()
    }

    /// Takes in which applications name the secret.
    pub(super) fn set_asked(&mut self, asked: impl Iterator<Item = Arc<Application>>) {
        let mut asked: Vec<_> = asked.collect();
        asked.sort_by(|a, b| a.key.cmp(&b.key));
        self.askers = asked.iter().map(|app| asker(app)).collect();
        self.asked = asked.into();
    }

    /// What uses the secret, and for pods since when.
    pub fn using(&self) -> impl Iterator<Item = (&WorkloadKey, Option<Timestamp>)> {
        self.used.iter().map(|(workload, started)| (workload, *started))
    }

    /// Whether anything names the secret or uses it.
    pub fn is_wanted(&self) -> bool {
        !self.asked.is_empty() || !self.used.is_empty()
    }
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
        self.places().filter_map(Place::managed)
    }

    /// What is known of each name of a secret, in order.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.secrets.values()
    }

    /// How many names of secrets something is known of.
    pub fn places_count(&self) -> usize {
        self.secrets.len()
    }

    /// What is known of one name of a secret, if anything is.
    pub fn place(&self, secret: &str) -> Option<&Place> {
        self.secrets.get(secret)
    }

    /// One managed secret.
    pub fn managed(&self, name: &str) -> Option<&Secret> {
        self.place(name).and_then(Place::managed)
    }

    /// Every Secret of which something is known, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&Name, &Entry)> {
        self.secrets.iter().filter_map(|(name, place)| Some((name, place.entry()?)))
    }

    /// What is known of a Secret of that name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.place(name).and_then(Place::entry)
    }

    /// The workloads, in order.
    pub fn workloads(&self) -> impl Iterator<Item = (&WorkloadKey, &Workload)> {
        self.workloads.iter().map(|(key, workload)| (key, &**workload))
    }

    /// A pod or workload.
    pub fn workload(&self, key: &WorkloadKey) -> Option<&Workload> {
        self.workloads.get(key).map(|workload| &**workload)
    }

    /// The instance objects and their states, in order.
    pub fn instances(&self) -> impl Iterator<Item = ((ServiceType, &Name), &Name)> {
        let of_kind = |(service_type, instances): (ServiceType, _)| {
            im::OrdMap::iter(instances).map(move |(name, state)| ((service_type, name), state))
        };
        ServiceType::ALL.into_iter().zip(&self.instances).flat_map(of_kind)
    }

    /// The name and the state of an instance object.
    pub fn instance(&self, service_type: ServiceType, name: &str) -> Option<(&Name, &Name)> {
        self.instances.get(service_type as usize)?.get_key_value(name)
    }
}

fn asker(app: &Application) -> ConsumerRef {
    ConsumerRef { kind: ConsumerKind::AivenApplication, name: app.key.name.clone() }
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
            (None, None) => Lookup::Unseen("it was not looked for".into()),
        }
    }

    /// The applications that ask for the secret now: neither expired nor being deleted.
    pub fn asking(self, secret: &str) -> impl Iterator<Item = &'w Application> + use<'w> {
        self.space.place(secret).into_iter().flat_map(move |place| place.asking(self.world.now))
    }

    /// What uses the secret, and for pods since when.
    pub fn using(self, secret: &str) -> impl Iterator<Item = (&'w WorkloadKey, Option<Timestamp>)> + use<'w> {
        self.space.place(secret).into_iter().flat_map(Place::using)
    }

    /// The name and the state of an instance object.
    pub fn instance(self, service_type: ServiceType, name: &str) -> Lookup<(&'w Name, &'w Name)> {
        let why_unlisted = || self.world.why_unlisted(Kind::Instance(service_type));
        match self.space.instance(service_type, name) {
            Some(found) => Lookup::Found(found),
            None => why_unlisted().map_or(Lookup::Absent, |why| Lookup::Unseen(why.clone())),
        }
    }
}
