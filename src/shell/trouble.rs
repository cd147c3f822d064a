//! Why an action was not done, and what the planner is told of it.
//!
//! Decides the class of each failure. Never carries a text that Aiven or Kubernetes wrote.

use thiserror::Error;

use super::fact::Failed;
use super::kube::KubeError;
use super::{acl, aiven, journal};
use crate::world::{FailureClass, ServiceKey};

/// Why an action was not done.
#[derive(Clone, Debug, Error)]
pub(crate) enum Trouble {
    /// What was there is not what was decided on; nothing was done, and what is there is known by now.
    #[error("{operation}: what is there has changed")]
    Stale {
        /// The operation, one word.
        operation: &'static str,
    },
    /// A user of that name exists; nothing was done, and the next name is tried.
    #[error("CreateUser: a user of that name exists already")]
    Taken,
    /// Aiven has failed.
    #[error("{0}")]
    Aiven(aiven::Error),
    /// A credential is not there yet.
    #[error("Credentials: {why}")]
    NotReady {
        /// Whose service.
        service: ServiceKey,
        /// Which.
        why: aiven::NotReady,
    },
    /// The ACL document has no room.
    #[error("GrantAcl: the ACL document of {0} has no room")]
    AclFull(ServiceKey),
    /// Somebody else writes the ACL document at the same time.
    #[error("GrantAcl: the ACL document of {0} is written by somebody else at the same time")]
    AclContested(ServiceKey),
    /// The journal was not written.
    #[error("Journal: {0}")]
    Journal(journal::Unwritten),
    /// Kubernetes has failed.
    #[error("{operation}: {error}")]
    Kubernetes {
        /// The operation, one word.
        operation: &'static str,
        /// What it said.
        error: KubeError,
    },
    /// The stores cannot be made of what Aiven gave.
    #[error("Keystore: {0}")]
    Stores(String),
}

impl Trouble {
    /// A failure of Kubernetes in an operation.
    pub(crate) fn kubernetes(operation: &'static str) -> impl Fn(KubeError) -> Trouble {
        move |error| match error {
            KubeError::Stale | KubeError::Exists | KubeError::NotFound => Trouble::Stale { operation },
            KubeError::Forbidden { .. } | KubeError::Refused { .. } | KubeError::NoAnswer => {
                Trouble::Kubernetes { operation, error }
            }
        }
    }

    /// A failure to change an ACL document.
    pub(crate) fn acl(service: &ServiceKey) -> impl Fn(acl::Unwritten) -> Trouble {
        move |unwritten| match unwritten {
            acl::Unwritten::Full => Trouble::AclFull(service.clone()),
            acl::Unwritten::Contested => Trouble::AclContested(service.clone()),
            acl::Unwritten::Aiven(error) => Trouble::Aiven(error),
        }
    }

    /// Whether everything may be well, once it is planned again.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self, Trouble::Stale { .. } | Trouble::Taken)
    }

    /// Whether it fails again for the same reason, if it does so often.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Trouble::Stale { .. })
    }

    /// What the planner is told.
    pub(crate) fn failed(&self, generation: i64) -> Failed {
        let plain = |class, operation, service| Failed { class, operation, service, generation, retry_after: None };
        match self {
            // A user that Aiven has made, and does not show yet.
            Trouble::Stale { operation: operation @ "GetUser" } => plain(FailureClass::NotReady, operation, None),
            Trouble::Stale { operation } => plain(FailureClass::Kubernetes, operation, None),
            Trouble::Taken => plain(FailureClass::Unknown, "CreateUser", None),
            Trouble::Aiven(error) => Failed {
                class: error.class(),
                operation: error.operation().name(),
                service: error.service(),
                generation,
                retry_after: error.retry_after(),
            },
            Trouble::NotReady { service, why: _ } => {
                plain(FailureClass::NotReady, "Credentials", Some(service.clone()))
            }
            Trouble::AclFull(service) => plain(FailureClass::AclFull, "GrantAcl", Some(service.clone())),
            Trouble::AclContested(service) => plain(FailureClass::Unknown, "GrantAcl", Some(service.clone())),
            Trouble::Journal(
                journal::Unwritten::Taken
                | journal::Unwritten::Found
                | journal::Unwritten::Gone
                | journal::Unwritten::Sent,
            ) => plain(FailureClass::Unknown, "CreateUser", None),
            Trouble::Journal(journal::Unwritten::Full) => plain(FailureClass::JournalFull, "Journal", None),
            Trouble::Journal(journal::Unwritten::Unavailable) => {
                plain(FailureClass::JournalUnavailable, "Journal", None)
            }
            Trouble::Kubernetes { operation, error: _ } => plain(FailureClass::Kubernetes, operation, None),
            Trouble::Stores(_) => plain(FailureClass::Refused, "Keystore", None),
        }
    }
}
