//! The README and the pages in docs: every command in them is run and prints what they say, every document can be read,
//! every path exists.
//!
//! A block of commands holds `$ command` lines, each with its output below. A command that is not known here fails, so that
//! none escapes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

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

/// Every page for people, by its path.
fn pages() -> Vec<(String, String)> {
    let names = |folder: &str| -> Vec<String> {
        let files =
            fs::read_dir(repository(folder)).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let pages = files.filter(|name| Path::new(name).extension().is_some_and(|it| it == "md"));
        pages.map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }).collect()
    };
    let mut names: Vec<String> = ["", "docs", "deploy/chart", "fixtures/worlds"].into_iter().flat_map(names).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fs::read_to_string(repository(&name)).unwrap())).collect()
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
fn every_block_is_of_a_kind_that_is_known() {
    // What a shell is told that is no part of this repository, and pictures.
    const UNTESTED: [&str; 2] = ["sh", "text"];
    for (name, page) in pages() {
        for block in parse(&page).0 {
            let known =
                ["console", "rust", "yaml", "jq"].contains(&block.language) || UNTESTED.contains(&block.language);
            assert!(known, "{name}: {}", block.language);
        }
    }
}

#[test]
fn commands_print_what_it_says() {
    let mut wrong = vec![];
    for block in pages().iter().flat_map(|(_, page)| blocks_of(page, "console")) {
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
        word.starts_with("AIVENATOR_") && word.contains('=')
            || *word == "KUBEBUILDER_ASSETS=$(.ci/apiserver)" && repository(".ci/apiserver").exists()
    };
    let words: Vec<&str> = command.split_whitespace().skip_while(is_variable).collect();
    let printed = match words.as_slice() {
        ["aivenator" | "cargo", ..] if in_process(&words).is_some_and(|args| args.first() == Some(&"sandbox")) => {
            let told = run_at(CLOCKS[0], in_process(&words).unwrap().iter().copied());
            let same = timeless(&told.stdout) == timeless(shown) && told.stderr.is_empty();
            return (!same).then(|| format!("$ {command}\n{}{}", told.stdout, told.stderr));
        }
        ["aivenator", args @ .., "|", "jq", "-r", "-f", filter] => {
            let plan = run_at(CLOCKS[0], args.iter().copied());
            filtered(&plan.stdout, filter)
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

/// What jq makes of a text.
fn filtered(text: &str, filter: &str) -> Printed {
    let mut command = Command::new("jq");
    command.args(["-r", "-f", filter]).current_dir(repository("")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("jq is installed");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
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
        ["cargo", "test", "--features", _, "--test", name] => holds("Cargo.toml", &format!("name = \"{name}\"")),
        ["cargo", "test", filter] => {
            let (module, test) = filter.split_once("::").unwrap_or((filter, ""));
            let tests = || fs::read_to_string(repository(&format!("tests/{module}.rs"))).unwrap();
            holds("tests/main.rs", &format!("mod {module};")) && tests().contains(&format!("fn {test}"))
        }
        ["cargo", "run", "--release", "--example", name, ..] => holds("Cargo.toml", &format!("name = \"{name}\"")),
        ["cargo", "bench", "--bench", name] | ["cargo", "bench", "--bench", name, "--", _] => {
            holds("Cargo.toml", &format!("name = \"{name}\""))
        }
        ["kubectl" | "mkdir", ..] => {
            let help = run_at(CLOCKS[0], ["plan", "--help"]).stdout;
            help.lines().any(|line| line.trim() == command)
        }
        _ => false,
    }
}

#[test]
fn the_program_in_it_is_the_example() {
    let example = fs::read_to_string(repository("examples/deny_deletions.rs")).unwrap();
    assert_eq!(blocks_of(&readme(), "rust"), [example]);
    let filter = fs::read_to_string(repository("examples/deny_deletions.jq")).unwrap();
    let policy = fs::read_to_string(repository("docs/policy.md")).unwrap();
    assert_eq!(blocks_of(&policy, "jq"), [filter]);
}

#[test]
fn documents_in_it_can_be_planned_together() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.yaml");
    let pages = pages();
    let blocks: Vec<String> = pages.iter().flat_map(|(_, page)| blocks_of(page, "yaml")).collect();
    fs::write(&path, blocks.join("---\n")).unwrap();
    let printed = run_at(CLOCKS[0], ["plan", "-f", path.to_str().unwrap(), "-o", "json"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    let plan: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(plan["summary"]["create_user"], 1, "the Kafka user of checkout");
}

/// Flags of other programs that pages speak of.
const OF_OTHERS: [&str; 1] = ["--no-default-features"];

#[test]
fn paths_and_flags_in_them_exist() {
    const ROOTS: [&str; 9] = ["src", "tests", "fixtures", "examples", "benches", "snapshots", ".ci", "deploy", "docs"];
    let commands = ["plan", "operator", "sandbox", "orphans", "apply"];
    let help = commands.map(|command| run_at(CLOCKS[0], [command, "--help"]).stdout).concat();
    let flags: BTreeSet<&str> = help.split([' ', '[', '=', ',', '\n']).filter(|word| word.starts_with("--")).collect();
    let mut wrong = vec![];
    for (name, page) in pages() {
        let prose = parse(&page).1;
        for text in prose.split('`').skip(1).step_by(2) {
            let path = text.split('/').next().is_some_and(|root| ROOTS.contains(&root)) && !text.contains(['*', ' ']);
            let flag = text.split(['=', ' ']).next().filter(|flag| flag.starts_with("--") && !OF_OTHERS.contains(flag));
            // A page on how to add something names a file that is not there yet.
            let to_be = text.contains("example");
            // `tests/x.rs::name` is a test in a file.
            let file = text.split("::").next().unwrap_or_default();
            if (path && !to_be && !repository(file).exists()) || flag.is_some_and(|flag| !flags.contains(flag)) {
                wrong.push(format!("{name}: {text}"));
            }
        }
        wrong.extend(broken_links(&name, &prose));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Links of a page to files, or to headings, that are not there.
fn broken_links(name: &str, prose: &str) -> Vec<String> {
    let links = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let broken = links.filter(|target| !target.starts_with("https://")).filter(|target| {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let folder = Path::new(name).parent().unwrap();
        let path = if file.is_empty() { repository(name) } else { repository("").join(folder).join(file) };
        let is_there = path.exists()
            && (heading.is_empty() || headings(&fs::read_to_string(&path).unwrap()).any(|it| it == heading));
        !is_there
    });
    broken.map(|target| format!("{name}: {target}")).collect()
}

/// What headings of a page are called in links.
fn headings(page: &str) -> impl Iterator<Item = String> {
    let lines = page.lines().filter_map(|line| line.strip_prefix('#')).map(|rest| rest.trim_start_matches('#').trim());
    lines.map(|text| {
        let text = text.to_lowercase();
        text.chars()
            .filter(|it| it.is_alphanumeric() || [' ', '-', '_'].contains(it))
            .collect::<String>()
            .replace(' ', "-")
    })
}
