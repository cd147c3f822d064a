//! What writes do: versions, conflicts, finalizers, and refusals in the words of Kubernetes.

use aivenator::sandbox::kubernetes::{Kubernetes, Options};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use super::{
    APPLICATIONS, MERGE, SECRETS, application, applications, client, delete, get, patch, post, put, secret, secrets,
    start, version,
};

/// A new object gets what only Kubernetes gives, whatever the client sent.
#[test]
fn a_create_sets_what_belongs_to_kubernetes() {
    let kubernetes = start();
    let mut sent = application("one");
    sent["metadata"]["uid"] = json!("mine");
    sent["metadata"]["creationTimestamp"] = json!("2001-01-01T00:00:00Z");
    sent["metadata"]["deletionTimestamp"] = json!("2001-01-01T00:00:00Z");
    sent["status"] = json!({"synchronizationState": "RolloutComplete"});
    let answer = post(&kubernetes, APPLICATIONS, &sent);
    assert_eq!(answer.code, 201, "{answer:?}");
    let made = answer.json();
    assert_eq!(made["metadata"]["uid"].as_str().unwrap().len(), 36);
    assert_eq!(made["metadata"]["generation"], 1);
    assert_ne!(made["metadata"]["creationTimestamp"], "2001-01-01T00:00:00Z");
    assert_eq!(made["metadata"].get("deletionTimestamp"), None);
    assert_eq!(made.get("status"), None, "status is written apart");
    assert_eq!(get(&kubernetes, &format!("{APPLICATIONS}/one")).json(), made);
    assert_eq!(get(&kubernetes, "/api/v1/namespaces/team").json()["status"]["phase"], "Active");
}

/// The bodies of refusals are those of a real API server, member for member.
#[test]
fn refusals_have_the_shape_of_kubernetes() {
    let kubernetes = start();
    let missing = get(&kubernetes, &format!("{SECRETS}/none"));
    assert_eq!(missing.code, 404);
    let wanted = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 404,
        "message": "secrets \"none\" not found", "reason": "NotFound", "details": {"name": "none", "kind": "secrets"},
    });
    assert_eq!(missing.json(), wanted);
    assert_eq!(post(&kubernetes, APPLICATIONS, &application("one")).code, 201);
    let twice = post(&kubernetes, APPLICATIONS, &application("one"));
    let wanted = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 409,
        "message": "aivenapplications.aiven.nais.io \"one\" already exists", "reason": "AlreadyExists",
        "details": {"name": "one", "group": "aiven.nais.io", "kind": "aivenapplications"},
    });
    assert_eq!((twice.code, twice.json()), (409, wanted));
    let mut named = secret("one");
    named["metadata"]["resourceVersion"] = json!("7");
    let answer = post(&kubernetes, SECRETS, &named);
    assert_eq!(answer.code, 500);
    assert_eq!(answer.json()["message"], "resourceVersion should not be set on objects to be created");
    assert_eq!(get(&kubernetes, "/apis/unknown.io/v1/things").text, "404 page not found\n");
    let unknown = get(&kubernetes, "/api/v1/things").json();
    assert_eq!(unknown["message"], "the server could not find the requested resource");
}

