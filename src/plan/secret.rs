//! A managed secret: why it stays or goes, and what becomes of the users that it lists as replaced.
//!
//! It goes when nothing asks for it, nothing uses it and it is not protected, for a while, and everything that could use
//! it was looked at. Takes as given that what an application asks for is written by that application's own decision;
//! never deletes a secret that records users before our finalizer is on it.

use std::sync::Arc;

use super::account::{note, writer};
use super::retire::{self, Fate};
use super::survey::{Notes, Survey, after};
use super::write::expect;
use super::{Decision, Planned, Step, Verdict, backoff, finalizer, renew};
use crate::action::{Action, Operation, WriteKeys};
use crate::read::Read;
use crate::reason::{Drift, Mend, Reason};
use crate::value::Value;
use crate::world::{
    BrokenRecord, Claim, ConsumerKind, ConsumerRef, Here, Kind, Place, Protection, Retired, Secret, SecretKey, Subject,
    Timestamp, WorkloadKind, World, names,
};

/// Decides one managed secret.
pub(super) fn decide(
    survey: &Survey<'_>,
    (here, place, secret): (Here<'_>, &Place, &Secret),
    notes: &mut Notes,
) -> Decision {
    if secret.terminating {
        return finalizer::decide(survey.world, secret, notes);
    }
    if secret.paused() {
        let what = format!("secret {}", secret.key.name).into();
        return decision(secret, Verdict::Keep, Reason::Paused { what }, vec![]);
    }
    let stay = stay(survey, (here, place, secret), notes);
    let stay = warned(survey.world, (place, secret), stay, notes);
    let leaving = leaving(here, secret, notes);
    let verdict = if leaving.actions.is_empty() { stay.verdict } else { stay.verdict.max(Verdict::Change) };
    let reason = match leaving.reason {
        Some((verdict, reason)) if verdict >= stay.verdict => reason,
        _ => stay.reason,
    };
    let verdict = leaving.verdict.map_or(verdict, |of_users| verdict.max(of_users));
    let actions = if leaving.actions.is_empty() { stay.actions } else { [leaving.actions, stay.actions].concat() };
    if !actions.iter().any(|planned| planned.action.is_change()) {
        return decision(secret, verdict, reason, actions);
    }
    let subject = Subject::Secret(secret.key.clone());
    match backoff::why_not_now(survey.world, &subject, &secret.key.name, (None, notes)) {
        Some(reason) => decision(secret, Verdict::Wait, reason, vec![]),
        None => decision(secret, verdict, reason, actions),
    }
}

struct Stay {
    verdict: Verdict,
    reason: Reason,
    actions: Vec<Planned>,
}

impl Stay {
    fn keep(secret: &Secret, reason: Reason, action: Action) -> Self {
        Stay { verdict: Verdict::Keep, reason, actions: vec![planned(secret, action)] }
    }

    fn wait(reason: Reason) -> Self {
        Stay { verdict: Verdict::Wait, reason, actions: vec![] }
    }
}

/// Whether it stays: the reasons in the order in which they count.
fn stay(survey: &Survey<'_>, (here, place, secret): (Here<'_>, &Place, &Secret), notes: &mut Notes) -> Stay {
    let mend = mend(here, secret);
    let mut stay = match why_stays(here.world, place, secret) {
        Some(Staying::Used(by)) => keep_secret(secret, by),
        Some(Staying::Protected(until)) => {
            if let Some(end) = until {
                notes.wake(end);
            }
            skip_protected(secret, until)
        }
        Some(Staying::Unseen(reason)) => {
            note(notes, &reason);
            Stay::wait(reason)
        }
        Some(Staying::Young(until)) => {
            notes.wake(until);
            Stay::wait(Reason::TooYoung { until })
        }
        // Its finalizer sees to its users, so it has to be there first.
        None => return mend.filter(|_| !secret.finalizer).unwrap_or_else(|| delete(survey, secret)),
    };
    if let Some(mend) = mend {
        stay.actions.extend(mend.actions);
        (stay.verdict, stay.reason) = (stay.verdict.max(Verdict::Change), mend.reason);
    }
    stay
}

