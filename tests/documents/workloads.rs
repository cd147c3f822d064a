//! Pods and workloads, and the forms in which any object may come.

use super::*;

pub(super) const POD_SPEC: &str = r"{
    imagePullSecrets: [{name: pull}],
    volumes: [
      {name: a, secret: {secretName: volume, items: []}}, {name: b, configMap: {name: nothing}},
      {name: c, projected: {sources: [{secret: {name: projected}}, {configMap: {name: nothing}}]}},
      {name: d, csi: {driver: d, nodePublishSecretRef: {name: csi}}}, {name: e, emptyDir: {}}],
    containers: [{name: m, env: [
      {name: A, valueFrom: {secretKeyRef: {name: env, key: k}}}, {name: B, value: plain}, {name: C, valueFrom: {fieldRef: {}}}],
      envFrom: [{secretRef: {name: env-from}}, {configMapRef: {name: nothing}}]}],
    initContainers: [{name: i, envFrom: [{secretRef: {name: init}}]}],
    ephemeralContainers: [{name: e, envFrom: [{secretRef: {name: ephemeral}}]}]}";

#[test]
fn every_way_to_use_a_secret_counts_in_every_kind() {
    let all = ["csi", "env", "env-from", "ephemeral", "init", "projected", "pull", "volume"];
    for (kind, group, spec) in [
        (WorkloadKind::Pod, "v1", POD_SPEC.to_owned()),
        (WorkloadKind::ReplicaSet, "apps/v1", format!("{{replicas: 0, template: {{spec: {POD_SPEC}}}}}")),
        (WorkloadKind::Deployment, "apps/v1", format!("{{template: {{spec: {POD_SPEC}}}}}")),
        (WorkloadKind::StatefulSet, "apps/v1", format!("{{template: {{spec: {POD_SPEC}}}}}")),
        (WorkloadKind::DaemonSet, "apps/v1", format!("{{template: {{spec: {POD_SPEC}}}}}")),
        (WorkloadKind::Job, "batch/v1", format!("{{template: {{spec: {POD_SPEC}}}}}")),
        (WorkloadKind::CronJob, "batch/v1", format!("{{jobTemplate: {{spec: {{template: {{spec: {POD_SPEC}}}}}}}}}")),
    ] {
        let world = world_of(&format!(
            "apiVersion: {group}\nkind: {kind}\nmetadata: {{namespace: team, name: w}}\nspec: {spec}\n"
        ));
        let namespace = world.namespace("team").expect("a namespace");
        let (key, workload) = namespace.workloads().next().expect("a workload");
        assert_eq!(key.kind, kind);
        assert_eq!(workload.secrets.iter().map(|name| &**name).collect::<Vec<_>>(), all, "{kind}");
        for name in all {
            assert_eq!(world.using(&SecretKey::new("team", name)).count(), 1, "{kind} {name}");
        }
    }
}

#[test]
fn what_has_finished_uses_nothing() {
    let pod = |phase: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{namespace: team, name: {}, creationTimestamp: \"2026-01-01T00:00:00Z\"}}\n\
             spec: {POD_SPEC}\nstatus: {{phase: {phase}}}\n",
            phase.to_lowercase()
        )
    };
    let job = |name: &str, kind: &str, status: &str| {
        format!(
            "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{namespace: team, name: {name}}}\nspec: {{template: {{spec: \
             {POD_SPEC}}}}}\nstatus: {{conditions: [{{type: {kind}, status: \"{status}\"}}]}}\n"
        )
    };
    let text = [pod("Running"), pod("Pending"), pod("Succeeded"), pod("Failed")].concat()
        + &job("done", "Complete", "True")
        + &job("lost", "Failed", "True")
        + &job("busy", "Suspended", "True")
        + &job("not-yet", "Complete", "False");
    let world = world_of(&text);
    let using: Vec<_> =
        world.using(&SecretKey::new("team", "env")).map(|(key, since)| (key.to_string(), since)).collect();
    let names: Vec<_> = using.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Job busy", "Job not-yet", "Pod pending", "Pod running"]);
    assert_eq!(using[3].1, "2026-01-01T00:00:00Z".parse().ok(), "a pod without startTime starts when it is made");
    assert_eq!(using[0].1, None);
}

#[test]
fn lists_streams_and_json_are_the_same_documents() {
    let object = |name: &str| {
        format!(
            r#"{{"apiVersion": "aiven.nais.io/v1", "kind": "AivenApplication", "metadata": {{"namespace": "team", "name": "{name}"}}}}"#
        )
    };
    let bare = |name: &str| format!(r#"{{"metadata": {{"namespace": "team", "name": "{name}"}}}}"#);
    let (a, b) = (object("a"), object("b"));
    for text in [
        format!("{a}\n{b}"),
        format!("---\n# a comment\n{a}\n---\n\n---\n# nothing\n---\n{b}\n...\n"),
        format!("\u{feff}%YAML 1.2\n---\n{a}\r\n---\r\n{b}"),
        format!(
            r#"{{"apiVersion": "v1", "kind": "List", "items": [{a}, {b}], "metadata": {{"resourceVersion": ""}}}}"#
        ),
        format!("kind: List\napiVersion: v1\nitems:\n- {a}\n- {b}\n"),
        format!("kind: AivenApplicationList\napiVersion: aiven.nais.io/v1\nitems:\n- {}\n- {}\n", bare("a"), bare("b")),
        format!("kind: List\napiVersion: v1\nitems: [{{kind: List, apiVersion: v1, items: [{a}]}}, {b}]\n"),
    ] {
        let world = world_of(&text);
        let namespace = world.namespace("team").unwrap_or_else(|| panic!("nothing in {text}"));
        let names: Vec<_> = namespace.applications().map(|app| &*app.key.name).collect();
        assert_eq!(names, ["a", "b"], "{text}");
    }
}

#[test]
fn kinds_of_others_are_ignored() {
    let world = world_of(
        "{apiVersion: v1, kind: Namespace, metadata: {name: team}}\n---\n{apiVersion: other.io/v1, kind: Secret, metadata: \
         {name: A_B}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}\n---\n{apiVersion: \
         serving.knative.dev/v1, kind: Deployment}\n---\n{apiVersion: net.io/v1, kind: AllowList, items: [1.2.3.4]}\n",
    );
    assert_eq!(world.namespaces().count(), 0);
    assert_eq!(world_of("").namespaces().count(), 0);
    assert_eq!(world_of("# nothing\n---\n---\n").namespaces().count(), 0);
}

#[test]
fn instances_have_a_state_or_an_empty_one() {
    let world = world_of(
        "{apiVersion: aiven.io/v1alpha1, kind: OpenSearch, metadata: {namespace: team, name: logs}, status: {state: \
         RUNNING}}\n---\n{apiVersion: aiven.io/v1alpha1, kind: Valkey, metadata: {namespace: team, name: cache}}\n",
    );
    assert_eq!(world.instance(ServiceType::OpenSearch, "team", "logs"), Lookup::Found(&"RUNNING".into()));
    assert_eq!(world.instance(ServiceType::Valkey, "team", "cache"), Lookup::Found(&"".into()));
}