/// What is sent to an address is about that address.
#[test]
fn name_and_namespace_of_a_body_fit_its_address() {
    let kubernetes = start();
    let answer = post(&kubernetes, "/api/v1/namespaces/other/secrets", &secret("one"));
    assert_eq!(answer.code, 400);
    assert!(answer.text.contains("the namespace of the provided object does not match"), "{answer:?}");
    kubernetes.apply(secret("one")).unwrap();
    let answer = put(&kubernetes, &format!("{SECRETS}/one"), &secret("two"));
    assert_eq!(answer.code, 400);
    let message = "the name of the object (two) does not match the name on the URL (one)";
    assert_eq!(answer.json()["message"], message);
    let answer = post(&kubernetes, SECRETS, &application("one"));
    assert_eq!(answer.code, 400, "{answer:?}");
    let mut nameless = secret("x");
    nameless["metadata"] = json!({"generateName": "made-"});
    let made = post(&kubernetes, SECRETS, &nameless).json();
    let name = made["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("made-") && name.len() == 10, "{name}");
}

#[test]
fn names_and_labels_are_judged() {
    let kubernetes = start();
    let answer = post(&kubernetes, SECRETS, &secret("Upper"));
    assert_eq!(answer.code, 422);
    let body = answer.json();
    assert_eq!((&body["reason"], &body["details"]["kind"]), (&json!("Invalid"), &json!("Secret")));
    let message = body["message"].as_str().unwrap();
    assert!(message.starts_with("Secret \"Upper\" is invalid: metadata.name: Invalid value: \"Upper\": a lowercase"));
    assert_eq!(body["details"]["causes"][0]["field"], "metadata.name");
    let wrong = super::labelled(secret("one"), &json!({"a b": "c", "d": "e f"}));
    let body = post(&kubernetes, SECRETS, &wrong).json();
    assert_eq!(body["details"]["causes"].as_array().unwrap().len(), 2);
    assert!(body["message"].as_str().unwrap().contains("is invalid: ["), "{body}");
}

/// A write that names a version fails unless it is the current one; one that names none is unconditional, where
/// Kubernetes allows that.
#[tokio::test]
async fn writes_on_a_stale_version_conflict() {
    let kubernetes = start();
    let first = kubernetes.apply(secret("one")).unwrap();
    let api = secrets(client(&kubernetes).await);
    let change = json!({"metadata": {"resourceVersion": version(&first)}, "data": {"KEY": "b3RoZXI="}});
    api.patch("one", &PatchParams::default(), &Patch::Merge(&change)).await.unwrap();
    let error = api.patch("one", &PatchParams::default(), &Patch::Merge(&change)).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("{error}") };
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    let message = "Operation cannot be fulfilled on secrets \"one\": the object has been modified; please apply your \
                   changes to the latest version and try again";
    assert_eq!(status.message, message);
    let old: Secret = serde_json::from_value(first).unwrap();
    let error = api.replace("one", &PostParams::default(), &old).await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 409), "{error}");
    assert_eq!(put(&kubernetes, &format!("{SECRETS}/one"), &secret("one")).code, 200);
    kubernetes.apply(application("one")).unwrap();
    let answer = put(&kubernetes, &format!("{APPLICATIONS}/one"), &application("one"));
    assert_eq!(answer.code, 422);
    assert!(answer.text.contains("metadata.resourceVersion: Invalid value: 0: must be specified for an update"));
}

#[test]
fn a_uid_is_a_precondition() {
    let kubernetes = start();
    kubernetes.apply(secret("one")).unwrap();
    let path = format!("{SECRETS}/one");
    let mut other = secret("one");
    other["metadata"]["uid"] = json!("other");
    let answer = put(&kubernetes, &path, &other);
    assert_eq!(answer.code, 409);
    assert!(answer.text.contains("Precondition failed: UID in precondition: other"), "{answer:?}");
    let answer = patch(&kubernetes, &path, (MERGE, &json!({"metadata": {"uid": "other"}})));
    assert_eq!(answer.code, 422);
    assert!(answer.text.contains("metadata.uid: Invalid value: \\\"other\\\": field is immutable"), "{answer:?}");
}

/// Nothing happens when nothing changes: no version, no event.
#[test]
fn a_write_that_changes_nothing_is_none() {
    let kubernetes = start();
    let first = kubernetes.apply(secret("one")).unwrap();
    let mut changes = kubernetes.watch_changes();
    let path = format!("{SECRETS}/one");
    let same = patch(&kubernetes, &path, (MERGE, &json!({"data": {"KEY": "dmFsdWU=", "GONE": null}}))).json();
    assert_eq!(version(&same), version(&first));
    assert_eq!(version(&put(&kubernetes, &path, &first).json()), version(&first));
    assert!(changes.try_recv().is_err());
    let other = patch(&kubernetes, &path, (MERGE, &json!({"data": {"KEY": null, "NEW": "bmV3"}}))).json();
    assert_eq!(other["data"], json!({"NEW": "bmV3"}));
    assert_ne!(version(&other), version(&first));
    let change = changes.try_recv().unwrap();
    assert_eq!(
        (change.kind, change.resource(), change.namespace(), change.name()),
        ("MODIFIED", "secrets", "team", "one")
    );
    assert_eq!(change.object(), other);
}

