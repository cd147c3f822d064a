//! What may be done to users, and to the ACL documents that speak of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::reading::{is_managed, records, wants};
use super::{Asker, Made, Oracle};
use crate::sandbox::simulation::cluster::{is_deleting, text};
use crate::sandbox::simulation::process::HOME;
use crate::sandbox::simulation::stage::{MAIN, POOL, Stage, key};
use crate::shell::aiven::{Operation, Target};
use crate::want::ServiceType;
use crate::world::{Kind, ServiceKey, UserKey, names};

/// How long a write may be on its way.
const LATE: Duration = Duration::from_secs(75);

impl Oracle {
    pub(super) fn aiven(
        &mut self,
        stage: &Stage,
        asker: Asker,
        (operation, target, body): (Operation, &Target, Option<&[u8]>),
    ) {
        if ![MAIN, POOL].contains(&target.project()) {
            self.broken("S16", || format!("{operation} {target} is asked for, and no setting names the project"));
        }
        match (operation, target) {
            (Operation::DeleteUser, Target::User(key)) => self.before_delete_user(stage, asker, key),
            (Operation::CreateUser, Target::User(key)) => self.before_create_user(stage, asker, key),
            (Operation::SetAccess, Target::User(key)) => self.own(stage, asker, ("changes", key)),
            (Operation::PutAcl, Target::Service(key)) => {
                let body = body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
                self.before_put_acl(asker, (key, &body));
            }
            _ => {}
        }
    }

    /// S2: only what the operators of this cluster have made.
    fn own(&mut self, stage: &Stage, asker: Asker, (what, key): (&str, &UserKey)) {
        let exists = stage.account.user(key).is_some();
        if exists && !Self::is_made_by(stage, asker.cluster, key) && !self.is_excused(key) {
            self.broken("S2", || format!("operator {} {what} user {key}, which nobody here has made", asker.process));
        }
    }

    fn before_delete_user(&mut self, stage: &Stage, asker: Asker, key: &UserKey) {
        self.own(stage, asker, ("deletes", key));
        let Some(user) = stage.account.user(key) else { return };
        let (number, now) = (user.number, stage.now);
        let mut wrong = None;
        for (cluster, of) in stage.clusters.iter().enumerate() {
            let ours = |secret: &Value| is_managed(secret) && !is_deleting(secret);
            for (place, secret) in of.table(Some(Kind::Secret)).filter(|(_, secret)| ours(secret)) {
                let Some(published) = self.published.get(&(cluster, text(secret, "uid").to_owned())) else { continue };
                let stands = |(name, (owner, value)): (&String, &(u64, String))| {
                    *owner == number
                        && secret.get("data").and_then(|data| data.get(name)).and_then(Value::as_str) == Some(value)
                };
                let uid = (cluster, text(secret, "uid").to_owned());
                let meddled = self.meddled.contains(&uid) && !records(secret).contains(key);
                if !meddled && published.values.iter().any(stands) {
                    wrong = Some((
                        "S1",
                        format!(
                            "user {key} is deleted while Secret {}/{} in cluster {cluster} publishes it",
                            place.0, place.1
                        ),
                    ));
                }
                let grace = stage.settings.get(cluster).map(|settings| settings.retire_after);
                // It counts from when the write was decided, which is sent within half a minute and under way for 40 s at most.
                let grace =
                    self.forgives(grace.and_then(|it| it.try_into().ok()).unwrap_or_default()).saturating_sub(LATE);
                // A list that somebody has edited may say that it was replaced long ago, and counts as a claim.
                if let Some(since) = published.replaced.get(key).filter(|_| !self.is_excused(key))
                    && now < *since + grace
                {
                    wrong = wrong.or(Some((
                        "S10",
                        format!(
                            "user {key} is deleted {:?} after Secret {}/{} had another",
                            now.saturating_sub(*since),
                            place.0,
                            place.1
                        ),
                    )));
                }
            }
        }
        if let Some((rule, what)) = wrong {
            self.broken(rule, || what);
        }
    }

