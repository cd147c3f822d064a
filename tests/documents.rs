//! Documents: what is read from good ones, and what is said of bad ones.

use std::fs;
use std::path::Path;

use aivenator::documents::{Source, read};
use aivenator::want::ServiceType;
use aivenator::world::{
    AppKey, Content, Digester, Entry, FailureClass, FailureKey, Kind, Lookup, Observed, Outcome, SecretKey, ServiceKey,
    Settings, Stores, Subject, WorkloadKind, World,
};
use proptest::prelude::*;

/// Stands for every secret in the fixtures; no error may hold it.
const CANARY: &str = "hunter2-canary";
/// The same in base64.
const CANARY_BASE64: &str = "aHVudGVyMi1jYW5hcnk";

fn empty() -> World {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    World::new(now, Settings::default(), Digester::new(&[7; 32]))
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

fn world_of(text: &str) -> World {
    read(&[source("a.yaml", text)], empty(), None).unwrap_or_else(|error| panic!("{error}"))
}

fn error_of(text: &str) -> String {
    let error = read(&[source("a.yaml", text)], empty(), None).expect_err("it is bad");
    error.to_string()
}

fn app(world: &World, namespace: &str, name: &str) -> aivenator::world::Application {
    world.application(&AppKey::new(namespace, name)).expect("an application").clone()
}

fn managed(world: &World, namespace: &str, name: &str) -> aivenator::world::Secret {
    world.managed(&SecretKey::new(namespace, name)).expect("a managed secret").clone()
}

/// Each file of the corpus has one line that names what is wrong, and no secret in it.
#[test]
fn bad_documents_are_told_in_one_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bad");
    let mut count = 0;
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/bad");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for path in &files {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            let text = fs::read_to_string(path).expect("a text");
            let Err(error) = read(&[source(name, &text)], empty(), None) else { panic!("{name} is not bad") };
            let message = error.to_string();
            assert!(!message.contains('\n') && !message.contains('\r'), "{name}: more than one line: {message}");
            assert!(message.starts_with(name), "{name}: does not begin with the file: {message}");
            for secret in [CANARY, CANARY_BASE64, "hunter2"] {
                assert!(!message.contains(secret), "{name}: shows a secret: {message}");
                assert!(!format!("{error:?}").contains(secret), "{name}: its Debug shows a secret");
            }
            insta::assert_snapshot!(name, message);
            count += 1;
        }
    });
    assert!(count >= 65, "only {count}");
}

/// A certificate that means nothing, valid for 820 days.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBbDCCAROgAwIBAgIUG49R0amImEhMuVfhPtBmuZ2CixowCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBdTAeFw0yNjExMjAxNDE0MjhaFw0yOTAyMTcxNDE0MjhaMAwx
CjAIBgNVBAMMAXUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASzf3YdkGXql0y4
aXzajSHBWVcPrbSC5lR56tzZSmV7fKA22BdtuzCEEDa9FBC/JjWV/wyqSfMPQlL5
wLYV0KK5o1MwUTAdBgNVHQ4EFgQUSqu4CSNaUmBsX674b63owuE8R6EwHwYDVR0j
BBgwFoAUSqu4CSNaUmBsX674b63owuE8R6EwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNHADBEAiBUGzhaMWP+CCA3TrDme7a5KXfZgElWVgOMRJdSrRiSrwIg
D3Xv0qsiV+ZYLz4C9mb5Ut77+7W4cbtVFA6ymSERXQg=
-----END CERTIFICATE-----
";

const APPLICATION: &str = r#"
apiVersion: aiven.nais.io/v1
kind: AivenApplication
metadata:
  annotations:
    aivenator.aiven.nais.io/paused: "true"
    kubectl.kubernetes.io/last-applied-configuration: '{"any": "thing"}'
    nais.io/deploymentCorrelationID: 6c1c4fd2
  creationTimestamp: "2026-03-01T08:00:00Z"
  deletionTimestamp: "2026-11-20T11:59:00Z"
  generation: 4
  labels: {app: app, aiven.nais.io/secret-generation: "007"}
  managedFields:
  - {apiVersion: aiven.nais.io/v1, fieldsType: FieldsV1, fieldsV1: {"f:spec": {".": {}}}, manager: naiserator}
  name: app
  namespace: team
  resourceVersion: "12345"
  uid: 0a1b
