//! Commands on a live cluster and account: those of the sandbox.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use aivenator::sandbox::aiven::Operation;
use aivenator::sandbox::{Sandbox, aiven, kubernetes};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::run::{Said, refused, say_in, say_while, tempdir};
use crate::support::repository;

/// A cluster and an account, and what a command needs to find them.
pub(super) struct Place {
    runtime: Runtime,
    pub(super) sandbox: Sandbox,
    directory: PathBuf,
}

impl Place {
    /// One that holds the quick start.
    pub(super) fn new(name: &str) -> Self {
        let place = Place::empty(name);
        place.sandbox.load(&documents("fixtures/quickstart")).unwrap();
        place
    }

    pub(super) fn empty(name: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let started = Sandbox::start(aiven::Options::default(), kubernetes::Options::default());
        let sandbox = runtime.block_on(started).unwrap();
        let directory = tempdir(&format!("live-{name}"));
        fs::write(directory.join("kubeconfig"), sandbox.kubernetes.kubeconfig()).unwrap();
        Place { runtime, sandbox, directory }
    }

    pub(super) fn kubeconfig(&self) -> String {
        self.path("kubeconfig")
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command against it.
    pub(super) fn say(&self, args: &[&str]) -> Said {
        let kubeconfig = self.kubeconfig();
        let environment =
            [("AIVENATOR_AIVEN_TOKEN", self.sandbox.aiven.token()), ("AIVENATOR_AIVEN_URL", self.sandbox.aiven.url())];
        let all: Vec<&str> = args.iter().copied().chain(["--kubeconfig", &kubeconfig]).collect();
        say_in(&environment, "", &all)
    }

    /// Runs a command with somebody at the terminal who answers so.
    pub(super) fn answer(&self, answer: &str, args: &[&str]) -> Said {
        self.meanwhile(answer, args, &mut |_| {})
    }

    /// The same, where something may happen as soon as something is said: `watch` is given all that was said so far.
    pub(super) fn meanwhile(&self, answer: &str, args: &[&str], watch: &mut dyn FnMut(&str)) -> Said {
        let kubeconfig = self.kubeconfig();
        let environment =
            [("AIVENATOR_AIVEN_TOKEN", self.sandbox.aiven.token()), ("AIVENATOR_AIVEN_URL", self.sandbox.aiven.url())];
        let all: Vec<&str> = args.iter().copied().chain(["--kubeconfig", &kubeconfig]).collect();
        say_while(&environment, (answer, true), &all, watch)
    }

    /// Checks that a command runs, and that it has written nothing anywhere.
    #[track_caller]
    fn only_reads(&self, args: &[&str]) -> Said {
        self.only_reads_and(args, &[])
    }

    /// The same, where it may read this too.
    #[track_caller]
    fn only_reads_and(&self, args: &[&str], also: &[Operation]) -> Said {
        self.sandbox.kubernetes.refuse_writes(true);
        let said = self.say(args);
        self.sandbox.kubernetes.refuse_writes(false);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
        let verbs: BTreeSet<&str> = self.sandbox.kubernetes.requests().iter().map(|request| request.verb).collect();
        assert!(verbs.is_subset(&BTreeSet::from(["get", "list"])), "{args:?}: {verbs:?}");
        let asked: BTreeSet<Operation> =
            self.sandbox.aiven.counts().into_keys().map(|(operation, _)| operation).collect();
        let reads = [Operation::ProjectCa, Operation::ServiceGet, Operation::UserGet, Operation::AclGet];
        let reads: BTreeSet<Operation> = reads.iter().chain(also).copied().collect();
        assert!(asked.is_subset(&reads), "{args:?}: {asked:?}");
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
    assert_eq!(said.out, "No changes. There is no AivenApplication and no managed Secret in namespace nowhere.\n");
}

#[test]
fn a_snapshot_of_a_cluster_is_planned_like_the_cluster() {
    let place = Place::new("snapshot");
    let dump = place.path("dump");
    let said = place.only_reads(&["snapshot", "-o", &dump]);
    assert!(said.out.contains("aivenator plan -f"), "{}", said.out);
    let plan = place.only_reads(&["plan", "-o", "json"]);
    let saved = say_in(&[], "", &["plan", "-f", &dump, "-o", "json"]);
    assert_eq!(decisions(&saved), decisions(&plan));
    for file in ["namespaces/orders.yaml", "aiven/dev-nais-dev.yaml"] {
        let text = fs::read_to_string(place.directory.join("dump").join(file)).unwrap();
        for secret in place.sandbox.aiven.secrets() {
            assert!(!text.contains(&secret), "{file}");
        }
    }
}

#[test]
fn what_nothing_records_is_listed() {
    let place = Place::new("orphans");
    let lost =
        serde_json::json!({"username": "orders_gone_0123abcd_xYz", "password_updated_time": "2026-01-01T00:00:00Z"});
    place.sandbox.aiven.put_user("dev-nais-dev", "kafka", &lost).unwrap();
    let said = place.only_reads_and(&["orphans", "-o", "json"], &[Operation::ServiceList]);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let names: Vec<&str> =
        found["orphans"].as_array().unwrap().iter().map(|it| it["username"].as_str().unwrap()).collect();
    assert!(names.contains(&"orders_gone_0123abcd_xYz"), "{}", said.out);
    assert!(!said.out.contains("orders_refunds_2646e48b_z8x"), "a Secret records it: {}", said.out);
    assert_eq!(found["unseen"], serde_json::json!([]));
    let dump = place.path("dump");
    place.only_reads_and(&["snapshot", "-o", &dump], &[Operation::ServiceList]);
    let text = place.only_reads_and(&["orphans", "-f", &dump], &[Operation::ServiceList]);
    assert!(text.out.contains("orders_gone_0123abcd_xYz  made "), "{}", text.out);
}

#[test]
fn a_plan_is_carried_out_once() {
    let place = Place::new("apply");
    let said = place.say(&["apply", "--yes", "--operator-namespace", "ops"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.contains("Done: "), "{}", said.out);
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "checkout-kafka").is_some());
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "refunds-kafka").is_none());
    assert!(!place.sandbox.aiven.users("dev-nais-dev", "kafka").contains(&"orders_refunds_2646e48b_z8x".to_owned()));
    let lease = place.sandbox.kubernetes.get("leases", "ops", "aivenator").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"].as_str().unwrap_or_default(), "", "it was given back");
    let left = place.say(&["plan", "-o", "json"]);
    let plan: Value = serde_json::from_str(&left.out).unwrap();
    let summary = plan["summary"].as_object().unwrap().keys().map(String::as_str);
    let changes = summary.filter(|action| !["keep_secret", "keep_user", "skip_protected"].contains(action));
    assert_eq!(changes.collect::<Vec<_>>(), ["delete_user", "release_secret"], "what follows from a deletion is left");
    let said = place.say(&["apply", "--yes", "--operator-namespace", "ops"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "invoices-kafka").is_none());
}

