//! What a plan would need to see: the other half of a reason that says "not observed".

use std::fmt;

use serde::{Serialize, Serializer};

use crate::world::{Kind, Name, SecretKey, ServiceKey, UserKey};

/// Something that was not observed and would let the planner decide more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// A complete list of a kind of object.
    Kind(Kind),
    /// Whether there is a Secret of that name.
    Secret(SecretKey),
    /// An Aiven project: its services.
    Project(Name),
    /// One service, with its components and the list of its users.
    Service(ServiceKey),
    /// The ACL document of an OpenSearch service.
    Acl(ServiceKey),
    /// Whether a user exists.
    User(UserKey),
    /// The credentials of a user, as digests.
    Credentials(UserKey),
    /// The journal.
    Journal,
}

impl Read {
    /// The kind of read, as it stands in the JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Read::Kind(_) => "kind",
            Read::Secret(_) => "secret",
            Read::Project(_) => "project",
            Read::Service(_) => "service",
            Read::Acl(_) => "acl",
            Read::User(_) => "user",
            Read::Credentials(_) => "credentials",
            Read::Journal => "journal",
        }
    }

    /// Of what, as it stands in the JSON.
    pub fn target(&self) -> String {
        match self {
            Read::Kind(kind) => kind.to_string(),
            Read::Secret(key) => key.to_string(),
            Read::Project(project) => project.to_string(),
            Read::Service(key) | Read::Acl(key) => key.to_string(),
            Read::User(key) | Read::Credentials(key) => key.to_string(),
            Read::Journal => crate::world::names::JOURNAL.to_owned(),
        }
    }
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Read::Kind(kind) => write!(f, "all {}", kind.plural()),
            Read::Secret(key) => write!(f, "a look at Secret {key}"),
            Read::Project(project) => write!(f, "Aiven project {project}"),
            Read::Service(key) => write!(f, "Aiven service {key}"),
            Read::Acl(key) => write!(f, "the ACL document of Aiven service {key}"),
            Read::User(key) => write!(f, "service user {key}"),
            Read::Credentials(key) => write!(f, "the credentials of service user {key}"),
            Read::Journal => f.write_str("the journal"),
        }
    }
}

impl Serialize for Read {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        View { read: self.name(), of: self.target() }.serialize(serializer)
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct View {
    /// The kind of read.
    read: &'static str,
    /// What to read.
    of: String,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Read {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Read".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        View::json_schema(generator)
    }
}
