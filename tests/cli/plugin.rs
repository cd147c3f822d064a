//! The program as a plugin of kubectl: what it calls itself, and which words may come next.

use std::ffi::OsString;

use aivenator::cli::{Io, run};

use super::plans::now;

/// What it says under a name of its own.
fn called(args: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (vec![], vec![]);
    let mut io = Io {
        stdin: &mut std::io::empty(),
        stdout: &mut out,
        stderr: &mut err,
        environment: &|_| None,
        now: now(),
        colour: false,
        width: None,
        terminal: false,
        key: [7; 32],
    };
    let code = run(args.iter().map(OsString::from), &mut io);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// Words that may come next, without what they are about, and what is to be done about files.
fn next(words: &[&str]) -> (Vec<String>, String) {
    let (code, out, err) = called(&[&["/usr/bin/kubectl_complete-aivenator"], words].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    let mut lines: Vec<String> = out.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect();
    let files = lines.pop().unwrap();
    (lines, files)
}

#[test]
fn usage_is_as_it_is_typed() {
    for args in
        [&["--help"][..], &["plan", "--help"], &["explain", "--help"], &["completions", "--help"], &["operator", "-h"]]
    {
        let (code, out, _) = called(&[&["/home/a/.krew/bin/kubectl-aivenator"], args].concat());
        assert_eq!(code, 0);
        assert!(out.contains("Usage: kubectl aivenator"), "{out}");
        let wrong = out.lines().filter(|line| line.contains("aivenator ") && !line.contains("kubectl aivenator "));
        let wrong: Vec<&str> = wrong.filter(|line| !line.contains("kubectl get aivenapp")).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(!out.contains("kubectl kubectl"), "{out}");
    }
    let (_, out, _) = called(&["/usr/bin/aivenator", "plan", "--help"]);
    assert!(out.contains("Usage: aivenator plan") && !out.contains("kubectl aivenator"), "{out}");
}

#[test]
fn it_does_what_the_program_does() {
    let program = called(&["aivenator", "plan", "-f", "-"]);
    assert_eq!(called(&["kubectl-aivenator", "plan", "-f", "-"]), program);
}

#[test]
fn through_kubectl_nobody_runs_the_operator_by_mistake() {
    let (code, out, _) = called(&["kubectl-aivenator"]);
    assert!(code == 0 && out.contains("Usage: kubectl aivenator"), "{out}");
    let (code, _, err) = called(&["aivenator"]);
    assert!(code == 1 && err.contains("--aiven-token"), "{err}");
}

#[test]
fn words_come_next_that_fit() {
    let (commands, files) = next(&[""]);
    assert!(
        ["plan", "explain", "snapshot", "orphans"].iter().all(|it| commands.contains(&(*it).to_owned())),
        "{commands:?}"
    );
    assert!(!commands.contains(&"man".to_owned()) && !commands.contains(&"__complete".to_owned()));
    assert_eq!(files, ":4");
    assert_eq!(next(&["ex"]).0, ["explain"]);
    let (flags, _) = next(&["plan", "--deta"]);
    assert_eq!(flags, ["--detailed-exitcode"]);
    assert_eq!(next(&["plan", "-o", ""]).0, ["text", "json", "yaml"]);
    assert_eq!(next(&["plan", "--output", "j"]).0, ["json"]);
    assert_eq!(next(&["schema", ""]).0, ["plan"]);
    // The value of a flag is no command, whatever it looks like.
    assert_eq!(next(&["plan", "-n", "explain", "--show"]).0, ["--show-kept"]);
    assert_eq!(next(&["plan", "-f", ""]), (vec![], ":0".to_owned()));
    assert_eq!(next(&["plan", "my-a"]), (vec![], ":4".to_owned()));
    assert_eq!(next(&["nonsense", ""]).1, ":4");
    assert_eq!(next(&[]).1, ":4");
}

#[test]
fn what_a_reason_means_can_be_asked() {
    let (code, out, _) = called(&["aivenator", "explain", "reason/InstanceNotReady"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("InstanceNotReady: ") && out.contains("What to do: "), "{out}");
    let (code, _, err) = called(&["aivenator", "explain", "reason/Nonsense"]);
    assert_eq!((code, err.as_str()), (1, "aivenator: there is no reason named \"Nonsense\"\n"));
}
