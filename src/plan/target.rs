//! One secret that an application asks for: whether it may be written, and the one write that makes it right.
//!
//! Takes as given what each service that shares it needs ([`super::part`]). Never writes a Secret that is not managed, is
//! another application's, or is being deleted; never creates one before every service that shares it is ready.

use super::account::{holder, note};
use super::backoff;
use super::contest::{self, Mode};
use super::part::{self, Ask, PartPlan, Standing};
use super::survey::{Notes, Survey};
use super::trace::{account_of, why_untraceable};
use super::write::{self, Site};
use super::{Part, Verdict};
use crate::action::Action;
use crate::read::Read;
use crate::reason::{Mend, Reason};
use crate::want::{Target, Want};
use crate::world::{Application, Claim, Content, Entry, Here, Kind, Lookup, Name, Secret, SecretKey, Subject, World};

/// What is decided about one secret of an application.
pub(super) struct TargetPlan {
    /// The secret.
    pub(super) secret: Name,
    /// Each service that goes into it, and how it stands.
    pub(super) parts: Vec<(Part, Standing)>,
    /// What to do, in order.
    pub(super) actions: Vec<Action>,
}

/// Decides one secret of an application.
pub(super) fn plan(
    survey: &Survey<'_>,
    (app, target): (&Application, &Target),
    mode: Mode<'_>,
    notes: &mut Notes,
) -> TargetPlan {
    let world = survey.world;
    let here = mode.here;
    let key = SecretKey { namespace: app.key.namespace.clone(), name: target.secret.clone() };
    let secret = match existing(here, app, &key) {
        Ok(secret) => secret,
        Err((verdict, reason)) => {
            note(notes, &reason);
            return all(target, verdict, &reason);
        }
    };
    let ask = |want| Ask { app, here, key: &key, secret, want, all: mode.all, contended: mode.contended };
    let mut parts: Vec<PartPlan<'_>> = target.wants.iter().map(|want| part::decide(survey, ask(want), notes)).collect();
    if secret.is_none_or(|secret| part::is_taken_over(app, secret)) && hold_back(&mut parts) {
        return finish(target, parts, vec![]);
    }
    if let Some(reason) = why_not_written(survey, (app, secret), mode.contended) {
        note(notes, &reason);
        return all(target, Verdict::Wait, &reason);
    }
    let site = Site { app, key: &key, secret, all: mode.all, contended: mode.contended };
    let write = write::of(survey, site, &parts);
    if write.is_none() && parts.iter().all(|part| part.before.is_empty()) {
        return finish(target, parts, vec![]);
    }
    let subject = Subject::Application(app.key.clone());
    if let Some(reason) = backoff::why_not_now(world, &subject, &key.name, (Some(app.generation), notes)) {
        return stuck(target, parts, &reason);
    }
    let changes_data = write.as_ref().is_some_and(|write| !write.keys.set.is_empty() || !write.keys.remove.is_empty());
    if changes_data && secret.is_some_and(|secret| secret.immutable) {
        return all(target, Verdict::Refuse, &Reason::SecretImmutable { secret: key.name });
    }
    // A list that cannot be read is not written over: somebody on it would be lost.
    let retires = write.as_ref().is_some_and(|write| !write.retirements.is_empty());
    if let Some(secret) = secret.filter(|secret| retires && secret.hides_retired()) {
        return stuck(target, parts, &invalid(secret, Mend::List));
    }
    let mut actions: Vec<Action> = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.before)).collect();
    if let Some(write) = write {
        mark_changed(&mut parts, &write.reason);
        let mut keys = write.keys;
        if parts.iter().all(|part| part.verdict != Verdict::Change) {
            keys.why = parts.iter_mut().find_map(|part| part.wrote.take()).or_else(|| Some(write.reason.into()));
        }
        actions.extend(write.retirements);
        actions.push(Action::WriteKeys(keys.into()));
    }
    // What still waits is judged by what is left once this is done, else the next plan would take it back.
    for part in &mut parts {
        part.standing = part.then;
    }
    finish(target, parts, actions)
}

/// The secret as it is, if this application may write it.
pub(super) fn existing<'w>(
    here: Here<'w>,
    app: &Application,
    key: &SecretKey,
) -> Result<Option<&'w Secret>, (Verdict, Reason)> {
    for kind in [Kind::Application, Kind::Secret] {
        if let Some(why) = here.world.why_unlisted(kind) {
            // Another application or another secret that was not listed may have it, or its user.
            let reason = Reason::NotObserved { what: Read::Kind(kind), why: why.clone() };
            return Err((Verdict::Wait, reason));
        }
    }
    let secret = match here.secret(&key.name) {
        Lookup::Unseen(why) => {
            return Err((Verdict::Wait, Reason::NotObserved { what: Read::Secret(key.clone()), why }));
        }
        Lookup::Absent | Lookup::Found(Entry::Absent) => None,
        Lookup::Found(Entry::Foreign { terminating: true }) => {
            return Err((Verdict::Wait, Reason::ForeignTerminating { secret: key.name.clone() }));
        }
        Lookup::Found(Entry::Foreign { terminating: false }) => {
            return Err((Verdict::Refuse, Reason::SecretNotManaged { secret: key.name.clone() }));
        }
        Lookup::Found(Entry::Managed(secret)) => Some(&**secret),
    };
    let others_may = || !secret.is_some_and(|secret| is_managed_for(here, secret, app));
    if let Some(other) = others_may().then(|| holder(here, &key.name)).flatten().filter(|other| other.key != app.key) {
        let reason = Reason::SecretContested { secret: key.name.clone(), by: other.key.name.clone() };
        return Err((Verdict::Refuse, reason));
    }
    match secret {
        Some(secret) if secret.terminating => {
            Err((Verdict::Wait, Reason::Terminating { what: format!("secret {}", key.name).into() }))
        }
        Some(secret) if secret.paused() => {
            Err((Verdict::Keep, Reason::Paused { what: format!("secret {}", key.name).into() }))
        }
        other => Ok(other),
    }
}