/// What stays for now and needs a person: a list that nobody can read, or a certificate that nobody will renew.
fn warned(world: &World, (place, secret): (&Place, &Secret), stay: Stay, notes: &mut Notes) -> Stay {
    if stay.verdict > Verdict::Keep {
        return stay;
    }
    if secret.hides_retired() {
        let reason = Reason::AnnotationInvalid {
            secret: secret.key.name.clone(),
            faults: vec![BrokenRecord::RetiredUnreadable],
            mend: Mend::List,
        };
        return Stay { verdict: Verdict::Wait, reason, actions: stay.actions };
    }
    // Where an application asks for it, that one's decision says so.
    let unasked = secret.protection() != Protection::None && place.asking(world.now).next().is_none();
    let ending = if unasked { renew::why_ending(world, secret, notes) } else { None };
    match ending {
        Some(reason) => Stay { reason, ..stay },
        None => stay,
    }
}

enum Staying {
    Used(Arc<[ConsumerRef]>),
    Protected(Option<Timestamp>),
    Unseen(Reason),
    Young(Timestamp),
}

/// Why a secret that is not being deleted stays.
fn why_stays(world: &World, place: &Place, secret: &Secret) -> Option<Staying> {
    let asking = place.askers(world.now);
    if !asking.is_empty() {
        return Some(Staying::Used(asking));
    }
    let using = place
        .using()
        .map(|(workload, _)| ConsumerRef { kind: ConsumerKind::Workload(workload.kind), name: workload.name.clone() });
    let using: Arc<[ConsumerRef]> = using.collect();
    if !using.is_empty() {
        return Some(Staying::Used(using));
    }
    match secret.protection() {
        Protection::Forever => return Some(Staying::Protected(None)),
        Protection::Until(end) if world.now < end => return Some(Staying::Protected(Some(end))),
        Protection::Until(_) | Protection::None => {}
    }
    if let Some(reason) = why_not_seen(world) {
        return Some(Staying::Unseen(reason));
    }
    let until = grace_ends(world, secret)?;
    (world.now < until).then_some(Staying::Young(until))
}

/// What could ask for a secret or use it and was not looked at.
fn why_not_seen(world: &World) -> Option<Reason> {
    let mut all = [Kind::Application, Kind::Secret].into_iter().chain(WorkloadKind::ALL.map(Kind::Workload));
    all.find_map(|kind| Some((kind, world.why_unlisted(kind)?)))
        .map(|(kind, why)| Reason::NotObserved { what: Read::Kind(kind), why: why.clone() })
}

/// The end of the time for which an unused secret stays; `None` if it has no beginning.
fn grace_ends(world: &World, secret: &Secret) -> Option<Timestamp> {
    let since = [secret.created, world.complete_since, secret.last_wanted].into_iter().flatten().max()?;
    Some(after(since, world.settings().janitor_grace))
}

fn keep_secret(secret: &Secret, used_by: Arc<[ConsumerRef]>) -> Stay {
    let SecretKey { namespace, name } = secret.key.clone();
    let reason = Reason::InUse { by: used_by.clone() };
    Stay::keep(secret, reason, Action::KeepSecret { namespace, name, used_by })
}

fn skip_protected(secret: &Secret, expires_at: Option<Timestamp>) -> Stay {
    let SecretKey { namespace, name } = secret.key.clone();
    let limited = secret.notes().time_limit.as_deref() == Some("true");
    let reason = Reason::Protected { until: expires_at, unreadable: limited && expires_at.is_none() };
    Stay::keep(secret, reason, Action::SkipProtected { namespace, name, expires_at })
}

fn delete(survey: &Survey<'_>, secret: &Secret) -> Stay {
    let world = survey.world;
    let wanted = survey.deletions();
    let allowed = world.settings().max_deletions.of(world.managed_count());
    if wanted > allowed {
        return Stay::wait(Reason::DeletionLimit { wanted, allowed });
    }
    let reason = match secret.protection() {
        Protection::Until(at) => Reason::ProtectionOver { at },
        Protection::None | Protection::Forever => Reason::Unused,
    };
    let SecretKey { namespace, name } = secret.key.clone();
    let delete = Action::DeleteSecret { namespace, name, expect: expect(secret) };
    Stay { verdict: Verdict::Change, reason, actions: vec![planned(secret, delete)] }
}