spec:
  expiresAt: "2026-12-24T19:00:00+01:00"
  kafka: {pool: dev-nais-dev}
  openSearch: {access: "", instance: logs}
  protected: true
  secretName: shared
  valkey:
  - {access: readwrite, instance: cache, secretName: own}
  unheardOf: {a: b}
status:
  conditions:
  - {lastUpdateTime: "2026-03-01T08:00:01Z", message: m, reason: r, status: "True", type: Succeeded}
  observedGeneration: 4
  synchronizationHash: 9265f549ad56469c
  synchronizationState: RolloutComplete
  synchronizationTime: "2026-03-01T08:00:01Z"
  synchronizedGeneration: 3
"#;

#[test]
fn an_application_as_kubectl_prints_it() {
    let world = world_of(APPLICATION);
    let app = app(&world, "team", "app");
    assert_eq!((&*app.uid, &*app.version, app.generation), ("0a1b", "12345", 4));
    assert_eq!(app.created, "2026-03-01T08:00:00Z".parse().ok());
    assert!(app.terminating && app.paused && app.spec.protected);
    assert_eq!((&*app.correlation_id, app.secret_generation), ("6c1c4fd2", 7));
    assert_eq!(app.spec.expires_at, "2026-12-24T18:00:00Z".parse().ok());
    assert_eq!(app.spec.secret_name.as_deref(), Some("shared"));
    assert_eq!(app.spec.open_search.as_ref().map(|spec| spec.access), Some(None));
    assert_eq!(app.spec.valkey[0].access.map(|access| access.as_str()), Some("readwrite"));
    assert_eq!((app.status.synchronized_generation, app.status.observed_generation), (3, 4));
    assert_eq!(app.status.condition("Succeeded").map(|condition| &*condition.reason), Some("r"));
}

#[test]
fn an_application_says_as_little_as_it_may() {
    let world = world_of(
        "{apiVersion: aiven.nais.io/v1, kind: AivenApplication, metadata: {name: no, namespace: on, creationTimestamp: null}}",
    );
    let app = app(&world, "on", "no");
    assert_eq!((app.generation, app.secret_generation, app.created), (1, 0, None));
    assert_eq!(&**app.hash(), "9265f549ad56469c", "the hash of an empty spec");
}

/// A document of version 2, whose stored hash may be that of the same application in version 1.
fn in_version_2(hash: &str, open_search_secret: &str) -> World {
    world_of(&format!(
        "apiVersion: aiven.nais.io/v2\nkind: AivenApplication\nmetadata: {{name: app, namespace: team}}\nspec:\n  \
         secretName: pruned\n  kafka: {{pool: prod, secretName: shared}}\n  openSearch: {{instance: logs, access: \
         readwrite, secretName: {open_search_secret}}}\nstatus: {{synchronizationHash: \"{hash}\"}}\n"
    ))
}

#[test]
fn a_secret_name_that_was_moved_for_version_2_is_moved_back_if_that_fits() {
    let stored = world_of(
        "apiVersion: aiven.nais.io/v1\nkind: AivenApplication\nmetadata: {name: app, namespace: team}\nspec: {secretName: \
         shared, kafka: {pool: prod}, openSearch: {instance: logs, access: readwrite}}\n",
    );
    let stored = app(&stored, "team", "app");
    assert_eq!(app(&in_version_2(stored.hash(), "shared"), "team", "app").spec, stored.spec);
    let own = app(&in_version_2("0", "shared"), "team", "app");
    assert_eq!(own.spec.secret_name, None, "the hash does not fit, and version 2 has no such field");
    assert_eq!(own.spec.kafka.and_then(|kafka| kafka.secret_name).as_deref(), Some("shared"));
    assert_eq!(app(&in_version_2(stored.hash(), "other"), "team", "app").spec.secret_name, None);
}

fn secret(metadata: &str, body: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{namespace: team, name: app-secret, {metadata}}}\n{body}\n")
}

const MANAGED: &str = "labels: {type: aivenator.aiven.nais.io, app: app, other: label}";

