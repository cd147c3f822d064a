//! The one write that makes a secret right: its keys and its metadata, only what differs, and why.
//!
//! Takes as given what each service needs. Never touches a key, label, annotation or finalizer that is not ours; what
//! changes with every deploy is refreshed only where something else is written.

use std::collections::{BTreeMap, BTreeSet};

use super::contest;
use super::metadata::Metadata;
use super::part::{PartPlan, retired_for};
use super::retire;
use super::survey::Survey;
use super::trace::{account_of, given_up, why_untraceable};
use crate::action::{Action, WriteKeys};
use crate::reason::{Drift, Reason};
use crate::value::Value;
use crate::world::{Application, Claim, Content, Expect, Lookup, Name, Retired, Secret, SecretKey, UserKey, names};

/// A write, and why.
pub(super) struct Write {
    /// Why, beside what the services say.
    pub(super) reason: Reason,
    /// Users that are listed as replaced by it.
    pub(super) retirements: Vec<Action>,
    /// The write.
    pub(super) keys: WriteKeys,
}

/// The secret that is written, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    /// The application that asks for it.
    pub(super) app: &'a Application,
    /// Its name.
    pub(super) key: &'a SecretKey,
    /// As it is, if it exists.
    pub(super) secret: Option<&'a Secret>,
    /// Whether everything is written, because a person has asked for it.
    pub(super) all: bool,
    /// Whether other subjects that drop the same user are heeded.
    pub(super) contended: bool,
}

