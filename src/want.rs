//! What one application should have: its target secrets, and for each what it must hold and where that comes from.
//!
//! Decides nothing about what exists. Takes the spec alone; one file per Aiven service says everything about that kind of
//! service, so that a further one is one more file and a line in [`ServiceType`]. Never reads a clock or a world, but for
//! the resolving of a request to a service.

mod instance;
mod kafka;
mod opensearch;
mod valkey;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

pub(crate) use self::opensearch::rules as opensearch_rules;
pub(crate) use self::valkey::access_of;
use crate::action::{AccessRules, Action};
use crate::naming::Prefix;
use crate::reason::Reason;
use crate::value::Credential;
use crate::world::{
    Access, AppKey, BrokenRecord, Claim, Here, Name, Service, ServiceKey, Settings, Spec, Spelling, User, UserKey,
    World,
};

/// A kind of Aiven service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ServiceType {
    /// Kafka
    Kafka,
    /// OpenSearch
    OpenSearch,
    /// Valkey
    Valkey,
}

impl ServiceType {
    /// All of them.
    pub const ALL: [ServiceType; 3] = [ServiceType::Kafka, ServiceType::OpenSearch, ServiceType::Valkey];

    fn provider(self) -> &'static dyn Provider {
        match self {
            ServiceType::Kafka => &kafka::Kafka,
            ServiceType::OpenSearch => &opensearch::OpenSearch,
            ServiceType::Valkey => &valkey::Valkey,
        }
    }

    /// As Aiven spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ServiceType::Kafka => "kafka",
            ServiceType::OpenSearch => "opensearch",
            ServiceType::Valkey => "valkey",
        }
    }

    /// The kind of service that Aiven spells so.
    pub fn named(service_type: &str) -> Option<Self> {
        ServiceType::ALL.into_iter().find(|known| known.as_str() == service_type)
    }

    /// The kind of the instance objects in Kubernetes, for services that namespaces own.
    pub fn instance_kind(self) -> Option<&'static str> {
        self.provider().instance_kind()
    }

    /// Whether its users have certificates, which end.
    pub(crate) fn has_certificates(self) -> bool {
        self.provider().has_certificates()
    }

    /// The addresses that secrets hold, by key: what to write, or `None` where the service has no such component.
    pub(crate) fn addresses(self, service: &Service, settings: &Settings) -> Vec<(&'static str, Option<Spelling>)> {
        self.provider().addresses(service, settings)
    }

    /// The service that a request stands for in this world.
    pub(crate) fn resolve<'w>(self, here: Here<'w>, want: &Want) -> Result<Resolved<'w>, Reason> {
        self.provider().resolve(here, want)
    }

    /// Why the namespace may not use the service, as far as records on its secrets go.
    pub(crate) fn why_not_usable(self, world: &World, namespace: &Name, service: &ServiceKey) -> Option<Reason> {
        self.provider().why_not_usable(world, namespace, service)
    }

    /// Whether such a claim and such a request can be about one service, where it cannot be resolved.
    pub(crate) fn could_mean(self, want: &Want, claim: &Claim) -> bool {
        self.provider().could_mean(want, claim)
    }

    /// The prefix of the names of the application's users.
    pub(crate) fn prefix(self, app: &AppKey, access: Access) -> Prefix {
        self.provider().prefix(app, access)
    }

    /// Whether such a name may have been given to a user of that application.
    pub fn gave_name(self, app: &AppKey, username: &str) -> bool {
        Access::ALL.into_iter().any(|access| self.prefix(app, access).gave(username))
    }

    /// The annotations that record a user.
    pub(crate) fn record(self, slot: &str, user: &UserKey) -> Vec<(Name, Name)> {
        self.provider().record(slot, user)
    }

    /// The keys that a Secret holds for it, always in this order.
    pub fn keys(self) -> &'static [KeyWant] {
        self.provider().keys()
    }

    /// A key as it is spelled for such a slot.
    pub fn key(self, slot: &str, want: &KeyWant) -> Name {
        self.provider().key(slot, want.stem)
    }

    /// What a user that is made may do, where that is part of making it.
    pub(crate) fn access_rules(self, access: Access) -> Option<AccessRules> {
        self.provider().access_rules(access)
    }

    /// What has to be done so that the user may do what is wanted, no more and no less.
    pub(crate) fn grant(self, grant: &Grant<'_>) -> Result<Vec<Action>, Reason> {
        self.provider().grant(grant)
    }

    /// What the user may do now, if that is exactly one of the kinds of access.
    pub(crate) fn held_access(self, grant: &Grant<'_>) -> Option<Access> {
        self.provider().held_access(grant)
    }

    /// What has to be undone, beside the user itself.
    pub(crate) fn revoke(self, service: &Service, user: &UserKey) -> Result<Vec<Action>, Reason> {
        self.provider().revoke(service, user)
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is asked about the rights of a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant<'w> {
    /// The service, as observed.
    pub(crate) service: &'w Service,
    /// The user.
    pub(crate) user: &'w UserKey,
    /// The user as observed; `None` if it is about to be made with the rights that [`ServiceType::access_rules`] gives.
    pub(crate) observed: Option<&'w User>,
    /// What it shall be able to do.
    pub(crate) access: Access,
}

