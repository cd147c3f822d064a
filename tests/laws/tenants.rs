//! Namespaces share a project, and their names can be read in more than one way: `a` + `b-c` is `a-b` + `c`.
//!
//! The owner of a service is told here by the instance objects alone, apart from how the planner goes about it.

use std::collections::BTreeSet;

use aivenator::action::Action;
use aivenator::check::check;
use aivenator::naming::{Prefix, suffixes};
use aivenator::plan::{Decision, plan};
use aivenator::value::Value;
use aivenator::want::ServiceType;
use aivenator::world::{
    Access, AclDocument, AppKey, Application, Component, Digester, InstanceSpec, Name, Observed, Project, Secret,
    SecretKey, Service, ServiceKey, Settings, Spec, Subject, UserKey, World,
};

use crate::support::build::{minutes, now, plain_user};
use crate::support::lot::Lot;

/// How many pairs of namespaces and instances are looked at.
const PAIRS: u64 = 100_000;
const PROJECT: &str = "p1";

/// Two namespaces, and an instance of each, whose services have one name.
struct Case {
    service_type: ServiceType,
    service: ServiceKey,
    tenants: [(Name, Name); 2],
    owners: BTreeSet<Name>,
    checks: bool,
}

impl Case {
    fn draw(lot: &mut Lot) -> Case {
        let parts: Vec<&str> = (0..3 + lot.below(3)).map(|_| ["a", "b", "c", "ab"][lot.below(4)]).collect();
        let service_type = [ServiceType::OpenSearch, ServiceType::Valkey][lot.below(2)];
        let tenant = |cut: usize| (parts[..cut].join("-").into(), parts[cut..].join("-").into());
        let first = 1 + lot.below(parts.len() - 2);
        let tenants: [(Name, Name); 2] = [tenant(first), tenant(first + 1)];
        let service = ServiceKey::new(PROJECT, format!("{}-{}", service_type.as_str(), parts.join("-")));
        let all = tenants.iter().map(|(namespace, _)| namespace.clone()).chain(["z".into()]);
        let owners = all.filter(|_| lot.meets(45)).collect();
        Case { service_type, service, tenants, owners, checks: lot.meets(85) }
    }

    /// Who may be given something on the service.
    fn may_have(&self, namespace: &Name) -> bool {
        let alone = self.owners.len() == 1 && self.owners.contains(namespace);
        alone || (!self.checks && self.owners.is_empty() && self.begins_with(namespace))
    }

    /// Who may keep in its Secrets, or take away, what it has on the service.
    fn may_lose(&self, namespace: &Name) -> bool {
        self.owners.contains(namespace) || (self.owners.is_empty() && self.begins_with(namespace))
    }

    fn begins_with(&self, namespace: &Name) -> bool {
        self.service.service.starts_with(&format!("{}-{namespace}-", self.service_type.as_str()))
    }

    fn world(&self, lot: &mut Lot) -> World {
        let settings = Settings {
            projects: [PROJECT.into()].into(),
            main_project: PROJECT.into(),
            instance_check: self.checks,
            ..Settings::default()
        };
        let mut world = World::new(now(), settings, Digester::new(&[7; 32]));
        let ca = Observed::Seen(world.digester().content(b"ca"));
        world.put_project(PROJECT.into(), Project { ca, complete: true, services: im::OrdMap::new() });
        let address = Component {
            component: self.service_type.as_str().into(),
            usage: "primary".into(),
            route: "dynamic".into(),
            host: "h".into(),
            port: 1,
            ..Component::default()
        };
        let mut service = Service::new(self.service_type.as_str(), vec![address]);
        service.state = "RUNNING".into();
        service.users_complete = true;
        service.users_listed = true;
        service.acl = Observed::Seen(AclDocument { enabled: true, ..AclDocument::default() });
        world.put_service(&self.service, Some(service));
        for owner in &self.owners {
            let state = if lot.meets(90) { "RUNNING" } else { "REBUILDING" };
            world.put_instance(self.service_type, owner, (self.service.service.clone(), state.into()));
        }
        for (namespace, instance) in &self.tenants {
            // Tenants may write the whole name, too, also of a service that is somebody else's.
            let instance = if lot.meets(60) { instance.clone() } else { self.service.service.clone() };
            self.put_application(&mut world, namespace, instance);
            if lot.meets(60) {
                self.put_secret(&mut world, namespace, lot);
            }
        }
        world
    }

