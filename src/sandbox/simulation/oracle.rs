//! The judge: knows who has made which user, what each secret publishes and who has meddled, and says what is broken.
//!
//! Takes what the models hold for the truth. Shares nothing with the planner, not even how it reads a spec or a record:
//! what both had wrong nobody would see.

mod reading;
mod rest;
mod secret;
mod user;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use fnv::FnvHasher;
use jiff::SignedDuration;
use serde_json::Value;

use super::account::Maker;
use super::case::Case;
use super::cluster::{key_of, text};
use super::stage::Stage;
use super::wire::{Answer, Request};
use crate::shell::aiven::{Operation, Target};
use crate::world::{Kind, ServiceKey, UserKey};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which, by its number.
    pub rule: String,
    /// How.
    pub what: String,
}

impl Breach {
    pub(super) fn new(rule: &str, what: impl Into<String>) -> Self {
        Breach { rule: rule.to_owned(), what: what.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) process: usize,
    pub(super) cluster: usize,
}

/// A Secret, whatever its name: the cluster and the uid.
type Object = (usize, String);

/// The judge.
pub(super) struct Oracle {
    found: Option<Breach>,
    processes: BTreeMap<usize, usize>,
    /// What each user was made for.
    made: BTreeMap<u64, Made>,
    published: BTreeMap<Object, Published>,
    meddled: BTreeSet<Object>,
    /// Users that somebody's meddling may have cut loose.
    excused: BTreeSet<UserKey>,
    /// Names of users of which such a record does not say where they are.
    named: BTreeSet<String>,
    /// The version of the cluster at which a process has last listed a kind in a namespace.
    lists: BTreeMap<(usize, Kind, String), u64>,
    /// Secrets whose dates do not tell that a password is another since: written last by a process whose clock is not right,
    /// or with a password that was not the user's any more.
    misdated: BTreeSet<Object>,
    /// The ACL document as a process has last read it.
    documents: BTreeMap<(usize, ServiceKey), Value>,
    /// How wrong clocks may be.
    wrong: SignedDuration,
    /// The processes whose clock was ever set or stopped.
    untimely: BTreeSet<usize>,
    /// What was asked for in the last minute.
    effects: VecDeque<(Duration, u64)>,
    idle: bool,
}

/// What a user was made for.
#[derive(Clone, Debug)]
pub(super) struct Made {
    key: UserKey,
    cluster: usize,
}

/// What the operators have put into a Secret.
#[derive(Clone, Debug, Default)]
struct Published {
    /// The user that each value belongs to, and the value.
    values: BTreeMap<String, (u64, String)>,
    /// Every user that was ever in it.
    users: BTreeSet<UserKey>,
    /// Since when a user is no longer in it.
    replaced: BTreeMap<UserKey, Duration>,
}

/// More of the same in one minute is a loop.
const LOOP: usize = 12;
const MINUTE: Duration = Duration::from_mins(1);

impl Oracle {
    pub(super) fn new(_: &Stage, _: &Case) -> Self {
        Oracle {
            found: None,
            processes: BTreeMap::new(),
            made: BTreeMap::new(),
            published: BTreeMap::new(),
            meddled: BTreeSet::new(),
            excused: BTreeSet::new(),
            named: BTreeSet::new(),
            lists: BTreeMap::new(),
            misdated: BTreeSet::new(),
            documents: BTreeMap::new(),
            wrong: SignedDuration::ZERO,
            untimely: BTreeSet::new(),
            effects: VecDeque::new(),
            idle: false,
        }
    }

    /// What was broken first, if anything.
    pub(super) fn breach(&self) -> Option<Breach> {
        self.found.clone()
    }

    fn broken(&mut self, rule: &str, what: impl FnOnce() -> String) {
        if self.found.is_none() {
            self.found = Some(Breach::new(rule, what()));
        }
    }

    pub(super) fn cluster_of(&self, process: usize) -> Option<usize> {
        self.processes.get(&process).copied()
    }

    /// A decision would have broken a rule of the program's own: harmless, and wrong all the same.
    pub(super) fn withheld(&mut self, asker: Asker, what: &str) {
        self.broken("check", || format!("operator {} withholds a decision: {what}", asker.process));
    }

    /// Somebody has meddled with what only the operators should write: whom it records may be lost from now on.
    pub(super) fn meddled(&mut self, cluster: usize, object: &Value) {
        let uid = (cluster, text(object, "uid").to_owned());
        self.excused.extend(reading::records(object));
        self.named.extend(reading::half_records(object));
        self.excused.extend(self.published.get(&uid).into_iter().flat_map(|it| it.users.iter().cloned()));
        self.meddled.insert(uid);
    }

    /// Somebody else makes a user of a name that a Secret records or the journal announces: nobody can tell the two apart.
    pub(super) fn stranger(&mut self, stage: &Stage, user: &UserKey) {
        let secrets = stage.clusters.iter().flat_map(|of| of.table(Some(Kind::Secret)));
        let announced = (0..stage.clusters.len()).any(|cluster| user::announces(stage, cluster, user));
        if announced || secrets.flat_map(|(_, secret)| reading::records(secret)).any(|recorded| recorded == *user) {
            self.excused.insert(user.clone());
        }
    }

