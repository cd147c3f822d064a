//! `explain`: why one object is as it is.

use super::args::ExplainArgs;
use super::environment::Environment;
use super::{Answer, Failure, Io, observe};
use crate::plan;
use crate::reason::advice::{Advice, advice_for};
use crate::render::{self, Options};
use crate::world::{AppKey, Entry, Name, Place, SecretKey, Subject, World};

/// The kinds that can be explained, and what else they may be called.
const KINDS: [(Kind, &[&str]); 2] = [
    (Kind::Secret, &["secret", "secrets"]),
    (Kind::Application, &["application", "app", "aivenapp", "aivenapplication", "aivenapplications"]),
];

/// What can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Secret,
    Application,
}

/// Explains one object of the documents that were named, or of the cluster.
pub(super) fn run(args: ExplainArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let ExplainArgs { object, source, policy } = args;
    if let Some(code) = object.strip_prefix("reason/") {
        return reason(code);
    }
    let (kind, name) = parse(&object)?;
    let world = observe::world(&source, (policy.resolve(environment)?, environment), io)?;
    let what = match kind {
        Kind::Secret => "Secret that is managed or asked for",
        Kind::Application => "AivenApplication",
    };
    let missing = |place: String| Failure::NotFound { what, name: name.to_owned(), place };
    let namespace = match &source.namespace {
        Some(namespace) => Name::from(namespace.as_str()),
        None => match found(&world, kind, name).as_slice() {
            [] => return Err(missing(String::new())),
            [namespace] => namespace.clone(),
            several => {
                let namespaces = several.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
                let what = if kind == Kind::Secret { "Secret" } else { what };
                return Err(Failure::Ambiguous { what, name: name.to_owned(), namespaces });
            }
        },
    };
    let options = Options { colour: io.colour, width: io.width, all_kept: true };
    let text = match kind {
        Kind::Secret => {
            let key = SecretKey::new(namespace.clone(), name);
            let asking = world.asking(&key).map(|app| Subject::Application(app.key.clone()));
            let subjects = asking.chain([Subject::Secret(key.clone())]).collect();
            render::explain_secret(&world, &plan::plan_subjects(&world, &subjects), &key, options)
        }
        Kind::Application => {
            let key = AppKey::new(namespace.clone(), name);
            let secrets = world.application(&key).into_iter().flat_map(|app| app.spec.secret_names());
            let secrets = secrets.map(|name| Subject::Secret(SecretKey::new(namespace.clone(), name.clone())));
            let subjects = secrets.chain([Subject::Application(key.clone())]).collect();
            render::explain_application(&world, &plan::plan_subjects(&world, &subjects), &key, options)
        }
    };
    text.map(Answer::of).ok_or_else(|| missing(format!(" in namespace {namespace}")))
}

/// What a reason means, wherever it was read: in a plan, an event, a condition or a log line.
fn reason(code: &str) -> Result<Answer, Failure> {
    let missing = || Failure::NotFound { what: "reason", name: code.to_owned(), place: String::new() };
    let Advice { code, means, help } = advice_for(code).ok_or_else(missing)?;
    Ok(Answer::of(format!("{code}: {means}\nWhat to do: {help}\n")))
}

fn parse(object: &str) -> Result<(Kind, &str), Failure> {
    let found = object.split_once('/').filter(|(_, name)| !name.is_empty()).and_then(|(word, name)| {
        let word = word.to_ascii_lowercase();
        KINDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(kind, _)| (*kind, name))
    });
    found.ok_or_else(|| Failure::Usage {
        why: format!("'{object}' is none of secret/NAME, application/NAME and reason/CODE"),
    })
}

/// The namespaces in which there is something of that name, or in which it is asked for.
fn found(world: &World, kind: Kind, name: &str) -> Vec<Name> {
    let holds = world.namespaces().filter(|(_, namespace)| match kind {
        Kind::Application => namespace.application(name).is_some(),
        Kind::Secret => {
            let place = namespace.place(name);
            let exists = |place: &Place| place.entry().is_some_and(|entry| *entry != Entry::Absent);
            place.is_some_and(|place| place.asked().next().is_some() || exists(place))
        }
    });
    holds.map(|(namespace, _)| namespace.clone()).collect()
}
