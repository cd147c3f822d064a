//! Commands on saved documents: what is chosen of them, and what is said of it.

use std::fs;

use super::run::{Said, refused, say, say_in, tempdir};

/// A world of two teams: one application to set up, one secret to clean up.
const DOCUMENTS: &str = r#"
apiVersion: aiven.nais.io/v1
kind: AivenApplication
metadata: {name: web, namespace: red, uid: u1, resourceVersion: "1", generation: 1}
spec: {kafka: {pool: dev-nais-dev, secretName: web-kafka}}
---
apiVersion: v1
kind: Secret
metadata:
  name: forgotten
  namespace: blue
  uid: u2
  resourceVersion: "1"
  labels: {type: aivenator.aiven.nais.io, app: web, team: blue}
data: {}
---
apiVersion: aivenator.aiven.nais.io/v1
kind: AivenProject
metadata: {name: dev-nais-dev}
ca: present
services:
- service_name: kafka
  service_type: kafka
  state: RUNNING
  components:
  - {component: kafka, usage: primary, route: dynamic, host: h, port: 1}
  - {component: schema_registry, usage: primary, route: dynamic, host: h, port: 2}
  users: []
"#;

fn plan(args: &[&str]) -> Said {
    let all: Vec<&str> = ["plan", "-f", "-"].iter().chain(args).copied().collect();
    say_in(&[], DOCUMENTS, &all)
}

/// The subjects of a plan, as kind/name.
fn subjects(said: &Said) -> Vec<String> {
    let plan: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let decisions = plan["decisions"].as_array().unwrap();
    let name = |decision: &serde_json::Value| {
        format!("{}/{}", decision["subject"]["kind"].as_str().unwrap(), decision["subject"]["name"].as_str().unwrap())
    };
    decisions.iter().map(name).collect()
}

#[test]
fn namespaces_and_names_choose() {
    let both = ["AivenApplication/web", "Secret/forgotten"];
    assert_eq!(subjects(&plan(&["-o", "json"])), both);
    assert_eq!(subjects(&plan(&["-o", "json", "-A"])), both);
    assert_eq!(subjects(&plan(&["-o", "json", "-n", "red"])), both[..1]);
    assert_eq!(subjects(&plan(&["-o", "json", "forgotten"])), both[1..]);
    assert_eq!(subjects(&plan(&["-o", "json", "forgotten", "web"])), both);
    assert_eq!(subjects(&plan(&["-o", "json", "-n", "nobody"])), [""; 0]);
    refused(&plan(&["-n", "red", "forgotten"]), &["\"forgotten\"", "in namespace red"]);
}

#[test]
fn changes_are_told_by_the_exit_code_where_that_is_asked_for() {
    assert_eq!(plan(&[]).code, 0);
    assert_eq!(plan(&["--detailed-exitcode"]).code, 2);
    assert_eq!(plan(&["--detailed-exitcode", "-n", "nobody"]).code, 0);
}

#[test]
fn the_policy_reaches_the_planner() {
    assert!(plan(&["--projects", "other"]).out.contains("--projects"), "{:?}", plan(&["--projects", "other"]));
    let environment = [("AIVENATOR_PROJECTS", "other")];
    let said = say_in(&environment, DOCUMENTS, &["plan", "-f", "-", "-o", "json"]);
    assert!(said.out.contains("PoolNotAllowed"), "{said:?}");
    let said = say_in(&environment, DOCUMENTS, &["plan", "-f", "-", "-o", "json", "--projects", "dev-nais-dev"]);
    assert!(!said.out.contains("PoolNotAllowed"), "{said:?}");
    let named = say_in(&[("NAIS_CLUSTER_NAME", "dev-gcp")], DOCUMENTS, &["plan", "-f", "-"]).out;
    let flag = plan(&["--cluster-name", "dev-gcp"]).out;
    assert_eq!(named, flag);
    assert_ne!(named, plan(&[]).out);
}

#[test]
fn directories_are_read_with_those_below() {
    let directory = tempdir("tree");
    fs::create_dir_all(directory.join("b/c")).unwrap();
    let documents: Vec<&str> = DOCUMENTS.split("---\n").collect();
    for (path, document) in ["a.yaml", "b/b.yml", "b/c/c.yaml"].iter().zip(documents) {
        fs::write(directory.join(path), document).unwrap();
    }
    fs::write(directory.join("b/notes.txt"), "{").unwrap();
    assert_eq!(say(&["plan", "-f", directory.to_str().unwrap()]), plan(&[]));
}

#[test]
fn documents_that_make_no_sense_name_their_place() {
    refused(&say_in(&[], "kind: {", &["plan", "-f", "-"]), &["<stdin>"]);
    let twice = format!("{DOCUMENTS}---{DOCUMENTS}");
    refused(&say_in(&[], &twice, &["plan", "-f", "-"]), &["<stdin>", "web"]);
}

#[track_caller]
fn explained(name: &str, object: &str) {
    let said = say_in(&[], DOCUMENTS, &["explain", object, "-f", "-"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::with_settings!({
        snapshot_path => "../../snapshots/cli", prepend_module_to_snapshot => false, omit_expression => true
    }, { insta::assert_snapshot!(name, said.out) });
}

#[test]
fn a_secret_is_explained() {
    explained("explain-secret", "secret/forgotten");
}

#[test]
fn a_secret_that_is_asked_for_is_explained_before_it_exists() {
    explained("explain-asked-for", "secret/web-kafka");
}

#[test]
fn an_application_is_explained() {
    explained("explain-application", "application/web");
}

#[test]
fn a_name_in_several_namespaces_needs_one() {
    let twice = DOCUMENTS.to_owned() + "---" + &DOCUMENTS.replace("blue", "green").replace("red", "gold");
    let documents = twice.split("---\n").take(5).collect::<Vec<_>>().join("---\n");
    let said = say_in(&[], &documents, &["explain", "secret/forgotten", "-f", "-"]);
    refused(&said, &["\"forgotten\"", "blue, green", "-n"]);
    assert_eq!(say_in(&[], &documents, &["explain", "secret/forgotten", "-f", "-", "-n", "blue"]).code, 0);
}
