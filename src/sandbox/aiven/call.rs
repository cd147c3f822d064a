//! What a request asks for: the operation and the names in its path.
//!
//! Decides by method and path alone; whether the names name anything, the store knows.

use std::fmt;

use axum::http::{Method, Uri};

/// What a request asks the Aiven API to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Lists the projects.
    ProjectList,
    /// Reads one project.
    ProjectGet,
    /// Reads the CA certificate of a project.
    ProjectCa,
    /// Lists the services of a project, with all their users.
    ServiceList,
    /// Reads one service, with all its users.
    ServiceGet,
    /// Makes a user.
    UserCreate,
    /// Reads one user.
    UserGet,
    /// Changes a user: its access or password, or acknowledges its renewed certificate.
    UserModify,
    /// Gives a user a new password and a new certificate.
    UserReset,
    /// Deletes a user.
    UserDelete,
    /// Reads the ACL document of an OpenSearch service.
    AclGet,
    /// Writes it whole.
    AclSet,
    /// Writes its list of users.
    AclUpdate,
    /// A path that there is, by a method that it does not have.
    NotAllowed,
    /// A path that there is not.
    Unknown,
}

impl Operation {
    /// The path of the operation, with the names of what stands in its places.
    pub fn template(self) -> &'static str {
        match self {
            Operation::ProjectList => "/v1/project",
            Operation::ProjectGet => "/v1/project/{project}",
            Operation::ProjectCa => "/v1/project/{project}/kms/ca",
            Operation::ServiceList => "/v1/project/{project}/service",
            Operation::ServiceGet => "/v1/project/{project}/service/{service}",
            Operation::UserCreate => "/v1/project/{project}/service/{service}/user",
            Operation::UserGet | Operation::UserModify | Operation::UserDelete => {
                "/v1/project/{project}/service/{service}/user/{user}"
            }
            Operation::UserReset => "/v1/project/{project}/service/{service}/user/{user}/credentials/reset",
            Operation::AclGet | Operation::AclSet | Operation::AclUpdate => {
                "/v1/project/{project}/service/{service}/opensearch/acl"
            }
            Operation::NotAllowed | Operation::Unknown => "",
        }
    }

    /// Whether it changes something when it is done.
    pub fn writes(self) -> bool {
        match self {
            Operation::UserCreate | Operation::UserModify | Operation::UserReset | Operation::UserDelete => true,
            Operation::AclSet | Operation::AclUpdate => true,
            Operation::ProjectList | Operation::ProjectGet | Operation::ProjectCa => false,
            Operation::ServiceList | Operation::ServiceGet | Operation::UserGet | Operation::AclGet => false,
            Operation::NotAllowed | Operation::Unknown => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A request, understood as far as its path goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its HTTP method.
    pub method: Method,
    /// What it asks for.
    pub operation: Operation,
    /// The project that it names, else empty.
    pub project: String,
    /// The service that it names, else empty.
    pub service: String,
    /// The user that it names, else empty; of a creation, the name that was in the body.
    pub user: String,
    /// Whether it asks for what is secret.
    pub secrets: bool,
    /// `limit`, if it was given.
    pub(super) limit: Option<String>,
}

impl Call {
    pub(super) fn of(method: &Method, uri: &Uri) -> Call {
        let path = uri.path().strip_prefix("/v1/").unwrap_or_default();
        let parts: Vec<String> = path.split('/').map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (operation, names) = understood(method, &parts);
        let [project, service, user] = names.map(str::to_owned);
        let query = |key: &str| query(uri, key);
        let secrets = query("include_secrets").is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1");
        Call { method: method.clone(), operation, project, service, user, secrets, limit: query("limit") }
    }
}

fn understood<'a>(method: &Method, parts: &[&'a str]) -> (Operation, [&'a str; 3]) {
    let by = |allowed: &[(Method, Operation)]| {
        let found = allowed.iter().find(|(allowed, _)| allowed == method);
        found.map_or(Operation::NotAllowed, |(_, operation)| *operation)
    };
    let get = |operation| by(&[(Method::GET, operation)]);
    match *parts {
        ["project"] => (get(Operation::ProjectList), ["", "", ""]),
        ["project", p] => (get(Operation::ProjectGet), [p, "", ""]),
        ["project", p, "kms", "ca"] => (get(Operation::ProjectCa), [p, "", ""]),
        ["project", p, "service"] => (get(Operation::ServiceList), [p, "", ""]),
        ["project", p, "service", s] => (get(Operation::ServiceGet), [p, s, ""]),
        ["project", p, "service", s, "user"] => (by(&[(Method::POST, Operation::UserCreate)]), [p, s, ""]),
        ["project", p, "service", s, "user", u] => {
            let (read, change) = ((Method::GET, Operation::UserGet), (Method::PUT, Operation::UserModify));
            (by(&[read, change, (Method::DELETE, Operation::UserDelete)]), [p, s, u])
        }
        ["project", p, "service", s, "user", u, "credentials", "reset"] => {
            (by(&[(Method::PUT, Operation::UserReset)]), [p, s, u])
        }
        ["project", p, "service", s, "opensearch", "acl"] => {
            let (read, set) = ((Method::GET, Operation::AclGet), (Method::POST, Operation::AclSet));
            (by(&[read, set, (Method::PUT, Operation::AclUpdate)]), [p, s, ""])
        }
        _ => (Operation::Unknown, ["", "", ""]),
    }
}

fn query(uri: &Uri, key: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(name, _)| *name == key).map(|(_, value)| decoded(value)).next_back()
}

/// Percent-decoded; what is not UTF-8 then names nothing.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = code.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = byte.and_then(|_| after.get(2..)).unwrap_or(after);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