/// Whether the secret is managed for this very application, which asks for it: then it is the holder, without a search.
fn is_managed_for(here: Here<'_>, secret: &Secret, app: &Application) -> bool {
    !app.terminating && !app.expired(here.world.now) && secret.app() == Some(&app.key.name)
}

/// Why the secret cannot be written at all now: the certificate that it lacks cannot be had, or a user that it records
/// for another application cannot be traced, and with the label the last trace of it would go.
fn why_not_written(survey: &Survey<'_>, ask: (&Application, Option<&Secret>), contended: bool) -> Option<Reason> {
    let (app, secret) = ask;
    let lacks_ca = |secret: &Secret| {
        secret.data().seen().is_some() && matches!(secret.content(write::CA), None | Some(Content::Empty))
    };
    let no_ca = if secret.is_none_or(lacks_ca) { why_no_ca(survey.world) } else { None };
    no_ca.or_else(|| why_lost(survey, secret.filter(|secret| part::is_taken_over(app, secret))?, contended))
}

/// Why a user that a secret records cannot be traced, or not before another secret has forgotten it.
fn why_lost(survey: &Survey<'_>, secret: &Secret, contended: bool) -> Option<Reason> {
    if !secret.faults().is_empty() {
        return Some(invalid(secret, Mend::TakeOver));
    }
    let shared = |claim: &Claim| {
        let user = account_of(survey.world, claim);
        let by = contest::dropped_first(survey, (&secret.key, contended), &user)?;
        Some(Reason::RecordedElsewhere { user, by: vec![by], first: true })
    };
    let mut claims = secret.claims().iter().filter(|claim| claim.is_whole());
    claims.find_map(|claim| why_untraceable(survey.world, claim).or_else(|| shared(claim)))
}

fn invalid(secret: &Secret, mend: Mend) -> Reason {
    Reason::AnnotationInvalid { secret: secret.key.name.clone(), faults: secret.faults().to_vec(), mend }
}

/// Why the certificate that every secret holds cannot be had.
fn why_no_ca(world: &World) -> Option<Reason> {
    let project = &world.settings().main_project;
    match world.project(project) {
        Lookup::Unseen(why) => Some(Reason::NotObserved { what: Read::Project(project.clone()), why }),
        Lookup::Found(_) | Lookup::Absent => None,
    }
}

/// A secret that does not exist, or was another application's, is written when every service that shares it is ready, and
/// no user is made before: all of its users come with the one write that makes it this application's. Says whether it
/// has to wait for that.
fn hold_back(parts: &mut [PartPlan<'_>]) -> bool {
    let Some(reason) = parts.iter().find(|part| part.verdict > Verdict::Change).map(|part| part.reason.clone()) else {
        return false;
    };
    for part in parts {
        part.before.clear();
        if part.verdict == Verdict::Change {
            part.verdict = Verdict::Wait;
            part.reason = reason.clone();
            part.standing = Standing::Incomplete;
        }
    }
    true
}

/// The secret's metadata change with no part of it: every part that is well says so.
fn mark_changed(parts: &mut [PartPlan<'_>], reason: &Reason) {
    if parts.iter().any(|part| part.verdict == Verdict::Change) {
        return;
    }
    for part in parts.iter_mut().filter(|part| part.verdict == Verdict::Keep) {
        part.verdict = Verdict::Change;
        part.reason = reason.clone();
    }
}

fn finish(target: &Target, parts: Vec<PartPlan<'_>>, actions: Vec<Action>) -> TargetPlan {
    // Not collected: that would be done in place, and what is left over be given back.
    let mut told = Vec::with_capacity(parts.len());
    told.extend(
        parts.into_iter().map(|part| {
            let PartPlan {
                want,
                verdict,
                reason,
                standing,
                then: _,
                before: _,
                wrote: _,
                contents: _,
                user: _,
                retire: _,
            } = part;
            (public(target, want, verdict, reason), standing)
        }),
    );
    TargetPlan { secret: target.secret.clone(), parts: told, actions }
}

/// Something would be done, and cannot be now: what is complete for today's spec stays so.
fn stuck(target: &Target, mut parts: Vec<PartPlan<'_>>, reason: &Reason) -> TargetPlan {
    let changed = parts.iter().any(|part| part.verdict == Verdict::Change);
    for part in parts.iter_mut().filter(|part| part.verdict <= Verdict::Change) {
        if part.verdict == Verdict::Change || !changed {
            if part.verdict != Verdict::Change {
                part.standing = Standing::Incomplete;
            }
            (part.verdict, part.reason) = (Verdict::Wait, reason.clone());
        }
    }
    finish(target, parts, vec![])
}

/// The same for every service that goes into the secret, and nothing is done.
fn all(target: &Target, verdict: Verdict, reason: &Reason) -> TargetPlan {
    let parts = target.wants.iter().map(|want| (public(target, want, verdict, reason.clone()), Standing::Incomplete));
    TargetPlan { secret: target.secret.clone(), parts: parts.collect(), actions: vec![] }
}

fn public(target: &Target, want: &Want, verdict: Verdict, reason: Reason) -> Part {
    let (instance, secret) = (want.instance.clone(), target.secret.clone());
    Part { service: want.service_type, instance, secret, verdict, reason }
}
