//! A managed Secret as observed: metadata of ours, which keys it has, and what it claims about users.
//!
//! Takes as given that everything on it is a claim by whoever may edit Secrets in its namespace; never holds a value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{Name, SecretKey, ServiceKey, UserKey};
use super::keys::{Keys, section};
use super::labels::Labels;
use super::names;
use super::observed::{Content, Observed};
use super::record::BrokenRecord;
use crate::want::{self, ServiceType};

/// A Secret of that name, as far as this program may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// One of ours.
    Managed(Arc<Secret>),
    /// Somebody else's: nothing but its existence is known, and whether that is about to end.
    Foreign {
        /// Whether it is being deleted.
        terminating: bool,
    },
    /// It was looked for by name and does not exist.
    Absent,
}

/// A managed Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its namespace and name.
    pub key: SecretKey,
    /// `metadata.uid`; empty where a document has none.
    pub uid: Name,
    /// `metadata.resourceVersion`; empty where a document has none.
    pub version: Name,
    /// `metadata.creationTimestamp`; absent counts as old.
    pub created: Option<Timestamp>,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Whether its data can never be changed.
    pub immutable: bool,
    /// Whether our finalizer is on it.
    pub finalizer: bool,
    /// The labels that this program writes, as they are.
    pub labels: Labels,
    /// Whether both stores are what the `keystores` annotation says.
    pub stores: Stores,
    /// From when to when the certificate in `KAFKA_CERTIFICATE` is valid, if it could be read.
    pub certificate: Option<Validity>,
    /// `AIVEN_SECRET_UPDATED`, if it could be read.
    pub written: Option<Timestamp>,
    /// When something was last seen to ask for it or to use it; only a running operator knows.
    pub last_wanted: Option<Timestamp>,
    annotations: BTreeMap<Name, Name>,
    derived: Arc<Derived>,
    data: Observed<Keys>,
    /// What it holds for each of its records, one after the other, each in the order of the keys of its kind.
    sections: Arc<[Option<Content>]>,
}

/// What the annotations say, read once per observation.
#[derive(Debug, Default, PartialEq, Eq)]
struct Derived {
    claims: Vec<Claim>,
    faults: Vec<BrokenRecord>,
    retired: Vec<Retired>,
    protection: Protection,
    paused: bool,
    skip_cleanup: bool,
    notes: Notes,
}

/// Annotations that every plan compares, as they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// [`names::PROTECTED`]
    pub(crate) protected: Option<Name>,
    /// [`names::TIME_LIMIT`]
    pub(crate) time_limit: Option<Name>,
    /// [`names::EXPIRES_AT`]
    pub(crate) expires_at: Option<Name>,
    /// [`names::CORRELATION_ID`]
    pub(crate) correlation_id: Option<Name>,
    /// [`names::RETIRED`]
    pub(crate) retired: Option<Name>,
}

impl Secret {
    /// A secret with these annotations of ours and nothing else; the rest can be set afterwards.
    pub fn new(key: SecretKey, annotations: BTreeMap<Name, Name>) -> Self {
        let derived = Arc::new(Derived::of(&annotations));
        let mut secret = Secret {
            key,
            uid: Name::default(),
            version: Name::default(),
            created: None,
            terminating: false,
            immutable: false,
            finalizer: false,
            labels: Labels::default(),
            stores: Stores::NotNoted,
            certificate: None,
            written: None,
            last_wanted: None,
            annotations,
            derived,
            data: Observed::Seen(Keys::default()),
            sections: Arc::new([]),
        };
        secret.set_data(Observed::Seen(Keys::default()));
        secret
    }

    /// The same secret with other annotations.
    #[must_use]
    pub fn with_annotations(&self, annotations: BTreeMap<Name, Name>) -> Self {
        let derived = Arc::new(Derived::of(&annotations));
        let mut secret = Secret { annotations, derived, ..self.clone() };
        secret.set_data(self.data.clone());
        secret
    }

    /// The annotations of ours that it has.
    pub fn annotations(&self) -> &BTreeMap<Name, Name> {
        &self.annotations
    }

