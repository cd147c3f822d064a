//! The kinds: both versions of applications, definitions that come and go, events in two shapes, discovery.

use std::fs;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource as _;
use kube::api::{Api, PostParams};
use kube::discovery::Discovery;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use serde_json::{Value, json};

use super::{APPLICATIONS, MERGE, application, client, delete, get, patch, post, put, start};
use crate::support::repository;

const SECOND: &str = "/apis/aiven.nais.io/v2/namespaces/team/aivenapplications";

/// Both versions show the same objects; v2 does not know the shared Secret.
#[test]
fn both_versions_show_the_same_objects() {
    let kubernetes = start();
    let mut first = application("one");
    first["spec"]["secretName"] = json!("shared");
    assert_eq!(post(&kubernetes, APPLICATIONS, &first).code, 201);
    let answer = get(&kubernetes, &format!("{APPLICATIONS}/one"));
    assert!(answer.headers.to_lowercase().contains("warning: 299 - \"deprecated, use v2\""), "{answer:?}");
    let answer = get(&kubernetes, &format!("{SECOND}/one"));
    assert!(!answer.headers.to_lowercase().contains("warning"));
    let second = answer.json();
    assert_eq!((&second["apiVersion"], second["spec"].get("secretName")), (&json!("aiven.nais.io/v2"), None));
    assert_eq!(get(&kubernetes, SECOND).json()["items"][0], second);
    assert_eq!(get(&kubernetes, &format!("{APPLICATIONS}/one")).json()["spec"]["secretName"], "shared");
}

/// Unknown fields go; what the schema does not allow is refused, by name.
#[test]
fn applications_are_pruned_and_judged() {
    let kubernetes = start();
    let mut object = application("one");
    object["spec"]["unknown"] = json!(1);
    object["spec"]["valkey"] = json!([{"instance": "a", "other": {}}]);
    object["metadata"]["labels"] = json!({"a": "b"});
    let strict = post(&kubernetes, &format!("{APPLICATIONS}?fieldValidation=Strict"), &object);
    assert_eq!(strict.code, 400);
    let message = strict.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("strict decoding error: unknown field \"spec.unknown\""), "{message}");
    let answer = post(&kubernetes, APPLICATIONS, &object);
    assert!(answer.headers.contains("unknown field \\\"spec.unknown\\\""), "{answer:?}");
    let stored = answer.json();
    assert_eq!(stored["spec"].get("unknown"), None);
    assert_eq!(stored["spec"]["valkey"], json!([{"instance": "a"}]));
    let path = format!("{APPLICATIONS}/one");
    for (change, wanted) in [
        (json!({"kafka": {"pool": null}}), "spec.kafka.pool: Required value"),
        (json!({"kafka": "x"}), "spec.kafka: Invalid value: \"string\": spec.kafka in body must be of type object"),
        (json!({"protected": "yes"}), "spec.protected: Invalid value: \"string\""),
        (
            json!({"openSearch": {"access": "root"}}),
            "spec.openSearch.access: Unsupported value: \"root\": supported values: \"read\", \"write\", \"readwrite\"",
        ),
        (
            json!({"expiresAt": "soon"}),
            "spec.expiresAt: Invalid value: \"soon\": spec.expiresAt in body must be of type date-time",
        ),
        (json!({"expiresAt": "2026-11-20 12:00:00Z"}), "spec.expiresAt: Invalid value"),
        (json!({"valkey": [{"access": 1}]}), "spec.valkey[0].access: Invalid value: \"integer\""),
    ] {
        let answer = patch(&kubernetes, &path, (MERGE, &json!({"spec": change})));
        let body = answer.json();
        assert_eq!(answer.code, 422, "{change}: {body}");
        let message = body["message"].as_str().unwrap();
        assert!(message.starts_with("AivenApplication.aiven.nais.io \"one\" is invalid: "), "{message}");
        assert!(message.contains(wanted), "{message}");
    }
    let answer =
        patch(&kubernetes, &format!("{path}/status"), (MERGE, &json!({"status": {"conditions": [{"type": "A"}]}})));
    assert!(answer.text.contains("status.conditions[0].status: Required value"), "{answer:?}");
    let mut second = application("two");
    second["apiVersion"] = json!("aiven.nais.io/v2");
    second["spec"]["kafka"] = json!({"pool": "p"});
    let answer = post(&kubernetes, SECOND, &second);
    assert!(answer.text.contains("spec.kafka.secretName: Required value"), "{answer:?}");
    assert_eq!(
        post(&kubernetes, APPLICATIONS, &second).code,
        400,
        "the version of the body is not that of the address"
    );
}

/// The quickstart goes in as it is.
#[test]
fn the_quickstart_can_be_loaded() {
    let kubernetes = start();
    for file in ["applications.yaml", "workloads.yaml"] {
        let text = fs::read_to_string(repository("fixtures/quickstart").join(file)).unwrap();
        for document in serde_saphyr::from_multiple::<Value>(&text).unwrap() {
            let loaded = kubernetes.load(document.clone()).unwrap_or_else(|failure| panic!("{failure}: {document}"));
            for part in ["/metadata/uid", "/spec/template", "/spec/kafka", "/status"] {
                let said = document.pointer(part);
                assert!(said.is_none() || loaded.pointer(part) == said, "{part} of {document}");
            }
        }
    }
    assert!(!kubernetes.list("aivenapplications", "").is_empty());
}