/// Puts together the write; `None` if there is no reason for one.
pub(super) fn of(survey: &Survey<'_>, site: Site<'_>, parts: &[PartPlan<'_>]) -> Option<Write> {
    let Site { app, key, secret, all, contended } = site;
    let leftovers = secret.map(|secret| Leftovers::of(survey, (secret, contended), parts)).unwrap_or_default();
    let retired = retired(survey, (app, secret), parts, &leftovers);
    let mut metadata = Metadata::of(site, parts, (&leftovers, &retired.list));
    let data = data(survey, secret, all);
    let mut drifts = data.drifts.clone();
    drifts.extend(leftovers.drift());
    drifts.extend(metadata.drifts());
    if secret.is_some() && drifts.is_empty() && !parts.iter().any(writes) {
        return None;
    }
    let remove: Vec<Name> = leftovers.keys.into_iter().collect();
    let set = data.finish(parts, !remove.is_empty());
    if set.values().any(|value| matches!(value, Value::Keystore { .. } | Value::Truststore { .. })) {
        metadata.annotations.insert(names::KEYSTORES.into(), Some(Value::StoreDigests));
    }
    let reason = match secret {
        None => Reason::SecretMissing { secret: key.name.clone() },
        Some(_) if all => Reason::ResyncRequested,
        Some(_) if app.status.hash != *app.hash() => Reason::SpecChanged { first: app.status.is_new(), what: drifts },
        Some(_) => Reason::Drifted { what: drifts },
    };
    let retirements = retired.new.iter().map(|(user, app)| retire_action(user, key, app)).collect();
    Some(Write { reason, retirements, keys: metadata.into_write(site, set, remove) })
}

/// Whether one of its keys is a reason to write.
fn writes(part: &PartPlan<'_>) -> bool {
    part.contents.as_ref().is_some_and(|contents| contents.writes())
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
pub(super) struct Leftovers {
    pub(super) claims: Vec<Claim>,
    keys: BTreeSet<Name>,
}

impl Leftovers {
    fn of(survey: &Survey<'_>, (secret, contended): (&Secret, bool), parts: &[PartPlan<'_>]) -> Self {
        let world = survey.world;
        let asked = |claim: &&Claim| {
            parts.iter().any(|part| part.want.service_type == claim.service_type && part.want.slot == claim.slot)
        };
        let unasked = secret.claims().iter().filter(|claim| claim.is_whole() && !asked(claim));
        let unasked = unasked.filter(|claim| why_untraceable(world, claim).is_none());
        let others_first = |claim: &&Claim| {
            contest::dropped_first(survey, (&secret.key, contended), &account_of(world, claim)).is_some()
        };
        let claims: Vec<Claim> = unasked.filter(|claim| !others_first(claim)).cloned().collect();
        if claims.is_empty() {
            return Leftovers::default();
        }
        let wanted: BTreeSet<Name> = parts.iter().flat_map(|part| part.want.keys()).map(|(key, _)| key).collect();
        let held = |key: &Name| !wanted.contains(key) && secret.content(key).is_some();
        let keys = claims.iter().flat_map(Claim::keys).filter(held).collect();
        Leftovers { claims, keys }
    }

    fn drift(&self) -> Option<Drift> {
        (!self.claims.is_empty()).then(|| Drift::Leftovers(self.claims.iter().map(label).collect()))
    }
}

/// The users that a secret lists as replaced after the write.
struct RetiredList {
    list: Vec<Retired>,
    new: Vec<(UserKey, Name)>,
}

fn retired(
    survey: &Survey<'_>,
    (app, secret): (&Application, Option<&Secret>),
    parts: &[PartPlan<'_>],
    leftovers: &Leftovers,
) -> RetiredList {
    let world = survey.world;
    let listed = secret.map(Secret::retired).unwrap_or_default();
    if listed.is_empty() && leftovers.claims.is_empty() && parts.iter().all(|part| part.retire.is_empty()) {
        return RetiredList { list: vec![], new: vec![] };
    }
    let in_use: BTreeSet<&UserKey> = parts.iter().filter_map(|part| part.user.as_ref()).collect();
    let stays = |entry: &&Retired| !in_use.contains(&entry.account()) && !retire::is_spent(world, entry);
    let mut list: Vec<Retired> = listed.iter().filter(stays).cloned().collect();
    let replaced = parts.iter().flat_map(|part| part.retire.iter().cloned());
    let dropped = leftovers.claims.iter().flat_map(|claim| {
        let made_for = |user: UserKey| {
            let key = &secret?.key;
            let app = retired_for(world, (&app.key, key, secret), claim.service_type, &user)?;
            Some((user, app))
        };
        given_up(world, claim).into_iter().filter_map(made_for)
    });
    let mut new: Vec<(UserKey, Name)> = replaced.chain(dropped).collect();
    new.retain(|(user, _)| !list.iter().any(|entry| entry.account() == *user));
    let entry = |(user, _): &(UserKey, Name)| Retired {
        service: user.service_key(),
        username: user.username.clone(),
        since: world.now,
    };
    new.retain(|user| !retire::is_spent(world, &entry(user)));
    list.extend(new.iter().map(entry));
    list.sort();
    RetiredList { list, new }
}

/// The keys that every secret holds.
#[derive(Default)]
struct Data {
    ca: Option<Value>,
    drifts: Vec<Drift>,
}

fn data(survey: &Survey<'_>, secret: Option<&Secret>, all: bool) -> Data {
    let value = || Value::Ca { project: survey.world.settings().main_project.clone() };
    let Some(secret) = secret.filter(|secret| secret.data().seen().is_some()) else {
        return Data { ca: secret.is_none().then(value), drifts: vec![] };
    };
    let known = match survey.main {
        Lookup::Found(project) => project.ca.seen().copied(),
        Lookup::Absent => None,
        // It could not be read now either.
        Lookup::Unseen(_) => return Data::default(),
    };
    let key = || vec![Name::from(CA)];
    let drift = match (secret.content(CA), known) {
        (None | Some(Content::Empty), _) => Some(Drift::KeysMissing(key())),
        (Some(held), Some(known)) if held.same(known) == Some(false) => Some(Drift::KeysWrong(key())),
        (Some(_), _) => None,
    };
    let ca = (drift.is_some() || all).then(value);
    Data { ca, drifts: drift.into_iter().collect() }
}

/// The key of the certificate that every secret holds.
pub(super) const CA: &str = "AIVEN_CA";
const UPDATED: &str = "AIVEN_SECRET_UPDATED";

impl Data {
    /// Every key to set, with those that are refreshed because something is written.
    fn finish(self, parts: &[PartPlan<'_>], removes: bool) -> BTreeMap<Name, Value> {
        let mut set: BTreeMap<Name, Value> = self.ca.into_iter().map(|value| (CA.into(), value)).collect();
        let writes = !set.is_empty() || removes || parts.iter().any(writes);
        for contents in parts.iter().filter_map(|part| part.contents.as_ref()).filter(|_| writes) {
            set.extend(contents.set.clone());
            set.extend(contents.refresh.clone());
        }
        if !set.is_empty() {
            set.insert(UPDATED.into(), Value::Clock);
        }
        set
    }
}
