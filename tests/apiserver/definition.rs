//! The definition of the resource in a real server: what it takes, prunes, refuses, and shows in which version.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Answer, Ask, MERGE, wait};
use super::lent::Lent;
use super::{assets, kinds};
use crate::support;

const V1: &str = "/apis/aiven.nais.io/v1/namespaces/shop/aivenapplications";
const V2: &str = "/apis/aiven.nais.io/v2/namespaces/shop/aivenapplications";

fn lent() -> Option<Lent> {
    assets()?;
    let lent = wait(async { Lent::new(&aivenator::sandbox::faults::Faults::new(0)).await });
    // The namespace comes with its first object.
    lent.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "a"}}))
        .unwrap();
    Some(lent)
}

fn post(lent: &Lent, path: &str, (name, spec): (&str, Value)) -> Answer {
    let version = if path == V1 { "aiven.nais.io/v1" } else { "aiven.nais.io/v2" };
    let object = json!({"apiVersion": version, "kind": "AivenApplication", "metadata": {"name": name}, "spec": spec});
    lent.server().admin.send(Ask::new(Method::POST, path).body(object))
}

fn get(lent: &Lent, path: &str, name: &str) -> Value {
    lent.server().admin.get(&format!("{path}/{name}")).ok().unwrap()
}

/// `aivenator crd` prints what is installed here, and the server has nothing to say against it.
#[test]
fn it_is_accepted() {
    let Some(lent) = lent() else { return };
    let printed: Value = serde_saphyr::from_str(&support::run(["crd"]).stdout).unwrap();
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let ask = Ask::new(Method::POST, format!("{path}?dryRun=All&fieldValidation=Strict"));
    let again = lent.server().admin.send(ask.body(printed.clone()));
    assert_eq!(again.code, 409, "it is there, and has no field that nobody knows: {again:?}");
    let one = format!("{path}/{}", printed["metadata"]["name"].as_str().unwrap());
    let installed = kinds::shown(lent.server().admin.get(&one).ok().unwrap());
    for condition in installed["status"]["conditions"].as_array().unwrap() {
        let good = ["Established", "NamesAccepted"].contains(&condition["type"].as_str().unwrap());
        assert_eq!(condition["status"], if good { "True" } else { "False" }, "{condition}");
    }
    assert_eq!(installed["status"]["storedVersions"], json!(["v1"]));
    let versions = |of: &Value| of["spec"]["versions"].clone();
    assert_eq!(versions(&installed), versions(&printed), "the server adds nothing");
}

#[test]
fn unknown_fields_are_pruned_and_nothing_is_defaulted() {
    let Some(lent) = lent() else { return };
    let spec = json!({
        "kafka": {"pool": "p", "secretName": "k", "typo": 1},
        "openSearch": {"secretName": "o"},
        "valkey": [{"secretName": "v", "typo": {"more": 1}}],
        "typo": true,
    });
    let kept = json!({"kafka": {"pool": "p", "secretName": "k"}, "openSearch": {"secretName": "o"}, "valkey": [{"secretName": "v"}]});
    for (path, name) in [(V1, "one"), (V2, "two")] {
        let answer = post(&lent, path, (name, spec.clone()));
        assert_eq!((answer.code, &answer.json()["spec"]), (201, &kept), "{answer:?}");
        assert_eq!(get(&lent, path, name)["spec"], kept);
        assert!(
            answer.warnings.iter().any(|text| text.contains("unknown field \\\"spec.kafka.typo\\\"")),
            "{answer:?}"
        );
    }
    let answer = post(&lent, V1, ("empty", json!({"secretName": "", "kafka": {"pool": ""}})));
    assert_eq!(answer.json()["spec"], json!({"secretName": "", "kafka": {"pool": ""}}), "empty texts are valid");
    let nothing =
        json!({"apiVersion": "aiven.nais.io/v1", "kind": "AivenApplication", "metadata": {"name": "nothing"}});
    let answer = lent.server().admin.send(Ask::new(Method::POST, V1).body(nothing));
    assert_eq!((answer.code, answer.json().get("spec")), (201, None), "spec is optional");
}

