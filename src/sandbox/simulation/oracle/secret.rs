//! What may be done to Secrets, applications and their status.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::reading::{is_managed, names_in, records, values, wants, why_incomplete};
use super::user::{is_hidden, journal, names_user};
use super::{Asker, Oracle};
use crate::sandbox::simulation::cluster::{Change, Key, finalizers, is_deleting, noted, text};
use crate::sandbox::simulation::process::is_selected;
use crate::sandbox::simulation::stage::Stage;
use crate::world::{Expect, Kind, UserKey, WorkloadKind, names};

const SECRET: Option<Kind> = Some(Kind::Secret);

impl Oracle {
    /// S6: only a Secret of ours, and of it only what is ours. S5: the finalizer goes when the users are gone.
    pub(super) fn before_patch(&mut self, stage: &Stage, asker: Asker, (key, patch): (&Key, &Value)) {
        let Some(found) = stage.clusters.get(asker.cluster).and_then(|of| of.get(SECRET, key)) else { return };
        let expected = patch.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        if expected != Some(text(found, "resourceVersion")) {
            if expected.is_none() {
                self.broken("S6", || format!("Secret {}/{} is patched, whatever its version", key.0, key.1));
            }
            return;
        }
        if !is_managed(found) {
            return self.broken("S6", || format!("Secret {}/{} is changed, and is not ours", key.0, key.1));
        }
        if let Some(what) = why_not_ours(found, patch) {
            self.broken("S6", || format!("{what} of Secret {}/{} is changed, and is not ours", key.0, key.1));
        }
        if is_deleting(found) && patch.get("data").is_some() {
            self.broken("S12", || format!("Secret {}/{} is written, and is being deleted", key.0, key.1));
        }
        let listed = patch.pointer("/metadata/finalizers").and_then(Value::as_array);
        let releases = listed.is_some_and(|listed| !listed.iter().any(|it| it == names::FINALIZER));
        if releases && finalizers(found).contains(&names::FINALIZER) {
            self.before_release(stage, asker, (key, found));
        }
    }

    fn before_release(&mut self, stage: &Stage, asker: Asker, (key, secret): (&Key, &Value)) {
        if !is_deleting(secret) {
            return self.broken("S5", || {
                format!("the finalizer of Secret {}/{} goes, and it is not being deleted", key.0, key.1)
            });
        }
        let uid = (asker.cluster, text(secret, "uid").to_owned());
        let skips = noted(secret, "annotations", names::SKIP_CLEANUP) == Some("true");
        if !skips && super::reading::is_half(secret) {
            return self.broken("S5", || {
                format!("the finalizer of Secret {}/{} goes, and it records half a user", key.0, key.1)
            });
        }
        if skips || self.meddled.contains(&uid) {
            self.excused.extend(records(secret));
            return;
        }
        let entries = journal(stage, asker.cluster);
        let recorded: BTreeSet<UserKey> = records(secret).into_iter().collect();
        for user in recorded.iter().filter(|user| Self::is_made_by(stage, asker.cluster, user)) {
            let left = entries.iter().any(|(name, entry)| name.starts_with("left.") && names_user(entry, user));
            let elsewhere = stage.clusters.get(asker.cluster).is_some_and(|of| {
                of.table(SECRET).any(|(other, it)| other != key && is_managed(it) && records(it).contains(user))
            });
            if !left && !elsewhere {
                return self.broken("S5", || {
                    format!("the finalizer of Secret {}/{} goes while user {user} exists", key.0, key.1)
                });
            }
        }
    }

