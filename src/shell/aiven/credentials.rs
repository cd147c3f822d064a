//! The credentials of one service user, from the answer that brought them to the Secret that they go into.
//!
//! Decides what counts as ready. Takes as given that Aiven writes `<redacted>` for what it hides. Never shows, clones or
//! serializes one; memory is wiped when it is dropped, apart from what the parser and the connection have copied.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use super::lenient::Shape;
use crate::value::Credential;
use crate::world::{Content, Digester, User};

/// A service user as one answer shows it, and its credentials.
#[derive(Debug)]
pub struct Account {
    /// What enters the world.
    pub user: User,
    /// What does not.
    pub credentials: Credentials,
}

/// The credentials of a service user.
#[derive(Default)]
pub struct Credentials {
    pub(super) password: Sealed,
    pub(super) certificate: Sealed,
    pub(super) private_key: Sealed,
}

impl Credentials {
    /// The bytes exactly as Aiven gave them, or that it has not done so yet.
    pub fn expose(&self, credential: Credential) -> Result<&[u8], NotReady> {
        self.sealed(credential).text().map(str::as_bytes).ok_or(NotReady(credential))
    }

    /// What enters the world of it.
    pub(super) fn content(&self, credential: Credential, digester: &Digester) -> Content {
        self.expose(credential).map_or(Content::Empty, |bytes| digester.content(bytes))
    }

    fn sealed(&self, credential: Credential) -> &Sealed {
        match credential {
            Credential::Password => &self.password,
            Credential::Certificate => &self.certificate,
            Credential::PrivateKey => &self.private_key,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

/// Aiven has not given this credential: it was absent, null, empty or redacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotReady(pub Credential);

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Credential::Password => "the password is not there yet",
            Credential::Certificate => "the certificate is not there yet",
            Credential::PrivateKey => "the private key is not there yet",
        })
    }
}

impl std::error::Error for NotReady {}

/// One credential, straight from the parser into memory that is wiped; `None` if it was not a text.
#[derive(Default)]
pub(super) struct Sealed(Option<SecretString>);

impl Sealed {
    fn text(&self) -> Option<&str> {
        let text = self.0.as_ref()?.expose_secret();
        let hidden = matches!(text.trim(), "" | "<redacted>");
        (!hidden).then_some(text)
    }
}

impl Shape for Sealed {
    fn text(text: &str) -> Self {
        Sealed(Some(SecretString::from(text)))
    }
}
