//! The roles allow what the program asks for at its start: nothing less, and nothing more.

use std::collections::BTreeSet;

use aivenator::shell::rights::{AT_HOME, EVERYWHERE};
use serde_json::Value;

use super::manifest;

/// A verb on a resource of a group, and the only object that it is allowed for, if there is one.
pub type Right = (String, String, String, Option<String>);

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// What a role of that kind and name allows.
pub fn allowed(kind: &str) -> BTreeSet<Right> {
    let objects = manifest("rbac.yaml");
    let role =
        objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == "aivenator").unwrap();
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        let names = texts(&rule["resourceNames"]);
        assert!(names.len() <= 1, "{rule}");
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    rights.insert((group.clone(), resource.clone(), verb, names.first().cloned()));
                }
            }
        }
    }
    rights
}

fn needed(rights: &[(&str, &str, &[&str])], names: &[(&str, &str)]) -> BTreeSet<Right> {
    let mut needed = BTreeSet::new();
    for (group, resource, verbs) in rights {
        for verb in *verbs {
            // What does not exist yet has no name to be allowed by.
            let name =
                names.iter().find(|(of, _)| of == resource && *verb != "create").map(|(_, name)| (*name).to_owned());
            needed.insert(((*group).to_owned(), (*resource).to_owned(), (*verb).to_owned(), name));
        }
    }
    needed
}

#[test]
fn roles_allow_exactly_what_is_asked_for() {
    assert_eq!(allowed("ClusterRole"), needed(&EVERYWHERE, &[("namespaces", "kube-system")]));
    assert_eq!(allowed("Role"), needed(&AT_HOME, &[("configmaps", "aivenator-journal"), ("leases", "aivenator")]));
}

#[test]
fn roles_are_bound_to_the_program_and_nobody_else() {
    let objects = manifest("rbac.yaml");
    let bindings: Vec<&Value> =
        objects.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("Binding")).collect();
    assert_eq!(bindings.len(), 2);
    for binding in bindings {
        let subjects = binding["subjects"].as_array().unwrap();
        assert_eq!(subjects.len(), 1);
        assert_eq!((&subjects[0]["kind"], &subjects[0]["name"]), (&"ServiceAccount".into(), &"aivenator".into()));
        assert_eq!(subjects[0]["namespace"], "aivenator");
        assert_eq!(binding["roleRef"]["name"], "aivenator");
    }
}
