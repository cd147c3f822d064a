//! Histories: people, tenants, Aiven and crashes do things one after the other while the planner plans and is executed,
//! in part or whole, on views that lack something. At the end there is quiet, and then everything has to be in order.

use std::collections::BTreeSet;

use aivenator::action::Action;
use aivenator::check::check;
use aivenator::plan::{Plan, plan};
use aivenator::reason::Reason;
use aivenator::sim::{self, Execution, Sequence};
use aivenator::want::{ServiceType, Want};
use aivenator::world::{
    Application, Journal, Lookup, Name, Observed, Outcome, Secret, SecretKey, Subject, Timestamp, UserKey, World,
};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::support::account::user_key;
use crate::support::build::{app_key, empty_world, minutes, put_app, put_instances, put_workload, spec};
use crate::support::events::{Event, Run, history};
use crate::support::hide::hide;
use crate::support::input::{
    InstanceInput, NAMESPACES, SECRETS, SecretEdit, SecretInput, SettingsInput, Unseen, WorkloadInput, pick,
};
use crate::support::run::{actions_text, at_rest, config};
use crate::support::secrets::edit_secret;

/// What is true, and what has to be remembered of the way to it.
struct History {
    world: World,
    made: BTreeSet<UserKey>,
    broken: Vec<String>,
}

impl History {
    fn new() -> Self {
        let mut world = empty_world(&SettingsInput { operator: true, ..SettingsInput::default() });
        let instances = (0..8_usize).map(|index| InstanceInput {
            open_search: index % 2 == 0,
            namespace: (index / 2) % 2,
            instance: index / 4,
            state: 0,
            present: true,
            service: true,
        });
        put_instances(&mut world, &instances.collect::<Vec<_>>());
        History { world, made: BTreeSet::new(), broken: vec![] }
    }

    /// Plans on what can be seen, and does so many actions of it in the real world.
    fn run(&mut self, unseen: &[Unseen], limit: Option<usize>) {
        let view = hide(&self.world, unseen);
        let made = plan(&view);
        for violation in check(&view, &made) {
            self.broken.push(format!("{violation}\n{}", actions_text(&made)));
        }
        let mut execution = Execution::new(&self.world);
        for (subject, planned) in Sequence::of(&made).take(limit.unwrap_or(usize::MAX)) {
            self.watch(execution.world(), &planned.action, &made);
            execution.perform(subject, planned);
        }
        self.world = execution.into_world();
        if limit.is_some() {
            self.world = sim::restart(&self.world);
        }
    }

    /// Judges one action by what is true at the moment at which it is done.
    fn watch(&mut self, world: &World, action: &Action, plan: &Plan) {
        match action {
            Action::CreateUser { user, .. } => {
                let taken = matches!(world.user(user), Lookup::Found(_));
                let retiring = world.journal().is_some_and(|journal| journal.retirements.contains_key(user));
                if !world.recorders(user).is_empty() || retiring {
                    self.broken.push(format!("{user} is made while something speaks of it\n{}", actions_text(plan)));
                }
                if !taken {
                    self.made.insert(user.clone());
                }
            }
            Action::DeleteUser { user } => {
                let exists = matches!(world.user(user), Lookup::Found(_));
                if in_use(world, user) {
                    self.broken.push(format!("{user} is deleted while it is in use\n{}", actions_text(plan)));
                }
                if exists && !self.made.contains(user) {
                    self.broken.push(format!("{user} is deleted and was not made here\n{}", actions_text(plan)));
                }
            }
            _ => {}
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Run(Run::Whole) => self.run(&[], None),
            Event::Run(Run::Interrupted(after)) => self.run(&[], Some(*after)),
            Event::Run(Run::Blind(unseen)) => self.run(std::slice::from_ref(unseen), None),
            Event::Run(Run::AnswerLost(after)) => {
                self.run(&[], Some(*after));
                set_outcomes(&mut self.world, Outcome::Unknown);
            }
            Event::Time(passed) => self.world = sim::wait_until(&self.world, minutes(self.world.now, *passed)),
            Event::App(input) => put_app(&mut self.world, input),
            Event::AppGone { namespace, name } => self.world.remove_application(&app_key(*namespace, *name)),
            Event::Spec(input) => {
                let key = app_key(input.namespace, input.name);
                if let Some(app) = self.world.application(&key).cloned() {
                    let mut app = app.with_spec(spec(input));
                    app.version = format!("{}5", app.version).into();
                    self.world.put_application(app);
                }
            }
            Event::Secret(input) if overwrites(&self.world, input) => {}
            Event::Secret(input) => edit_secret(&mut self.world, input),
            Event::SecretDeleted { namespace, name } => delete_secret(&mut self.world, *namespace, *name),
            Event::UserGone(account) => {
                let user = user_key(account);
                if matches!(self.world.user(&user), Lookup::Found(found) if !found.primary) {
                    self.world.remove_user(&user);
                }
            }
            Event::UsersOf { namespace, name } => self.users_gone(*namespace, *name),
            Event::Pod { namespace, secret, index } => {
                let pod = WorkloadInput { namespace: *namespace, pod: true, started: Some(0), secrets: vec![*secret] };
                put_workload(&mut self.world, *index, &pod);
            }
            Event::NoPods => self.no_pods(),
            Event::Instance(input) => put_instance(&mut self.world, input),
        }
    }

