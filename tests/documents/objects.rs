//! Applications and Secrets, as `kubectl` prints them.

use super::*;

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

pub(super) const APPLICATION: &str = r#"
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
    assert_eq!(app.spec.valkey[0].access.map(aivenator::world::Access::as_str), Some("readwrite"));
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

pub(super) fn secret(metadata: &str, body: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{namespace: team, name: app-secret, {metadata}}}\n{body}\n")
}

pub(super) const MANAGED: &str = "labels: {type: aivenator.aiven.nais.io, app: app, other: label}";

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
    let labels = [("app", "app"), ("type", "aivenator.aiven.nais.io")];
    assert_eq!(secret.labels, labels.map(|(label, value)| (label.into(), value.into())).into_iter().collect());
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
    assert!(matches!(managed(&world_of(&secret(MANAGED, "")), "team", "app-secret").data(), Observed::Unseen(_)));
    let empty = managed(&world_of(&secret(MANAGED, "data: {}")), "team", "app-secret");
    assert_eq!(empty.data().seen().map(|keys| keys.iter().count()), Some(0));
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
