//! What actions do to service users and their rights.
//!
//! Takes as given that Aiven shows a change at once; whether a user exists is taken from the world, and where that was
//! not observed nothing is made. Deleting a user leaves its ACL rules, as Aiven does.

use jiff::SignedDuration;

use super::journal;
use crate::action::AccessRules;
use crate::want::opensearch_rules;
use crate::world::{
    AccessControl, AclDocument, Content, Lookup, Name, Observed, Outcome, Service, ServiceKey, User, UserKey, World,
};

/// How long a Kafka certificate is valid.
pub(super) const CERTIFICATE_LIFE: SignedDuration = SignedDuration::from_hours(820 * 24);

/// Makes a user; a name that is taken is noted in its intent, and nothing else happens.
pub(super) fn create(world: &mut World, key: &UserKey, access: Option<&AccessRules>) -> bool {
    match world.user(key) {
        Lookup::Found(_) => {
            journal::note(world, key, Outcome::Taken);
            false
        }
        Lookup::Unseen(_) if !world.is_not_listed(key) => false,
        Lookup::Absent | Lookup::Unseen(_) => {
            let Lookup::Found(service) = world.service(&key.service_key()) else { return false };
            let kafka = service.service_type == "kafka";
            let user = made(world, key, kafka, access);
            world.put_user(key, user);
            journal::note(world, key, Outcome::Created);
            true
        }
    }
}

fn made(world: &World, key: &UserKey, kafka: bool, access: Option<&AccessRules>) -> User {
    let now = world.now;
    let content = |what: &str| world.digester().content(format!("{what} of {key} made at {now}").as_bytes());
    let of_kafka = |what: &str| if kafka { Some(content(what)) } else { None };
    User {
        name: world.digester().content(key.username.as_bytes()),
        primary: false,
        password: Some(content("password")),
        certificate: of_kafka("certificate"),
        private_key: of_kafka("private key"),
        certificate_ends: if kafka { now.checked_add(CERTIFICATE_LIFE).ok() } else { None },
        expiring_certificate_ends: None,
        password_updated: Some(now),
        changed: false,
        access: access.map(control),
    }
}

fn control(rules: &AccessRules) -> AccessControl {
    let AccessRules { categories, commands, keys, channels } = rules;
    AccessControl {
        categories: categories.clone(),
        commands: commands.clone(),
        keys: keys.iter().cloned().collect(),
        channels: channels.iter().cloned().collect(),
    }
}

/// Replaces the rights of a Valkey user.
pub(super) fn set_access(world: &mut World, key: &UserKey, rules: &AccessRules) -> bool {
    let Lookup::Found(user) = world.user(key) else { return false };
    let user = User { access: Some(control(rules)), ..user.clone() };
    world.put_user(key, user);
    true
}

/// Turns ACLs on.
pub(super) fn enable_acl(world: &mut World, project: &Name, service: &Name) -> bool {
    let key = ServiceKey { project: project.clone(), service: service.clone() };
    edit_acl(world, &key, |document| document.enabled = true)
}

/// Makes the rules of a user exactly those of a permission.
pub(super) fn grant(world: &mut World, user: &UserKey, permission: &Name) -> bool {
    let rules = opensearch_rules(permission).into_iter().collect();
    edit_acl(world, &user.service_key(), |document| {
        document.rules.insert(user.username.clone(), rules);
    })
}

/// Removes the rules of a user; a service that is gone has none.
pub(super) fn revoke(world: &mut World, user: &UserKey) -> bool {
    if matches!(world.service(&user.service_key()), Lookup::Absent) {
        return true;
    }
    edit_acl(world, &user.service_key(), |document| {
        document.rules.remove(&user.username);
    })
}

/// Deletes a user; one that is gone counts as deleted, with its service and without.
pub(super) fn delete(world: &mut World, key: &UserKey) -> bool {
    match world.service(&key.service_key()) {
        Lookup::Found(_) => {
            world.remove_user(key);
            true
        }
        Lookup::Absent => true,
        Lookup::Unseen(_) => false,
    }
}

fn edit_acl(world: &mut World, key: &ServiceKey, edit: impl FnOnce(&mut AclDocument)) -> bool {
    let mut done = false;
    world.edit_service(key, |service: &mut Service| {
        if let Observed::Seen(document) = &mut service.acl {
            edit(document);
            done = true;
        }
    });
    done
}

/// A credential as it can be copied into a secret; `None` where Aiven has not given it yet.
pub(super) fn ready(credential: Option<Content>) -> Option<Content> {
    match credential {
        None => Some(Content::Opaque),
        Some(Content::Empty) => None,
        Some(content @ (Content::Opaque | Content::Digest(_) | Content::Snapshot(_))) => Some(content),
    }
}
