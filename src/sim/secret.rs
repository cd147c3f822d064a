//! What actions do to Secrets.
//!
//! Takes as given that a write is one patch: either all of it happens or nothing. A value whose source is not there, or
//! not ready, ends the write before it begins.

use std::collections::BTreeMap;

use super::next_version;
use super::user::{CERTIFICATE_LIFE, ready};
use crate::action::{Operation, WriteKeys};
use crate::value::{Credential, Value};
use crate::world::{
    Content, Entry, Expect, Keys, Lookup, Name, Observed, Secret, SecretKey, Stores, User, UserKey, Validity, World,
    names,
};

/// Creates or patches a Secret.
pub(super) fn write(world: &mut World, write: &WriteKeys) -> bool {
    let key = SecretKey { namespace: write.namespace.clone(), name: write.name.clone() };
    let Some(base) = writable(world, &key, write) else { return false };
    let Some(contents) = contents(world, &write.set) else { return false };
    let annotations = annotations(&base, &write.annotations);
    let mut secret = base.with_annotations(annotations);
    write_data(&mut secret, write, contents);
    secret.stores = stores(&base, write);
    for (label, value) in &write.labels {
        secret.labels.set(label, value.clone());
    }
    secret.finalizer |= write.finalizers.iter().any(|finalizer| *finalizer == names::FINALIZER);
    if write.set.contains_key("AIVEN_SECRET_UPDATED") {
        secret.written = Some(world.now);
    }
    match write.set.get("KAFKA_CERTIFICATE") {
        Some(Value::User { field: Credential::Certificate, user }) => secret.certificate = validity(world, user),
        Some(_) => secret.certificate = None,
        None if write.remove.iter().any(|key| *key == "KAFKA_CERTIFICATE") => secret.certificate = None,
        None => {}
    }
    secret.version = next_version(&base.version);
    world.put_secret(secret);
    true
}

/// What the write starts from, if it may begin.
fn writable(world: &World, key: &SecretKey, write: &WriteKeys) -> Option<Secret> {
    let touches_data = !write.set.is_empty() || !write.remove.is_empty();
    match (write.operation, world.secret(key)) {
        (Operation::Create, Lookup::Absent) => {
            let mut secret = Secret::new(key.clone(), BTreeMap::new());
            secret.uid = format!("{key}@{}", world.now.as_second()).into();
            secret.created = Some(world.now);
            Some(secret)
        }
        (Operation::Patch, Lookup::Found(Entry::Managed(secret))) => {
            let fits = write.expect.as_ref().is_some_and(|expect| is_as_expected(secret, expect));
            (fits && !(secret.immutable && touches_data)).then(|| Secret::clone(secret))
        }
        (Operation::Create, Lookup::Found(_) | Lookup::Unseen(_))
        | (
            Operation::Patch,
            Lookup::Found(Entry::Foreign { .. } | Entry::Absent) | Lookup::Absent | Lookup::Unseen(_),
        ) => None,
    }
}

/// What the values come to; `None` if one of them cannot be had.
fn contents(world: &World, set: &BTreeMap<Name, Value>) -> Option<Vec<(Name, Content)>> {
    set.iter().map(|(key, value)| content(world, value).map(|content| (key.clone(), content))).collect()
}

fn content(world: &World, value: &Value) -> Option<Content> {
    match value {
        Value::Text { text } => Some(world.digester().content(text.as_bytes())),
        Value::User { field, user } => {
            let user = existing(world, user)?;
            ready(match field {
                Credential::Password => user.password,
                Credential::Certificate => user.certificate,
                Credential::PrivateKey => user.private_key,
            })
        }
        Value::Ca { project } => match world.project(project) {
            Lookup::Found(project) => Some(project.ca.seen().copied().unwrap_or(Content::Opaque)),
            Lookup::Absent | Lookup::Unseen(_) => None,
        },
        Value::Keystore { user } => {
            let user = existing(world, user)?;
            ready(user.certificate).and(ready(user.private_key)).map(|_| Content::Opaque)
        }
        Value::Truststore { .. } | Value::Clock | Value::StoreDigests => Some(Content::Opaque),
    }
}

fn existing<'w>(world: &'w World, user: &UserKey) -> Option<&'w User> {
    match world.user(user) {
        Lookup::Found(user) => Some(user),
        Lookup::Absent | Lookup::Unseen(_) => None,
    }
}

fn write_data(secret: &mut Secret, write: &WriteKeys, contents: Vec<(Name, Content)>) {
    if let Observed::Seen(keys) = secret.data() {
        let mut keys: Keys = keys.clone();
        for key in &write.remove {
            keys.remove(key);
        }
        for (key, content) in contents {
            keys.set(key, content);
        }
        secret.set_data(Observed::Seen(keys));
    }
}

fn annotations(base: &Secret, set: &BTreeMap<Name, Option<Value>>) -> BTreeMap<Name, Name> {
    let mut annotations = base.annotations().clone();
    for (name, value) in set {
        match value {
            Some(Value::Text { text }) => {
                annotations.insert(name.clone(), text.clone());
            }
            Some(other) => {
                annotations.insert(name.clone(), described(other));
            }
            None => {
                annotations.remove(name);
            }
        }
    }
    annotations
}

/// A text that stands for a value which only exists when it is written.
fn described(value: &Value) -> Name {
    match value {
        Value::Text { text } => text.clone(),
        Value::StoreDigests => "the digests of both stores".into(),
        Value::Clock => "the moment of writing".into(),
        Value::User { user, .. } | Value::Keystore { user } => format!("of {user}").into(),
        Value::Ca { project } | Value::Truststore { project } => format!("of project {project}").into(),
    }
}

fn stores(base: &Secret, write: &WriteKeys) -> Stores {
    let rewritten = ["client.keystore.p12", "client.truststore.jks"].into_iter().any(|key| write.set.contains_key(key));
    match write.annotations.get(names::KEYSTORES) {
        Some(Some(_)) => Stores::Fit,
        Some(None) => Stores::NotNoted,
        None => match base.stores {
            Stores::Fit | Stores::Differ if rewritten => Stores::Differ,
            stores @ (Stores::NotNoted | Stores::Unseen | Stores::Fit | Stores::Differ) => stores,
        },
    }
}

fn validity(world: &World, user: &UserKey) -> Option<Validity> {
    let until = existing(world, user)?.certificate_ends?;
    let from = until.checked_sub(CERTIFICATE_LIFE).ok()?;
    Some(Validity { from, until })
}

/// Deletes a Secret, or marks it as being deleted where a finalizer of ours is on it.
pub(super) fn delete(world: &mut World, key: &SecretKey, expect: &Expect) -> bool {
    let Some(mut secret) = expected(world, key, expect) else { return false };
    if secret.finalizer {
        secret.terminating = true;
        secret.version = next_version(&secret.version);
        world.put_secret(secret);
    } else {
        world.remove_secret(key);
    }
    true
}

/// Removes our finalizer; a Secret that is being deleted is gone with it.
pub(super) fn release(world: &mut World, key: &SecretKey, expect: &Expect) -> bool {
    let Some(mut secret) = expected(world, key, expect) else { return false };
    if secret.terminating {
        world.remove_secret(key);
    } else {
        secret.finalizer = false;
        secret.version = next_version(&secret.version);
        world.put_secret(secret);
    }
    true
}

fn expected(world: &World, key: &SecretKey, expect: &Expect) -> Option<Secret> {
    world.managed(key).filter(|secret| is_as_expected(secret, expect)).cloned()
}

fn is_as_expected(secret: &Secret, expect: &Expect) -> bool {
    secret.uid == expect.uid && secret.version == expect.version
}