    fn is_excused(&self, user: &UserKey) -> bool {
        self.excused.contains(user) || self.named.contains(user.username.as_str())
    }

    pub(super) fn clock_is_wrong(&mut self, process: usize, by: SignedDuration) {
        // As often as it is set, it may add up.
        self.wrong += by.abs();
        self.untimely.insert(process);
    }

    /// A user that somebody may want to get rid of.
    pub(super) fn victim(&self, stage: &Stage, (cluster, _): (usize, &str), more: u32) -> Option<UserKey> {
        let there = |made: &&Made| made.cluster == cluster && stage.account.user(&made.key).is_some();
        let all: Vec<&Made> = self.made.values().filter(there).collect();
        all.get(usize::try_from(more >> 3).unwrap_or_default() % all.len().max(1)).map(|made| made.key.clone())
    }

    /// From now on nothing is to be written.
    pub(super) fn nothing_is_written_now(&mut self) {
        self.idle = true;
    }

    /// A request is about to be carried out.
    pub(super) fn before(&mut self, stage: &Stage, asker: Asker, request: &Request) {
        self.processes.insert(asker.process, asker.cluster);
        if request.is_effect() {
            self.count(stage.now, asker, request);
        }
        match request {
            Request::Aiven(operation, target, body) => self.aiven(stage, asker, (*operation, target, body.as_deref())),
            Request::Patch(Some(Kind::Secret), key, patch, _) => self.before_patch(stage, asker, (key, patch)),
            Request::Delete(Some(Kind::Secret), key, expect) => self.before_delete(stage, asker, (key, expect)),
            Request::Delete(Some(Kind::Application), key, expect) => self.before_end(stage, asker, (key, expect)),
            Request::Patch(Some(Kind::Application), key, patch, _) => self.before_status(stage, asker, (key, patch)),
            Request::Patch(None, _, patch, _) => self.before_journal(stage, asker, patch),
            Request::Get(..)
            | Request::List(..)
            | Request::Secrets(_)
            | Request::Create(..)
            | Request::Patch(..)
            | Request::Delete(..) => {}
        }
    }

    /// A request was carried out.
    pub(super) fn after(&mut self, stage: &Stage, asker: Asker, (request, answer): (&Request, &Answer)) {
        match (request, answer) {
            (Request::List(kind, namespace), Answer::Objects(Ok(_))) => {
                let version = stage.clusters.get(asker.cluster).map_or(0, super::cluster::Cluster::version);
                self.lists.insert((asker.process, *kind, namespace.clone().unwrap_or_default()), version);
            }
            (Request::Create(Some(Kind::Secret), body), Answer::Object(Ok(_))) => {
                self.written(stage, asker, (&key_of(body), body));
            }
            (Request::Patch(Some(Kind::Secret), key, patch, _), Answer::Object(Ok(_))) => {
                self.written(stage, asker, (key, patch));
            }
            (Request::Aiven(Operation::CreateUser, Target::User(key), _), Answer::Aiven(Ok(raw)))
                if raw.status < 300 =>
            {
                self.user_made(stage, asker, key);
            }
            (Request::Aiven(Operation::GetAcl, Target::Service(key), _), Answer::Aiven(Ok(raw)))
                if raw.status < 300 =>
            {
                let document = raw.body.as_ref().ok().and_then(|body| serde_json::from_slice(body).ok());
                self.documents.insert((asker.process, key.clone()), document.unwrap_or_default());
            }
            _ => {}
        }
    }

    fn count(&mut self, now: Duration, asker: Asker, request: &Request) {
        if self.idle {
            self.broken("S15", || {
                format!("although nothing happens, operator {} writes: {}", asker.process, request.describe())
            });
        }
        let mut hasher = FnvHasher::default();
        asker.process.hash(&mut hasher);
        request.describe().hash(&mut hasher);
        if let Request::Patch(_, _, patch, _) = request {
            patch.to_string().hash(&mut hasher);
        }
        let hash = hasher.finish();
        while self.effects.front().is_some_and(|(at, _)| *at + MINUTE < now) {
            self.effects.pop_front();
        }
        self.effects.push_back((now, hash));
        if self.effects.iter().filter(|(_, known)| *known == hash).count() > LOOP {
            self.broken("S15", || {
                format!("operator {} asks for the same again and again: {}", asker.process, request.describe())
            });
        }
    }

    /// Whether the operators of a cluster have made that user that exists now.
    fn is_made_by(stage: &Stage, cluster: usize, key: &UserKey) -> bool {
        stage.account.user(key).is_some_and(|user| user.maker == Maker::Cluster(cluster))
    }

    /// Whether clocks being wrong excuses so much.
    fn forgives(&self, span: Duration) -> Duration {
        span.saturating_sub(Duration::try_from(self.wrong).unwrap_or_default())
    }
}