#[test]
fn a_secret_is_managed_by_label_or_by_finalizer_and_record() {
    let finalizer = "finalizers: [aivenator.aiven.nais.io/finalizer]";
    let record = "annotations: {kafka.aiven.nais.io/serviceUser: u, kafka.aiven.nais.io/pool: p, other: annotation}";
    let cases = [
        (MANAGED.to_owned(), true),
        (format!("{finalizer}, {record}"), true),
        (finalizer.to_owned(), false),
        (record.to_owned(), false),
        ("labels: {type: other}".to_owned(), false),
    ];
    for (metadata, is_managed) in cases {
        let world = world_of(
            &secret(&metadata, "data: {A: not base64 and nobody cares}")
                .replace("not base64 and nobody cares", if is_managed { "eA==" } else { "'%'" }),
        );
        let key = SecretKey::new("team", "app-secret");
        let Lookup::Found(entry) = world.secret(&key) else { panic!("{metadata}: not found") };
        assert_eq!(matches!(entry, Entry::Managed(_)), is_managed, "{metadata}");
    }
    let secret = managed(&world_of(&secret(&format!("{MANAGED}, {record}"), "")), "team", "app-secret");
    assert_eq!(secret.labels.keys().map(|key| &**key).collect::<Vec<_>>(), ["app", "type"]);
    assert_eq!(secret.annotations().len(), 2, "only annotations of ours are kept");
}

#[test]
fn the_values_of_a_secret_become_what_may_be_known_of_them() {
    let body = "immutable: true\ndata:\n  VALUE: aHVudGVyMi1jYW5hcnk=\n  DIGEST: digest:000102030405060708090a0b0c0d0e0f\n  \
                NOTHING: null\n  PRESENT: present\n  REDACTED: <redacted>\n  EMPTY: \"\"\n  REPLACED: YQ==\nstringData: {REPLACED: b}";
    let world = world_of(&secret(MANAGED, body));
    let secret = managed(&world, "team", "app-secret");
    let is = |key: &str, content: Content| assert_eq!(secret.content(key), Some(content), "{key}");
    is("VALUE", world.digester().content(CANARY.as_bytes()));
    assert!(matches!(secret.content("DIGEST"), Some(Content::Snapshot(_))));
    for key in ["NOTHING", "PRESENT", "REDACTED"] {
        is(key, Content::Opaque);
    }
    is("EMPTY", Content::Empty);
    is("REPLACED", world.digester().content(b"b"));
    assert!(secret.immutable);
    assert_eq!(secret.stores, Stores::NotNoted);
}

#[test]
fn data_that_are_absent_are_unseen_and_not_empty() {
    assert!(matches!(managed(&world_of(&secret(MANAGED, "")), "team", "app-secret").data, Observed::Unseen(_)));
    let empty = managed(&world_of(&secret(MANAGED, "data: {}")), "team", "app-secret");
    assert_eq!(empty.data.seen().map(|keys| keys.iter().count()), Some(0));
}

#[test]
fn stores_certificate_and_time_of_writing_are_read() {
    // SHA-256 of "a" and of "b".
    let digests = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb,\
                   3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";
    let metadata = format!("{MANAGED}, annotations: {{aivenator.aiven.nais.io/keystores: \"{digests}\"}}");
    let stores = |body: &str| managed(&world_of(&secret(&metadata, body)), "team", "app-secret").stores;
    assert_eq!(stores("data: {client.keystore.p12: YQ==, client.truststore.jks: Yg==}"), Stores::Fit);
    assert_eq!(stores("data: {client.keystore.p12: YQ==, client.truststore.jks: YQ==}"), Stores::Differ);
    assert_eq!(stores("data: {client.keystore.p12: YQ==, client.truststore.jks: present}"), Stores::Unseen);
    assert_eq!(stores(""), Stores::Unseen);
    let pem = CERTIFICATE.replace('\n', "\\n");
    let body = format!("stringData: {{KAFKA_CERTIFICATE: \"{pem}\", AIVEN_SECRET_UPDATED: \"2026-11-01T10:00:00Z\"}}");
    let read = managed(&world_of(&secret(MANAGED, &body)), "team", "app-secret");
    assert_eq!(read.certificate.map(|validity| validity.from.to_string()).as_deref(), Some("2026-11-20T14:14:28Z"));
    assert_eq!(read.certificate.map(|validity| validity.until.to_string()).as_deref(), Some("2029-02-17T14:14:28Z"));
    assert_eq!(read.written, "2026-11-01T10:00:00Z".parse().ok());
    let other = "stringData: {KAFKA_CERTIFICATE: nonsense, AIVEN_SECRET_UPDATED: nonsense}";
    let read = managed(&world_of(&secret(MANAGED, other)), "team", "app-secret");
    assert_eq!((read.certificate, read.written), (None, None));
}