    /// Whether an intent of that moment looks too young or too old to whose clock is right.
    fn is_misdated(&self, stage: &Stage, asker: Asker, since: Timestamp) -> bool {
        let settle = stage.settings.get(asker.cluster).map(|it| it.settle).unwrap_or_default();
        let behind = self.untimely.contains(&asker.process) && settle <= stage.wall().duration_since(since);
        stage.wall() < since || behind
    }

    /// Another Secret that has had a user and records it, and its cluster.
    fn recorded_elsewhere(
        &self,
        stage: &Stage,
        (own, namespace, secret): (usize, &str, &str),
        user: &UserKey,
    ) -> Option<(usize, String)> {
        let all = stage.clusters.iter().enumerate().flat_map(|(cluster, of)| {
            of.table(Some(Kind::Secret)).map(move |(place, object)| (cluster, place, object))
        });
        let mut others = all.filter(|(cluster, place, _)| *cluster != own || place.0 != namespace || place.1 != secret);
        let found = others.find(|(cluster, _, object)| {
            let published = self.published.get(&(*cluster, text(object, "uid").to_owned()));
            published.is_some_and(|it| it.users.contains(user)) && records(object).contains(user)
        });
        found.map(|(cluster, place, _)| (cluster, format!("{}/{}", place.0, place.1)))
    }

    fn before_create_user(&mut self, stage: &Stage, asker: Asker, user: &UserKey) {
        let Some(of) = stage.clusters.get(asker.cluster) else { return };
        let entries = journal(stage, asker.cluster);
        let Some(intent) = entries
            .iter()
            .find(|(name, entry)| name.starts_with("intent.") && names_user(entry, user))
            .map(|(_, entry)| entry)
        else {
            // By a clock that was behind it looked settled to another operator, which has removed it.
            if self.untimely.contains(&asker.process) {
                self.excused.insert(user.clone());
                return;
            }
            return self.broken("S3", || format!("user {user} is made, and the journal does not say so before"));
        };
        let said = |member: &str| intent.get(member).and_then(Value::as_str).unwrap_or_default();
        // By a clock that was ahead the intent is younger than its user: then the user is left, and `orphans` lists it.
        // By one that was behind it looks settled to another operator, which then forgets it too early.
        if said("since").parse().is_ok_and(|since| self.is_misdated(stage, asker, since)) {
            self.excused.insert(user.clone());
        }
        let (namespace, secret, app, uid) =
            (said("namespace"), said("secret"), said("application"), said("applicationUid"));
        if let Some((cluster, place)) = self.recorded_elsewhere(stage, (asker.cluster, namespace, secret), user) {
            return self.broken("S4", || {
                format!("the name of {user} is given again, and Secret {place} in cluster {cluster} records it")
            });
        }
        if let Some(holder) = rival(stage, asker.cluster, (namespace, user)) {
            return self.broken("S2", || {
                format!("user {user} is made for {namespace}, and {holder} has an instance of that name too")
            });
        }
        let states = of.log(Some(Kind::Application)).iter().map(|change| &change.new);
        let wished = states.filter(|it| text(it, "uid") == uid && text(it, "name") == app).any(|it| {
            let spec = it.get("spec").cloned().unwrap_or_default();
            let wanted = wants(namespace, &spec).unwrap_or_default();
            wanted.iter().any(|want| want.secret == secret && want.service == user.service_key())
        });
        if !wished {
            self.broken("S16", || {
                format!(
                    "user {user} is made for {namespace}/{app}, which has never asked for it in a way that is valid"
                )
            });
        }
    }

    /// Where a clock is ahead, a user that does not show yet is taken for gone: it is lost track of.
    pub(super) fn before_journal(&mut self, stage: &Stage, asker: Asker, patch: &Value) {
        if !self.untimely.contains(&asker.process) {
            return;
        }
        let entries = journal(stage, asker.cluster);
        let changed = patch.get("data").and_then(Value::as_object).into_iter().flatten();
        let cleared = changed.filter(|(_, text)| text.is_null()).filter_map(|(name, _)| entries.get(name));
        let secrets = stage.clusters.get(asker.cluster).into_iter().flat_map(|of| of.table(Some(Kind::Secret)));
        let recorded: BTreeSet<UserKey> = secrets.flat_map(|(_, secret)| records(secret)).collect();
        let users = cleared.filter_map(user_of).filter(|user| is_hidden(stage, user) || !recorded.contains(user));
        self.excused.extend(users.collect::<Vec<_>>());
    }

