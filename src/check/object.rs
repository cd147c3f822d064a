//! Rules about applications, and about what nobody may change at all.
//!
//! Takes as given that cleaning up after what people delete goes on, whatever is paused.

use super::rule::Rule;
use super::{Case, Findings, forbid};
use crate::action::{Action, UpdateStatus};
use crate::world::{AppKey, Expect, RolloutState, Subject};

/// Is something changed that is paused or about to go?
pub(super) fn paused_or_ending(case: &Case<'_>, action: &Action) -> Findings {
    let mut findings = vec![];
    if !action.is_change() {
        return findings;
    }
    match case.subject {
        Subject::Application(key) => {
            let Some(app) = case.world.application(key) else {
                return vec![(Rule::StaleObject, format!("there is no application {key}"))];
            };
            forbid(&mut findings, app.paused, Rule::Paused, || format!("{key} is paused"));
            let last = matches!(action, Action::DeleteApplication { .. });
            let ending = app.terminating || (app.expired(case.world.now) && !last);
            forbid(&mut findings, ending, Rule::ApplicationEnding, || format!("{key} gets {}", action.name()));
        }
        Subject::Secret(key) => {
            let Some(secret) = case.world.managed(key) else {
                return vec![(Rule::NotOurSecret, format!("{key} is not managed"))];
            };
            let paused = secret.paused() && !secret.terminating;
            forbid(&mut findings, paused, Rule::Paused, || format!("{key} is paused"));
        }
        Subject::User(user) => {
            let copy = case.world.journal().and_then(|journal| journal.retirements.get(user));
            let secret = copy.and_then(|copy| case.world.managed(&copy.secret));
            let paused = secret.is_some_and(|secret| secret.paused() && !secret.terminating);
            let paused = paused && !matches!(action, Action::ClearIntent { .. });
            forbid(&mut findings, paused, Rule::Paused, || format!("the secret of {user} is paused"));
        }
    }
    findings
}

/// May an application be deleted?
pub(super) fn delete(case: &Case<'_>, key: &AppKey, expect: &Expect) -> Findings {
    let mut findings = vec![];
    let app = case.world.application(key);
    let expired = app.is_some_and(|app| app.expired(case.world.now));
    forbid(&mut findings, !expired, Rule::NotExpired, || format!("{key} has not expired"));
    let same = app.is_some_and(|app| app.uid == expect.uid && app.version == expect.version);
    forbid(&mut findings, !same, Rule::StaleObject, || format!("{key} is another one"));
    findings
}

/// May a status be written?
pub(super) fn status(case: &Case<'_>, update: &UpdateStatus) -> Findings {
    let key = AppKey { namespace: update.namespace.clone(), name: update.name.clone() };
    let Some(app) = case.world.application(&key) else {
        return vec![(Rule::StaleObject, format!("there is no application {key}"))];
    };
    let mut findings = vec![];
    let same = app.uid == update.expect.uid && app.version == update.expect.version;
    forbid(&mut findings, !same, Rule::StaleObject, || format!("{key} is another one"));
    let complete = update.state == RolloutState::Complete.as_str();
    let wrong = complete && (update.hash != *app.hash() || update.synchronized_generation != app.generation);
    forbid(&mut findings, wrong, Rule::StatusWrong, || format!("{key} succeeds with another hash or generation"));
    findings
}