    /// The names of its keys, sorted, and what is known of each content.
    pub fn data(&self) -> &Observed<Keys> {
        &self.data
    }

    /// The annotations that every plan compares.
    pub(crate) fn notes(&self) -> &Notes {
        &self.derived.notes
    }

    /// The application that its label names.
    pub fn app(&self) -> Option<&Name> {
        self.labels.app.as_ref()
    }

    /// The users that it records as in use, whatever that is worth.
    pub fn claims(&self) -> &[Claim] {
        &self.derived.claims
    }

    /// What is wrong with its records, such that a user could not be found by them.
    pub fn faults(&self) -> &[BrokenRecord] {
        &self.derived.faults
    }

    /// Whether users may be listed as replaced that cannot be read: the list must not be written over.
    pub fn hides_retired(&self) -> bool {
        self.faults().contains(&BrokenRecord::RetiredUnreadable)
    }

    /// The users that it lists as replaced.
    pub fn retired(&self) -> &[Retired] {
        &self.derived.retired
    }

    /// What its annotations say of protection.
    pub fn protection(&self) -> Protection {
        self.derived.protection
    }

    /// Whether a person has paused it.
    pub fn paused(&self) -> bool {
        self.derived.paused
    }

    /// Whether a person has said to let it go and leave its users behind.
    pub fn skip_cleanup(&self) -> bool {
        self.derived.skip_cleanup
    }

    /// Every account that it records, in use or replaced.
    pub fn accounts(&self) -> impl Iterator<Item = UserKey> + '_ {
        let claimed = self.claims().iter().flat_map(Claim::accounts);
        claimed.chain(self.retired().iter().map(Retired::account))
    }

    /// What is known of the content of a key; `None` if there is no such key or the data were not observed.
    pub fn content(&self, key: &str) -> Option<Content> {
        self.data.seen().and_then(|keys| keys.get(key))
    }

    /// What it holds of the keys of a kind of service, in their order; as if it held each of them where the data were not
    /// observed.
    pub fn section(&self, service_type: ServiceType, slot: &str) -> Cow<'_, [Option<Content>]> {
        let mut sections = &*self.sections;
        for claim in self.claims() {
            let Some((section, others)) = sections.split_at_checked(claim.service_type.keys().len()) else { break };
            if claim.service_type == service_type && *claim.slot == *slot {
                return Cow::Borrowed(section);
            }
            sections = others;
        }
        section(&self.data, service_type, slot).collect()
    }

    /// Takes in what is known of its keys.
    pub fn set_data(&mut self, data: Observed<Keys>) {
        let sections = self.claims().iter().flat_map(|claim| section(&data, claim.service_type, &claim.slot));
        self.sections = sections.collect();
        self.data = data;
    }
}

impl Derived {
    fn of(annotations: &BTreeMap<Name, Name>) -> Self {
        let is_true = |key: &str| annotations.get(key).is_some_and(|value| **value == *"true");
        let text = |key: &str| annotations.get(key).cloned();
        let (claims, mut faults) = want::claims(annotations);
        let listed = annotations.get(names::RETIRED).map(|text| Retired::read(text));
        let (retired, whole) = listed.unwrap_or((vec![], true));
        faults.extend((!whole).then_some(BrokenRecord::RetiredUnreadable));
        Derived {
            claims,
            faults,
            retired,
            protection: Protection::of(annotations),
            paused: is_true(names::PAUSED),
            skip_cleanup: is_true(names::SKIP_CLEANUP),
            notes: Notes {
                protected: text(names::PROTECTED),
                time_limit: text(names::TIME_LIMIT),
                expires_at: text(names::EXPIRES_AT),
                correlation_id: text(names::CORRELATION_ID),
                retired: text(names::RETIRED),
            },
        }
    }
}

/// What annotations say of protection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// Not protected.
    #[default]
    None,
    /// Protected for as long as it stands: no time limit, or one that cannot be read.
    Forever,
    /// Protected until that moment.
    Until(Timestamp),
}

