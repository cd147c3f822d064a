//! `orphans`: users at Aiven that nothing records, in any of the clusters that share the projects.
//!
//! Decides how they are listed; which users they are is decided in [`crate::orphans`]. Changes nothing.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::args::{Output, SourceArgs};
use super::environment::Environment;
use super::operator::AivenArgs;
use super::policy::{Policy, PolicyArgs};
use super::{Answer, Failure, Io, json, live, observe, yaml};
use crate::orphans::{self, Cluster, Likeness, Orphan, Orphans, Spared};
use crate::shell::Live;
use crate::world::rfc3339;

/// Arguments of `orphans`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  aivenator orphans --context dev --context prod
                                             with two clusters that share a project
  aivenator orphans --context dev -f prod/   the same, with a snapshot of the second
  aivenator orphans -o json | jq '.orphans[].username'

A user that a cluster records is no orphan: name every cluster that shares the projects. With each -f
a snapshot of one cluster is meant; what it says of Aiven counts beside what is seen.")]
pub(super) struct OrphansArgs {
    /// A context of the kubeconfig file, for each cluster; repeatable [default: the current one].
    #[arg(long, value_name = "NAME", help_heading = "What to look at")]
    context: Vec<String>,
    /// A snapshot of a cluster: a file or a directory; repeatable.
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR", help_heading = "What to look at")]
    filename: Vec<PathBuf>,
    /// The kubeconfig file to use.
    #[arg(long, value_name = "FILE", help_heading = "What to look at")]
    kubeconfig: Option<PathBuf>,
    /// List them as if it were this moment, such as 2026-11-20T12:00:00Z.
    #[arg(long, value_name = "TIME", help_heading = "What to look at")]
    now: Option<jiff::Timestamp>,
    /// How to print them.
    #[arg(
        short = 'o',
        long,
        value_enum,
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Output",
        value_name = "FORMAT",
        help = "How to print them: text, json or yaml"
    )]
    output: Output,
    #[command(flatten)]
    aiven: AivenArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Observes every cluster, and lists what none records.
pub(super) fn run(args: OrphansArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let output = args.output;
    let now = args.now.unwrap_or(io.now);
    let (clusters, unseen) = clusters(args, environment, io)?;
    let mut found = orphans::orphans(&clusters, now);
    found.unseen.extend(unseen);
    found.unseen.sort();
    found.unseen.dedup();
    let text = match output {
        Output::Text => text(&found),
        Output::Json => json(&found)?,
        Output::Yaml => yaml(&found)?,
    };
    Ok(Answer::of(text))
}

/// The clusters, and what could not be seen at Aiven.
type Found = (Vec<Cluster>, Vec<String>);

fn clusters(args: OrphansArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Found, Failure> {
    let OrphansArgs { context, filename, kubeconfig, now, output: _, aiven, policy } = args;
    let policy = policy.resolve(environment)?;
    let source = |filename: Vec<PathBuf>, context: Option<String>| SourceArgs {
        filename,
        namespace: None,
        context,
        kubeconfig: kubeconfig.clone(),
        now,
        aiven: aiven.clone(),
    };
    let (mut clusters, mut unseen) = (Vec::new(), Vec::new());
    let current = (context.is_empty() && filename.is_empty()).then_some(None);
    for context in context.into_iter().map(Some).chain(current) {
        let name = context.clone().unwrap_or_else(|| "of the current context".to_owned());
        let config = live::config(&source(vec![], context), (policy.clone(), environment), io)?;
        let world = live::runtime()?.block_on(async {
            let mut live = Live::observe(&config, None).await?;
            let unseen = live.look_at_projects().await;
            Ok((live.world(), unseen))
        });
        let (world, missed) = world.map_err(|error: crate::shell::RunError| live::failed(error))?;
        unseen.extend(missed);
        clusters.push((name.into(), world));
    }
    for path in filename {
        let name = path.display().to_string();
        let world = observe::world(&source(vec![path], None), (Policy::clone(&policy), environment), io)?;
        clusters.push((name.into(), world));
    }
    Ok((clusters, unseen))
}

fn text(found: &Orphans) -> String {
    let Orphans { orphans, unseen } = found;
    let mut text = String::new();
    let mut service = String::new();
    for Orphan { user, made, name, left_behind, spared } in orphans {
        let on = user.service_key().to_string();
        if on != service {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{}{on}", if service.is_empty() { "" } else { "\n" });
            service = on;
        }
        let age = made.map_or_else(|| "of unknown age".to_owned(), |made| format!("made {}", rfc3339(made)));
        let left = left_behind.as_ref().map(|why| format!(", left behind: {why}")).unwrap_or_default();
        let unsure = if *name == Likeness::Perhaps { ", perhaps somebody else's" } else { "" };
        let young = if *spared == Some(Spared::Young) { ", younger than a day" } else { "" };
        let _ = writeln!(text, "  {}  {age}{left}{unsure}{young}", user.username);
    }
    if !unseen.is_empty() {
        let _ = writeln!(text, "{}Not observed; users may be recorded there:", if text.is_empty() { "" } else { "\n" });
        for line in unseen {
            let _ = writeln!(text, "  {line}");
        }
    }
    let users = if orphans.len() == 1 { "user" } else { "users" };
    let summary = match orphans.len() {
        0 => "No user that nothing records.".to_owned(),
        count => format!("{count} {users} that nothing records."),
    };
    let gap = if text.is_empty() { "" } else { "\n" };
    text + gap + &summary + "\n"
}
