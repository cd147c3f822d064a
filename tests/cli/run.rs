//! Commands in process: what they answer, and with which exit code.

use std::collections::BTreeMap;
use std::ffi::OsString;

use aivenator::cli::{Io, run};

use super::plans::now;

/// What a command said, and its exit code.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
}

pub(super) fn say_in(environment: &[(&str, &str)], stdin: &str, args: &[&str]) -> Said {
    say_while(environment, (stdin, false), args, &mut |_| {})
}

/// Output that somebody reads as it comes.
struct Watched<'w> {
    out: Vec<u8>,
    watch: &'w mut dyn FnMut(&str),
}

impl std::io::Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.extend(bytes);
        (self.watch)(&String::from_utf8_lossy(&self.out));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The same, where a person may sit at a terminal and somebody watches what is said.
pub(super) fn say_while(
    environment: &[(&str, &str)],
    (stdin, terminal): (&str, bool),
    args: &[&str],
    watch: &mut dyn FnMut(&str),
) -> Said {
    let variables: BTreeMap<&str, &str> = environment.iter().copied().collect();
    let (mut out, mut err) = (Watched { out: vec![], watch }, Vec::new());
    let mut io = Io {
        stdin: &mut stdin.as_bytes(),
        stdout: &mut out,
        stderr: &mut err,
        environment: &|name| variables.get(name).map(ToString::to_string),
        now: now(),
        colour: false,
        width: None,
        terminal,
        key: [7; 32],
    };
    let args = std::iter::once("aivenator").chain(args.iter().copied()).map(OsString::from);
    let code = run(args, &mut io);
    Said { code, out: String::from_utf8(out.out).unwrap(), err: String::from_utf8(err).unwrap() }
}

pub(super) fn say(args: &[&str]) -> Said {
    say_in(&[], "", args)
}

/// Checks that a command is refused with one line that holds these words.
#[track_caller]
pub(super) fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(said.out, "");
    assert!(said.err.starts_with("aivenator: ") && said.err.lines().count() == 1, "{:?}", said.err);
    for word in words {
        assert!(said.err.contains(word), "{word:?} in {:?}", said.err);
    }
}

#[test]
fn mistakes_in_arguments_are_one_line_and_exit_1() {
    refused(&say(&["plan", "--fo"]), &["--fo"]);
    refused(&say(&["paln"]), &["paln", "plan"]);
    refused(&say(&["plan", "-f"]), &["--filename"]);
    refused(&say(&["plan", "-f", "-", "-o", "xml"]), &["xml", "text", "json", "yaml"]);
    refused(&say(&["plan", "-n", "a", "-A", "-f", "-"]), &["--namespace", "--all-namespaces"]);
    refused(&say(&["plan", "-f", "-", "--now", "yesterday"]), &["--now", "yesterday"]);
    refused(&say(&["explain"]), &["<KIND/NAME>"]);
    refused(&say(&["explain", "pod/x", "-f", "-"]), &["pod/x", "secret/NAME", "reason/CODE"]);
    refused(&say(&["completions", "csh"]), &["csh", "bash"]);
    refused(&say(&["schema", "world"]), &["world", "plan"]);
}

#[test]
fn without_a_command_it_is_the_operator_which_needs_a_token() {
    for args in [&["operator"][..], &[], &["--log-format", "json"]] {
        refused(&say(args), &["--aiven-token", "--aiven-token-file", "AIVENATOR_AIVEN_TOKEN"]);
    }
    refused(&say(&["--metrics-address", "nowhere", "--aiven-token", "t"]), &["--metrics-address", "nowhere"]);
    refused(&say(&["--concurrency", "0", "--aiven-token", "t"]), &["--concurrency", "1 to 1000"]);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let directory = tempdir("unreadable");
    refused(&say(&["plan", "-f", "no/such.yaml"]), &["no/such.yaml", "no such file"]);
    std::fs::write(directory.join("latin.yaml"), b"kind: List\nname: bl\xe5b\xe6r\n").unwrap();
    refused(&say(&["plan", "-f", directory.to_str().unwrap()]), &["latin.yaml", "line 2", "UTF-8"]);
    let empty = tempdir("empty");
    refused(&say(&["plan", "-f", empty.to_str().unwrap()]), &["empty", "*.yaml"]);
}

#[test]
fn help_and_version_go_to_standard_output() {
    for args in [&["--help"][..], &["-h"], &["--version"], &["plan", "--help"], &["explain", "-h"]] {
        let said = say(args);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
        assert!(said.out.contains("aivenator"), "{args:?}");
    }
}

#[test]
fn an_empty_dump_is_no_change() {
    let nothing = "No changes. There is no AivenApplication and no managed Secret";
    let here = format!("{nothing} in namespace team.\n");
    for (args, words) in [
        (&["plan", "-f", "-"][..], format!("{nothing}.\n")),
        (&["plan", "-f", "-", "--detailed-exitcode", "-n", "team"][..], here),
    ] {
        let said = say(args);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        assert_eq!(said.out, words);
    }
}

