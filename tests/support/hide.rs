//! Takes parts of a world out of sight, as an observer would leave them that could not read them.

use std::sync::Arc;

use aivenator::want::ServiceType;
use aivenator::world::{
    AppKey, Kind, Lookup, Name, Observed, Project, Secret, SecretKey, Service, ServiceKey, WorkloadKey, WorkloadKind,
    World,
};

use super::account::service_key;
use super::input::*;

const WHY: &str = "it could not be read";

pub(crate) fn hide(world: &World, unseen: &[Unseen]) -> World {
    unseen.iter().fold(world.clone(), hide_one)
}

fn hide_one(mut world: World, part: &Unseen) -> World {
    match part {
        Unseen::Applications => {
            let keys: Vec<AppKey> =
                world.namespaces().flat_map(|(_, it)| it.applications()).map(|app| app.key.clone()).collect();
            for key in &keys {
                world.remove_application(key);
            }
            unlisted(&mut world, Kind::Application);
        }
        Unseen::Secrets => {
            let keys: Vec<SecretKey> =
                world.namespaces().flat_map(|(_, it)| it.secrets()).map(|secret| secret.key.clone()).collect();
            for key in keys.iter().step_by(2) {
                world.remove_secret(key);
            }
            unlisted(&mut world, Kind::Secret);
        }
        Unseen::Pods => hide_workloads(&mut world, WorkloadKind::Pod),
        Unseen::ReplicaSets => hide_workloads(&mut world, WorkloadKind::ReplicaSet),
        Unseen::OpenSearches => hide_instances(&mut world, ServiceType::OpenSearch),
        Unseen::Valkeys => hide_instances(&mut world, ServiceType::Valkey),
        Unseen::Project(pool) => world.put_unseen_project(pick(&POOLS, *pool).into(), WHY.into()),
        Unseen::Service(at) => hide_service(&mut world, &service_key(at)),
        Unseen::Users(at) => world.edit_service(&service_key(at), |service: &mut Service| {
            service.users_complete = false;
            service.users_listed = false;
            service.users = aivenator::world::Users::default();
        }),
        Unseen::Acl(namespace, instance) => {
            let key = service_key(&ServicePick::OpenSearch(*namespace, *instance));
            world.edit_service(&key, |service| service.acl = Observed::Unseen(WHY.into()));
        }
        Unseen::Ca(pool) => edit_project(&mut world, pick(&POOLS, *pool), |project| {
            project.ca = Observed::Unseen(WHY.into());
        }),
        Unseen::Journal => world.journal = Observed::Unseen(WHY.into()),
        Unseen::JournalUnwritable => {
            if let Observed::Seen(journal) = &mut world.journal {
                journal.unwritable = Some(WHY.into());
            }
        }
        Unseen::Data(namespace, name) => hide_data(&mut world, *namespace, *name),
        Unseen::SecretsByName => world.secrets_complete = false,
    }
    world
}

fn hide_data(world: &mut World, namespace: Pick, name: Pick) {
    let key = SecretKey::new(pick(&NAMESPACES, namespace), pick(&SECRETS, name));
    if let Some(mut secret) = world.managed(&key).cloned() {
        secret.set_data(Observed::Unseen(WHY.into()));
        world.put_secret(secret);
    }
}

fn unlisted(world: &mut World, kind: Kind) {
    world.unlisted.insert(kind, WHY.into());
}

fn hide_workloads(world: &mut World, kind: WorkloadKind) {
    let keys: Vec<(Name, WorkloadKey)> = world
        .namespaces()
        .flat_map(|(name, it)| it.workloads().map(|(key, _)| (name.clone(), key.clone())).collect::<Vec<_>>())
        .filter(|(_, key)| key.kind == kind)
        .collect();
    for (namespace, key) in &keys {
        world.remove_workload(namespace, key);
    }
    unlisted(world, Kind::Workload(kind));
}

fn hide_instances(world: &mut World, service_type: ServiceType) {
    let keys: Vec<(Name, Name)> = world
        .namespaces()
        .flat_map(|(name, it)| {
            it.instances().map(|((kind, it), _)| (name.clone(), (kind, it.clone()))).collect::<Vec<_>>()
        })
        .filter(|(_, (kind, _))| *kind == service_type)
        .map(|(namespace, (_, name))| (namespace, name))
        .collect();
    for (namespace, name) in &keys {
        world.remove_instance(service_type, namespace, name);
    }
    unlisted(world, Kind::Instance(service_type));
}

