//! Who takes a free user name, where several subjects of one plan would.
//!
//! Takes as given that names only meet within a group of applications ([`crate::want::Want::group`]). The first by
//! (namespace, application, secret) takes the name, the others wait for the next plan.

use super::account::{self, NewUser};
use super::part::Ask;
use super::survey::{Notes, Survey};
use super::target;
use crate::action::Action;
use crate::reason::Reason;
use crate::world::{AppKey, Application, Here, ServiceKey, UserKey};

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
fn first_taker(survey: &Survey<'_>, ask: Ask<'_>, (service, user): (&ServiceKey, &UserKey)) -> Option<AppKey> {
    let up_to_own = |app: &&AppKey| **app <= ask.app.key;
    let apps = survey.world.contenders(&ask.want.group).take_while(up_to_own);
    let apps = apps.filter_map(|key| survey.world.application(key));
    let would = |app: &&Application| would_choose(survey, app, ask, (service, user));
    let takes = |app: &&Application| takes(survey, app, ask, user);
    apps.filter(would).find(takes).map(|app| app.key.clone())
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

/// Whether the application's own decision makes a user of that name, for a secret before this one.
fn takes(survey: &Survey<'_>, app: &Application, ask: Ask<'_>, user: &UserKey) -> bool {
    if app.terminating || app.paused || app.expired(survey.world.now) {
        return false;
    }
    let targets = app.targets().unwrap_or_default();
    let before = targets.iter().filter(|target| (&app.key, &target.secret) < (&ask.app.key, &ask.key.name));
    let mode = Mode { here: survey.world.here(&app.key.namespace), all: false, contended: false };
    let mut plans = before.map(|target| target::plan(survey, (app, target), mode, &mut Notes::default()));
    plans.any(|plan| {
        plan.actions.iter().any(|action| matches!(action, Action::RecordIntent { user: new, .. } if new == user))
    })
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
