//! The world as a program with a defect sees it: what it does not heed is not there, or looks right.

use std::collections::{BTreeMap, BTreeSet};

use super::{Defect, on};
use crate::want::ServiceType;
use crate::world::{
    AppKey, Application, Component, Entry, Lookup, Name, Observed, Secret, SecretKey, ServiceKey, Settings, Spec,
    Subject, WorkloadKind, World,
};

/// The world as a program with the defect sees it, when it thinks of a subject or of everything.
pub(crate) fn world(world: &World, subject: Option<&Subject>) -> World {
    let mut seen = world.clone();
    match on() {
        Some(Defect::G02) => others_without_records(&mut seen, subject),
        Some(Defect::G03) => set(&mut seen, |settings| settings.cluster_name = None),
        Some(Defect::G06) => {
            for key in foreign(world) {
                seen.put_absent_secret(&key);
            }
        }
        Some(Defect::G08) => each_app(&mut seen, last_wins),
        Some(Defect::G09) => {
            each_secret(&mut seen, |secret| {
                let mut there = secret.clone();
                there.terminating = false;
                secret.terminating.then_some(there)
            });
        }
        Some(Defect::G11) => each_app(&mut seen, |app| {
            let endless = Spec { expires_at: None, ..app.spec.clone() };
            app.spec.expires_at.is_some().then(|| same_generation(app, endless))
        }),
        Some(Defect::G14) => each_secret(&mut seen, |secret| {
            (!secret.faults().is_empty()).then(|| secret.with_annotations(BTreeMap::new()))
        }),
        Some(Defect::G21) => only_the_labelled(&mut seen, subject),
        Some(Defect::G22) => only_pods(&mut seen),
        Some(Defect::G24) => users_never_go(&mut seen),
        Some(Defect::G34) => seen.failures.clear(),
        Some(Defect::G37) => certificates_never_end(&mut seen),
        Some(Defect::G38) => each_secret(&mut seen, |secret| {
            let mut blind = secret.clone();
            blind.set_data(Observed::Unseen("not compared".into()));
            Some(blind)
        }),
        Some(Defect::G40) => any_address(&mut seen),
        Some(Defect::G41) => {
            each_app(&mut seen, |app| {
                let mut lives = app.clone();
                lives.terminating = false;
                app.terminating.then_some(lives)
            });
        }
        Some(Defect::G43) => each_app(&mut seen, unlooked_at),
        Some(Defect::G45) => one_holder(&mut seen, subject),
        Some(Defect::G48) => set(&mut seen, |settings| settings.projects.extend([Name::from("nowhere")])),
        _ => {}
    }
    seen
}

fn set(world: &mut World, change: impl FnOnce(&mut Settings)) {
    let mut settings = world.settings().clone();
    change(&mut settings);
    world.set_settings(settings);
}

fn secrets(world: &World) -> Vec<Secret> {
    world.namespaces().flat_map(|(_, space)| space.secrets()).cloned().collect()
}

fn each_secret(world: &mut World, change: impl Fn(&Secret) -> Option<Secret>) {
    for secret in secrets(world).iter().filter_map(change) {
        world.put_secret(secret);
    }
}

fn each_app(world: &mut World, change: impl Fn(&Application) -> Option<Application>) {
    let apps: Vec<Application> = world.namespaces().flat_map(|(_, space)| space.applications()).cloned().collect();
    for app in apps.iter().filter_map(change) {
        world.put_application(app);
    }
}

fn foreign(world: &World) -> Vec<SecretKey> {
    let of = |(name, space): (&Name, &crate::world::Namespace)| -> Vec<SecretKey> {
        let foreign = space.entries().filter(|(_, entry)| matches!(entry, Entry::Foreign { .. }));
        foreign.map(|(secret, _)| SecretKey { namespace: name.clone(), name: secret.clone() }).collect()
    };
    world.namespaces().flat_map(of).collect()
}

fn others_without_records(world: &mut World, subject: Option<&Subject>) {
    let Some(Subject::Application(key)) = subject else { return };
    let own: Vec<Name> = world.application(key).into_iter().flat_map(|app| app.spec.secret_names()).cloned().collect();
    let is_other = |secret: &Secret| secret.key.namespace != key.namespace || !own.contains(&secret.key.name);
    let theirs: Vec<_> =
        secrets(world).iter().filter(|it| is_other(it)).flat_map(|it| it.accounts().collect::<Vec<_>>()).collect();
    for user in theirs {
        world.remove_user(&user);
    }
    each_secret(world, |secret| is_other(secret).then(|| secret.with_annotations(BTreeMap::new())));
}

