//! Aiven as observed: projects, services, their components, users and OpenSearch ACL.
//!
//! Takes as given that enums are open and members optional; never holds a credential.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fnv::FnvBuildHasher;
use jiff::Timestamp;

use super::Lookup;
use super::key::Name;
use super::observed::{Content, Digester, Observed};
use super::settings::Settings;
use crate::want::{KeyWant, ServiceType, Source};

/// Users of one service, by name; never iterated, since the order would not be deterministic.
pub type Users = im::GenericHashMap<Name, Arc<User>, FnvBuildHasher, im::shared_ptr::DefaultSharedPtr>;

/// One Aiven project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The project's CA certificate.
    pub ca: Observed<Content>,
    /// Whether a service that is not in `services` does not exist; else it was not looked at.
    pub complete: bool,
    /// The services that were looked at; `None` for one that Aiven says does not exist.
    pub services: im::OrdMap<Name, Observed<Option<Arc<Service>>>>,
}

/// One Aiven service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `service_type`, as Aiven spells it.
    pub service_type: Name,
    /// `state`, as Aiven spells it.
    pub state: Name,
    /// Where its parts can be reached.
    pub components: Vec<Component>,
    /// The users that were seen.
    pub users: Users,
    /// Whether a user that is not in `users` does not exist; else a list only suggests it, and GET user decides.
    pub users_complete: bool,
    /// Whether `users` was a list of all when it was read.
    pub users_listed: bool,
    /// The users that GET user says do not exist.
    pub gone: im::OrdSet<Name>,
    /// The ACL document, for OpenSearch.
    pub acl: Observed<AclDocument>,
    addresses: Arc<[Option<Address>]>,
}

/// A text that follows from the components and stands in secrets; not secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The key that it is for, without what names the instance.
    pub key: &'static str,
    /// What to write; `None` if the service has no such component.
    pub text: Option<Name>,
    /// What counts as right: the text itself and spellings of before; without a component, `0`.
    pub right: Vec<Content>,
}

/// A text for a key, and other spellings of it that count as right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// What to write.
    pub text: String,
    /// What is left as it is where it stands.
    pub also: Vec<String>,
}

impl Service {
    /// A service that runs, without components and users, all of it observed.
    pub fn new(service_type: impl Into<Name>, components: Vec<Component>) -> Self {
        Service {
            service_type: service_type.into(),
            state: "RUNNING".into(),
            components,
            users: Users::default(),
            users_complete: true,
            users_listed: true,
            gone: im::OrdSet::new(),
            acl: Observed::Unseen("it was not read".into()),
            addresses: Arc::new([]),
        }
    }

    /// Works out the addresses that these settings hand out.
    pub(super) fn choose_addresses(&mut self, settings: &Settings, digester: &Digester) {
        let address = |(key, spelling): &(&'static str, Option<Spelling>)| {
            let texts: Vec<&str> = match &spelling {
                Some(Spelling { text, also }) => std::iter::once(text).chain(also).map(String::as_str).collect(),
                None => vec!["0"],
            };
            let right = texts.into_iter().map(|text| digester.content(text.as_bytes())).collect();
            Address { key, text: spelling.as_ref().map(|spelling| spelling.text.as_str().into()), right }
        };
        let Some(service_type) = ServiceType::named(&self.service_type) else {
            self.addresses = Arc::new([]);
            return;
        };
        let chosen = service_type.addresses(self, settings);
        let of = |want: &KeyWant| match want.source {
            Source::Address(key, _) => chosen.iter().find(|(chosen, _)| *chosen == key).map(address),
            _ => None,
        };
        self.addresses = service_type.keys().iter().map(of).collect();
    }

    /// The address for a key.
    pub fn address(&self, key: &str) -> Option<&Address> {
        self.addresses.iter().flatten().find(|address| address.key == key)
    }

