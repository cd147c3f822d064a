//! The planner: what has to be done in a world, and why, also where nothing has to be done.
//!
//! [`plan`] decides every subject, [`plan_subjects`] some; the whole is the union of the parts. Total on any world: it
//! has no error, no clock, no chance and no I/O. Takes as given that every action is executed only while the objects
//! that it names are in the version that it was decided on, and that the world is planned again afterwards.

mod account;
mod application;
mod backoff;
mod contents;
mod contest;
mod finalizer;
mod left;
mod metadata;
mod output;
mod part;
mod renew;
mod retire;
mod secret;
mod status;
mod survey;
mod target;
mod trace;
mod user;
mod write;

use std::collections::BTreeSet;
use std::mem;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use self::survey::{Notes, Survey};

use crate::action::Action;
use crate::read::Read;
use crate::reason::Reason;
use crate::want::ServiceType;
use crate::world::{Here, Name, Observed, Subject, Timestamp, UserKey, World};

pub(crate) use self::account::made_at;
pub use self::output::FORMAT_VERSION;
#[cfg(feature = "schema")]
pub use self::output::schema;

/// What has to be done in a world.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a plan does nothing until it is executed"]
pub struct Plan {
    /// The moment that it was made for.
    pub now: Timestamp,
    /// One decision per subject, sorted by subject.
    pub decisions: Vec<Decision>,
    /// What the planner would need to see to decide more.
    pub reads: BTreeSet<Read>,
    /// The first moment at which time alone changes the plan.
    pub wake_at: Option<Timestamp>,
}

/// What is decided about one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it is about.
    pub subject: Subject,
    /// How far what is wished for is from what is: the worst of the parts.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The services that an application asks for, each with its own verdict.
    pub parts: Vec<Part>,
    /// What to do, in order within each step.
    pub actions: Vec<Planned>,
}

/// How far what is wished for is from what is; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All is well, or stays on purpose.
    Keep,
    /// Something is done.
    Change,
    /// Something that is named has to happen first.
    Wait,
    /// What is asked for cannot be met.
    Refuse,
}

/// What is decided about one service that an application asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The kind of service.
    pub service: ServiceType,
    /// The pool or instance.
    pub instance: Name,
    /// The secret that it goes into.
    pub secret: Name,
    /// How far it is from what is wished for.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
}

/// An action and the step that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The step.
    pub step: Step,
    /// The action.
    pub action: Action,
}

/// Actions of one step run in order, and a failure ends it; steps do not depend on each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Everything that serves one secret.
    Secret(Name),
    /// What is done to the application itself; runs last, and only if no step failed.
    Status,
}

impl Plan {
    /// Whether executing it would change anything.
    pub fn changes(&self) -> bool {
        self.actions().any(Action::is_change)
    }

    /// Every action, in order.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.decisions.iter().flat_map(|decision| &decision.actions).map(|planned| &planned.action)
    }
}

/// Decides every subject of a world.
pub fn plan(world: &World) -> Plan {
    let everywhere: Vec<Here<'_>> = world.everywhere().collect();
    join(world, vec![Share::of(world, &everywhere)])
}