/// Only the spec counts as a generation; status and the rest never touch each other.
#[tokio::test]
async fn generation_and_status_are_apart() {
    let kubernetes = start();
    kubernetes.apply(application("one")).unwrap();
    let api = applications(client(&kubernetes).await);
    let merge = |change: Value| Patch::Merge(change);
    let both = json!({"spec": {"protected": true}, "status": {"synchronizationState": "A"}});
    let object = api.patch("one", &PatchParams::default(), &merge(both.clone())).await.unwrap();
    assert_eq!((object.metadata.generation, object.data.get("status")), (Some(2), None));
    let both = json!({
        "spec": {"protected": false},
        "metadata": {"labels": {"a": "b"}},
        "status": {"synchronizationState": "B"},
    });
    let object = api.patch_status("one", &PatchParams::default(), &merge(both)).await.unwrap();
    assert_eq!(object.data["status"]["synchronizationState"], "B");
    assert_eq!((object.metadata.generation, &object.data["spec"]["protected"]), (Some(2), &json!(true)));
    assert_eq!(object.metadata.labels, None);
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    let mut object = api.patch("one", &PatchParams::default(), &merge(label)).await.unwrap();
    assert_eq!((object.metadata.generation, &object.data["status"]["synchronizationState"]), (Some(2), &json!("B")));
    object.data["status"] = json!({"synchronizationState": "C"});
    let stale = object.clone();
    let object = api.replace_status("one", &PostParams::default(), &object).await.unwrap();
    assert_eq!(object.data["status"], json!({"synchronizationState": "C"}));
    let error = api.replace_status("one", &PostParams::default(), &stale).await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 409), "{error}");
    assert_eq!(get(&kubernetes, &format!("{SECRETS}/one/status")).code, 404, "secrets have no status");
}

/// A finalizer holds an object; it goes with the last one, and no new one may be added meanwhile.
#[tokio::test]
async fn finalizers_hold_an_object() {
    let kubernetes = start();
    let mut object = secret("one");
    object["metadata"]["finalizers"] = json!(["a.io/one", "a.io/two"]);
    kubernetes.apply(object).unwrap();
    let path = format!("{SECRETS}/one");
    let answer = delete(&kubernetes, &path);
    assert_eq!((answer.code, &answer.json()["kind"]), (200, &json!("Secret")));
    let marked = get(&kubernetes, &path).json();
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    delete(&kubernetes, &path);
    assert_eq!(get(&kubernetes, &path).json(), marked, "a second delete changes nothing");
    let more = json!({"metadata": {"finalizers": ["a.io/one", "a.io/two", "a.io/three"]}});
    let answer = patch(&kubernetes, &path, (MERGE, &more));
    assert_eq!(answer.code, 422);
    assert!(answer.text.contains("no new finalizers can be added if the object is being deleted"), "{answer:?}");
    let fewer = json!({"metadata": {"finalizers": ["a.io/two"], "deletionTimestamp": null}});
    let left = patch(&kubernetes, &path, (MERGE, &fewer)).json();
    assert!(left["metadata"]["deletionTimestamp"].is_string(), "nobody takes back a delete");
    let last = patch(&kubernetes, &path, (MERGE, &json!({"metadata": {"finalizers": null}})));
    assert_eq!((last.code, &last.json()["kind"]), (200, &json!("Secret")));
    assert_eq!(get(&kubernetes, &path).code, 404);
}

/// A delete insists on what it names.
#[tokio::test]
async fn deletes_have_preconditions() {
    let kubernetes = start();
    let first = kubernetes.apply(secret("one")).unwrap();
    let second = kubernetes.patch(("secrets", "team", "one"), json!({"data": {"KEY": null}})).unwrap();
    let api = secrets(client(&kubernetes).await);
    let uid = first["metadata"]["uid"].as_str().unwrap().to_owned();
    let insisting = |uid: &str, version: &str| {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: Some(version.to_owned()) };
        DeleteParams::default().preconditions(preconditions)
    };
    for (uid, version, why) in [
        ("other", version(&second), "the UID in the precondition (other) does not match the UID in record"),
        (uid.as_str(), version(&first), "the ResourceVersion in the precondition"),
    ] {
        let error = api.delete("one", &insisting(uid, version)).await.unwrap_err();
        let kube::Error::Api(status) = error else { panic!("{error}") };
        assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
        assert!(status.message.contains(why), "{}", status.message);
    }
    let answer = api.delete("one", &insisting(&uid, version(&second))).await.unwrap();
    let status = answer.right().expect("a status, as the secret is gone");
    assert_eq!(status.details.unwrap().uid, uid);
}

