//! `orphans`: users at Aiven that nothing records, in any of the clusters that share the projects, listed or deleted.
//!
//! Decides how they are listed and what counts as a confirmation; which users they are, and which of them may be
//! deleted, is decided in [`crate::orphans`]. Without `--delete` it changes nothing.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::args::{Output, SourceArgs};
use super::environment::Environment;
use super::operator::AivenArgs;
use super::policy::{Policy, PolicyArgs};
use super::{Answer, Failure, Io, apply, json, live, observe, yaml};
use crate::orphans::{Cluster, Likeness, Orphan, Orphans, Spared};
use crate::shell::{Config, RunError, Sweep, Swept};
use crate::world::{Name, Timestamp, UserKey, rfc3339};

/// Arguments of `orphans`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  aivenator orphans --context dev --context prod
                                             with two clusters that share a project
  aivenator orphans --context dev -f prod/   the same, with a snapshot of the second
  aivenator orphans -o json | jq '.orphans[].username'
  aivenator orphans --context dev --context prod --delete --all-clusters-given
                                             delete those that may be, after asking

A user that a cluster records is no orphan: name every cluster that shares the projects. With each -f
a snapshot of one cluster is meant; what it says of Aiven counts beside what is seen.

--delete asks for the name of each project, on standard input, and looks at everything again before it
begins and at each user before it goes, with the rules of an OpenSearch user. Younger than a day, of
unknown age, or of a name that may be somebody else's, a user stays. Nothing is deleted while something
was not seen that could record a user. An operator may go on meanwhile.")]
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
    #[arg(long, value_name = "TIME", help_heading = "What to look at", conflicts_with = "delete")]
    now: Option<jiff::Timestamp>,
    /// Delete those that may be deleted, after asking for the name of each project.
    #[arg(long, help_heading = "Deleting")]
    delete: bool,
    /// Say that no other cluster shares the projects; --delete needs it.
    #[arg(long, help_heading = "Deleting")]
    all_clusters_given: bool,
    /// How to print them.
    #[arg(
        short = 'o',
        long,
        value_enum,
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Output",
        conflicts_with = "delete",
        value_name = "FORMAT",
        help = "How to print them: text, json or yaml"
    )]
    output: Output,
    #[command(flatten)]
    aiven: AivenArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Observes every cluster, and lists or deletes what none records.
pub(super) fn run(args: OrphansArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let OrphansArgs { output, now, delete, all_clusters_given, .. } = args;
    if delete {
        check(&args, all_clusters_given)?;
    }
    let now = now.unwrap_or(io.now);
    let (configs, saved) = clusters(args, environment, io)?;
    let runtime = live::runtime()?;
    let mut sweep = runtime.block_on(Sweep::look(&configs, saved.clone())).map_err(live::failed)?;
    if delete {
        let shown = sweep.found(None);
        drop(sweep);
        let users = confirmed(&shown, io)?;
        return runtime.block_on(carry_out(Sweep::look(&configs, saved), &users, io));
    }
    let found = sweep.found(Some(now));
    let text = match output {
        Output::Text => text(&found),
        Output::Json => json(&found)?,
        Output::Yaml => yaml(&found)?,
    };
    Ok(Answer::of(text))
}

/// Refuses to delete where it would be blind, before anything is asked.
fn check(args: &OrphansArgs, all_clusters_given: bool) -> Result<(), Failure> {
    let refuse = |why: &str| Err(Failure::Usage { why: why.to_owned() });
    if !all_clusters_given {
        return refuse(
            "--delete would also delete a user that a cluster records which is not named here: say with \
             --all-clusters-given that every cluster is named that shares the projects",
        );
    }
    if args.context.is_empty() && !args.filename.is_empty() {
        return refuse("--delete needs a cluster to look at, and only snapshots are given: name one with --context");
    }
    Ok(())
}

/// What is needed to look at each cluster, and what was saved of others.
type Found = (Vec<(Name, Config)>, Vec<Cluster>);

