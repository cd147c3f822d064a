//! What was read, what was not, and how contents are compared without being held.
//!
//! Takes as given that the observer digests every content before it enters the world; never holds a content.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::key::Name;

/// Something that was read, or the reason why it could not be.
///
/// Unseen is not empty: nothing is deleted, created or taken for gone because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed<T> {
    /// It was read, and this is what it was.
    Seen(T),
    /// It was not read; the text says why, and may be shown to anyone.
    Unseen(Name),
}

impl<T> Observed<T> {
    /// What was read, if it was.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Observed::Seen(value) => Some(value),
            Observed::Unseen(_) => None,
        }
    }
}

/// A keyed digest of some content, 128 bits; says nothing about the content to anyone without the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Takes a digest as a snapshot wrote it: 32 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|bits| Digest(bits.to_be_bytes()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "digest:{self}")
    }
}

/// Makes digests under one key, which it neither shows nor writes anywhere.
#[derive(Clone)]
pub struct Digester {
    keyed: Hmac<Sha256>,
    /// The digests that a snapshot has for texts which are no secret, by the digest that they have here.
    texts: Arc<BTreeMap<Digest, Digest>>,
}

impl Digester {
    /// Takes the key: 32 bytes that nobody outside this process knows.
    pub fn new(key: &[u8; 32]) -> Self {
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Digester { keyed: Hmac::<Sha256>::new(&block.into()), texts: Arc::default() }
    }

    /// The same, for contents that came from a snapshot, which says what digests these texts have under its key: so they
    /// can be compared with what the snapshot holds, although nobody has that key any longer.
    #[must_use]
    pub fn knowing<'t>(&self, texts: impl IntoIterator<Item = (&'t str, Digest)>) -> Self {
        let known = texts.into_iter().map(|(text, digest)| (self.digest(text.as_bytes()), digest));
        let texts = self.texts.iter().map(|(own, digest)| (*own, *digest)).chain(known).collect();
        Digester { keyed: self.keyed.clone(), texts: Arc::new(texts) }
    }

    /// The digest of a content.
    pub fn digest(&self, content: &[u8]) -> Digest {
        let mut mac = self.keyed.clone();
        mac.update(content);
        let mut bits = [0; 16];
        for (to, from) in bits.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        Digest(bits)
    }

    /// What is kept of a content: whether it is empty, else its digest; that of a snapshot, if it says one.
    pub fn content(&self, content: &[u8]) -> Content {
        if content.is_empty() {
            return Content::Empty;
        }
        let own = self.digest(content);
        self.texts.get(&own).map_or(Content::Digest(own), |digest| Content::Snapshot(*digest))
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester(key hidden)")
    }
}

/// What is known of the content of a key of a Secret, or of a credential of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// There, and of no length.
    Empty,
    /// There; what it is was not observed, so it is not compared.
    Opaque,
    /// There, with this digest under the key of this world.
    Digest(Digest),
    /// There, with this digest under the key of the snapshot that it was read from.
    Snapshot(Digest),
}

impl Content {
    /// Whether two contents are the same; `None` where that cannot be told.
    pub fn same(self, other: Content) -> Option<bool> {
        match (self, other) {
            (Content::Empty, Content::Empty) => Some(true),
            (Content::Empty, _) | (_, Content::Empty) => Some(false),
            (Content::Digest(a), Content::Digest(b)) | (Content::Snapshot(a), Content::Snapshot(b)) => Some(a == b),
            (Content::Opaque | Content::Digest(_) | Content::Snapshot(_), _) => None,
        }
    }
}
