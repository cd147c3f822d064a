//! What has to be looked at again for a wait to end, where nobody would say so by itself.
//!
//! Takes as given that everything in Kubernetes is watched; only Aiven, and somebody else's Secret, have to be asked.

use super::Reason;
use crate::read::Read;
use crate::world::{SecretKey, Subject};

impl Reason {
    /// What may have changed meanwhile, if something that is waited for is seen only by looking.
    #[expect(clippy::too_many_lines, reason = "a list of every reason, so that none is forgotten")]
    pub fn awaits(&self, subject: &Subject) -> Option<Read> {
        match self {
            Reason::ServiceNotFound { service } | Reason::AddressMissing { service, key: _ } => {
                Some(Read::Service(service.clone()))
            }
            Reason::CredentialsNotReady { user } => Some(Read::Credentials(user.clone())),
            Reason::SecretNotManaged { secret } | Reason::ForeignTerminating { secret } => match subject {
                Subject::Application(app) => {
                    Some(Read::Secret(SecretKey { namespace: app.namespace.clone(), name: secret.clone() }))
                }
                Subject::Secret(_) | Subject::User(_) => None,
            },
            Reason::JournalUnavailable { why: _ } => Some(Read::Journal),
            Reason::UpToDate
            | Reason::StatusOutdated
            | Reason::SpecChanged { .. }
            | Reason::SecretMissing { .. }
            | Reason::Drifted { .. }
            | Reason::ResyncRequested
            | Reason::CertificateEnding { .. }
            | Reason::RotationDue { .. }
            | Reason::SecretNameMissing { .. }
            | Reason::InvalidName { .. }
            | Reason::KeyCollision { .. }
            | Reason::PoolNotAllowed { .. }
            | Reason::SecretContested { .. }
            | Reason::SecretImmutable { .. }
            | Reason::InstanceNotFound { .. }
            | Reason::InstanceNotReady { .. }
            | Reason::InstanceAmbiguous { .. }
            | Reason::NotObserved { .. }
            | Reason::AnnotationInvalid { .. }
            | Reason::NotOurs { .. }
            | Reason::Protected { .. }
            | Reason::InUse { .. }
            | Reason::TooYoung { .. }
            | Reason::Unused
            | Reason::Expired { .. }
            | Reason::ProtectionOver { .. }
            | Reason::Terminating { .. }
            | Reason::NameTaken { .. }
            | Reason::NamesTaken { .. }
            | Reason::RecordedElsewhere { .. }
            | Reason::Retiring { .. }
            | Reason::UserLimit { .. }
            | Reason::AclFull { .. }
            | Reason::DeletionLimit { .. }
            | Reason::JournalFull { .. }
            | Reason::SkipCleanup
            | Reason::Paused { .. }
            | Reason::ServiceFailed { .. }
            | Reason::Settling { .. }
            | Reason::Settled { .. }
            | Reason::Abandoned { .. } => None,
        }
    }
}