/// Everything that is particular to one kind of service.
trait Provider: Sync {
    fn instance_kind(&self) -> Option<&'static str>;
    fn has_certificates(&self) -> bool;
    fn requests(&self, app: &AppKey, spec: &Spec) -> Vec<Request>;
    fn claims(&self, annotations: &BTreeMap<Name, Name>) -> (Vec<Claim>, Vec<BrokenRecord>);
    fn addresses(&self, service: &Service, settings: &Settings) -> Vec<(&'static str, Option<Spelling>)>;
    fn resolve<'w>(&self, here: Here<'w>, want: &Want) -> Result<Resolved<'w>, Reason>;
    fn why_not_usable(&self, world: &World, namespace: &Name, service: &ServiceKey) -> Option<Reason>;
    fn could_mean(&self, want: &Want, claim: &Claim) -> bool;
    fn prefix(&self, app: &AppKey, access: Access) -> Prefix;
    fn record(&self, slot: &str, user: &UserKey) -> Vec<(Name, Name)>;
    fn keys(&self) -> &'static [KeyWant];
    fn key(&self, slot: &str, stem: &'static str) -> Name;
    fn access_rules(&self, access: Access) -> Option<AccessRules>;
    fn grant(&self, grant: &Grant<'_>) -> Result<Vec<Action>, Reason>;
    fn held_access(&self, grant: &Grant<'_>) -> Option<Access>;
    fn revoke(&self, service: &Service, user: &UserKey) -> Result<Vec<Action>, Reason>;
}

/// A request of a spec for one service, and the secret that it names itself.
struct Request {
    want: Want,
    secret_name: Option<Name>,
}

/// A service that a request stands for.
#[derive(Clone, Debug)]
pub(crate) struct Resolved<'w> {
    /// Which service.
    pub(crate) key: ServiceKey,
    /// As observed.
    pub(crate) service: &'w Service,
    /// What stands in the way of making or changing anything on it now.
    pub(crate) hindrance: Option<Reason>,
}

/// One secret that an application asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub secret: Name,
    /// What goes into it, in order.
    pub wants: Vec<Want>,
}

/// One service that an application asks for, to go into one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The kind of service.
    pub service_type: ServiceType,
    /// Which of several of that kind in one secret: the prefix of its annotations; empty where there is only one.
    pub slot: Name,
    /// The pool or the instance, as the spec names it.
    pub instance: Name,
    /// What the user may do.
    pub access: Access,
    /// The names that the service can have, best first.
    pub services: Vec<Name>,
    /// What the names of its users begin with.
    pub(crate) prefix: Prefix,
    /// Applications in the same group could come to the same user names.
    pub group: Name,
}

/// One key that a secret holds for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyWant {
    /// The key, without what names the instance.
    pub stem: &'static str,
    /// Where its value comes from.
    pub source: Source,
    /// Whether its absence is a reason to write; else consumers can do without.
    pub required: bool,
}

