//! The resource definition is the one that runs in clusters: no stricter, no looser.

use aivenator::crd::definition;
use serde_json::{Value, json};

fn version(name: &str) -> Value {
    let definition = definition();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    versions.iter().find(|version| version["name"] == name).unwrap().clone()
}

/// A field by its path, such as `spec.valkey[].access`; and whether it is required where it stands.
fn field(version: &Value, path: &str) -> Option<(Value, bool)> {
    let mut at = version["schema"]["openAPIV3Schema"].clone();
    let mut required = false;
    for step in path.split('.') {
        let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        required = at["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
        at = at["properties"].get(name)?.clone();
        if is_list {
            assert_eq!(at["type"], "array");
            at = at["items"].clone();
        }
    }
    Some((at, required))
}

/// Checks a row of the table: its type with format, and whether it is absent, optional or required in v1 and v2.
#[track_caller]
fn check(path: &str, kind: &str, first: &str, second: &str) {
    for (name, expected) in [("v1", first), ("v2", second)] {
        let found = field(&version(name), path);
        let standing = match &found {
            None => "absent",
            Some((_, false)) => "optional",
            Some((_, true)) => "required",
        };
        assert_eq!(standing, expected, "{path} in {name}");
        let Some((schema, _)) = found else { continue };
        let format = schema.get("format").and_then(Value::as_str).map_or(String::new(), |format| format!(" {format}"));
        assert_eq!(format!("{}{format}", schema["type"].as_str().unwrap()), kind, "{path} in {name}");
        for stricter in
            ["default", "minLength", "maxLength", "pattern", "minimum", "maximum", "nullable", "x-kubernetes-list-type"]
        {
            assert!(schema.get(stricter).is_none(), "{path} in {name}: {stricter}");
        }
    }
}

#[test]
fn fields_of_the_spec() {
    check("spec", "object", "optional", "optional");
    check("spec.secretName", "string", "optional", "absent");
    check("spec.protected", "boolean", "optional", "optional");
    check("spec.expiresAt", "string date-time", "optional", "optional");
    check("spec.kafka", "object", "optional", "optional");
    check("spec.kafka.pool", "string", "required", "required");
    check("spec.kafka.secretName", "string", "optional", "required");
    check("spec.openSearch", "object", "optional", "optional");
    check("spec.openSearch.instance", "string", "optional", "optional");
    check("spec.openSearch.access", "string", "optional", "optional");
    check("spec.openSearch.secretName", "string", "optional", "required");
    check("spec.valkey[].instance", "string", "optional", "optional");
    check("spec.valkey[].access", "string", "optional", "optional");
    check("spec.valkey[].secretName", "string", "optional", "required");
}

#[test]
fn fields_of_the_status() {
    check("status", "object", "optional", "optional");
    for name in ["synchronizationHash", "synchronizationSecretName", "synchronizationState"] {
        check(&format!("status.{name}"), "string", "optional", "optional");
    }
    check("status.synchronizationTime", "string date-time", "optional", "optional");
    check("status.synchronizedGeneration", "integer int64", "optional", "optional");
    check("status.observedGeneration", "integer int64", "optional", "optional");
    check("status.conditions[].type", "string", "required", "required");
    check("status.conditions[].status", "string", "required", "required");
    check("status.conditions[].lastUpdateTime", "string date-time", "optional", "optional");
    check("status.conditions[].reason", "string", "optional", "optional");
    check("status.conditions[].message", "string", "optional", "optional");
}

#[test]
fn access_is_one_of_four() {
    for path in ["spec.openSearch.access", "spec.valkey[].access"] {
        let (schema, _) = field(&version("v2"), path).unwrap();
        assert_eq!(schema["enum"], json!(["read", "write", "readwrite", "admin"]));
    }
}

#[test]
fn versions_and_names() {
    let definition = definition();
    let spec = &definition["spec"];
    assert_eq!(
        spec["names"],
        json!({
            "kind": "AivenApplication", "listKind": "AivenApplicationList", "plural": "aivenapplications",
            "singular": "aivenapplication", "shortNames": ["aivenapp"],
        })
    );
    assert_eq!(definition["metadata"]["name"], "aivenapplications.aiven.nais.io");
    assert!(spec.get("conversion").is_none());
    let (first, second) = (version("v1"), version("v2"));
    assert_eq!((&first["served"], &first["storage"], &first["deprecated"]), (&json!(true), &json!(true), &json!(true)));
    assert_eq!(first["deprecationWarning"], "deprecated, use v2");
    assert_eq!((&second["served"], &second["storage"], second.get("deprecated")), (&json!(true), &json!(false), None));
    assert!([&first, &second].iter().all(|version| version["subresources"] == json!({"status": {}})));
}

#[test]
fn schemas_are_structural() {
    let text = definition().to_string();
    for word in
        ["$ref", "$schema", "$defs", "\"title\"", "anyOf", "oneOf", "\"null\"", "\"default\"", "additionalProperties"]
    {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn as_yaml() {
    let yaml = serde_saphyr::to_string(&definition()).unwrap();
    let back: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(back, definition());
    insta::with_settings!({
        snapshot_path => "../../snapshots/cli", prepend_module_to_snapshot => false, omit_expression => true
    }, { insta::assert_snapshot!("crd", yaml) });
}
