//! What the comparison with a real server has shown (`tests/apiserver/conformance.rs`), so that it stays without one.

use serde_json::{Value, json};

use super::{APPLICATIONS, MERGE, SECRETS, application, delete, get, patch, post, put, secret, start};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/team/leases";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/team/events";

/// The causes of a refusal: field, reason.
fn causes(answer: &Value) -> Vec<(&str, &str)> {
    let causes = answer["details"]["causes"].as_array().unwrap();
    causes.iter().map(|cause| (cause["field"].as_str().unwrap(), cause["reason"].as_str().unwrap())).collect()
}

#[test]
fn whoever_releases_an_object_is_shown_it_as_it_was() {
    let kubernetes = start();
    let mut held = secret("one");
    held["metadata"]["finalizers"] = json!(["a.io/b"]);
    post(&kubernetes, SECRETS, &held);
    let path = format!("{SECRETS}/one");
    let marked = delete(&kubernetes, &path).json();
    let released = patch(&kubernetes, &path, (MERGE, &json!({"metadata": {"finalizers": []}}))).json();
    assert_eq!(released["metadata"]["resourceVersion"], marked["metadata"]["resourceVersion"]);
    assert_eq!(released["metadata"].get("finalizers"), None);
    assert_eq!(get(&kubernetes, &path).code, 404);
}

#[test]
fn empty_maps_and_lists_are_left_out() {
    let kubernetes = start();
    let mut object = secret("one");
    object["data"] = json!({});
    object["metadata"]["annotations"] = json!({});
    object["metadata"]["finalizers"] = json!([]);
    let made = post(&kubernetes, SECRETS, &object).json();
    assert_eq!((made.get("data"), made["metadata"].get("annotations")), (None, None));
    assert_eq!(made["metadata"].get("finalizers"), None);
    let mut object = application("one");
    object["spec"] = json!({"valkey": [], "kafka": null});
    assert_eq!(post(&kubernetes, APPLICATIONS, &object).json()["spec"], json!({"valkey": []}), "but not in a spec");
}

#[test]
fn a_patch_that_makes_no_object_is_invalid() {
    let kubernetes = start();
    post(&kubernetes, SECRETS, &secret("one"));
    let answer = patch(&kubernetes, &format!("{SECRETS}/one"), (MERGE, &json!({"data": {"A": 1}})));
    assert_eq!((answer.code, causes(&answer.json())), (422, vec![("patch", "FieldValueInvalid")]));
    post(&kubernetes, APPLICATIONS, &application("one"));
    let other = patch(&kubernetes, &format!("{APPLICATIONS}/one"), (MERGE, &json!({"kind": "Other"})));
    assert_eq!(
        other.json()["message"],
        "Other.aiven.nais.io \"one\" is invalid: kind: Invalid value: \"Other\": must be AivenApplication"
    );
}

#[test]
fn nobody_but_the_server_ends_an_object() {
    let kubernetes = start();
    post(&kubernetes, SECRETS, &secret("one"));
    let ended = json!({"metadata": {"deletionTimestamp": "2026-11-20T12:00:00Z"}});
    let answer = patch(&kubernetes, &format!("{SECRETS}/one"), (MERGE, &ended));
    assert_eq!((answer.code, causes(&answer.json())), (422, vec![("metadata.deletionTimestamp", "FieldValueInvalid")]));
}

#[test]
fn finalizers_of_kinds_that_are_built_in_are_qualified() {
    let kubernetes = start();
    let with = |mut object: Value, name: &str| {
        object["metadata"]["finalizers"] = json!([name]);
        object
    };
    let answer = post(&kubernetes, SECRETS, &with(secret("one"), "b"));
    assert_eq!((answer.code, causes(&answer.json())), (422, vec![("metadata.finalizers[0]", "FieldValueInvalid")]));
    assert_eq!(post(&kubernetes, SECRETS, &with(secret("one"), "orphan")).code, 201);
    assert_eq!(post(&kubernetes, APPLICATIONS, &with(application("one"), "b")).code, 201);
}