    /// S7: what is written is complete, and of one user.
    pub(super) fn written(&mut self, stage: &Stage, asker: Asker, (key, patch): (&Key, &Value)) {
        let Some(secret) = stage.clusters.get(asker.cluster).and_then(|of| of.get(SECRET, key)) else { return };
        let uid = (asker.cluster, text(secret, "uid").to_owned());
        let now_in: BTreeSet<UserKey> = records(secret).into_iter().collect();
        let untimely = self.untimely.contains(&asker.process);
        // One that was reset between the last look and the write is older than that, which only who has looked before sees.
        let outdated = || values(secret).values().any(|value| stage.account.is_outdated(value));
        if patch.get("data").is_some() && (untimely || outdated()) {
            self.misdated.insert(uid.clone());
        } else if patch.get("data").is_some() {
            self.misdated.remove(&uid);
        }
        let published = self.published.entry(uid).or_default();
        if untimely {
            let dropped = published.users.difference(&now_in).filter(|user| is_hidden(stage, user));
            self.excused.extend(dropped.cloned());
        }
        let Some(data) = patch.get("data").and_then(Value::as_object) else { return };
        let decoded = values(secret);
        let before: BTreeSet<u64> = published.values.values().map(|(number, _)| *number).collect();
        for (name, value) in data {
            match (value.as_str(), decoded.get(name).and_then(|value| stage.account.owners.get(value))) {
                (Some(value), Some(number)) => drop(published.values.insert(name.clone(), (*number, value.to_owned()))),
                _ => drop(published.values.remove(name)),
            }
        }
        // Somebody may have removed some since.
        let stands = |name: &String, value: &str| {
            secret.get("data").and_then(|data| data.get(name)).and_then(Value::as_str) == Some(value)
        };
        published.values.retain(|name, (_, value)| stands(name, value));
        let after: BTreeSet<u64> = published.values.values().map(|(number, _)| *number).collect();
        published.users.extend(now_in);
        for number in &after {
            if let Some(made) = self.made.get(number) {
                published.users.insert(made.key.clone());
                published.replaced.remove(&made.key);
            }
        }
        for made in before.difference(&after).filter_map(|number| self.made.get(number)) {
            published.replaced.entry(made.key.clone()).or_insert(stage.now);
        }
        let kafka = data.iter().any(|(name, value)| name.starts_with("KAFKA_") && !value.is_null());
        if kafka && !has(&decoded, "KAFKA_SECRET_UPDATED") {
            self.broken("S7", || format!("Secret {}/{} is written without saying when", key.0, key.1));
        }
        // What somebody else has emptied stays so while its service cannot be decided.
        let log = stage.clusters.get(asker.cluster).map(|of| of.log(SECRET)).unwrap_or_default();
        let last = log.iter().rev().find(|change| super::key_of(&change.new) == *key);
        let before = last.and_then(|change| change.old.as_ref()).filter(|old| is_managed(old));
        let before = before.and_then(|old| why_half(stage, (asker.cluster, key), old));
        if let Some(what) = why_half(stage, (asker.cluster, key), secret).filter(|what| before.as_ref() != Some(what)) {
            self.broken("S7", || format!("Secret {}/{} in cluster {}: {what}", key.0, key.1, asker.cluster));
        }
    }