/// How many secrets the janitor would delete now.
pub(super) fn count_deletable(world: &World) -> usize {
    let goes = |(place, secret): &(&Place, &Secret)| {
        !secret.terminating && !secret.paused() && why_stays(world, place, secret).is_none()
    };
    let candidates = world.unwanted();
    let places = candidates.iter().filter_map(|key| world.namespace(&key.namespace)?.place(&key.name));
    places.filter_map(|place| Some((place, place.managed()?))).filter(goes).count()
}

/// What is wrong with a secret that no application writes: our finalizer is missing although it records users, or its
/// list of replaced users names some that are gone.
fn mend(here: Here<'_>, secret: &Secret) -> Option<Stay> {
    let world = here.world;
    if (secret.finalizer && secret.retired().is_empty()) || writer(here, &secret.key.name).is_some() {
        return None;
    }
    let whole = secret.claims().iter().any(Claim::is_whole);
    let records = whole || !secret.faults().is_empty() || !secret.retired().is_empty();
    let finalizer = records && !secret.finalizer;
    let left: Vec<Retired> = secret.retired().iter().filter(|entry| !retire::is_spent(world, entry)).cloned().collect();
    let spent = left.len() < secret.retired().len() && !secret.hides_retired();
    if !finalizer && !spent {
        return None;
    }
    let list = (!left.is_empty()).then(|| Value::text(Retired::format(&left)));
    let gone = secret.retired().iter().filter(|entry| !left.contains(entry)).map(|entry| entry.username.clone());
    let drift = [
        finalizer.then(|| Drift::Metadata(vec!["the finalizer".into()])),
        spent.then(|| Drift::RetiredGone(gone.collect())),
    ];
    let SecretKey { namespace, name } = secret.key.clone();
    let keys = WriteKeys {
        namespace,
        name,
        operation: Operation::Patch,
        expect: Some(expect(secret)),
        set: [].into(),
        remove: vec![],
        labels: [].into(),
        annotations: if spent { [(names::RETIRED.into(), list)].into() } else { [].into() },
        finalizers: if finalizer { vec![names::FINALIZER.into()] } else { vec![] },
        why: None,
    };
    let reason = Reason::Drifted { what: drift.into_iter().flatten().collect() };
    Some(Stay { verdict: Verdict::Change, reason, actions: vec![planned(secret, Action::WriteKeys(keys.into()))] })
}

/// What becomes of the users that a secret lists as replaced.
#[derive(Default)]
struct Leaving {
    verdict: Option<Verdict>,
    reason: Option<(Verdict, Reason)>,
    actions: Vec<Planned>,
}

fn leaving(here: Here<'_>, secret: &Secret, notes: &mut Notes) -> Leaving {
    let mut leaving = Leaving::default();
    if secret.retired().is_empty() || here.asking(&secret.key.name).any(|app| app.paused) {
        return leaving;
    }
    for entry in secret.retired() {
        let (verdict, reason, actions) = match retire::fate(here.world, secret, entry, notes) {
            Fate::Spent => continue,
            Fate::NotHere(reason) => (Verdict::Keep, reason, vec![]),
            Fate::Stays(reason) => (retire::staying(&reason), reason, vec![]),
            Fate::Deleted(actions, hold) => {
                (Verdict::Change, Reason::Retiring { user: entry.account(), hold }, actions)
            }
        };
        leaving.actions.extend(actions.into_iter().map(|action| planned(secret, action)));
        leaving.verdict = leaving.verdict.max(Some(verdict));
        if leaving.reason.as_ref().is_none_or(|(worst, _)| *worst < verdict) {
            leaving.reason = Some((verdict, reason));
        }
    }
    leaving
}

/// A decision about a secret.
pub(super) fn decision(secret: &Secret, verdict: Verdict, reason: Reason, actions: Vec<Planned>) -> Decision {
    Decision { subject: Subject::Secret(secret.key.clone()), verdict, reason, parts: vec![], actions }
}

/// Everything in a decision about a secret serves that secret.
pub(super) fn planned(secret: &Secret, action: Action) -> Planned {
    Planned { step: Step::Secret(secret.key.name.clone()), action }
}
