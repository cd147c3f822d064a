//! The journal: `ConfigMap` `aivenator-journal`, one entry a key.
//!
//! Decides which entries can be read, and how one is written. One that cannot be read is named and kept, never guessed
//! at: it stops creation.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::field::{Fault, Object, integer, some_text, text, time};
use super::metadata::{Names, namespace_name, object_name};
use super::syntax;
use crate::world::{Intent, Journal, Name, Outcome, Retirement, SecretKey, UserKey};

/// The version of the entries that are understood.
const VERSION: i64 = 1;

/// The key under which the uid of kube-system stands.
pub const CLUSTER: &str = "cluster";

/// What was found in the `ConfigMap`.
#[derive(Debug)]
pub struct FoundJournal {
    /// Its entries.
    pub journal: Journal,
    /// The uid of kube-system in the cluster that it belongs to.
    pub cluster: Option<Name>,
}

/// Reads the `ConfigMap` as an API server gives it; the error says what was expected.
pub fn read_journal(config_map: &Value) -> Result<FoundJournal, String> {
    let read = || read(&Object::of(config_map)?, &Names::default());
    read().map_err(|fault| fault.describe(false))
}

/// An entry as it is written: its key and its text.
pub type Entry = (String, String);

/// The entry of an intent; with when its POST was sent where others have to know, since that was long after.
pub fn intent_entry(user: &UserKey, intent: &Intent) -> Entry {
    let Intent { secret, application, application_uid, since, sent, outcome: _ } = intent;
    let mut entry = json!({
        "version": VERSION,
        "project": user.project, "service": user.service, "username": user.username,
        "namespace": secret.namespace, "secret": secret.name,
        "application": application, "applicationUid": application_uid,
        "since": since.to_string(),
    });
    if let (Some(sent), Value::Object(members)) = (sent, &mut entry) {
        members.insert("sent".to_owned(), json!(sent.to_string()));
    }
    (intent_key(user), entry.to_string())
}

/// The entry of a retirement.
pub fn retirement_entry(user: &UserKey, retirement: &Retirement) -> Entry {
    let Retirement { secret, application, since } = retirement;
    let entry = json!({
        "version": VERSION,
        "project": user.project, "service": user.service, "username": user.username,
        "namespace": secret.namespace, "secret": secret.name,
        "application": application,
        "since": since.to_string(),
    });
    (retirement_key(user), entry.to_string())
}

/// The entry of a user that was left behind.
pub fn left_behind_entry(user: &UserKey, reason: &str) -> Entry {
    let entry = json!({
        "version": VERSION,
        "project": user.project, "service": user.service, "username": user.username,
        "reason": reason,
    });
    (left_behind_key(user), entry.to_string())
}

/// The key of a user that was left behind.
pub fn left_behind_key(user: &UserKey) -> String {
    format!("left.{}", hash(user))
}

/// The key of an intent.
pub fn intent_key(user: &UserKey) -> String {
    format!("intent.{}", hash(user))
}

/// The key of a retirement.
pub fn retirement_key(user: &UserKey) -> String {
    format!("retired.{}", hash(user))
}

fn hash(user: &UserKey) -> String {
    let UserKey { project, service, username } = user;
    let digest = Sha256::digest(format!("{project}/{service}/{username}"));
    digest.iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads a journal; entries that cannot be read are part of it.
pub(super) fn read(root: &Object<'_>, names: &Names) -> Result<FoundJournal, Fault> {
    let mut found = FoundJournal { journal: Journal::default(), cluster: None };
    if let Some(data) = root.opt("data", Object::of)? {
        for (key, value) in data.entries() {
            if entry(key, value, &mut found, names).is_none() {
                found.journal.unreadable.push(key.into());
            }
        }
    }
    let binary = root.opt("binaryData", Object::of)?;
    found.journal.unreadable.extend(binary.iter().flat_map(Object::entries).map(|(key, _)| key.into()));
    found.journal.unreadable.sort();
    Ok(found)
}

/// Takes in one entry; `None` if it cannot be read, or speaks of a user of whom another entry of its kind speaks.
fn entry(key: &str, value: &Value, found: &mut FoundJournal, names: &Names) -> Option<()> {
    let text = value.as_str()?;
    if key == CLUSTER {
        found.cluster = Some(Name::from(text.trim())).filter(|uid| !uid.is_empty());
        return found.cluster.as_ref().map(|_| ());
    }
    let value = syntax::json_value(text)?;
    let object = Object::of(&value).ok()?;
    object.need("version", integer).ok().filter(|version| *version == VERSION)?;
    let kind = key.split_once('.')?.0;
    let user = if kind == "left" { left_behind_account(&object, names) } else { user_key(&object, names) }.ok()?;
    let FoundJournal { journal, .. } = found;
    match kind {
        "intent" if !journal.intents.contains_key(&user) => {
            journal.intents.insert(user, intent(&object, names).ok()?);
        }
        "retired" if !journal.retirements.contains_key(&user) => {
            journal.retirements.insert(user, retirement(&object, names).ok()?);
        }
        "left" if !journal.left_behind.contains_key(&user) => {
            journal.left_behind.insert(user, object.need("reason", |value| names.text(value)).ok()?);
        }
        _ => return None,
    }
    Some(())
}

/// Reads the members that name an account.
pub(super) fn user_key(object: &Object<'_>, names: &Names) -> Result<UserKey, Fault> {
    let part = |key| object.need(key, |value| some_text(value).map(|text| names.of(text)));
    Ok(UserKey { project: part("project")?, service: part("service")?, username: part("username")? })
}

/// Reads the members that name a user that was left behind: where it is may not be known.
fn left_behind_account(object: &Object<'_>, names: &Names) -> Result<UserKey, Fault> {
    let place = |key| object.need(key, |value| names.text(value));
    let username = object.need("username", |value| some_text(value).map(|text| names.of(text)))?;
    Ok(UserKey { project: place("project")?, service: place("service")?, username })
}

/// Reads a namespace, and the name of a Secret under the key that is given.
pub(super) fn secret_key(object: &Object<'_>, name: &str, names: &Names) -> Result<SecretKey, Fault> {
    let namespace = object.need("namespace", |value| namespace_name(value, names))?;
    Ok(SecretKey { namespace, name: object.need(name, |value| object_name(value, names))? })
}

fn intent(object: &Object<'_>, names: &Names) -> Result<Intent, Fault> {
    Ok(Intent {
        secret: secret_key(object, "secret", names)?,
        application: object.need("application", |value| object_name(value, names))?,
        application_uid: object.need("applicationUid", text).map(Name::from)?,
        since: object.need("since", time)?,
        sent: object.opt("sent", time)?,
        outcome: Outcome::Found,
    })
}

fn retirement(object: &Object<'_>, names: &Names) -> Result<Retirement, Fault> {
    Ok(Retirement {
        secret: secret_key(object, "secret", names)?,
        application: object.need("application", |value| names.text(value))?,
        since: object.need("since", time)?,
    })
}
