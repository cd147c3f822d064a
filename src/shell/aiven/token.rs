//! The token: where it comes from, and the header that it becomes.
//!
//! Decides what counts as a token. Takes as given that a file of it may be exchanged at any time, so it is read for each
//! request: it is small, and a changed content is the only sign of a change that every kind of volume gives.
//! Never shows the token.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// More than any token has.
const LONGEST: u64 = 16 * 1024;

/// Where the token comes from.
#[derive(Clone)]
pub enum TokenSource {
    /// It is this one.
    Literal(SecretString),
    /// It is the content of this file, read again for each request.
    File(PathBuf),
}

impl TokenSource {
    /// Takes the token itself.
    pub fn literal(token: impl Into<String>) -> Self {
        TokenSource::Literal(SecretString::from(token.into()))
    }

    /// The value of `Authorization`, marked as sensitive; waits for the disk.
    pub(super) fn header(&self) -> Result<HeaderValue, TokenError> {
        match self {
            TokenSource::Literal(token) => header(token.expose_secret(), None),
            TokenSource::File(path) => {
                let unreadable = |error: io::Error| TokenError::Unreadable { path: path.clone(), why: error.kind() };
                let text = read(path).map_err(unreadable)?;
                header(&text, Some(path))
            }
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenSource::Literal(_) => f.write_str("Literal(hidden)"),
            TokenSource::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn header(text: &str, path: Option<&Path>) -> Result<HeaderValue, TokenError> {
    let token = text.trim();
    let path = || path.map(Path::to_path_buf);
    if token.is_empty() {
        return Err(TokenError::Empty { path: path() });
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::Malformed { path: path() });
    }
    let value = Zeroizing::new(format!("aivenv1 {token}"));
    let mut value = HeaderValue::from_str(&value).map_err(|_| TokenError::Malformed { path: path() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::ErrorKind,
    },
    /// There is nothing in it.
    Empty {
        /// The file, if it is from one.
        path: Option<PathBuf>,
    },
    /// It has characters that no token has, or inner spaces.
    Malformed {
        /// The file, if it is from one.
        path: Option<PathBuf>,
    },
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place =
            |path: &Option<PathBuf>| path.as_ref().map_or(String::new(), |path| format!(" in {}", path.display()));
        match self {
            TokenError::Unreadable { path, why } => {
                write!(f, "the token file {} cannot be read: {why}", path.display())
            }
            TokenError::Empty { path } => write!(f, "the token{} is empty", place(path)),
            TokenError::Malformed { path } => write!(f, "the token{} has a character that no token has", place(path)),
        }
    }
}

impl std::error::Error for TokenError {}