#[test]
fn whoever_speaks_an_old_version_is_told_so_also_when_refused() {
    let kubernetes = start();
    let mut object = application("one");
    object["spec"] = json!({"kafka": {"typo": 1}});
    let answer = post(&kubernetes, APPLICATIONS, &object);
    assert_eq!(answer.code, 422);
    for word in ["deprecated, use v2", "unknown field \\\"spec.kafka.typo\\\""] {
        assert!(answer.headers.contains(word), "{answer:?}");
    }
    assert!(get(&kubernetes, &format!("{APPLICATIONS}/none")).headers.contains("deprecated, use v2"));
}

#[test]
fn values_of_the_wrong_type_are_told_as_kubernetes_does() {
    let kubernetes = start();
    let mut object = application("one");
    object["spec"] = json!({"expiresAt": 1, "valkey": [{"access": 1}], "protected": "yes"});
    let answer = post(&kubernetes, APPLICATIONS, &object).json();
    let message = answer["message"].as_str().unwrap();
    for part in [
        "spec.expiresAt in body must be of type date-time: \"int64\"",
        "spec.protected in body must be of type boolean: \"string\"",
        "spec.valkey[0].access: Unsupported value: 1: supported values: \"read\"",
    ] {
        assert!(message.contains(part), "{message}");
    }
    object["spec"] = json!({"expiresAt": "tomorrow"});
    let answer = post(&kubernetes, APPLICATIONS, &object).json();
    assert_eq!(causes(&answer), [("spec.expiresAt", "FieldValueTypeInvalid")]);
    object["metadata"]["name"] = json!("two");
    object["spec"] = json!({"expiresAt": "2026-12-24t18:00:00,1234567891234ZTomorrow"});
    assert_eq!(post(&kubernetes, APPLICATIONS, &object).code, 201, "but that is a time to the server");
    post(&kubernetes, APPLICATIONS, &application("one"));
    let path = format!("{APPLICATIONS}/one/status");
    let answer = patch(&kubernetes, &path, (MERGE, &json!({"status": {"observedGeneration": "one"}}))).json();
    let message = "Invalid value: \"string\": observedGeneration in body must be of type integer: \"string\"";
    assert_eq!(answer["details"]["causes"][0]["message"], message);
}

#[test]
fn leases_have_times_of_six_digits_and_last_a_while() {
    let kubernetes = start();
    let lease = |spec: Value| json!({"metadata": {"name": "one"}, "spec": spec});
    for (spec, code) in [
        (json!({"renewTime": "2026-11-20T12:00:00.5Z"}), 400),
        (json!({"renewTime": "2026-11-20T12:00:00Z"}), 400),
        (json!({"leaseDurationSeconds": 0}), 422),
        (json!({"leaseTransitions": -1}), 422),
        (json!({"renewTime": "2026-11-20T12:00:00.123456Z", "leaseDurationSeconds": 15}), 201),
    ] {
        let answer = post(&kubernetes, LEASES, &lease(spec));
        assert_eq!(answer.code, code, "{answer:?}");
    }
    let answer = put(&kubernetes, &format!("{LEASES}/one"), &lease(json!({})));
    assert!(answer.text.contains("leases.coordination.k8s.io \\\"one\\\" is invalid"), "{answer:?}");
}

