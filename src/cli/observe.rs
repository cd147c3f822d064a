//! What a command is about, as a world: documents named on the command line, or a cluster and Aiven.
//!
//! Takes as given the policy and the clock; what documents mean is in [`crate::documents`]. Reads files and standard input,
//! and nothing else.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::args::SourceArgs;
use super::environment::Environment;
#[cfg(feature = "shell")]
use super::live;
use super::policy::Policy;
use super::{Failure, Io};
use crate::documents::{self, Source};
use crate::world::{Digester, World};

/// What counts as a document in a directory.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// The world that the documents show; without any, the one that a cluster and Aiven show.
pub(super) fn world(
    source: &SourceArgs,
    (policy, environment): (Policy, &Environment<'_>),
    io: &mut Io<'_>,
) -> Result<World, Failure> {
    let SourceArgs { filename, now, .. } = source;
    if filename.is_empty() {
        #[cfg(feature = "shell")]
        return live::world(source, (policy, environment), io);
        #[cfg(not(feature = "shell"))]
        return no_live(environment);
    }
    let sources = sources(filename, io)?;
    let empty = World::new(now.unwrap_or(io.now), policy.settings, Digester::new(&io.key));
    documents::read(&sources, empty, policy.operator_namespace.as_deref()).map_err(Failure::Documents)
}

/// In this build nothing can be asked, whatever the environment says.
#[cfg(not(feature = "shell"))]
fn no_live(_: &Environment<'_>) -> Result<World, Failure> {
    Err(Failure::Live)
}

/// The texts of every file that was named.
pub(super) fn sources(filename: &[PathBuf], io: &mut Io<'_>) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for path in filename {
        if path == Path::new("-") {
            sources.push(stdin(io)?);
            continue;
        }
        let documents = documents_in(path)?;
        if documents.is_empty() {
            let why = "the directory holds no *.yaml, *.yml or *.json".to_owned();
            return Err(Failure::File { name: path.display().to_string(), why });
        }
        for path in documents {
            sources.push(file(&path)?);
        }
    }
    Ok(sources)
}

fn stdin(io: &mut Io<'_>) -> Result<Source, Failure> {
    let name = "<stdin>".to_owned();
    let mut bytes = Vec::new();
    let read = io.stdin.read_to_end(&mut bytes);
    read.map_err(|error| Failure::File { name: name.clone(), why: error.to_string() })?;
    text(name, bytes)
}

fn file(path: &Path) -> Result<Source, Failure> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
    text(name, bytes)
}

fn text(name: String, bytes: Vec<u8>) -> Result<Source, Failure> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source { name, text }),
        Err(error) => {
            let line =
                error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count();
            Err(Failure::File { name, why: format!("line {} is not UTF-8 text", line + 1) })
        }
    }
}

/// The file itself, or every document in a directory and below, in order.
fn documents_in(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let kind = fs::metadata(path).map_err(|error| failed(path, &error))?;
    if !kind.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).map_err(|error| failed(&directory, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| failed(&directory, &error))?;
            let kind = entry.file_type().map_err(|error| failed(&entry.path(), &error))?;
            // A link to a directory is not followed: it could lead back to where it is.
            if kind.is_dir() {
                directories.push(entry.path());
            } else if is_document(&entry.path()) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_document(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && path.is_file()
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Failure::File { name: path.display().to_string(), why }
}
