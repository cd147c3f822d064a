//! Who is to blame for a reason, and which operation could not be done: what a condition says of it.
//!
//! Takes as given the data that a reason carries; the words for it are elsewhere.

use super::{Blame, Reason};
use crate::world::FailureClass;

impl Reason {
    /// Who caused it.
    #[expect(clippy::too_many_lines, reason = "one line per reason")]
    pub const fn blame(&self) -> Blame {
        match self {
            Reason::SecretNameMissing { .. }
            | Reason::InvalidName { .. }
            | Reason::KeyCollision { .. }
            | Reason::PoolNotAllowed { .. }
            | Reason::SecretNotManaged { .. }
            | Reason::SecretContested { .. }
            | Reason::SecretImmutable { .. }
            | Reason::InstanceNotFound { .. }
            | Reason::InstanceNotReady { .. }
            | Reason::InstanceAmbiguous { .. }
            | Reason::NamesTaken { .. }
            | Reason::JournalFull { .. }
            | Reason::JournalUnavailable { .. }
            | Reason::AnnotationInvalid { .. } => Blame::Local,
            Reason::ServiceNotFound { .. }
            | Reason::AddressMissing { .. }
            | Reason::CredentialsNotReady { .. }
            | Reason::UserLimit { .. }
            | Reason::AclFull { .. } => Blame::Aiven,
            Reason::ServiceFailed { class, .. } => match class {
                FailureClass::Kubernetes | FailureClass::JournalFull | FailureClass::JournalUnavailable => Blame::Local,
                FailureClass::NotFound
                | FailureClass::NotReady
                | FailureClass::Refused
                | FailureClass::Unauthorized
                | FailureClass::TooFast
                | FailureClass::Unknown
                | FailureClass::UserLimit
                | FailureClass::AclFull => Blame::Aiven,
            },
            Reason::UpToDate
            | Reason::StatusOutdated
            | Reason::SpecChanged { .. }
            | Reason::SecretMissing { .. }
            | Reason::Drifted { .. }
            | Reason::ResyncRequested
            | Reason::CertificateEnding { .. }
            | Reason::RotationDue { .. }
            | Reason::NotObserved { .. }
            | Reason::NotOurs { .. }
            | Reason::Protected { .. }
            | Reason::InUse { .. }
            | Reason::TooYoung { .. }
            | Reason::Unused
            | Reason::Expired { .. }
            | Reason::ProtectionOver { .. }
            | Reason::Terminating { .. }
            | Reason::ForeignTerminating { .. }
            | Reason::NameTaken { .. }
            | Reason::RecordedElsewhere { .. }
            | Reason::Retiring { .. }
            | Reason::DeletionLimit { .. }
            | Reason::SkipCleanup
            | Reason::Paused { .. }
            | Reason::Settling { .. }
            | Reason::Settled { .. }
            | Reason::Abandoned { .. } => Blame::Nobody,
        }
    }

    /// The operation that could not be done, one word: the first of a condition's message.
    pub fn operation(&self) -> &str {
        match self {
            Reason::ServiceFailed { operation, .. } => operation,
            Reason::InstanceNotFound { .. } | Reason::InstanceNotReady { .. } | Reason::InstanceAmbiguous { .. } => {
                "GetInstance"
            }
            Reason::ServiceNotFound { .. } | Reason::AddressMissing { .. } => "GetService",
            Reason::CredentialsNotReady { .. } => "GetUser",
            Reason::UserLimit { .. } | Reason::NamesTaken { .. } => "CreateUser",
            Reason::AclFull { .. } => "GrantAcl",
            Reason::JournalFull { .. } | Reason::JournalUnavailable { .. } => "RecordIntent",
            Reason::SecretNotManaged { .. } | Reason::SecretContested { .. } | Reason::SecretImmutable { .. } => {
                "WriteSecret"
            }
            _ => "Validate",
        }
    }
}