    /// Somebody deletes at Aiven what the secret records.
    fn users_gone(&mut self, namespace: usize, name: usize) {
        let key = SecretKey::new(pick(&NAMESPACES, namespace), pick(&SECRETS, name));
        let accounts: Vec<UserKey> = self.world.managed(&key).map(|it| it.accounts().collect()).unwrap_or_default();
        for user in accounts {
            if matches!(self.world.user(&user), Lookup::Found(found) if !found.primary) {
                self.world.remove_user(&user);
            }
        }
    }

    fn no_pods(&mut self) {
        let namespaces: Vec<_> = self.world.namespaces().map(|(name, _)| name.clone()).collect();
        for namespace in namespaces {
            let space = self.world.namespace(&namespace);
            let keys: Vec<_> = space
                .into_iter()
                .flat_map(aivenator::world::Namespace::workloads)
                .map(|(key, _)| key.clone())
                .collect();
            for key in keys {
                self.world.remove_workload(&namespace, &key);
            }
        }
    }
}

fn set_outcomes(world: &mut World, outcome: Outcome) {
    if let Observed::Seen(journal) = &mut world.journal {
        let open: Vec<UserKey> = journal.intents.keys().cloned().collect();
        for user in open {
            if let Some(intent) = journal.intents.get_mut(&user) {
                intent.outcome = outcome;
            }
        }
    }
}

/// Whether records would be copied over others: what nobody has written down any more nobody can find.
fn overwrites(world: &World, input: &SecretInput) -> bool {
    let secret = |name| world.managed(&SecretKey::new(pick(&NAMESPACES, input.namespace), pick(&SECRETS, name)));
    let slots = |name: usize| -> BTreeSet<(ServiceType, &Name)> {
        let claims = secret(name).into_iter().flat_map(Secret::claims);
        claims.map(|claim| (claim.service_type, &claim.slot)).collect()
    };
    let copies = |edit: &SecretEdit| matches!(edit, SecretEdit::CopyRecords(from) if !slots(*from).is_disjoint(&slots(input.name)));
    input.edits.iter().any(copies)
}

fn delete_secret(world: &mut World, namespace: usize, name: usize) {
    let key = SecretKey::new(pick(&NAMESPACES, namespace), pick(&SECRETS, name));
    let Some(secret) = world.managed(&key).cloned() else { return };
    if secret.finalizer {
        let mut secret: Secret = secret;
        secret.terminating = true;
        secret.version = format!("{}7", secret.version).into();
        world.put_secret(secret);
    } else {
        world.remove_secret(&key);
    }
}

fn put_instance(world: &mut World, input: &InstanceInput) {
    let kind = if input.open_search { ServiceType::OpenSearch } else { ServiceType::Valkey };
    let namespace = pick(&NAMESPACES, input.namespace);
    let instance = crate::support::input::INSTANCES[input.instance % 2];
    let name = format!("{kind}-{namespace}-{instance}");
    if input.present {
        world.put_instance(kind, &namespace.into(), (name.into(), "RUNNING".into()));
    } else {
        world.remove_instance(kind, &namespace.into(), &name.into());
    }
}

/// Whether a secret that stays records the user as in use.
fn in_use(world: &World, user: &UserKey) -> bool {
    let stays = |key: &SecretKey| {
        let secret = world.managed(key).filter(|secret| !secret.terminating);
        secret.is_some_and(|it| {
            it.claims().iter().flat_map(aivenator::world::Claim::accounts).any(|account| account == *user)
        })
    };
    world.recorders(user).iter().any(stays)
}

