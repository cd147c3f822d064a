//! Who takes a free user name, where several subjects of one plan would.
//!
//! Takes as given that names only meet within a group of applications ([`crate::want::Want::group`]). The first by
//! (namespace, application, secret) takes the name, the others wait for the next plan.

use super::account::{self, NewUser, writer};
use super::finalizer;
use super::part::Ask;
use super::survey::{Notes, Survey};
use super::target;
use crate::action::Action;
use crate::reason::{Reason, Taker};
use crate::value::Value;
use crate::want::ServiceType;
use crate::world::{AppKey, Application, Here, Name, Secret, SecretKey, ServiceKey, UserKey, World};

/// Chooses the name for a new user, unless another subject takes it first.
pub(super) fn choose(survey: &Survey<'_>, ask: Ask<'_>, service: &ServiceKey) -> Result<NewUser, Reason> {
    let new = account::choose(survey.world, ask.app, ask.key, (ask.want, service))?;
    if new.intended || !ask.contended {
        return Ok(new);
    }
    match first_taker(survey, ask, (service, &new.user)) {
        Some(by) => Err(Reason::NameTaken { user: new.user, by }),
        None => Ok(new),
    }
}

/// The first subject before this one that takes the name in this plan.
fn first_taker(survey: &Survey<'_>, ask: Ask<'_>, (service, user): (&ServiceKey, &UserKey)) -> Option<Taker> {
    let up_to_own = |app: &&AppKey| **app <= ask.app.key;
    let apps = survey.world.contenders(&ask.want.group).take_while(up_to_own);
    let apps = apps.filter_map(|key| survey.world.application(key));
    let would = |app: &&Application| would_choose(survey, app, ask, (service, user));
    apps.filter(would).find_map(|app| {
        let secret = takes(survey, app, ask, user)?;
        Some(if app.key == ask.app.key { Taker::Own(secret) } else { Taker::Other(app.key.clone()) })
    })
}

/// Whether the name is the first that is free for something that the application asks for: cheap, and seldom so.
fn would_choose(
    survey: &Survey<'_>,
    app: &Application,
    ask: Ask<'_>,
    (service, user): (&ServiceKey, &UserKey),
) -> bool {
    let targets = app.targets().unwrap_or_default();
    let before = targets.iter().filter(|target| (&app.key, &target.secret) < (&ask.app.key, &ask.key.name));
    let wants = before.flat_map(|target| &target.wants).filter(|want| want.group == ask.want.group);
    let mut names = wants.map(|want| account::first_free(survey.world, app, want, service));
    names.any(|name| name.is_ok_and(|name| name == *user))
}

/// The secret before this one for which the application's own decision makes a user of that name.
fn takes(survey: &Survey<'_>, app: &Application, ask: Ask<'_>, user: &UserKey) -> Option<Name> {
    if app.terminating || app.paused || app.expired(survey.world.now) {
        return None;
    }
    let targets = app.targets().unwrap_or_default();
    let before = targets.iter().filter(|target| (&app.key, &target.secret) < (&ask.app.key, &ask.key.name));
    let mode = Mode { here: survey.world.here(&app.key.namespace), all: false, contended: false };
    let mut plans = before.map(|target| target::plan(survey, (app, target), mode, &mut Notes::default()));
    let makes = |action: &Action| matches!(action, Action::RecordIntent { user: new, .. } if new == user);
    plans.find(|plan| plan.actions.iter().any(makes)).map(|plan| plan.secret)
}

/// Another secret that records the same user and drops it in this plan: of several that would, one that can retire it
/// comes last, when it has it alone, and so it is not lost.
pub(super) fn dropped_first(
    survey: &Survey<'_>,
    (own, contended): (&SecretKey, bool),
    user: &UserKey,
) -> Option<SecretKey> {
    let world = survey.world;
    let recorders = world.recorders(user);
    let others = || recorders.iter().filter(|key| *key != own).filter_map(|key| world.managed(key));
    if !contended || others().next().is_none() || !world.managed(own).is_some_and(|own| may_retire(world, own, user)) {
        return None;
    }
    let mut first = others().filter(|other| other.terminating || other.key < *own || !may_retire(world, other, user));
    first.find(|other| drops(survey, other, user)).map(|other| other.key.clone())
}

/// Whether a secret is for an application that was perhaps given the user.
pub(super) fn may_retire(world: &World, secret: &Secret, user: &UserKey) -> bool {
    let SecretKey { namespace, name } = &secret.key;
    let writer = writer(world.here(namespace), name).map(|app| &app.key.name);
    let mut apps = secret.app().into_iter().chain(writer);
    apps.any(|app| {
        let app = AppKey { namespace: namespace.clone(), name: app.clone() };
        ServiceType::ALL.into_iter().any(|service_type| service_type.gave_name(&app, &user.username))
    })
}

/// Whether a secret that records a user does not do so any more after this plan.
fn drops(survey: &Survey<'_>, secret: &Secret, user: &UserKey) -> bool {
    if secret.terminating {
        let decision = finalizer::decide(survey.world, secret, &mut Notes::default());
        return decision.actions.iter().any(|planned| matches!(planned.action, Action::ReleaseSecret { .. }));
    }
    writes(survey, (secret, false)).any(|action| forgets(&action, secret, user))
}

/// Whether this plan lists the user, which a secret has in use, as replaced on it.
pub(super) fn replaces(survey: &Survey<'_>, secret: &Secret, user: &UserKey) -> bool {
    let retires = |action: &Action| matches!(action, Action::RetireUser { user: retired, .. } if retired == user);
    !secret.terminating && writes(survey, (secret, true)).any(|action| retires(&action))
}

/// What the application that writes a secret does for it in this plan.
fn writes<'s>(survey: &'s Survey<'_>, (secret, contended): (&'s Secret, bool)) -> impl Iterator<Item = Action> + 's {
    let key = &secret.key;
    let here = survey.world.here(&key.namespace);
    let app = writer(here, &key.name).filter(|app| !app.paused);
    let mode = Mode { here, all: false, contended };
    let targets = app.into_iter().flat_map(|app| app.targets().unwrap_or_default().iter().map(move |it| (app, it)));
    let own = targets.filter(|(_, target)| target.secret == key.name);
    own.flat_map(move |of| target::plan(survey, of, mode, &mut Notes::default()).actions)
}

/// Whether a write leaves no record of the user on the secret.
fn forgets(action: &Action, secret: &Secret, user: &UserKey) -> bool {
    let Action::WriteKeys(write) = action else { return false };
    let mut annotations = secret.annotations().clone();
    for (name, value) in &write.annotations {
        if let Some(Value::Text { text }) = value {
            annotations.insert(name.clone(), text.clone());
        } else {
            annotations.remove(name);
        }
    }
    !secret.with_annotations(annotations).accounts().any(|account| account == *user)
}

/// How targets are decided.
#[derive(Clone, Copy)]
pub(super) struct Mode<'w> {
    /// The namespace.
    pub(super) here: Here<'w>,
    /// Whether everything is written, because a person has asked for it.
    pub(super) all: bool,
    /// Whether other subjects that would take the same name are heeded.
    pub(super) contended: bool,
}
