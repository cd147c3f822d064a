//! The values of labels, as types: what cannot be written wrong.
//!
//! Decides how a user name is counted. Texts are those that dashboards already select on.

use crate::want::ServiceType;
use crate::world::RolloutState;

/// What was done to a service user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was made.
    Created,
    /// Its access was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

/// How a service user is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Convention {
    /// With exactly three underscores, as for Kafka.
    Underscore,
    /// With a dot, as long ago.
    Dot,
    /// Any other way.
    Other,
}

impl Convention {
    /// All of them.
    pub const ALL: [Convention; 3] = [Convention::Underscore, Convention::Dot, Convention::Other];

    /// Tells how a user is named.
    pub fn of(username: &str) -> Self {
        if username.matches('_').count() == 3 {
            Convention::Underscore
        } else if username.contains('.') {
            Convention::Dot
        } else {
            Convention::Other
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Convention::Underscore => "underscore",
            Convention::Dot => "dot",
            Convention::Other => "other",
        }
    }
}

/// What a managed secret is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretState {
    /// Protected for good.
    Protected,
    /// Protected for some time.
    ProtectedWithTimeLimit,
    /// In use.
    InUse,
}

impl SecretState {
    /// All of them.
    pub const ALL: [SecretState; 3] = [SecretState::Protected, SecretState::ProtectedWithTimeLimit, SecretState::InUse];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            SecretState::Protected => "protected",
            SecretState::ProtectedWithTimeLimit => "protected-with-time-limit",
            SecretState::InUse => "in_use",
        }
    }
}

/// A kind of object at Aiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AivenResource {
    /// The CA of a project.
    Ca,
    /// A service.
    Service,
    /// A service user.
    ServiceUser,
    /// The ACL document of an OpenSearch service.
    OpenSearchAcl,
}

impl AivenResource {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            AivenResource::Ca => "CA",
            AivenResource::Service => "Service",
            AivenResource::ServiceUser => "ServiceUser",
            AivenResource::OpenSearchAcl => "OpenSearchACL",
        }
    }
}

macro_rules! resources {
    ($($kind:ident),+) => {
        /// A kind of object in the cluster.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Resource {
            $(#[doc = concat!("`", stringify!($kind), "`")] $kind,)+
        }

        impl Resource {
            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Resource::$kind => stringify!($kind),)+
                }
            }
        }
    };
}

resources!(
    AivenApplication,
    ConfigMap,
    CronJob,
    DaemonSet,
    Deployment,
    Event,
    Job,
    Lease,
    Namespace,
    OpenSearch,
    Pod,
    ReplicaSet,
    Secret,
    SelfSubjectAccessReview,
    StatefulSet,
    Valkey
);

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Reads all.
    List,
    /// Reads one.
    Get,
    /// Makes one.
    Create,
    /// Replaces or changes one.
    Update,
    /// Changes parts of one.
    Patch,
    /// Deletes one.
    Delete,
}

impl Verb {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Verb::List => "List",
            Verb::Get => "Get",
            Verb::Create => "Create",
            Verb::Update => "Update",
            Verb::Patch => "Patch",
            Verb::Delete => "Delete",
        }
    }
}

/// The state that a pass over an application ended in; none, where it has none.
pub(super) fn state(state: Option<RolloutState>) -> &'static str {
    state.map_or("unknown", RolloutState::as_str)
}

/// The part of the Go program that did the same.
pub(super) const fn handler(service: ServiceType) -> &'static str {
    match service {
        ServiceType::Kafka => "kafka.KafkaHandler",
        ServiceType::OpenSearch => "opensearch.OpenSearchHandler",
        ServiceType::Valkey => "valkey.ValkeyHandler",
    }
}

/// Two codes have older names in dashboards.
pub(super) fn reason(code: &'static str) -> &'static str {
    match code {
        "SpecChanged" => "HashChanged",
        "SecretMissing" => "MissingSecret",
        code => code,
    }
}

/// Every reason's code, so that each has a counter from the start.
pub(super) const REASONS: [&str; 44] = [
    "UpToDate",
    "StatusOutdated",
    "SpecChanged",
    "SecretMissing",
    "Drifted",
    "ResyncRequested",
    "CertificateEnding",
    "RotationDue",
    "SecretNameMissing",
    "InvalidName",
    "KeyCollision",
    "PoolNotAllowed",
    "SecretNotManaged",
    "SecretContested",
    "SecretImmutable",
    "InstanceNotFound",
    "InstanceNotReady",
    "InstanceAmbiguous",
    "ServiceNotFound",
    "AddressMissing",
    "CredentialsNotReady",
    "NotObserved",
    "AnnotationInvalid",
    "NotOurs",
    "Protected",
    "InUse",
    "TooYoung",
    "Unused",
    "Expired",
    "Terminating",
    "NameTaken",
    "RecordedElsewhere",
    "Retiring",
    "UserLimit",
    "AclFull",
    "DeletionLimit",
    "JournalFull",
    "JournalUnavailable",
    "SkipCleanup",
    "Paused",
    "ServiceFailed",
    "Settling",
    "Settled",
    "Abandoned",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_by_their_signs() {
        assert_eq!(Convention::of("team_app_5b5d1d19_Xyz"), Convention::Underscore);
        assert_eq!(Convention::of("team.app-5b5d1d19"), Convention::Dot);
        assert_eq!(Convention::of("avnadmin"), Convention::Other);
        assert_eq!(Convention::of("a_b_c_d_e"), Convention::Other);
    }

    #[test]
    fn every_reason_has_a_counter_from_the_start() {
        let code = include_str!("../../reason/code.rs");
        let codes: Vec<&str> = code.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).collect();
        assert_eq!(codes, REASONS);
    }
}
