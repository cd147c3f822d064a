//! A service user that the journal speaks of: finished by its application, undone, or forgotten.
//!
//! Takes as given that tenants cannot write the journal. Never deletes a user that a secret records or that may not have
//! been made by this program; never forgets one before it is recorded by a secret or gone.

use super::account::{Recorded, may_adopt, note, open_intent, recorded, why_not_ours};
use super::part::{self, Ask};
use super::retire::{self, Fate, Holding, Remains};
use super::survey::{Notes, Survey, after};
use super::{Decision, Planned, Step, Verdict, backoff, contest, finalizer, target};
use crate::action::Action;
use crate::read::Read;
use crate::reason::{Reason, Unwanted};
use crate::want::Want;
use crate::world::{
    AppKey, Claim, Intent, Journal, Kind, Lookup, Name, Outcome, Retirement, SecretKey, Subject, Timestamp, User,
    UserKey, World,
};

/// Decides one user that the journal speaks of; `None` if it does not.
pub(super) fn decide(survey: &Survey<'_>, user: &UserKey, notes: &mut Notes) -> Option<Decision> {
    let world = survey.world;
    let journal = world.journal()?;
    let (secret, (verdict, reason, actions)) = match (journal.intents.get(user), journal.retirements.get(user)) {
        (Some(intent), Some(_)) => {
            let settled_at = intent.settles_at(world.settings().settle);
            let what = "it was made, and replaced since".into();
            (&intent.secret, once_settled(world, (user, &intent.secret), (settled_at, what), notes))
        }
        (Some(intent), None) => (&intent.secret, intended(survey, (user, intent), notes)),
        (None, Some(retirement)) => (&retirement.secret, of_retirement(retired(survey, (user, retirement), notes))),
        (None, None) => return None,
    };
    let (verdict, reason, actions) = writable(journal, (verdict, reason, actions));
    let subject = Subject::User(user.clone());
    let step = secret.name.clone();
    let fails = backoff::why_not_now(world, &subject, &step, (None, notes)).filter(|_| !actions.is_empty());
    let (verdict, reason, actions) = match fails {
        Some(reason) => (Verdict::Wait, reason, vec![]),
        None => (verdict, reason, actions),
    };
    let planned = |action| Planned { step: Step::Secret(step.clone()), action };
    Some(Decision { subject, verdict, reason, parts: vec![], actions: actions.into_iter().map(planned).collect() })
}

/// What the journal says of a user cannot be removed while the journal cannot be written.
fn writable(journal: &Journal, (verdict, reason, mut actions): Outcome3) -> Outcome3 {
    let Some(why) = &journal.unwritable else { return (verdict, reason, actions) };
    let all = actions.len();
    actions.retain(|action| !matches!(action, Action::ClearIntent { .. }));
    if actions.len() == all || actions.iter().any(Action::is_change) {
        return (verdict, reason, actions);
    }
    (Verdict::Wait, Reason::JournalUnavailable { why: why.clone() }, actions)
}

/// What is removed of the journal is the copy of a retirement, there being no intent.
fn of_retirement((verdict, reason, mut actions): Outcome3) -> Outcome3 {
    for action in &mut actions {
        if let Action::ClearIntent { retired, .. } = action {
            *retired = true;
        }
    }
    (verdict, reason, actions)
}

/// Why whether a secret records the user cannot be told.
fn why_not_listed(world: &World) -> Option<Reason> {
    let unlisted = |kind| Some((kind, world.why_unlisted(kind)?));
    let (kind, why) = [Kind::Application, Kind::Secret].into_iter().find_map(unlisted)?;
    Some(Reason::NotObserved { what: Read::Kind(kind), why: why.clone() })
}

type Outcome3 = (Verdict, Reason, Vec<Action>);

