//! Each committed seed holds; without a fuzzer, so that it costs a second.

use std::fs;
use std::path::Path;

use aivenator_fuzz::*;

fn each(folder: &str, check: fn(&[u8])) {
    // Built as a test of `aivenator` itself, too.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = if here.ends_with("fuzz") { here.join(folder) } else { here.join("fuzz").join(folder) };
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        check(&fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 2, "{} has no seeds", folder.display());
}

#[test]
fn documents_hold() {
    each("../fixtures/worlds", documents::check);
    each("../fixtures/bad", documents::check);
}

#[test]
fn cleanups_hold() {
    each("seeds/cleanup", cleanup::check);
}

#[test]
fn names_hold() {
    each("seeds/names", names::check);
}

#[test]
fn plans_hold() {
    each("seeds/plans", plans::check);
}

#[test]
fn journals_hold() {
    each("seeds/journal", journal::check);
}

#[test]
fn settings_hold() {
    each("seeds/settings", settings::check);
}

#[cfg(feature = "shell")]
#[test]
fn answers_hold() {
    each("seeds/answers", answers::check);
    each("seeds/errors", errors::check);
}

/// Of those no real one is committed.
#[cfg(feature = "shell")]
#[test]
fn keystores_hold() {
    each("seeds/keystores", keystores::check);
}
