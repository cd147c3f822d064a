//! `apply`: a plan, shown, confirmed and carried out once.
//!
//! Decides what counts as a confirmation and what is told. Takes as given that the shell does nothing but what was shown.

use std::path::PathBuf;

use clap::Args;

use super::args::SourceArgs;
use super::environment::Environment;
use super::operator::AivenArgs;
use super::policy::PolicyArgs;
use super::{Answer, Failure, Io, live, plan};
use crate::plan::Plan;
use crate::render::{self, Options};
use crate::shell::{Config, Live, Progress, lease};
use crate::world::DeletionCap;

/// Arguments of `apply`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  aivenator apply --operator-namespace aivenator
                                             show the plan, ask, and carry it out
  aivenator apply -n my-team my-app --yes    only what concerns one name, without asking

It takes the lease of the operator and refuses while somebody renews it. An operator that runs without
--leader-elect takes no lease: stop it first. A confirmation is also one for deleting more than
--max-deletions allows the operator.")]
pub(super) struct ApplyArgs {
    /// Only applications and Secrets of these names.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only this namespace.
    #[arg(short = 'n', long, value_name = "NAMESPACE", help_heading = "What to look at")]
    namespace: Option<String>,
    /// The context of the kubeconfig file to use.
    #[arg(long, value_name = "NAME", help_heading = "What to look at")]
    context: Option<String>,
    /// The kubeconfig file to use.
    #[arg(long, value_name = "FILE", help_heading = "What to look at")]
    kubeconfig: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    aiven: AivenArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Shows a plan and carries it out.
pub(super) fn run(args: ApplyArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let ApplyArgs { names, namespace, context, kubeconfig, yes, aiven, policy } = args;
    if !yes && !io.terminal {
        let why = "nobody can be asked where standard input is no terminal: say --yes".to_owned();
        return Err(Failure::Usage { why });
    }
    let mut policy = policy.resolve(environment)?;
    policy.settings.max_deletions = DeletionCap::Confirmed;
    let source = SourceArgs { filename: vec![], namespace: None, context, kubeconfig, now: None, aiven };
    let config = live::config(&source, (policy, environment), io)?;
    let runtime = live::runtime()?;
    let mut seen = runtime.block_on(Live::observe(&config, None)).map_err(live::failed)?;
    let shown = plan::some(&seen.world(), namespace.as_deref(), &names)?;
    say(io, &render::plan(&shown, Options { colour: io.colour, width: io.width, all_kept: false }))?;
    if !shown.changes() {
        return Ok(Answer::of(String::new()));
    }
    if !yes && !confirmed(io)? {
        return Err(Failure::Shell("nothing was done".to_owned()));
    }
    let host = environment.get("HOSTNAME").unwrap_or_else(|| "somebody".to_owned());
    let identity = lease::identity(&format!("apply by {host}"));
    runtime.block_on(carry_out(&config, (seen, identity), &shown, io))
}

/// Looks again once the lease is held, and does what is still as it was shown.
async fn carry_out(
    config: &Config,
    (seen, identity): (Live, String),
    shown: &Plan,
    io: &mut Io<'_>,
) -> Result<Answer, Failure> {
    let lease = seen.lease(identity).await.map_err(live::failed)?;
    drop(seen);
    let (mut done, mut failed) = (0_usize, 0_usize);
    let observed = Live::observe(config, None).await.map_err(live::failed);
    let observed = match observed {
        Ok(mut live) => {
            let lost = lease.lost();
            live.apply(shown, &lost, |progress| {
                let (stream, said): (&mut dyn std::io::Write, String) = match progress {
                    Progress::Begun(subject) => (io.stdout, format!("\n{subject}")),
                    Progress::Done(action) => {
                        done += 1;
                        (io.stdout, format!("  {}", render::action_line(action)))
                    }
                    Progress::Nothing(subject, why) => (io.stdout, format!("\n{subject}\n  left as it is: {why}")),
                    Progress::Failed(subject, why) => {
                        failed += 1;
                        (io.stderr, format!("aivenator: {subject}: {why}"))
                    }
                };
                // What is under way goes on, even if nobody listens any longer.
                let _ = writeln!(stream, "{said}").and_then(|()| stream.flush());
            })
            .await;
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    lease.release().await;
    observed?;
    let text = if failed == 0 {
        format!("\nDone: {done} actions. What follows from them, another plan shows.\n")
    } else {
        format!("\n{done} actions were done; {failed} failed, see above: plan again.\n")
    };
    Ok(Answer { text, code: u8::from(failed > 0) })
}

/// Says something now, such as a question.
pub(super) fn say(io: &mut Io<'_>, text: &str) -> Result<(), Failure> {
    let written = io.stdout.write_all(text.as_bytes()).and_then(|()| io.stdout.flush());
    written.map_err(|error| Failure::Output { why: error.to_string() })
}

/// Whether somebody answers with the one word that counts.
fn confirmed(io: &mut Io<'_>) -> Result<bool, Failure> {
    say(io, "\nShall this be done? Only 'yes' is accepted: ")?;
    answer(io).map(|answer| answer == "yes")
}

/// One line of standard input.
pub(super) fn answer(io: &mut Io<'_>) -> Result<String, Failure> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        let read = io.stdin.read(&mut byte);
        let read = read.map_err(|error| Failure::File { name: "<stdin>".to_owned(), why: error.to_string() })?;
        if read == 0 || byte == *b"\n" {
            break;
        }
        line.extend(byte);
    }
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}