#[test]
fn what_the_table_does_not_allow_is_refused() {
    let Some(lent) = lent() else { return };
    let refused = [
        (V1, json!({"kafka": {"secretName": "k"}}), "spec.kafka.pool: Required value"),
        (V2, json!({"kafka": {"pool": "p"}}), "spec.kafka.secretName: Required value"),
        (V2, json!({"openSearch": {"instance": "i"}}), "spec.openSearch.secretName: Required value"),
        (V2, json!({"valkey": [{"instance": "i"}]}), "spec.valkey[0].secretName: Required value"),
        (V1, json!({"openSearch": {"access": "all"}}), "Unsupported value: \"all\""),
        (V1, json!({"valkey": [{"access": ""}]}), "Unsupported value: \"\""),
        (V1, json!({"expiresAt": "tomorrow"}), "spec.expiresAt"),
        (V1, json!({"protected": "yes"}), "spec.protected"),
    ];
    for (path, spec, why) in refused {
        let answer = post(&lent, path, ("bad", spec.clone()));
        assert_eq!(answer.code, 422, "{spec}: {answer:?}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(why), "{spec}: {message}");
    }
    for access in ["read", "write", "readwrite", "admin"] {
        let answer =
            post(&lent, V1, (access, json!({"openSearch": {"access": access}, "valkey": [{"access": access}]})));
        assert_eq!(answer.code, 201, "{answer:?}");
    }
}

/// Nothing converts: a field that a version does not have is not shown in it, and stays stored.
#[test]
fn one_of_v1_is_read_as_v2_and_the_other_way_round() {
    let Some(lent) = lent() else { return };
    let spec = json!({"secretName": "s", "kafka": {"pool": "p", "secretName": "k"}, "protected": true});
    let answer = post(&lent, V1, ("one", spec.clone()));
    assert!(answer.warnings.iter().any(|text| text.contains("deprecated, use v2")), "{answer:?}");
    let as_v2 = get(&lent, V2, "one");
    assert_eq!(as_v2["apiVersion"], "aiven.nais.io/v2");
    assert_eq!(as_v2["spec"], json!({"kafka": {"pool": "p", "secretName": "k"}, "protected": true}));
    assert_eq!(get(&lent, V1, "one")["spec"], spec, "it is still there");

    let answer = post(&lent, V2, ("two", json!({"kafka": {"pool": "p", "secretName": "k"}})));
    assert_eq!((answer.code, answer.warnings.len()), (201, 0), "{answer:?}");
    let as_v1 = get(&lent, V1, "two");
    assert_eq!((&as_v1["apiVersion"], &as_v1["spec"]), (&json!("aiven.nais.io/v1"), &get(&lent, V2, "two")["spec"]));
}

/// The status is written apart, and does not count as a change of what is asked for.
#[test]
fn the_status_is_apart() {
    let Some(lent) = lent() else { return };
    post(&lent, V1, ("one", json!({"kafka": {"pool": "p"}})));
    let patch =
        |path: String, body: Value| lent.server().admin.send(Ask::new(Method::PATCH, path).media(MERGE).body(body));
    let state = json!({"status": {"synchronizationState": "RolloutComplete", "typo": 1, "synchronizedGeneration": 1}});
    assert_eq!(patch(format!("{V1}/one"), state.clone()).json().get("status"), None);
    let answer = patch(format!("{V1}/one/status"), state).json();
    assert_eq!(answer["status"], json!({"synchronizationState": "RolloutComplete", "synchronizedGeneration": 1}));
    assert_eq!(answer["metadata"]["generation"], 1);
    let answer = patch(format!("{V1}/one"), json!({"spec": {"protected": true}})).json();
    assert_eq!(
        (&answer["metadata"]["generation"], &answer["status"]["synchronizedGeneration"]),
        (&json!(2), &json!(1))
    );
    let bad = json!({"status": {"conditions": [{"status": "True"}]}});
    assert_eq!(patch(format!("{V1}/one/status"), bad).code, 422);
}
