//! What is to be written, named by where it comes from: no value that is secret is ever in here.
//!
//! Takes as given that whoever executes an action can read the named source at that moment.

use serde::Serialize;

use crate::world::{Name, UserKey};

/// The source of one value of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Value {
    /// This very text: an address, a user name, a constant.
    Text {
        /// The text; not secret.
        text: Name,
    },
    /// A credential of a user, byte for byte as Aiven gives it.
    User {
        /// Which credential.
        field: Credential,
        /// Whose.
        #[serde(flatten)]
        user: UserKey,
    },
    /// The CA certificate of a project.
    Ca {
        /// The Aiven project.
        project: Name,
    },
    /// A PKCS#12 store with the user's key and certificate.
    Keystore {
        /// Whose.
        #[serde(flatten)]
        user: UserKey,
    },
    /// A PKCS#12 store with the CA certificates of a project.
    Truststore {
        /// The Aiven project.
        project: Name,
    },
    /// The moment of writing, RFC 3339.
    Clock,
    /// The SHA-256 of both stores as this write makes them.
    StoreDigests,
}

impl Value {
    /// A text that is not secret.
    pub fn text(text: impl Into<Name>) -> Self {
        Value::Text { text: text.into() }
    }
}

/// A credential of a service user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// `password`
    Password,
    /// `access_cert`
    Certificate,
    /// `access_key`
    PrivateKey,
}
