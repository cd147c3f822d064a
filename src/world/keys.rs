//! The keys of a Secret: which there are, and what is known of each content.
//!
//! Takes as given that contents were digested before; never holds one.

use super::key::Name;
use super::observed::{Content, Observed};
use crate::want::ServiceType;

/// The keys of a Secret, sorted by name, and what is known of each content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<(Name, Content)>);

/// So few keys are found sooner by looking at each, since most differ in length already.
const FEW: usize = 64;

impl Keys {
    /// What is known of the content of a key.
    pub fn get(&self, key: &str) -> Option<Content> {
        let found = if self.0.len() <= FEW {
            self.0.iter().find(|(name, _)| **name == *key)
        } else {
            self.0.binary_search_by(|(name, _)| (**name).cmp(key)).ok().and_then(|found| self.0.get(found))
        };
        found.map(|(_, content)| *content)
    }

    /// Sets the content of a key.
    pub fn set(&mut self, key: Name, content: Content) {
        match self.0.binary_search_by(|(name, _)| name.cmp(&key)) {
            Ok(found) => {
                if let Some(entry) = self.0.get_mut(found) {
                    entry.1 = content;
                }
            }
            Err(place) => self.0.insert(place, (key, content)),
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| **name != *key);
    }

    /// The keys in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, Content)> {
        self.0.iter().map(|(name, content)| (name, *content))
    }
}

impl FromIterator<(Name, Content)> for Keys {
    fn from_iter<I: IntoIterator<Item = (Name, Content)>>(entries: I) -> Self {
        let mut keys: Vec<_> = entries.into_iter().collect();
        keys.sort_by(|(a, _), (b, _)| a.cmp(b));
        Keys(keys)
    }
}

/// What is known of the keys of a kind of service, in their order.
pub(super) fn section<'d>(
    data: &'d Observed<Keys>,
    service_type: ServiceType,
    slot: &'d str,
) -> impl Iterator<Item = Option<Content>> + 'd {
    service_type.keys().iter().map(move |want| match data {
        Observed::Seen(keys) => keys.get(&service_type.key(slot, want)),
        Observed::Unseen(_) => Some(Content::Opaque),
    })
}
