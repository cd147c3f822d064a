//! What watches and lists show of Kubernetes, taken in object by object.
//!
//! Decides which of two sightings of an object is newer, and whether one is of any concern. Takes as given that versions
//! grow (KEP-5504); never takes what was not listed for empty.

use std::collections::BTreeSet;

use super::View;
use crate::documents::{Seen, Sighting};
use crate::shell::kube::{Event, KubeError, Scope};
use crate::world::{Entry, FailureKey, Kind, Lookup, Name, Secret, SecretKey, Subject, names};

impl View {
    pub(super) fn watched(&mut self, scope: &Scope, event: Event) -> bool {
        match event {
            Event::Seen(sighting, version) => !self.is_older(&sighting.key(), &version) && self.see(*sighting),
            Event::Gone(seen, version) => {
                if self.is_older(&seen, &version) {
                    return false;
                }
                if let (Seen::Application(_) | Seen::Secret(_), Ok(version)) = (&seen, version.parse()) {
                    self.graves.dig(&seen, version);
                }
                self.lose(&seen)
            }
            Event::Listed(all) => {
                let known = self.known(scope.kind, scope.namespace.as_deref());
                let mut changed = false;
                for gone in known.into_iter().filter(|seen| !all.contains(seen)) {
                    changed |= self.lose(&gone);
                }
                self.listed.insert(scope.clone());
                self.refresh(scope.kind) || changed
            }
            Event::Unreadable(Some(why)) => {
                let why = Name::from(why);
                let before = self.unreadable.insert(scope.clone(), why.clone());
                if before.as_ref() != Some(&why) {
                    tracing::warn!("{why}");
                }
                self.refresh(scope.kind)
            }
            Event::Unreadable(None) => {
                self.unreadable.remove(scope);
                self.refresh(scope.kind)
            }
            Event::Troubled(error) => {
                tracing::warn!(kind = %scope.kind, namespace = scope.namespace, "cannot be watched: {error}");
                if matches!(error, KubeError::Forbidden { .. } | KubeError::NotFound) {
                    self.listed.remove(scope);
                }
                self.refresh(scope.kind)
            }
        }
    }

    /// Works out whether a kind was seen as a whole; says whether that has changed.
    pub(super) fn refresh(&mut self, kind: Kind) -> bool {
        let of_kind = |scope: &&Scope| scope.kind == kind;
        let unreadable = self.scopes.iter().filter(of_kind).find_map(|scope| self.unreadable.get(scope)).cloned();
        let waiting = self.scopes.iter().filter(of_kind).any(|scope| !self.listed.contains(scope));
        // One without the label may record a user just as well.
        let partly = kind == Kind::Secret && !self.stripped_shown;
        let why = unreadable
            .or_else(|| waiting.then(|| "it was not listed completely yet".into()))
            .or_else(|| partly.then(|| "those without the label were not looked for yet".into()));
        let before = match why.clone() {
            Some(why) => self.world.unlisted.insert(kind, why),
            None => self.world.unlisted.remove(&kind),
        };
        before != why
    }

    /// The objects of a kind that a list of it would have to show.
    fn known(&self, kind: Kind, namespace: Option<&str>) -> Vec<Seen> {
        let spaces = self.world.namespaces().filter(|(name, _)| namespace.is_none_or(|wanted| ***name == *wanted));
        let mut known = Vec::new();
        for (name, space) in spaces {
            match kind {
                Kind::Application => known.extend(space.applications().map(|app| Seen::Application(app.key.clone()))),
                Kind::Secret => {
                    let listed = space.secrets().filter(|secret| is_listed(secret));
                    known.extend(listed.map(|secret| Seen::Secret(secret.key.clone())));
                }
                Kind::Workload(kind) => {
                    let of_kind = space.workloads().filter(|(key, _)| key.kind == kind);
                    known.extend(of_kind.map(|(key, _)| Seen::Workload(name.clone(), key.clone())));
                }
                Kind::Instance(of) => {
                    let of_kind = space.instances().filter(|((service_type, _), _)| *service_type == of);
                    known.extend(of_kind.map(|((_, instance), _)| Seen::Instance(of, name.clone(), instance.clone())));
                }
            }
        }
        known
    }

    /// Whether a sighting is of before what is known, such as the answer to an own write.
    pub(super) fn is_older(&self, seen: &Seen, version: &str) -> bool {
        let known = match seen {
            Seen::Application(key) => self.world.application(key).map(|app| &app.version),
            Seen::Secret(key) => self.world.managed(key).map(|secret| &secret.version),
            Seen::Workload(..) | Seen::Instance(..) => None,
        };
        let number = |text: &str| text.parse::<u64>().ok();
        let Some(version) = number(version) else { return false };
        known.and_then(|known| number(known)).is_some_and(|known| version < known)
            || self.graves.of(seen).is_some_and(|gone| version < gone)
    }

