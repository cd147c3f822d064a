//! What the status of an application has to say, and whether it says so already.
//!
//! Takes as given what was decided about each of its services. Never written for what was not observed or is still under
//! way, nor where only times or texts would differ.

use super::{Part, Verdict};
use crate::action::{Action, ConditionSet, UpdateStatus};
use crate::reason::{Blame, Reason};
use crate::world::{Application, Condition, Expect, Name, RolloutState, Status, names};

/// The update that makes the status right; `None` if it is, or if nothing can be said now.
pub(super) fn update(app: &Application, parts: &[(Part, bool)]) -> Option<Action> {
    let waiting = || parts.iter().filter(|(part, _)| part.verdict > Verdict::Change);
    let failing = waiting().filter(|(part, settled)| !settled && part.reason.blame() != Blame::Nobody);
    let worst = failing.max_by_key(|(part, _)| part.verdict);
    let paused = parts.iter().any(|(part, _)| matches!(part.reason, Reason::Paused { .. }));
    match worst {
        Some((part, _)) => failed(app, &part.reason),
        None if paused || waiting().next().is_some() => None,
        None => complete(app),
    }
}

/// The update that says why nothing can be done for the application.
pub(super) fn failed(app: &Application, reason: &Reason) -> Option<Action> {
    let message: Name = format!("{} {}", reason.operation(), reason).into();
    let said = |kind: &str| condition(kind, "True", (reason.code().into(), message.clone()));
    let (failure, other) = match reason.blame() {
        Blame::Aiven => (names::AIVEN_FAILURE, names::LOCAL_FAILURE),
        Blame::Local | Blame::Nobody => (names::LOCAL_FAILURE, names::AIVEN_FAILURE),
    };
    let wanted = Wanted {
        state: RolloutState::Failed,
        hash: app.status.hash.clone(),
        generation: app.status.synchronized_generation,
        conditions: vec![said(failure), no(other)],
        gone: names::SUCCEEDED,
    };
    wanted.update(app)
}

fn complete(app: &Application) -> Option<Action> {
    let done = ("RolloutComplete".into(), "every secret holds what the spec asks for".into());
    let wanted = Wanted {
        state: RolloutState::Complete,
        hash: app.hash().clone(),
        generation: app.generation,
        conditions: vec![condition(names::SUCCEEDED, "True", done), no(names::AIVEN_FAILURE), no(names::LOCAL_FAILURE)],
        gone: "",
    };
    wanted.update(app)
}

fn condition(kind: &str, status: &str, (reason, message): (Name, Name)) -> Condition {
    Condition { kind: kind.into(), status: status.into(), reason, message }
}

fn no(kind: &str) -> Condition {
    condition(kind, "False", ("NoFailure".into(), Name::default()))
}

struct Wanted {
    state: RolloutState,
    hash: Name,
    generation: i64,
    conditions: Vec<Condition>,
    gone: &'static str,
}

impl Wanted {
    fn update(mut self, app: &Application) -> Option<Action> {
        if app.spec.secret_name.as_ref().is_some_and(|name| !name.is_empty()) {
            let message = "spec.secretName is deprecated: give each service its own secretName";
            self.conditions.push(condition(names::DEPRECATED, "True", ("DeprecatedField".into(), message.into())));
        }
        if self.is_said(&app.status, app.generation) {
            return None;
        }
        let conditions = self.conditions(app);
        let Wanted { state, hash, generation, conditions: _, gone: _ } = self;
        Some(Action::UpdateStatus(UpdateStatus {
            namespace: app.key.namespace.clone(),
            name: app.key.name.clone(),
            expect: Expect { uid: app.uid.clone(), version: app.version.clone() },
            state: state.as_str().into(),
            hash,
            observed_generation: app.generation,
            synchronized_generation: generation,
            conditions,
        }))
    }

    /// Whether the status says all that already; a failure that is not mentioned is one that there is not.
    fn is_said(&self, status: &Status, generation: i64) -> bool {
        let Status { hash, state, synchronized_generation, observed_generation, conditions } = status;
        // Programs before this one did not always write the observed generation.
        let observed = *observed_generation == generation || *observed_generation == 0;
        let fields = *hash == self.hash && **state == *self.state.as_str();
        let is_said = |wanted: &Condition| match status.condition(&wanted.kind) {
            Some(current) => !differs(current, wanted),
            None => wanted.status == "False",
        };
        fields
            && *synchronized_generation == self.generation
            && observed
            && self.conditions.iter().all(is_said)
            && conditions.iter().all(|current| self.stays(current))
    }

    fn stays(&self, current: &Condition) -> bool {
        let wanted = self.conditions.iter().any(|wanted| wanted.kind == current.kind);
        wanted || (current.kind != *self.gone && current.kind != *names::DEPRECATED)
    }

    /// All conditions as they shall stand: those of other types as they are, ours in their places, new ones at the end.
    fn conditions(&self, app: &Application) -> Vec<ConditionSet> {
        let current = app.status.conditions.iter().filter(|current| self.stays(current)).map(|current| {
            match self.conditions.iter().find(|wanted| wanted.kind == current.kind) {
                Some(wanted) if differs(current, wanted) => set(wanted, true),
                Some(_) | None => set(current, false),
            }
        });
        let missing = |wanted: &&Condition| app.status.condition(&wanted.kind).is_none();
        current.chain(self.conditions.iter().filter(missing).map(|wanted| set(wanted, true))).collect()
    }
}

/// Whether a condition says something else; texts of success are only texts.
fn differs(current: &Condition, wanted: &Condition) -> bool {
    let Condition { kind, status, reason, message: _ } = wanted;
    let is_failure = (*kind == names::AIVEN_FAILURE || *kind == names::LOCAL_FAILURE) && *status == "True";
    current.status != *status || (is_failure && current.reason != *reason)
}

fn set(condition: &Condition, changed: bool) -> ConditionSet {
    let Condition { kind, status, reason, message } = condition.clone();
    ConditionSet { kind, status, reason, message, changed }
}
