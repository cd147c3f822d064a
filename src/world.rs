//! Everything observed, at one moment, and what can be looked up in it.
//!
//! A [`World`] holds applications, managed secrets, what uses them, instance objects, Aiven's projects, the journal, the
//! settings and the time. It takes as given that observers parse and digest what they read; it never holds secret
//! material, never reads a clock, and never takes what was not seen for empty. A clone costs next to nothing, and its
//! indexes follow each edit (`world/edit.rs`), so that planning one subject does not depend on the size of the world.

mod application;
mod edit;
mod journal;
mod key;
mod keys;
mod labels;
pub mod names;
mod namespace;
mod observed;
mod record;
mod secret;
mod service;
mod settings;
mod unplaced;
mod usage;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use fnv::FnvBuildHasher;
use serde::Serialize;

pub use self::application::{Access, Application, Condition, InstanceSpec, KafkaSpec, RolloutState, Spec, Status};
pub use self::journal::{
    Failure, FailureClass, FailureKey, Failures, Intent, Journal, MAX_INTENTS, Outcome, Retirement,
};
pub use self::key::{AppKey, Name, Names, SecretKey, ServiceKey, Subject, UserKey};
pub use self::keys::Keys;
pub use self::labels::Labels;
pub use self::namespace::{Here, Namespace, Place};
pub use self::observed::{Content, Digest, Digester, Observed};
pub use self::record::BrokenRecord;
pub(crate) use self::secret::Notes;
pub use self::secret::{Claim, Entry, Protection, Retired, Secret, Stores, Validity};
pub use self::service::{
    AccessControl, AclDocument, Address, Component, Project, Service, Spelling, User, Users, is_usable,
};
pub use self::settings::{DeletionCap, Settings};
pub use self::usage::{Workload, WorkloadKey, WorkloadKind};
pub use jiff::Timestamp;

use crate::want::ServiceType;

/// Everything observed, at one moment.
#[derive(Clone, Debug)]
pub struct World {
    /// The only clock.
    pub now: Timestamp,
    /// When every kind was first completely listed; `None` for saved documents.
    pub complete_since: Option<Timestamp>,
    /// Whether a secret that is not in the world does not exist; else it has to be looked for by name.
    pub secrets_complete: bool,
    /// The kinds that could not be listed completely, and why.
    pub unlisted: BTreeMap<Kind, Name>,
    /// The journal.
    pub journal: Observed<Journal>,
    /// The last failures.
    pub failures: Failures,
    settings: Arc<Settings>,
    digester: Digester,
    namespaces: im::OrdMap<Name, Arc<Namespace>>,
    projects: im::OrdMap<Name, Observed<Arc<Project>>>,
    recorders: im::GenericHashMap<UserKey, Arc<[SecretKey]>, FnvBuildHasher, im::shared_ptr::DefaultSharedPtr>,
    shared: im::OrdSet<UserKey>,
    unplaced: im::OrdMap<Name, im::OrdSet<SecretKey>>,
    on_service: im::OrdMap<ServiceKey, im::OrdSet<SecretKey>>,
    contenders: im::OrdMap<Name, im::OrdSet<AppKey>>,
    holders: im::OrdMap<(ServiceType, Name), im::OrdSet<Name>>,
    ambiguous: im::OrdSet<(ServiceType, Name)>,
    idle: im::OrdSet<SecretKey>,
    ending: im::OrdSet<AppKey>,
    managed: usize,
    nowhere: Arc<(Name, Arc<Namespace>)>,
}

/// A kind of object that is listed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `AivenApplication`
    Application,
    /// `Secret`, of those that are managed
    Secret,
    /// What uses secrets.
    Workload(WorkloadKind),
    /// `OpenSearch` or `Valkey` of `aiven.io`.
    Instance(ServiceType),
}

impl Kind {
    /// Several of them, in words.
    pub fn plural(self) -> String {
        let one = self.to_string();
        let end = if one.ends_with("ch") || one.ends_with('s') { "es" } else { "s" };
        one + end
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Application => f.write_str("AivenApplication"),
            Kind::Secret => f.write_str("Secret"),
            Kind::Workload(kind) => f.write_str(kind.as_str()),
            Kind::Instance(service_type) => f.write_str(service_type.instance_kind().unwrap_or("instance")),
        }
    }
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// It does not exist.
    Absent,
    /// Nobody has looked; the text says why not.
    Unseen(Name),
}

