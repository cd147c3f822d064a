//! The world as a running operator sees it: every fact that watches, reads and own writes bring, taken in one by one.
//!
//! Decides which of two sightings of an object is newer. Takes as given that facts of one source come in order; never takes
//! what was not listed for empty, and never reads a clock.

mod aiven;
mod gone;
mod kubernetes;
mod memory;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use self::gone::Graves;
use super::doubt::{Doubts, Missing};
use super::fact::{Fact, Failed};
use super::kube::Scope;
use crate::action::Action;
use crate::documents::Sighting;
use crate::sim;
use crate::world::{
    Digester, Failure, FailureKey, Intent, Journal, Kind, Lookup, Name, Observed, Outcome, SecretKey, Settings,
    Timestamp, UserKey, World,
};

/// How long a list that was just made is of use.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// The world, and what is known of how complete it is.
pub(crate) struct View {
    world: World,
    scopes: Vec<Scope>,
    listed: BTreeSet<Scope>,
    unreadable: BTreeMap<Scope, Name>,
    idle: BTreeSet<SecretKey>,
    fresh: BTreeMap<(Name, Kind), (Timestamp, Vec<Sighting>)>,
    doubts: Doubts,
    graves: Graves,
    stripped_shown: bool,
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
        let (listed, unreadable, idle, fresh) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let doubts = Doubts::new(world.settings().settle);
        View {
            world,
            scopes,
            listed,
            unreadable,
            idle,
            fresh,
            doubts,
            graves: Graves::default(),
            stripped_shown: false,
        }
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
        let idle = self.world.unwanted();
        for key in idle.difference(&self.idle) {
            if let Some(secret) = self.world.managed(key) {
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

    /// The world at this moment with what lists of one namespace show that were just made, for one decision only: they are
    /// not in step with the watches. What a watch knows better stays, and what only a watch knows.
    pub(crate) fn confirmed(&mut self, namespace: &Name, now: Timestamp) -> World {
        let watched = self.at(now).clone();
        let lists =
            self.fresh.iter().filter(|((place, _), (seen, _))| place == namespace && now.duration_since(*seen) < FRESH);
        let lists: Vec<Vec<Sighting>> = lists.map(|(_, (_, sightings))| sightings.clone()).collect();
        for sightings in lists {
            self.listed_afresh(sightings);
        }
        std::mem::replace(&mut self.world, watched)
    }

    /// Takes in a fact; says whether the world is another now.
    pub(crate) fn take(&mut self, fact: Fact) -> bool {
        match fact {
            Fact::Watched(scope, event) => self.watched(&scope, event),
            // A watch may have been faster than the answer: it says everything once, and never again.
            Fact::Seen(sighting) => !self.is_old(&sighting) && self.see(*sighting),
            Fact::Gone(seen) => self.missing(&seen),
            Fact::Listed(kind, namespace, sightings) => {
                let now = self.world.now;
                self.fresh.retain(|_, (seen, _)| now.duration_since(*seen) < FRESH);
                self.fresh.insert((namespace, kind), (now, sightings));
                false
            }
            Fact::StrippedShown => {
                self.stripped_shown = true;
                self.refresh(Kind::Secret)
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
                        recall(intent, known);
                    }
                }
                // What was written down while it was read is not in it.
                for (user, intent) in known.intents.iter().filter(|(_, intent)| asked <= intent.since) {
                    read.intents.entry(user.clone()).or_insert_with(|| intent.clone());
                }
                for (user, copy) in known.retirements.iter().filter(|(_, copy)| asked <= copy.since) {
                    read.retirements.entry(user.clone()).or_insert_with(|| copy.clone());
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
            self.doubts.inherited(user, intent.sent.unwrap_or(intent.since));
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

/// Adds to an intent that was read what this process knows of it, unless that is of before: another process may have
/// announced the name anew, or have sent its POST under the same intent.
fn recall(read: &mut Intent, known: &Intent) {
    let unsent = matches!(known.outcome, Outcome::NotSent | Outcome::Taken);
    if known.since < read.since || (unsent && known.sent < read.sent) {
        return;
    }
    read.outcome = known.outcome;
    read.sent = known.sent.max(read.sent);
}

#[cfg(test)]
mod tests;
