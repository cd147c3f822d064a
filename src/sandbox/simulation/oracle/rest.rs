//! How everything has to be when it has been quiet for long: whoever asks has what it asks for, and nobody else has.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::reading::{Want, is_managed, keys, records, values, wants, why_incomplete};
use super::secret::{has_expired, needs};
use super::user::{journal, names_user, user_of};
use super::{Breach, Oracle};
use crate::sandbox::simulation::account::Maker;
use crate::sandbox::simulation::cluster::{Cluster, Key, finalizers, is_deleting, noted, text};
use crate::sandbox::simulation::stage::Stage;
use crate::want::ServiceType;
use crate::world::{Kind, UserKey, WorkloadKind, names};

const SECRET: Option<Kind> = Some(Kind::Secret);
const APP: Option<Kind> = Some(Kind::Application);

impl Oracle {
    /// What is not as it should, if anything.
    pub(in crate::sandbox::simulation) fn at_rest(&self, stage: &Stage) -> Option<Breach> {
        let clusters = stage.clusters.iter().enumerate();
        clusters
            .clone()
            .find_map(|(number, of)| self.why_not_ended(stage, (number, of)))
            .or_else(|| clusters.clone().find_map(|(number, of)| self.why_not_there(stage, (number, of))))
            .or_else(|| self.why_lost(stage))
            .or_else(|| clusters.clone().find_map(|(number, _)| self.why_open(stage, number)))
    }

    /// L2, L4, L5: what should be gone.
    fn why_not_ended(&self, stage: &Stage, (number, of): (usize, &Cluster)) -> Option<Breach> {
        let now = stage.wall();
        for (key, app) in of.table(APP) {
            if has_expired(app, now) && !is_deleting(app) {
                return Some(Breach::new(
                    "L5",
                    format!("application {}/{} in cluster {number} has expired, and is there", key.0, key.1),
                ));
            }
        }
        for (key, secret) in of.table(SECRET) {
            let uid = (number, text(secret, "uid").to_owned());
            if self.meddled.contains(&uid) || noted(secret, "annotations", names::PAUSED) == Some("true") {
                continue;
            }
            let place = format!("Secret {}/{} in cluster {number}", key.0, key.1);
            if is_deleting(secret) && finalizers(secret).contains(&names::FINALIZER) {
                return Some(Breach::new("L2", format!("{place} is being deleted, for ever")));
            }
            let ours = is_managed(secret) && noted(secret, "annotations", names::PROTECTED) != Some("true");
            if ours && !is_deleting(secret) && !is_needed(of, key, now) {
                return Some(Breach::new("L4", format!("nothing needs {place}, and it is there")));
            }
        }
        None
    }

    /// L1, L8: what should be there.
    fn why_not_there(&self, stage: &Stage, (number, of): (usize, &Cluster)) -> Option<Breach> {
        let now = stage.wall();
        for (key, app) in of.table(APP).filter(|(_, app)| !is_deleting(app) && !has_expired(app, now)) {
            let paused = noted(app, "annotations", names::PAUSED) == Some("true");
            let Some(wanted) = wants(&key.0, app.get("spec").unwrap_or(&Value::Null)).filter(|_| !paused) else {
                continue;
            };
            let mut groups: BTreeMap<&str, Vec<&Want>> = BTreeMap::new();
            for want in &wanted {
                groups.entry(&want.secret).or_default().push(want);
            }
            let mut all = true;
            for (secret, group) in groups {
                if !self.can_be_had(stage, (number, of), (key, secret, &group)) {
                    all = false;
                    continue;
                }
                if let Some(why) = self.why_missing(stage, (number, of), (&(key.0.clone(), secret.to_owned()), &group))
                {
                    return Some(Breach::new(
                        "L1",
                        format!("application {}/{} in cluster {number}: {why}", key.0, key.1),
                    ));
                }
            }
            let status = |member: &str| app.pointer(&format!("/status/{member}"));
            let complete = status("synchronizationState").and_then(Value::as_str) == Some("RolloutComplete")
                && status("synchronizedGeneration") == app.pointer("/metadata/generation");
            if all && !complete {
                let said = app.get("status").map(ToString::to_string).unwrap_or_default();
                return Some(Breach::new(
                    "L1",
                    format!(
                        "application {}/{} in cluster {number} has everything, and its status says {said}",
                        key.0, key.1
                    ),
                ));
            }
        }
        None
    }

