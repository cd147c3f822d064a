//! What is asked: few kinds and few names, so that requests meet.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// A kind in a version that clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Secret,
    ConfigMap,
    Lease,
    V1,
    V2,
    OpenSearch,
    Event,
}

/// Which version of an object a request names.
#[derive(Clone, Copy, Debug)]
pub enum Version {
    None,
    /// The one that was seen last.
    Fresh,
    /// The one before.
    Stale,
    /// One that never was.
    Wrong,
}

/// One request.
#[derive(Clone, Debug)]
pub enum Step {
    Create {
        kind: Kind,
        name: &'static str,
        body: Value,
    },
    Get {
        kind: Kind,
        name: &'static str,
        metadata: bool,
    },
    Patch {
        kind: Kind,
        name: &'static str,
        patch: Value,
        version: Version,
        status: bool,
    },
    Replace {
        kind: Kind,
        name: &'static str,
        body: Value,
        version: Version,
    },
    Delete {
        kind: Kind,
        name: &'static str,
        uid: Version,
        version: Version,
    },
    /// Also remembers the version of the list, from which watches begin in the end.
    List {
        kind: Kind,
        query: &'static str,
        metadata: bool,
    },
    /// The next page of the last list that had one.
    Next,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

pub fn step() -> impl Strategy<Value = Step> {
    let version = || prop_oneof![2 => Just(Version::None), 5 => Just(Version::Fresh), 2 => Just(Version::Stale), 1 => Just(Version::Wrong)];
    let name = || select(NAMES.to_vec());
    prop_oneof![
        6 => (kind(), name()).prop_flat_map(|(kind, name)| {
            object(kind).prop_map(move |body| Step::Create { kind, name, body })
        }),
        2 => (kind(), name(), any::<bool>()).prop_map(|(kind, name, metadata)| Step::Get { kind, name, metadata }),
        6 => (kind(), name(), version()).prop_flat_map(|(kind, name, version)| {
            change(kind).prop_map(move |patch| Step::Patch { kind, name, patch, version, status: false })
        }),
        3 => (application(), name(), version()).prop_flat_map(|(kind, name, version)| {
            status().prop_map(move |patch| Step::Patch { kind, name, patch, version, status: true })
        }),
        1 => (kind(), name(), version()).prop_flat_map(|(kind, name, version)| {
            object(kind).prop_map(move |body| Step::Replace { kind, name, body, version })
        }),
        4 => (kind(), name(), version(), version())
            .prop_map(|(kind, name, uid, version)| Step::Delete { kind, name, uid, version }),
        2 => (kind(), query(), any::<bool>()).prop_map(|(kind, query, metadata)| Step::List { kind, query, metadata }),
        1 => Just(Step::Next),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => Just(Kind::Secret),
        2 => Just(Kind::ConfigMap),
        1 => Just(Kind::Lease),
        4 => Just(Kind::V1),
        1 => Just(Kind::V2),
        1 => Just(Kind::OpenSearch),
        1 => Just(Kind::Event),
    ]
}

fn application() -> impl Strategy<Value = Kind> {
    prop_oneof![3 => Just(Kind::V1), 1 => Just(Kind::V2), 1 => Just(Kind::OpenSearch)]
}

fn query() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "?limit=1",
        "?limit=2",
        "?labelSelector=type%3Da",
        "?labelSelector=type%3Da&limit=1",
        "?labelSelector=type%21%3Da",
        "?labelSelector=type",
        "?labelSelector=type%20in%20%28a%2Cb%29",
        "?fieldSelector=metadata.name%3Da",
        "?resourceVersion=0",
        "?labelSelector=%2C%2C",
        "?fieldSelector=spec.x%3Da",
        "?limit=-1",
    ])
}

/// An object without its name.
fn object(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Secret => (metadata(), data(), select(vec![json!(null), json!("Opaque"), json!("a.io/b")]))
            .prop_map(|(metadata, data, of)| leave_out(json!({"metadata": metadata, "data": data, "type": of})))
            .boxed(),
        Kind::ConfigMap => (metadata(), texts())
            .prop_map(|(metadata, data)| leave_out(json!({"metadata": metadata, "data": data})))
            .boxed(),
        Kind::Lease => (metadata(), lease())
            .prop_map(|(metadata, spec)| leave_out(json!({"metadata": metadata, "spec": spec})))
            .boxed(),
        Kind::V1 | Kind::V2 => (metadata(), spec())
            .prop_map(|(metadata, spec)| {
                leave_out(json!({"metadata": metadata, "spec": spec, "status": {"synchronizationState": "x"}}))
            })
            .boxed(),
        Kind::OpenSearch => metadata()
            .prop_map(|metadata| {
                leave_out(json!({"metadata": metadata, "spec": {"plan": "x"}, "status": {"state": "RUNNING"}}))
            })
            .boxed(),
        Kind::Event => (metadata(), select(vec!["Normal", "Warning"]), select(vec!["x", "y"]))
            .prop_map(|(metadata, of, note)| leave_out(event(&metadata, of, note)))
            .boxed(),
    }
}

/// An event as the library writes it.
fn event(metadata: &Value, of: &str, note: &str) -> Value {
    json!({
        "metadata": metadata,
        "eventTime": "2026-11-20T12:00:00.000000Z",
        "reportingController": "aivenator",
        "reportingInstance": "aivenator-0",
        "action": "status",
        "reason": "SecretMissing",
        "note": note,
        "type": of,
        "regarding": {"apiVersion": "aiven.nais.io/v1", "kind": "AivenApplication", "name": "a", "namespace": "NAMESPACE"},
    })
}

