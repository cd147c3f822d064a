//! The README: every command in it is run and prints what it says, every document in it can be read, every path exists.
//!
//! A block of commands holds `$ command` lines, each with its output below. A command that is not known here fails, so that
//! none escapes.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::support::{Printed, repository, run_at};

/// Far apart: what is said without `--now` has to be true for years.
const CLOCKS: [&str; 2] = ["2026-11-20T14:00:00Z", "2041-06-01T00:00:00Z"];

/// A block of code and its language.
struct Block<'r> {
    language: &'r str,
    text: String,
}

fn readme() -> String {
    fs::read_to_string(repository("README.md")).unwrap()
}

/// The blocks of code of a page, and the lines between them.
fn parse(page: &str) -> (Vec<Block<'_>>, String) {
    let (mut blocks, mut prose): (Vec<Block<'_>>, String) = (vec![], String::new());
    let mut open = false;
    for line in page.lines() {
        match (open, line.strip_prefix("```")) {
            (false, Some(language)) => blocks.push(Block { language, text: String::new() }),
            (true, Some(rest)) => assert_eq!(rest, "", "a block ends with ``` alone"),
            (true, None) => blocks.last_mut().unwrap().text += &(line.to_owned() + "\n"),
            (false, None) => prose += &(line.to_owned() + "\n"),
        }
        open ^= line.starts_with("```");
    }
    (blocks, prose)
}

fn blocks_of<'r>(page: &'r str, language: &str) -> Vec<String> {
    let blocks: Vec<Block<'r>> = parse(page).0;
    blocks.into_iter().filter(|block| block.language == language).map(|block| block.text).collect()
}

#[test]
fn every_block_is_of_a_kind_that_is_tested() {
    let page = readme();
    let languages: BTreeSet<&str> = parse(&page).0.iter().map(|block| block.language).collect();
    assert_eq!(languages, BTreeSet::from(["console", "rust", "yaml"]));
}