fn intended(survey: &Survey<'_>, (user, intent): (&UserKey, &Intent), notes: &mut Notes) -> Outcome3 {
    let world = survey.world;
    let settled_at = intent.settles_at(world.settings().settle);
    if let Some(reason) = why_ending(world, user, &intent.secret) {
        return (Verdict::Keep, reason, vec![]);
    }
    if world.recorders(user).contains(&intent.secret) {
        let what: Name = format!("secret {} records it", intent.secret).into();
        return once_settled(world, (user, &intent.secret), (settled_at, what), notes);
    }
    if intent.outcome == Outcome::Taken {
        let what = "Aiven had a user of that name already".into();
        return clear(user, &intent.secret, Reason::NotOurs { what });
    }
    if let Some(reason) = why_in_flight(survey, user, intent) {
        // One that has not shown by then leads nowhere.
        notes.wake_if_later(world, settled_at);
        return (Verdict::Wait, reason, vec![]);
    }
    undo(world, (user, intent), settled_at, notes)
}

/// The journal may forget the user, once what was done has settled.
fn once_settled(
    world: &World,
    (user, secret): (&UserKey, &SecretKey),
    (settled_at, what): (Timestamp, Name),
    notes: &mut Notes,
) -> Outcome3 {
    if notes.wake_if_later(world, settled_at) {
        return (Verdict::Wait, Reason::Settling { what, until: Some(settled_at) }, vec![]);
    }
    clear(user, secret, Reason::Settled { what })
}

/// Why there is nothing more to do about a user: the end of its secret deletes it, and is under way.
fn why_ending(world: &World, user: &UserKey, secret: &SecretKey) -> Option<Reason> {
    let ending = world.managed(secret).filter(|secret| secret.terminating)?;
    let decision = finalizer::decide(world, ending, &mut Notes::default());
    let deletes = |action: &Action| matches!(action, Action::DeleteUser { user: gone } if gone == user);
    let what = || format!("secret {secret} deletes it").into();
    let mut actions = decision.actions.iter().map(|planned| &planned.action);
    actions.any(deletes).then(|| Reason::Settling { what: what(), until: None })
}

/// What a person has paused, of a secret that stays and those who ask for it.
fn paused(world: &World, secret: &SecretKey) -> Option<Name> {
    if world.managed(secret).is_some_and(|secret| secret.paused() && !secret.terminating) {
        return Some(format!("secret {}", secret.name).into());
    }
    let app = world.asking(secret).find(|app| app.paused)?;
    Some(format!("application {}", app.key.name).into())
}

/// Nothing is done before what the reason names is seen, or before its time.
fn wait(reason: Reason, notes: &mut Notes) -> Outcome3 {
    note(notes, &reason);
    (Verdict::Wait, reason, vec![])
}

fn clear(user: &UserKey, secret: &SecretKey, reason: Reason) -> Outcome3 {
    forget(user, secret, (reason, false))
}

/// The journal forgets what was to become of a user of ours that cannot be deleted any more; what it notes instead is
/// that it was left behind.
fn leave_behind(world: &World, user: &UserKey, secret: &SecretKey, reason: Reason) -> Outcome3 {
    let stays = matches!(reason, Reason::NotOurs { .. }) && matches!(world.user(user), Lookup::Found(_));
    forget(user, secret, (reason, stays))
}

fn forget(user: &UserKey, secret: &SecretKey, (reason, left_behind): (Reason, bool)) -> Outcome3 {
    let SecretKey { namespace, name } = secret.clone();
    (
        Verdict::Change,
        reason,
        vec![Action::ClearIntent { user: user.clone(), namespace, secret: name, left_behind, retired: false }],
    )
}

