//! Promises about the source itself: sizes, headers, purity of the core.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::repository;

/// Every file under src is small enough to be read at once, and says at its head what it is about.
#[test]
fn files_are_small_and_say_what_they_are_about() {
    let mut wrong = vec![];
    for file in sources(&repository("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        let header = text.lines().take_while(|line| line.starts_with("//!")).count();
        if lines > 400 {
            wrong.push(format!("{} has {lines} lines", file.display()));
        }
        if header == 0 {
            wrong.push(format!("{} has no header", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What awaits, reads a clock or draws by lot has no place outside the shell and the sandbox.
#[test]
fn the_core_is_pure() {
    let forbidden = ["async fn", ".await", "tokio", "SystemTime", "Instant::now", "std::fs", "std::net", "rand::"];
    let outside = |file: &Path| {
        let path = file.strip_prefix(repository("src")).unwrap();
        ["cli", "shell", "sandbox", "sandbox.rs", "main.rs"].iter().any(|begin| path.starts_with(begin))
    };
    let mut found = vec![];
    for file in sources(&repository("src")).into_iter().filter(|file| !outside(file)) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let hits = forbidden.iter().filter(|word| code.contains(**word));
        found.extend(hits.map(|word| format!("{}: {word}", file.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The library without features has no runtime, no client and no TLS in its tree.
#[test]
fn the_tree_of_the_core_has_no_runtime_and_no_client() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--no-default-features", "--edges", "normal", "--prefix", "none"])
        .current_dir(repository(""))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(crates.contains(&"serde"), "the tree was read");
    for banned in ["tokio", "hyper", "kube", "kube-client", "reqwest", "rustls", "clap"] {
        assert!(!crates.contains(&banned), "{banned} is in the tree of the core");
    }
}

/// No test is skipped, and nothing is silenced without a reason.
#[test]
fn nothing_is_skipped_or_silenced() {
    let mut found = vec![];
    for file in sources(&repository("src")).into_iter().chain(sources(&repository("tests"))) {
        let text = fs::read_to_string(&file).unwrap();
        for word in
            [concat!("#[", "ignore"), concat!("#[", "allow("), concat!("to", "do!("), concat!("unimpl", "emented!(")]
        {
            if text.contains(word) {
                found.push(format!("{}: {word}", file.display()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
