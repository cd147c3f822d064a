//! Plans made by hand, one per thing that a reader has to understand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aivenator::action::{AccessRules, Action, ConditionSet, Operation, UpdateStatus, WriteKeys};
use aivenator::plan::{Decision, Part, Plan, Planned, Step, Verdict};
use aivenator::read::Read;
use aivenator::reason::{Drift, Hold, Reason, Unwanted};
use aivenator::value::{Credential, Value};
use aivenator::want::ServiceType;
use aivenator::world::{
    Access, AppKey, ConsumerKind, ConsumerRef, Expect, Name, SecretKey, ServiceKey, Subject, Timestamp, UserKey,
    WorkloadKind,
};

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn now() -> Timestamp {
    time("2026-11-20T12:00:00Z")
}

pub(super) fn empty() -> Plan {
    Plan { now: now(), decisions: vec![], reads: BTreeSet::new(), wake_at: None }
}

fn names<const N: usize>(names: [&str; N]) -> Vec<Name> {
    names.into_iter().map(Name::from).collect()
}

fn kafka_user(username: &str) -> UserKey {
    ServiceKey::new("dev-nais-dev", "kafka").user(username.into())
}

fn valkey_user() -> UserKey {
    ServiceKey::new("dev-nais-dev", "valkey-basseng-sessions").user("web-rw-1my".into())
}

fn search_user(username: &str) -> UserKey {
    ServiceKey::new("dev-nais-dev", "opensearch-basseng-logs").user(username.into())
}

fn expect() -> Expect {
    Expect { uid: "1f".into(), version: "17".into() }
}

fn application(name: &str, verdict: Verdict, reason: Reason) -> Decision {
    let subject = Subject::Application(AppKey::new("basseng", name));
    Decision { subject, verdict, reason, parts: vec![], actions: vec![] }
}

fn secret(name: &str, verdict: Verdict, reason: Reason) -> Decision {
    let subject = Subject::Secret(SecretKey::new("basseng", name));
    Decision { subject, verdict, reason, parts: vec![], actions: vec![] }
}

fn part(service: ServiceType, instance: &str, secret: &str, verdict: (Verdict, Reason)) -> Part {
    let (verdict, reason) = verdict;
    Part { service, instance: instance.into(), secret: secret.into(), verdict, reason }
}

fn does(step: &str, action: Action) -> Planned {
    let step = if step == "status" { Step::Status } else { Step::Secret(step.into()) };
    Planned { step, action }
}

