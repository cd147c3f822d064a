//! What can go wrong with a call to Aiven, sorted by what follows from it.
//!
//! Decides the class of a failure and whether what was asked for may have been done all the same. Takes as given what
//! [`answer`](super::answer) made of the text. Never holds a text of Aiven, a body, a URL or a token: its words are its own.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;

use super::token::TokenError;
use crate::shell::metrics::{AivenResource, Verb};
use crate::world::{FailureClass, Name, ServiceKey, UserKey};

/// One kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `GET project`
    ListProjects,
    /// `GET …/kms/ca`
    GetCa,
    /// `GET …/service`
    ListServices,
    /// `GET …/service/<service>`
    GetService,
    /// `GET …/user/<user>`
    GetUser,
    /// `POST …/user`
    CreateUser,
    /// `PUT …/user/<user>`
    SetAccess,
    /// `DELETE …/user/<user>`
    DeleteUser,
    /// `GET …/opensearch/acl`
    GetAcl,
    /// `PUT …/opensearch/acl`
    PutAcl,
}

impl Operation {
    /// One word, such as `CreateUser`; conditions begin with it.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::ListProjects => "ListProjects",
            Operation::GetCa => "GetCa",
            Operation::ListServices => "ListServices",
            Operation::GetService => "GetService",
            Operation::GetUser => "GetUser",
            Operation::CreateUser => "CreateUser",
            Operation::SetAccess => "SetAccess",
            Operation::DeleteUser => "DeleteUser",
            Operation::GetAcl => "GetAcl",
            Operation::PutAcl => "PutAcl",
        }
    }

    /// How `aivenator_aiven_latency` counts it; lists are asked for by people, and not counted.
    pub const fn counted(self) -> Option<(AivenResource, Verb)> {
        match self {
            Operation::ListProjects | Operation::ListServices => None,
            Operation::GetCa => Some((AivenResource::Ca, Verb::Get)),
            Operation::GetService => Some((AivenResource::Service, Verb::Get)),
            Operation::GetUser => Some((AivenResource::ServiceUser, Verb::Get)),
            Operation::CreateUser => Some((AivenResource::ServiceUser, Verb::Create)),
            Operation::SetAccess => Some((AivenResource::ServiceUser, Verb::Update)),
            Operation::DeleteUser => Some((AivenResource::ServiceUser, Verb::Delete)),
            Operation::GetAcl => Some((AivenResource::OpenSearchAcl, Verb::Get)),
            Operation::PutAcl => Some((AivenResource::OpenSearchAcl, Verb::Update)),
        }
    }

    /// Whether it changes something.
    pub const fn is_write(self) -> bool {
        match self {
            Operation::CreateUser | Operation::SetAccess | Operation::DeleteUser | Operation::PutAcl => true,
            Operation::ListProjects
            | Operation::GetCa
            | Operation::ListServices
            | Operation::GetService
            | Operation::GetUser
            | Operation::GetAcl => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything that the token sees.
    Account,
    /// A project.
    Project(Name),
    /// A service.
    Service(ServiceKey),
    /// A service user.
    User(UserKey),
}

impl Target {
    /// The service that it is or that it is on.
    pub fn service(&self) -> Option<ServiceKey> {
        match self {
            Target::Account | Target::Project(_) => None,
            Target::Service(key) => Some(key.clone()),
            Target::User(key) => Some(key.service_key()),
        }
    }

    /// The project that it is or that it is in; empty for all of them.
    pub fn project(&self) -> &str {
        match self {
            Target::Account => "",
            Target::Project(project) => project,
            Target::Service(key) => &key.project,
            Target::User(key) => &key.project,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Account => f.write_str("of the token"),
            Target::Project(project) => write!(f, "of project {project}"),
            Target::Service(key) => write!(f, "of service {key}"),
            Target::User(key) => write!(f, "of service user {key}"),
        }
    }
}

/// What Aiven can say is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The project.
    Project,
    /// The service.
    Service,
    /// The service user.
    User,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// 404, and it is clear what is missing.
    Missing(Missing),
    /// 409 to a `CreateUser`: a user of that name exists.
    Exists,
    /// 400, another 409, or another 4xx.
    Refused,
    /// 401, or 403 that is about the token itself.
    TokenRefused,
    /// 403: the token lacks a right.
    Forbidden,
    /// 429, or an earlier one that still holds: then nothing was sent.
    TooFast,
    /// The service has as many users as it may have.
    UserLimit,
    /// The ACL document would have or has too many entries.
    AclFull,
    /// 5xx, 408, and 417, with which Aiven says that others still depend on it.
    Unavailable,
    /// No whole answer in time.
    Timeout,
    /// No connection, so nothing was sent.
    Unreachable,
    /// The connection broke after something was sent.
    Broken,
    /// An answer that is not one of Aiven's, or says nothing that can be relied on.
    NotUnderstood,
    /// An answer that is larger than any that makes sense.
    TooLarge,
    /// There is no token to send.
    Token(TokenError),
    /// A name that cannot be part of a path; nothing was sent.
    BadName,
}

