//! Who may do what with applications and Secrets, by the admission policies.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::cel::{Request, denied};
use super::manifest;

pub const PROGRAM: &str = "system:serviceaccount:aivenator:aivenator";
const TENANT: &str = "somebody@team.example";
const FINALIZER: &str = "aivenator.aiven.nais.io/finalizer";

/// What any of the policies says of a request.
fn refusal(request: &Request) -> Option<String> {
    let objects = manifest("admission.yaml");
    let policies = objects.iter().filter(|object| object["kind"] == "ValidatingAdmissionPolicy");
    let refusals: Vec<String> = policies.filter_map(|policy| denied(policy, request)).collect();
    assert!(refusals.len() <= 1, "{refusals:?}");
    let refusal = refusals.into_iter().next();
    NOTED.with_borrow_mut(|noted| noted.push(Asked { request: request.clone(), refusal: refusal.clone() }));
    refusal
}

/// A request, and why it is refused.
pub struct Asked {
    pub request: Request,
    pub refusal: Option<String>,
}

thread_local! {
    static NOTED: RefCell<Vec<Asked>> = const { RefCell::new(vec![]) };
}

/// Every request that is asked about here, for whoever can ask a server the same.
#[cfg(feature = "sandbox")]
pub fn asked() -> Vec<Asked> {
    NOTED.take();
    a_pool_is_one_of_this_cluster();
    an_application_without_kafka_has_no_pool();
    secrets_that_are_not_managed_are_everybodys_business();
    nobody_else_sets_what_says_whose_a_user_is();
    cluster_admins_may_take_it_away_and_nobody_else();
    the_rest_of_a_managed_secret_is_free();
    the_program_writes_managed_secrets_and_no_others();
    NOTED.take()
}

#[test]
fn every_policy_is_bound_and_lets_nothing_through_that_it_cannot_judge() {
    let objects = manifest("admission.yaml");
    let (policies, bindings): (Vec<&Value>, Vec<&Value>) =
        objects.iter().partition(|object| object["kind"] == "ValidatingAdmissionPolicy");
    let names =
        |of: &[&Value], at: &str| -> Vec<String> { of.iter().map(|it| it.pointer(at).unwrap().to_string()).collect() };
    assert_eq!(names(&policies, "/metadata/name"), names(&bindings, "/spec/policyName"));
    assert_eq!(policies.len(), 3);
    assert!(policies.iter().all(|policy| policy["spec"]["failurePolicy"] == "Fail"));
    assert!(bindings.iter().all(|binding| binding["spec"]["validationActions"] == json!(["Deny"])));
}

fn asks_for(operation: &'static str, pool: &str, before: Option<&str>) -> Option<String> {
    let object = |pool: &str| json!({"metadata": {"name": "a"}, "spec": {"kafka": {"pool": pool}}});
    let refusals = [("aiven.nais.io", "aivenapplications"), ("nais.io", "applications")].map(|resource| {
        let old = before.map_or(Value::Null, object);
        refusal(&Request { operation, resource, user: TENANT, admin: false, object: object(pool), old })
    });
    let [first, second] = refusals;
    assert_eq!(first, second);
    first
}

#[test]
fn a_pool_is_one_of_this_cluster() {
    assert_eq!(asks_for("CREATE", "dev-nais-dev", None), None);
    let refused = Some("Kafka pool prod is not available in this cluster; these are: dev-nais-dev".to_owned());
    assert_eq!(asks_for("CREATE", "prod", None), refused);
    assert_eq!(asks_for("UPDATE", "prod", Some("dev-nais-dev")), refused);
    assert_eq!(asks_for("UPDATE", "dev-nais-dev", Some("prod")), None);
    // What is there already may be edited, and deleted.
    assert_eq!(asks_for("UPDATE", "prod", Some("prod")), None);
}

#[test]
fn an_application_without_kafka_has_no_pool() {
    for object in [
        json!({"metadata": {"name": "a"}}),
        json!({"metadata": {"name": "a"}, "spec": {}}),
        json!({"metadata": {"name": "a"}, "spec": {"openSearch": {"instance": "i"}}}),
    ] {
        let resource = ("aiven.nais.io", "aivenapplications");
        let request = Request { operation: "CREATE", resource, user: TENANT, admin: false, object, old: Value::Null };
        assert_eq!(refusal(&request), None);
    }
}

/// A Secret of this program.
fn managed() -> Value {
    json!({"metadata": {
        "name": "s",
        "labels": {"app": "a", "team": "t", "type": "aivenator.aiven.nais.io"},
        "annotations": {"kafka.aiven.nais.io/serviceUser": "u", "kafka.aiven.nais.io/pool": "p", "a.example/b": "c"},
        "finalizers": [FINALIZER, "other.example/finalizer"],
    }})
}

/// A Secret of somebody else.
fn plain() -> Value {
    json!({"metadata": {"name": "s", "labels": {"app": "a"}, "annotations": {"a.example/b": "c"}}})
}

