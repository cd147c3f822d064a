//! What OpenSearch and Valkey have in common: instances that namespaces own, and how their addresses are chosen.
//!
//! Takes as given that an instance object is named like its Aiven service; never believes a name that another namespace
//! may own as well.

use super::{Resolved, ServiceType, Want};
use crate::read::Read;
use crate::reason::Reason;
use crate::world::{Claim, Component, Here, Kind, Lookup, Name, ServiceKey, Settings, World, is_usable};

/// Resolves a request: the first of its names for which the namespace holds an instance object.
pub(super) fn resolve<'w>(here: Here<'w>, want: &Want) -> Result<Resolved<'w>, Reason> {
    let settings = here.world.settings();
    if !settings.instance_check {
        return resolve_by_name(here, want);
    }
    for name in &want.services {
        match here.instance(want.service_type, name) {
            Lookup::Unseen(why) => {
                return Err(Reason::NotObserved { what: Read::Kind(Kind::Instance(want.service_type)), why });
            }
            Lookup::Absent => {}
            Lookup::Found((name, state)) => {
                let service = ServiceKey { project: settings.main_project.clone(), service: name.clone() };
                let hindrance = why_hindered(here.world, want.service_type, name, state);
                return existing(here.world, service, hindrance);
            }
        }
    }
    Err(Reason::InstanceNotFound { service: want.service_type, names: want.services.clone() })
}

/// Without instance objects only a name that begins with the namespace's own prefix is believed.
fn resolve_by_name<'w>(here: Here<'w>, want: &Want) -> Result<Resolved<'w>, Reason> {
    let Here { world, name: namespace, space: _ } = here;
    if let Some(why) = world.why_unlisted(Kind::Instance(want.service_type)) {
        let what = Read::Kind(Kind::Instance(want.service_type));
        return Err(Reason::NotObserved { what, why: why.clone() });
    }
    let prefix = own_prefix(want.service_type, namespace);
    let project = &world.settings().main_project;
    let mut last = Reason::InstanceNotFound { service: want.service_type, names: want.services.clone() };
    for name in want.services.iter().filter(|name| name.starts_with(&prefix)) {
        let service = ServiceKey { project: project.clone(), service: name.clone() };
        match existing(world, service, why_held_elsewhere(world, want.service_type, (namespace, name))) {
            Err(reason @ Reason::ServiceNotFound { .. }) => last = reason,
            other => return other,
        }
    }
    Err(last)
}

/// Whether such a claim can be about what is wanted, where the service cannot be resolved.
pub(super) fn could_mean(want: &Want, claim: &Claim) -> bool {
    claim.services.is_empty() || claim.services.iter().any(|service| want.services.contains(service))
}

/// Without instance objects a name may still be seen to be another namespace's.
fn why_held_elsewhere(world: &World, service_type: ServiceType, (namespace, name): (&Name, &Name)) -> Option<Reason> {
    let mut namespaces: Vec<Name> = world.holders(service_type, name).cloned().collect();
    if namespaces.iter().all(|holder| holder == namespace) {
        return None;
    }
    namespaces.push(namespace.clone());
    namespaces.sort();
    namespaces.dedup();
    Some(Reason::InstanceAmbiguous { name: name.clone(), namespaces })
}

/// Checks that Aiven has the service, and in which state.
pub(super) fn existing(world: &World, key: ServiceKey, hindrance: Option<Reason>) -> Result<Resolved<'_>, Reason> {
    match world.service(&key) {
        Lookup::Absent => Err(Reason::ServiceNotFound { service: key }),
        Lookup::Unseen(why) => Err(Reason::NotObserved { what: Read::Service(key), why }),
        Lookup::Found(service) => {
            let unusable = || Reason::InstanceNotReady { name: key.service.clone(), state: service.state.clone() };
            let hindrance = hindrance.or_else(|| (!service.usable()).then(unusable));
            Ok(Resolved { key, service, hindrance })
        }
    }
}

fn why_hindered(world: &World, service_type: ServiceType, name: &Name, state: &Name) -> Option<Reason> {
    if world.is_ambiguous(service_type, name) {
        let namespaces: Vec<Name> = world.holders(service_type, name).cloned().collect();
        return Some(Reason::InstanceAmbiguous { name: name.clone(), namespaces });
    }
    (!is_usable(state)).then(|| Reason::InstanceNotReady { name: name.clone(), state: state.clone() })
}

/// Why a namespace may not use a service that a record on one of its secrets names.
pub(super) fn why_not_usable(
    world: &World,
    service_type: ServiceType,
    namespace: &Name,
    service: &ServiceKey,
) -> Option<Reason> {
    let settings = world.settings();
    if service.project != settings.main_project {
        return Some(Reason::PoolNotAllowed { pool: service.project.clone(), service: service_type, held: false });
    }
    let holders: Vec<&Name> = world.holders(service_type, &service.service).collect();
    if holders.contains(&namespace) {
        return None;
    }
    if let Some(why) = world.why_unlisted(Kind::Instance(service_type)) {
        return Some(Reason::NotObserved { what: Read::Kind(Kind::Instance(service_type)), why: why.clone() });
    }
    let own_by_name = service.service.starts_with(&own_prefix(service_type, namespace)) && holders.is_empty();
    let what = || format!("service {service} is not one of namespace {namespace}").into();
    (!own_by_name).then(|| Reason::NotOurs { what: what() })
}

/// What every service name of a namespace begins with.
pub(super) fn own_prefix(service_type: ServiceType, namespace: &str) -> String {
    format!("{service_type}-{namespace}-")
}

/// The full name of the service of an instance.
pub(super) fn full_name(service_type: ServiceType, namespace: &str, instance: &str) -> Name {
    format!("{}{instance}", own_prefix(service_type, namespace)).into()
}

/// The component to hand out: of those that match, on the first route that is present, not through privatelink, the
/// first by (host, port).
pub(super) fn choose<'w>(
    components: &(impl Iterator<Item = &'w Component> + Clone),
    settings: &Settings,
) -> Option<&'w Component> {
    let on = |route: &Name| {
        let here = components.clone().filter(|component| component.route == *route && !component.privatelink);
        here.min_by(|a, b| (&a.host, a.port).cmp(&(&b.host, b.port)))
    };
    settings.routes.iter().find_map(on)
}

/// An instance's name as it stands in keys or annotations: every character outside a-z and 0-9 replaced.
pub(super) fn replaced(instance: &str, by: char) -> String {
    instance.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { by }).collect()
}
