//! Users that nothing records are deleted where that is sure, and only there.

use std::fs;

use aivenator::documents::journal::left_behind_entry;
use aivenator::sandbox::aiven::Operation;
use aivenator::sandbox::faults::{Effect, Rule};
use aivenator::sandbox::kubernetes::{self, Kubernetes};
use aivenator::world::ServiceKey;
use reqwest::Method;
use serde_json::{Value, json};

use super::apply::until;
use super::live::Place;
use super::run::{Said, refused};

const OLD: &str = "2026-01-01T00:00:00Z";
/// What every deletion has to say.
const DELETE: [&str; 3] = ["orphans", "--delete", "--all-clusters-given"];

/// An account of two projects with users that nothing records.
fn place(name: &str) -> Place {
    let place = Place::empty(name);
    let old = |name: &str| json!({"username": name, "password_updated_time": OLD});
    let rules = |name: &str| json!({"username": name, "rules": [{"index": "*", "permission": "read"}]});
    let kafka = json!({"service_name": "kafka", "service_type": "kafka", "users": [
        {"username": "avnadmin", "type": "primary"}, old("team_web_01234567_aaa"), old("team_web_01234567_bbb"),
        {"username": "team_web_01234567_new"}, old("somebody"),
    ]});
    let search = json!({"service_name": "opensearch-team-logs", "service_type": "opensearch",
        "users": [old("team-r-xYz"), old("team-rw-keep")],
        "opensearch_acl": {"enabled": true, "acls": [rules("team-r-xYz"), rules("team-rw-keep")]},
    });
    let valkey = json!({"service_name": "valkey-team-cache", "service_type": "valkey", "users": [old("my-app")]});
    let project = |name: &str, services: Value| {
        json!({"apiVersion": "aivenator.aiven.nais.io/v1", "kind": "AivenProject", "metadata": {"name": name},
            "ca": "present", "services": services})
    };
    let other = json!([{"service_name": "kafka", "service_type": "kafka", "users": [old("team_web_01234567_ccc")]}]);
    place.sandbox.load(&[project("dev-nais-dev", json!([kafka, search, valkey])), project("pool", other)]).unwrap();
    place
}

/// A Secret that records a Kafka user.
fn secret(user: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "web", "namespace": "team", "labels": {"type": "aivenator.aiven.nais.io", "app": "web"},
        "annotations": {"kafka.aiven.nais.io/pool": "dev-nais-dev", "kafka.aiven.nais.io/serviceUser": user},
        "finalizers": ["aivenator.aiven.nais.io/finalizer"],
    }})
}

/// A journal that says that users were left behind.
fn journal(users: &[&str]) -> Value {
    let entries = users
        .iter()
        .map(|user| left_behind_entry(&ServiceKey::new("dev-nais-dev", "kafka").user((*user).into()), "SkipCleanup"));
    let data: serde_json::Map<String, Value> = entries.map(|(key, text)| (key, text.into())).collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aivenator-journal", "namespace": "ops"},
        "data": data})
}

fn users(place: &Place) -> Vec<String> {
    let users = |service| place.sandbox.aiven.users("dev-nais-dev", service);
    ["kafka", "opensearch-team-logs", "valkey-team-cache"].into_iter().flat_map(users).collect()
}

/// Deletes in one project, and answers so.
fn delete(place: &Place, answer: &str) -> Said {
    place.answer(answer, &DELETE)
}

#[track_caller]
fn nothing_deleted(place: &Place, said: &Said, words: &[&str]) {
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word:?} in {:?}", said.err);
    }
    assert_eq!(place.sandbox.aiven.count(Operation::UserDelete), 0);
    assert_eq!(place.sandbox.aiven.count(Operation::AclSet), 0);
}

