//! Why something is done, or not done: one enum for people and for machines.
//!
//! Takes as given the data that it carries; decides nothing. Codes are stable: they are also event reasons, condition
//! reasons, metric labels and log fields.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::read::Read;
use crate::want::ServiceType;
use crate::world::{BrokenRecord, ConsumerRef, FailureClass, Name, SecretKey, ServiceKey, Timestamp, UserKey, rfc3339};

pub mod advice;
mod awaits;
mod blame;
mod code;
mod detail;
mod text;

pub use self::detail::{Blame, Drift, Hold, Mend, Renewal, Taker, Unwanted};

/// Why a decision is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing has to be done.
    UpToDate,
    /// Only the status does not say what is so.
    StatusOutdated,
    /// What the application asks for is not what was last rolled out.
    SpecChanged {
        /// Whether nothing ever was.
        first: bool,
        /// What differs at Aiven or in a secret, if anything does.
        what: Vec<Drift>,
    },
    /// The secret does not exist.
    SecretMissing {
        /// Which.
        secret: Name,
    },
    /// Something is not as it has to be.
    Drifted {
        /// What; never empty.
        what: Vec<Drift>,
    },
    /// A person has asked for everything to be written again.
    ResyncRequested,
    /// A certificate ends.
    CertificateEnding {
        /// Whose.
        user: UserKey,
        /// When.
        ends: Timestamp,
        /// What follows.
        then: Renewal,
    },
    /// The user is as old as a user may be.
    RotationDue {
        /// Which.
        user: UserKey,
        /// Since when it exists.
        since: Timestamp,
    },
    /// A service is asked for without saying into which secret.
    SecretNameMissing {
        /// The kind of service.
        service: ServiceType,
        /// The pool or instance.
        instance: Name,
    },
    /// A name in the spec cannot be used.
    InvalidName {
        /// The name of what.
        what: Name,
        /// As it stands.
        name: Name,
        /// What it would have to be.
        rule: &'static str,
    },
    /// Two services would write one key of one secret.
    KeyCollision {
        /// Which secret.
        secret: Name,
        /// One of the keys.
        key: Name,
        /// The one service.
        first: Name,
        /// The other.
        second: Name,
    },
    /// The pool or project is not one of this cluster's.
    PoolNotAllowed {
        /// The Aiven project.
        pool: Name,
        /// The kind of service that it would be for.
        service: ServiceType,
        /// Whether the end of a secret waits for it.
        held: bool,
    },
    /// A Secret of that name is somebody else's.
    SecretNotManaged {
        /// Which.
        secret: Name,
    },
    /// Another application has the secret.
    SecretContested {
        /// Which.
        secret: Name,
        /// Who has it.
        by: Name,
    },
    /// The secret would have to change and cannot.
    SecretImmutable {
        /// Which.
        secret: Name,
    },
    /// The namespace has no such instance.
    InstanceNotFound {
        /// The kind of service.
        service: ServiceType,
        /// The names that were looked for.
        names: Vec<Name>,
    },
    /// The instance or service is in a state in which it cannot be changed.
    InstanceNotReady {
        /// Which.
        name: Name,
        /// Its state.
        state: Name,
    },
    /// Several namespaces hold an instance of that name.
    InstanceAmbiguous {
        /// Which.
        name: Name,
        /// Which namespaces.
        namespaces: Vec<Name>,
    },
    /// Aiven has no such service.
    ServiceNotFound {
        /// Which.
        service: ServiceKey,
    },
    /// The service has no address to publish.
    AddressMissing {
        /// Which service.
        service: ServiceKey,
        /// For which key.
        key: Name,
    },
    /// Aiven has not given the user's credentials yet.
    CredentialsNotReady {
        /// Whose.
        user: UserKey,
    },
    /// Something was not observed that this depends on.
    NotObserved {
        /// What.
        what: Read,
        /// Why not.
        why: Name,
    },
    /// The records on a secret are broken, such that a user could be lost.
    AnnotationInvalid {
        /// Which secret.
        secret: Name,
        /// What is wrong; never empty.
        faults: Vec<BrokenRecord>,
        /// What a person can do about it.
        mend: Mend,
    },
    /// A record names something that was not made for this secret.
    NotOurs {
        /// What, and why.
        what: Name,
    },
    /// The secret is protected.
    Protected {
        /// Until when, if it ends.
        until: Option<Timestamp>,
        /// Whether it has a time limit that cannot be read.
        unreadable: bool,
    },
    /// Something asks for the secret or uses it.
    InUse {
        /// What; never empty.
        by: Arc<[ConsumerRef]>,
    },
    /// Nothing uses the secret, but not for long enough.
    TooYoung {
        /// Until when it stays.
        until: Timestamp,
    },
    /// Nothing asks for the secret and nothing uses it.
    Unused,
    /// Its time is over.
    Expired {
        /// Since when.
        at: Timestamp,
    },
    /// Nothing asks for the secret and nothing uses it, and the time for which it was protected is over.
    ProtectionOver {
        /// Since when.
        at: Timestamp,
    },
    /// It is being deleted.
    Terminating {
        /// What.
        what: Name,
    },
    /// A Secret of that name is somebody else's, and is being deleted.
    ForeignTerminating {
        /// Which.
        secret: Name,
    },
    /// Another subject takes the user name first.
    NameTaken {
        /// The name, and where.
        user: UserKey,
        /// Who takes it.
        by: Taker,
    },
    /// No name is free for a new user, of as many as are tried.
    NamesTaken {
        /// On which service.
        service: ServiceKey,
        /// How many were tried.
        tried: usize,
        /// The secrets that record them, if any do.
        by: Vec<SecretKey>,
    },
    /// Another secret records the user.
    RecordedElsewhere {
        /// Which user.
        user: UserKey,
        /// Which secrets.
        by: Vec<SecretKey>,
        /// Whether they have to let go of it first.
        first: bool,
    },
    /// A replaced user waits to be deleted, or is.
    Retiring {
        /// Which.
        user: UserKey,
        /// What it waits for.
        hold: Hold,
    },
    /// The service has as many users as it may have.
    UserLimit {
        /// Which.
        service: ServiceKey,
    },
    /// The ACL document of the service has no room.
    AclFull {
        /// Which.
        service: ServiceKey,
    },
    /// One plan would delete too many secrets.
    DeletionLimit {
        /// How many.
        wanted: usize,
        /// How many it may.
        allowed: usize,
    },
    /// The journal holds as many intents as it may.
    JournalFull {
        /// How many.
        open: usize,
    },
    /// The journal cannot be used.
    JournalUnavailable {
        /// Why.
        why: Name,
    },
    /// A person has said to let the secret go and leave its users.
    SkipCleanup,
    /// A person has paused it.
    Paused {
        /// What.
        what: Name,
    },
    /// An action failed; it is tried again later.
    ServiceFailed {
        /// The operation, one word.
        operation: Name,
        /// What kind of failure.
        class: FailureClass,
        /// How often in a row.
        count: u32,
        /// When it is tried again; `None`: when the spec changes.
        retry_at: Option<Timestamp>,
    },
    /// What was just done has to settle, or somebody else is about to finish it.
    Settling {
        /// What.
        what: Name,
        /// Until when, if time alone settles it.
        until: Option<Timestamp>,
    },
    /// An entry of the journal has served its purpose.
    Settled {
        /// Why.
        what: Name,
    },
    /// A user was made, or was about to be, for something that no longer wants it.
    Abandoned {
        /// What it was for.
        secret: SecretKey,
        /// The application that it was for.
        application: Name,
        /// Why nothing wants it.
        why: Unwanted,
    },
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        View { code: self.code(), message: self.to_string() }.serialize(serializer)
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct View {
    /// The stable code, `PascalCase`.
    code: &'static str,
    /// For people.
    message: String,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Reason {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        View::json_schema(generator)
    }
}

/// Shows a moment as people read it, without offset arithmetic: RFC 3339, UTC.
#[derive(Clone, Copy)]
struct At(Timestamp);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.0))
    }
}
