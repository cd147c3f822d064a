//! Users that a secret names without saying where they are: which of them stay at Aiven when it goes.
//!
//! Takes as given that such a user is never deleted for its record alone. Says of each the accounts of that name on
//! services that the namespace may use, else the bare name; never asks Aiven for it.

use crate::want::ServiceType;
use crate::world::{Claim, Lookup, Name, Secret, ServiceKey, UserKey, World};

/// The users of the records of a secret that are not whole, as far as they may exist and no other secret records them.
pub(super) fn behind(world: &World, secret: &Secret) -> Vec<UserKey> {
    let claims = secret.claims().iter().filter(|claim| !claim.is_whole());
    let mut users: Vec<UserKey> = claims.flat_map(|claim| of_claim(world, secret, claim)).collect();
    users.retain(|user| !is_recorded(world, secret, user));
    users.sort();
    users.dedup();
    users
}

fn of_claim(world: &World, secret: &Secret, claim: &Claim) -> Vec<UserKey> {
    let (mut found, mut unsure) = (vec![], false);
    for project in projects(world, claim) {
        let observed = match world.project(&project) {
            Lookup::Found(observed) => observed,
            Lookup::Absent => continue,
            Lookup::Unseen(_) => {
                unsure = true;
                continue;
            }
        };
        unsure |= !observed.complete;
        let services = observed.services.keys().map(|name| ServiceKey::new(project.clone(), name.clone()));
        for service in services.filter(|service| may_be_on(world, secret, claim, service)) {
            let user = service.user(claim.username.clone());
            match world.user(&user) {
                Lookup::Found(_) => found.push(user),
                Lookup::Absent => {}
                Lookup::Unseen(_) => unsure = true,
            }
        }
    }
    if found.is_empty() && unsure {
        let service = claim.services.first().cloned().unwrap_or_default();
        found.push(UserKey { project: claim.project.clone(), service, username: claim.username.clone() });
    }
    found
}

/// The projects that the user of a record can be in.
fn projects(world: &World, claim: &Claim) -> Vec<Name> {
    let settings = world.settings();
    match claim.service_type.instance_kind() {
        _ if !claim.project.is_empty() => vec![claim.project.clone()],
        None => settings.projects.iter().cloned().collect(),
        Some(_) => vec![settings.main_project.clone()],
    }
}

fn may_be_on(world: &World, secret: &Secret, claim: &Claim, service: &ServiceKey) -> bool {
    let named = claim.services.is_empty() || claim.services.contains(&service.service);
    let of_kind = match world.service(service) {
        Lookup::Found(found) => ServiceType::named(&found.service_type) == Some(claim.service_type),
        Lookup::Absent => false,
        Lookup::Unseen(_) => true,
    };
    named && of_kind && claim.service_type.why_not_usable(world, &secret.key.namespace, service).is_none()
}

/// Whether a secret that stays has the user as well.
fn is_recorded(world: &World, secret: &Secret, user: &UserKey) -> bool {
    let recorders = world.recorders(user);
    let mut others = recorders.iter().filter(|key| **key != secret.key).filter_map(|key| world.managed(key));
    others.any(|other| !other.terminating)
}