    /// Whether nothing stands in the way of a secret.
    fn can_be_had(
        &self,
        stage: &Stage,
        (number, of): (usize, &Cluster),
        (app, secret, group): (&Key, &str, &[&Want]),
    ) -> bool {
        let now = stage.wall();
        let askers =
            of.table(APP).filter(|(key, it)| key.0 == app.0 && needs(Kind::Application, it, (secret, now))).count();
        let place = (app.0.clone(), secret.to_owned());
        let free = of.get(SECRET, &place).is_none_or(|found| {
            let meddled = self.meddled.contains(&(number, text(found, "uid").to_owned()));
            let paused = noted(found, "annotations", names::PAUSED) == Some("true");
            let immutable = found.get("immutable") == Some(&Value::Bool(true));
            is_managed(found) && !meddled && !paused && !immutable && !is_deleting(found)
        });
        askers == 1 && free && group.iter().all(|want| is_served(stage, (number, of), (&app.0, want)))
    }

    /// Whether an intent waits for what its application still asks for and cannot have: a service that cannot be resolved
    /// counts as asked for, and so does one whose secret is paused, or waits for somebody to mend its records.
    fn is_awaited(&self, stage: &Stage, cluster: usize, entry: &Value) -> bool {
        let said = |member: &str| entry.get(member).and_then(Value::as_str).unwrap_or_default();
        let (space, now) = (said("namespace"), stage.wall());
        let key = |member: &str| (space.to_owned(), said(member).to_owned());
        let Some(of) = stage.clusters.get(cluster) else { return false };
        let app = of.get(APP, &key("application")).filter(|app| text(app, "uid") == said("applicationUid"));
        let Some(app) = app.filter(|app| !is_deleting(app) && !has_expired(app, now)) else { return false };
        let wanted = wants(space, app.get("spec").unwrap_or(&Value::Null)).unwrap_or_default();
        let group: Vec<&Want> = wanted.iter().filter(|want| want.secret == said("secret")).collect();
        let is_meant =
            |want: &&Want| *want.service.project == *said("project") && *want.service.service == *said("service");
        let is_paused = |object: &Value| noted(object, "annotations", names::PAUSED) == Some("true");
        let held = of.get(SECRET, &key("secret")).is_some_and(|secret| {
            let meddled = is_paused(secret) || self.meddled.contains(&(cluster, text(secret, "uid").to_owned()));
            if is_managed(secret) { meddled } else { is_deleting(secret) }
        });
        let served = group.iter().all(|want| is_served(stage, (cluster, of), (space, want)));
        group.iter().any(is_meant) && (!served || held || is_paused(app))
    }

    fn why_missing(
        &self,
        stage: &Stage,
        (number, of): (usize, &Cluster),
        (key, group): (&Key, &[&Want]),
    ) -> Option<String> {
        let Some(secret) = of.get(SECRET, key) else { return Some(format!("Secret {} is missing", key.1)) };
        let values = values(secret);
        // By what it says of when it was written an operator sees that a password is another since.
        let dated = !self.misdated.contains(&(number, text(secret, "uid").to_owned()));
        group.iter().find_map(|want| {
            why_incomplete(&values, want, &stage.account.owners)
                .map(|why| format!("in Secret {}, {why}", key.1))
                .or_else(|| why_wrong(stage, (&values, secret, dated), want))
        })
    }

    /// L3: the journal has nothing left to say, but of users that somebody's records stand in the way of.
    fn why_open(&self, stage: &Stage, cluster: usize) -> Option<Breach> {
        let entries = journal(stage, cluster);
        let mut intents = entries.values().filter(|entry| entry.get("applicationUid").is_some());
        let ended = |entry: &&Value| {
            !self.is_awaited(stage, cluster, entry) && !user_of(entry).is_some_and(|user| self.is_excused(&user))
        };
        let what = |entry: &Value| format!("the journal of cluster {cluster} still has an intent: {entry}");
        intents.find(ended).map(|entry| Breach::new("L3", what(entry)))
    }

    /// L3: every user that the operators have made is recorded.
    fn why_lost(&self, stage: &Stage) -> Option<Breach> {
        let mut recorded: Vec<BTreeSet<UserKey>> = vec![];
        for of in &stage.clusters {
            let secrets = of.table(SECRET).filter(|(_, secret)| is_managed(secret));
            recorded.push(secrets.flat_map(|(_, secret)| records(secret)).collect());
        }
        for (service, it) in stage.account.services.iter().filter(|(_, it)| !it.is_gone) {
            for (name, user) in &it.users {
                let key = service.user(name.as_str().into());
                let Maker::Cluster(cluster) = user.maker else { continue };
                let known = recorded.get(cluster).is_some_and(|all| all.contains(&key));
                let left = journal(stage, cluster).iter().any(|(entry, it)| {
                    names_user(it, &key) && (entry.starts_with("left.") || self.is_awaited(stage, cluster, it))
                });
                if !known && !left && !self.is_excused(&key) {
                    return Some(Breach::new(
                        "L3",
                        format!("user {key} of cluster {cluster} exists, and nothing records it"),
                    ));
                }
            }
        }
        None
    }
}