/// Decides every subject of a world, the namespaces shared out among so many threads: gives the same as [`plan`], sooner.
pub fn plan_on(world: &World, threads: NonZeroUsize) -> Plan {
    if threads == NonZeroUsize::MIN {
        return plan(world);
    }
    let everywhere: Vec<Here<'_>> = world.everywhere().collect();
    let chunks = everywhere.chunks(everywhere.len().div_ceil(threads.get()).max(1));
    let shares = thread::scope(|scope| {
        let running: Vec<_> = chunks.map(|chunk| scope.spawn(|| Share::of(world, chunk))).collect();
        let ended = running.into_iter().map(ScopedJoinHandle::join);
        ended.map(|share| share.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    join(world, shares)
}

/// What is decided in some of the namespaces.
struct Share {
    applications: Vec<Decision>,
    secrets: Vec<Decision>,
    notes: Notes,
}

impl Share {
    fn of(world: &World, spaces: &[Here<'_>]) -> Self {
        let survey = Survey::new(world);
        let mut notes = Notes::default();
        let count: usize = spaces.iter().map(|here| here.space.applications_count()).sum();
        let places: usize = spaces.iter().map(|here| here.space.places_count()).sum();
        // With room for the secrets, which follow.
        let mut applications = Vec::with_capacity(count + places);
        let mut secrets = Vec::with_capacity(places);
        for here in spaces.iter().copied() {
            let apps = here.space.applications();
            applications.extend(apps.map(|app| application::decide(&survey, (here, app), &mut notes)));
            let managed = here.space.places().filter_map(|place| Some((here, place, place.managed()?)));
            secrets.extend(managed.map(|at| secret::decide(&survey, at, &mut notes)));
        }
        Share { applications, secrets, notes }
    }
}

/// Puts the shares together, in order, and adds what is decided about users.
fn join(world: &World, mut shares: Vec<Share>) -> Plan {
    let mut applications = shares.iter_mut().map(|share| mem::take(&mut share.applications));
    let mut decisions = applications.next().unwrap_or_default();
    applications.for_each(|mut applications| decisions.append(&mut applications));
    let mut notes = Notes::default();
    for Share { applications: _, mut secrets, notes: of_share } in shares {
        decisions.append(&mut secrets);
        notes.add(of_share);
    }
    let survey = Survey::new(world);
    let users = users(world);
    decisions.extend(users.iter().filter_map(|user| user::decide(&survey, user, &mut notes)));
    finish(world, decisions, notes)
}

/// Decides some subjects of a world; those that are not in it are left out.
pub fn plan_subjects(world: &World, subjects: &BTreeSet<Subject>) -> Plan {
    let survey = Survey::new(world);
    let mut notes = Notes::default();
    let decide = |subject: &Subject| match subject {
        Subject::Application(key) => {
            let here = world.here(&key.namespace);
            let app = here.space.application(&key.name)?;
            Some(application::decide(&survey, (here, app), &mut notes))
        }
        Subject::Secret(key) => {
            let here = world.here(&key.namespace);
            let place = here.space.place(&key.name)?;
            Some(secret::decide(&survey, (here, place, place.managed()?), &mut notes))
        }
        Subject::User(key) => user::decide(&survey, key, &mut notes),
    };
    let decisions = subjects.iter().filter_map(decide).collect();
    finish(world, decisions, notes)
}

/// Every subject of a world, in order.
pub fn subjects(world: &World) -> BTreeSet<Subject> {
    let applications = world.namespaces().flat_map(|(_, namespace)| namespace.applications());
    let secrets = world.namespaces().flat_map(|(_, namespace)| namespace.secrets());
    let applications = applications.map(|app| Subject::Application(app.key.clone()));
    let secrets = secrets.map(|secret| Subject::Secret(secret.key.clone()));
    applications.chain(secrets).chain(users(world).into_iter().map(Subject::User)).collect()
}

/// The users that the journal speaks of.
fn users(world: &World) -> BTreeSet<UserKey> {
    let journal = world.journal();
    let intents = journal.into_iter().flat_map(|journal| journal.intents.keys());
    intents.chain(journal.into_iter().flat_map(|journal| journal.retirements.keys())).cloned().collect()
}

fn finish(world: &World, mut decisions: Vec<Decision>, mut notes: Notes) -> Plan {
    match &world.journal {
        Observed::Seen(journal) if journal.foreign => {
            let why = "it belongs to another cluster, from which this one seems to be restored; nothing is done until a \
                       person deletes ConfigMap aivenator-journal";
            let reason = Reason::JournalUnavailable { why: why.into() };
            for decision in &mut decisions {
                decision.withhold(&reason);
            }
        }
        Observed::Seen(_) => {}
        // It may be another cluster's, whose users must not go.
        Observed::Unseen(why) => {
            let reason = Reason::NotObserved { what: Read::Journal, why: why.clone() };
            for decision in decisions.iter_mut().filter(|decision| decision.is_destructive()) {
                decision.withhold(&reason);
                notes.reads.push(Read::Journal);
            }
        }
    }
    let Notes { reads, wake_at } = notes;
    Plan { now: world.now, decisions, reads: reads.into_iter().collect(), wake_at }
}

impl Decision {
    /// Does nothing, for that reason.
    fn withhold(&mut self, reason: &Reason) {
        if !self.actions.iter().any(|planned| planned.action.is_change()) {
            return;
        }
        self.actions.retain(|planned| !planned.action.is_change());
        for part in self.parts.iter_mut().filter(|part| part.verdict == Verdict::Change) {
            (part.verdict, part.reason) = (Verdict::Wait, reason.clone());
        }
        if self.verdict <= Verdict::Change {
            (self.verdict, self.reason) = (Verdict::Wait, reason.clone());
        }
    }

    /// Whether it does what cannot be undone.
    pub fn is_destructive(&self) -> bool {
        self.actions.iter().any(|planned| planned.action.is_destructive())
    }
}
