//! The program itself: pipes, colour and exit codes as a shell sees them.

use std::io::Read;
use std::process::{Command, Output, Stdio};

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aivenator"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_clear();
    command
}

fn output(args: &[&str]) -> Output {
    program(args).output().unwrap()
}

#[test]
fn a_closed_pipe_is_no_error() {
    // Its script is larger than the buffer of a pipe.
    let mut child = program(&["completions", "bash"]).spawn().unwrap();
    let mut few = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut few).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    let ended = program(&["crd"]).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).starts_with("aivenator: the output could not be written"));
}

#[test]
fn exit_codes_are_those_of_the_answer() {
    assert_eq!(output(&["--version"]).status.code(), Some(0));
    assert_eq!(output(&["plan", "--nonsense"]).status.code(), Some(1));
    assert_eq!(output(&["plan", "-f", "-", "--detailed-exitcode"]).status.code(), Some(0));
}

#[test]
fn there_is_no_colour_outside_a_terminal() {
    for args in [&["plan", "-f", "-"][..], &["--help"], &["plan", "--nonsense"]] {
        let ended = program(args).env("CLICOLOR_FORCE", "1").env("TERM", "xterm-256color").output().unwrap();
        assert!(!ended.stdout.contains(&0x1b) && !ended.stderr.contains(&0x1b), "{args:?}");
    }
}

#[test]
fn the_clock_is_that_of_the_system() {
    let ended = output(&["plan", "-f", "-", "-o", "json"]);
    let plan: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(plan["now"].as_str().unwrap() > "2025-01-01T00:00:00Z");
}
