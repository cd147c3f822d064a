//! Commands on a live cluster and account: those of the sandbox.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use aivenator::sandbox::aiven::Operation;
use aivenator::sandbox::{Sandbox, aiven, kubernetes};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::run::{Said, refused, say_in, tempdir};
use crate::support::repository;

/// A cluster and an account, and what a command needs to find them.
struct Place {
    runtime: Runtime,
    sandbox: Sandbox,
    directory: PathBuf,
}

impl Place {
    /// One that holds the quick start.
    fn new(name: &str) -> Self {
        let place = Place::empty(name);
        place.sandbox.load(&documents("fixtures/quickstart")).unwrap();
        place
    }

    fn empty(name: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let started = Sandbox::start(aiven::Options::default(), kubernetes::Options::default());
        let sandbox = runtime.block_on(started).unwrap();
        let directory = tempdir(&format!("live-{name}"));
        fs::write(directory.join("kubeconfig"), sandbox.kubernetes.kubeconfig()).unwrap();
        Place { runtime, sandbox, directory }
    }

    fn kubeconfig(&self) -> String {
        self.path("kubeconfig")
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command against it.
    fn say(&self, args: &[&str]) -> Said {
        let kubeconfig = self.kubeconfig();
        let environment =
            [("AIVENATOR_AIVEN_TOKEN", self.sandbox.aiven.token()), ("AIVENATOR_AIVEN_URL", self.sandbox.aiven.url())];
        let all: Vec<&str> = args.iter().copied().chain(["--kubeconfig", &kubeconfig]).collect();
        say_in(&environment, "", &all)
    }

    /// Checks that a command runs, and that it has written nothing anywhere.
    #[track_caller]
    fn only_reads(&self, args: &[&str]) -> Said {
        self.sandbox.kubernetes.refuse_writes(true);
        let said = self.say(args);
        self.sandbox.kubernetes.refuse_writes(false);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
        let verbs: BTreeSet<&str> = self.sandbox.kubernetes.requests().iter().map(|request| request.verb).collect();
        assert!(verbs.is_subset(&BTreeSet::from(["get", "list"])), "{args:?}: {verbs:?}");
        let asked: BTreeSet<Operation> =
            self.sandbox.aiven.counts().into_keys().map(|(operation, _)| operation).collect();
        let reads = [Operation::ProjectCa, Operation::ServiceGet, Operation::UserGet, Operation::AclGet];
        assert!(asked.is_subset(&BTreeSet::from(reads)), "{args:?}: {asked:?}");
        said
    }
}

fn documents(path: &str) -> Vec<Value> {
    let mut files: Vec<PathBuf> = fs::read_dir(repository(path)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| parse(file)).collect()
}

fn parse(file: &Path) -> Vec<Value> {
    serde_saphyr::from_multiple(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The decisions of a plan as (subject, verdict, code, actions).
fn decisions(said: &Said) -> Vec<String> {
    let plan: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let of = |decision: &Value| {
        let text = |pointer: &str| decision.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let actions = decision["actions"].as_array().unwrap().iter();
        let actions: Vec<&str> = actions.map(|action| action["action"].as_str().unwrap()).collect();
        let (name, verdict, code) = (text("/subject/name"), text("/verdict"), text("/reason/code"));
        format!("{} {name} {verdict} {code} {actions:?}", text("/subject/kind"))
    };
    plan["decisions"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn a_cluster_is_planned_like_its_documents_and_only_read() {
    let place = Place::new("plan");
    let said = place.only_reads(&["plan", "-o", "json"]);
    let quickstart = repository("fixtures/quickstart");
    let saved = say_in(&[], "", &["plan", "-f", quickstart.to_str().unwrap(), "-o", "json"]);
    assert_eq!(decisions(&said), decisions(&saved));
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(plan["reads"], serde_json::json!([]));
}

#[test]
fn one_namespace_is_shown_and_one_object_explained() {
    let place = Place::new("explain");
    let said = place.only_reads(&["plan", "-n", "orders", "-o", "json"]);
    assert!(said.out.contains("checkout") && !said.out.contains("storefront"), "{}", said.out);
    let said = place.only_reads(&["explain", "secret/search-indexer"]);
    assert!(said.out.contains("used by       ReplicaSet search-indexer"), "{}", said.out);
    let said = place.only_reads(&["plan", "--detailed-exitcode", "-n", "nowhere"]);
    assert_eq!(said.out, "No changes. There is no AivenApplication and no managed Secret.\n");
}

#[test]
fn without_a_cluster_or_a_token_it_is_one_line() {
    let place = Place::empty("lost");
    let kubeconfig = place.kubeconfig();
    refused(&say_in(&[], "", &["plan", "--kubeconfig", &kubeconfig]), &["--aiven-token", "AIVENATOR_AIVEN_TOKEN"]);
    let token = [("AIVENATOR_AIVEN_TOKEN", "t")];
    refused(&say_in(&token, "", &["plan", "--kubeconfig", "no/such/file"]), &["no cluster", "no/such/file"]);
    refused(
        &say_in(&token, "", &["plan", "--kubeconfig", &kubeconfig, "--context", "other"]),
        &["no cluster", "other"],
    );
    refused(&say_in(&token, "", &["explain", "secret/x", "--kubeconfig", "no/such"]), &["no cluster"]);
    place.runtime.block_on(async {});
}