/// The same, with another value at a place; none takes it away.
fn with(object: &Value, at: &str, value: Option<&str>) -> Value {
    let mut object = object.clone();
    let (section, key) = at.split_once('|').unwrap();
    let section = object["metadata"][section].as_object_mut().unwrap();
    match value {
        Some(value) => drop(section.insert(key.to_owned(), value.into())),
        None => drop(section.remove(key)),
    }
    object
}

fn without_finalizer(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"]["finalizers"] = json!(["other.example/finalizer"]);
    object
}

fn by(user: &'static str, admin: bool, old: Option<Value>, object: Value) -> Option<String> {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    let old = old.unwrap_or(Value::Null);
    refusal(&Request { operation, resource: ("", "secrets"), user, admin, object, old })
}

#[track_caller]
fn refused_to(admin: bool, old: Option<Value>, object: Value, word: &str) {
    let said = by(TENANT, admin, old, object).expect("it was let through");
    assert!(said.contains(word), "{said}");
}

#[test]
fn secrets_that_are_not_managed_are_everybodys_business() {
    assert_eq!(by(TENANT, false, None, plain()), None);
    assert_eq!(by(TENANT, false, Some(plain()), with(&plain(), "labels|type", Some("other"))), None);
    assert_eq!(by(TENANT, false, None, json!({"metadata": {"name": "s"}})), None);
    assert_eq!(by(TENANT, false, Some(json!({"metadata": {"name": "s"}})), plain()), None);
}

#[test]
fn nobody_else_sets_what_says_whose_a_user_is() {
    for admin in [false, true] {
        // A copy of a managed Secret would claim its user.
        refused_to(admin, None, managed(), "label type");
        refused_to(admin, Some(plain()), with(&plain(), "labels|type", Some("aivenator.aiven.nais.io")), "label type");
        let mut held = plain();
        held["metadata"]["finalizers"] = json!([FINALIZER]);
        refused_to(admin, Some(plain()), held, "finalizer");
        for note in [
            "kafka.aiven.nais.io/serviceUser",
            "my-cache.valkey.aiven.nais.io/serviceName",
            "opensearch.aiven.nais.io/project",
            "aivenator.aiven.nais.io/retired",
            "aivenator.aiven.nais.io/protected",
            "elastic.aiven.nais.io/serviceUser",
        ] {
            let at = format!("annotations|{note}");
            refused_to(admin, Some(plain()), with(&plain(), &at, Some("x")), note);
            refused_to(admin, Some(managed()), with(&managed(), &at, Some("x")), note);
        }
    }
}

#[test]
fn cluster_admins_may_take_it_away_and_nobody_else() {
    for (object, word) in [
        (with(&managed(), "labels|type", None), "label type"),
        (with(&managed(), "labels|type", Some("other")), "label type"),
        (without_finalizer(&managed()), "finalizer"),
        (with(&managed(), "annotations|kafka.aiven.nais.io/pool", None), "kafka.aiven.nais.io/pool"),
    ] {
        refused_to(false, Some(managed()), object.clone(), word);
        assert_eq!(by(TENANT, true, Some(managed()), object), None);
    }
}

#[test]
fn the_rest_of_a_managed_secret_is_free() {
    let mut edited = with(&managed(), "annotations|a.example/b", Some("d"));
    edited["data"] = json!({"KAFKA_BROKERS": "eA=="});
    edited["metadata"]["labels"]["app"] = "b".into();
    for note in ["aivenator.aiven.nais.io/paused", "aivenator.aiven.nais.io/skip-cleanup"] {
        edited = with(&edited, &format!("annotations|{note}"), Some("true"));
    }
    assert_eq!(by(TENANT, false, Some(managed()), edited.clone()), None);
    assert_eq!(by(TENANT, false, Some(edited), managed()), None);
    // Names that only look like ours.
    for note in ["aiven.nais.io.example/a", "nais.io/deploymentCorrelationID", "notaiven.nais.io/a"] {
        assert_eq!(by(TENANT, false, Some(plain()), with(&plain(), &format!("annotations|{note}"), Some("x"))), None);
    }
}

#[test]
fn the_program_writes_managed_secrets_and_no_others() {
    assert_eq!(by(PROGRAM, false, None, managed()), None);
    assert_eq!(
        by(PROGRAM, false, Some(managed()), with(&managed(), "annotations|kafka.aiven.nais.io/pool", None)),
        None
    );
    // Released by whoever has the finalizer, though somebody has taken the label away.
    let stripped = with(&managed(), "labels|type", None);
    assert_eq!(by(PROGRAM, false, Some(stripped.clone()), without_finalizer(&stripped)), None);
    for (old, object) in [(None, plain()), (Some(plain()), plain()), (Some(plain()), managed())] {
        let said = by(PROGRAM, false, old, object).expect("it was let through");
        assert!(said.contains("managed Secrets alone"), "{said}");
    }
    let delete = |old: Value| {
        let resource = ("", "secrets");
        refusal(&Request { operation: "DELETE", resource, user: PROGRAM, admin: false, object: Value::Null, old })
    };
    assert_eq!(delete(managed()), None);
    assert!(delete(plain()).is_some());
}
