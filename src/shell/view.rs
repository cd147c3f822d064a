//! The world as a running operator sees it: every fact that watches, reads and own writes bring, taken in one by one.
//!
//! Decides which of two sightings of an object is newer. Takes as given that facts of one source come in order; never takes
//! what was not listed for empty, and never reads a clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::doubt::{Doubts, Missing};
use super::fact::{Fact, Failed};
use super::kube::{Event, KubeError, Scope};
use crate::action::Action;
use crate::documents::{Seen, Sighting};
use crate::sim;
use crate::world::{
    Digester, Entry, Failure, FailureKey, Intent, Journal, Kind, Lookup, Name, Observed, Outcome, Project, SecretKey,
    Service, ServiceKey, Settings, Timestamp, User, UserKey, World, names,
};

/// How long a list that was just made is of use.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// The world, and what is known of how complete it is.
pub(crate) struct View {
    world: World,
    scopes: Vec<Scope>,
    listed: BTreeSet<Scope>,
    unreadable: BTreeMap<Scope, Name>,
    idle: im::OrdSet<SecretKey>,
    fresh: BTreeMap<(Name, Kind), (Timestamp, Vec<Sighting>)>,
    doubts: Doubts,
}

impl View {
    /// Nothing was seen yet.
    pub(crate) fn new(settings: Settings, digester: Digester, scopes: Vec<Scope>) -> Self {
        let mut world = World::new(Timestamp::UNIX_EPOCH, settings, digester);
        world.secrets_complete = false;
        world.journal = Observed::Unseen("it was not read yet".into());
        for scope in &scopes {
            world.unlisted.insert(scope.kind, "it was not listed completely yet".into());
        }
        let (listed, unreadable, idle, fresh) = (BTreeSet::new(), BTreeMap::new(), im::OrdSet::new(), BTreeMap::new());
        let doubts = Doubts::new(world.settings().settle);
        View { world, scopes, listed, unreadable, idle, fresh, doubts }
    }

    /// The world as it was seen last.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// Whether every kind was listed completely.
    pub(crate) fn is_complete(&self) -> bool {
        self.world.unlisted.is_empty()
    }

    /// The world at this moment; what has just ceased to be wanted was wanted until now.
    pub(crate) fn at(&mut self, now: Timestamp) -> &World {
        self.world.now = now;
        if self.is_complete() && self.world.complete_since.is_none() {
            self.world.complete_since = Some(now);
        }
        let idle: im::OrdSet<SecretKey> = self.world.idle().cloned().collect();
        let newly: Vec<_> = idle.iter().filter(|key| !self.idle.contains(*key)).cloned().collect();
        for key in newly {
            if let Some(secret) = self.world.managed(&key) {
                let mut secret = secret.clone();
                secret.last_wanted = Some(now);
                self.world.put_secret(secret);
            }
        }
        self.idle = idle;
        for user in self.doubts.settled(now) {
            self.world.forget_user(&user);
        }
        &self.world
    }

    /// The world at this moment as lists of one namespace show it that were just made, for one decision only: what they
    /// show is not in step with the watches, which may know better by now.
    pub(crate) fn confirmed(&mut self, namespace: &Name, now: Timestamp) -> World {
        let watched = self.at(now).clone();
        let lists: Vec<_> = self.fresh.iter().filter(|((place, _), _)| place == namespace).collect();
        let lists: Vec<_> = lists.into_iter().map(|((_, kind), (_, seen))| (*kind, seen.clone())).collect();
        for (kind, sightings) in lists {
            self.listed_afresh(kind, namespace, sightings);
        }
        std::mem::replace(&mut self.world, watched)
    }

    /// Takes in a fact; says whether the world is another now.
    pub(crate) fn take(&mut self, fact: Fact) -> bool {
        match fact {
            Fact::Watched(scope, event) => self.watched(&scope, event),
            Fact::Seen(sighting) => self.see(*sighting),
            Fact::Gone(Seen::Secret(key)) => {
                let known = matches!(self.world.secret(&key), Lookup::Found(Entry::Absent));
                self.world.put_absent_secret(&key);
                !known
            }
            Fact::Gone(seen) => self.lose(&seen),
            Fact::Listed(kind, namespace, sightings) => {
                let now = self.world.now;
                self.fresh.retain(|_, (seen, _)| now.duration_since(*seen) < FRESH);
                self.fresh.insert((namespace, kind), (now, sightings));
                false
            }
            Fact::Unlisted(kind, why) => self.world.unlisted.insert(kind, why.clone()) != Some(why),
            Fact::Project(name, ca) => self.project(name, ca),
            Fact::ProjectUnseen(name, why) => {
                let known = matches!(self.world.project(&name), Lookup::Found(_));
                if !known {
                    self.world.put_unseen_project(name, why);
                }
                !known
            }
            Fact::Service(key, service) => self.service(&key, service.map(|service| *service)),
            Fact::Acl(key, acl) => {
                self.world.edit_service(&key, |service| service.acl = Observed::Seen(acl));
                true
            }
            Fact::User(key, user) => {
                self.doubts.shown(&key);
                self.world.put_user(&key, *user);
                true
            }
            Fact::UserMissing(key, asked) => match self.doubts.missing(&key, asked) {
                Missing::Believed | Missing::ForNow => {
                    self.world.remove_user(&key);
                    true
                }
                Missing::Ignored => false,
            },
            Fact::Sending(user, at) => self.sending(&user, at),
            Fact::Sent(user, outcome, at) => self.sent(&user, outcome, at),
            Fact::Did(action, at) => self.did(&action, at),
            Fact::Journal(journal, asked) => self.journal(journal, asked),
            Fact::Failed(key, failed, at) => self.failed(key, failed, at),
            Fact::Succeeded(key) => self.world.failures.remove(&key).is_some(),
        }
    }

