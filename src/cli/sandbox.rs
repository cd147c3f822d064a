//! `sandbox`: the real operator, against a cluster and an Aiven account that live in this process.
//!
//! Decides what to tell and when everything is quiet. Takes as given that both APIs behave as the real ones do.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::SignedDuration;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::environment::Environment;
use super::policy::PolicyArgs;
use super::{Answer, Failure, Io, observe, operator};
use crate::documents::{self, Source};
use crate::sandbox::{Sandbox, aiven, kubernetes, story};
use crate::shell::logs;
use crate::world::Settings;

/// Arguments of `sandbox`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  aivenator sandbox --once                   see the operator at work, and end when it has nothing to do
  aivenator sandbox                          the same, then stay, for kubectl
  aivenator sandbox -f dump/                 begin with saved documents instead of the example")]
pub(super) struct SandboxArgs {
    /// The documents to begin with, as for `plan -f`; else an example.
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
    /// End when nothing has happened for a while.
    #[arg(long)]
    once: bool,
    /// Show the operator's own log too, at this level [default: error].
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// The example: the same documents that the README plans.
const EXAMPLE: [(&str, &str); 4] = [
    ("aiven.yaml", include_str!("../../fixtures/quickstart/aiven.yaml")),
    ("applications.yaml", include_str!("../../fixtures/quickstart/applications.yaml")),
    ("secrets.yaml", include_str!("../../fixtures/quickstart/secrets.yaml")),
    ("workloads.yaml", include_str!("../../fixtures/quickstart/workloads.yaml")),
];

/// Nothing has happened for so long: it is quiet.
const QUIET: Duration = Duration::from_secs(6);
/// A sandbox that is never quiet ends all the same.
const LONGEST: Duration = Duration::from_mins(2);

/// Runs until it is quiet, or until the process is told to stop.
pub(super) fn run(args: SandboxArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let SandboxArgs { filename, once, log_level, policy } = args;
    let sources = if filename.is_empty() { example() } else { observe::sources(&filename, io)? };
    let documents = documents::values(&sources).map_err(Failure::Documents)?;
    let settings = hasten(policy.resolve(environment)?.settings, &documents);
    let level = log_level.unwrap_or_else(|| "error".to_owned());
    let level = level.parse().map_err(|why| Failure::Setting { place: "--log-level".to_owned(), why })?;
    // Whoever embeds this may have set up logs of their own.
    let _ = logs::install(logs::Style { format: logs::Format::Text, level, colour: io.colour });
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Shell(error.to_string()))?;
    runtime.block_on(play(&documents, (settings, once), io))
}

fn example() -> Vec<Source> {
    EXAMPLE.iter().map(|(name, text)| Source { name: (*name).to_owned(), text: (*text).to_owned() }).collect()
}

/// In a sandbox nobody wants to wait: what takes minutes in a cluster takes seconds, unless it was set.
fn hasten(settings: Settings, documents: &[Value]) -> Settings {
    let usual = Settings::default();
    let seconds = |set: SignedDuration, usual: SignedDuration, seconds| {
        if set == usual { SignedDuration::from_secs(seconds) } else { set }
    };
    let is_project = |document: &&Value| document.get("kind").and_then(Value::as_str) == Some("AivenProject");
    let mut projects = settings.projects.clone();
    if settings.projects == usual.projects {
        let names = documents.iter().filter(is_project).filter_map(|it| it.pointer("/metadata/name")?.as_str());
        projects.extend(names.map(Into::into));
    }
    Settings {
        projects,
        janitor_grace: seconds(settings.janitor_grace, usual.janitor_grace, 3),
        settle: seconds(settings.settle, usual.settle, 2),
        retire_after: seconds(settings.retire_after, usual.retire_after, 3),
        ..settings
    }
}

async fn play(documents: &[Value], (settings, once): (Settings, bool), io: &mut Io<'_>) -> Result<Answer, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Shell(error.to_string());
    let started = Sandbox::start(aiven::Options::default(), kubernetes::Options::default()).await;
    let sandbox = started.map_err(|error| failed(&error))?;
    sandbox.load(documents).map_err(|error| failed(&error))?;
    let file = std::env::temp_dir().join(format!("aivenator-sandbox-{}.yaml", std::process::id()));
    let file = file.display().to_string();
    if !once {
        let name = || file.clone();
        std::fs::write(&file, sandbox.kubernetes.kubeconfig())
            .map_err(|error| Failure::File { name: name(), why: error.to_string() })?;
    }
    say(io, &format!("Kubernetes  {}\nAiven       {}\n", sandbox.kubernetes.url(), sandbox.aiven.url()))?;
    let stop = CancellationToken::new();
    let signals = tokio::spawn(operator::signals(stop.clone()));
    let running = tokio::spawn(crate::shell::run(sandbox.config(settings), stop.clone()));
    tell(&sandbox, Some(QUIET), &stop, io).await?;
    if once {
        stop.cancel();
    }
    say(io, &story::ending(&sandbox))?;
    if !stop.is_cancelled() {
        say(io, &format!("\nIt goes on; in another terminal: kubectl --kubeconfig {file} get aivenapp,secret -A\n"))?;
        tell(&sandbox, None, &stop, io).await?;
    }
    let ended = running.await.map_err(|error| failed(&error))?;
    signals.abort();
    if !once {
        // A file in the temporary directory that is gone already is no harm.
        let _ = std::fs::remove_file(&file);
    }
    ended.map(|()| Answer::of(String::new())).map_err(|error| failed(&error))
}

/// Tells what happens, until it is told to stop, or nothing has happened for so long.
async fn tell(
    sandbox: &Sandbox,
    quiet: Option<Duration>,
    stop: &CancellationToken,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    let (mut changes, mut requests) = (sandbox.kubernetes.watch_changes(), sandbox.aiven.listen());
    let begun = Instant::now();
    let mut last = begun;
    loop {
        let wait = quiet.map_or(LONGEST, |quiet| quiet.saturating_sub(last.elapsed()));
        let line = tokio::select! {
            change = changes.recv() => change.ok().and_then(|change| story::change(&change)),
            request = requests.recv() => request.ok().and_then(|request| story::request(&request)),
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(wait) => None,
        };
        if let Some(line) = line {
            last = Instant::now();
            say(io, &format!("{:>6.1}s  {line}\n", begun.elapsed().as_secs_f64()))?;
        }
        if quiet.is_some_and(|quiet| last.elapsed() >= quiet || begun.elapsed() > LONGEST) {
            return Ok(());
        }
    }
}

fn say(io: &mut Io<'_>, text: &str) -> Result<(), Failure> {
    let written = io.stdout.write_all(text.as_bytes()).and_then(|()| io.stdout.flush());
    written.map_err(|error| Failure::Output { why: error.to_string() })
}