impl Problem {
    fn class(&self) -> FailureClass {
        match self {
            Problem::Missing(Missing::Project | Missing::Service) => FailureClass::NotFound,
            // What follows is decided after observing again; it says nothing of the service.
            Problem::Missing(Missing::User) => FailureClass::Unknown,
            Problem::Exists | Problem::Refused | Problem::BadName => FailureClass::Refused,
            Problem::TokenRefused | Problem::Forbidden | Problem::Token(_) => FailureClass::Unauthorized,
            Problem::TooFast => FailureClass::TooFast,
            Problem::UserLimit => FailureClass::UserLimit,
            Problem::AclFull => FailureClass::AclFull,
            Problem::Unavailable
            | Problem::Timeout
            | Problem::Unreachable
            | Problem::Broken
            | Problem::NotUnderstood
            | Problem::TooLarge => FailureClass::Unknown,
        }
    }

    /// Whether what was asked for may have been done all the same.
    fn leaves_open(&self) -> bool {
        match self {
            Problem::Unavailable | Problem::Timeout | Problem::Broken | Problem::NotUnderstood | Problem::TooLarge => {
                true
            }
            Problem::Missing(_)
            | Problem::Exists
            | Problem::Refused
            | Problem::TokenRefused
            | Problem::Forbidden
            | Problem::TooFast
            | Problem::UserLimit
            | Problem::AclFull
            | Problem::Unreachable
            | Problem::Token(_)
            | Problem::BadName => false,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Problem::Missing(Missing::Project) => "the project does not exist",
            Problem::Missing(Missing::Service) => "the service does not exist",
            Problem::Missing(Missing::User) => "the service user does not exist",
            Problem::Exists => "a service user of that name exists",
            Problem::Refused => "aiven refused it",
            Problem::TokenRefused => "aiven refused the token",
            Problem::Forbidden => "the token lacks a right",
            Problem::TooFast => "too many requests with this token",
            Problem::UserLimit => "the service has as many users as it may have",
            Problem::AclFull => "the ACL document has too many entries",
            Problem::Unavailable => "aiven could not do it now",
            Problem::Timeout => "no answer in time",
            Problem::Unreachable => "no connection",
            Problem::Broken => "the connection broke",
            Problem::NotUnderstood => "the answer was not understood",
            Problem::TooLarge => "the answer was too large",
            Problem::Token(error) => return write!(f, "{error}"),
            Problem::BadName => "a name is empty or consists of dots",
        })
    }
}

/// What is known of a failure besides the problem.
#[derive(Clone, Debug, Default)]
pub(super) struct Circumstances {
    /// The status; 0 without an answer.
    pub(super) status: u16,
    /// The `error_code`, if it is one that we know.
    pub(super) code: Option<&'static str>,
    /// How long Aiven asks to wait.
    pub(super) retry_after: Option<SignedDuration>,
    /// What the transport said.
    pub(super) source: Option<Arc<reqwest::Error>>,
}

/// A call that failed; shows nothing that Aiven wrote.
#[derive(Clone)]
pub struct Error(Box<Parts>);

#[derive(Clone)]
struct Parts {
    operation: Operation,
    target: Target,
    problem: Problem,
    around: Circumstances,
}

impl Error {
    pub(super) fn new((operation, target): (Operation, &Target), problem: Problem, around: Circumstances) -> Self {
        Error(Box::new(Parts { operation, target: target.clone(), problem, around }))
    }

    /// What was called.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// What it was about.
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// The service that it was about, if any.
    pub fn service(&self) -> Option<ServiceKey> {
        self.0.target.service()
    }

    /// What went wrong.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// What the planner goes by.
    pub fn class(&self) -> FailureClass {
        self.0.problem.class()
    }

    /// The status of the answer; 0 without one.
    pub fn status(&self) -> u16 {
        self.0.around.status
    }

    /// The `error_code` of the answer, if it is one of those that this program knows.
    pub fn code(&self) -> Option<&'static str> {
        self.0.around.code
    }

    /// How long Aiven asks to wait; at most ten minutes.
    pub fn retry_after(&self) -> Option<SignedDuration> {
        self.0.around.retry_after
    }

    /// Whether a write may have been done all the same; never of a read, nor of a request that was not sent.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.operation.is_write() && self.0.problem.leaves_open()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { operation, target, problem, around } = &*self.0;
        write!(f, "{operation} {target}: {problem}")?;
        match (around.status, around.code) {
            (0, _) => Ok(()),
            (status, None) => write!(f, " ({status})"),
            (status, Some(code)) => write!(f, " ({status}, {code})"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.around.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
