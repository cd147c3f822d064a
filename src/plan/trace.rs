//! Which account a record of a service stands for, and whether that can be told.
//!
//! Takes as given that a record may name several services, of which its user is on one. Never gives up a record while a look
//! could tell which.

use crate::read::Read;
use crate::reason::Reason;
use crate::want::ServiceType;
use crate::world::{Claim, Lookup, Name, ServiceKey, Settings, UserKey, World};

/// The account that a claim stands for: on the first of its services where it exists, else on the first that exists.
pub(super) fn account_of(world: &World, claim: &Claim) -> UserKey {
    let key = |service: &Name| ServiceKey { project: claim.project.clone(), service: service.clone() };
    let has_user = |service: &&Name| matches!(world.user(&key(service).user(claim.username.clone())), Lookup::Found(_));
    let exists = |service: &&Name| matches!(world.service(&key(service)), Lookup::Found(_));
    let services = || claim.services.iter();
    let service = services().find(has_user).or_else(|| services().find(exists)).or(claim.services.first());
    service.map_or_else(|| key(&Name::default()), key).user(claim.username.clone())
}

/// The accounts that are given up with a claim: the one that it stands for; every one that it can stand for, where the
/// settings no longer name its project, so that nothing will ever tell which.
pub(super) fn given_up(world: &World, claim: &Claim) -> Vec<UserKey> {
    if unseen_service(world, claim).is_some() { claim.accounts().collect() } else { vec![account_of(world, claim)] }
}

/// Whether the settings name a project for a kind of service.
pub(super) fn is_named(settings: &Settings, service_type: ServiceType, project: &Name) -> bool {
    match service_type.instance_kind() {
        None => settings.projects.contains(project),
        Some(_) => settings.main_project == *project,
    }
}

/// Why it cannot be told yet on which of its services the user of a claim is: such a record is not given up.
pub(super) fn why_untraceable(world: &World, claim: &Claim) -> Option<Reason> {
    unseen_service(world, claim).filter(|_| is_named(world.settings(), claim.service_type, &claim.project))
}

/// What was not seen of several services that a claim can mean.
fn unseen_service(world: &World, claim: &Claim) -> Option<Reason> {
    let key = |service: &Name| ServiceKey { project: claim.project.clone(), service: service.clone() };
    let look = |service: &Name| (key(service), world.service(&key(service)));
    let mut unseen = claim.services.iter().map(look).filter_map(|(service, found)| match found {
        Lookup::Unseen(why) => Some(Reason::NotObserved { what: Read::Service(service), why }),
        Lookup::Found(_) | Lookup::Absent => None,
    });
    (claim.services.len() > 1).then(|| unseen.next()).flatten()
}
