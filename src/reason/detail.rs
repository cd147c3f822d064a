//! What reasons carry: what differs, what is waited for, what a person can do.
//!
//! Takes as given that whoever decides fills it in; the words for it are elsewhere.

use jiff::SignedDuration;

use super::Reason;
use crate::world::{Access, AppKey, Name, ServiceKey, Timestamp, UserKey};

/// What is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Keys of the secret are missing.
    KeysMissing(Vec<Name>),
    /// Keys of the secret hold something else.
    KeysWrong(Vec<Name>),
    /// Labels, annotations or the finalizer are missing or wrong.
    Metadata(Vec<Name>),
    /// Annotations stand that no longer apply.
    Superfluous(Vec<Name>),
    /// Users are listed as replaced that are gone.
    RetiredGone(Vec<Name>),
    /// Keys or annotations are left of what is no longer asked for.
    Leftovers(Vec<Name>),
    /// The recorded user does not exist.
    UserGone(UserKey),
    /// The user may do more or less than is asked for.
    Access {
        /// Which.
        user: UserKey,
        /// What it may do, if that is one of the kinds of access.
        has: Option<Access>,
        /// What it shall be able to do.
        asked: Access,
    },
    /// The secret holds other credentials than the user's, in these keys.
    Credentials(UserKey, Vec<Name>),
    /// The user's credentials may be others than the secret's, and were not read.
    Unread(UserKey),
    /// The recorded user is not the secret's own.
    NotOwn(UserKey, Box<Reason>),
    /// The recorded user was made for the application that had the secret before.
    TakenOver(UserKey, Name),
    /// The secret records no user of a service that is asked for.
    NotRecorded(ServiceKey),
    /// The secret records a user of another service.
    OtherService(UserKey),
}

/// What a person can do about records that are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// The secret is being deleted: mend them, or leave its users at Aiven.
    Release,
    /// Another application asks for the secret: mend them, or delete the secret.
    TakeOver,
    /// The list of replaced users cannot be read: mend it, or take it away.
    List,
}

/// Who takes a user name first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taker {
    /// Another application.
    Other(AppKey),
    /// The same application, for that secret of it.
    Own(Name),
}

/// Why nothing wants a user that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// The application is gone.
    Gone,
    /// Nobody asks for the secret.
    Unasked,
    /// The secret has another user, or shall have.
    Unneeded,
}

/// What follows from the end of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Aiven has a renewed one: it is written.
    OnOffer,
    /// A new user takes over.
    NewUser,
    /// Nothing: the secret is protected, and a person has to act.
    Protected,
}

/// What a replaced user waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: it is deleted.
    Over,
    /// Nothing, although its secret is protected: its certificate has ended.
    Ended(Timestamp),
    /// A moment.
    Until(Timestamp),
    /// Pods that were started with the old credentials.
    Pods {
        /// Which.
        pods: Vec<Name>,
        /// How long they may at most, if it takes longer.
        overdue: Option<SignedDuration>,
    },
    /// The end of its certificate, or of the secret: it is protected.
    Protected(Option<Timestamp>),
    /// Other users of the service that are being replaced.
    Others,
}

/// Who caused what is wrong; which condition says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The spec, the instances or Kubernetes.
    Local,
    /// What Aiven answered, or that it did not.
    Aiven,
    /// Nobody: work in flight, or something that was not looked at.
    Nobody,
}
