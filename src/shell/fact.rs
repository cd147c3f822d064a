//! What is learned: by watching, by asking, and by doing.
//!
//! Takes as given that whoever sends one knows it to be so; holds no credential.

use jiff::SignedDuration;

use super::kube::{Event, Scope};
use crate::action::Action;
use crate::documents::{Seen, Sighting};
use crate::world::{
    AclDocument, Content, FailureClass, FailureKey, Journal, Kind, Name, Observed, Outcome, Service, ServiceKey,
    Timestamp, User, UserKey,
};

/// Something that was learned.
#[derive(Debug)]
pub(crate) enum Fact {
    /// A watch has said something.
    Watched(Scope, Event),
    /// An object was read, or is the answer to a write.
    Seen(Box<Sighting>),
    /// An object was looked for and is not there.
    Gone(Seen),
    /// The objects of a kind in a namespace were listed afresh.
    Listed(Kind, Name, Vec<Sighting>),
    /// Every Secret was looked for that no watch shows.
    StrippedShown,
    /// A kind could not be listed.
    Unlisted(Kind, Name),
    /// A project has answered, with its CA.
    Project(Name, Content),
    /// A project does not answer.
    ProjectUnseen(Name, Name),
    /// A service was read; `None` if it does not exist.
    Service(ServiceKey, Option<Box<Service>>),
    /// The ACL document of a service was read.
    Acl(ServiceKey, AclDocument),
    /// A user was read.
    User(UserKey, Box<User>),
    /// A read that was begun then has not shown a user.
    UserMissing(UserKey, Timestamp),
    /// The POST of an intent is about to be sent.
    Sending(UserKey, Timestamp),
    /// What became of the POST of an intent.
    Sent(UserKey, Outcome, Timestamp),
    /// An action was done of which nothing has to be read to know what is so now.
    Did(Box<Action>, Timestamp),
    /// The journal was read; the read was begun then.
    Journal(Observed<Journal>, Timestamp),
    /// A step has failed.
    Failed(FailureKey, Failed, Timestamp),
    /// A step was done.
    Succeeded(FailureKey),
}

/// How a step has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// What kind of failure it was.
    pub(crate) class: FailureClass,
    /// The operation that failed, one word.
    pub(crate) operation: &'static str,
    /// The Aiven service that it was about, if any.
    pub(crate) service: Option<ServiceKey>,
    /// The generation of the application then.
    pub(crate) generation: i64,
    /// How long Aiven asked to wait.
    pub(crate) retry_after: Option<SignedDuration>,
}