/// The texts of a Secret end up in its data; what is no base64 is refused; what is immutable stays.
#[test]
fn secrets_are_what_kubernetes_makes_of_them() {
    let kubernetes = start();
    let mut object = secret("one");
    object["stringData"] = json!({"TEXT": "plain", "KEY": "wins"});
    let made = post(&kubernetes, SECRETS, &object).json();
    assert_eq!(made["data"], json!({"KEY": "d2lucw==", "TEXT": "cGxhaW4="}));
    assert_eq!((made.get("stringData"), &made["type"]), (None, &json!("Opaque")));
    let path = format!("{SECRETS}/one");
    for (change, code) in [
        (json!({"data": {"KEY": "no base64!"}}), 422),
        (json!({"data": {"KEY": 7}}), 422),
        (json!({"data": {"a b": "dmFsdWU="}}), 422),
        (json!({"type": "other"}), 422),
        (json!({"data": {"KEY": "A".repeat(1_400_000)}}), 422),
    ] {
        let answer = patch(&kubernetes, &path, (MERGE, &change));
        assert_eq!(answer.code, code, "{answer:?}");
    }
    assert_eq!(patch(&kubernetes, &path, (MERGE, &json!({"immutable": true}))).code, 200);
    for change in [json!({"data": {"KEY": null}}), json!({"stringData": {"NEW": "x"}}), json!({"immutable": null})] {
        let answer = patch(&kubernetes, &path, (MERGE, &change));
        assert_eq!(answer.code, 422, "{answer:?}");
        assert!(answer.text.contains("field is immutable when `immutable` is set"), "{answer:?}");
    }
    let label = json!({"metadata": {"labels": {"a": "b"}}, "data": {"KEY": "d2lucw=="}});
    assert_eq!(patch(&kubernetes, &path, (MERGE, &label)).code, 200, "metadata may change");
}