    /// S8 and S9: only what nothing needs, as it was looked at.
    pub(super) fn before_delete(&mut self, stage: &Stage, asker: Asker, (key, expect): (&Key, &Expect)) {
        let Some(of) = stage.clusters.get(asker.cluster) else { return };
        let Some(found) = of.get(SECRET, key) else { return };
        if *text(found, "uid") != *expect.uid || *text(found, "resourceVersion") != *expect.version {
            if expect.uid.is_empty() || expect.version.is_empty() {
                self.broken("S8", || format!("Secret {}/{} is deleted by its name", key.0, key.1));
            }
            return;
        }
        if !is_managed(found) {
            return self.broken("S6", || format!("Secret {}/{} is deleted, and is not ours", key.0, key.1));
        }
        if noted(found, "annotations", names::PAUSED) == Some("true") {
            return self.broken("S8", || format!("Secret {}/{} is deleted, and is paused", key.0, key.1));
        }
        let wall = stage.wall();
        if let Some(why) = why_protected(found, self.late(wall)) {
            return self.broken("S9", || format!("Secret {}/{} is deleted: {why}", key.0, key.1));
        }
        let grace = stage.settings.get(asker.cluster).map(|it| it.janitor_grace).unwrap_or_default() - self.wrong;
        let age = text(found, "creationTimestamp")
            .parse()
            .map(|made: Timestamp| wall.duration_since(made))
            .unwrap_or_default();
        if age < grace - SignedDuration::from_secs(1) {
            return self.broken("S8", || format!("Secret {}/{} is deleted when it is {age:#} old", key.0, key.1));
        }
        let kinds = WorkloadKind::ALL.map(Kind::Workload).into_iter().chain([Kind::Application]);
        for kind in kinds {
            let listed = self
                .lists
                .get(&(asker.process, kind, key.0.clone()))
                .or_else(|| self.lists.get(&(asker.process, kind, String::new())));
            let looked = listed.copied().unwrap_or(u64::MAX);
            let uses = |object: &Value| needs(kind, object, (&key.1, self.late(wall)));
            if let Some((place, _)) =
                of.table(Some(kind)).filter(|(place, _)| place.0 == key.0).find(|(place, object)| {
                    let stood = at(of.log(Some(kind)), place, looked);
                    uses(object) && stood.is_some_and(|then| uses(then) && text(then, "uid") == text(object, "uid"))
                })
            {
                return self.broken("S8", || {
                    format!("Secret {}/{} is deleted while {kind} {} needs it", key.0, key.1, place.1)
                });
            }
        }
    }

    /// An application ends when its time has come, and no sooner.
    pub(super) fn before_end(&mut self, stage: &Stage, asker: Asker, (key, expect): (&Key, &Expect)) {
        let found = stage.clusters.get(asker.cluster).and_then(|of| of.get(Some(Kind::Application), key));
        if expect.uid.is_empty() || expect.version.is_empty() {
            self.broken("S9", || format!("application {}/{} is deleted by its name", key.0, key.1));
        }
        let Some(app) = found.filter(|app| *text(app, "resourceVersion") == *expect.version) else { return };
        let late = self.late(stage.wall());
        if !has_expired(app, late) {
            self.broken("S9", || format!("application {}/{} is deleted before its time", key.0, key.1));
        }
    }

    /// S12: complete is said of what is or was complete.
    pub(super) fn before_status(&mut self, stage: &Stage, asker: Asker, (key, patch): (&Key, &Value)) {
        let Some(of) = stage.clusters.get(asker.cluster) else { return };
        let expected = patch.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let Some(app) =
            of.get(Some(Kind::Application), key).filter(|app| expected == Some(text(app, "resourceVersion")))
        else {
            return;
        };
        if patch.pointer("/status/synchronizationState").and_then(Value::as_str) != Some("RolloutComplete") {
            return;
        }
        let Some(wanted) = wants(&key.0, app.get("spec").unwrap_or(&Value::Null)) else {
            return self
                .broken("S12", || format!("{}/{} is said to be complete, and asks for what cannot be", key.0, key.1));
        };
        for want in wanted {
            let place = (key.0.clone(), want.secret.clone());
            let states = of.log(SECRET).iter().rev().filter(|change| super::key_of(&change.new) == place).take(8);
            let mut whys = states.map(|change| why_incomplete(&values(&change.new), &want, &stage.account.owners));
            if !whys.any(|why| why.is_none()) {
                return self.broken("S12", || {
                    format!("{}/{} is said to be complete, and Secret {} has never been", key.0, key.1, want.secret)
                });
            }
        }
    }

    /// The latest that a clock of an operator may show.
    fn late(&self, wall: Timestamp) -> Timestamp {
        wall.checked_add(self.wrong + SignedDuration::from_secs(6)).unwrap_or(Timestamp::MAX)
    }
}

fn has(values: &BTreeMap<String, String>, name: &str) -> bool {
    values.get(name).is_some_and(|value| !value.is_empty())
}