    /// The addresses for the keys of a kind of service, in their order; none if it is of another kind.
    pub fn addresses(&self, service_type: ServiceType) -> &[Option<Address>] {
        if self.service_type == service_type.as_str() { &self.addresses } else { &[] }
    }

    /// A user of it.
    pub fn user(&self, username: &Name) -> Lookup<&User> {
        match self.users.get(username) {
            Some(user) => Lookup::Found(user),
            None if self.users_complete || self.gone.contains(username) => Lookup::Absent,
            None => Lookup::Unseen("it was not looked for".into()),
        }
    }

    /// The users that were seen, in order.
    #[expect(clippy::disallowed_methods, reason = "they are sorted at once")]
    pub fn users_in_order(&self) -> BTreeMap<&Name, &User> {
        self.users.iter().map(|(name, user)| (name, &**user)).collect()
    }

    /// Compares the names of users with what secrets hold under another key, too.
    pub(super) fn rename_users(&mut self, digester: &Digester) {
        let renamed = |(name, user): (&Name, &User)| {
            (name.clone(), Arc::new(User { name: digester.content(name.as_bytes()), ..user.clone() }))
        };
        self.users = self.users_in_order().into_iter().map(renamed).collect();
    }

    /// Whether users can be made and changed in its state.
    pub fn usable(&self) -> bool {
        is_usable(&self.state)
    }
}

/// Whether a service or instance in that state can be used.
pub fn is_usable(state: &str) -> bool {
    matches!(state, "RUNNING" | "REBALANCING")
}

/// Where one part of a service can be reached by one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// `component`, such as `kafka` or `schema_registry`.
    pub component: Name,
    /// `usage`: `primary`, `replica`, …
    pub usage: Name,
    /// `route`: `dynamic`, `public`, …
    pub route: Name,
    /// `kafka_authentication_method`; absent counts as `certificate`.
    pub authentication: Option<Name>,
    /// `kafka_ssl_ca`; absent counts as the project's CA.
    pub ssl_ca: Option<Name>,
    /// Whether it goes through a privatelink connection.
    pub privatelink: bool,
    /// `ssl`; absent counts as encrypted.
    pub ssl: Option<bool>,
    /// `path` of a URI, if it has one.
    pub path: Option<Name>,
    /// `host`.
    pub host: Name,
    /// `port`.
    pub port: u16,
}

/// One service user. A credential that is `None` was not observed; one that is empty is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The digest of its own name, to compare with what secrets hold.
    pub name: Content,
    /// Whether it is built in (type `primary`).
    pub primary: bool,
    /// `password`.
    pub password: Option<Content>,
    /// `access_cert`, for Kafka.
    pub certificate: Option<Content>,
    /// `access_key`, for Kafka.
    pub private_key: Option<Content>,
    /// `access_cert_not_valid_after_time`: the end of the current certificate.
    pub certificate_ends: Option<Timestamp>,
    /// `expiring_cert_not_valid_after_time`: the end of the one before, while a renewed one is on offer.
    pub expiring_certificate_ends: Option<Timestamp>,
    /// `password_updated_time`.
    pub password_updated: Option<Timestamp>,
    /// Whether it was seen that this has moved, and the credentials were not read since.
    pub changed: bool,
    /// `access_control`, if it was in the answer.
    pub access: Option<AccessControl>,
}

/// What a Valkey user may do, as lists of Aiven's rules; an absent list is an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessControl {
    /// `valkey_acl_categories`, in order.
    pub categories: Vec<Name>,
    /// `valkey_acl_commands`, in order.
    pub commands: Vec<Name>,
    /// `valkey_acl_keys`.
    pub keys: BTreeSet<Name>,
    /// `valkey_acl_channels`.
    pub channels: BTreeSet<Name>,
}

/// The ACL document of an OpenSearch service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AclDocument {
    /// Whether the rules are enforced.
    pub enabled: bool,
    /// The rules of each user: (index pattern, permission).
    pub rules: BTreeMap<Name, BTreeSet<(Name, Name)>>,
}