const POD_SPEC: &str = r"{
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
    assert_eq!(world.instance(ServiceType::OpenSearch, "team", &"logs".into()), Lookup::Found(&"RUNNING".into()));
    assert_eq!(world.instance(ServiceType::Valkey, "team", &"cache".into()), Lookup::Found(&"".into()));
}

const PROJECT: &str = r#"
apiVersion: aivenator.aiven.nais.io/v1
kind: AivenProject
metadata: {name: dev-nais-dev}
ca: present
services:
- service_name: kafka
  service_type: kafka
  state: RUNNING
  plan: business-4
  components:
  - {component: kafka, usage: primary, route: dynamic, kafka_authentication_method: certificate, host: h, port: 26484}
  - {component: kafka, usage: primary, route: privatelink, host: h, port: 1, privatelink_connection_id: l, ssl: false}
  users:
  - {username: avnadmin, type: primary}
  - username: app
    type: normal
    password: hunter2-canary
    access_cert: null
    access_key: ""
    access_cert_not_valid_after_time: "2028-04-01T00:00:00.123456Z"
    password_updated_time: "2026-01-01T00:00:00Z"
    access_control: {valkey_acl_categories: ["-@all", +@read], valkey_acl_keys: ["*"]}
- service_name: logs
  service_type: opensearch
  state: POWEROFF
  opensearch_acl: {enabled: true, extendedAcl: x, acls: [{username: app, rules: [{index: "*", permission: read}]}]}
"#;

#[test]
fn a_project_as_aiven_lists_it() {
    let world = world_of(PROJECT);
    let key = ServiceKey::new("dev-nais-dev", "kafka");
    let Lookup::Found(kafka) = world.service(&key) else { panic!("no kafka") };
    assert!(kafka.usable() && kafka.users_complete);
    assert_eq!(kafka.components.iter().map(|part| part.privatelink).collect::<Vec<_>>(), [false, true]);
    assert_eq!(kafka.address("KAFKA_BROKERS").and_then(|address| address.text.as_deref()), Some("h:26484"));
    let Lookup::Found(user) = world.user(&key.user("app".into())) else { panic!("no user") };
    assert_eq!(user.password, Some(world.digester().content(CANARY.as_bytes())));
    assert_eq!((user.certificate, user.private_key), (Some(Content::Opaque), Some(Content::Empty)));
    assert_eq!(user.name, world.digester().content(b"app"));
    assert_eq!(user.access.as_ref().map(|access| access.categories.len()), Some(2));
    let Lookup::Found(admin) = world.user(&key.user("avnadmin".into())) else { panic!("no admin") };
    assert_eq!((admin.primary, admin.password), (true, None));
    assert_eq!(world.user(&key.user("other".into())), Lookup::Absent);
    assert_eq!(world.service(&ServiceKey::new("dev-nais-dev", "other")), Lookup::Absent);
    let logs = ServiceKey::new("dev-nais-dev", "logs");
    let Lookup::Found(service) = world.service(&logs) else { panic!("no logs") };
    assert_eq!(service.acl.seen().map(|acl| (acl.enabled, acl.rules.len())), Some((true, 1)));
    assert!(matches!(world.user(&logs.user("app".into())), Lookup::Unseen(_)), "no users member is not no users");
}

#[test]
fn a_project_that_does_not_answer_is_unseen() {
    let world =
        world_of("{apiVersion: aivenator.aiven.nais.io/v1, kind: AivenProject, metadata: {name: p}, unseen: timeout}");
    assert_eq!(world.project("p"), Lookup::Unseen("timeout".into()));
}