/// The uid and version of the object that an action was decided on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Expect {
    /// `metadata.uid`
    pub uid: Name,
    /// `metadata.resourceVersion`
    #[serde(rename = "resource_version")]
    pub version: Name,
}

/// Something that asks for a secret or uses it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConsumerRef {
    /// The kind of object.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub kind: ConsumerKind,
    /// Its name, in the namespace of the secret.
    pub name: Name,
}

/// A kind of object that asks for secrets or uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConsumerKind {
    /// `AivenApplication`
    AivenApplication,
    /// What uses secrets.
    Workload(WorkloadKind),
}

impl ConsumerKind {
    /// The kind as documents spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConsumerKind::AivenApplication => "AivenApplication",
            ConsumerKind::Workload(kind) => kind.as_str(),
        }
    }
}

impl fmt::Display for ConsumerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ConsumerKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for ConsumerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// A time as it stands everywhere: RFC 3339, UTC, whole seconds, `Z`.
pub fn rfc3339(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
    whole.to_string()
}

impl World {
    /// A world in which everything was looked at and nothing was found.
    pub fn new(now: Timestamp, settings: Settings, digester: Digester) -> Self {
        World {
            now,
            complete_since: None,
            secrets_complete: true,
            unlisted: BTreeMap::new(),
            journal: Observed::Seen(Journal::default()),
            failures: Failures::new(),
            settings: Arc::new(settings),
            digester,
            namespaces: im::OrdMap::new(),
            projects: im::OrdMap::new(),
            recorders: im::GenericHashMap::default(),
            shared: im::OrdSet::new(),
            unplaced: im::OrdMap::new(),
            on_service: im::OrdMap::new(),
            contenders: im::OrdMap::new(),
            holders: im::OrdMap::new(),
            ambiguous: im::OrdSet::new(),
            idle: im::OrdSet::new(),
            ending: im::OrdSet::new(),
            managed: 0,
            nowhere: Arc::default(),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What makes digests that can be compared with those of this world.
    pub fn digester(&self) -> &Digester {
        &self.digester
    }

    /// Every namespace, in order.
    pub fn namespaces(&self) -> impl Iterator<Item = (&Name, &Namespace)> {
        self.namespaces.iter().map(|(name, namespace)| (name, &**namespace))
    }

    /// One namespace, if there is anything in it.
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name).map(|namespace| &**namespace)
    }

