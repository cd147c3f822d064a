//! Snapshots: a world that is saved and read back is planned to the same bytes, and holds no secret text.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aivenator::documents;
use aivenator::plan::plan;
use aivenator::world::{Digester, World, names};
use proptest::prelude::*;

use super::run::{refused, say, say_in, tempdir};
use crate::decisions::Head;
use crate::support::build::world;
use crate::support::generate::input;
use crate::support::run::{config, difference, json};
use crate::support::{Printed, repository, run_at};

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn run<'a>(head: &'a Head, args: &[&'a str]) -> Printed {
    let now = head.now.as_deref().unwrap_or("2026-11-20T12:00:00Z");
    run_at(now, args.iter().copied().chain(head.flags.iter().map(String::as_str)))
}

/// A certificate that cannot be parsed differs, in a snapshot, in nothing from one that nobody has looked into: that it
/// would have to be read again is not told.
const OTHERWISE: [&str; 1] = ["edited-certificate-put-back"];

/// Every world of the fixtures, saved as a snapshot, is planned like its documents.
#[test]
fn snapshots_read_back_to_the_same_plan() {
    let directory = tempdir("snapshots");
    let mut wrong = vec![];
    let worlds = files(&repository("fixtures/worlds"));
    for path in worlds.iter().filter(|path| path.extension().is_some_and(|it| it == "yaml")) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let head = Head::of(&fs::read_to_string(path).unwrap());
        let (file, saved) = (path.to_str().unwrap(), directory.join(name));
        let saved = saved.to_str().unwrap();
        let first = run(&head, &["plan", "-f", file, "-o", "json"]);
        let snapshot = run(&head, &["snapshot", "-f", file, "-o", saved]);
        assert_eq!((snapshot.code, snapshot.stderr.as_str()), (0, ""), "{name}");
        let second = run(&head, &["plan", "-f", saved, "-o", "json"]);
        if first.stdout != second.stdout && !OTHERWISE.contains(&name) {
            wrong.push(format!("{name}: {}{}", second.stderr, difference(&first.stdout, &second.stdout)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), worlds.len(), wrong.join("\n"));
}

/// A Secret of which documents would say that it is somebody else's cannot be told apart in documents.
fn can_be_saved(world: &World) -> bool {
    let mut secrets = world.namespaces().flat_map(|(_, space)| space.secrets());
    secrets.all(|secret| {
        let labelled = secret.labels.kind.as_ref().is_some_and(|it| *it == names::TYPE_VALUE);
        labelled || (secret.finalizer && secret.annotations().keys().any(|key| key.ends_with("/serviceUser")))
    })
}

proptest! {
    #![proptest_config(config(128))]

    /// A world that is saved and read back, under another key, is planned to the same bytes.
    #[test]
    fn a_snapshot_is_the_same_world(input in input()) {
        let world = world(&input);
        prop_assume!(can_be_saved(&world));
        let sources = documents::snapshot(&world, "ops");
        let empty = World::new(world.now, world.settings().clone(), Digester::new(&[9; 32]));
        let back = documents::read(&sources, empty, None).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let (before, after) = (json(&plan(&world)), json(&plan(&back)));
        prop_assert_eq!(&before, &after, "{}", difference(&before, &after));
    }
}

/// Every place where somebody could put a secret text.
const PLANTED: &str = r"
apiVersion: v1
kind: Secret
metadata:
  {name: s, namespace: a, labels: {type: aivenator.aiven.nais.io, app: x},
   annotations: {example.com/note: CANARY-annotation}}
data: {KAFKA_PRIVATE_KEY: Q0FOQVJZLWtleQ==, OPEN_SEARCH_HOST: Q0FOQVJZLWhvc3Q=}
stringData: {OTHER: CANARY-other}
---
apiVersion: v1
kind: Secret
metadata: {name: foreign, namespace: a, annotations: {k: CANARY-foreign}}
data: {PASSWORD: Q0FOQVJZLWtleQ==}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: a}
data: {PASSWORD: CANARY-config}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: a}
spec:
  containers:
  - {name: c, env: [{name: PASSWORD, value: CANARY-env}, {name: S, valueFrom: {secretKeyRef: {name: s, key: k}}}]}
---
apiVersion: aivenator.aiven.nais.io/v1
kind: AivenProject
metadata: {name: dev-nais-dev}
ca: CANARY-ca
services:
- service_name: kafka
  service_type: kafka
  state: RUNNING
  service_uri_params: {password: CANARY-uri}
  components: []
  users: [{username: u, type: regular, password: CANARY-password, access_cert: CANARY-cert, access_key: CANARY-key}]
";

#[test]
fn no_secret_text_is_in_a_snapshot() {
    let directory = tempdir("planted").join("dump");
    let path = directory.to_str().unwrap();
    let said = say_in(&[], PLANTED, &["snapshot", "-f", "-", "-o", path]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("aivenator plan -f"), "{}", said.out);
    let all = files(&directory);
    let names: Vec<&str> = all.iter().map(|file| file.strip_prefix(&directory).unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["aiven/dev-nais-dev.yaml", "journal.yaml", "namespaces/a.yaml", "observation.yaml"]);
    for file in all {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("CANARY") && !text.contains("Q0FOQVJZ"), "{}", file.display());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let directory = tempdir("occupied");
    let path = directory.to_str().unwrap();
    assert_eq!(say(&["snapshot", "-f", "-", "-o", path]).code, 0, "an empty one is taken");
    refused(&say(&["snapshot", "-f", "-", "-o", path]), &["occupied", "not empty"]);
    let file = directory.join("observation.yaml");
    refused(&say(&["snapshot", "-f", "-", "-o", file.to_str().unwrap()]), &["observation.yaml", "no directory"]);
    let nowhere = directory.join("no/such/place");
    refused(&say(&["snapshot", "-f", "-", "-o", nowhere.to_str().unwrap()]), &["no/such/place"]);
    refused(&say(&["snapshot", "-f", "no/such", "-o", directory.join("new").to_str().unwrap()]), &["no/such"]);
    assert!(!directory.join("new").exists());
    let hidden = fs::read_dir(&directory)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with('.'));
    assert_eq!(hidden.count(), 0, "nothing is left over");
}