fn hide_service(world: &mut World, key: &ServiceKey) {
    edit_project(world, &key.project, |project| {
        if project.services.contains_key(&key.service) {
            project.services.insert(key.service.clone(), Observed::Unseen(WHY.into()));
        }
    });
}

fn edit_project(world: &mut World, name: &str, edit: impl FnOnce(&mut Project)) {
    if let Lookup::Found(project) = world.project(name) {
        let mut project = Project::clone(project);
        edit(&mut project);
        world.put_project(name.into(), project);
    }
}

/// Everything in a world that can be told apart from outside, in order, without versions.
pub(crate) fn visible(world: &World) -> String {
    use std::fmt::Write as _;
    let mut text = format!("now {}\njournal {:?}\nfailures {:?}\n", world.now, world.journal, world.failures);
    for (namespace, space) in world.namespaces() {
        for app in space.applications() {
            let mut app = app.clone();
            app.version = Name::default();
            let _ = writeln!(text, "{app:?}");
        }
        for secret in space.secrets() {
            let mut secret = secret.clone();
            secret.version = Name::default();
            let _ = writeln!(text, "{secret:?}");
        }
        for (key, workload) in space.workloads() {
            let _ = writeln!(text, "{namespace} {key} {workload:?}");
        }
    }
    for (name, project) in world.projects() {
        match project {
            Observed::Unseen(why) => {
                let _ = writeln!(text, "{name} {why}");
            }
            Observed::Seen(project) => {
                for (service, observed) in &project.services {
                    let _ = writeln!(text, "{name}/{service} {}", service_text(observed));
                }
            }
        }
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "they are sorted at once")]
fn service_text(observed: &Observed<Option<Arc<Service>>>) -> String {
    match observed {
        Observed::Seen(Some(service)) => {
            let users: std::collections::BTreeMap<_, _> = service.users.iter().collect();
            let gone: Vec<_> = service.gone.iter().collect();
            format!("{} {users:?} {gone:?} {:?}", service.state, service.acl)
        }
        Observed::Seen(None) => "absent".to_owned(),
        Observed::Unseen(why) => why.to_string(),
    }
}

/// The same world, taken in in another order.
pub(crate) fn shuffled(world: &World, seed: u64) -> World {
    let mut other = World::new(world.now, world.settings().clone(), world.digester().clone());
    other.complete_since = world.complete_since;
    other.secrets_complete = world.secrets_complete;
    other.unlisted.clone_from(&world.unlisted);
    other.journal = world.journal.clone();
    other.failures = world.failures.clone();
    for (name, project) in world.projects() {
        match project {
            Observed::Seen(project) => other.put_project(name.clone(), Project::clone(project)),
            Observed::Unseen(why) => other.put_unseen_project(name.clone(), why.clone()),
        }
    }
    let mut parts: Vec<Part> = vec![];
    for (namespace, space) in world.namespaces() {
        parts.extend(space.applications().cloned().map(Part::App));
        parts.extend(space.secrets().cloned().map(Part::Secret));
        let workloads = space.workloads().map(|(key, it)| Part::Workload(namespace.clone(), key.clone(), it.clone()));
        parts.extend(workloads);
        let instances = space
            .instances()
            .map(|((kind, name), state)| Part::Instance(namespace.clone(), kind, name.clone(), state.clone()));
        parts.extend(instances);
        for name in SECRETS {
            if let Some(aivenator::world::Entry::Foreign { terminating }) = space.entry(name) {
                parts.push(Part::Foreign(SecretKey::new(namespace.clone(), name), *terminating));
            }
        }
    }
    let mut state = seed | 1;
    while !parts.is_empty() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = usize::try_from(state >> 33).unwrap() % parts.len();
        parts.swap_remove(index).put(&mut other);
    }
    other
}

enum Part {
    App(aivenator::world::Application),
    Secret(Secret),
    Foreign(SecretKey, bool),
    Workload(Name, WorkloadKey, aivenator::world::Workload),
    Instance(Name, ServiceType, Name, Name),
}

impl Part {
    fn put(self, world: &mut World) {
        match self {
            Part::App(app) => world.put_application(app),
            Part::Secret(secret) => world.put_secret(secret),
            Part::Foreign(key, terminating) => world.put_foreign_secret(&key, terminating),
            Part::Workload(namespace, key, workload) => world.put_workload(&namespace, key, workload),
            Part::Instance(namespace, kind, name, state) => world.put_instance(kind, &namespace, (name, state)),
        }
    }
}
