//! What the cluster and Aiven hold: 20 applications share a namespace, which has an OpenSearch and a Valkey; all share
//! one Kafka, on which 5,000 users of others are; 20,000 pods use the secrets; 20,000 secrets are of others.

use serde_json::{Value, json};

pub(crate) const PROJECT: &str = "dev-nais-dev";
const PER_NAMESPACE: u32 = 20;
const PODS: u32 = 20_000;
const SECRETS_OF_OTHERS: u32 = 20_000;
const USERS_OF_OTHERS: u32 = 5_000;

/// Everything but the applications.
pub(crate) fn surroundings(size: u32) -> Vec<Value> {
    let spaces = size.div_ceil(PER_NAMESPACE);
    let mut all = vec![project(spaces)];
    all.extend((0..spaces).flat_map(instances));
    all.extend((0..SECRETS_OF_OTHERS).map(secret_of_others));
    all.extend((0..PODS).map(|number| pod(number, number % size)));
    all
}

/// All applications: each with a Secret for Kafka, and one for OpenSearch or Valkey.
pub(crate) fn applications(size: u32) -> impl Iterator<Item = Value> {
    (0..size).map(|number| {
        let namespace = namespace(number / PER_NAMESPACE);
        let secret = secret(number, "store");
        let kafka = json!({"pool": PROJECT, "secretName": self::secret(number, "kafka")});
        let spec = if number % 2 == 0 {
            let instance = format!("opensearch-{namespace}-search");
            json!({"kafka": kafka,
                   "openSearch": {"instance": instance, "access": "readwrite", "secretName": secret}})
        } else {
            json!({"kafka": kafka,
                   "valkey": [{"instance": "cache", "access": "readwrite", "secretName": secret}]})
        };
        json!({"apiVersion": "aiven.nais.io/v1", "kind": "AivenApplication", "spec": spec,
               "metadata": {"namespace": namespace, "name": application(number)}})
    })
}

fn namespace(space: u32) -> String {
    format!("squad-{space:03}")
}

fn application(number: u32) -> String {
    format!("application-{number:04}")
}

fn secret(number: u32, what: &str) -> String {
    format!("aiven-{}-{what}-2026-47", application(number))
}

fn project(spaces: u32) -> Value {
    let component = |component: &str, port: u16| {
        json!({"component": component, "usage": "primary", "route": "dynamic",
               "host": format!("{component}.aiven.example"), "port": port})
    };
    let broker = json!({"component": "kafka", "usage": "primary", "route": "dynamic", "host": "kafka.aiven.example",
                        "port": 26484, "kafka_authentication_method": "certificate"});
    let others =
        (0..USERS_OF_OTHERS).map(|number| json!({"username": format!("other_{number:04}_x"), "type": "normal"}));
    let kafka = json!({"service_name": "kafka", "service_type": "kafka", "state": "RUNNING",
                       "components": [broker, component("schema_registry", 26487)],
                       "users": others.collect::<Vec<_>>()});
    let stores = (0..spaces).map(namespace).flat_map(|space| {
        let service = |kind: &str, name: String, components: Value| {
            json!({"service_name": name, "service_type": kind, "state": "RUNNING", "components": components})
        };
        [
            service(
                "opensearch",
                format!("opensearch-{space}-search"),
                json!([component("opensearch", 26482), component("opensearch_dashboards", 443)]),
            ),
            service("valkey", format!("valkey-{space}-cache"), json!([component("valkey", 26483)])),
        ]
    });
    let services: Vec<Value> = [kafka].into_iter().chain(stores).collect();
    json!({"apiVersion": "aivenator.aiven.nais.io/v1", "kind": "AivenProject", "metadata": {"name": PROJECT},
           "ca": "present", "services": services})
}

fn instances(space: u32) -> [Value; 2] {
    let space = namespace(space);
    let instance = |kind: &str, name: String| {
        json!({"apiVersion": "aiven.io/v1alpha1", "kind": kind, "metadata": {"namespace": space, "name": name},
               "status": {"state": "RUNNING"}})
    };
    [instance("OpenSearch", format!("opensearch-{space}-search")), instance("Valkey", format!("valkey-{space}-cache"))]
}

fn secret_of_others(number: u32) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
           "metadata": {"namespace": format!("other-{:03}", number % 200), "name": format!("sh.helm.release.v1.{number}"),
                        "labels": {"owner": "helm", "status": "deployed"}},
           "data": {"release": "UmVsZWFz".repeat(100)}})
}

/// A pod as the kubelet leaves it: what it is of no concern here is most of it.
fn pod(number: u32, of: u32) -> Value {
    let name = application(of);
    let from = |what| json!({"secretRef": {"name": secret(of, what)}});
    let labels = json!({"app": name, "team": namespace(of / PER_NAMESPACE), "pod-template-hash": "7d4b9c"});
    let noise: Vec<Value> =
        (0..40).map(|line| json!({"name": format!("SETTING_{line}"), "value": "x".repeat(40)})).collect();
    json!({"apiVersion": "v1", "kind": "Pod",
           "metadata": {"namespace": namespace(of / PER_NAMESPACE), "name": format!("{name}-7d4b9c-{number:05}"), "labels": labels},
           "spec": {"serviceAccountName": name, "nodeName": format!("node-{}", number % 100), "containers": [
               {"name": name, "image": "registry.example/app@sha256:abc", "env": noise, "envFrom": [from("kafka"), from("store")]}]},
           "status": {"phase": "Running", "startTime": "2026-11-20T08:00:00Z", "podIP": "10.0.0.1",
                      "conditions": [{"type": "Ready", "status": "True"}]}})
}