/// Who is going to finish what the intent began.
fn why_in_flight(survey: &Survey<'_>, user: &UserKey, intent: &Intent) -> Option<Reason> {
    let world = survey.world;
    let app = world.application(&intent.application_key())?;
    if app.uid != intent.application_uid || app.terminating || app.expired(world.now) {
        return None;
    }
    let here = world.here(&app.key.namespace);
    if matches!(target::existing(here, app, &intent.secret), Err((Verdict::Refuse, _))) {
        return None;
    }
    let service = user.service_key();
    let targets = app.targets().unwrap_or_default();
    let wants = targets.iter().filter(|target| target.secret == intent.secret.name).flat_map(|target| &target.wants);
    let secret = world.managed(&intent.secret);
    let follows = |want: &&Want| {
        let chosen =
            open_intent(world, app, &intent.secret, (want, &service)).is_some_and(|(chosen, _)| chosen == user);
        let awaited = match want.service_type.resolve(here, want) {
            Ok(resolved) if resolved.key == service => {
                match recorded(world, &app.key, secret, (want, &resolved)) {
                    Recorded::Own(..) => false,
                    // One that is not its own may stay all the same.
                    Recorded::NotOwn(..) | Recorded::Foreign(..) => {
                        let key = &intent.secret;
                        let ask = Ask { app, here, key, secret, want, all: false, contended: true };
                        part::decide(survey, ask, &mut Notes::default()).verdict != Verdict::Keep
                    }
                    Recorded::None | Recorded::Elsewhere(_) | Recorded::Gone(_) | Recorded::Unseen(_) => true,
                }
            }
            Ok(_) => false,
            // What cannot be resolved now may be meant all the same, unless it names another pool or instance.
            Err(_) => want.service_type.could_mean(want, &claim_of(user, want)),
        };
        chosen && awaited
    };
    let what = format!("application {} is to finish it", app.key);
    wants.into_iter().any(|want| follows(&want)).then(|| Reason::Settling { what: what.into(), until: None })
}

/// A user as a secret would record it.
fn claim_of(user: &UserKey, want: &Want) -> Claim {
    Claim {
        service_type: want.service_type,
        slot: want.slot.clone(),
        project: user.project.clone(),
        services: vec![user.service.clone()],
        username: user.username.clone(),
    }
}

/// Nobody wants the user any more: what was made of it goes.
fn undo(world: &World, (user, intent): (&UserKey, &Intent), settled_at: Timestamp, notes: &mut Notes) -> Outcome3 {
    let secret = &intent.secret;
    if let Some(reason) = why_not_listed(world) {
        return wait(reason, notes);
    }
    // Of a service that nobody asks for any more, nothing may have been read: then a user of it cannot be seen either.
    if let Lookup::Unseen(why) = world.service(&user.service_key()) {
        return wait(Reason::NotObserved { what: Read::Service(user.service_key()), why }, notes);
    }
    if let Lookup::Unseen(why) = world.user(user) {
        return wait(Reason::NotObserved { what: Read::User(user.clone()), why }, notes);
    }
    let (exists, actions) = match retire::remains(world, user) {
        Remains::Unseen(reason) => return wait(reason, notes),
        Remains::Something { exists, actions } if exists || intent.outcome != Outcome::NotSent => (exists, actions),
        Remains::Something { .. } | Remains::Nothing => {
            let what: Name = "it does not exist at Aiven, and nothing wants it".into();
            return once_settled(world, (user, secret), (settled_at, what), notes);
        }
    };
    let recorders = world.recorders(user);
    if !recorders.is_empty() {
        let used_by = recorders.iter().map(|key| key.to_string().into()).collect();
        let reason = Reason::RecordedElsewhere { user: user.clone(), by: recorders.into_owned(), first: false };
        let (verdict, reason, mut actions) = clear(user, secret, reason);
        actions.insert(0, Action::KeepUser { user: user.clone(), used_by });
        return (verdict, reason, actions);
    }
    if let Lookup::Found(observed) = world.user(user) {
        if !may_adopt(intent, observed) {
            return clear(user, secret, why_not_adopted(user, intent, observed));
        }
        // Somebody may have edited the record.
        if retire::holds(world, secret, (user, observed)) {
            let what = format!("secret {secret} holds its credentials, although it does not record it").into();
            return (Verdict::Keep, Reason::Settling { what, until: None }, vec![]);
        }
    }
    let app = intent.application_key();
    let not_ours = match retire::service_type(world, &app, user) {
        Ok(service_type) => why_not_ours(world, &app, service_type, user),
        Err(reason) => Some(reason),
    };
    match not_ours {
        None => {}
        Some(reason @ (Reason::NotObserved { .. } | Reason::PoolNotAllowed { .. })) => return wait(reason, notes),
        Some(reason) => return leave_behind(world, user, secret, reason),
    }
    if world.now < settled_at {
        return wait(why_not_undone_yet(user, exists, settled_at), notes);
    }
    (Verdict::Change, why_abandoned(world, intent), actions)
}