    /// Whether an answer shows an object as it was before a watch showed it.
    pub(super) fn is_old(&self, sighting: &Sighting) -> bool {
        let version = match sighting {
            Sighting::Application(app) => &app.version,
            Sighting::Secret(secret) => &secret.version,
            Sighting::Foreign { .. } | Sighting::Workload(..) | Sighting::Instance(..) => return false,
        };
        self.is_older(&sighting.key(), version)
    }

    /// An object was looked for by name and is not there: where a watch shows it, that tells when it is gone, and no other
    /// object of the same name is mistaken for it.
    pub(super) fn missing(&mut self, seen: &Seen) -> bool {
        let Seen::Secret(key) = seen else { return false };
        if self.world.managed(key).is_some_and(is_listed) {
            return false;
        }
        let known = matches!(self.world.secret(key), Lookup::Found(Entry::Absent));
        self.world.put_absent_secret(key);
        !known
    }

    pub(super) fn see(&mut self, mut sighting: Sighting) -> bool {
        let changes = match &mut sighting {
            Sighting::Application(app) => {
                let known = self.world.application(&app.key);
                let is_another = known.is_some_and(|known| known.uid != app.uid);
                let changes = known != Some(app);
                if is_another {
                    self.forget_failures(&Subject::Application(app.key.clone()));
                }
                changes
            }
            Sighting::Secret(secret) => {
                let known = self.world.managed(&secret.key);
                secret.last_wanted = known.and_then(|known| known.last_wanted);
                known != Some(secret)
            }
            Sighting::Foreign { key, terminating } => {
                let known = self.world.secret(key);
                !matches!(known, Lookup::Found(Entry::Foreign { terminating: known }) if known == terminating)
            }
            Sighting::Workload(namespace, key, workload) => {
                let known = self.world.namespace(namespace).and_then(|space| space.workload(key));
                if known == workload.as_ref() {
                    return false;
                }
                let secrets = known.into_iter().chain(workload.as_ref()).flat_map(|workload| &*workload.secrets);
                self.concerns(namespace, secrets)
            }
            Sighting::Instance(of, namespace, name, state) => {
                !matches!(self.world.instance(*of, namespace, name), Lookup::Found(known) if known == state)
            }
        };
        let is_workload = matches!(sighting, Sighting::Workload(..));
        if changes || is_workload {
            self.world.see(sighting);
        }
        changes
    }

    pub(super) fn lose(&mut self, seen: &Seen) -> bool {
        let matters = match seen {
            Seen::Application(key) => {
                self.forget_failures(&Subject::Application(key.clone()));
                true
            }
            Seen::Secret(key) => {
                self.forget_failures(&Subject::Secret(key.clone()));
                true
            }
            Seen::Workload(namespace, key) => {
                let known = self.world.namespace(namespace).and_then(|space| space.workload(key));
                known.is_some_and(|workload| self.concerns(namespace, &*workload.secrets))
            }
            Seen::Instance(..) => true,
        };
        self.world.lose(seen);
        matters
    }

    /// Whether any of these secrets is managed or asked for.
    fn concerns<'n>(&self, namespace: &Name, secrets: impl IntoIterator<Item = &'n Name>) -> bool {
        let Some(space) = self.world.namespace(namespace) else { return false };
        let places = secrets.into_iter().filter_map(|secret| space.place(secret));
        places.into_iter().any(|place| place.managed().is_some() || place.asked().next().is_some())
    }

    /// What has failed for an object that is gone is of no concern to one of the same name.
    fn forget_failures(&mut self, subject: &Subject) {
        let first = FailureKey { subject: subject.clone(), step: Name::default() };
        let of_subject: Vec<FailureKey> = self
            .world
            .failures
            .range(first..)
            .map(|(key, _)| key)
            .take_while(|key| key.subject == *subject)
            .cloned()
            .collect();
        for key in of_subject {
            self.world.failures.remove(&key);
        }
    }

    /// The managed secrets that no watch shows.
    pub(in crate::shell) fn unwatched(&self) -> BTreeSet<SecretKey> {
        let secrets = self.world.namespaces().flat_map(|(_, space)| space.secrets());
        secrets.filter(|secret| !is_listed(secret)).map(|secret| secret.key.clone()).collect()
    }

    /// Takes in what a list shows that the watch has not shown yet.
    pub(super) fn listed_afresh(&mut self, sightings: Vec<Sighting>) {
        for sighting in sightings {
            if !self.is_old(&sighting) {
                self.see(sighting);
            }
        }
    }
}

/// Whether lists and watches show a secret: one without the label was found by name.
fn is_listed(secret: &Secret) -> bool {
    secret.labels.kind.as_ref().is_some_and(|of| *of == names::TYPE_VALUE)
}