/// Where the value of a key comes from, before the service and the user are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An address of the service.
    Address(&'static str, IfAbsent),
    /// The name of the user.
    Username,
    /// A credential of the user.
    Credential(Credential),
    /// The CA of the service's project.
    Ca,
    /// Always this text.
    Constant(&'static str),
    /// The keystore, made of the user's key and certificate.
    Keystore,
    /// The truststore, made of the CA of the service's project.
    Truststore,
    /// The moment of writing.
    Clock,
}

/// What stands for the address of a component that a service does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfAbsent {
    /// Nothing: without it there is nothing to publish.
    Wait,
    /// This text.
    Text(&'static str),
    /// The key is left out.
    LeaveOut,
}

/// The claims that annotations make, and what is wrong with them.
pub(crate) fn claims(annotations: &BTreeMap<Name, Name>) -> (Vec<Claim>, Vec<BrokenRecord>) {
    let read = ServiceType::ALL.into_iter().map(|service_type| service_type.provider().claims(annotations));
    let (claims, faults): (Vec<_>, Vec<_>) = read.unzip();
    (claims.concat(), faults.concat())
}

/// The secrets that a spec asks for, sorted by name; or the first mistake in it, which refuses the whole.
pub fn targets(app: &AppKey, spec: &Spec) -> Result<Vec<Target>, Reason> {
    let providers = ServiceType::ALL.into_iter().map(ServiceType::provider);
    let requests: Vec<Request> = providers.flat_map(|provider| provider.requests(app, spec)).collect();
    if !requests.is_empty() && app.name.len() > 63 {
        let rule = "at most 63 characters, since it stands in a label";
        return Err(Reason::InvalidName { what: "the application's name".into(), name: app.name.clone(), rule });
    }
    let mut targets: BTreeMap<Name, Vec<Want>> = BTreeMap::new();
    for Request { want, secret_name } in requests {
        let named = secret_name.filter(|name| !name.is_empty()).or_else(|| spec.secret_name.clone());
        let Some(secret) = named.filter(|name| !name.is_empty()) else {
            return Err(Reason::SecretNameMissing { service: want.service_type, instance: want.instance });
        };
        if let Some(mistake) = why_invalid(&want, &secret) {
            return Err(mistake);
        }
        let wants = targets.entry(secret.clone()).or_default();
        match wants.iter().find(|other| other.service_type == want.service_type && other.slot == want.slot) {
            None => wants.push(want),
            Some(other) if *other == want => {}
            Some(other) => {
                let key = want.keys().next().map(|(key, _)| key).unwrap_or_default();
                return Err(Reason::KeyCollision { secret, key, first: other.label(), second: want.label() });
            }
        }
    }
    Ok(targets.into_iter().map(|(secret, wants)| Target { secret, wants }).collect())
}

fn why_invalid(want: &Want, secret: &Name) -> Option<Reason> {
    if !is_label(secret) {
        let rule = "a DNS-1123 label: at most 63 of a-z, 0-9 and -, beginning and ending with a letter or digit";
        return Some(Reason::InvalidName { what: "the secret's name".into(), name: secret.clone(), rule });
    }
    if want.instance.is_empty() {
        let what = match want.service_type.instance_kind() {
            None => format!("the {} pool", want.service_type),
            Some(_) => format!("the {} instance", want.service_type),
        };
        return Some(Reason::InvalidName { what: what.into(), name: Name::default(), rule: "not empty" });
    }
    // It becomes the beginning of annotations.
    if !(want.slot.is_empty() || is_label(&want.slot)) {
        let what = format!("the {} instance", want.service_type).into();
        let rule = "at most 63 of a-z, 0-9, - and ., beginning and ending with a letter or digit";
        return Some(Reason::InvalidName { what, name: want.instance.clone(), rule });
    }
    None
}

/// Whether a text is a DNS-1123 label.
pub fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= 63 && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

impl Want {
    /// The service and the instance, for people.
    pub fn label(&self) -> Name {
        format!("{} {}", self.service_type, self.instance).into()
    }

    /// What the secret must hold for it, and how that is spelled.
    pub fn keys(&self) -> impl Iterator<Item = (Name, &'static KeyWant)> {
        self.service_type.keys().iter().map(|want| (self.key(want), want))
    }

    /// How a key of its kind is spelled in the secret.
    pub fn key(&self, want: &KeyWant) -> Name {
        self.service_type.key(&self.slot, want)
    }
}

impl KeyWant {
    const fn required(stem: &'static str, source: Source) -> Self {
        KeyWant { stem, source, required: true }
    }

    const fn optional(stem: &'static str, source: Source) -> Self {
        KeyWant { stem, source, required: false }
    }
}
