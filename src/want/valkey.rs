//! Valkey: a user whose rights are lists of categories, commands, keys and channels.
//!
//! Takes as given that keys and annotations of one secret are told apart by the name of the instance.

use std::collections::{BTreeMap, BTreeSet};

use super::instance::{self, choose, full_name, replaced};
use super::{Grant, IfAbsent, KeyWant, Provider, Request, Resolved, Source, Want};
use crate::action::{AccessRules, Action};
use crate::naming::Prefix;
use crate::reason::Reason;
use crate::value::Credential;
use crate::want::ServiceType;
use crate::world::{
    Access, AccessControl, AppKey, BrokenRecord, Claim, Here, Name, Service, ServiceKey, Settings, Spec, Spelling,
    User, UserKey, World,
};

const USER: &str = ".valkey.aiven.nais.io/serviceUser";
const SERVICE: &str = ".valkey.aiven.nais.io/serviceName";
const PROJECT: &str = "valkey.aiven.nais.io/project";

const COMMANDS: [&str; 2] = ["+info", "+cluster|slots"];
const EVERYTHING: &str = "*";

/// Valkey.
pub(super) struct Valkey;

impl Provider for Valkey {
    fn instance_kind(&self) -> Option<&'static str> {
        Some("Valkey")
    }

    fn has_certificates(&self) -> bool {
        false
    }

    fn requests(&self, app: &AppKey, spec: &Spec) -> Vec<Request> {
        let request = |asked: &crate::world::InstanceSpec| {
            let slot = replaced(&asked.instance, '-');
            Request {
                want: Want {
                    service_type: ServiceType::Valkey,
                    instance: asked.instance.clone(),
                    access: asked.access.unwrap_or(Access::Read),
                    services: vec![full_name(ServiceType::Valkey, &app.namespace, &asked.instance)],
                    prefix: self.prefix(app, asked.access.unwrap_or(Access::Read)),
                    group: self.prefix(app, asked.access.unwrap_or(Access::Read)).group(ServiceType::Valkey.as_str()),
                    slot: slot.into(),
                },
                secret_name: asked.secret_name.clone(),
            }
        };
        spec.valkey.iter().map(request).collect()
    }

    fn claims(&self, annotations: &BTreeMap<Name, Name>) -> (Vec<Claim>, Vec<BrokenRecord>) {
        let text = |key: &str| annotations.get(key).filter(|text| !text.is_empty());
        let slots = annotations.keys().filter_map(|key| key.strip_suffix(USER));
        let (mut claims, mut faults) = (vec![], vec![]);
        for slot in slots {
            let Some(username) = text(&format!("{slot}{USER}")) else { continue };
            let (service, project) = (text(&format!("{slot}{SERVICE}")), text(PROJECT));
            if service.is_some() && project.is_none() {
                faults.push(BrokenRecord::Lacks { has: format!("{slot}{USER}").into(), lacks: PROJECT.into() });
            }
            claims.push(Claim {
                service_type: ServiceType::Valkey,
                slot: slot.into(),
                project: project.cloned().unwrap_or_default(),
                services: service.into_iter().cloned().collect(),
                username: username.clone(),
            });
        }
        (claims, faults)
    }

    fn addresses(&self, service: &Service, settings: &Settings) -> Vec<(&'static str, Option<Spelling>)> {
        let spelled = |text: String| Spelling { text, also: vec![] };
        let named = |usage: &'static str| {
            let matching = service.components.iter().filter(move |c| c.component == "valkey" && c.usage == usage);
            choose(&matching, settings)
        };
        let uri = |secure: &str, plain: &str, usage| {
            named(usage).map(|c| {
                let scheme = if c.ssl == Some(false) { plain } else { secure };
                let bare = format!("{scheme}://{}:{}", c.host, c.port);
                match &c.path {
                    Some(path) => Spelling { text: format!("{bare}{path}"), also: vec![bare] },
                    None => spelled(bare),
                }
            })
        };
        let host = |usage| named(usage).map(|c| spelled(c.host.to_string()));
        let port = |usage| named(usage).map(|c| spelled(c.port.to_string()));
        vec![
            ("VALKEY_URI", uri("valkeys", "valkey", "primary")),
            ("VALKEY_HOST", host("primary")),
            ("VALKEY_PORT", port("primary")),
            ("REDIS_URI", uri("rediss", "redis", "primary")),
            ("VALKEY_REPLICA_URI", uri("valkeys", "valkey", "replica")),
            ("VALKEY_REPLICA_HOST", host("replica")),
            ("VALKEY_REPLICA_PORT", port("replica")),
        ]
    }

    fn resolve<'w>(&self, here: Here<'w>, want: &Want) -> Result<Resolved<'w>, Reason> {
        instance::resolve(here, want)
    }

    fn why_not_usable(&self, world: &World, namespace: &Name, service: &ServiceKey) -> Option<Reason> {
        instance::why_not_usable(world, ServiceType::Valkey, namespace, service)
    }

    fn could_mean(&self, want: &Want, claim: &Claim) -> bool {
        instance::could_mean(want, claim)
    }

    fn prefix(&self, app: &AppKey, access: Access) -> Prefix {
        Prefix::with_access(&app.name, access)
    }

    fn record(&self, slot: &str, user: &UserKey) -> Vec<(Name, Name)> {
        let UserKey { project, service, username } = user;
        vec![
            (format!("{slot}{USER}").into(), username.clone()),
            (format!("{slot}{SERVICE}").into(), service.clone()),
            (PROJECT.into(), project.clone()),
        ]
    }

    fn keys(&self) -> &'static [KeyWant] {
        &KEYS
    }

    fn key(&self, slot: &str, stem: &'static str) -> Name {
        format!("{stem}_{}", slot.replace('-', "_").to_uppercase()).into()
    }

    fn access_rules(&self, access: Access) -> Option<AccessRules> {
        let categories = categories(access).map(Name::from).collect();
        let commands = COMMANDS.map(Name::from).to_vec();
        Some(AccessRules { categories, commands, keys: vec![EVERYTHING.into()], channels: vec![EVERYTHING.into()] })
    }

    fn grant(&self, grant: &Grant<'_>) -> Result<Vec<Action>, Reason> {
        let current = grant.observed.and_then(|user: &User| user.access.as_ref());
        if current.is_none_or(|current| is_as(current, grant.access)) {
            return Ok(vec![]);
        }
        let access = self.access_rules(grant.access);
        Ok(access.map(|access| Action::SetAccess { user: grant.user.clone(), access }).into_iter().collect())
    }

    fn held_access(&self, grant: &Grant<'_>) -> Option<Access> {
        let current = grant.observed?.access.as_ref()?;
        Access::ALL.into_iter().find(|access| is_as(current, *access))
    }

    fn revoke(&self, _service: &Service, _user: &UserKey) -> Result<Vec<Action>, Reason> {
        Ok(vec![])
    }
}

