//! Files that are made from the program are what it makes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use aivenator::reason::advice::ADVICE;

use crate::shell::metrics::busy;
use crate::support::{repository, run};

const HEAD: &str = "<!-- Made from the program by `AIVENATOR_UPDATE=1 cargo test deploy`. -->\n";

/// Checks that a file is that text, or writes it where that was asked for.
#[track_caller]
fn settled(path: &str, text: &str) {
    let path = repository(path);
    if std::env::var_os("AIVENATOR_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let same = there == text;
    assert!(same, "{}: is another; AIVENATOR_UPDATE=1 cargo test deploy writes it anew", path.display());
}

#[test]
fn the_definition_in_the_chart() {
    settled("deploy/chart/files/crd.yaml", &run(["crd"]).stdout);
}

/// A help text as it is without a terminal, whose width it would have.
fn help_of(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aivenator"));
    let said = command.args(args).stdin(Stdio::null()).env_clear().output().unwrap();
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn the_page_of_commands() {
    let commands =
        ["operator", "plan", "apply", "explain", "snapshot", "orphans", "sandbox", "crd", "schema", "completions"];
    let help = help_of(&["--help"]);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).map_while(|line| line.strip_prefix("  "));
    // What is too long for a line goes on below, further to the right.
    let listed = listed.filter(|line| !line.starts_with(' '));
    let listed: BTreeSet<&str> = listed.filter_map(|line| line.split(' ').find(|word| !word.is_empty())).collect();
    assert_eq!(listed, BTreeSet::from(commands), "each is on the page");
    let mut page = format!("# Commands\n\n{HEAD}\n```text\n{help}```\n");
    for command in commands {
        let help = help_of(&[command, "--help"]);
        write!(page, "\n## {command}\n\n```text\n{help}```\n").unwrap();
    }
    settled("docs/commands.md", &page);
}

#[test]
fn the_page_of_metrics() {
    let text = busy().render();
    let mut page = format!(
        "# Metrics\n\n{HEAD}\nUnder these names exactly, in Prometheus' text format: counters have no `_total` added. Histograms \
         have the usual `_bucket`, `_sum` and `_count`.\n\n| metric | kind | labels | what it is |\n|---|---|---|---|\n"
    );
    let mut rows = vec![];
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let help = text.lines().find_map(|line| line.strip_prefix(&format!("# HELP {name} "))).unwrap();
        let begin = if kind == "histogram" { "_bucket{" } else { "{" };
        let of_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(begin));
        let labels: BTreeSet<&str> = text
            .lines()
            .filter(of_it)
            .flat_map(|line| line.split(['{', ',']))
            .filter_map(|label| label.split_once("=\""))
            .map(|(label, _)| label)
            .filter(|label| *label != "le")
            .collect();
        let labels: Vec<String> = labels.into_iter().map(|label| format!("`{label}`")).collect();
        rows.push(format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", ")));
    }
    rows.sort();
    page.extend(rows);
    page += "\n`synchronization_state` is RolloutComplete, RolloutFailed or unknown. `processing_reason` is a \
             [reason](reasons.md), with two of the Go program's names: HashChanged for SpecChanged, MissingSecret for \
             SecretMissing. `status` is 200 for every success, else the HTTP status, and 0 for no answer. `pool` is an Aiven \
             project.\n";
    settled("docs/metrics.md", &page);
}

#[test]
fn the_page_of_reasons() {
    let mut page = format!(
        "# Reasons\n\n{HEAD}\nThe code of a decision. It is also the reason of an event, the reason of a condition that says what \
         failed, a metric's label and a log field. `aivenator explain reason/CODE` says the same.\n\n\
         | code | what it means | what to do |\n|---|---|---|\n"
    );
    for advice in ADVICE {
        writeln!(page, "| {} | {} | {} |", advice.code, advice.means, advice.help).unwrap();
    }
    settled("docs/reasons.md", &page);
}

#[test]
fn the_pages_of_the_manual() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    drop(fs::remove_dir_all(&directory));
    let said = run(["man", directory.to_str().unwrap()]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    let names = |directory: &Path| -> BTreeSet<String> {
        let files = fs::read_dir(directory).into_iter().flatten();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    let made = names(&directory);
    assert!(made.contains("aivenator.1") && made.contains("aivenator-plan.1"), "{made:?}");
    for name in &made {
        settled(&format!("deploy/man/{name}"), &fs::read_to_string(directory.join(name)).unwrap());
    }
    assert_eq!(names(&repository("deploy/man")), made);
}