    fn put_application(&self, world: &mut World, namespace: &Name, instance: Name) {
        let asked = InstanceSpec { instance, access: Some(Access::ReadWrite), secret_name: Some("s".into()) };
        let spec = match self.service_type {
            ServiceType::OpenSearch => Spec { open_search: Some(asked), ..Spec::default() },
            ServiceType::Valkey | ServiceType::Kafka => Spec { valkey: vec![asked], ..Spec::default() },
        };
        let mut app = Application::new(AppKey::new(namespace.clone(), "x"), spec);
        app.uid = format!("uid of {namespace}").into();
        app.created = Some(minutes(now(), -60));
        world.put_application(app);
    }

    /// A Secret whose annotations name a user of its own namespace or of the other one; it goes, or it stays.
    fn put_secret(&self, world: &mut World, namespace: &Name, lot: &mut Lot) {
        let of = &self.tenants[lot.below(2)].0;
        let stem: &str = if self.service_type == ServiceType::OpenSearch { of } else { "x" };
        let suffix = suffixes(1, "x", None).nth(lot.below(2)).unwrap();
        let user = self.service.user(Prefix::with_access(stem, Access::ReadWrite).username(&suffix).into());
        let made = plain_user(world, &user, minutes(now(), -60));
        world.put_user(&user, made);
        let slot = if self.service_type == ServiceType::OpenSearch { "" } else { "c." };
        let group = format!("{}.aiven.nais.io", self.service_type.as_str());
        let annotations = [
            (format!("{slot}{group}/serviceUser"), user.username.clone()),
            (format!("{slot}{group}/serviceName"), user.service.clone()),
            (format!("{group}/project"), user.project.clone()),
        ];
        let annotations = annotations.into_iter().map(|(key, value)| (Name::from(key), value)).collect();
        let name = ["s", "t"][lot.below(2)];
        let mut secret = Secret::new(SecretKey::new(namespace.clone(), name), annotations);
        secret.labels.app = Some("x".into());
        secret.finalizer = true;
        secret.terminating = lot.meets(50);
        secret.created = Some(minutes(now(), -60));
        world.put_secret(secret);
    }
}

/// What an action gives on a service, or takes away.
enum Touch<'a> {
    Gives(&'a UserKey),
    /// What stands is put into a Secret again.
    Keeps(&'a UserKey),
    Takes(&'a UserKey),
}

fn touches(action: &Action) -> Vec<Touch<'_>> {
    match action {
        Action::RecordIntent { user, .. }
        | Action::CreateUser { user, .. }
        | Action::SetAccess { user, .. }
        | Action::GrantAcl { user, .. } => vec![Touch::Gives(user)],
        Action::RevokeAcl { user } | Action::DeleteUser { user } => vec![Touch::Takes(user)],
        Action::WriteKeys(write) => {
            let users = write.set.values().filter_map(|value| match value {
                Value::User { user, .. } | Value::Keystore { user } => Some(Touch::Keeps(user)),
                _ => None,
            });
            users.collect()
        }
        _ => vec![],
    }
}

fn namespace_of(decision: &Decision) -> Option<&Name> {
    match &decision.subject {
        Subject::Application(key) => Some(&key.namespace),
        Subject::Secret(key) => Some(&key.namespace),
        Subject::User(_) => None,
    }
}

/// Whatever the names, no namespace is given or takes away anything on a service that is not its own; and where two hold
/// it, neither is given anything.
#[test]
fn no_service_is_anothers_whatever_the_names() {
    let (mut gave, mut took, mut refused) = (0, 0, 0);
    for seed in 0..PAIRS {
        let mut lot = Lot(seed);
        let case = Case::draw(&mut lot);
        let world = case.world(&mut lot);
        let plan = plan(&world);
        let told = || format!("seed {seed}: {:?} held by {:?}\n{plan:#?}", case.service, case.owners);
        assert!(check(&world, &plan).is_empty(), "{:?}\n{}", check(&world, &plan), told());
        for decision in &plan.decisions {
            let namespace = namespace_of(decision).unwrap();
            refused += usize::from(decision.reason.code() == "InstanceAmbiguous");
            for touch in decision.actions.iter().flat_map(|planned| touches(&planned.action)) {
                match touch {
                    Touch::Gives(user) => {
                        gave += 1;
                        assert!(case.may_have(namespace), "{namespace} is given {user}: {}", told());
                    }
                    Touch::Keeps(user) => {
                        assert!(case.may_lose(namespace), "{namespace} is shown {user}: {}", told());
                    }
                    Touch::Takes(user) => {
                        took += 1;
                        assert!(case.may_lose(namespace), "{namespace} takes {user} away: {}", told());
                    }
                }
            }
        }
    }
    assert!(gave > 10_000 && took > 1_000 && refused > 10_000, "given {gave}, taken away {took}, refused {refused}");
}
