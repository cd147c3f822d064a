//! What OpenSearch and Valkey have in common: instances that namespaces own, and how their addresses are chosen.
//!
//! Takes as given that an instance object is named like its Aiven service; never believes a name that another namespace
//! may own as well.

use super::{Resolved, ServiceType, Want};
use crate::read::Read;
use crate::reason::Reason;
use crate::world::{Component, Kind, Lookup, Name, ServiceKey, Settings, World, is_usable};

/// Resolves a request: the first of these names for which the namespace holds an instance object.
pub(super) fn resolve(world: &World, namespace: &Name, want: &Want, names: &[Name]) -> Result<Resolved, Reason> {
    let settings = world.settings();
    if !settings.instance_check {
        return resolve_by_name(world, namespace, want, names);
    }
    for name in names {
        match world.instance(want.service_type, namespace, name) {
            Lookup::Unseen(why) => {
                return Err(Reason::NotObserved { what: Read::Kind(Kind::Instance(want.service_type)), why });
            }
            Lookup::Absent => {}
            Lookup::Found(state) => {
                let service = ServiceKey { project: settings.main_project.clone(), service: name.clone() };
                let hindrance = why_hindered(world, want.service_type, name, state);
                return existing(world, service, hindrance);
            }
        }
    }
    Err(Reason::InstanceNotFound { service: want.service_type, names: names.to_vec() })
}

/// Without instance objects only a name that begins with the namespace's own prefix is believed.
fn resolve_by_name(world: &World, namespace: &Name, want: &Want, names: &[Name]) -> Result<Resolved, Reason> {
    if let Some(why) = world.why_unlisted(Kind::Instance(want.service_type)) {
        let what = Read::Kind(Kind::Instance(want.service_type));
        return Err(Reason::NotObserved { what, why: why.clone() });
    }
    let prefix = own_prefix(want.service_type, namespace);
    let project = &world.settings().main_project;
    let mut last = Reason::InstanceNotFound { service: want.service_type, names: names.to_vec() };
    for name in names.iter().filter(|name| name.starts_with(&prefix)) {
        let service = ServiceKey { project: project.clone(), service: name.clone() };
        match existing(world, service, why_held_elsewhere(world, want.service_type, (namespace, name))) {
            Err(reason @ Reason::ServiceNotFound { .. }) => last = reason,
            other => return other,
        }
    }
    Err(last)
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
pub(super) fn existing(world: &World, service: ServiceKey, hindrance: Option<Reason>) -> Result<Resolved, Reason> {
    match world.service(&service) {
        Lookup::Absent => Err(Reason::ServiceNotFound { service }),
        Lookup::Unseen(why) => Err(Reason::NotObserved { what: Read::Service(service), why }),
        Lookup::Found(found) if !found.usable() && hindrance.is_none() => {
            let hindrance = Reason::InstanceNotReady { name: service.service.clone(), state: found.state.clone() };
            Ok(Resolved { service, hindrance: Some(hindrance) })
        }
        Lookup::Found(_) => Ok(Resolved { service, hindrance }),
    }
}

fn why_hindered(world: &World, service_type: ServiceType, name: &Name, state: &Name) -> Option<Reason> {
    let namespaces: Vec<Name> = world.holders(service_type, name).cloned().collect();
    if namespaces.len() > 1 {
        return Some(Reason::InstanceAmbiguous { name: name.clone(), namespaces });
    }
    let not_ready = Reason::InstanceNotReady { name: name.clone(), state: state.clone() };
    (!is_usable(state)).then_some(not_ready)
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
        return Some(Reason::PoolNotAllowed { pool: service.project.clone() });
    }
    let holders: Vec<&Name> = world.holders(service_type, &service.service).collect();
    if holders.contains(&namespace) {
        return None;
    }
    if let Some(why) = world.why_unlisted(Kind::Instance(service_type)) {
        return Some(Reason::NotObserved { what: Read::Kind(Kind::Instance(service_type)), why: why.clone() });
    }
    let own_by_name = service.service.starts_with(&own_prefix(service_type, namespace)) && holders.is_empty();
    (!own_by_name).then(|| Reason::NotOurs { what: format!("service {service} is not one of {namespace}").into() })
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
