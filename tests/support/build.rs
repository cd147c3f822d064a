//! From the input to the world: first what the planner makes of the applications, then everything that happens to it.

use std::collections::{BTreeMap, BTreeSet};

use aivenator::plan::plan;
use aivenator::sim;
use aivenator::want::ServiceType;
use aivenator::world::{
    Access, AppKey, Application, Component, DeletionCap, Digester, Failure, FailureClass, FailureKey, InstanceSpec,
    Intent, KafkaSpec, Lookup, Name, Observed, Outcome, Project, Retirement, SecretKey, Service, Settings, Spec,
    Subject, Timestamp, User, UserKey, Workload, WorkloadKey, WorkloadKind, World,
};
use jiff::SignedDuration;

use super::account::{service_key, user_key};
use super::hide::hide;
use super::input::*;
use super::secrets::edit_secret;

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub fn minutes(from: Timestamp, minutes: i64) -> Timestamp {
    from + SignedDuration::from_mins(minutes)
}

/// The world of an input, as far as it was read.
pub fn world(input: &Input) -> World {
    hide(&whole_world(input), &input.unseen)
}

/// The world of an input, all of it.
pub fn whole_world(input: &Input) -> World {
    let mut world = empty_world(&input.settings);
    put_instances(&mut world, &input.instances);
    for app in &input.apps {
        put_app(&mut world, app);
    }
    for _ in 0..input.rounds {
        let next = sim::execute(&world, &plan(&world));
        world = next;
    }
    for (index, access) in &input.accesses {
        if let Some(app) = input.apps.get(*index) {
            put_app(&mut world, &with_access(app, *access));
        }
    }
    for app in &input.changes {
        put_app(&mut world, app);
    }
    for user in &input.users {
        put_user(&mut world, user);
    }
    for secret in &input.secrets {
        edit_secret(&mut world, secret);
    }
    for intent in &input.intents {
        put_intent(&mut world, intent);
    }
    for failure in &input.failures {
        put_failure(&mut world, failure);
    }
    world = sim::wait_until(&world, minutes(now(), input.minutes));
    for (index, workload) in input.workloads.iter().enumerate() {
        put_workload(&mut world, index, workload);
    }
    world
}

fn with_access(app: &AppInput, access: Access) -> AppInput {
    let other = |(instance, _, secret): &(Pick, Access, Option<Pick>)| (*instance, access, *secret);
    AppInput {
        open_search: app.open_search.as_ref().map(other),
        valkey: app.valkey.iter().map(other).collect(),
        ..app.clone()
    }
}

pub fn empty_world(input: &SettingsInput) -> World {
    let settings = Settings {
        projects: BTreeSet::from([POOLS[0].into(), POOLS[1].into()]),
        main_project: POOLS[0].into(),
        cluster_name: input.cluster.then(|| "prod".into()),
        instance_check: !input.no_instance_check,
        max_deletions: input.cap.map_or(DeletionCap::default(), DeletionCap::Count),
        rotate_after: input.rotate.then(|| SignedDuration::from_mins(30)),
        ..Settings::default()
    };
    let mut world = World::new(now(), settings, Digester::new(&[7; 32]));
    if input.operator {
        world.complete_since = Some(minutes(now(), -60));
    }
    for pool in &POOLS {
        let ca = Observed::Seen(world.digester().content(format!("CANARY: CA of {pool}").as_bytes()));
        world.put_project((*pool).into(), Project { ca, complete: true, services: im::OrdMap::new() });
        let service = Service::new("kafka", components(ServiceType::Kafka));
        put_service(&mut world, &ServicePick::Kafka(POOLS.iter().position(|it| it == pool).unwrap()), service);
    }
    world
}

fn components(service_type: ServiceType) -> Vec<Component> {
    let part = |component: &str, port| Component {
        component: component.into(),
        usage: "primary".into(),
        route: "dynamic".into(),
        host: "h".into(),
        port,
        ..Component::default()
    };
    match service_type {
        ServiceType::Kafka => vec![part("kafka", 1), part("schema_registry", 2)],
        ServiceType::OpenSearch => vec![part("opensearch", 3)],
        ServiceType::Valkey => vec![part("valkey", 4)],
    }
}

