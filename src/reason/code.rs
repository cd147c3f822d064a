//! Reasons as machines read them: stable codes, and whether waiting helps.

use super::{Hold, Reason, Renewal};

impl Reason {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Reason::UpToDate => "UpToDate",
            Reason::StatusOutdated => "StatusOutdated",
            Reason::SpecChanged { .. } => "SpecChanged",
            Reason::SecretMissing { .. } => "SecretMissing",
            Reason::Drifted { .. } => "Drifted",
            Reason::ResyncRequested => "ResyncRequested",
            Reason::CertificateEnding { .. } => "CertificateEnding",
            Reason::RotationDue { .. } => "RotationDue",
            Reason::SecretNameMissing { .. } => "SecretNameMissing",
            Reason::InvalidName { .. } => "InvalidName",
            Reason::KeyCollision { .. } => "KeyCollision",
            Reason::PoolNotAllowed { .. } => "PoolNotAllowed",
            Reason::SecretNotManaged { .. } => "SecretNotManaged",
            Reason::SecretContested { .. } => "SecretContested",
            Reason::SecretImmutable { .. } => "SecretImmutable",
            Reason::InstanceNotFound { .. } => "InstanceNotFound",
            Reason::InstanceNotReady { .. } => "InstanceNotReady",
            Reason::InstanceAmbiguous { .. } => "InstanceAmbiguous",
            Reason::ServiceNotFound { .. } => "ServiceNotFound",
            Reason::AddressMissing { .. } => "AddressMissing",
            Reason::CredentialsNotReady { .. } => "CredentialsNotReady",
            Reason::NotObserved { .. } => "NotObserved",
            Reason::AnnotationInvalid { .. } => "AnnotationInvalid",
            Reason::NotOurs { .. } => "NotOurs",
            Reason::Protected { .. } => "Protected",
            Reason::InUse { .. } => "InUse",
            Reason::TooYoung { .. } => "TooYoung",
            Reason::Unused => "Unused",
            Reason::Expired { .. } | Reason::ProtectionOver { .. } => "Expired",
            Reason::Terminating { .. } | Reason::ForeignTerminating { .. } => "Terminating",
            Reason::NameTaken { .. } | Reason::NamesTaken { .. } => "NameTaken",
            Reason::RecordedElsewhere { .. } => "RecordedElsewhere",
            Reason::Retiring { .. } => "Retiring",
            Reason::UserLimit { .. } => "UserLimit",
            Reason::AclFull { .. } => "AclFull",
            Reason::DeletionLimit { .. } => "DeletionLimit",
            Reason::JournalFull { .. } => "JournalFull",
            Reason::JournalUnavailable { .. } => "JournalUnavailable",
            Reason::SkipCleanup => "SkipCleanup",
            Reason::Paused { .. } => "Paused",
            Reason::ServiceFailed { .. } => "ServiceFailed",
            Reason::Settling { .. } => "Settling",
            Reason::Settled { .. } => "Settled",
            Reason::Abandoned { .. } => "Abandoned",
        }
    }

    /// Whether waiting for it is of no use: only another spec or other settings help.
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Reason::SecretNameMissing { .. }
                | Reason::InvalidName { .. }
                | Reason::KeyCollision { .. }
                | Reason::PoolNotAllowed { .. }
                | Reason::SecretNotManaged { .. }
                | Reason::SecretContested { .. }
                | Reason::SecretImmutable { .. }
                | Reason::InstanceAmbiguous { .. }
        )
    }

    /// Whether somebody has to know of it although nothing is done.
    pub const fn is_warning(&self) -> bool {
        matches!(
            self,
            Reason::AnnotationInvalid { .. }
                | Reason::DeletionLimit { .. }
                | Reason::JournalUnavailable { .. }
                | Reason::CertificateEnding { then: Renewal::Protected, .. }
                | Reason::Retiring { hold: Hold::Pods { overdue: Some(_), .. }, .. }
        )
    }
}