fn journal(namespace: &str, data: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{namespace: {namespace}, name: aivenator-journal}}\ndata:\n{data}\n"
    )
}

const ENTRIES: &str = r#"  cluster: uid-1
  intent.a: '{"version":1,"project":"p","service":"s","username":"u","namespace":"team","secret":"x","application":"app","applicationUid":"0a","since":"2026-11-20T11:00:00Z"}'
  intent.b: '{"version":1,"project":"p","service":"s","username":"u","namespace":"team","secret":"x","application":"app","applicationUid":"0a","since":"2026-11-20T11:00:00Z"}'
  intent.c: '{"version":2,"project":"p","service":"s","username":"v","namespace":"team","secret":"x","application":"app","applicationUid":"0a","since":"2026-11-20T11:00:00Z"}'
  retired.a: '{"version":1,"project":"p","service":"s","username":"w","namespace":"team","secret":"x","application":"app","since":"2026-11-20T11:00:00Z"}'
  left.a: '{"version":1,"project":"p","service":"s","username":"z","reason":"NotOurs"}'
  broken: '{'
  intent.twice: '{"version":1,"version":1}'"#;

const OBSERVATION: &str = r#"
---
apiVersion: aivenator.aiven.nais.io/v1
kind: Observation
metadata: {name: now}
completeSince: "2026-11-20T10:00:00Z"
unlisted: {Pod: forbidden, Secret: forbidden, Valkey: not served}
clusterUid: uid-2
journal: {unwritable: forbidden}
intents: [{project: p, service: s, username: u, outcome: unknown}]
lastWanted: [{namespace: team, secret: app-secret, at: "2026-11-20T11:30:00Z"}]
failures:
- subject: {kind: AivenApplication, namespace: team, name: app}
  step: app-secret
  class: tooFast
  operation: CreateUser
  service: {project: p, service: s}
  at: "2026-11-20T11:59:00Z"
  count: 3
  generation: 2
  retryAfter: 30
- {subject: {kind: ServiceUser, project: p, service: s, name: u}, step: status, class: unknown, operation: DeleteUser, at: "2026-11-20T11:59:00Z"}
"#;

#[test]
fn the_journal_and_what_an_operator_knows() {
    let secret = secret(MANAGED, "");
    let parts = [OBSERVATION.to_owned(), journal("aivenator", ENTRIES), format!("---\n{secret}")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let world = world_of(&order.map(|part: usize| parts[part].as_str()).concat());
        let journal = world.journal().expect("a journal");
        let unreadable: Vec<_> = journal.unreadable.iter().map(|key| &**key).collect();
        assert_eq!(unreadable, ["broken", "intent.b", "intent.c", "intent.twice"]);
        assert_eq!((journal.intents.len(), journal.retirements.len(), journal.left_behind.len()), (1, 1, 1));
        let user = ServiceKey::new("p", "s").user("u".into());
        assert_eq!(journal.intents.get(&user).map(|intent| intent.outcome), Some(Outcome::Unknown));
        assert_eq!(journal.unwritable.as_deref(), Some("forbidden"));
        assert!(journal.foreign);
        assert_eq!(world.complete_since, "2026-11-20T10:00:00Z".parse().ok());
        assert_eq!(world.why_unlisted(Kind::Workload(WorkloadKind::Pod)).map(|why| &**why), Some("forbidden"));
        assert_eq!(world.unlisted.len(), 3);
        assert_eq!(managed(&world, "team", "app-secret").last_wanted, "2026-11-20T11:30:00Z".parse().ok());
        let subject = Subject::Application(AppKey::new("team", "app"));
        let failure = world.failures.get(&FailureKey { subject, step: "app-secret".into() }).expect("a failure");
        assert_eq!((failure.class, failure.count, failure.generation), (FailureClass::TooFast, 3, 2));
        let other = FailureKey { subject: Subject::User(user), step: "".into() };
        assert_eq!(world.failures.get(&other).map(|failure| failure.count), Some(1));
    }
}

