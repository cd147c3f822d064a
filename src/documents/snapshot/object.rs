//! The objects of one namespace, reduced to what a world holds of them.

use serde_json::{Value, json};

use super::{Members, content};
use crate::world::{
    Application, Condition, Entry, InstanceSpec, KafkaSpec, Name, Namespace, Observed, Secret, Spec, Status, Timestamp,
    Workload, WorkloadKey, WorkloadKind, World, names,
};

/// Every object in a namespace, one document each.
pub(super) fn of_namespace(world: &World, (namespace, space): (&Name, &Namespace)) -> Vec<Value> {
    let applications = space.applications().map(|app| application(app, world.now));
    let secrets = space.entries().filter_map(|(name, entry)| match entry {
        Entry::Managed(managed) => Some(secret(managed, world.now)),
        Entry::Foreign { terminating } => {
            let metadata = Members::default().time("deletionTimestamp", terminating.then_some(world.now));
            Some(document(("v1", "Secret"), (namespace, name), metadata))
        }
        Entry::Absent => None,
    });
    let workloads = space.workloads().map(|(key, found)| workload(namespace, key, found));
    let instances = space
        .instances()
        .filter_map(|((of, name), state)| Some(instance(of.instance_kind()?, (namespace, name), state)));
    applications.chain(secrets).chain(workloads).chain(instances).collect()
}

fn document((api_version, kind): (&str, &str), (namespace, name): (&str, &str), metadata: Members) -> Value {
    let metadata = metadata.with("namespace", json!(namespace)).with("name", json!(name));
    Members::default().with("apiVersion", json!(api_version)).with("kind", json!(kind)).map("metadata", metadata).into()
}

/// The same document with these members too.
fn with(document: Value, members: Members) -> Value {
    match document {
        Value::Object(mut all) => {
            all.extend(members.0);
            Value::Object(all)
        }
        other => other,
    }
}

/// What every object says of itself; when its deletion began is not kept, so that it is now.
fn metadata((uid, version): (&str, &str), created: Option<Timestamp>, deleted: Option<Timestamp>) -> Members {
    let members = Members::default().text("uid", uid).text("resourceVersion", version);
    members.time("creationTimestamp", created).time("deletionTimestamp", deleted)
}

fn application(app: &Application, now: Timestamp) -> Value {
    let ending = app.terminating.then_some(now);
    let annotations = Members::default()
        .maybe(names::PAUSED, app.paused.then_some(json!("true")))
        .text(names::CORRELATION_ID, &app.correlation_id);
    let generation = app.secret_generation;
    let labels =
        Members::default().maybe(names::SECRET_GENERATION, (generation != 0).then(|| json!(generation.to_string())));
    let metadata = metadata((&app.uid, &app.version), app.created, ending)
        .with("generation", json!(app.generation))
        .map("labels", labels)
        .map("annotations", annotations);
    let object = document(("aiven.nais.io/v1", "AivenApplication"), (&app.key.namespace, &app.key.name), metadata);
    with(object, Members::default().with("spec", spec(&app.spec)).map("status", status(&app.status)))
}

fn spec(spec: &Spec) -> Value {
    let Spec { secret_name, protected, expires_at, kafka, open_search, valkey } = spec;
    let kafka = kafka.as_ref().map(|KafkaSpec { pool, secret_name }| {
        Value::from(Members::default().with("pool", json!(pool)).maybe("secretName", named(secret_name.as_ref())))
    });
    Members::default()
        .maybe("secretName", named(secret_name.as_ref()))
        .flag("protected", *protected)
        .time("expiresAt", *expires_at)
        .maybe("kafka", kafka)
        .maybe("openSearch", open_search.as_ref().map(instance_spec))
        .list("valkey", valkey.iter().map(instance_spec).collect())
        .into()
}

fn instance_spec(spec: &InstanceSpec) -> Value {
    let InstanceSpec { instance, access, secret_name } = spec;
    Members::default()
        .with("instance", json!(instance))
        .maybe("access", access.map(|access| json!(access.as_str())))
        .maybe("secretName", named(secret_name.as_ref()))
        .into()
}

fn named(name: Option<&Name>) -> Option<Value> {
    name.map(|name| json!(name))
}

fn status(status: &Status) -> Members {
    let Status { hash, state, synchronized_generation, observed_generation, conditions } = status;
    let number = |number: i64| (number != 0).then(|| json!(number));
    Members::default()
        .text("synchronizationHash", hash)
        .text("synchronizationState", state)
        .maybe("synchronizedGeneration", number(*synchronized_generation))
        .maybe("observedGeneration", number(*observed_generation))
        .list("conditions", conditions.iter().map(condition).collect())
}

fn condition(condition: &Condition) -> Value {
    let Condition { kind, status, reason, message } = condition;
    let members = Members::default().with("type", json!(kind)).with("status", json!(status));
    members.text("reason", reason).text("message", message).into()
}

fn secret(secret: &Secret, now: Timestamp) -> Value {
    let texts = |all: &std::collections::BTreeMap<Name, Name>| {
        all.iter().fold(Members::default(), |members, (key, value)| members.with(key, json!(value)))
    };
    let label = |members: Members, (key, value): (&str, &Name)| members.with(key, json!(value));
    let labels = secret.labels.iter().fold(Members::default(), label);
    let metadata = metadata((&secret.uid, &secret.version), secret.created, secret.terminating.then_some(now))
        .map("labels", labels)
        .map("annotations", texts(secret.annotations()))
        .list("finalizers", secret.finalizer.then(|| json!(names::FINALIZER)).into_iter().collect());
    let data = match secret.data() {
        Observed::Seen(keys) => {
            let keys = keys.iter().fold(Members::default(), |members, (key, of)| members.with(key, content(of)));
            Some(Value::from(keys))
        }
        Observed::Unseen(_) => None,
    };
    let object = document(("v1", "Secret"), (&secret.key.namespace, &secret.key.name), metadata);
    with(object, Members::default().flag("immutable", secret.immutable).maybe("data", data))
}

fn workload(namespace: &Name, key: &WorkloadKey, workload: &Workload) -> Value {
    let volumes = workload.secrets.iter().map(|secret| json!({"secret": {"secretName": secret}}));
    let pod = json!({"volumes": volumes.collect::<Vec<_>>()});
    let (api_version, spec) = match key.kind {
        WorkloadKind::Pod => ("v1", pod),
        WorkloadKind::CronJob => ("batch/v1", json!({"jobTemplate": {"spec": {"template": {"spec": pod}}}})),
        WorkloadKind::Job => ("batch/v1", json!({"template": {"spec": pod}})),
        WorkloadKind::DaemonSet | WorkloadKind::Deployment | WorkloadKind::ReplicaSet | WorkloadKind::StatefulSet => {
            ("apps/v1", json!({"template": {"spec": pod}}))
        }
    };
    let status = Members::default().time("startTime", workload.started);
    let object = document((api_version, key.kind.as_str()), (namespace, &key.name), Members::default());
    with(object, Members::default().with("spec", spec).map("status", status))
}

fn instance(kind: &str, key: (&Name, &Name), state: &Name) -> Value {
    let object = document(("aiven.io/v1alpha1", kind), (key.0, key.1), Members::default());
    with(object, Members::default().map("status", Members::default().text("state", state)))
}