/// A merge patch without its version.
fn change(kind: Kind) -> BoxedStrategy<Value> {
    let of_kind = match kind {
        Kind::Secret => data().prop_map(|data| json!({"data": data})).boxed(),
        Kind::ConfigMap => texts().prop_map(|data| json!({"data": data})).boxed(),
        Kind::Lease => lease().prop_map(|spec| json!({"spec": spec})).boxed(),
        Kind::V1 | Kind::V2 => spec().prop_map(|spec| json!({"spec": spec})).boxed(),
        Kind::OpenSearch => Just(json!({"spec": {"plan": "y"}})).boxed(),
        Kind::Event => Just(json!({"series": {"count": 2, "lastObservedTime": "2026-11-20T12:01:00.000000Z"}})).boxed(),
    };
    let more = prop_oneof![
        Just(json!({})),
        Just(json!({"immutable": true})),
        Just(json!({"type": "a.io/c"})),
        Just(json!({"kind": "Other"})),
        Just(json!({"metadata": {"name": "other"}})),
        Just(json!({"metadata": {"uid": "other"}})),
        Just(json!({"metadata": {"creationTimestamp": null, "generation": 7}})),
        Just(json!({"metadata": {"deletionTimestamp": "2026-11-20T12:00:00Z"}})),
        Just(json!({"unknown": {"field": 1}})),
    ];
    prop_oneof![
        4 => of_kind,
        4 => metadata().prop_map(|metadata| json!({"metadata": metadata})),
        1 => more,
    ]
    .boxed()
}

fn status() -> impl Strategy<Value = Value> {
    let condition = |of: &str| json!({"type": "Succeeded", "status": of, "lastUpdateTime": "2026-11-20T12:00:00Z", "reason": "r", "message": "m"});
    prop_oneof![
        Just(json!({"status": {"synchronizationState": "RolloutComplete", "synchronizedGeneration": 1}})),
        Just(json!({"status": {"conditions": [condition("True")], "synchronizationHash": "abc"}})),
        Just(json!({"status": {"conditions": [condition("False")], "synchronizationTime": "2026-11-20T12:00:00Z"}})),
        Just(json!({"status": null})),
        Just(json!({"status": {"conditions": [{"status": "True"}]}})),
        Just(json!({"status": {"observedGeneration": "one", "state": "POWEROFF"}})),
        Just(json!({"status": {"unknown": 1}, "spec": {"protected": true}, "metadata": {"labels": {"x": "y"}}})),
    ]
}

fn metadata() -> impl Strategy<Value = Value> {
    let labels = select(vec![
        json!(null),
        json!({"type": "a"}),
        json!({"type": "b"}),
        json!({"type": null, "x": ""}),
        json!({"type": "not a value"}),
        json!({"not a name": "x"}),
    ]);
    let labels =
        prop_oneof![5 => labels.clone(), 5 => select(vec![json!(null), json!({"type": "a"}), json!({"type": "b"})])];
    let annotations = select(vec![json!(null), json!({"a.io/b": "c"}), json!({"a.io/b": null, "d": "e"}), json!({})]);
    let finalizers = prop_oneof![
        5 => Just(json!(null)),
        3 => Just(json!(["a.io/b"])),
        1 => Just(json!(["a.io/b", "c.io/d"])),
        1 => Just(json!([])),
        1 => Just(json!(["not/a/name"])),
    ];
    (labels, annotations, finalizers).prop_map(|(labels, annotations, finalizers)| {
        // A null in a patch takes away, and is nothing in an object.
        json!({"labels": labels, "annotations": annotations, "finalizers": finalizers})
    })
}

fn data() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!({}),
        json!({"A": "eA=="}),
        json!({"A": "eQ==", "B": ""}),
        json!({"A": null}),
        json!({"no key": "eA=="}),
        json!({"A": "not base64"}),
        json!({"A": 1}),
    ])
}

fn texts() -> impl Strategy<Value = Value> {
    select(vec![json!(null), json!({"a": "b"}), json!({"a": "c", "d": ""}), json!({"a": null}), json!({"a": {}})])
}

fn lease() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 0}),
        json!({"holderIdentity": "b", "renewTime": "2026-11-20T12:00:00.123456Z", "leaseDurationSeconds": 15}),
        json!({"holderIdentity": ""}),
        json!({"leaseDurationSeconds": 0}),
        json!({"renewTime": "yesterday"}),
        json!({"acquireTime": null}),
    ])
}

fn spec() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!(null),
        json!({"kafka": {"pool": "p", "secretName": "s"}}),
        json!({"kafka": {"pool": "p"}}),
        json!({"kafka": {"secretName": "s"}}),
        json!({"kafka": null, "secretName": "s"}),
        json!({"secretName": "s", "protected": true}),
        json!({"openSearch": {"instance": "i", "access": "read", "secretName": "s"}}),
        json!({"openSearch": {"instance": "i", "access": "everything", "secretName": "s"}}),
        json!({"valkey": [{"instance": "i", "access": "admin", "secretName": "s"}]}),
        json!({"valkey": [{"instance": "i"}, {"access": "write", "typo": 1}]}),
        json!({"valkey": {}}),
        json!({"expiresAt": "2026-12-24T18:00:00Z"}),
        json!({"expiresAt": "tomorrow"}),
        json!({"expiresAt": "2026-12-24t18:00:00,1234567891234ZTomorrow"}),
        json!({"expiresAt": "2026-12-24T18:00:00.Z"}),
        json!({"protected": "yes", "expiresAt": 1}),
        json!({"kafka": {"pool": "p", "secretName": "s", "typo": 1}, "more": {"than": "that"}}),
    ])
}

/// Without members that are null: an object has none.
fn leave_out(object: Value) -> Value {
    match object {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, leave_out(value)))
            .collect(),
        other => other,
    }
}