#[test]
fn what_may_be_deleted_goes_with_its_rules_and_the_rest_stays() {
    let place = place("orphans-delete");
    place.sandbox.kubernetes.load(secret("team_web_01234567_bbb")).unwrap();
    place.sandbox.kubernetes.load(journal(&["team_web_01234567_aaa", "somebody"])).unwrap();
    let said = delete(&place, "dev-nais-dev\n");
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let expected = "\
What stays:

dev-nais-dev/kafka
  somebody  made 2026-01-01T00:00:00Z, left behind: SkipCleanup; stays: its name may be somebody else's
  team_web_01234567_new  made NOW; stays: younger than a day

dev-nais-dev/valkey-team-cache
  my-app  made 2026-01-01T00:00:00Z; stays: its name may be somebody else's

To be deleted:

dev-nais-dev/kafka
  team_web_01234567_aaa  made 2026-01-01T00:00:00Z, left behind: SkipCleanup

dev-nais-dev/opensearch-team-logs
  team-r-xYz  made 2026-01-01T00:00:00Z

Type the name of project dev-nais-dev to delete 2 users there for good: 
- team_web_01234567_aaa on dev-nais-dev/kafka
- team-r-xYz on dev-nais-dev/opensearch-team-logs

2 users deleted.
";
    let made = said.out.split_once("_new  made ").and_then(|(_, rest)| rest.split_once(';')).unwrap().0;
    assert_eq!(said.out.replace(made, "NOW"), expected);
    let left = ["avnadmin", "somebody", "team_web_01234567_bbb", "team_web_01234567_new", "team-rw-keep", "my-app"];
    assert_eq!(users(&place), left);
    let acl = place.sandbox.aiven.acl("dev-nais-dev", "opensearch-team-logs").unwrap();
    let named: Vec<&str> = acl["acls"].as_array().unwrap().iter().map(|of| of["username"].as_str().unwrap()).collect();
    assert_eq!(named, ["team-rw-keep"]);
    let journal = place.sandbox.kubernetes.get("configmaps", "ops", "aivenator-journal").unwrap()["data"].to_string();
    assert!(!journal.contains("_aaa") && journal.contains("somebody"), "{journal}");
    for secret in place.sandbox.aiven.secrets() {
        assert!(!said.out.contains(&secret));
    }
    // Aiven shows for a moment what is gone; nobody confirms that.
    until("nothing is left to delete", || {
        let again = delete(&place, "");
        again.code == 0 && again.out.ends_with("\nNo user to delete.\n")
    });
}

#[test]
fn it_is_refused_before_anything_is_asked() {
    let place = place("orphans-refused");
    refused(&place.say(&["orphans", "--delete"]), &["--all-clusters-given", "a cluster records"]);
    let dump = place.path("dump");
    assert_eq!(place.say(&["snapshot", "-o", &dump]).code, 0);
    let asked = place.sandbox.aiven.records().len();
    refused(&place.say(&[&DELETE[..], &["-f", &dump]].concat()), &["only snapshots", "--context"]);
    refused(&place.say(&[&DELETE[..], &["--now", "2030-01-01T00:00:00Z"]].concat()), &["--now", "--delete"]);
    refused(&place.say(&[&DELETE[..], &["-o", "json"]].concat()), &["--output", "--delete"]);
    assert_eq!(place.sandbox.aiven.records().len(), asked);
}

#[test]
fn nothing_is_deleted_while_something_is_unseen() {
    let place = place("orphans-unseen");
    place.sandbox.aiven.faults().add(Rule::new(Effect::status(403)).containing("valkey-team-cache"));
    let all = ["--projects", "dev-nais-dev,nowhere"];
    let said = place.answer("dev-nais-dev\n", &[&DELETE[..], &all].concat());
    refused(&said, &["nothing was deleted", "Aiven project nowhere", "things more"]);
    nothing_deleted(&place, &said, &[]);
    place.sandbox.aiven.faults().clear();
    place.sandbox.kubernetes.deny("list", "secrets");
    nothing_deleted(&place, &delete(&place, "dev-nais-dev\n"), &["cluster of the current context: Secrets"]);
    place.sandbox.kubernetes.allow_everything();
    place.sandbox.kubernetes.deny("list", "configmaps");
    nothing_deleted(&place, &delete(&place, "dev-nais-dev\n"), &["journal", "--operator-namespace"]);
    place.sandbox.kubernetes.allow_everything();
    place.sandbox.kubernetes.load(journal(&[])).unwrap();
    let elsewhere = ["--operator-namespace", "elsewhere"];
    let said = place.answer("dev-nais-dev\n", &[&DELETE[..], &elsewhere].concat());
    nothing_deleted(&place, &said, &["journal", "namespace ops"]);
}

