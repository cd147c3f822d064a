//! What an action does to the world, and what a restart does to what the program remembers.
//!
//! Takes as given that an effect either happens as a whole or not at all. An action whose object is not there, or is
//! not in the version that it was decided on, changes nothing, as the APIs would have it. Never decides what to do,
//! never holds a credential: what a user is given is the digest of a text that names it.

mod execution;
mod journal;
mod secret;
mod user;

use jiff::Timestamp;

use crate::action::{Action, UpdateStatus};
use crate::plan::Plan;
use crate::world::{AppKey, Application, Condition, Expect, Name, Observed, Outcome, Secret, SecretKey, Status, World};

pub use self::execution::{Execution, Sequence};

/// The world after an action; the same world if it could not be done.
#[must_use]
pub fn apply(world: &World, action: &Action) -> World {
    attempt(world, action).world
}

/// The world after all actions of a plan, one decision after the other.
#[must_use]
pub fn execute(world: &World, plan: &Plan) -> World {
    let mut execution = Execution::new(world);
    for (subject, planned) in Sequence::of(plan) {
        execution.perform(subject, planned);
    }
    execution.into_world()
}

/// What an attempt came to.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The world afterwards.
    pub world: World,
    /// Whether it was done; else its step ends here.
    pub done: bool,
}

/// Tries an action.
#[must_use]
pub fn attempt(world: &World, action: &Action) -> Attempt {
    let mut next = world.clone();
    let done = perform(&mut next, action);
    Attempt { world: next, done }
}

/// The world as a program sees it that has just started: what it only remembered is gone.
#[must_use]
pub fn restart(world: &World) -> World {
    let mut next = world.clone();
    next.failures.clear();
    if next.complete_since.is_some() {
        next.complete_since = Some(next.now);
    }
    if let Observed::Seen(journal) = &mut next.journal {
        let open: Vec<_> = journal.intents.keys().cloned().collect();
        for user in open {
            if let Some(intent) = journal.intents.get_mut(&user) {
                intent.outcome = Outcome::Found;
                intent.sent = None;
            }
        }
    }
    for mut secret in managed(world) {
        if secret.last_wanted.take().is_some() {
            next.put_secret(secret);
        }
    }
    next
}

/// The world at a later moment, in which nothing happened but that somebody kept looking.
#[must_use]
pub fn wait_until(world: &World, then: Timestamp) -> World {
    let mut next = world.clone();
    next.now = then.max(world.now);
    for mut secret in managed(world) {
        if world.asking(&secret.key).next().is_some() || world.using(&secret.key).next().is_some() {
            secret.last_wanted = Some(world.now);
            next.put_secret(secret);
        }
    }
    next
}

fn managed(world: &World) -> Vec<Secret> {
    world.namespaces().flat_map(|(_, namespace)| namespace.secrets()).cloned().collect()
}

fn perform(world: &mut World, action: &Action) -> bool {
    match action {
        Action::RecordIntent { user, namespace, secret, application, application_uid } => {
            let secret = SecretKey { namespace: namespace.clone(), name: secret.clone() };
            journal::record(world, user, &secret, (application, application_uid))
        }
        Action::CreateUser { user, access } => user::create(world, user, access.as_ref()),
        Action::SetAccess { user, access } => user::set_access(world, user, access),
        Action::EnableAcl { project, service } => user::enable_acl(world, project, service),
        Action::GrantAcl { user, permission } => user::grant(world, user, permission),
        Action::RevokeAcl { user } => user::revoke(world, user),
        Action::RetireUser { user, namespace, secret, application } => {
            let secret = SecretKey { namespace: namespace.clone(), name: secret.clone() };
            journal::retire(world, user, &secret, application)
        }
        Action::WriteKeys(write) => secret::write(world, write),
        Action::DeleteUser { user } => user::delete(world, user),
        Action::ClearIntent { user, namespace, secret, left_behind, retired } => {
            let secret = SecretKey { namespace: namespace.clone(), name: secret.clone() };
            let cleared = journal::clear(world, user, (&secret, *retired));
            if cleared && *left_behind {
                journal::leave_behind(world, std::slice::from_ref(user));
            }
            cleared
        }
        Action::DeleteSecret { namespace, name, expect } => {
            secret::delete(world, &SecretKey { namespace: namespace.clone(), name: name.clone() }, expect)
        }
        Action::ReleaseSecret { namespace, name, left_behind, expect } => {
            let key = SecretKey { namespace: namespace.clone(), name: name.clone() };
            let released = secret::release(world, &key, expect);
            if released {
                journal::leave_behind(world, left_behind);
            }
            released
        }
        Action::DeleteApplication { namespace, name, expect } => {
            let key = AppKey { namespace: namespace.clone(), name: name.clone() };
            let found = application(world, &key, expect).is_some();
            if found {
                world.remove_application(&key);
            }
            found
        }
        Action::UpdateStatus(update) => update_status(world, update),
        Action::SkipProtected { .. } | Action::KeepSecret { .. } | Action::KeepUser { .. } => true,
    }
}

fn update_status(world: &mut World, update: &UpdateStatus) -> bool {
    let UpdateStatus {
        namespace,
        name,
        expect,
        state,
        hash,
        observed_generation,
        synchronized_generation,
        conditions,
        was: _,
        gone: _,
    } = update;
    let key = AppKey { namespace: namespace.clone(), name: name.clone() };
    let Some(mut app) = application(world, &key, expect) else { return false };
    let conditions = conditions.iter().map(|set| Condition {
        kind: set.kind.clone(),
        status: set.status.clone(),
        reason: set.reason.clone(),
        message: set.message.clone(),
    });
    app.status = Status {
        hash: hash.clone(),
        state: state.clone(),
        synchronized_generation: *synchronized_generation,
        observed_generation: *observed_generation,
        conditions: conditions.collect(),
    };
    app.version = next_version(&app.version);
    world.put_application(app);
    true
}

/// The application, if it is still the one that was expected.
fn application(world: &World, key: &AppKey, expect: &Expect) -> Option<Application> {
    let app = world.application(key)?;
    (app.uid == expect.uid && app.version == expect.version).then(|| app.clone())
}

/// The version after one more write.
fn next_version(version: &Name) -> Name {
    match version.parse::<u64>() {
        Ok(number) => number.saturating_add(1).to_string().into(),
        Err(_) if version.is_empty() => "1".into(),
        Err(_) => format!("{version}+").into(),
    }
}
