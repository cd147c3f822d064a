//! The names of things: parsed once at the edge, cheap to clone, ordered.
//!
//! Takes as given that texts come from Kubernetes or Aiven; never holds anything secret.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use fnv::FnvBuildHasher;
use serde::Serialize;

/// A shared, immutable text that names something; a clone is a reference count.
///
/// Names of one object are mostly one text: comparing looks at the place first, and at the text only if that differs.
#[derive(Clone, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
#[expect(
    clippy::derived_hash_with_manual_eq,
    reason = "the same texts are equal and have the same hash, wherever they are"
)]
pub struct Name(Arc<str>);

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Name {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Name {
    fn default() -> Self {
        Name(Arc::from(""))
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Name(Arc::from(text))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Name(Arc::from(text))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Every text that an observer has read so far, each once: the objects of a world share most of their texts, and those that
/// are one copy are found equal without being looked at.
#[derive(Debug, Default)]
pub struct Names(RefCell<HashSet<Name, FnvBuildHasher>>);

impl Names {
    /// The one copy of a text.
    pub fn of(&self, text: &str) -> Name {
        let mut known = self.0.borrow_mut();
        if let Some(name) = known.get(text) {
            return name.clone();
        }
        let name = Name::from(text);
        known.insert(name.clone());
        name
    }

    /// How many texts there are.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

/// Names an `AivenApplication`; its namespace is the team.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AppKey {
    /// The namespace.
    pub namespace: Name,
    /// The name of the object.
    pub name: Name,
}

/// Names a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SecretKey {
    /// The namespace.
    pub namespace: Name,
    /// The name of the object.
    pub name: Name,
}

/// Names one Aiven service: a Kafka cluster, an OpenSearch or a Valkey instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceKey {
    /// The Aiven project; for Kafka also called the pool.
    pub project: Name,
    /// The name of the service in the project.
    pub service: Name,
}

/// Names one account on one service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UserKey {
    /// The Aiven project.
    pub project: Name,
    /// The name of the service in the project.
    pub service: Name,
    /// The name of the service user.
    pub username: Name,
}

impl AppKey {
    /// Joins a namespace and a name.
    pub fn new(namespace: impl Into<Name>, name: impl Into<Name>) -> Self {
        AppKey { namespace: namespace.into(), name: name.into() }
    }
}

impl SecretKey {
    /// Joins a namespace and a name.
    pub fn new(namespace: impl Into<Name>, name: impl Into<Name>) -> Self {
        SecretKey { namespace: namespace.into(), name: name.into() }
    }
}

impl ServiceKey {
    /// Joins a project and a service.
    pub fn new(project: impl Into<Name>, service: impl Into<Name>) -> Self {
        ServiceKey { project: project.into(), service: service.into() }
    }

    /// The account of that name on this service.
    pub fn user(&self, username: Name) -> UserKey {
        UserKey { project: self.project.clone(), service: self.service.clone(), username }
    }
}

impl UserKey {
    /// The service that the account is on.
    pub fn service_key(&self) -> ServiceKey {
        ServiceKey { project: self.project.clone(), service: self.service.clone() }
    }
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.service)
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.service, self.username)
    }
}

/// What a decision is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An application, and the secrets that it asks for.
    Application(AppKey),
    /// A managed secret: whether it stays, and the users that it leaves behind.
    Secret(SecretKey),
    /// A service user that the journal speaks of.
    User(UserKey),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Application(key) => write!(f, "AivenApplication {key}"),
            Subject::Secret(key) => write!(f, "Secret {key}"),
            Subject::User(key) => write!(f, "ServiceUser {key}"),
        }
    }
}