#[test]
fn nothing_is_applied_that_nobody_has_confirmed() {
    let place = Place::new("unconfirmed");
    let home = ["--operator-namespace", "ops"];
    refused(&place.say(&["apply", home[0], home[1]]), &["terminal", "--yes"]);
    let no = place.answer("y\n", &["apply", home[0], home[1]]);
    assert_eq!((no.code, no.err.as_str()), (1, "aivenator: nothing was done\n"));
    assert!(no.out.contains("Only 'yes' is accepted"), "{}", no.out);
    let homeless = place.say(&["apply", "--yes"]);
    assert_eq!(homeless.code, 1);
    assert!(homeless.err.contains("--operator-namespace"), "{}", homeless.err);
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "checkout-kafka").is_none());
    assert_eq!(place.sandbox.aiven.count(Operation::UserCreate), 0);
    let yes = place.answer("yes\n", &["apply", home[0], home[1], "checkout"]);
    assert_eq!((yes.code, yes.err.as_str()), (0, ""), "{}", yes.out);
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "checkout-kafka").is_some());
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "refunds-kafka").is_some(), "it was not named");
}

#[test]
fn failures_of_applying_are_one_line_each() {
    let place = Place::new("failing");
    place.sandbox.kubernetes.deny("patch", "aivenapplications/status");
    let said = place.say(&["apply", "--yes", "--operator-namespace", "ops", "reviews"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.err.starts_with("aivenator: AivenApplication catalog/reviews: "), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
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