#[test]
fn the_namespace_of_the_operator_says_which_journal_is_ours() {
    let text = journal("aivenator", ENTRIES) + &journal("elsewhere", "  broken: x");
    let sources = [source("a.yaml", &text)];
    let unreadable = |namespace| {
        let world = read(&sources, empty(), Some(namespace)).expect("a world");
        world.journal().map(|journal| journal.unreadable.len())
    };
    assert_eq!((unreadable("aivenator"), unreadable("elsewhere"), unreadable("nowhere")), (Some(4), Some(1), Some(0)));
}

#[test]
fn the_same_object_in_two_files_names_both() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {namespace: team, name: a}\n";
    let sources = [source("a.yaml", text), source("<stdin>", &format!("---\n# empty\n---\n{text}"))];
    let error = read(&sources, empty(), None).expect_err("it is there twice").to_string();
    assert_eq!(
        error,
        "<stdin>: document 2 (Secret team/a): the same object is also in a.yaml: document 1 (Secret team/a)"
    );
}

#[test]
fn texts_that_recur_are_kept_once() {
    let one = |name: &str| {
        let body = "data: {KAFKA_BROKERS: YQ==}";
        format!("---\n{}", secret(MANAGED, body).replace("app-secret", name))
    };
    let world = world_of(&(one("a") + &one("b")));
    let key = |name| {
        let secret = managed(&world, "team", name);
        let (key, _) = secret.data.seen().and_then(|keys| keys.iter().next()).expect("a key");
        key.as_str().as_ptr()
    };
    assert_eq!(key("a"), key("b"));
}

/// Every type error in every place of a document that holds secrets.
#[test]
fn no_error_shows_a_secret_wherever_it_stands() {
    let whole = secret(MANAGED, &format!("data: {{A: {CANARY}}}\nstringData: {{B: {CANARY}}}\n"));
    let project = PROJECT.replace("present", CANARY).replace("kafka", CANARY);
    for (from, to) in [
        ("{", "["),
        ("}", ""),
        (":", ""),
        ("- ", "-"),
        ("\"", "'"),
        (": ", ": !"),
        (": ", ": *"),
        (": ", ": ["),
        ("\n", "\n "),
    ] {
        for text in [&whole, &project] {
            for (place, _) in text.match_indices(from) {
                let broken = format!("{}{to}{}", &text[..place], &text[place + from.len()..]);
                if let Err(error) = read(&[source("a.yaml", &broken)], empty(), None) {
                    // As the name of an object or of a key a text cannot be a secret.
                    let message = error.to_string().replace(&format!("[\"{CANARY}"), "");
                    assert!(!message.contains(CANARY) || message.contains("given twice"), "{message}\n{broken}");
                    assert!(!message.contains('\n'), "{message}");
                }
            }
        }
    }
    assert!(error_of(&whole).contains("data.A: expected base64"));
}

fn valid_documents() -> impl Strategy<Value = String> {
    let all = [APPLICATION, PROJECT, OBSERVATION].map(str::to_owned).into_iter();
    let more = [
        journal("aivenator", ENTRIES),
        secret(MANAGED, "data: {KAFKA_CERTIFICATE: YQ==}"),
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{namespace: team, name: w}}\nspec: {POD_SPEC}\n"),
    ];
    proptest::sample::select(all.chain(more).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the text, there is a world or an error of one line.
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        if let Err(error) = read(&[source("a.yaml", &text)], empty(), None) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    /// The same for documents with a piece cut out and another put in.
    #[test]
    fn mutated_documents_are_read_or_refused(
        text in valid_documents(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..40,
        piece in "[-\\]\\[{}:,#&*!|>'\"%@\\\\ \n\ta0\u{e6}]{0,6}|null|true|[0-9]{1,20}|---|~",
    ) {
        let chars: Vec<char> = text.chars().collect();
        let from = from.index(chars.len());
        let to = chars.len().min(from + length);
        let mutated: String = chars[..from].iter().copied().chain(piece.chars()).chain(chars[to..].iter().copied()).collect();
        if let Err(error) = read(&[source("a.yaml", &mutated)], empty(), Some("aivenator")) {
            let message = error.to_string();
            prop_assert!(!message.contains('\n') && !message.contains(CANARY), "{message}");
        }
    }
}
