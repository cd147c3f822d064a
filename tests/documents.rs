//! Documents: what is read from good ones, and what is said of bad ones.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod hostile;
mod objects;
mod ours;
mod workloads;

use std::fs;
use std::path::Path;

use self::objects::{MANAGED, secret};
use aivenator::documents::{Source, read};
use aivenator::want::ServiceType;
use aivenator::world::{
    AppKey, Content, Digester, Entry, FailureClass, FailureKey, Kind, Lookup, Observed, Outcome, SecretKey, ServiceKey,
    Settings, Stores, Subject, WorkloadKind, World,
};

/// Stands for every secret in the fixtures; no error may hold it.
const CANARY: &str = "hunter2-canary";
/// The same in base64.
const CANARY_BASE64: &str = "aHVudGVyMi1jYW5hcnk";

fn empty() -> World {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    World::new(now, Settings::default(), Digester::new(&[7; 32]))
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

fn world_of(text: &str) -> World {
    read(&[source("a.yaml", text)], empty(), None).unwrap_or_else(|error| panic!("{error}"))
}

fn error_of(text: &str) -> String {
    let error = read(&[source("a.yaml", text)], empty(), None).expect_err("it is bad");
    error.to_string()
}

fn app(world: &World, namespace: &str, name: &str) -> aivenator::world::Application {
    world.application(&AppKey::new(namespace, name)).expect("an application").clone()
}

fn managed(world: &World, namespace: &str, name: &str) -> aivenator::world::Secret {
    world.managed(&SecretKey::new(namespace, name)).expect("a managed secret").clone()
}

/// Each file of the corpus has one line that names what is wrong, and no secret in it.
#[test]
fn bad_documents_are_told_in_one_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bad");
    let mut count = 0;
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/bad");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for path in &files {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            let text = fs::read_to_string(path).expect("a text");
            let Err(error) = read(&[source(name, &text)], empty(), None) else { panic!("{name} is not bad") };
            let message = error.to_string();
            assert!(!message.contains('\n') && !message.contains('\r'), "{name}: more than one line: {message}");
            assert!(message.starts_with(name), "{name}: does not begin with the file: {message}");
            for secret in [CANARY, CANARY_BASE64, "hunter2"] {
                assert!(!message.contains(secret), "{name}: shows a secret: {message}");
                assert!(!format!("{error:?}").contains(secret), "{name}: its Debug shows a secret");
            }
            insta::assert_snapshot!(name, message);
            count += 1;
        }
    });
    assert!(count >= 65, "only {count}");
}

#[test]
fn the_same_object_in_two_files_names_both() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {namespace: team, name: a}\n";
    let sources = [source("a.yaml", text), source("<stdin>", &format!("---\n# empty\n---\n{text}"))];
    let error = read(&sources, empty(), None).expect_err("it is there twice").to_string();
    assert_eq!(
        error,
        "<stdin>: document 2 (Secret team/a): the same object is also in a.yaml: document 1 (Secret team/a)"
    );
}

#[test]
fn texts_that_recur_are_kept_once() {
    let one = |name: &str| {
        let body = "data: {KAFKA_BROKERS: YQ==}";
        format!("---\n{}", secret(MANAGED, body).replace("app-secret", name))
    };
    let world = world_of(&(one("a") + &one("b")));
    let key = |name| {
        let secret = managed(&world, "team", name);
        let (key, _) = secret.data().seen().and_then(|keys| keys.iter().next()).expect("a key");
        key.as_str().as_ptr()
    };
    assert_eq!(key("a"), key("b"));
}