#[test]
fn json_and_yaml_are_the_same_data() {
    let json = say(&["plan", "-f", "-", "-o", "json"]).out;
    let yaml = say(&["plan", "-f", "-", "-o", "yaml"]).out;
    let from_json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let from_yaml: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(from_json, from_yaml);
    assert_eq!(from_json["format_version"], "1.0");
    assert_eq!(from_json["now"], "2026-11-20T12:00:00Z");
    assert!(json.ends_with("}\n") && yaml.ends_with('\n'));
}

#[test]
fn the_clock_can_be_set() {
    let said = say(&["plan", "-f", "-", "-o", "json", "--now", "2027-01-01T02:00:00+02:00"]);
    assert!(said.out.contains(r#""now": "2027-01-01T00:00:00Z""#), "{said:?}");
}

#[test]
fn names_that_are_not_there_are_refused() {
    refused(&say(&["plan", "-f", "-", "nobody"]), &["\"nobody\"", "AivenApplication"]);
    refused(&say(&["plan", "-f", "-", "-n", "team", "nobody"]), &["\"nobody\"", "in namespace team"]);
    refused(&say(&["explain", "-f", "-", "secret/nobody"]), &["\"nobody\"", "Secret"]);
    refused(&say(&["explain", "-f", "-", "-n", "team", "app/nobody"]), &["\"nobody\"", "in namespace team"]);
}

#[test]
fn settings_that_make_no_sense_name_their_place() {
    refused(&say(&["plan", "-f", "-", "--settle", "1x"]), &["--settle", "'1x'", "1h30m"]);
    refused(&say(&["plan", "-f", "-", "--max-deletions", "101%"]), &["--max-deletions", "'101%'"]);
    refused(&say(&["plan", "-f", "-", "--instance-check=perhaps"]), &["--instance-check", "'perhaps'"]);
    refused(&say(&["plan", "-f", "-", "--projects", ", "]), &["--projects", "names nothing"]);
    let bad = [("AIVENATOR_RETIRE_AFTER", "soon")];
    refused(&say_in(&bad, "", &["plan", "-f", "-"]), &["AIVENATOR_RETIRE_AFTER", "'soon'"]);
}

#[test]
fn flags_win_over_the_environment_and_empty_variables_are_not_set() {
    let bad = [("AIVENATOR_SETTLE", "soon")];
    assert_eq!(say_in(&bad, "", &["plan", "-f", "-", "--settle", "2m"]).code, 0);
    let others = [("AIVENATOR_SETTLE", ""), ("AIVENATOR_PORT", "tcp://10.0.0.1:80"), ("AIVENATOR_NEW_THING", "1")];
    assert_eq!(say_in(&others, "", &["plan", "-f", "-"]).code, 0);
}

#[test]
fn a_file_stands_in_for_the_environment() {
    let path = tempdir("env").join("dotenv");
    let path = path.to_str().unwrap();
    std::fs::write(path, "# policy\n\nexport AIVENATOR_SETTLE=\"soon\"\n").unwrap();
    refused(&say(&["plan", "-f", "-", "--env-file", path]), &["AIVENATOR_SETTLE", "'soon'"]);
    let said = say_in(&[("AIVENATOR_SETTLE", "2m")], "", &["plan", "-f", "-", "--env-file", path]);
    assert_eq!(said.code, 0);
    std::fs::write(path, "A=1\nwhat is this\n").unwrap();
    refused(&say(&["--env-file", path, "plan", "-f", "-"]), &["dotenv", "line 2", "KEY=VALUE"]);
    refused(&say(&["--env-file", "no/such", "crd"]), &["no/such"]);
}

#[test]
fn every_setting_is_taken() {
    let said = say(&[
        "plan",
        "-f",
        "-",
        "--projects",
        "a,b c",
        "--main-project",
        "a",
        "--cluster-name",
        "c1",
        "--operator-namespace",
        "ops",
        "--instance-check=false",
        "--aiven-routes",
        "public,dynamic",
        "--janitor-grace",
        "1h30m",
        "--max-deletions",
        "25%",
        "--settle",
        "90s",
        "--retire-after",
        "500ms",
        "--retire-cap",
        "1.5h",
        "--renew-before",
        "30d",
        "--rotate-after",
        "never",
        "--sync-period",
        "1h",
    ]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = say(&["completions", shell]);
        assert!(said.code == 0 && said.out.contains("aivenator") && said.out.len() > 500, "{shell}");
    }
}

#[test]
fn crd_and_schema_are_printed() {
    let crd: serde_json::Value = serde_saphyr::from_str(&say(&["crd"]).out).unwrap();
    assert_eq!(crd, aivenator::crd::definition());
    let schema: serde_json::Value = serde_json::from_str(&say(&["schema", "plan"]).out).unwrap();
    assert_eq!(schema, aivenator::plan::schema());
}

/// An empty directory below the one that cargo gives to tests.
pub(super) fn tempdir(name: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(name);
    drop(std::fs::remove_dir_all(&path));
    std::fs::create_dir_all(&path).unwrap();
    path
}
