//! What the program itself has written down: users that it is about to make, copies of retirements, and failures.
//!
//! Takes as given that tenants cannot write it; never holds a credential.

use jiff::{SignedDuration, Timestamp};

use super::World;
use super::key::{AppKey, Name, SecretKey, ServiceKey, Subject, UserKey};

/// The most intents that may be open at once.
pub const MAX_INTENTS: usize = 1_000;

/// The `ConfigMap` `aivenator-journal` in the program's own namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Users that are about to be made, or whose making is not settled.
    pub intents: im::OrdMap<UserKey, Intent>,
    /// Copies of what secrets list as retired, in case somebody strips the list.
    pub retirements: im::OrdMap<UserKey, Retirement>,
    /// Users that were left behind on purpose, and why; for people.
    pub left_behind: im::OrdMap<UserKey, Name>,
    /// Keys of entries that cannot be read: they stop creation and are never overwritten.
    pub unreadable: Vec<Name>,
    /// Why it cannot be written, if so.
    pub unwritable: Option<Name>,
    /// Whether it belongs to another cluster (a restored backup): then this program only reads.
    pub foreign: bool,
}

impl World {
    /// How many users are announced that nothing records yet; those that are recorded are only remembered for a while.
    pub fn open_intents(&self) -> usize {
        let intents = self.journal().into_iter().flat_map(|journal| journal.intents.keys());
        intents.filter(|user| self.recorders(user).is_empty()).count()
    }

    /// Whether no further user may be announced.
    pub fn is_journal_full(&self) -> bool {
        self.journal().is_some_and(|journal| journal.intents.len() >= MAX_INTENTS) && self.open_intents() >= MAX_INTENTS
    }
}

impl Journal {
    /// Whether it knows of that user as intended or retiring.
    pub fn knows(&self, user: &UserKey) -> bool {
        self.intents.contains_key(user) || self.retirements.contains_key(user)
    }
}

/// A user that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The secret that it is for.
    pub secret: SecretKey,
    /// The name of the application that it is for, in the namespace of the secret.
    pub application: Name,
    /// The uid of that application: a namesake that is made later is another one.
    pub application_uid: Name,
    /// When it was written down.
    pub since: Timestamp,
    /// When the POST was last sent, as far as this process knows.
    pub sent: Option<Timestamp>,
    /// What is known of the POST.
    pub outcome: Outcome,
}

impl Intent {
    /// Until when Aiven may take to show what was done.
    pub fn settles_at(&self, settle: SignedDuration) -> Timestamp {
        let from = self.sent.unwrap_or(self.since);
        from.checked_add(settle).unwrap_or(Timestamp::MAX)
    }

    /// The application that it is for.
    pub fn application_key(&self) -> AppKey {
        AppKey { namespace: self.secret.namespace.clone(), name: self.application.clone() }
    }
}

/// What is known of the POST that an intent announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not sent yet.
    NotSent,
    /// It was sent, and the answer is not known.
    Unknown,
    /// Aiven has said that the user was made.
    Created,
    /// Aiven has said 409 to the first try: somebody else's user.
    Taken,
    /// The intent was found after a restart or a change of leader.
    Found,
}

/// A copy of an entry of a secret's list of retired users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// The secret that listed it.
    pub secret: SecretKey,
    /// The application that the secret was for.
    pub application: Name,
    /// When the user was replaced.
    pub since: Timestamp,
}

/// The last failure of a step of a decision; the shell records it, what follows from it the planner decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it was.
    pub class: FailureClass,
    /// The operation that failed, one word, such as `CreateUser`.
    pub operation: Name,
    /// The Aiven service that it was about, if any.
    pub service: Option<ServiceKey>,
    /// When it happened.
    pub at: Timestamp,
    /// How often in a row.
    pub count: u32,
    /// The generation of the application then.
    pub generation: i64,
    /// How long Aiven asked to wait.
    pub retry_after: Option<SignedDuration>,
}

/// The classes of failures; what is retried when is decided by [`crate::plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// Aiven says that the service is not there.
    NotFound,
    /// A credential is not there yet.
    NotReady,
    /// Aiven refused: 400, or 409 that is not about an existing user.
    Refused,
    /// 401 or 403.
    Unauthorized,
    /// 429.
    TooFast,
    /// 5xx, 408, a timeout or a broken connection: nobody knows whether it was done.
    Unknown,
    /// The service has as many users as it may have.
    UserLimit,
    /// The ACL document of the service is full.
    AclFull,
    /// The journal holds as many intents as it may.
    JournalFull,
    /// The journal cannot be written.
    JournalUnavailable,
    /// Kubernetes refused or did not answer.
    Kubernetes,
}

/// Where a failure belongs: a decision and the step of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureKey {
    /// The decision's subject.
    pub subject: Subject,
    /// The step: a secret's name; empty for the status.
    pub step: Name,
}

/// The last failures, per step.
pub type Failures = im::OrdMap<FailureKey, Failure>;
