//! An application: whether it stays, and what each of its secrets and its status need.
//!
//! Takes as given what each secret needs ([`super::target`]); a mistake in its spec refuses the whole before any effect.
//! One service that fails never holds back the secret of another.

use super::account::note;
use super::contest::Mode;
use super::part::Standing;
use super::survey::{Notes, Survey};
use super::target::{self, TargetPlan};
use super::{Decision, Part, Planned, Step, Verdict, backoff, status};
use crate::action::Action;
use crate::read::Read;
use crate::reason::Reason;
use crate::want::Target;
use crate::world::{Application, Expect, Here, Kind, Name, RolloutState, Subject, World};

/// Decides one application.
pub(super) fn decide(survey: &Survey<'_>, (here, app): (Here<'_>, &Application), notes: &mut Notes) -> Decision {
    let name = || format!("application {}", app.key.name).into();
    if app.terminating {
        return simple(app, Verdict::Keep, Reason::Terminating { what: name() }, vec![]);
    }
    if app.paused {
        return simple(app, Verdict::Keep, Reason::Paused { what: name() }, vec![]);
    }
    if let Some(end) = app.spec.expires_at
        && !notes.wake_if_later(survey.world, end)
    {
        return expire(survey.world, app, Reason::Expired { at: end }, notes);
    }
    match app.targets() {
        Ok(targets) => roll_out(survey, (here, app), targets, notes),
        Err(reason) => {
            let update = status_allowed(survey.world, app, notes).then(|| status::failed(app, reason)).flatten();
            simple(app, Verdict::Refuse, reason.clone(), update.into_iter().collect())
        }
    }
}

/// Its time is over: it is deleted.
fn expire(world: &World, app: &Application, expired: Reason, notes: &mut Notes) -> Decision {
    if let Some(why) = world.why_unlisted(Kind::Application) {
        let reason = Reason::NotObserved { what: Read::Kind(Kind::Application), why: why.clone() };
        note(notes, &reason);
        return simple(app, Verdict::Wait, reason, vec![]);
    }
    let subject = Subject::Application(app.key.clone());
    if let Some(reason) = backoff::why_not_now(world, &subject, &Name::default(), (Some(app.generation), notes)) {
        return simple(app, Verdict::Wait, reason, vec![]);
    }
    let delete = Action::DeleteApplication {
        namespace: app.key.namespace.clone(),
        name: app.key.name.clone(),
        expect: Expect { uid: app.uid.clone(), version: app.version.clone() },
    };
    simple(app, Verdict::Change, expired, vec![delete])
}

fn roll_out(
    survey: &Survey<'_>,
    (here, app): (Here<'_>, &Application),
    targets: &[Target],
    notes: &mut Notes,
) -> Decision {
    let Rollout { plans, pending } = plan_targets(survey, (here, app), targets, notes);
    let mut parts: Vec<(Part, Standing)> = Vec::with_capacity(plans.iter().map(|plan| plan.parts.len()).sum());
    let mut actions: Vec<Planned> = vec![];
    for TargetPlan { secret, parts: own, actions: steps } in plans {
        parts.extend(own);
        actions.extend(steps.into_iter().map(|action| Planned { step: Step::Secret(secret.clone()), action }));
    }
    let update = status::update(app, &parts, pending).filter(|_| status_allowed(survey.world, app, notes));
    let changes_status = update.is_some();
    actions.extend(update.map(|action| Planned { step: Step::Status, action }));
    // Not collected: that would be done in place, and what is left over be given back.
    let mut told: Vec<Part> = Vec::with_capacity(parts.len());
    told.extend(parts.into_iter().map(|(part, _)| part));
    let (verdict, reason) = sum_up(app, &told, changes_status);
    Decision { subject: Subject::Application(app.key.clone()), verdict, reason, parts: told, actions }
}

/// Plans each secret. Where a person asks for everything to be written again, that is done at once or not at all: while
/// something is in the way that the status cannot tell of, the request could not be ended.
fn plan_targets(
    survey: &Survey<'_>,
    (here, app): (Here<'_>, &Application),
    targets: &[Target],
    notes: &mut Notes,
) -> Rollout {
    let all = |mode, notes: &mut Notes| -> Vec<TargetPlan> {
        targets.iter().map(|target| target::plan(survey, (app, target), mode, notes)).collect()
    };
    let plans = all(Mode { here, all: false, contended: true }, notes);
    let in_the_way = |plans: &[TargetPlan]| {
        let mut parts = plans.iter().flat_map(|plan| &plan.parts);
        parts.any(|(part, _)| part.verdict > Verdict::Change || matches!(part.reason, Reason::Paused { .. }))
    };
    if !resync_requested(app) || in_the_way(&plans) {
        return Rollout { plans, pending: resync_requested(app) };
    }
    let written = all(Mode { here, all: true, contended: true }, notes);
    if in_the_way(&written) { Rollout { plans, pending: true } } else { Rollout { plans: written, pending: false } }
}

/// What is planned for the secrets of an application.
struct Rollout {
    plans: Vec<TargetPlan>,
    /// Whether a person's request to write everything again has to wait: until then no status may end it.
    pending: bool,
}

/// Whether a person has asked for everything to be written again.
fn resync_requested(app: &Application) -> bool {
    app.status.hash.is_empty() && *app.status.state == *RolloutState::Complete.as_str()
}

/// The worst of the parts; of equal ones the first that says something.
fn sum_up(app: &Application, parts: &[Part], changes_status: bool) -> (Verdict, Reason) {
    let worst = parts.iter().map(|part| part.verdict).max().unwrap_or(Verdict::Keep);
    let mut reasons = parts.iter().filter(|part| part.verdict == worst).map(|part| &part.reason);
    let first = reasons.clone().next();
    let telling = reasons.find(|reason| **reason != Reason::UpToDate).or(first);
    let reason = telling.cloned().unwrap_or(Reason::UpToDate);
    match worst {
        Verdict::Keep if changes_status => {
            let changed = app.status.hash != *app.hash();
            let of_spec = Reason::SpecChanged { first: app.status.is_new(), what: vec![] };
            (Verdict::Change, if changed { of_spec } else { Reason::StatusOutdated })
        }
        Verdict::Keep | Verdict::Change | Verdict::Wait | Verdict::Refuse => (worst, reason),
    }
}

/// Whether the status may be written now, after a failure to.
fn status_allowed(world: &World, app: &Application, notes: &mut Notes) -> bool {
    let subject = Subject::Application(app.key.clone());
    backoff::why_not_now(world, &subject, &Name::default(), (Some(app.generation), notes)).is_none()
}

fn simple(app: &Application, verdict: Verdict, reason: Reason, actions: Vec<Action>) -> Decision {
    let actions = actions.into_iter().map(|action| Planned { step: Step::Status, action }).collect();
    Decision { subject: Subject::Application(app.key.clone()), verdict, reason, parts: vec![], actions }
}