    /// Every namespace, to look around in, in order.
    pub fn everywhere(&self) -> impl Iterator<Item = Here<'_>> {
        self.namespaces.iter().map(move |(name, space)| Here { world: self, name, space })
    }

    /// One namespace, to look around in; an empty one without a name if there is nothing in it.
    pub fn here(&self, name: &str) -> Here<'_> {
        let (name, space) = self.namespaces.get_key_value(name).unwrap_or((&self.nowhere.0, &self.nowhere.1));
        Here { world: self, name, space }
    }

    /// A Secret of that name, managed or not.
    pub fn secret(&self, key: &SecretKey) -> Lookup<&Entry> {
        self.here(&key.namespace).secret(&key.name)
    }

    /// The applications that ask for the secret now: neither expired nor being deleted.
    pub fn asking(&self, key: &SecretKey) -> impl Iterator<Item = &Application> + use<'_> {
        self.here(&key.namespace).asking(&key.name)
    }

    /// What uses the secret, and for pods since when.
    pub fn using(&self, key: &SecretKey) -> impl Iterator<Item = (&WorkloadKey, Option<Timestamp>)> + use<'_> {
        self.here(&key.namespace).using(&key.name)
    }

    /// The state of an instance object in a namespace.
    pub fn instance(&self, service_type: ServiceType, namespace: &str, name: &str) -> Lookup<&Name> {
        match self.here(namespace).instance(service_type, name) {
            Lookup::Found((_, state)) => Lookup::Found(state),
            Lookup::Absent => Lookup::Absent,
            Lookup::Unseen(why) => Lookup::Unseen(why),
        }
    }

    /// An application.
    pub fn application(&self, key: &AppKey) -> Option<&Application> {
        self.namespace(&key.namespace)?.application(&key.name)
    }

    /// A managed secret.
    pub fn managed(&self, key: &SecretKey) -> Option<&Secret> {
        self.namespace(&key.namespace)?.managed(&key.name)
    }

    /// How many secrets are managed.
    pub fn managed_count(&self) -> usize {
        self.managed
    }

    /// The managed secrets that no spec names and nothing uses.
    pub fn idle(&self) -> impl Iterator<Item = &SecretKey> {
        self.idle.iter()
    }

    /// The applications that are being deleted or will expire.
    pub fn ending(&self) -> impl Iterator<Item = &AppKey> {
        self.ending.iter()
    }

    /// The secrets that record the account, in use or replaced, terminating ones among them; also those whose record does
    /// not say on which service, and so may mean it.
    pub fn recorders(&self, user: &UserKey) -> Cow<'_, [SecretKey]> {
        let exact = self.recorders.get(user).map_or(&[][..], |secrets| secrets);
        match self.unplaced.get(&user.username) {
            None => Cow::Borrowed(exact),
            Some(others) => {
                let others = others.iter().filter(|key| self.leaves_open(key, user));
                let all: BTreeSet<&SecretKey> = exact.iter().chain(others).collect();
                Cow::Owned(all.into_iter().cloned().collect())
            }
        }
    }

    /// Whether more than one secret may record the account, which is seldom so and cheap to ask.
    pub fn is_shared(&self, user: &UserKey) -> bool {
        self.shared.contains(user) || self.unplaced.contains_key(&user.username)
    }

    /// The secrets that record an account on the service.
    pub fn secrets_on(&self, service: &ServiceKey) -> impl Iterator<Item = &SecretKey> {
        self.on_service.get(service).into_iter().flatten()
    }

    /// The applications whose user names could be the same.
    pub fn contenders(&self, group: &str) -> impl Iterator<Item = &AppKey> {
        self.contenders.get(group).into_iter().flatten()
    }

    /// The namespaces that hold an instance object of that name.
    pub fn holders(&self, service_type: ServiceType, instance: &Name) -> impl Iterator<Item = &Name> {
        self.holders.get(&(service_type, instance.clone())).into_iter().flatten()
    }

    /// Whether more than one namespace holds an instance object of that name, which is seldom so and cheap to ask.
    pub fn is_ambiguous(&self, service_type: ServiceType, instance: &Name) -> bool {
        !self.ambiguous.is_empty() && self.ambiguous.contains(&(service_type, instance.clone()))
    }

    /// The projects that were looked at or tried.
    pub fn projects(&self) -> impl Iterator<Item = (&Name, &Observed<Arc<Project>>)> {
        self.projects.iter()
    }

    /// An Aiven project.
    pub fn project(&self, name: &str) -> Lookup<&Project> {
        match self.projects.get(name) {
            Some(Observed::Seen(project)) => Lookup::Found(project),
            Some(Observed::Unseen(why)) => Lookup::Unseen(why.clone()),
            None => {
                Lookup::Unseen(format!("Aiven project {name} was not observed: add its AivenProject document").into())
            }
        }
    }

    /// An Aiven service.
    pub fn service(&self, key: &ServiceKey) -> Lookup<&Service> {
        let project = match self.project(&key.project) {
            Lookup::Found(project) => project,
            Lookup::Absent => return Lookup::Absent,
            Lookup::Unseen(why) => return Lookup::Unseen(why),
        };
        match project.services.get(&key.service) {
            Some(Observed::Seen(Some(service))) => Lookup::Found(service),
            Some(Observed::Seen(None)) => Lookup::Absent,
            Some(Observed::Unseen(why)) => Lookup::Unseen(why.clone()),
            None if project.complete => Lookup::Absent,
            None => Lookup::Unseen("it was not looked for".into()),
        }
    }

    /// A service user.
    pub fn user(&self, key: &UserKey) -> Lookup<&User> {
        let service = match self.service(&key.service_key()) {
            Lookup::Found(service) => service,
            Lookup::Absent => return Lookup::Absent,
            Lookup::Unseen(why) => return Lookup::Unseen(why),
        };
        service.user(&key.username)
    }

    /// Whether a list of all users of its service does not show one; only GET user says that it does not exist.
    pub fn is_not_listed(&self, key: &UserKey) -> bool {
        let service = self.service(&key.service_key());
        matches!(service, Lookup::Found(service) if service.users_listed && !service.users.contains_key(&key.username))
    }

    /// The journal, if it was read and is ours.
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.seen()
    }

    /// Why something of that kind could have been missed, if so.
    pub fn why_unlisted(&self, kind: Kind) -> Option<&Name> {
        self.unlisted.get(&kind)
    }
}