fn is_needed(of: &Cluster, key: &Key, now: Timestamp) -> bool {
    let kinds = WorkloadKind::ALL.map(Kind::Workload).into_iter().chain([Kind::Application]);
    let mut kinds = kinds.flat_map(|kind| of.table(Some(kind)).map(move |(place, object)| (kind, place, object)));
    kinds.any(|(kind, place, object)| place.0 == key.0 && needs(kind, object, (&key.1, now)))
}

/// Whether the service of a want exists, and is its namespace's alone.
fn is_served(stage: &Stage, (number, of): (usize, &Cluster), (space, want): (&str, &Want)) -> bool {
    let exists = stage.account.service(&want.service).is_some_and(|service| service.kind == want.kind);
    let of_kind = match want.kind {
        "opensearch" => ServiceType::OpenSearch,
        "valkey" => ServiceType::Valkey,
        _ => return exists,
    };
    let named = of.table(Some(Kind::Instance(of_kind))).filter(|(key, _)| *key.1 == *want.service.service);
    let holders: Vec<&str> = named.map(|(key, _)| key.0.as_str()).collect();
    let check = stage.settings.get(number).is_some_and(|settings| settings.instance_check);
    let own = holders == [space]
        || (!check && holders.is_empty() && want.service.service.starts_with(&format!("{}-{space}-", want.kind)));
    exists && own && !holders.iter().any(|holder| *holder != space)
}

/// Why what is published is not what Aiven has.
fn why_wrong(
    stage: &Stage,
    (values, secret, dated): (&BTreeMap<String, String>, &Value, bool),
    want: &Want,
) -> Option<String> {
    let service = stage.account.service(&want.service)?;
    let (_, credentials) = keys(want);
    let number =
        credentials.first().and_then(|key| values.get(key)).and_then(|value| stage.account.owners.get(value))?;
    let Some((name, user)) = service.users.iter().find(|(_, user)| user.number == *number) else {
        return Some(format!("Secret {} publishes a user that is gone from {}", want.secret, want.service));
    };
    if !records(secret).contains(&want.service.user(name.as_str().into())) {
        return Some(format!("Secret {} does not record the user {name} that it publishes", want.secret));
    }
    let shown = |key: &str, value: &str| values.get(key).is_some_and(|it| it == value);
    let pair = user
        .pair
        .as_ref()
        .is_none_or(|(certificate, key, _)| shown("KAFKA_CERTIFICATE", certificate) && shown("KAFKA_PRIVATE_KEY", key));
    let password = credentials.iter().filter(|key| key.contains("PASSWORD")).all(|key| shown(key, &user.password));
    if !pair || (dated && !password) {
        return Some(format!("Secret {} publishes old credentials of {name}", want.secret));
    }
    let soon = stage.wall() + SignedDuration::from_hours(24 * 10);
    let protected = noted(secret, "annotations", names::PROTECTED) == Some("true");
    if !protected && user.pair.as_ref().is_some_and(|(.., ends)| *ends < soon) {
        return Some(format!("Secret {} publishes a certificate of {name} that is about to end", want.secret));
    }
    let granted = match want.kind {
        "opensearch" => {
            let acls = service.acl.get("acls").and_then(Value::as_array);
            let entry =
                acls.into_iter().flatten().find(|entry| entry.get("username").and_then(Value::as_str) == Some(name));
            let rules = entry.and_then(|entry| entry.get("rules")).and_then(Value::as_array);
            let rules: BTreeSet<String> = rules.into_iter().flatten().map(Value::to_string).collect();
            let rule = |index: &str| serde_json::json!({"index": index, "permission": want.access}).to_string();
            rules == BTreeSet::from([rule("_*"), rule("*")]) && service.acl.get("enabled") == Some(&Value::Bool(true))
        }
        "valkey" => {
            let categories = user.access.as_ref().and_then(|access| access.get("valkey_acl_categories")?.as_array());
            let has = |category: &str| categories.is_some_and(|all| all.iter().any(|it| it == category));
            let (read, write) = (["read", "readwrite", "admin"], ["write", "readwrite", "admin"]);
            has("+@read") == read.contains(&want.access.as_str())
                && has("+@write") == write.contains(&want.access.as_str())
        }
        _ => true,
    };
    (!granted).then(|| format!("user {name} may not do what is asked for ({})", want.access))
}
