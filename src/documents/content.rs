//! What a document gives of a value that is secret: the value, a digest of it, or only that it is there.
//!
//! Decides how a value is marked as left out. Never quotes one; what it gives on is a digest wherever that is enough.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::field::{Fault, text};
use crate::world::{Content, Digest, Digester};

/// As Kubernetes reads it: bits after the last byte do not matter.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// What is given of a secret value.
pub(super) enum Given {
    /// That it is there.
    Mark,
    /// A digest under the key of a snapshot.
    Snapshot(Digest),
    /// The value itself.
    Value(Vec<u8>),
}

impl Given {
    /// Reads a value that stands there as it is.
    pub(super) fn plain(value: &Value) -> Result<Self, Fault> {
        Given::read(value, |text| Ok(text.as_bytes().to_vec()))
    }

    /// Reads a value that stands there in base64, as in `data` of a Secret.
    pub(super) fn base64(value: &Value) -> Result<Self, Fault> {
        Given::read(value, |text| {
            let wrong = || Fault::new("expected base64, digest:<32 hex digits>, present or null, found another string");
            let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            BASE64.decode(packed).map_err(|_| wrong())
        })
    }

    fn read(value: &Value, decode: impl FnOnce(&str) -> Result<Vec<u8>, Fault>) -> Result<Self, Fault> {
        if value.is_null() {
            return Ok(Given::Mark);
        }
        match text(value)? {
            "present" | "<redacted>" => Ok(Given::Mark),
            text => match text.strip_prefix("digest:") {
                Some(hex) => Digest::from_hex(hex)
                    .map(Given::Snapshot)
                    .ok_or_else(|| Fault::new("expected 32 hexadecimal digits after digest:, found something else")),
                None => decode(text).map(Given::Value),
            },
        }
    }

    /// What enters the world.
    pub(super) fn content(&self, digester: &Digester) -> Content {
        match self {
            Given::Mark => Content::Opaque,
            Given::Snapshot(digest) => Content::Snapshot(*digest),
            Given::Value(bytes) => digester.content(bytes),
        }
    }

    /// The value itself, if it is given.
    pub(super) fn value(&self) -> Option<&[u8]> {
        match self {
            Given::Value(bytes) => Some(bytes),
            Given::Mark | Given::Snapshot(_) => None,
        }
    }
}