const fn address(stem: &'static str, address: &'static str, absent: IfAbsent) -> KeyWant {
    KeyWant::optional(stem, Source::Address(address, absent))
}

static KEYS: [KeyWant; 13] = [
    KeyWant::required("VALKEY_USERNAME", Source::Username),
    KeyWant::required("VALKEY_PASSWORD", Source::Credential(Credential::Password)),
    KeyWant::required("REDIS_USERNAME", Source::Username),
    KeyWant::required("REDIS_PASSWORD", Source::Credential(Credential::Password)),
    KeyWant::required("VALKEY_URI", Source::Address("VALKEY_URI", IfAbsent::Wait)),
    address("VALKEY_HOST", "VALKEY_HOST", IfAbsent::Wait),
    address("VALKEY_PORT", "VALKEY_PORT", IfAbsent::Wait),
    KeyWant::required("REDIS_URI", Source::Address("REDIS_URI", IfAbsent::Wait)),
    address("REDIS_HOST", "VALKEY_HOST", IfAbsent::Wait),
    address("REDIS_PORT", "VALKEY_PORT", IfAbsent::Wait),
    address("VALKEY_REPLICA_URI", "VALKEY_REPLICA_URI", IfAbsent::LeaveOut),
    address("VALKEY_REPLICA_HOST", "VALKEY_REPLICA_HOST", IfAbsent::LeaveOut),
    address("VALKEY_REPLICA_PORT", "VALKEY_REPLICA_PORT", IfAbsent::LeaveOut),
];

fn categories(access: Access) -> impl Iterator<Item = &'static str> {
    let more: &[&str] = match access {
        Access::Admin => &["+@admin", "+@write", "+@read"],
        Access::ReadWrite => &["+@write", "+@read"],
        Access::Write => &["+@write"],
        Access::Read => &["+@read"],
    };
    let base = &["-@all", "+@connection", "+@scripting", "+@pubsub", "+@transaction"];
    base.iter().chain(more).copied()
}

/// What rules of ours give, if they are such.
pub(crate) fn access_of(rules: &AccessRules) -> Option<Access> {
    Access::ALL.into_iter().find(|access| rules.categories.iter().map(Name::as_str).eq(categories(*access)))
}

/// Whether a user has these rights; that it only lacks commands which programs before this one did not give is nothing.
fn is_as(current: &AccessControl, wanted: Access) -> bool {
    let AccessControl { categories: held, commands, keys, channels } = current;
    let mut left = COMMANDS.iter();
    let commands_in_order = commands.iter().all(|command| left.any(|wanted| *command == *wanted));
    let everything = |names: &BTreeSet<Name>| names.len() == 1 && names.contains(EVERYTHING);
    held.iter().map(Name::as_str).eq(categories(wanted))
        && commands_in_order
        && everything(keys)
        && everything(channels)
}
