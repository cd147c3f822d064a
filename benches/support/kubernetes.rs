//! The Kubernetes side: applications whose status says that all is well, secrets that are right, and pods that run.

use std::collections::BTreeMap;

use aivenator::value::Credential;
use aivenator::want::{IfAbsent, KeyWant, ServiceType, Source, Target, Want};
use aivenator::world::{
    Application, Condition, Content, InstanceSpec, KafkaSpec, Lookup, Name, Observed, RolloutState, Secret, SecretKey,
    ServiceKey, Spec, Status, Stores, Timestamp, UserKey, Validity, Workload, WorkloadKey, WorkloadKind, World, names,
};

use super::{IN_A_YEAR, MAIN_PROJECT, MONTH_AGO, Member, PODS, Space, VALKEY_INSTANCE, text};

/// The applications of a namespace.
pub(super) fn applications(space: &Space) -> Vec<Application> {
    space.members.iter().map(|member| application(space, member)).collect()
}

fn application(space: &Space, member: &Member) -> Application {
    let mut application = Application::new(space.key(member), spec(space, member));
    let condition = |kind: &str, status: &str| Condition {
        kind: text(kind),
        status: text(status),
        reason: text("UpToDate"),
        message: text("everything that is asked for is there"),
    };
    application.status = Status {
        hash: text(application.hash()),
        state: text(RolloutState::Complete.as_str()),
        synchronized_generation: 1,
        observed_generation: 1,
        conditions: vec![
            condition(names::SUCCEEDED, "True"),
            condition(names::AIVEN_FAILURE, "False"),
            condition(names::LOCAL_FAILURE, "False"),
        ],
    };
    [application.uid, application.version] = identity(&application.key.to_string());
    application.created = Some(MONTH_AGO);
    application.correlation_id = correlation_id(member);
    application
}

fn spec(space: &Space, member: &Member) -> Spec {
    let secret_name = |service_type| Some(text(&secret_name(member, service_type)));
    let instance = |service_type, instance: &str| InstanceSpec {
        instance: text(instance),
        access: None,
        secret_name: secret_name(service_type),
    };
    Spec {
        kafka: Some(KafkaSpec { pool: text(space.pool), secret_name: secret_name(ServiceType::Kafka) }),
        open_search: Some(instance(ServiceType::OpenSearch, &space.opensearch())),
        valkey: vec![instance(ServiceType::Valkey, VALKEY_INSTANCE)],
        ..Spec::default()
    }
}

/// The secrets of a namespace, as right as the Aiven side of this world makes them.
pub(super) fn secrets(space: &Space, aiven: &World) -> Vec<Secret> {
    let of = |member: &Member| {
        let app = Application::new(space.key(member), spec(space, member));
        let targets: Vec<Target> = app.targets().map(<[Target]>::to_vec).unwrap_or_default();
        targets.into_iter().map(|target| secret(space, member, &target, aiven)).collect::<Vec<_>>()
    };
    space.members.iter().flat_map(of).collect()
}

fn secret(space: &Space, member: &Member, target: &Target, aiven: &World) -> Secret {
    let mut annotations = texts(&[(names::PROTECTED, "false")]);
    annotations.insert(text(names::CORRELATION_ID), correlation_id(member));
    let ca = ca(aiven, MAIN_PROJECT).map(|ca| (text("AIVEN_CA"), ca));
    let mut keys = vec![(text("AIVEN_SECRET_UPDATED"), Content::Opaque)];
    keys.extend(ca);
    for want in &target.wants {
        let user = user(space, member, want.service_type);
        annotations.extend(record(want, &user));
        keys.extend(want.keys().filter_map(|(key, want)| Some((text(&key), content((&key, want), &user, aiven)?))));
    }
    let is_kafka = annotations.contains_key(names::KEYSTORES);
    let key = SecretKey::new(text(&space.name), target.secret.clone());
    let mut secret = Secret::new(key, annotations);
    [secret.uid, secret.version] = identity(&secret.key.to_string());
    secret.created = Some(MONTH_AGO);
    secret.finalizer = true;
    secret.labels = texts(&[
        (names::APP, &member.name),
        (names::TEAM, &space.name),
        (names::TYPE, names::TYPE_VALUE),
        (names::SECRET_GENERATION, "0"),
        (names::PROTECTED, "false"),
    ])
    .into_iter()
    .collect();
    secret.set_data(Observed::Seen(keys.into_iter().collect()));
    secret.stores = if is_kafka { Stores::Fit } else { Stores::NotNoted };
    secret.certificate = is_kafka.then_some(Validity { from: MONTH_AGO, until: IN_A_YEAR });
    secret.written = Some(MONTH_AGO);
    secret
}