fn last_wins(app: &Application) -> Option<Application> {
    let mut spec = app.spec.clone();
    let shared = |name: &Option<Name>| name.clone().or_else(|| app.spec.secret_name.clone());
    let last = spec
        .open_search
        .as_ref()
        .map(|it| shared(&it.secret_name))
        .or(spec.valkey.last().map(|it| shared(&it.secret_name)))?;
    spec.kafka = spec.kafka.filter(|kafka| shared(&kafka.secret_name) != last);
    (spec != app.spec).then(|| same_generation(app, spec))
}

/// The application as if its secret had a name that there can be.
fn unlooked_at(app: &Application) -> Option<Application> {
    let mut spec = app.spec.clone();
    let kafka = spec.kafka.as_mut()?;
    let wrong = kafka.secret_name.as_ref().filter(|name| name.contains('_'))?;
    kafka.secret_name = Some(wrong.to_lowercase().replace('_', "-").into());
    Some(same_generation(app, spec))
}

fn same_generation(app: &Application, spec: Spec) -> Application {
    let mut other = app.with_spec(spec);
    other.generation = app.generation;
    other
}

fn only_the_labelled(world: &mut World, subject: Option<&Subject>) {
    let Some(Subject::Secret(key)) = subject else { return };
    let Some(label) = world.managed(key).and_then(|secret| secret.app().cloned()) else { return };
    let apps: Vec<AppKey> =
        world.namespaces().flat_map(|(_, space)| space.applications().map(|app| app.key.clone())).collect();
    for app in apps.into_iter().filter(|app| app.namespace == key.namespace && app.name != label) {
        world.remove_application(&app);
    }
}

fn only_pods(world: &mut World) {
    let all: Vec<_> = world
        .namespaces()
        .flat_map(|(name, space)| space.workloads().map(|(key, _)| (name.clone(), key.clone())).collect::<Vec<_>>())
        .filter(|(_, key)| key.kind != WorkloadKind::Pod)
        .collect();
    for (namespace, key) in all {
        world.remove_workload(&namespace, &key);
    }
}

fn users_never_go(world: &mut World) {
    let users: Vec<_> = secrets(world).iter().flat_map(|secret| secret.accounts().collect::<Vec<_>>()).collect();
    for key in users {
        let service = ServiceKey { project: key.project.clone(), service: key.service.clone() };
        let some = match world.service(&service) {
            Lookup::Found(service) => service.users.values().find(|user| !user.primary).cloned(),
            Lookup::Absent | Lookup::Unseen(_) => None,
        };
        if let (Lookup::Absent, Some(user)) = (world.user(&key), some) {
            let name = world.digester().content(key.username.as_bytes());
            world.put_user(&key, crate::world::User { name, ..(*user).clone() });
        }
    }
}

fn any_address(world: &mut World) {
    let services: Vec<ServiceKey> = world
        .projects()
        .filter_map(|(name, project)| Some((name, project.seen()?)))
        .flat_map(|(name, project)| {
            project
                .services
                .keys()
                .map(|it| ServiceKey { project: name.clone(), service: it.clone() })
                .collect::<Vec<_>>()
        })
        .collect();
    for key in services {
        let Lookup::Found(found) = world.service(&key) else { continue };
        let mut service = found.clone();
        let mut seen = BTreeSet::new();
        service.components.retain(|component| seen.insert(component.component.clone()));
        for component in &mut service.components {
            *component = Component {
                route: "dynamic".into(),
                authentication: None,
                ssl_ca: None,
                privatelink: false,
                ..component.clone()
            };
        }
        world.put_service(&key, Some(service));
    }
}

fn certificates_never_end(world: &mut World) {
    each_secret(world, |secret| {
        let mut blind = secret.clone();
        blind.certificate = None;
        Some(blind)
    });
    for key in secrets(world).iter().flat_map(|secret| secret.accounts().collect::<Vec<_>>()) {
        if let Lookup::Found(found) = world.user(&key) {
            let user = crate::world::User { certificate_ends: None, ..found.clone() };
            world.put_user(&key, user);
        }
    }
}

fn one_holder(world: &mut World, subject: Option<&Subject>) {
    let Some(Subject::Application(key)) = subject else { return };
    let others: Vec<(Name, ServiceType, Name)> = world
        .namespaces()
        .filter(|(name, _)| **name != key.namespace)
        .flat_map(|(name, space)| {
            space.instances().map(|((of, it), _)| (name.clone(), of, it.clone())).collect::<Vec<_>>()
        })
        .collect();
    for (namespace, of, name) in others {
        world.remove_instance(of, &namespace, &name);
    }
}