/// The forms of patches, and those that are not understood.
#[test]
fn patches_come_in_forms() {
    let kubernetes = start();
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": "team"}});
    pod["spec"] = json!({"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]});
    kubernetes.apply(pod).unwrap();
    let path = "/api/v1/namespaces/team/pods/one";
    let strategic = "application/strategic-merge-patch+json";
    let change = json!({
        "metadata": {"finalizers": ["a.io/b"]},
        "spec": {"containers": [{"name": "b", "image": "z"}, {"name": "a", "$patch": "delete"}]},
    });
    let patched = patch(&kubernetes, path, (strategic, &change)).json();
    assert_eq!(patched["spec"]["containers"], json!([{"name": "b", "image": "z"}]));
    let change = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.io/b"]}});
    assert_eq!(patch(&kubernetes, path, (strategic, &change)).json()["metadata"].get("finalizers"), None);
    let operations = json!([
        {"op": "test", "path": "/metadata/name", "value": "one"},
        {"op": "add", "path": "/metadata/labels", "value": {"a~b": "c"}},
        {"op": "move", "from": "/metadata/labels/a~0b", "path": "/metadata/labels/d"},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "w"},
        {"op": "add", "path": "/spec/containers/-", "value": {"name": "c"}},
    ]);
    let patched = patch(&kubernetes, path, ("application/json-patch+json", &operations)).json();
    assert_eq!(patched["metadata"]["labels"], json!({"d": "c"}));
    assert_eq!(patched["spec"]["containers"], json!([{"name": "b", "image": "w"}, {"name": "c"}]));
    let failing = json!([{"op": "test", "path": "/metadata/name", "value": "two"}]);
    assert_eq!(patch(&kubernetes, path, ("application/json-patch+json", &failing)).code, 422);
    let apply = patch(&kubernetes, path, ("application/apply-patch+yaml", &json!({})));
    assert_eq!((apply.code, &apply.json()["reason"]), (415, &json!("UnsupportedMediaType")));
    kubernetes.apply(application("one")).unwrap();
    let answer = patch(&kubernetes, &format!("{APPLICATIONS}/one"), (strategic, &json!({})));
    assert_eq!(answer.code, 415, "custom resources know no strategic merge");
}

/// What is only tried is not stored.
#[test]
fn a_dry_run_stores_nothing() {
    let kubernetes = start();
    let before = kubernetes.version();
    assert_eq!(post(&kubernetes, &format!("{SECRETS}?dryRun=All"), &secret("one")).code, 201);
    assert_eq!(post(&kubernetes, &format!("{SECRETS}?dryRun=All"), &secret("One")).code, 422);
    assert_eq!((kubernetes.version(), get(&kubernetes, &format!("{SECRETS}/one")).code), (before, 404));
    kubernetes.apply(secret("one")).unwrap();
    assert_eq!(delete(&kubernetes, &format!("{SECRETS}/one?dryRun=All")).code, 200);
    assert!(kubernetes.get("secret", "team", "one").is_some());
}

/// A namespace that is deleted takes no new objects, and goes with its last one.
#[test]
fn a_namespace_goes_with_what_is_in_it() {
    let kubernetes = start();
    kubernetes.apply(secret("plain")).unwrap();
    let mut held = secret("held");
    held["metadata"]["finalizers"] = json!(["a.io/b"]);
    kubernetes.apply(held).unwrap();
    let marked = delete(&kubernetes, "/api/v1/namespaces/team").json();
    assert_eq!(marked["status"]["phase"], "Terminating");
    let answer = post(&kubernetes, SECRETS, &secret("new"));
    assert_eq!(answer.code, 403);
    let body = answer.json();
    let message = "secrets \"new\" is forbidden: unable to create new content in namespace team because it is being \
                   terminated";
    assert_eq!(
        (body["message"].as_str(), &body["details"]["causes"][0]["reason"]),
        (Some(message), &json!("NamespaceTerminating"))
    );
    assert_eq!(
        (kubernetes.list("secrets", "team").len(), get(&kubernetes, &format!("{SECRETS}/plain")).code),
        (1, 404)
    );
    let release = json!({"metadata": {"finalizers": null}});
    assert_eq!(patch(&kubernetes, &format!("{SECRETS}/held"), (MERGE, &release)).code, 200);
    assert_eq!(get(&kubernetes, "/api/v1/namespaces/team").code, 404);
    let strict = Kubernetes::start(Options { create_namespaces: false, ..Options::default() }).unwrap();
    let answer = post(&strict, SECRETS, &secret("one"));
    assert_eq!(answer.json()["message"], "namespaces \"team\" not found");
}

/// What is put in directly: as a person would, or as a backup is restored.
#[test]
fn objects_are_applied_or_loaded() {
    let kubernetes = start();
    let mut object = application("one");
    object["metadata"]["uid"] = json!("8f75dc4c-f872-4cda-817b-bd60167c8df6");
    object["metadata"]["creationTimestamp"] = json!("2026-03-02T08:15:00Z");
    object["metadata"]["generation"] = json!(4);
    object["metadata"]["resourceVersion"] = json!("1204");
    object["status"] = json!({"synchronizedGeneration": 4});
    let loaded = kubernetes.load(object.clone()).unwrap();
    for field in ["uid", "creationTimestamp", "generation"] {
        assert_eq!(loaded["metadata"][field], object["metadata"][field]);
    }
    assert_eq!(loaded["status"], object["status"]);
    object["spec"]["protected"] = json!(true);
    object["status"] = json!(null);
    let applied = kubernetes.apply(object).unwrap();
    assert_eq!((&applied["metadata"]["generation"], &applied["status"]), (&json!(5), &loaded["status"]));
    assert_eq!(kubernetes.get("aivenapp", "team", "one").unwrap(), applied);
    let patched = kubernetes.patch_status(("aivenapp", "team", "one"), json!({"synchronizationState": "x"})).unwrap();
    assert_eq!(patched["status"], loaded["status"], "a status stands under status");
    assert!(kubernetes.delete("aivenapp", "team", "one").unwrap());
    assert_eq!(kubernetes.delete("aivenapp", "team", "one").unwrap_err().reason, "NotFound");
}