fn put_service(world: &mut World, at: &ServicePick, service: Service) {
    let key = service_key(at);
    world.put_service(&key, Some(service));
    let primary = key.user("avnadmin".into());
    let user = User { primary: true, ..plain_user(world, &primary, now()) };
    world.put_user(&primary, user);
}

/// A user as Aiven gives it, made at that moment.
pub fn plain_user(world: &World, key: &UserKey, made: Timestamp) -> User {
    let content = |what: &str| world.digester().content(format!("CANARY: {what} of {key}").as_bytes());
    let kafka = key.service.ends_with("kafka");
    User {
        name: world.digester().content(key.username.as_bytes()),
        primary: false,
        password: Some(content("password")),
        certificate: kafka.then(|| content("certificate")),
        private_key: kafka.then(|| content("private key")),
        certificate_ends: kafka.then(|| made + SignedDuration::from_hours(820 * 24)),
        expiring_certificate_ends: None,
        password_updated: Some(made),
        changed: false,
        access: None,
    }
}

pub fn put_instances(world: &mut World, instances: &[InstanceInput]) {
    for input in instances {
        let service_type = if input.open_search { ServiceType::OpenSearch } else { ServiceType::Valkey };
        let at = if input.open_search {
            ServicePick::OpenSearch(input.namespace, input.instance)
        } else {
            ServicePick::Valkey(input.namespace, input.instance)
        };
        let key = service_key(&at);
        let namespace: Name = pick(&NAMESPACES, input.namespace).into();
        if input.service {
            let mut service = Service::new(service_type.as_str(), components(service_type));
            service.state = pick(&STATES, input.state).into();
            service.acl = Observed::Seen(aivenator::world::AclDocument::default());
            put_service(world, &at, service);
        }
        if input.present {
            world.put_instance(service_type, &namespace, (key.service, pick(&STATES, input.state).into()));
        }
    }
}

pub fn spec(input: &AppInput) -> Spec {
    let secret = |index: Option<Pick>| index.map(|index| pick(&SECRETS, index).into());
    let instance = |(instance, access, name): &(Pick, _, Option<Pick>)| InstanceSpec {
        instance: pick(&INSTANCES, *instance).into(),
        access: Some(*access),
        secret_name: secret(*name),
    };
    Spec {
        secret_name: secret(input.shared_secret),
        protected: input.protected,
        expires_at: input.expires.map(|end| minutes(now(), end)),
        kafka: input.kafka.map(|(pool, name)| KafkaSpec { pool: pick(&POOLS, pool).into(), secret_name: secret(name) }),
        open_search: input.open_search.as_ref().map(instance),
        valkey: input.valkey.iter().map(instance).collect(),
    }
}

pub fn app_key(namespace: Pick, name: Pick) -> AppKey {
    AppKey::new(pick(&NAMESPACES, namespace), pick(&APPS, name))
}

/// Makes an application, or changes its spec if it is there.
pub fn put_app(world: &mut World, input: &AppInput) {
    let key = app_key(input.namespace, input.name);
    let mut app = if let Some(before) = world.application(&key) {
        before.with_spec(spec(input))
    } else {
        let mut app = Application::new(key.clone(), spec(input));
        app.generation = input.generation;
        app.uid = format!("uid of {key} at {}", world.now.as_second()).into();
        let ago = -60 * i64::try_from(input.created).unwrap();
        app.created = (input.created > 0).then(|| minutes(world.now, ago));
        app
    };
    app.version = format!("{}0", app.generation).into();
    app.terminating = input.terminating;
    app.paused = input.paused;
    world.put_application(app);
}

pub fn put_workload(world: &mut World, index: usize, input: &WorkloadInput) {
    let kind = if input.pod { WorkloadKind::Pod } else { WorkloadKind::ReplicaSet };
    let key = WorkloadKey { kind, name: format!("w{index}").into() };
    let names: BTreeSet<Name> = input.secrets.iter().map(|index| pick(&SECRETS, *index).into()).collect();
    let started = input.started.filter(|_| input.pod).map(|ago| minutes(world.now, -ago));
    let workload = Workload { started, secrets: names.into_iter().collect() };
    world.put_workload(&pick(&NAMESPACES, input.namespace).into(), key, workload);
}