/// The user that the secret records.
fn user(space: &Space, member: &Member, service_type: ServiceType) -> UserKey {
    let (service, username) = match service_type {
        ServiceType::Kafka => (ServiceKey::new(text(space.pool), text("kafka")), &member.kafka_user),
        ServiceType::OpenSearch => {
            (ServiceKey::new(text(MAIN_PROJECT), text(&space.opensearch())), &member.opensearch_user)
        }
        ServiceType::Valkey => (ServiceKey::new(text(MAIN_PROJECT), text(&space.valkey())), &member.valkey_user),
    };
    service.user(text(username))
}

/// The annotations that record it.
fn record(want: &Want, user: &UserKey) -> BTreeMap<Name, Name> {
    let UserKey { project, service, username } = user;
    match want.service_type {
        ServiceType::Kafka => texts(&[
            ("kafka.aiven.nais.io/serviceUser", username),
            ("kafka.aiven.nais.io/pool", project),
            (names::KEYSTORES, &"0123456789abcdef".repeat(8)),
        ]),
        ServiceType::OpenSearch => texts(&[
            ("opensearch.aiven.nais.io/serviceUser", username),
            ("opensearch.aiven.nais.io/serviceName", service),
            ("opensearch.aiven.nais.io/project", project),
        ]),
        ServiceType::Valkey => texts(&[
            (&format!("{}.valkey.aiven.nais.io/serviceUser", want.slot), username),
            (&format!("{}.valkey.aiven.nais.io/serviceName", want.slot), service),
            ("valkey.aiven.nais.io/project", project),
        ]),
    }
}

/// What a key holds when all is well; `None` where the secret has no such key.
fn content((key, want): (&Name, &KeyWant), user: &UserKey, aiven: &World) -> Option<Content> {
    let digest = |content: &str| Some(aiven.digester().content(content.as_bytes()));
    match want.source {
        Source::Username => digest(&user.username),
        Source::Constant(constant) => digest(constant),
        Source::Ca => ca(aiven, &user.project),
        Source::Keystore | Source::Truststore | Source::Clock => digest(key),
        Source::Credential(credential) => {
            let Lookup::Found(user) = aiven.user(user) else { return None };
            match credential {
                Credential::Password => user.password,
                Credential::Certificate => user.certificate,
                Credential::PrivateKey => user.private_key,
            }
        }
        Source::Address(address, absent) => {
            let Lookup::Found(service) = aiven.service(&user.service_key()) else { return None };
            match (&service.address(address)?.text, absent) {
                (Some(found), _) => digest(found),
                (None, IfAbsent::Text(instead)) => digest(instead),
                (None, IfAbsent::Wait | IfAbsent::LeaveOut) => None,
            }
        }
    }
}

fn ca(aiven: &World, project: &str) -> Option<Content> {
    let Lookup::Found(project) = aiven.project(project) else { return None };
    project.ca.seen().copied()
}

/// The pods of a namespace.
pub(super) fn pods(space: &Space) -> Vec<(Name, WorkloadKey, Workload)> {
    let one = |member: &Member, number: u32| {
        let name = text(&format!("{}-{:010x}-{number:05x}", member.name, member.name.len()));
        let secrets = ServiceType::ALL.into_iter().map(|service_type| text(&secret_name(member, service_type)));
        let started: Option<Timestamp> = Some(MONTH_AGO);
        let key = WorkloadKey { kind: WorkloadKind::Pod, name };
        (text(&space.name), key, Workload { started, secrets: secrets.collect() })
    };
    space.members.iter().flat_map(|member| (0..PODS).map(move |number| one(member, number))).collect()
}

fn secret_name(member: &Member, service_type: ServiceType) -> String {
    format!("aiven-{}-{service_type}", member.name)
}

fn correlation_id(member: &Member) -> Name {
    text(&identity(&member.name)[0])
}

/// A uid and a version, made of a text.
fn identity(text: &str) -> [Name; 2] {
    let number = text.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    [format!("5b5d1d19-0c4e-4b6f-8a4e-{:012x}", number >> 16).into(), format!("{}", number % 1_000_000_000).into()]
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<Name, Name> {
    pairs.iter().map(|(key, value)| (text(key), text(value))).collect()
}