#[test]
fn nothing_is_deleted_if_something_is_unseen_by_then() {
    let place = place("orphans-unseen-by-then");
    let said = place.meanwhile("dev-nais-dev\n", &DELETE, &mut |said| {
        if said.contains("Type the name") {
            place.sandbox.kubernetes.deny("list", "secrets");
        }
    });
    nothing_deleted(&place, &said, &["nothing was deleted", "cluster of the current context: Secrets"]);
}

#[test]
fn each_project_has_to_be_named() {
    let place = place("orphans-confirmed");
    let both = [&DELETE[..], &["--projects", "dev-nais-dev pool"]].concat();
    for answer in ["", "yes\n", "pool\n", "dev-nais-dev\n", "dev-nais-dev\nyes\n"] {
        nothing_deleted(&place, &place.answer(answer, &both), &["nothing was deleted", "not the name of project"]);
    }
    let said = place.answer("dev-nais-dev\npool\n", &both);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert_eq!(place.sandbox.aiven.users("pool", "kafka"), [""; 0]);
}

#[test]
fn one_that_fails_does_not_hold_back_the_others() {
    let place = place("orphans-failing");
    let fault = Rule::new(Effect::status(403)).method(Method::DELETE).containing("team_web_01234567_aaa");
    place.sandbox.aiven.faults().add(fault);
    // Nobody at a terminal: what is piped counts as well.
    let kubeconfig = place.kubeconfig();
    let aiven = &place.sandbox.aiven;
    let environment = [("AIVENATOR_AIVEN_TOKEN", aiven.token()), ("AIVENATOR_AIVEN_URL", aiven.url())];
    let args = [&DELETE[..], &["--kubeconfig", &kubeconfig]].concat();
    let said = super::run::say_in(&environment, "dev-nais-dev\n", &args);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.starts_with("aivenator: team_web_01234567_aaa on dev-nais-dev/kafka: not deleted: "), "{said:?}");
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
    assert!(said.out.ends_with("\n2 users deleted, 1 failed.\n"), "{}", said.out);
    assert!(said.out.contains("\n! team_web_01234567_aaa on dev-nais-dev/kafka\n"), "{}", said.out);
    assert!(users(&place).contains(&"team_web_01234567_aaa".to_owned()));
    assert!(!users(&place).contains(&"team_web_01234567_bbb".to_owned()));
}

#[test]
fn a_user_whose_rules_cannot_go_stays() {
    let place = place("orphans-rules");
    place.sandbox.aiven.faults().add(Rule::new(Effect::status(403)).method(Method::PUT).containing("opensearch/acl"));
    let said = delete(&place, "dev-nais-dev\n");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err.starts_with("aivenator: team-r-xYz on dev-nais-dev/opensearch-team-logs: not deleted: "),
        "{said:?}"
    );
    assert!(users(&place).contains(&"team-r-xYz".to_owned()));
}

