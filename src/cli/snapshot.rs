//! `snapshot`: what is observed, saved without secret material, to be planned elsewhere.
//!
//! Decides where the files go and that all of them do, or none. Takes their texts from [`documents::snapshot`]; never
//! writes over anything.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::SourceArgs;
use super::environment::Environment;
use super::policy::PolicyArgs;
use super::{Answer, Failure, Io, live, observe};
use crate::documents::{self, Source};
use crate::world::rfc3339;

/// Arguments of `snapshot`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  aivenator snapshot -o dump/                save the cluster of the kubeconfig file and what is at Aiven
  aivenator snapshot -f cluster.yaml -o dump/
                                             take the secrets out of saved documents
  aivenator plan -f dump/                    plan it, here or elsewhere

No value of a Secret and no credential is saved: digests stand in their place, under a key that is
thrown away, so that they can be compared with each other and with nothing else.")]
pub(super) struct SnapshotArgs {
    /// The directory to make; one that exists has to be empty.
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// The namespace of the journal in documents that do not say which is meant.
const HOME: &str = "aivenator";

/// Observes, and saves what was seen.
pub(super) fn run(args: SnapshotArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let SnapshotArgs { output, source, policy } = args;
    check(&output)?;
    let policy = policy.resolve(environment)?;
    let (world, home) = if source.filename.is_empty() {
        live::look(&source, (policy, environment), io)?
    } else {
        let home = policy.operator_namespace.clone().unwrap_or_else(|| HOME.to_owned());
        (observe::world(&source, (policy, environment), io)?, home)
    };
    let files = documents::snapshot(&world, &home);
    save(&output, &files).map_err(|error| failed(&output, &error))?;
    let (directory, now) = (output.display(), rfc3339(world.now));
    let text =
        format!("{} files in {directory}: plan them with 'aivenator plan -f {directory} --now {now}'\n", files.len());
    Ok(Answer::of(text))
}

/// Refuses a place where something is, before anything is asked.
fn check(output: &Path) -> Result<(), Failure> {
    let refuse = |why: &str| Err(Failure::File { name: output.display().to_string(), why: why.to_owned() });
    match fs::read_dir(output).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => refuse("the directory is not empty"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => refuse("it exists and is no directory"),
        Err(error) => Err(failed(output, &error)),
    }
}

/// Writes every file into a directory beside it, which takes its place at last.
fn save(output: &Path, files: &[Source]) -> io::Result<()> {
    let name = output.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let partial = output.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    let written = fill(&partial, files).and_then(|()| fs::rename(&partial, output));
    if written.is_err() {
        // What went wrong first is what matters.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

fn fill(directory: &Path, files: &[Source]) -> io::Result<()> {
    folder(directory, false)?;
    for Source { name, text } in files {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            folder(parent, true)?;
        }
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(())
}

fn folder(path: &Path, known: bool) -> io::Result<()> {
    DirBuilder::new().recursive(known).mode(0o700).create(path)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::File { name: path.display().to_string(), why: error.to_string() }
}
