//! What people, tenants and time do to Secrets.

use std::collections::BTreeMap;

use aivenator::world::{
    Content, Entry, Labels, Lookup, Name, Observed, Retired, Secret, SecretKey, Stores, Validity, World, names,
};
use jiff::SignedDuration;

use super::account::{service_key, user_key};
use super::build::{minutes, now, plain_user, record};
use super::input::*;

/// Does the edits in order; the Secret is made first if there is none.
pub(crate) fn edit_secret(world: &mut World, input: &SecretInput) {
    let key = SecretKey::new(pick(&NAMESPACES, input.namespace), pick(&SECRETS, input.name));
    if input.edits.contains(&SecretEdit::Foreign) {
        if matches!(world.secret(&key), Lookup::Absent) {
            world.put_foreign_secret(&key, input.edits.contains(&SecretEdit::Terminating));
        }
        return;
    }
    let mut secret = match world.secret(&key) {
        Lookup::Found(Entry::Managed(secret)) => Secret::clone(secret),
        Lookup::Found(Entry::Foreign { .. } | Entry::Absent) | Lookup::Unseen(_) => return,
        Lookup::Absent => made(&key),
    };
    for edit in &input.edits {
        secret = edited(world, secret, edit);
    }
    secret.version = format!("{}1", secret.version).into();
    let labelled = secret.labels.kind.as_ref().is_some_and(|value| *value == names::TYPE_VALUE);
    if secret.finalizer || labelled {
        world.put_secret(secret);
    } else {
        world.put_foreign_secret(&key, secret.terminating);
    }
}

/// A managed secret as programs before this one made it, for an application of its namespace.
fn made(key: &SecretKey) -> Secret {
    let mut secret = Secret::new(key.clone(), BTreeMap::new());
    secret.uid = format!("uid of {key}").into();
    secret.version = "5".into();
    secret.created = Some(now());
    secret.finalizer = true;
    secret.labels = Labels {
        app: Some(APPS[0].into()),
        team: Some(key.namespace.clone()),
        kind: Some(names::TYPE_VALUE.into()),
        protected: Some("false".into()),
        secret_generation: Some("0".into()),
    };
    secret
}

fn annotated(secret: &Secret, entries: impl IntoIterator<Item = (Name, Name)>) -> Secret {
    let mut annotations = secret.annotations().clone();
    annotations.extend(entries);
    secret.with_annotations(annotations)
}

fn edited(world: &mut World, mut secret: Secret, edit: &SecretEdit) -> Secret {
    let yes = |name: &str| [(Name::from(name), Name::from("true"))];
    match edit {
        SecretEdit::Foreign => {}
        SecretEdit::Terminating => secret.terminating = secret.finalizer,
        SecretEdit::NoFinalizer => {
            secret.finalizer = false;
            secret.terminating = false;
        }
        SecretEdit::NoAppLabel => {
            secret.labels.app = None;
        }
        SecretEdit::NoLabels => secret.labels = Labels::default(),
        SecretEdit::AppLabel(app) => {
            secret.labels.app = Some(pick(&APPS, *app).into());
        }
        SecretEdit::Protected => return annotated(&secret, yes(names::PROTECTED)),
        SecretEdit::TimeLimit(end) => {
            let end = end.map_or("soon".to_owned(), |end| minutes(now(), end).to_string());
            let limit = annotated(&secret, yes(names::PROTECTED).into_iter().chain(yes(names::TIME_LIMIT)));
            return annotated(&limit, [(names::EXPIRES_AT.into(), end.into())]);
        }
        SecretEdit::SkipCleanup => return annotated(&secret, yes(names::SKIP_CLEANUP)),
        SecretEdit::Paused => return annotated(&secret, yes(names::PAUSED)),
        SecretEdit::Immutable => secret.immutable = true,
        SecretEdit::Old => secret.created = None,
        SecretEdit::NoTypeLabel => {
            secret.labels.kind = None;
        }
        SecretEdit::Record(_) | SecretEdit::Retired(..) | SecretEdit::CopyRecords(_) => {
            return recorded(world, &secret, edit);
        }
        SecretEdit::BreakRecord(_)
        | SecretEdit::RetiredUnreadable(_)
        | SecretEdit::Legacy
        | SecretEdit::EmptyKey(_)
        | SecretEdit::RemoveKey(_)
        | SecretEdit::ForeignKey
        | SecretEdit::UnseenData
        | SecretEdit::CertificateEnds(_) => return damaged(secret, edit),
    }
    secret
}