fn journal(world: &World) -> Journal {
    world.journal().cloned().unwrap_or_default()
}

/// The rules that a user has in the ACL document of its service: (index pattern, permission).
fn rules(world: &World, user: &UserKey) -> Option<BTreeSet<(Name, Name)>> {
    let Lookup::Found(service) = world.service(&user.service_key()) else { return None };
    service.acl.seen()?.rules.get(&user.username).cloned()
}

/// What is wrong at the end, when nobody has done anything for days.
fn wrong_at_rest(history: &History, end: &World) -> Vec<String> {
    let journal = journal(end);
    let mut wrong = vec![];
    for user in &history.made {
        let exists = matches!(end.user(user), Lookup::Found(_));
        let known = !end.recorders(user).is_empty() || journal.knows(user) || journal.left_behind.contains_key(user);
        if exists && !known {
            wrong.push(format!("{user} exists, and nothing remembers it"));
        }
        if !exists && !known && rules(end, user).is_some() {
            wrong.push(format!("{user} is gone, nothing remembers it, and its rules are still there"));
        }
    }
    let plan = plan(end);
    for (_, space) in end.namespaces() {
        for app in space.applications().filter(|app| app.status.state == "RolloutComplete" && !app.paused) {
            for target in app.targets().unwrap_or_default() {
                let key = SecretKey { namespace: app.key.namespace.clone(), name: target.secret.clone() };
                let Some(secret) = end.managed(&key) else {
                    wrong.push(format!("{} is complete without {key}", app.key));
                    continue;
                };
                for want in &target.wants {
                    let missing = want.keys().find(|(key, it)| it.required && secret.content(key).is_none());
                    wrong.extend(missing.map(|(lacking, _)| format!("{key} lacks {lacking}")));
                    if !stands(&plan, app, (&target.secret, want)) {
                        wrong.extend(why_user_wrong(end, secret, want));
                    }
                }
            }
        }
    }
    wrong
}

/// Whether the instance is in a condition that keeps anything from being made or changed: what was complete stays so.
fn stands(plan: &Plan, app: &Application, (secret, want): (&Name, &Want)) -> bool {
    let decision = plan.decisions.iter().find(|decision| decision.subject == Subject::Application(app.key.clone()));
    let mut parts = decision.into_iter().flat_map(|decision| &decision.parts);
    parts.any(|part| {
        let this = (&part.secret, part.service, &part.instance) == (secret, want.service_type, &want.instance);
        this && matches!(part.reason, Reason::InstanceNotFound { .. } | Reason::InstanceAmbiguous { .. })
    })
}

/// What is wrong with the user that a secret has for what is wanted.
fn why_user_wrong(end: &World, secret: &Secret, want: &Want) -> Option<String> {
    let claims = secret.claims().iter().filter(|it| it.service_type == want.service_type && it.slot == want.slot);
    let mut users = claims.flat_map(aivenator::world::Claim::accounts);
    let Some(user) = users.find(|user| matches!(end.user(user), Lookup::Found(_))) else {
        return Some(format!("{} has no user of {}", secret.key, want.label()));
    };
    let may = rules(end, &user).unwrap_or_default();
    let differs = may.is_empty() || may.iter().any(|(_, may)| **may != *want.access.as_str());
    let of_rules = want.service_type == ServiceType::OpenSearch;
    (of_rules && differs).then(|| format!("{user} shall have {:?} and has {may:?}", want.access))
}

proptest! {
    #![proptest_config(config(2000))]

    /// Whatever happens, in whatever order, and whenever the program is interrupted: no user is lost, none is deleted that
    /// is in use or was not made here, and every application that says it is complete is.
    #[test]
    fn no_orphans_even_when_interrupted(events in history()) {
        let mut history = History::new();
        for event in &events {
            history.happen(event);
            prop_assert!(history.broken.is_empty(), "{}", history.broken.join("\n"));
        }
        let days: Timestamp = history.world.now + SignedDuration::from_hours(9 * 24);
        history.no_pods();
        let end = match at_rest(&history.world, days) {
            Ok(end) => end,
            Err(why) => return Err(TestCaseError::fail(why)),
        };
        let wrong = wrong_at_rest(&history, &end);
        prop_assert!(wrong.is_empty(), "{}\n{:?}\n{}", wrong.join("\n"), end.journal, actions_text(&plan(&end)));
    }
}
