//! One world per decision: a file in fixtures/worlds says what is observed and what has to follow from it.
//!
//! The head of a file names the sentence of the contract that it is for, the moment, the flags, and what it expects. Its
//! snapshot holds the words. A new decision is a new file.

use std::fs;

use jsonschema::Validator;
use serde_json::Value;

use crate::support::{repository, run};

/// What the head of a world file says.
#[derive(Default)]
pub(crate) struct Head {
    title: String,
    pub(crate) now: Option<String>,
    pub(crate) flags: Vec<String>,
    expect: Vec<String>,
    contains: Vec<String>,
    lacks: Vec<String>,
    json: bool,
}

impl Head {
    pub(crate) fn of(text: &str) -> Self {
        let mut head = Head::default();
        for line in text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim) {
            match line.split_once(": ").unwrap_or(("", line)) {
                ("now", now) => head.now = Some(now.to_owned()),
                ("flags", flags) => head.flags = words(flags),
                ("expect", expected) => head.expect.push(expected.to_owned()),
                ("expect-text", text) => head.contains.push(text.to_owned()),
                ("expect-not", text) => head.lacks.push(text.to_owned()),
                ("snapshot", "json") => head.json = true,
                _ if head.title.is_empty() => line.clone_into(&mut head.title),
                _ => {}
            }
        }
        head
    }
}

/// Words separated by spaces, with quotes around those that hold some.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![];
    for (index, quoted) in text.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(quoted.to_owned());
        } else {
            words.extend(quoted.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn worlds() {
    let schema = jsonschema::validator_for(&aivenator::plan::schema()).unwrap();
    let mut failures = vec![];
    let mut worlds = vec![];
    let files = fs::read_dir(repository("fixtures/worlds")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")).collect();
    files.sort();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let head = Head::of(&text);
        let file = path.to_str().unwrap();
        failures.extend(judge(&schema, &head, file).into_iter().map(|wrong| format!("{name}: {wrong}")));
        worlds.push((head, file.to_owned(), name));
    }
    assert!(worlds.len() >= 90, "there are {} worlds", worlds.len());
    assert!(failures.is_empty(), "{} wrongs in {} worlds:\n{}", failures.len(), worlds.len(), failures.join("\n"));
    for (head, file, name) in worlds {
        snapshot(&head, &file, &name);
    }
}

fn args<'a>(head: &'a Head, file: &'a str) -> Vec<&'a str> {
    let mut args = vec!["plan", "-f", file];
    args.extend(head.now.iter().flat_map(|now| ["--now", now]));
    args.extend(head.flags.iter().map(String::as_str));
    args
}

/// What is wrong with the plan of a world.
fn judge(schema: &Validator, head: &Head, file: &str) -> Vec<String> {
    let printed = run(args(head, file).into_iter().chain(["-o", "json"]));
    if printed.code != 0 {
        return vec![printed.stderr.trim().to_owned()];
    }
    let plan: Value = serde_json::from_str(&printed.stdout).unwrap();
    let mut wrong: Vec<String> = why_too_weak(head).into_iter().collect();
    wrong.extend(schema.iter_errors(&plan).map(|error| format!("not of the schema: {error}")));
    wrong.extend(head.expect.iter().filter_map(|expected| why_not_as_expected(&plan, expected)));
    let lacks = head.contains.iter().filter(|text| !printed.stdout.contains(text.as_str()));
    wrong.extend(lacks.map(|text| format!("the plan does not contain: {text}")));
    let contains = head.lacks.iter().filter(|text| printed.stdout.contains(text.as_str()));
    wrong.extend(contains.map(|text| format!("the plan contains: {text}")));
    wrong
}

/// A world says what is decided about something, else a planner that decides nothing would do.
fn why_too_weak(head: &Head) -> Option<String> {
    let decided = !head.expect.is_empty() || head.contains.iter().any(|text| text.contains("\"decisions\""));
    (!decided).then(|| "it expects no decision".to_owned())
}

/// The words of a plan, reviewed as a snapshot; where it says more, also the JSON.
fn snapshot(head: &Head, file: &str, name: &str) {
    let printed = run(args(head, file));
    let json = head.json.then(|| run(args(head, file).into_iter().chain(["-o", "json"])));
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../snapshots/worlds");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(&head.title);
        settings
    };
    settings.bind(|| {
        insta::assert_snapshot!(name, format!("{}{}", printed.stdout, printed.stderr));
        if let Some(json) = json {
            insta::assert_snapshot!(format!("{name}.json"), json.stdout);
        }
    });
}

/// Compares a decision with `Kind namespace/name: verdict Code [actions]`.
fn why_not_as_expected(plan: &Value, expected: &str) -> Option<String> {
    let (subject, rest) = expected.split_once(": ").expect("an expectation names its subject");
    let decisions = plan["decisions"].as_array().unwrap();
    let Some(decision) = decisions.iter().find(|decision| subject_of(decision) == subject) else {
        let known: Vec<String> = decisions.iter().map(subject_of).collect();
        return Some(format!("no decision about {subject}, only about {}", known.join(", ")));
    };
    let (wanted, actions) = match rest.split_once('[') {
        Some((wanted, actions)) => (wanted.trim(), Some(actions.trim_end_matches(']'))),
        None => (rest.trim(), None),
    };
    let found = [text(&decision["verdict"]), text(&decision["reason"]["code"])];
    let named = wanted.split_whitespace().zip(found).all(|(wanted, found)| wanted == "..." || wanted == found);
    let done: Vec<&str> =
        decision["actions"].as_array().unwrap().iter().map(|action| text(&action["action"])).collect();
    let changes: Vec<&str> = done.into_iter().filter(|name| !QUIET.contains(name)).collect();
    let message = text(&decision["reason"]["message"]);
    let same = named && actions.is_none_or(|actions| fits(&changes, actions));
    (!same)
        .then(|| format!("{subject}: expected {rest}, found {} [{}] ({message})", found.join(" "), changes.join(" ")))
}

const QUIET: [&str; 3] = ["skip_protected", "keep_secret", "keep_user"];

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn subject_of(decision: &Value) -> String {
    let subject = &decision["subject"];
    let path: Vec<&str> =
        ["project", "service", "namespace", "name"].iter().filter_map(|part| subject[part].as_str()).collect();
    format!("{} {}", text(&subject["kind"]), path.join("/"))
}

/// Whether these are the actions, where `...` stands for any number of any.
fn fits(done: &[&str], expected: &str) -> bool {
    let expected: Vec<&str> = expected.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    matches(done, &expected)
}

fn matches(done: &[&str], expected: &[&str]) -> bool {
    match (done.split_first(), expected.split_first()) {
        (_, Some((&"...", rest))) => (0..=done.len()).any(|skipped| matches(&done[skipped..], rest)),
        (Some((first, done)), Some((wanted, rest))) => first == wanted && matches(done, rest),
        (None, None) => true,
        _ => false,
    }
}