/// Whether something needs a secret of its namespace.
pub(super) fn needs(kind: Kind, object: &Value, (secret, now): (&str, Timestamp)) -> bool {
    if kind == Kind::Application {
        let named = names_in(object.get("spec").unwrap_or(&Value::Null)).iter().any(|name| name == secret);
        return named && !is_deleting(object) && !has_expired(object, now);
    }
    // Nothing else in these objects is called so.
    let quoted = format!("\"{secret}\"");
    object.get("spec").is_some_and(|spec| spec.to_string().contains(&quoted))
}

pub(super) fn has_expired(app: &Value, now: Timestamp) -> bool {
    let end = app.pointer("/spec/expiresAt").and_then(Value::as_str).and_then(|end| end.parse::<Timestamp>().ok());
    let paused = noted(app, "annotations", names::PAUSED) == Some("true");
    !paused && end.is_some_and(|end| end <= now)
}

/// An object as it was in a version of its cluster.
fn at<'l>(log: &'l [Change], place: &Key, version: u64) -> Option<&'l Value> {
    let last = log.iter().rev().find(|change| change.version <= version && super::key_of(&change.new) == *place)?;
    (!last.gone).then_some(&*last.new)
}

fn why_protected(secret: &Value, now: Timestamp) -> Option<String> {
    let note = |name: &str| noted(secret, "annotations", name);
    if note(names::PROTECTED) != Some("true") {
        return None;
    }
    let end = note(names::EXPIRES_AT).and_then(|end| end.parse::<Timestamp>().ok());
    let ended = note(names::TIME_LIMIT) == Some("true") && end.is_some_and(|end| end <= now);
    (!ended).then(|| "it is protected".to_owned())
}

/// What of somebody else a patch changes.
fn why_not_ours(found: &Value, patch: &Value) -> Option<String> {
    let of =
        |from: &Value, pointer: &str| from.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
    let foreign = |pointer: &str, is_ours: &dyn Fn(&str) -> bool| {
        let stand = of(found, pointer);
        let changed = of(patch, pointer);
        changed
            .into_iter()
            .find(|(name, value)| stand.get(name).is_some_and(|old| old != value) && !is_ours(name))
            .map(|(name, _)| name)
    };
    let labels = foreign("/metadata/labels", &|name| names::LABELS.contains(&name));
    let annotations = foreign("/metadata/annotations", &names::is_ours);
    let prefixes = ["KAFKA_", "OPEN_SEARCH_", "VALKEY_", "REDIS_", "AIVEN_", "client."];
    let data = foreign("/data", &|name| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    let listed = patch.pointer("/metadata/finalizers").and_then(Value::as_array);
    let lost = listed.and_then(|listed| {
        finalizers(found).into_iter().find(|it| *it != names::FINALIZER && !listed.iter().any(|kept| kept == it))
    });
    let other = patch.get("metadata").and_then(Value::as_object).into_iter().flatten();
    let known = ["uid", "resourceVersion", "labels", "annotations", "finalizers"];
    let other = other.map(|(name, _)| name).find(|name| !known.contains(&name.as_str()));
    labels.or(annotations).or(data).or(lost.map(str::to_owned)).or(other.cloned())
}

/// Why what a Secret holds for the services that it records is half of it, or of several users.
fn why_half(stage: &Stage, (_, key): (usize, &Key), secret: &Value) -> Option<String> {
    let values = values(secret);
    let slots =
        values.keys().filter_map(|name| name.strip_prefix("VALKEY_PASSWORD_")).map(|slot| ("valkey", slot.to_owned()));
    let has = |name: &str| values.contains_key(name);
    let kafka = has("KAFKA_CERTIFICATE").then(|| ("kafka", String::new()));
    let search = has("OPEN_SEARCH_PASSWORD").then(|| ("opensearch", String::new()));
    let of = |(kind, slot): (&'static str, String)| super::reading::Want {
        kind,
        service: crate::world::ServiceKey::new("", ""),
        access: String::new(),
        secret: key.1.clone(),
        slot,
    };
    debug_assert!(is_selected(Kind::Secret, secret) || is_managed(secret));
    let all = slots.chain(kafka).chain(search).map(of);
    all.into_iter().find_map(|want| why_incomplete(&values, &want, &stage.account.owners))
}