pub fn put_user(world: &mut World, input: &UserInput) {
    let UserInput { account, age, not_ready, expiring_in_days } = input;
    let key = user_key(account);
    if key.username == "avnadmin" {
        return;
    }
    if !account.exists {
        world.remove_user(&key);
        return;
    }
    let mut user = plain_user(world, &key, minutes(now(), -age));
    if *not_ready {
        user.password = Some(aivenator::world::Content::Empty);
    }
    user.expiring_certificate_ends = expiring_in_days.map(|days| minutes(now(), days * 24 * 60));
    world.put_user(&key, user);
}

fn put_intent(world: &mut World, input: &IntentInput) {
    let app = app_key(input.namespace, input.app);
    let secret = SecretKey::new(app.namespace.clone(), pick(&SECRETS, input.secret));
    let user = user_key(&input.account);
    let since = minutes(now(), -input.age);
    let uid = world.application(&app).map(|app| app.uid.clone()).filter(|_| input.same_uid);
    let application_uid = uid.unwrap_or_else(|| "another uid".into());
    let Observed::Seen(journal) = &mut world.journal else { return };
    if input.retirement {
        journal.retirements.insert(user, Retirement { secret, application: app.name, since });
        return;
    }
    let outcome = [Outcome::NotSent, Outcome::Unknown, Outcome::Created, Outcome::Taken, Outcome::Found];
    let outcome = outcome[input.outcome % outcome.len()];
    // Now and then the POST has made it.
    let made = input.age % 4 == 0 && !matches!(outcome, Outcome::NotSent | Outcome::Taken);
    if made && matches!(world.user(&user), Lookup::Absent) {
        world.put_user(&user, plain_user(world, &user, since));
    }
    let Observed::Seen(journal) = &mut world.journal else { return };
    journal.intents.insert(user, Intent { secret, application: app.name, application_uid, since, sent: None, outcome });
}

fn put_failure(world: &mut World, input: &FailureInput) {
    let classes = [
        FailureClass::NotFound,
        FailureClass::NotReady,
        FailureClass::Refused,
        FailureClass::Unauthorized,
        FailureClass::TooFast,
        FailureClass::Unknown,
        FailureClass::UserLimit,
        FailureClass::AclFull,
        FailureClass::JournalFull,
        FailureClass::JournalUnavailable,
        FailureClass::Kubernetes,
    ];
    let failure = Failure {
        class: classes[input.class % classes.len()],
        operation: "CreateUser".into(),
        service: None,
        at: minutes(now(), -input.age),
        count: input.count,
        generation: 1,
        retry_after: None,
    };
    let app = app_key(input.namespace, input.app);
    for name in SECRETS {
        let step: Name = name.into();
        let subject = if input.count.is_multiple_of(2) {
            Subject::Secret(SecretKey { namespace: app.namespace.clone(), name: step.clone() })
        } else {
            Subject::Application(app.clone())
        };
        world.failures.insert(FailureKey { subject, step }, failure.clone());
    }
}

/// Annotations that record a user as in use, as this program writes them.
pub fn record(at: &ServicePick, user: &UserKey) -> BTreeMap<Name, Name> {
    let text = |key: String, value: &Name| (Name::from(key), value.clone());
    match at {
        ServicePick::Kafka(_) => BTreeMap::from([
            text("kafka.aiven.nais.io/serviceUser".into(), &user.username),
            text("kafka.aiven.nais.io/pool".into(), &user.project),
        ]),
        ServicePick::OpenSearch(..) => BTreeMap::from([
            text("opensearch.aiven.nais.io/serviceUser".into(), &user.username),
            text("opensearch.aiven.nais.io/serviceName".into(), &user.service),
            text("opensearch.aiven.nais.io/project".into(), &user.project),
        ]),
        ServicePick::Valkey(_, instance) => {
            let slot = pick(&INSTANCES, *instance);
            BTreeMap::from([
                text(format!("{slot}.valkey.aiven.nais.io/serviceUser"), &user.username),
                text(format!("{slot}.valkey.aiven.nais.io/serviceName"), &user.service),
                text("valkey.aiven.nais.io/project".into(), &user.project),
            ])
        }
    }
}
