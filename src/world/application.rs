//! An application as observed: what it asks for and what its status says.
//!
//! Takes as given that the resource passed its schema; never judges what is asked for (that is [`crate::want`]).

use std::sync::Arc;

use jiff::Timestamp;

use super::key::{AppKey, Name};
use crate::hash;
use crate::reason::Reason;
use crate::want::{self, Target};

/// An `AivenApplication`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its namespace and name.
    pub key: AppKey,
    /// `metadata.uid`; empty where a document has none.
    pub uid: Name,
    /// `metadata.resourceVersion`; empty where a document has none.
    pub version: Name,
    /// `metadata.generation`: grows with each change of the spec.
    pub generation: i64,
    /// `metadata.creationTimestamp`; absent counts as old.
    pub created: Option<Timestamp>,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Whether a person has paused it by annotation.
    pub paused: bool,
    /// Annotation `nais.io/deploymentCorrelationID`, empty if absent.
    pub correlation_id: Name,
    /// Label `aiven.nais.io/secret-generation` as an integer, else 0.
    pub secret_generation: i64,
    /// What it asks for.
    pub spec: Spec,
    /// What its status says.
    pub status: Status,
    derived: Arc<Derived>,
}

/// What follows from the key and the spec alone, worked out once per observation.
#[derive(Debug, PartialEq, Eq)]
struct Derived {
    hash: Name,
    targets: Result<Vec<Target>, Reason>,
}

impl Application {
    /// An application without metadata beyond its name; the fields can be set afterwards, but for the spec.
    pub fn new(key: AppKey, spec: Spec) -> Self {
        let derived = Arc::new(Derived { hash: hash::of(&spec).into(), targets: want::targets(&key, &spec) });
        Application {
            key,
            uid: Name::default(),
            version: Name::default(),
            generation: 1,
            created: None,
            terminating: false,
            paused: false,
            correlation_id: Name::default(),
            secret_generation: 0,
            spec,
            status: Status::default(),
            derived,
        }
    }

    /// The same application with another spec, one generation on.
    #[must_use]
    pub fn with_spec(&self, spec: Spec) -> Self {
        let derived = Application::new(self.key.clone(), spec.clone()).derived;
        Application { spec, derived, generation: self.generation + 1, ..self.clone() }
    }

    /// The synchronization hash of its spec.
    pub fn hash(&self) -> &Name {
        &self.derived.hash
    }

    /// The secrets that it asks for and what each must hold, or the mistake in its spec that refuses the whole.
    pub fn targets(&self) -> Result<&[Target], &Reason> {
        self.derived.targets.as_deref()
    }

    /// Whether its time is over at that moment; while it is paused, it is not.
    pub fn expired(&self, now: Timestamp) -> bool {
        !self.paused && self.spec.expires_at.is_some_and(|end| now >= end)
    }
}

/// What an application asks for; the fields of both versions of the resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// One secret for every service that names none of its own; deprecated.
    pub secret_name: Option<Name>,
    /// The janitor leaves its secrets alone.
    pub protected: bool,
    /// The application is deleted at this moment.
    pub expires_at: Option<Timestamp>,
    /// The Kafka of a pool.
    pub kafka: Option<KafkaSpec>,
    /// One OpenSearch instance.
    pub open_search: Option<InstanceSpec>,
    /// Any number of Valkey instances.
    pub valkey: Vec<InstanceSpec>,
}

impl Spec {
    /// Every secret name that stands anywhere in the spec, whether or not anything is written to it.
    pub fn secret_names(&self) -> impl Iterator<Item = &Name> {
        let own = self.kafka.iter().filter_map(|kafka| kafka.secret_name.as_ref());
        let instances = self.open_search.iter().chain(&self.valkey);
        let all = self.secret_name.iter().chain(own).chain(instances.filter_map(|spec| spec.secret_name.as_ref()));
        all.filter(|name| !name.is_empty())
    }
}

/// A request for Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSpec {
    /// The Aiven project whose Kafka it is.
    pub pool: Name,
    /// The secret for it.
    pub secret_name: Option<Name>,
}

/// A request for an OpenSearch or Valkey instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceSpec {
    /// The name of the instance.
    pub instance: Name,
    /// What the user may do; absent means read.
    pub access: Option<Access>,
    /// The secret for it.
    pub secret_name: Option<Name>,
}

/// What a service user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reads.
    Read,
    /// Writes.
    Write,
    /// Both.
    ReadWrite,
    /// Everything.
    Admin,
}

impl Access {
    /// All of them.
    pub const ALL: [Access; 4] = [Access::Read, Access::Write, Access::ReadWrite, Access::Admin];

    /// As the resource and Aiven's OpenSearch ACL spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Write => "write",
            Access::ReadWrite => "readwrite",
            Access::Admin => "admin",
        }
    }
}

/// What `status` of an application says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// `synchronizationHash`.
    pub hash: Name,
    /// `synchronizationState`; known values are in [`RolloutState`].
    pub state: Name,
    /// `synchronizedGeneration`.
    pub synchronized_generation: i64,
    /// `observedGeneration`.
    pub observed_generation: i64,
    /// `conditions`, of every type, in the order in which they stand.
    pub conditions: Vec<Condition>,
}

impl Status {
    /// Whether nobody has said anything yet.
    pub fn is_new(&self) -> bool {
        self.hash.is_empty() && self.state.is_empty()
    }

    /// The condition of that type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == *kind)
    }
}

/// One condition of a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `type`.
    pub kind: Name,
    /// `status`: True, False or Unknown.
    pub status: Name,
    /// `reason`, a code.
    pub reason: Name,
    /// `message`, for people.
    pub message: Name,
}

/// The values of `synchronizationState` that this program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// Everything that the application asks for is there.
    Complete,
    /// Something is missing, and a condition says what.
    Failed,
}

impl RolloutState {
    /// As it stands in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            RolloutState::Complete => "RolloutComplete",
            RolloutState::Failed => "RolloutFailed",
        }
    }
}
