//! The safety rules by name, each in one sentence.

/// A safety rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A user is made, granted, changed or deleted only if its name is one of ours for that namespace and application.
    NotOwnName,
    /// A user is touched only on a service that its namespace may use, in a project that the settings name.
    ServiceNotUsable,
    /// A user that is built in (type `primary`) is never touched.
    BuiltIn,
    /// A user is deleted only if the subject's secret, or the journal for that secret, speaks of it.
    NotRecorded,
    /// A user is not deleted, granted or changed while another managed secret records it.
    RecordedElsewhere,
    /// A user is not deleted while the subject's own secret, which stays, records it as in use.
    UserInUse,
    /// A replaced user stays for its time, while pods may hold it, and while its secret is protected.
    RetiredTooEarly,
    /// A user of an intent is deleted only if a POST of that intent may have made it.
    PerhapsNotMade,
    /// Nothing is deleted or made that rests on what was not observed.
    NotObserved,
    /// A user is made only after its intent was written down.
    NoIntent,
    /// An intent is written down only in a journal that can be written, is whole, is ours and has room.
    JournalUnusable,
    /// A name is given only if no secret, intent or retirement speaks of it, and nobody has it.
    NameInUse,
    /// A user name has at most 64 characters.
    NameTooLong,
    /// A new user or right is not given where two namespaces may own the service.
    Ambiguous,
    /// What a value or a record names exists, or is made earlier in the step.
    Unresolved,
    /// Rules are revoked only together with the user, which is deleted in the same step.
    RevokedAlone,
    /// ACLs are turned on only together with the first rule that is granted.
    EnabledAlone,
    /// A Secret that is not managed, or that another application still has, is never written.
    NotOurSecret,
    /// A Secret is made only if none of that name exists.
    Exists,
    /// A Secret is changed only in the version that it was decided on, and never while it is being deleted.
    StaleObject,
    /// The data of an immutable Secret are never written.
    Immutable,
    /// Keys, labels, annotations and finalizers that are not ours stay as they are.
    NotOurKey,
    /// A write does not drop the record of an own user that still exists, unless it lists it as retired.
    UserLost,
    /// A Secret is deleted only if nothing asks for it and nothing uses it.
    SecretInUse,
    /// A protected Secret is not deleted.
    Protected,
    /// An unused Secret stays for the grace period.
    TooYoung,
    /// A finalizer is released only while the Secret is being deleted and has it.
    NotTerminating,
    /// A finalizer is not released while a user that may be ours exists, unless a person says so.
    UserRemains,
    /// A finalizer is not released while the records are broken, unless a person says so.
    RecordsBroken,
    /// One plan deletes at most so many secrets.
    DeletionLimit,
    /// Two decisions of one plan never make the same user or write the same Secret.
    DoneTwice,
    /// What a person has paused is not changed.
    Paused,
    /// An application that is being deleted or has expired gets nothing.
    ApplicationEnding,
    /// An application is deleted only once it has expired.
    NotExpired,
    /// A status is written to the application that it was decided on, and success with the hash of its spec.
    StatusWrong,
    /// An entry of the journal is removed only once a secret records the user, or the user is gone, not ours, or noted as
    /// left behind.
    ClearedTooEarly,
    /// A user is retired only together with a write that lists it on its secret.
    RetiredAlone,
}

impl Rule {
    /// The stable name of the rule, for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Rule::NotOwnName => "NotOwnName",
            Rule::ServiceNotUsable => "ServiceNotUsable",
            Rule::BuiltIn => "BuiltIn",
            Rule::NotRecorded => "NotRecorded",
            Rule::RecordedElsewhere => "RecordedElsewhere",
            Rule::UserInUse => "UserInUse",
            Rule::RetiredTooEarly => "RetiredTooEarly",
            Rule::PerhapsNotMade => "PerhapsNotMade",
            Rule::NotObserved => "NotObserved",
            Rule::NoIntent => "NoIntent",
            Rule::JournalUnusable => "JournalUnusable",
            Rule::NameInUse => "NameInUse",
            Rule::NameTooLong => "NameTooLong",
            Rule::Ambiguous => "Ambiguous",
            Rule::Unresolved => "Unresolved",
            Rule::RevokedAlone => "RevokedAlone",
            Rule::EnabledAlone => "EnabledAlone",
            Rule::NotOurSecret => "NotOurSecret",
            Rule::Exists => "Exists",
            Rule::StaleObject => "StaleObject",
            Rule::Immutable => "Immutable",
            Rule::NotOurKey => "NotOurKey",
            Rule::UserLost => "UserLost",
            Rule::SecretInUse => "SecretInUse",
            Rule::Protected => "Protected",
            Rule::TooYoung => "TooYoung",
            Rule::NotTerminating => "NotTerminating",
            Rule::UserRemains => "UserRemains",
            Rule::RecordsBroken => "RecordsBroken",
            Rule::DeletionLimit => "DeletionLimit",
            Rule::DoneTwice => "DoneTwice",
            Rule::Paused => "Paused",
            Rule::ApplicationEnding => "ApplicationEnding",
            Rule::NotExpired => "NotExpired",
            Rule::StatusWrong => "StatusWrong",
            Rule::ClearedTooEarly => "ClearedTooEarly",
            Rule::RetiredAlone => "RetiredAlone",
        }
    }
}