    pub(super) fn user_made(&mut self, stage: &Stage, asker: Asker, key: &UserKey) {
        let Some(user) = stage.account.user(key) else { return };
        self.made.insert(user.number, Made { key: key.clone(), cluster: asker.cluster });
    }

    /// S11: what is written of others is what was read of them.
    fn before_put_acl(&mut self, asker: Asker, (service, body): (&ServiceKey, &Value)) {
        let ours: Vec<&str> = self
            .made
            .values()
            .filter(|made| made.cluster == asker.cluster && made.key.service_key() == *service)
            .map(|made| made.key.username.as_str())
            .collect();
        let others = |document: &Value| -> Vec<Value> {
            let acls = document.pointer("/opensearch_acl_config/acls").and_then(Value::as_array);
            let name =
                |entry: &&Value| entry.get("username").and_then(Value::as_str).is_none_or(|name| !ours.contains(&name));
            acls.into_iter().flatten().filter(name).cloned().collect()
        };
        let read = self.documents.get(&(asker.process, service.clone()));
        if read.map(others) != Some(others(body)) {
            self.broken("S11", || {
                format!("operator {} writes rules of others on {service} that it has not read so", asker.process)
            });
        }
    }
}

/// Another namespace that has held an instance of a service for so long that nobody can have missed it.
fn rival(stage: &Stage, cluster: usize, (namespace, user): (&str, &UserKey)) -> Option<String> {
    let known = SignedDuration::from_mins(15);
    let is_old = |object: &Value| {
        let made = text(object, "creationTimestamp").parse::<Timestamp>();
        made.is_ok_and(|made| stage.wall().duration_since(made) > known)
    };
    let kinds = [ServiceType::OpenSearch, ServiceType::Valkey].map(|of| Some(Kind::Instance(of)));
    let mut all = kinds.into_iter().filter_map(|table| Some(stage.clusters.get(cluster)?.table(table))).flatten();
    let rival = all.find(|(key, object)| *key.1 == *user.service && key.0 != namespace && is_old(object))?;
    Some(rival.0.0.clone())
}

/// The entries of the journal of a cluster.
pub(super) fn journal(stage: &Stage, cluster: usize) -> BTreeMap<String, Value> {
    let found = stage.clusters.get(cluster).and_then(|of| of.get(None, &key(HOME, names::JOURNAL)));
    let data = found.and_then(|it| it.get("data")).and_then(Value::as_object);
    data.into_iter()
        .flatten()
        .filter_map(|(name, text)| Some((name.clone(), serde_json::from_str(text.as_str()?).ok()?)))
        .collect()
}

pub(super) fn user_of(entry: &Value) -> Option<UserKey> {
    let text = |member: &str| entry.get(member)?.as_str();
    Some(UserKey {
        project: text("project")?.into(),
        service: text("service")?.into(),
        username: text("username")?.into(),
    })
}

/// Whether a user exists and does not show yet.
pub(super) fn is_hidden(stage: &Stage, user: &UserKey) -> bool {
    stage.account.user(user).is_some_and(|found| stage.now < found.shown_from)
}

pub(super) fn names_user(entry: &Value, user: &UserKey) -> bool {
    let same = |member: &str, text: &str| entry.get(member).and_then(Value::as_str) == Some(text);
    same("project", &user.project) && same("service", &user.service) && same("username", &user.username)
}

/// Whether the journal of a cluster speaks of a user.
pub(super) fn announces(stage: &Stage, cluster: usize, user: &UserKey) -> bool {
    journal(stage, cluster).values().any(|entry| names_user(entry, user))
}