    fn watched(&mut self, scope: &Scope, event: Event) -> bool {
        match event {
            Event::Seen(sighting, version) => !self.is_older(&sighting.key(), &version) && self.see(*sighting),
            Event::Gone(seen, version) => !self.is_older(&seen, &version) && self.lose(&seen),
            Event::Listed(all) => {
                let known = self.known(scope.kind, scope.namespace.as_deref());
                let mut changed = false;
                for gone in known.into_iter().filter(|seen| !all.contains(seen)) {
                    changed |= self.lose(&gone);
                }
                self.listed.insert(scope.clone());
                self.unreadable.remove(scope);
                self.refresh(scope.kind) || changed
            }
            Event::Unreadable(why) => {
                tracing::warn!("{why}");
                self.unreadable.insert(scope.clone(), why.into());
                self.refresh(scope.kind)
            }
            Event::Readable => {
                self.unreadable.remove(scope);
                self.refresh(scope.kind)
            }
            Event::Troubled(error) => {
                tracing::warn!(kind = %scope.kind, namespace = scope.namespace, "cannot be watched: {error}");
                if matches!(error, KubeError::Forbidden { .. }) {
                    self.listed.remove(scope);
                }
                self.refresh(scope.kind)
            }
        }
    }

    /// Works out whether a kind was seen as a whole; says whether that has changed.
    fn refresh(&mut self, kind: Kind) -> bool {
        let of_kind = |scope: &&Scope| scope.kind == kind;
        let unreadable = self.scopes.iter().filter(of_kind).find_map(|scope| self.unreadable.get(scope)).cloned();
        let waiting = self.scopes.iter().filter(of_kind).any(|scope| !self.listed.contains(scope));
        let why = unreadable.or_else(|| waiting.then(|| "it was not listed completely yet".into()));
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
                    // Those without the label were found by name, and no list shows them.
                    let listed =
                        space.secrets().filter(|it| it.labels.kind.as_ref().is_some_and(|of| *of == names::TYPE_VALUE));
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

    /// Whether a sighting is of before one that is known, such as the answer to an own write. Versions grow (KEP-5504).
    fn is_older(&self, seen: &Seen, version: &str) -> bool {
        let known = match seen {
            Seen::Application(key) => self.world.application(key).map(|app| &app.version),
            Seen::Secret(key) => self.world.managed(key).map(|secret| &secret.version),
            Seen::Workload(..) | Seen::Instance(..) => None,
        };
        let number = |text: &str| text.parse::<u64>().ok();
        let known = known.and_then(|known| number(known));
        known.zip(number(version)).is_some_and(|(known, seen)| seen < known)
    }

    fn see(&mut self, mut sighting: Sighting) -> bool {
        let same = match &mut sighting {
            Sighting::Application(app) => self.world.application(&app.key) == Some(app),
            Sighting::Secret(secret) => {
                let known = self.world.managed(&secret.key);
                secret.last_wanted = known.and_then(|known| known.last_wanted);
                known == Some(secret)
            }
            Sighting::Foreign(key) => matches!(self.world.secret(key), Lookup::Found(Entry::Foreign)),
            Sighting::Workload(namespace, key, workload) => {
                let known = self.world.namespace(namespace).and_then(|space| space.workload(key));
                known == workload.as_ref()
            }
            Sighting::Instance(of, namespace, name, state) => {
                matches!(self.world.instance(*of, namespace, name), Lookup::Found(known) if known == state)
            }
        };
        if !same {
            self.world.see(sighting);
        }
        !same
    }

    fn lose(&mut self, seen: &Seen) -> bool {
        self.world.lose(seen);
        true
    }

    fn listed_afresh(&mut self, kind: Kind, namespace: &Name, sightings: Vec<Sighting>) {
        let all: BTreeSet<Seen> = sightings.iter().map(Sighting::key).collect();
        for gone in self.known(kind, Some(namespace)).into_iter().filter(|seen| !all.contains(seen)) {
            self.lose(&gone);
        }
        for sighting in sightings {
            self.see(sighting);
        }
    }

    fn service(&mut self, key: &ServiceKey, mut service: Option<Service>) -> bool {
        if !matches!(self.world.project(&key.project), Lookup::Found(_)) {
            let ca = Observed::Unseen("the CA of the project was not read".into());
            let project = Project { ca, complete: false, services: im::OrdMap::new() };
            self.world.put_project(key.project.clone(), project);
        }
        if let (Some(service), Lookup::Found(known)) = (&mut service, self.world.service(key)) {
            service.acl = known.acl.clone();
        }
        self.world.put_service(key, service);
        true
    }

    fn project(&mut self, name: Name, ca: crate::world::Content) -> bool {
        let ca = Observed::Seen(ca);
        let services = match self.world.project(&name) {
            Lookup::Found(known) if known.ca == ca => return false,
            Lookup::Found(known) => known.services.clone(),
            Lookup::Absent | Lookup::Unseen(_) => im::OrdMap::new(),
        };
        self.world.put_project(name, Project { ca, complete: false, services });
        true
    }

    fn sending(&mut self, user: &UserKey, at: Timestamp) -> bool {
        if let Some(intent) = self.intent(user) {
            let before = std::mem::replace(&mut intent.outcome, Outcome::Unknown);
            intent.sent = Some(at);
            self.doubts.sending(user, before, at);
        }
        true
    }

    fn sent(&mut self, user: &UserKey, answer: Outcome, at: Timestamp) -> bool {
        let outcome = self.doubts.answered(user, answer, at);
        if let Some(intent) = self.intent(user) {
            intent.outcome = outcome;
            intent.sent = Some(at);
        }
        match outcome {
            Outcome::Taken => self.put_stranger(user),
            // What was seen before it was sent says nothing any longer.
            Outcome::Unknown => self.world.forget_user(user),
            Outcome::Created | Outcome::NotSent | Outcome::Found => {}
        }
        true
    }

    fn intent(&mut self, user: &UserKey) -> Option<&mut Intent> {
        match &mut self.world.journal {
            Observed::Seen(journal) => journal.intents.get_mut(user),
            Observed::Unseen(_) => None,
        }
    }

    /// Takes in that a user of that name exists, of which nothing else is known.
    fn put_stranger(&mut self, user: &UserKey) {
        let stranger = User {
            name: self.world.digester().content(user.username.as_bytes()),
            primary: false,
            password: None,
            certificate: None,
            private_key: None,
            certificate_ends: None,
            expiring_certificate_ends: None,
            password_updated: None,
            access: None,
        };
        self.world.put_user(user, stranger);
    }

    fn did(&mut self, action: &Action, at: Timestamp) -> bool {
        self.world.now = at;
        if let Action::DeleteUser { user } = action {
            self.doubts.deleted(user);
        }
        self.world = sim::apply(&self.world, action);
        true
    }

    /// Takes in a journal that was read; what this process knows of its own requests stays.
    fn journal(&mut self, journal: Observed<Journal>, asked: Timestamp) -> bool {
        let journal = match (journal, &self.world.journal) {
            (Observed::Seen(mut read), Observed::Seen(known)) => {
                let open: Vec<UserKey> = read.intents.keys().cloned().collect();
                for user in open {
                    if let (Some(intent), Some(known)) = (read.intents.get_mut(&user), known.intents.get(&user)) {
                        intent.outcome = known.outcome;
                        intent.sent = known.sent;
                    }
                }
                // What was written down while it was read is not in it.
                for (user, intent) in known.intents.iter().filter(|(_, intent)| asked <= intent.since) {
                    read.intents.entry(user.clone()).or_insert_with(|| intent.clone());
                }
                Observed::Seen(read)
            }
            // Of a journal that was read before, what was known last is better than nothing.
            (Observed::Unseen(why), Observed::Seen(known)) => {
                let mut known = known.clone();
                known.unwritable = Some(why);
                Observed::Seen(known)
            }
            (journal, Observed::Unseen(_)) => journal,
        };
        let found = journal.seen().into_iter().flat_map(|journal| &journal.intents);
        for (user, intent) in found.filter(|(_, intent)| intent.outcome == Outcome::Found) {
            self.doubts.inherited(user, intent.since);
        }
        let changed = self.world.journal != journal;
        self.world.journal = journal;
        changed
    }

    fn failed(&mut self, key: FailureKey, failed: Failed, at: Timestamp) -> bool {
        let Failed { class, operation, service, generation, retry_after } = failed;
        let count = self.world.failures.get(&key).map_or(0, |known| known.count).saturating_add(1);
        let operation = Name::from(operation);
        self.world.failures.insert(key, Failure { class, operation, service, at, count, generation, retry_after });
        true
    }
}