/// Definitions make resources, and take them along when they go.
#[test]
fn definitions_come_and_go() {
    let kubernetes = start();
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let path = "/apis/aiven.io/v1alpha1/namespaces/team/valkeys";
    let definition = get(&kubernetes, &format!("{crds}/valkeys.aiven.io")).json();
    assert_eq!(
        definition["status"]["conditions"][1],
        json!({
            "type": "Established", "status": "True", "reason": "InitialNamesAccepted",
            "lastTransitionTime": definition["metadata"]["creationTimestamp"],
        })
    );
    let valkey = json!({
        "apiVersion": "aiven.io/v1alpha1",
        "kind": "Valkey",
        "metadata": {"name": "one", "namespace": "team"},
        "spec": {"plan": "any"},
    });
    assert_eq!(post(&kubernetes, path, &valkey).code, 201);
    let stated =
        patch(&kubernetes, &format!("{path}/one/status"), (MERGE, &json!({"status": {"state": "RUNNING"}}))).json();
    assert_eq!((&stated["status"]["state"], &stated["spec"]["plan"]), (&json!("RUNNING"), &json!("any")));
    assert_eq!(delete(&kubernetes, &format!("{crds}/valkeys.aiven.io")).code, 200);
    assert_eq!(get(&kubernetes, path).json()["message"], "the server could not find the requested resource");
    assert!(kubernetes.delete("crd", "", "opensearches.aiven.io").unwrap());
    assert_eq!(get(&kubernetes, path).text, "404 page not found\n", "the group is gone");
    assert_eq!(get(&kubernetes, "/apis/aiven.io").code, 404);
    let again = json!({
        "apiVersion": definition["apiVersion"],
        "kind": definition["kind"],
        "metadata": {"name": "valkeys.aiven.io"},
        "spec": definition["spec"],
    });
    assert_eq!(post(&kubernetes, crds, &again).code, 201);
    assert_eq!(get(&kubernetes, path).json()["items"], json!([]));
    let listed = get(&kubernetes, crds).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
}

/// Events are the same ones in both groups, in the shape of each.
#[tokio::test]
async fn events_have_two_shapes() {
    let kubernetes = start();
    kubernetes.apply(application("one")).unwrap();
    let client = client(&kubernetes).await;
    let reporter = Reporter { controller: "aivenator".to_owned(), instance: Some("pod".to_owned()) };
    let recorder = Recorder::new(client, reporter);
    let event = Event {
        type_: EventType::Normal,
        reason: "Synced".to_owned(),
        note: Some("done".to_owned()),
        action: "Sync".to_owned(),
        secondary: None,
    };
    let about = ObjectReference {
        kind: Some("AivenApplication".to_owned()),
        name: Some("one".to_owned()),
        namespace: Some("team".to_owned()),
        ..ObjectReference::default()
    };
    recorder.publish(&event, &about).await.unwrap();
    recorder.publish(&event, &about).await.unwrap();
    let path =
        "/api/v1/namespaces/team/events?fieldSelector=involvedObject.name%3Done,involvedObject.kind%3DAivenApplication";
    let core = get(&kubernetes, path).json();
    assert_eq!(core["items"].as_array().unwrap().len(), 1);
    let core = &core["items"][0];
    assert_eq!(
        (&core["message"], &core["reportingComponent"], &core["series"]["count"]),
        (&json!("done"), &json!("aivenator"), &json!(2))
    );
    let other = get(&kubernetes, "/apis/events.k8s.io/v1/namespaces/team/events").json();
    assert_eq!((&other["apiVersion"], &other["items"][0]["note"]), (&json!("events.k8s.io/v1"), &json!("done")));
    assert_eq!((&other["items"][0]["regarding"]["name"], other["items"][0].get("message")), (&json!("one"), None));
}

/// Two clients take one lease: the second one notices.
#[tokio::test]
async fn leases_are_taken_once() {
    let kubernetes = start();
    let api: Api<Lease> = Api::namespaced(client(&kubernetes).await, "aivenator");
    let lease = json!({
        "metadata": {"name": "leader"},
        "spec": {"holderIdentity": "a", "renewTime": "2026-11-20T12:00:00.123456Z"},
    });
    let lease: Lease = serde_json::from_value(lease).unwrap();
    let made = api.create(&PostParams::default(), &lease).await.unwrap();
    assert_eq!(made.spec, lease.spec, "microseconds are kept");
    let mut mine = made.clone();
    mine.spec.as_mut().unwrap().holder_identity = Some("b".to_owned());
    api.replace("leader", &PostParams::default(), &mine).await.unwrap();
    let error = api.replace("leader", &PostParams::default(), &made).await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 409), "{error}");
    mine.meta_mut().resource_version = None;
    let path = "/apis/coordination.k8s.io/v1/namespaces/aivenator/leases/leader";
    assert_eq!(put(&kubernetes, path, &serde_json::to_value(mine).unwrap()).code, 422, "a lease needs a version");
}

/// A client finds out what there is.
#[tokio::test]
async fn everything_is_discovered() {
    let kubernetes = start();
    let client = client(&kubernetes).await;
    assert_eq!(client.apiserver_version().await.unwrap().minor, "33");
    let discovery = Discovery::new(client).run().await.unwrap();
    let group = discovery.get("aiven.nais.io").unwrap();
    assert_eq!(group.versions().collect::<Vec<_>>(), ["v2", "v1"]);
    let (resource, abilities) = group.recommended_kind("AivenApplication").unwrap();
    assert_eq!(resource.plural, "aivenapplications");
    assert!(abilities.supports_operation("watch") && !abilities.subresources.is_empty());
    for path in ["/healthz", "/readyz", "/livez"] {
        assert_eq!(get(&kubernetes, path).text, "ok");
    }
    let uid = kubernetes.get("namespaces", "", "kube-system").unwrap()["metadata"]["uid"].as_str().unwrap().len();
    assert_eq!(uid, 36);
    assert_eq!(get(&kubernetes, "/nothing").code, 404);
}