#[test]
fn events_are_short_and_stay_as_they_are() {
    let kubernetes = start();
    let event = |name: &str, note: &str| {
        json!({"metadata": {"name": name}, "eventTime": "2026-11-20T12:00:00.000000Z", "reportingController": "aivenator",
               "reportingInstance": "a", "action": "a", "reason": "r", "note": note, "type": "Normal", "regarding": {}})
    };
    let made = post(&kubernetes, EVENTS, &event("one", "x"));
    assert_eq!((made.code, &made.json()["deprecatedFirstTimestamp"]), (201, &Value::Null), "{made:?}");
    let answer = post(&kubernetes, EVENTS, &event("two", &"ø".repeat(600)));
    assert_eq!(
        (answer.code, causes(&answer.json())),
        (422, vec![("message", "FieldValueInvalid")]),
        "bytes are counted"
    );
    let answer = patch(&kubernetes, &format!("{EVENTS}/one"), (MERGE, &json!({"note": "y"})));
    assert_eq!((answer.code, causes(&answer.json())), (422, vec![("message", "FieldValueInvalid")]));
    let series = json!({"series": {"count": 2, "lastObservedTime": "2026-11-20T12:01:00.000000Z"}});
    assert_eq!(patch(&kubernetes, &format!("{EVENTS}/one"), (MERGE, &series)).code, 200);
    assert_eq!(delete(&kubernetes, &format!("{EVENTS}/one")).json()["details"]["group"], "events.k8s.io");
}

#[test]
fn a_limit_below_zero_is_none() {
    let kubernetes = start();
    kubernetes.apply(secret("one")).unwrap();
    assert_eq!(get(&kubernetes, &format!("{SECRETS}?limit=-1")).json()["items"].as_array().unwrap().len(), 1);
}

/// A definition that has become stricter, or another version of it, does not hold up what changes something else.
#[test]
fn what_is_stored_and_stays_as_it_is_is_not_judged_anew() {
    let kubernetes = start();
    let mut object = application("one");
    object["spec"] = json!({"kafka": {"pool": "p"}, "valkey": [{"instance": "a"}]});
    assert_eq!(post(&kubernetes, APPLICATIONS, &object).code, 201, "without a secretName, which only v2 needs");
    let of_v2 = APPLICATIONS.replace("/v1/", "/v2/");
    let change = |path: &str, change: Value| patch(&kubernetes, &format!("{of_v2}/one{path}"), (MERGE, &change));
    assert_eq!(change("", json!({"metadata": {"labels": {"a": "b"}}})).code, 200);
    assert_eq!(change("/status", json!({"status": {"synchronizationState": "x"}})).code, 200);
    let missing = |field: &'static str| vec![(field, "FieldValueRequired")];
    let answer = change("", json!({"spec": {"kafka": {"pool": "q"}}}));
    assert_eq!((answer.code, causes(&answer.json())), (422, missing("spec.kafka.secretName")));
    let answer = change("", json!({"spec": {"valkey": [{"instance": "a"}, {"instance": "b", "secretName": "b"}]}}));
    assert_eq!(
        (answer.code, causes(&answer.json())),
        (422, missing("spec.valkey[0].secretName")),
        "items have no names"
    );
}

#[test]
fn whoever_makes_what_is_ending_is_told_so() {
    let kubernetes = start();
    let mut held = secret("one");
    held["metadata"]["finalizers"] = json!(["a.io/b"]);
    post(&kubernetes, SECRETS, &held);
    delete(&kubernetes, &format!("{SECRETS}/one"));
    let answer = post(&kubernetes, SECRETS, &held);
    assert_eq!((answer.code, &answer.json()["reason"]), (409, &json!("AlreadyExists")));
    assert_eq!(answer.json()["message"], "object is being deleted: secrets \"one\" already exists");
}

/// A version writes what it shows, also where only a status is meant.
#[test]
fn what_a_version_does_not_know_is_lost_with_a_write_of_the_status() {
    let kubernetes = start();
    let mut object = application("one");
    object["spec"] = json!({"secretName": "s"});
    post(&kubernetes, APPLICATIONS, &object);
    let of_v2 = APPLICATIONS.replace("/v1/", "/v2/");
    patch(&kubernetes, &format!("{of_v2}/one/status"), (MERGE, &json!({"status": {"synchronizationState": "x"}})));
    assert_eq!(get(&kubernetes, &format!("{APPLICATIONS}/one")).json()["spec"], json!({}));
}
