//! The one write that makes a secret right: its keys and its metadata, only what differs, and why.
//!
//! Takes as given what each service needs. Never touches a key, label, annotation or finalizer that is not ours; what
//! changes with every deploy is refreshed only where something else is written.

use std::collections::{BTreeMap, BTreeSet};

use super::account::account_of;
use super::part::{PartPlan, may_be_own};
use super::retire;
use super::survey::Survey;
use crate::action::{Action, Operation, WriteKeys};
use crate::reason::{Drift, Reason};
use crate::value::Value;
use crate::world::{
    Application, Claim, Content, Expect, Lookup, Name, Retired, Secret, SecretKey, UserKey, names, rfc3339,
};

/// A write, and why.
pub(super) struct Write {
    /// Why, beside what the services say.
    pub(super) reason: Reason,
    /// Users that are listed as replaced by it.
    pub(super) retirements: Vec<Action>,
    /// The write.
    pub(super) keys: WriteKeys,
}

/// Puts together the write; `None` if there is no reason for one.
pub(super) fn of(
    survey: &Survey<'_>,
    (app, key, secret, all): (&Application, &SecretKey, Option<&Secret>, bool),
    parts: &[PartPlan<'_>],
) -> Option<Write> {
    if secret.is_none() && parts.iter().any(|part| part.user.is_none() || part.verdict > super::Verdict::Change) {
        return None;
    }
    let leftovers = secret.map(|secret| Leftovers::of(secret, parts)).unwrap_or_default();
    let retired = retired(survey, (app, secret), parts, &leftovers);
    let mut metadata = Metadata::default();
    metadata.labels(app, secret);
    metadata.annotations(app, secret);
    metadata.records(secret, parts, &leftovers);
    metadata.retired(secret, &retired.list);
    let mut data = data(survey, secret, all);
    let mut drifts = std::mem::take(&mut data.drifts);
    if !leftovers.claims.is_empty() {
        drifts.push(Drift::Leftovers(leftovers.claims.iter().map(label).collect()));
    }
    let finalizer = secret.is_none_or(|secret| !secret.finalizer);
    if secret.is_some() && finalizer {
        metadata.wrong.insert("the finalizer".into());
    }
    if secret.is_some() && !metadata.wrong.is_empty() {
        drifts.push(Drift::Metadata(metadata.wrong.iter().cloned().collect()));
    }
    let changes_keys = parts.iter().any(|part| !part.contents.set.is_empty());
    if secret.is_some() && drifts.is_empty() && !changes_keys {
        return None;
    }
    let remove: Vec<Name> = leftovers.keys.into_iter().collect();
    let set = data.finish(parts, !remove.is_empty());
    if set.keys().any(|key| &**key == "client.keystore.p12") {
        metadata.annotations.insert(names::KEYSTORES.into(), Some(Value::StoreDigests));
    }
    let reason = match secret {
        None => Reason::SecretMissing { secret: key.name.clone() },
        Some(_) if all => Reason::ResyncRequested,
        Some(_) if app.status.hash != *app.hash() => Reason::SpecChanged,
        Some(_) => Reason::Drifted { what: drifts },
    };
    let Metadata { labels, annotations, wrong: _ } = metadata;
    let keys = WriteKeys {
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        operation: if secret.is_none() { Operation::Create } else { Operation::Patch },
        expect: secret.map(expect),
        set,
        remove,
        labels,
        annotations,
        finalizers: if finalizer { vec![names::FINALIZER.into()] } else { vec![] },
    };
    let listed = |user: &UserKey| retire_action(user, key, &app.key.name);
    Some(Write { reason, retirements: retired.new.iter().map(listed).collect(), keys })
}

/// The object that something was decided on.
pub(super) fn expect(secret: &Secret) -> Expect {
    Expect { uid: secret.uid.clone(), version: secret.version.clone() }
}

fn retire_action(user: &UserKey, secret: &SecretKey, application: &Name) -> Action {
    Action::RetireUser {
        user: user.clone(),
        namespace: secret.namespace.clone(),
        secret: secret.name.clone(),
        application: application.clone(),
    }
}

fn label(claim: &Claim) -> Name {
    if claim.slot.is_empty() {
        claim.service_type.as_str().into()
    } else {
        format!("{} {}", claim.service_type, claim.slot).into()
    }
}

/// What a secret still has of services that nothing asks for.
#[derive(Default)]
struct Leftovers {
    claims: Vec<Claim>,
    keys: BTreeSet<Name>,
}

impl Leftovers {
    fn of(secret: &Secret, parts: &[PartPlan<'_>]) -> Self {
        let asked = |claim: &&Claim| {
            parts.iter().any(|part| part.want.service_type == claim.service_type && part.want.slot == claim.slot)
        };
        let unasked = secret.claims().iter().filter(|claim| !claim.services.is_empty() && !asked(claim));
        let claims: Vec<Claim> = unasked.cloned().collect();
        let wanted: BTreeSet<&Name> = parts.iter().flat_map(|part| &part.want.keys).map(|want| &want.key).collect();
        let held = |key: &Name| !wanted.contains(key) && secret.content(key).is_some();
        let keys = claims.iter().flat_map(|claim| claim.service_type.keys(&claim.slot)).map(|want| want.key);
        let keys = keys.filter(held).collect();
        Leftovers { claims, keys }
    }
}

/// The users that a secret lists as replaced after the write.
struct RetiredList {
    list: Vec<Retired>,
    new: Vec<UserKey>,
}

fn retired(
    survey: &Survey<'_>,
    (app, secret): (&Application, Option<&Secret>),
    parts: &[PartPlan<'_>],
    leftovers: &Leftovers,
) -> RetiredList {
    let world = survey.world;
    let in_use: BTreeSet<&UserKey> = parts.iter().filter_map(|part| part.user.as_ref()).collect();
    let listed = secret.map(Secret::retired).unwrap_or_default();
    let stays = |entry: &&Retired| !in_use.contains(&entry.account()) && !retire::is_spent(world, entry);
    let mut list: Vec<Retired> = listed.iter().filter(stays).cloned().collect();
    let replaced = parts.iter().filter_map(|part| part.retire.clone());
    let dropped = leftovers.claims.iter().filter_map(|claim| {
        let user = account_of(world, claim);
        let key = &secret?.key;
        may_be_own(world, &app.key, claim.service_type, (key, &user)).then_some(user)
    });
    let mut new: Vec<UserKey> = replaced.chain(dropped).collect();
    new.retain(|user| !list.iter().any(|entry| entry.account() == *user));
    let entry =
        |user: &UserKey| Retired { service: user.service_key(), username: user.username.clone(), since: world.now };
    list.extend(new.iter().map(entry));
    list.sort();
    RetiredList { list, new }
}

/// The labels and annotations to write, and which of them are a reason to.
#[derive(Default)]
struct Metadata {
    labels: BTreeMap<Name, Option<Name>>,
    annotations: BTreeMap<Name, Option<Value>>,
    wrong: BTreeSet<Name>,
}

impl Metadata {
    fn labels(&mut self, app: &Application, secret: Option<&Secret>) {
        let protected = if app.spec.protected { "true" } else { "false" };
        let generation = app.secret_generation.to_string();
        let wanted = [
            (names::APP, &*app.key.name, true),
            (names::TEAM, &*app.key.namespace, true),
            (names::TYPE, names::TYPE_VALUE, true),
            (names::SECRET_GENERATION, &*generation, false),
            (names::PROTECTED, protected, true),
        ];
        for (label, value, matters) in wanted {
            let current = secret.and_then(|secret| secret.labels.get(label)).map(|current| &**current);
            if current == Some(value) {
                continue;
            }
            // Secrets of before that have no such label are not protected.
            let means_the_same = label == names::PROTECTED && current.is_none() && value == "false";
            if matters && !means_the_same {
                self.wrong.insert(format!("label {label}").into());
            }
            self.labels.insert(label.into(), Some(value.into()));
        }
    }

    fn annotations(&mut self, app: &Application, secret: Option<&Secret>) {
        let limit = app.spec.expires_at.filter(|_| app.spec.protected);
        let protected = if app.spec.protected { "true" } else { "false" };
        self.annotation(secret, (names::PROTECTED, Some(protected)), |current| current.unwrap_or("false") == protected);
        let limited = limit.map(|_| "true");
        self.annotation(secret, (names::TIME_LIMIT, limited), |current| {
            current.filter(|value| *value == "true") == limited
        });
        let end = limit.map(rfc3339);
        self.annotation(secret, (names::EXPIRES_AT, end.as_deref()), |current| {
            let moment = current.and_then(|text| text.parse::<crate::world::Timestamp>().ok());
            moment.map(|moment| moment.as_second()) == limit.map(|limit| limit.as_second())
                && current.is_some() == limit.is_some()
        });
        self.annotation(secret, (names::CORRELATION_ID, Some(&app.correlation_id)), |_| true);
    }

    /// Sets or removes one annotation; it is a reason to write unless what stands there is `right`.
    fn annotation(
        &mut self,
        secret: Option<&Secret>,
        (name, wanted): (&str, Option<&str>),
        right: impl Fn(Option<&str>) -> bool,
    ) {
        let current = secret.and_then(|secret| secret.annotations().get(name)).map(|current| &**current);
        if current == wanted {
            return;
        }
        if !right(current) {
            self.wrong.insert(format!("annotation {name}").into());
        }
        self.annotations.insert(name.into(), wanted.map(Value::text));
    }

    fn records(&mut self, secret: Option<&Secret>, parts: &[PartPlan<'_>], leftovers: &Leftovers) {
        let known = parts.iter().filter_map(|part| Some((part.want, part.user.as_ref()?)));
        let wanted: BTreeMap<Name, Name> =
            known.flat_map(|(want, user)| want.service_type.record(&want.slot, user)).collect();
        for (name, value) in &wanted {
            self.annotation(secret, (name, Some(value)), |_| false);
        }
        let kept: BTreeSet<Name> = secret.map(|secret| names_of_records(secret, leftovers)).unwrap_or_default();
        for claim in &leftovers.claims {
            for (name, _) in claim.service_type.record(&claim.slot, &nobody()) {
                if !wanted.contains_key(&name) && !kept.contains(&name) {
                    self.annotation(secret, (&name, None), |_| false);
                }
            }
        }
    }

    fn retired(&mut self, secret: Option<&Secret>, list: &[Retired]) {
        let text = (!list.is_empty()).then(|| Retired::format(list));
        let same = secret.map(Secret::retired).unwrap_or_default() == list;
        self.annotation(secret, (names::RETIRED, text.as_deref()), |_| same);
    }
}

/// The annotations of records that stay.
fn names_of_records(secret: &Secret, leftovers: &Leftovers) -> BTreeSet<Name> {
    let stays = |claim: &&Claim| !leftovers.claims.contains(claim);
    let records = |claim: &Claim| claim.service_type.record(&claim.slot, &nobody());
    secret.claims().iter().filter(stays).flat_map(records).map(|(name, _)| name).collect()
}

/// A user to ask for the names of annotations with.
fn nobody() -> UserKey {
    UserKey { project: Name::default(), service: Name::default(), username: Name::default() }
}

/// The keys that every secret holds.
#[derive(Default)]
struct Data {
    ca: Option<Value>,
    drifts: Vec<Drift>,
}

fn data(survey: &Survey<'_>, secret: Option<&Secret>, all: bool) -> Data {
    let world = survey.world;
    let project = &world.settings().main_project;
    let value = Value::Ca { project: project.clone() };
    let Some(secret) = secret.filter(|secret| secret.data.seen().is_some()) else {
        return Data { ca: secret.is_none().then_some(value), drifts: vec![] };
    };
    let known = match world.project(project) {
        Lookup::Found(project) => project.ca.seen().copied(),
        Lookup::Absent | Lookup::Unseen(_) => None,
    };
    let key = || vec![Name::from(CA)];
    let drift = match (secret.content(CA), known) {
        (None | Some(Content::Empty), _) => Some(Drift::KeysMissing(key())),
        (Some(held), Some(known)) if held.same(known) == Some(false) => Some(Drift::KeysWrong(key())),
        (Some(_), _) => None,
    };
    let ca = (drift.is_some() || all).then_some(value);
    Data { ca, drifts: drift.into_iter().collect() }
}

const CA: &str = "AIVEN_CA";
const UPDATED: &str = "AIVEN_SECRET_UPDATED";

impl Data {
    /// Every key to set, with those that are refreshed because something is written.
    fn finish(self, parts: &[PartPlan<'_>], removes: bool) -> BTreeMap<Name, Value> {
        let mut set: BTreeMap<Name, Value> = self.ca.into_iter().map(|value| (CA.into(), value)).collect();
        let writes = !set.is_empty() || removes || parts.iter().any(|part| !part.contents.set.is_empty());
        for contents in parts.iter().map(|part| &part.contents).filter(|_| writes) {
            let touched = !contents.set.is_empty();
            set.extend(contents.set.clone());
            let refreshed = contents.refresh.iter().filter(|(_, value)| touched || **value != Value::Clock);
            set.extend(refreshed.map(|(key, value)| (key.clone(), value.clone())));
        }
        if !set.is_empty() {
            set.insert(UPDATED.into(), Value::Clock);
        }
        set
    }
}
