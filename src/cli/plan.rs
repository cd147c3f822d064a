//! `plan`: what would be done, and why.

use super::args::{Output, PlanArgs};
use super::environment::Environment;
use super::{Answer, Failure, Io, json, observe, yaml};
use crate::plan::{self, Plan};
use crate::render;
use crate::world::{Name, Subject, UserKey, World};

/// Plans the documents that were named, or the cluster.
pub(super) fn run(args: PlanArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let PlanArgs { names, source, all_namespaces: _, output, show_kept, detailed_exitcode, policy } = args;
    let world = observe::world(&source, (policy.resolve(environment)?, environment), io)?;
    let plan = some(&world, source.namespace.as_deref(), &names)?;
    let text = match output {
        Output::Text => match &source.namespace {
            // A name that was mistyped is not to look like a namespace where all is well.
            Some(namespace) if plan.decisions.is_empty() => nothing_in(namespace),
            _ => {
                let all_kept = show_kept || !names.is_empty();
                render::plan(&plan, render::Options { colour: io.colour, width: io.width, all_kept })
            }
        },
        Output::Json => json(&plan)?,
        Output::Yaml => yaml(&plan)?,
    };
    Ok(Answer { text, code: if detailed_exitcode && plan.changes() { 2 } else { 0 } })
}

fn nothing_in(namespace: &str) -> String {
    format!("No changes. There is no AivenApplication and no managed Secret in namespace {namespace}.\n")
}

/// The plan for one namespace, or for objects of some names.
pub(super) fn some(world: &World, namespace: Option<&str>, names: &[String]) -> Result<Plan, Failure> {
    if namespace.is_none() && names.is_empty() {
        return Ok(plan::plan(world));
    }
    let mut subjects = plan::subjects(world);
    subjects.retain(|subject| namespace.is_none_or(|namespace| is_in(world, subject, namespace)));
    if let Some(missing) = names.iter().find(|name| !subjects.iter().any(|subject| is_named(subject, name))) {
        let place = namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        return Err(Failure::NotFound { what: "AivenApplication or managed Secret", name: missing.clone(), place });
    }
    subjects.retain(|subject| names.is_empty() || names.iter().any(|name| is_named(subject, name)));
    Ok(plan::plan_subjects(world, &subjects))
}

fn is_named(subject: &Subject, name: &str) -> bool {
    match subject {
        Subject::Application(key) => key.name == *name,
        Subject::Secret(key) => key.name == *name,
        Subject::User(_) => false,
    }
}

/// Whether it belongs to a namespace; a user does by the secret that it is for.
fn is_in(world: &World, subject: &Subject, namespace: &str) -> bool {
    match subject {
        Subject::Application(key) => key.namespace == *namespace,
        Subject::Secret(key) => key.namespace == *namespace,
        Subject::User(user) => home(world, user).is_some_and(|home| *home == *namespace),
    }
}

fn home<'w>(world: &'w World, user: &UserKey) -> Option<&'w Name> {
    let journal = world.journal()?;
    let intent = journal.intents.get(user).map(|intent| &intent.secret.namespace);
    intent.or_else(|| journal.retirements.get(user).map(|retirement| &retirement.secret.namespace))
}