/// Whoever else follows the intent may have put it to use a moment ago.
fn why_not_undone_yet(user: &UserKey, exists: bool, settled_at: Timestamp) -> Reason {
    let what = if exists { "was made a moment ago" } else { "may have been made and does not show yet" };
    Reason::Settling { what: format!("user {} {what}", user.username).into(), until: Some(settled_at) }
}

fn why_abandoned(world: &World, intent: &Intent) -> Reason {
    let Intent { secret, application, application_uid, since: _, sent: _, outcome: _ } = intent;
    let app = world.application(&intent.application_key());
    let lives = app.is_some_and(|app| app.uid == *application_uid && !app.terminating && !app.expired(world.now));
    let asked = world.asking(secret).next().is_some();
    let why = match (lives, asked) {
        (false, _) => Unwanted::Gone,
        (true, false) => Unwanted::Unasked,
        (true, true) => Unwanted::Unneeded,
    };
    Reason::Abandoned { secret: secret.clone(), application: application.clone(), why }
}

fn why_not_adopted(user: &UserKey, intent: &Intent, observed: &User) -> Reason {
    let since = crate::world::rfc3339(intent.since);
    let what = if observed.password_updated.is_none() && observed.certificate_ends.is_none() {
        format!("how old user {} is cannot be told, so it may be somebody else's", user.username)
    } else {
        format!("user {} is not the one whose making was noted at {since}", user.username)
    };
    Reason::NotOurs { what: what.into() }
}

/// A copy of what a secret lists as replaced: it matters once the secret does not list it any more.
fn retired(survey: &Survey<'_>, (user, retirement): (&UserKey, &Retirement), notes: &mut Notes) -> Outcome3 {
    let world = survey.world;
    let Retirement { secret, application, since } = retirement;
    let settled_at = after(*since, world.settings().settle);
    let managed = world.managed(secret);
    let listed = managed.is_some_and(|secret| secret.retired().iter().any(|entry| entry.account() == *user));
    if listed {
        let what = format!("secret {secret} lists it as replaced").into();
        return (Verdict::Keep, Reason::Settling { what, until: None }, vec![]);
    }
    if let Some(reason) = why_ending(world, user, secret) {
        return (Verdict::Keep, reason, vec![]);
    }
    if world.recorders(user).contains(secret) {
        // Until the write that replaces it is done, or done again, this copy is the one that it needs.
        let replaced = managed.is_some_and(|secret| contest::replaces(survey, secret, user));
        let what = if replaced {
            format!("it is being replaced on secret {secret}").into()
        } else {
            format!("secret {secret} still has it in use").into()
        };
        return (Verdict::Keep, Reason::Settling { what, until: None }, vec![]);
    }
    if let Some(what) = paused(world, secret) {
        return (Verdict::Keep, Reason::Paused { what }, vec![]);
    }
    if let Some(reason) = why_not_listed(world) {
        return wait(reason, notes);
    }
    let app = AppKey { namespace: secret.namespace.clone(), name: application.clone() };
    let holding = Holding { secret: managed, key: secret, since: *since, claimed: false };
    match retire::settle(world, (&app, user), &holding, notes) {
        Fate::Spent => once_settled(world, (user, secret), (settled_at, "nothing is left of it".into()), notes),
        Fate::NotHere(reason) => leave_behind(world, user, secret, reason),
        Fate::Stays(reason) => (retire::staying(&reason), reason, vec![]),
        Fate::Deleted(actions, hold) => (Verdict::Change, Reason::Retiring { user: user.clone(), hold }, actions),
    }
}