#[test]
fn what_has_changed_since_it_was_shown_counts() {
    let place = place("orphans-changed");
    let mut changed = false;
    let said = place.meanwhile("dev-nais-dev\n", &DELETE, &mut |said| {
        if !changed && said.contains("Type the name") {
            changed = true;
            place.sandbox.kubernetes.load(secret("team_web_01234567_aaa")).unwrap();
            assert!(place.sandbox.aiven.remove_user("dev-nais-dev", "kafka", "team_web_01234567_bbb"));
            let made_again = json!({"username": "team_web_01234567_bbb"});
            place.sandbox.aiven.put_user("dev-nais-dev", "kafka", &made_again).unwrap();
            assert!(place.sandbox.aiven.remove_user("dev-nais-dev", "opensearch-team-logs", "team-r-xYz"));
        }
    });
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let told = "
= team_web_01234567_aaa on dev-nais-dev/kafka stays: something records it by now
= team_web_01234567_bbb on dev-nais-dev/kafka stays: younger than a day
= team-r-xYz on dev-nais-dev/opensearch-team-logs is gone already

0 users deleted.
";
    assert!(said.out.ends_with(told), "{}", said.out);
    assert_eq!(place.sandbox.aiven.count(Operation::UserDelete), 0);
}

#[test]
fn what_is_written_down_while_it_deletes_counts() {
    let place = place("orphans-intended");
    let mut changed = false;
    let entry = json!({"version": 1, "project": "dev-nais-dev", "service": "kafka", "username": "team_web_01234567_bbb",
        "namespace": "team", "secret": "web", "application": "web", "applicationUid": "u", "since": OLD});
    let said =
        place.meanwhile("dev-nais-dev\n", &[&DELETE[..], &["--operator-namespace", "ops"]].concat(), &mut |said| {
            if !changed && said.contains("\n- team_web_01234567_aaa") {
                changed = true;
                let mut journal = journal(&[]);
                journal["data"]["intent.x"] = entry.to_string().into();
                place.sandbox.kubernetes.load(journal).unwrap();
            }
        });
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(
        said.out.contains("\n= team_web_01234567_bbb on dev-nais-dev/kafka stays: something records"),
        "{}",
        said.out
    );
    assert!(users(&place).contains(&"team_web_01234567_bbb".to_owned()));
}

#[test]
fn a_secret_that_has_lost_its_label_still_counts() {
    let place = place("orphans-stripped");
    let mut stripped = secret("team_web_01234567_aaa");
    stripped["metadata"]["labels"] = json!({});
    place.sandbox.kubernetes.load(stripped).unwrap();
    let said = delete(&place, "dev-nais-dev\n");
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(!said.out.contains("_aaa") && said.out.ends_with("\n2 users deleted.\n"), "{}", said.out);
    assert!(users(&place).contains(&"team_web_01234567_aaa".to_owned()));
}

#[test]
fn what_another_cluster_or_a_snapshot_records_stays() {
    let place = place("orphans-clusters");
    let other = Kubernetes::start(kubernetes::Options::default()).unwrap();
    other.load(secret("team_web_01234567_aaa")).unwrap();
    let context = |name: &str| format!("- {{name: {name}, context: {{cluster: {name}, user: all}}}}\n");
    let cluster = |name: &str, url: &str| format!("- {{name: {name}, cluster: {{server: '{url}'}}}}\n");
    let config = format!(
        "apiVersion: v1\nkind: Config\nusers: [{{name: all, user: {{}}}}]\ncurrent-context: one\n\
         contexts:\n{}{}clusters:\n{}{}",
        context("one"),
        context("two"),
        cluster("one", &place.sandbox.kubernetes.url()),
        cluster("two", &other.url()),
    );
    fs::write(place.kubeconfig(), config).unwrap();
    let third = place.path("third.yaml");
    fs::write(&third, secret("team_web_01234567_bbb").to_string()).unwrap();
    let clusters = ["--context", "one", "--context", "two"];
    other.deny("get", "configmaps");
    let said = place.answer("dev-nais-dev\n", &[&DELETE[..], &clusters].concat());
    nothing_deleted(&place, &said, &["cluster two", "journal"]);
    other.allow_everything();
    // The project was not observed there, which the contexts make up for.
    let said = place.answer("dev-nais-dev\n", &[&DELETE[..], &clusters, &["-f", &third]].concat());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.ends_with("\n1 user deleted.\n"), "{}", said.out);
    assert!(!users(&place).contains(&"team-r-xYz".to_owned()));
}