#[test]
fn commands_print_what_it_says() {
    let page = readme();
    let mut wrong = vec![];
    for block in blocks_of(&page, "console") {
        assert!(block.starts_with("$ "), "a block begins with a command: {block}");
        let (mut code, mut command, mut shown) = (0, "", String::new());
        for line in block.lines().chain(["$ "]) {
            match line.strip_prefix("$ ") {
                None => shown += &(line.to_owned() + "\n"),
                Some(next) => {
                    if !command.is_empty() {
                        wrong.extend(why_not(command, &shown, &mut code));
                    }
                    (command, shown) = (next, String::new());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with a command and its output; `code` is the exit code of the last one.
fn why_not(command: &str, shown: &str, code: &mut u8) -> Option<String> {
    let is_variable = |word: &&str| {
        word.starts_with("AIVENATOR_CASES=")
            || *word == "KUBEBUILDER_ASSETS=$(.ci/apiserver)" && repository(".ci/apiserver").exists()
    };
    let words: Vec<&str> = command.split_whitespace().skip_while(is_variable).collect();
    let printed = match words.as_slice() {
        ["aivenator" | "cargo", ..] if in_process(&words).is_some_and(|args| args.first() == Some(&"sandbox")) => {
            let told = run_at(CLOCKS[0], in_process(&words).unwrap().iter().copied());
            let same = timeless(&told.stdout) == timeless(shown) && told.stderr.is_empty();
            return (!same).then(|| format!("$ {command}\n{}{}", told.stdout, told.stderr));
        }
        ["aivenator" | "cargo", ..] if in_process(&words).is_some() => {
            let [now, later] = CLOCKS.map(|clock| run_at(clock, in_process(&words).unwrap().iter().copied()));
            assert_eq!(now.stdout, later.stdout, "{command}: prints something else at another time: give --now");
            now
        }
        ["cargo", "run", "--quiet", "--example", args @ ..] => example(args),
        ["echo", "$?"] => Printed { code: *code, stdout: format!("{code}\n"), stderr: String::new() },
        _ => return (!is_known(command, &words) || !shown.is_empty()).then(|| format!("not tested: {command}")),
    };
    *code = printed.code;
    let same = printed.stdout.trim_end() == shown.trim_end() && printed.stderr.is_empty();
    (!same).then(|| format!("$ {command}\n{}{}", printed.stdout, printed.stderr))
}

/// What a sandbox tells, without what is another each time: moments, ports, and the order of what happens side by side.
fn timeless(told: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = line
            .split_once("s  ")
            .filter(|(time, _)| time.trim().parse::<f64>().is_ok())
            .map_or(line, |(_, told)| told);
        let port = line.split_once("http://127.0.0.1:").map(|(before, _)| before.trim_end().to_owned());
        port.unwrap_or_else(|| line.trim_end().to_owned())
    };
    let mut lines: Vec<String> = told.lines().map(line).collect();
    lines.sort();
    lines
}

/// The arguments of the program itself.
fn in_process<'w>(words: &'w [&'w str]) -> Option<&'w [&'w str]> {
    match words {
        ["aivenator", args @ ..] | ["cargo", "run", "--", args @ ..] => Some(args),
        _ => None,
    }
}

fn example(args: &[&str]) -> Printed {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--locked", "--offline", "--example"]).args(args).current_dir(repository(""));
    let ended = command.output().unwrap();
    Printed {
        code: u8::try_from(ended.status.code().unwrap()).unwrap(),
        stdout: String::from_utf8(ended.stdout).unwrap(),
        stderr: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// Whether a command that cannot be run here is one that works elsewhere.
fn is_known(command: &str, words: &[&str]) -> bool {
    let holds = |path: &str, line: &str| {
        let text = fs::read_to_string(repository(path)).unwrap();
        text.lines().any(|other| other == line)
    };
    match words {
        // What decides whether a change lands is this very command, without a change of dependencies.
        ["cargo", "test"] => holds(".ci/run", "cargo test --locked"),
        ["cargo", "test", module] => holds("tests/main.rs", &format!("mod {module};")),
        ["cargo", "bench", "--bench", name] | ["cargo", "bench", "--bench", name, "--", _] => {
            holds("Cargo.toml", &format!("name = \"{name}\""))
        }
        ["kubectl", ..] => run_at(CLOCKS[0], ["plan", "--help"]).stdout.lines().any(|line| line.trim() == command),
        _ => false,
    }
}

#[test]
fn the_program_in_it_is_the_example() {
    let example = fs::read_to_string(repository("examples/deny_deletions.rs")).unwrap();
    assert_eq!(blocks_of(&readme(), "rust"), [example]);
}

#[test]
fn documents_in_it_can_be_planned_together() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.yaml");
    fs::write(&path, blocks_of(&readme(), "yaml").join("---\n")).unwrap();
    let printed = run_at(CLOCKS[0], ["plan", "-f", path.to_str().unwrap(), "-o", "json"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    let plan: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(plan["summary"]["create_user"], 1, "the Kafka user of checkout");
}

#[test]
fn paths_and_flags_in_it_exist() {
    const ROOTS: [&str; 7] = ["src", "tests", "fixtures", "examples", "benches", "snapshots", ".ci"];
    let page = readme();
    let prose = parse(&page).1;
    let help = ["plan", "operator", "sandbox"].map(|command| run_at(CLOCKS[0], [command, "--help"]).stdout).concat();
    let flags: BTreeSet<&str> = help.split([' ', '[', '=', ',', '\n']).filter(|word| word.starts_with("--")).collect();
    let code = prose.split('`').skip(1).step_by(2);
    let links = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let mut wrong = vec![];
    for text in code {
        let path = text.split('/').next().is_some_and(|root| ROOTS.contains(&root));
        let flag = text.starts_with("--") && text != "--no-default-features";
        if (path && !repository(text).exists()) || (flag && !flags.contains(text)) {
            wrong.push(text);
        }
    }
    wrong.extend(links.filter(|target| !target.starts_with("https://") && !repository(target).exists()));
    assert!(wrong.is_empty(), "{wrong:?}");
}