impl Protection {
    fn of(annotations: &BTreeMap<Name, Name>) -> Self {
        let is_true = |key: &str| annotations.get(key).is_some_and(|value| **value == *"true");
        if !is_true(names::PROTECTED) {
            return Protection::None;
        }
        let limit = if is_true(names::TIME_LIMIT) { annotations.get(names::EXPIRES_AT) } else { None };
        limit.and_then(|text| text.parse().ok()).map_or(Protection::Forever, Protection::Until)
    }

    /// Whether it protects at that moment.
    pub fn holds(self, now: Timestamp) -> bool {
        match self {
            Protection::None => false,
            Protection::Forever => true,
            Protection::Until(end) => now < end,
        }
    }
}

/// One user that a secret records as in use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The kind of service.
    pub service_type: ServiceType,
    /// Which of several of that kind: the prefix of the annotation, empty where there is only one.
    pub slot: Name,
    /// The Aiven project; empty where it is not recorded.
    pub project: Name,
    /// The services that it can stand for: one; for Kafka each name that the service of a pool may have; none where a
    /// program before this one, or somebody since, did not record it.
    pub services: Vec<Name>,
    /// The name of the user.
    pub username: Name,
}

impl Claim {
    /// Whether it names the project and the service; else any user of that name may be meant.
    pub fn is_whole(&self) -> bool {
        !self.project.is_empty() && !self.services.is_empty()
    }

    /// The keys that a secret can hold for it.
    pub fn keys(&self) -> impl Iterator<Item = Name> + '_ {
        self.service_type.keys().iter().map(|want| self.service_type.key(&self.slot, want))
    }

    /// The accounts that it can stand for, if it is whole.
    pub fn accounts(&self) -> impl Iterator<Item = UserKey> + '_ {
        self.services.iter().filter(|_| self.is_whole()).map(|service| UserKey {
            project: self.project.clone(),
            service: service.clone(),
            username: self.username.clone(),
        })
    }
}

/// A user that was replaced and waits to be deleted; an entry of the annotation `…/retired`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retired {
    /// The service that it is on.
    pub service: ServiceKey,
    /// Its name.
    pub username: Name,
    /// When it was replaced.
    pub since: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct RetiredEntry {
    project: String,
    service: String,
    username: String,
    since: Timestamp,
}

impl Retired {
    /// The account that was replaced.
    pub fn account(&self) -> UserKey {
        self.service.user(self.username.clone())
    }

    /// Reads the annotation; entries that cannot be read are left out.
    pub fn parse(text: &str) -> Vec<Retired> {
        Retired::read(text).0
    }

    /// The entries that can be read, and whether those are all.
    fn read(text: &str) -> (Vec<Retired>, bool) {
        let Ok(entries) = serde_json::from_str::<Vec<serde_json::Value>>(text) else {
            return (vec![], text.trim().is_empty());
        };
        let count = entries.len();
        let read = entries.into_iter().filter_map(|entry| serde_json::from_value::<RetiredEntry>(entry).ok());
        let mut retired: Vec<Retired> = read
            .map(|RetiredEntry { project, service, username, since }| Retired {
                service: ServiceKey::new(project, service),
                username: username.into(),
                since,
            })
            .collect();
        let whole = retired.len() == count;
        retired.sort();
        retired.dedup_by_key(|entry| entry.account());
        (retired, whole)
    }

    /// Writes the annotation.
    pub fn format(retired: &[Retired]) -> String {
        let entries: Vec<_> = retired
            .iter()
            .map(|Retired { service: ServiceKey { project, service }, username, since }| {
                let since = super::rfc3339(*since);
                serde_json::json!({"project": project, "service": service, "username": username, "since": since})
            })
            .collect();
        serde_json::Value::Array(entries).to_string()
    }
}

/// Whether the keystore and the truststore are as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// The annotation is absent: they count as right if they are there.
    NotNoted,
    /// The annotation is there; the stores were not observed.
    Unseen,
    /// Their digests are those of the annotation.
    Fit,
    /// Their digests are others.
    Differ,
}

/// From when to when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// `notBefore`.
    pub from: Timestamp,
    /// `notAfter`.
    pub until: Timestamp,
}