fn status(name: &str, state: &str, conditions: &[(&str, &str, &str)]) -> Planned {
    let conditions = conditions.iter().map(|(kind, status, reason)| ConditionSet {
        kind: (*kind).into(),
        status: (*status).into(),
        reason: (*reason).into(),
        message: "Validate: in words".into(),
        changed: true,
    });
    let update = UpdateStatus {
        namespace: "basseng".into(),
        name: name.into(),
        expect: expect(),
        state: state.into(),
        hash: "4264acf8ec09e93".into(),
        observed_generation: 3,
        synchronized_generation: 3,
        conditions: conditions.collect(),
        was: "".into(),
        gone: vec![],
    };
    does("status", Action::UpdateStatus(update.into()))
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn write(name: &str, operation: Operation, set: Vec<(&str, Value)>) -> WriteKeys {
    WriteKeys {
        namespace: "basseng".into(),
        name: name.into(),
        expect: (operation == Operation::Patch).then(expect),
        operation,
        set: set.into_iter().map(|(key, value)| (key.into(), value)).collect(),
        remove: vec![],
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        finalizers: vec![],
        why: None,
    }
}

fn kafka_keys(user: &UserKey) -> Vec<(&'static str, Value)> {
    let of = |field| Value::User { field, user: user.clone() };
    let ca = Value::Ca { project: "dev-nais-dev".into() };
    vec![
        ("AIVEN_CA", ca.clone()),
        ("AIVEN_SECRET_UPDATED", Value::Clock),
        ("KAFKA_BROKERS", text("kafka-dev-nais-dev.aivencloud.com:26484")),
        ("KAFKA_CA", ca),
        ("KAFKA_CERTIFICATE", of(Credential::Certificate)),
        ("KAFKA_CREDSTORE_PASSWORD", text("changeme")),
        ("KAFKA_PRIVATE_KEY", of(Credential::PrivateKey)),
        ("KAFKA_SCHEMA_REGISTRY", text("https://kafka-dev-nais-dev.aivencloud.com:26487")),
        ("KAFKA_SCHEMA_REGISTRY_PASSWORD", of(Credential::Password)),
        ("KAFKA_SCHEMA_REGISTRY_USER", text(&user.username)),
        ("KAFKA_SECRET_UPDATED", Value::Clock),
        ("client.keystore.p12", Value::Keystore { user: user.clone() }),
        ("client.truststore.jks", Value::Truststore { project: "dev-nais-dev".into() }),
    ]
}

fn create_kafka_secret() -> WriteKeys {
    let user = kafka_user("basseng_kafka-test_5b5d1d19_1my");
    let mut write = write("kafka-test", Operation::Create, kafka_keys(&user));
    let labels = [
        ("app", "kafka-test"),
        ("team", "basseng"),
        ("type", "aivenator.aiven.nais.io"),
        ("aiven.nais.io/secret-generation", "0"),
        ("aivenator.aiven.nais.io/protected", "false"),
    ];
    write.labels = labels.into_iter().map(|(name, value)| (name.into(), Some(value.into()))).collect();
    let annotations = [
        ("kafka.aiven.nais.io/serviceUser", text(&user.username)),
        ("kafka.aiven.nais.io/pool", text("dev-nais-dev")),
        ("nais.io/deploymentCorrelationID", text("")),
        ("aivenator.aiven.nais.io/protected", text("false")),
        ("aivenator.aiven.nais.io/keystores", Value::StoreDigests),
    ];
    write.annotations = annotations.into_iter().map(|(name, value)| (name.into(), Some(value))).collect();
    write.finalizers = names(["aivenator.aiven.nais.io/finalizer"]);
    write
}

/// A first application: everything is made.
pub(super) fn first() -> Plan {
    let user = kafka_user("basseng_kafka-test_5b5d1d19_1my");
    let missing = Reason::SecretMissing { secret: "kafka-test".into() };
    let mut decision = application("kafka-test", Verdict::Change, missing.clone());
    decision.parts = vec![part(ServiceType::Kafka, "dev-nais-dev", "kafka-test", (Verdict::Change, missing))];
    let intent = Action::RecordIntent {
        user: user.clone(),
        namespace: "basseng".into(),
        secret: "kafka-test".into(),
        application: "kafka-test".into(),
        application_uid: "1f".into(),
    };
    decision.actions = vec![
        does("kafka-test", intent),
        does("kafka-test", Action::CreateUser { user, access: None }),
        does("kafka-test", Action::WriteKeys(create_kafka_secret().into())),
        status("kafka-test", "RolloutComplete", &[("Succeeded", "True", "SecretMissing")]),
    ];
    Plan { decisions: vec![decision], ..empty() }
}

fn session_rules() -> AccessRules {
    AccessRules {
        categories: names(["-@all", "+@connection", "+@scripting", "+@pubsub", "+@transaction", "+@write", "+@read"]),
        commands: names(["+info", "+cluster|slots"]),
        keys: names(["*"]),
        channels: names(["*"]),
    }
}

/// A correction of a secret for Valkey that once held OpenSearch too.
fn patch_sessions() -> WriteKeys {
    let mut patch = write(
        "web-sessions",
        Operation::Patch,
        vec![
            ("AIVEN_SECRET_UPDATED", Value::Clock),
            ("REDIS_PASSWORD_SESSIONS", Value::User { field: Credential::Password, user: valkey_user() }),
            ("VALKEY_PASSWORD_SESSIONS", Value::User { field: Credential::Password, user: valkey_user() }),
            ("VALKEY_URI_SESSIONS", text("valkeys://valkey-basseng-sessions.aivencloud.com:26483")),
        ],
    );
    patch.remove = names(["OPEN_SEARCH_URI", "OPEN_SEARCH_HOST"]);
    let old = "aivenator.aiven.nais.io/expires-at";
    patch.annotations = BTreeMap::from([(old.into(), None)]);
    patch
}

/// An application with several secrets: one is made, one is corrected, one waits, one stays.
pub(super) fn several() -> Plan {
    let rights = Drift::Access { user: valkey_user(), has: Some(Access::Read), asked: Access::ReadWrite };
    let drifted = Reason::Drifted { what: vec![Drift::KeysMissing(names(["VALKEY_URI_SESSIONS"])), rights] };
    let missing = Reason::SecretMissing { secret: "web-search".into() };
    let not_ready = Reason::InstanceNotReady { name: "valkey-basseng-cache".into(), state: "REBUILDING".into() };
    let mut decision = application("web", Verdict::Wait, not_ready.clone());
    decision.parts = vec![
        part(ServiceType::Kafka, "dev-nais-dev", "web-kafka", (Verdict::Keep, Reason::UpToDate)),
        part(ServiceType::OpenSearch, "logs", "web-search", (Verdict::Change, missing)),
        part(ServiceType::Valkey, "sessions", "web-sessions", (Verdict::Change, drifted)),
        part(ServiceType::Valkey, "cache", "web-cache", (Verdict::Wait, not_ready)),
    ];
    let search = search_user("basseng-r-1my");
    decision.actions = vec![
        does("web-search", Action::CreateUser { user: search.clone(), access: None }),
        does("web-search", Action::EnableAcl { project: search.project.clone(), service: search.service.clone() }),
        does("web-search", Action::GrantAcl { user: search, permission: "read".into() }),
        does(
            "web-search",
            Action::WriteKeys(Box::new(write(
                "web-search",
                Operation::Create,
                vec![("OPEN_SEARCH_URI", text("https://opensearch-basseng-logs.aivencloud.com:26482"))],
            ))),
        ),
        does("web-sessions", Action::SetAccess { user: valkey_user(), access: session_rules() }),
        does("web-sessions", Action::WriteKeys(patch_sessions().into())),
        status("web", "RolloutFailed", &[("LocalFailure", "True", "InstanceNotReady")]),
    ];
    let retry = time("2026-11-20T12:01:40Z");
    Plan { decisions: vec![decision], wake_at: Some(retry), ..empty() }
}

/// Secrets that nothing asks for and that stay.
fn staying() -> [Decision; 2] {
    let mut protected = secret(
        "precious",
        Verdict::Keep,
        Reason::Protected { until: Some(time("2027-01-01T00:00:00Z")), unreadable: false },
    );
    protected.actions = vec![does(
        "precious",
        Action::SkipProtected {
            namespace: "basseng".into(),
            name: "precious".into(),
            expires_at: Some(time("2027-01-01T00:00:00Z")),
        },
    )];
    let pods = Arc::from([ConsumerRef { kind: ConsumerKind::Workload(WorkloadKind::Pod), name: "web-1".into() }]);
    let mut rollback = secret("rollback", Verdict::Keep, Reason::InUse { by: Arc::clone(&pods) });
    rollback.actions = vec![does(
        "rollback",
        Action::KeepSecret { namespace: "basseng".into(), name: "rollback".into(), used_by: pods },
    )];
    [protected, rollback]
}

/// A secret that a person deletes, and its users.
fn going() -> Decision {
    let mut terminating = secret("going", Verdict::Change, Reason::Terminating { what: "secret going".into() });
    let shared = kafka_user("basseng_shared_11223344_abc");
    terminating.actions = vec![
        does("going", Action::RevokeAcl { user: search_user("basseng-rw-9my") }),
        does("going", Action::DeleteUser { user: search_user("basseng-rw-9my") }),
        does("going", Action::KeepUser { user: shared.clone(), used_by: names(["basseng/other"]) }),
        does(
            "going",
            Action::ClearIntent {
                user: search_user("basseng-rw-9my"),
                namespace: "basseng".into(),
                secret: "going".into(),
                left_behind: false,
                retired: false,
            },
        ),
        does(
            "going",
            Action::ReleaseSecret {
                namespace: "basseng".into(),
                name: "going".into(),
                left_behind: vec![shared],
                expect: expect(),
            },
        ),
    ];
    terminating
}

/// Everything that can end, and what stands in its way.
pub(super) fn endings() -> Plan {
    let mut expired = application("old", Verdict::Change, Reason::Expired { at: time("2026-11-20T11:59:00Z") });
    let (namespace, name): (Name, Name) = ("basseng".into(), "old".into());
    expired.actions = vec![does("status", Action::DeleteApplication { namespace, name, expect: expect() })];
    let mut forgotten = secret("forgotten", Verdict::Change, Reason::Unused);
    forgotten.actions = vec![does(
        "forgotten",
        Action::DeleteSecret { namespace: "basseng".into(), name: "forgotten".into(), expect: expect() },
    )];
    let [protected, rollback] = staying();
    let young = secret("young", Verdict::Keep, Reason::TooYoung { until: time("2026-11-20T12:07:30Z") });
    let limit = secret("zombie", Verdict::Wait, Reason::DeletionLimit { wanted: 400, allowed: 120 });
    let user = kafka_user("basseng_gone_11223344_abc");
    let abandoned = Decision {
        subject: Subject::User(user.clone()),
        verdict: Verdict::Change,
        reason: Reason::Abandoned {
            secret: SecretKey::new("basseng", "gone"),
            application: "gone".into(),
            why: Unwanted::Gone,
        },
        parts: vec![],
        actions: vec![does("gone", Action::DeleteUser { user })],
    };
    let decisions = vec![expired, forgotten, going(), protected, rollback, young, limit, abandoned];
    Plan { decisions, wake_at: Some(time("2026-11-20T12:07:30Z")), ..empty() }
}

/// What cannot be, what was not seen, and a user that is replaced.
pub(super) fn trouble() -> Plan {
    let pool = Reason::PoolNotAllowed { pool: "nav-prod".into(), service: ServiceType::Kafka, held: false };
    let mut refused = application("greedy", Verdict::Refuse, pool);
    refused.actions = vec![status("greedy", "RolloutFailed", &[("LocalFailure", "True", "PoolNotAllowed")])];
    let read = Read::Project("dev-nais-dev".into());
    let why = "Aiven project dev-nais-dev was not observed: add its AivenProject document";
    let unseen = application("unseen", Verdict::Wait, Reason::NotObserved { what: read.clone(), why: why.into() });
    let old = kafka_user("basseng_worn_11223344_old");
    let mut rotated = application(
        "worn",
        Verdict::Change,
        Reason::RotationDue { user: old.clone(), since: time("2025-11-20T12:00:00Z") },
    );
    rotated.actions = vec![does(
        "worn",
        Action::RetireUser {
            user: old.clone(),
            namespace: "basseng".into(),
            secret: "worn".into(),
            application: "worn".into(),
        },
    )];
    let pods = Hold::Pods { pods: names(["worn-7d9-x2x"]), overdue: Some(jiff::SignedDuration::from_hours(7 * 24)) };
    let retiring = secret("worn", Verdict::Wait, Reason::Retiring { user: old, hold: pods });
    Plan { decisions: vec![refused, unseen, rotated, retiring], reads: BTreeSet::from([read]), ..empty() }
}

/// So many applications and secrets that are as they have to be, and what of them one may see.
pub(super) fn calm(count: usize) -> Plan {
    let app = |number: usize| application(&format!("app-{number:04}"), Verdict::Keep, Reason::UpToDate);
    let kept = |number: usize| {
        let by = [ConsumerRef { kind: ConsumerKind::AivenApplication, name: format!("app-{number:04}").into() }];
        secret(&format!("app-{number:04}"), Verdict::Keep, Reason::InUse { by: by.into() })
    };
    Plan { decisions: (0..count).map(app).chain((0..count).map(kept)).collect(), ..empty() }
}

/// Every plan.
pub(super) fn all() -> Vec<Plan> {
    vec![empty(), first(), several(), endings(), trouble(), calm(2)]
}
