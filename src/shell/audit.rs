//! One line for each change at Aiven and to a Secret, when it is made: whose, why, and what is known of it.
//!
//! Decides which changes somebody may ask about later, and whether one may have been made although nobody said so. Takes
//! as given that actions and reasons hold nothing secret; never speaks of what was not done.

use super::kube::KubeError;
use super::trouble::Trouble;
use crate::action::Action;
use crate::plan::{Decision, Step, Verdict};
use crate::reason::Reason;
use crate::render;
use crate::world::{Name, Subject};

/// What a change is made to.
#[derive(Default)]
struct Object<'a> {
    project: Option<&'a Name>,
    service: Option<&'a Name>,
    user: Option<&'a Name>,
    secret: Option<&'a Name>,
}

/// Says what came of an action, if it changed something that matters, or may have.
pub(crate) fn tell((decision, step): (&Decision, &Step), action: &Action, came: &Result<(), Trouble>) {
    let (Some(object), Some(outcome)) = (object(action), outcome(came)) else { return };
    let of_step = match step {
        Step::Secret(name) => Some(name),
        Step::Status => None,
    };
    let (team, app) = match &decision.subject {
        Subject::Application(key) => (Some(key.namespace.as_str()), Some(key.name.as_str())),
        Subject::Secret(key) => (Some(key.namespace.as_str()), None),
        Subject::User(_) => (None, None),
    };
    let reason = reason(decision, step);
    tracing::info!(
        subject = %decision.subject,
        team,
        aiven_application = app,
        secret_name = object.secret.or(of_step).map(Name::as_str),
        project = object.project.map(Name::as_str),
        service = object.service.map(Name::as_str),
        user = object.user.map(Name::as_str),
        action = action.name(),
        outcome,
        reason = reason.code(),
        "{}: {reason}",
        render::action_line(action)
    );
}

/// Whether an action changes something that is told of one by one.
pub(crate) fn is_told(action: &Action) -> bool {
    object(action).is_some()
}

/// Why a step is taken: what its part says, else the decision.
pub(crate) fn reason<'d>(decision: &'d Decision, step: &Step) -> &'d Reason {
    let secret = match step {
        Step::Secret(name) => Some(name),
        Step::Status => None,
    };
    let part = decision.parts.iter().find(|part| Some(&part.secret) == secret && part.verdict == Verdict::Change);
    part.map_or(&decision.reason, |part| &part.reason)
}

/// What is known of it; `None` if it was not done.
fn outcome(came: &Result<(), Trouble>) -> Option<&'static str> {
    match came {
        Ok(()) => Some("done"),
        Err(Trouble::Aiven(error)) => error.is_outcome_unknown().then_some("unknown"),
        Err(
            Trouble::Kubernetes { error: KubeError::NoAnswer | KubeError::Refused { code: 500.., .. }, .. }
            | Trouble::AclContested(_),
        ) => Some("unknown"),
        Err(
            Trouble::Kubernetes { error: _, .. }
            | Trouble::Stale { .. }
            | Trouble::Taken
            | Trouble::NotReady { .. }
            | Trouble::AclFull(_)
            | Trouble::Journal(_)
            | Trouble::Stores(_),
        ) => None,
    }
}

fn object(action: &Action) -> Option<Object<'_>> {
    match action {
        Action::CreateUser { user, .. }
        | Action::SetAccess { user, .. }
        | Action::GrantAcl { user, .. }
        | Action::RevokeAcl { user }
        | Action::DeleteUser { user } => Some(Object {
            project: Some(&user.project),
            service: Some(&user.service),
            user: Some(&user.username),
            secret: None,
        }),
        Action::EnableAcl { project, service } => {
            Some(Object { project: Some(project), service: Some(service), ..Object::default() })
        }
        Action::RetireUser { user, secret, .. } => Some(Object {
            project: Some(&user.project),
            service: Some(&user.service),
            user: Some(&user.username),
            secret: Some(secret),
        }),
        Action::WriteKeys(write) => Some(Object { secret: Some(&write.name), ..Object::default() }),
        Action::DeleteSecret { name, .. } | Action::ReleaseSecret { name, .. } => {
            Some(Object { secret: Some(name), ..Object::default() })
        }
        // Its secrets go with it, and each of them is told of.
        Action::DeleteApplication { .. } => Some(Object::default()),
        Action::RecordIntent { .. }
        | Action::ClearIntent { .. }
        | Action::UpdateStatus(_)
        | Action::SkipProtected { .. }
        | Action::KeepSecret { .. }
        | Action::KeepUser { .. } => None,
    }
}