fn clusters(args: OrphansArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Found, Failure> {
    let OrphansArgs { context, filename, kubeconfig, now, aiven, policy, .. } = args;
    let policy = policy.resolve(environment)?;
    let source = |filename: Vec<PathBuf>, context: Option<String>| SourceArgs {
        filename,
        namespace: None,
        context,
        kubeconfig: kubeconfig.clone(),
        now,
        aiven: aiven.clone(),
    };
    let (mut configs, mut saved) = (Vec::new(), Vec::new());
    let current = (context.is_empty() && filename.is_empty()).then_some(None);
    for context in context.into_iter().map(Some).chain(current) {
        let name = context.clone().unwrap_or_else(|| "of the current context".to_owned());
        let config = live::config(&source(vec![], context), (policy.clone(), environment), io)?;
        configs.push((name.into(), config));
    }
    for path in filename {
        let name = path.display().to_string();
        let world = observe::world(&source(vec![path], None), (Policy::clone(&policy), environment), io)?;
        saved.push((name.into(), world));
    }
    Ok((configs, saved))
}

/// Shows what would be deleted and what stays, and asks for the name of each project; gives the users that may go.
fn confirmed(shown: &Orphans, io: &mut Io<'_>) -> Result<Vec<UserKey>, Failure> {
    if let Some(why) = shown.why_none() {
        return Err(Failure::Shell(format!("nothing was deleted: {why}")));
    }
    apply::say(io, &choice(shown))?;
    for (project, count) in shown.by_project() {
        let users = self::users(count);
        apply::say(io, &format!("\nType the name of project {project} to delete {users} there for good: "))?;
        if apply::answer(io)? != **project {
            return Err(Failure::Shell(format!("nothing was deleted: that is not the name of project {project}")));
        }
    }
    Ok(shown.deletable().map(|orphan| orphan.user.clone()).collect())
}

/// Looks at everything again, and deletes what still may be deleted.
async fn carry_out(
    again: impl Future<Output = Result<Sweep, RunError>>,
    users: &[UserKey],
    io: &mut Io<'_>,
) -> Result<Answer, Failure> {
    if users.is_empty() {
        return Ok(Answer::of(String::new()));
    }
    let mut sweep = again.await.map_err(live::failed)?;
    if let Some(why) = sweep.found(None).why_none() {
        return Err(Failure::Shell(format!("nothing was deleted: {why}")));
    }
    apply::say(io, "\n")?;
    let (mut deleted, mut failures) = (0_usize, Vec::new());
    sweep
        .delete(users, |user, swept| {
            let user = format!("{} on {}", user.username, user.service_key());
            let line = match swept {
                Swept::Deleted => {
                    deleted += 1;
                    format!("- {user}")
                }
                Swept::Gone => format!("= {user} is gone already"),
                Swept::Stays(why) => format!("= {user} stays: {why}"),
                Swept::Failed(why) => {
                    failures.push(format!("{user}: {why}"));
                    format!("! {user}")
                }
            };
            // What is under way goes on, even if nobody listens any longer.
            let _ = writeln!(io.stdout, "{line}").and_then(|()| io.stdout.flush());
        })
        .await;
    for failure in &failures {
        // Where not even this can be said, the exit code does.
        let _ = writeln!(io.stderr, "aivenator: {failure}");
    }
    let failed = if failures.is_empty() { String::new() } else { format!(", {} failed", failures.len()) };
    let text = format!("\n{} deleted{failed}.\n", self::users(deleted));
    Ok(Answer { text, code: u8::from(!failures.is_empty()) })
}

fn text(found: &Orphans) -> String {
    let Orphans { orphans, unseen } = found;
    let mut text = listed(orphans.iter().map(|orphan| (orphan, line(orphan))));
    if !unseen.is_empty() {
        let _ = writeln!(text, "{}Not observed; users may be recorded there:", if text.is_empty() { "" } else { "\n" });
        for line in unseen {
            let _ = writeln!(text, "  {line}");
        }
    }
    let summary = match orphans.len() {
        0 => "No user that nothing records.".to_owned(),
        count => format!("{} that nothing records.", users(count)),
    };
    let gap = if text.is_empty() { "" } else { "\n" };
    text + gap + &summary + "\n"
}

/// What would be deleted and what stays, before it is asked.
fn choice(found: &Orphans) -> String {
    let delete = listed(found.deletable().map(|orphan| (orphan, line(orphan))));
    let stay = listed(found.spared().map(|(orphan, why)| {
        let Orphan { user, made, left_behind, name: _, spared: _ } = orphan;
        let left = left_behind.as_ref().map(|why| format!(", left behind: {why}")).unwrap_or_default();
        (orphan, format!("{}  {}{left}; stays: {}", user.username, age(*made), why.as_str()))
    }));
    let section = |title: &str, users: String| if users.is_empty() { users } else { format!("{title}\n\n{users}") };
    let (delete, stay) = (section("To be deleted:", delete), section("What stays:", stay));
    match (delete.is_empty(), stay.is_empty()) {
        (true, true) => "No user that nothing records.\n".to_owned(),
        (true, false) => format!("{stay}\nNo user to delete.\n"),
        (false, true) => delete,
        (false, false) => format!("{stay}\n{delete}"),
    }
}

/// Lines about users, below the names of their services.
fn listed<'o>(lines: impl Iterator<Item = (&'o Orphan, String)>) -> String {
    let (mut text, mut service) = (String::new(), String::new());
    for (orphan, line) in lines {
        let user = &orphan.user;
        let nowhere = user.service.is_empty();
        let on = if nowhere { "where they are was not recorded".to_owned() } else { user.service_key().to_string() };
        if on != service {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{}{on}", if service.is_empty() { "" } else { "\n" });
            service = on;
        }
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn line(orphan: &Orphan) -> String {
    let Orphan { user, made, name, left_behind, spared } = orphan;
    let left = left_behind.as_ref().map(|why| format!(", left behind: {why}")).unwrap_or_default();
    let unsure = if *name == Likeness::Perhaps { ", perhaps somebody else's" } else { "" };
    let young = if *spared == Some(Spared::Young) { ", younger than a day" } else { "" };
    format!("{}  {}{left}{unsure}{young}", user.username, age(*made))
}

fn age(made: Option<Timestamp>) -> String {
    made.map_or_else(|| "of unknown age".to_owned(), |made| format!("made {}", rfc3339(made)))
}

fn users(count: usize) -> String {
    if count == 1 { "1 user".to_owned() } else { format!("{count} users") }
}