/// What the secret says of users.
fn recorded(world: &mut World, secret: &Secret, edit: &SecretEdit) -> Secret {
    match edit {
        SecretEdit::Record(account) => {
            let user = put_account(world, account);
            annotated(secret, record(&account.service, &user))
        }
        SecretEdit::Retired(account, age) => {
            let user = put_account(world, account);
            let since = minutes(now(), -age);
            let entry = Retired { service: service_key(&account.service), username: user.username, since };
            let all: Vec<Retired> = secret.retired().iter().cloned().chain([entry]).collect();
            annotated(secret, [(names::RETIRED.into(), Retired::format(&all).into())])
        }
        SecretEdit::CopyRecords(name) => {
            let other = SecretKey { namespace: secret.key.namespace.clone(), name: pick(&SECRETS, *name).into() };
            let records = |(name, _): &(&Name, &Name)| !name.starts_with("aivenator");
            let copied: Vec<(Name, Name)> = world
                .managed(&other)
                .into_iter()
                .flat_map(|other| other.annotations().iter().filter(records))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            annotated(secret, copied)
        }
        _ => secret.clone(),
    }
}

fn damaged(mut secret: Secret, edit: &SecretEdit) -> Secret {
    let keys: Vec<Name> =
        secret.data().seen().map(|keys| keys.iter().map(|(key, _)| key.clone()).collect()).unwrap_or_default();
    let chosen = |index: usize| keys.get(index % keys.len().max(1)).cloned();
    match edit {
        SecretEdit::BreakRecord(index) => {
            let mut annotations = secret.annotations().clone();
            let records: Vec<Name> =
                annotations.keys().filter(|name| !name.starts_with("aivenator")).cloned().collect();
            if let Some(name) = records.get(index % records.len().max(1)) {
                annotations.remove(name);
            }
            return secret.with_annotations(annotations);
        }
        SecretEdit::RetiredUnreadable(partly) => {
            let list = Retired::format(secret.retired());
            let list = if *partly { list.replacen('[', "[7,", 1).replace(",]", "]") } else { "not json".to_owned() };
            return annotated(&secret, [(names::RETIRED.into(), list.into())]);
        }
        SecretEdit::Legacy => {
            let entry = |name: &str, value: &str| (Name::from(name), Name::from(value));
            return annotated(
                &secret,
                [
                    entry("opensearch.aiven.nais.io/serviceUser", "a-r-9"),
                    entry("elastic.aiven.nais.io/serviceUser", "a-r-8"),
                    entry("elastic.aiven.nais.io/project", "p1"),
                ],
            );
        }
        SecretEdit::EmptyKey(index) => set(&mut secret, chosen(*index), Content::Empty),
        SecretEdit::RemoveKey(index) => {
            if let (Observed::Seen(mut keys), Some(key)) = (secret.data().clone(), chosen(*index)) {
                keys.remove(&key);
                secret.set_data(Observed::Seen(keys));
            }
        }
        SecretEdit::ForeignKey => set(&mut secret, Some("SOMETHING_ELSE".into()), Content::Opaque),
        SecretEdit::UnseenData => secret.set_data(Observed::Unseen("nobody looked".into())),
        SecretEdit::CertificateEnds(days) => {
            let until = minutes(now(), days * 24 * 60);
            secret.certificate = Some(Validity { from: until - SignedDuration::from_hours(820 * 24), until });
            secret.stores = Stores::NotNoted;
        }
        _ => {}
    }
    secret
}

fn set(secret: &mut Secret, key: Option<Name>, content: Content) {
    if let (Observed::Seen(mut keys), Some(key)) = (secret.data().clone(), key) {
        keys.set(key, content);
        secret.set_data(Observed::Seen(keys));
    }
}

/// The account, at Aiven too if it exists and nobody has put it there yet.
fn put_account(world: &mut World, account: &Account) -> aivenator::world::UserKey {
    let key = user_key(account);
    if account.exists && matches!(world.user(&key), Lookup::Absent) {
        let user = plain_user(world, &key, now());
        world.put_user(&key, user);
    }
    key
}
