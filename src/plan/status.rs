//! What the status of an application has to say, and whether it says so already.
//!
//! Takes as given what was decided about each of its services. Never written for what was not observed or is still under
//! way, nor where only times or texts would differ.

use super::part::Standing;
use super::{Part, Verdict};
use crate::action::{Action, ConditionSet, UpdateStatus};
use crate::reason::{Blame, Reason};
use crate::world::{Application, Condition, Expect, Name, RolloutState, Status, names};

/// The update that makes the status right; `None` if it is, or if nothing can be said now.
pub(super) fn update(app: &Application, parts: &[(Part, Standing)], pending: bool) -> Option<Action> {
    let waiting = || parts.iter().filter(|(part, _)| part.verdict > Verdict::Change);
    let failing =
        waiting().filter(|(part, standing)| *standing == Standing::Incomplete && part.reason.blame() != Blame::Nobody);
    let worst = failing.max_by_key(|(part, _)| part.verdict);
    let paused = parts.iter().any(|(part, _)| matches!(part.reason, Reason::Paused { .. }));
    match worst {
        Some((part, _)) => failed(app, &part.reason),
        // What was not looked at or is under way says nothing; a condition that merely stands leaves what is complete so.
        None if pending || paused || waiting().any(|(part, _)| part.reason.blame() == Blame::Nobody) => None,
        None => complete(app),
    }
}

/// The update that says why nothing can be done for the application.
pub(super) fn failed(app: &Application, reason: &Reason) -> Option<Action> {
    let (failure, other) = match reason.blame() {
        Blame::Aiven => (names::AIVEN_FAILURE, names::LOCAL_FAILURE),
        Blame::Local | Blame::Nobody => (names::LOCAL_FAILURE, names::AIVEN_FAILURE),
    };
    let wanted = Wanted {
        state: RolloutState::Failed,
        hash: &app.status.hash,
        generation: app.status.synchronized_generation,
        conditions: [Some(yes(failure, reason.code())), Some(no(other)), None, deprecated(app)],
        message: Message::Failure(reason),
        gone: names::SUCCEEDED,
    };
    wanted.update(app)
}

fn complete(app: &Application) -> Option<Action> {
    let done = yes(names::SUCCEEDED, RolloutState::Complete.as_str());
    let wanted = Wanted {
        state: RolloutState::Complete,
        hash: app.hash(),
        generation: app.generation,
        conditions: [Some(done), Some(no(names::AIVEN_FAILURE)), Some(no(names::LOCAL_FAILURE)), deprecated(app)],
        message: Message::Success,
        gone: "",
    };
    wanted.update(app)
}

/// A condition as it has to stand; its message is written only where it has to be.
#[derive(Clone, Copy)]
struct Stand {
    kind: &'static str,
    holds: bool,
    reason: &'static str,
}

impl Stand {
    const fn status(self) -> &'static str {
        if self.holds { "True" } else { "False" }
    }
}

const fn yes(kind: &'static str, reason: &'static str) -> Stand {
    Stand { kind, holds: true, reason }
}

const fn no(kind: &'static str) -> Stand {
    Stand { kind, holds: false, reason: "NoFailure" }
}

fn deprecated(app: &Application) -> Option<Stand> {
    let used = app.spec.secret_name.as_ref().is_some_and(|name| !name.is_empty());
    used.then(|| yes(names::DEPRECATED, "DeprecatedField"))
}

enum Message<'r> {
    Success,
    Failure(&'r Reason),
}

impl Message<'_> {
    fn of(&self, stand: Stand) -> Name {
        match self {
            _ if stand.kind == names::DEPRECATED => {
                "spec.secretName is deprecated: give each service its own secretName".into()
            }
            _ if !stand.holds => Name::default(),
            Message::Success => "every secret holds what the spec asks for".into(),
            // It says itself what failed.
            Message::Failure(reason @ Reason::ServiceFailed { .. }) => reason.to_string().into(),
            Message::Failure(reason) => format!("{} {reason}", reason.operation()).into(),
        }
    }
}

struct Wanted<'a> {
    state: RolloutState,
    hash: &'a Name,
    generation: i64,
    conditions: [Option<Stand>; 4],
    message: Message<'a>,
    gone: &'static str,
}

impl Wanted<'_> {
    fn update(self, app: &Application) -> Option<Action> {
        if self.is_said(&app.status, app.generation) {
            return None;
        }
        Some(Action::UpdateStatus(Box::new(UpdateStatus {
            namespace: app.key.namespace.clone(),
            name: app.key.name.clone(),
            expect: Expect { uid: app.uid.clone(), version: app.version.clone() },
            state: self.state.as_str().into(),
            hash: self.hash.clone(),
            observed_generation: app.generation,
            synchronized_generation: self.generation,
            conditions: self.conditions(app),
            was: app.status.state.clone(),
            gone: self.gone(app),
        })))
    }

    /// Whether the status says all that already; a failure that is not mentioned is one that there is not.
    fn is_said(&self, status: &Status, generation: i64) -> bool {
        let Status { hash, state, synchronized_generation, observed_generation, conditions } = status;
        // Programs before this one did not always write the observed generation.
        let observed = *observed_generation == generation || *observed_generation == 0;
        let is_said = |wanted: &Stand| match status.condition(wanted.kind) {
            Some(current) => !differs(current, *wanted),
            None => !wanted.holds,
        };
        hash == self.hash
            && **state == *self.state.as_str()
            && *synchronized_generation == self.generation
            && observed
            && self.conditions.iter().flatten().all(is_said)
            && conditions.iter().all(|current| self.stays(current))
    }

    fn wanted(&self, kind: &str) -> Option<&Stand> {
        self.conditions.iter().flatten().find(|wanted| wanted.kind == kind)
    }

    fn stays(&self, current: &Condition) -> bool {
        self.wanted(&current.kind).is_some() || (current.kind != *self.gone && current.kind != *names::DEPRECATED)
    }

    /// All conditions as they shall stand: those of other types as they are, ours in their places, new ones at the end.
    fn conditions(&self, app: &Application) -> Vec<ConditionSet> {
        let current = app.status.conditions.iter().filter(|current| self.stays(current));
        let current = current.map(|current| match self.wanted(&current.kind) {
            Some(wanted) if differs(current, *wanted) => self.set(*wanted),
            Some(_) | None => unchanged(current),
        });
        let missing = |wanted: &&Stand| app.status.condition(wanted.kind).is_none();
        current.chain(self.conditions.iter().flatten().filter(missing).map(|wanted| self.set(*wanted))).collect()
    }

    fn gone(&self, app: &Application) -> Vec<Name> {
        let gone = app.status.conditions.iter().filter(|current| !self.stays(current));
        gone.map(|condition| condition.kind.clone()).collect()
    }

    fn set(&self, stand: Stand) -> ConditionSet {
        ConditionSet {
            kind: stand.kind.into(),
            status: stand.status().into(),
            reason: stand.reason.into(),
            message: self.message.of(stand),
            changed: true,
        }
    }
}

/// Whether a condition says something else; texts of success are only texts.
fn differs(current: &Condition, wanted: Stand) -> bool {
    let is_failure = wanted.holds && (wanted.kind == names::AIVEN_FAILURE || wanted.kind == names::LOCAL_FAILURE);
    current.status != *wanted.status() || (is_failure && current.reason != *wanted.reason)
}

fn unchanged(condition: &Condition) -> ConditionSet {
    let Condition { kind, status, reason, message } = condition.clone();
    ConditionSet { kind, status, reason, message, changed: false }
}
