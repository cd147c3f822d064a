//! The loop: facts come in, the world is planned, what is to be done is handed out, and what came of it is a fact again.
//!
//! Decides nothing but the pace: how soon after a change it is planned, and how much is under way at a time. Takes every
//! decision from the planner, right before it is executed, and never executes one that breaks a safety rule.

mod look;
mod queue;
mod task;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::look::Look;
use self::queue::{Queue, Repeats};
use self::task::{Job, Tasks};
use super::ask::{self, Asker, Ground};
use super::clock;
use super::execute::{Ended, failure_key};
use super::fact::Fact;
use super::reads::{self, Reads};
use super::report::Report;
use super::view::View;
use crate::check::{Violation, check};
use crate::plan::{self, Decision, Plan};
use crate::read::Read;
#[cfg(feature = "defects")]
use crate::sandbox::simulation::{Defect, sabotage};
use crate::world::{FailureKey, Kind, Subject, Timestamp, World};

/// How fast the loop goes.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// How many decisions are executed at a time.
    pub(crate) concurrency: usize,
    /// The period of the full plan.
    pub(crate) janitor_interval: SignedDuration,
    /// How long changes are gathered before they are planned.
    pub(crate) debounce: Duration,
    /// The longest that nothing is looked at, so that a clock that was set does no harm.
    pub(crate) longest: Duration,
    /// The namespaces that are looked at; all, if none is named.
    pub(crate) namespaces: Vec<Option<String>>,
    /// How many threads plan.
    pub(crate) threads: NonZeroUsize,
}

/// How many reads of Aiven and Kubernetes are under way at a time.
const READS: usize = 16;
/// Planning takes at most one part in so many of the time.
const SHARE: u32 = 5;

/// A running operator.
pub(crate) struct Operator {
    pace: Pace,
    view: View,
    asker: Asker,
    reporter: Box<dyn Report>,
    facts: UnboundedReceiver<Fact>,
    tasks: Tasks,
    queue: Queue,
    repeats: Repeats,
    reads: Reads,
    due: Vec<Read>,
    conflicts: BTreeMap<FailureKey, u32>,
    confirmed: BTreeMap<Subject, Look>,
    dirty: bool,
    ending: bool,
    quiet_until: Instant,
    wake_at: Option<Timestamp>,
    slow_at: Timestamp,
    /// Whether Secrets that no watch shows are looked for with the next read of them.
    stripped_due: bool,
}

impl Operator {
    /// An operator that has seen nothing yet.
    pub(crate) fn new(
        pace: Pace,
        view: View,
        (asker, reporter): (Asker, Box<dyn Report>),
        facts: UnboundedReceiver<Fact>,
    ) -> Self {
        let reads = Reads::new(view.world().settings().sync_period);
        Operator {
            pace,
            view,
            asker,
            reporter,
            facts,
            tasks: Tasks::default(),
            queue: Queue::default(),
            repeats: Repeats::default(),
            reads,
            due: vec![],
            conflicts: BTreeMap::new(),
            confirmed: BTreeMap::new(),
            dirty: true,
            ending: false,
            quiet_until: Instant::now(),
            wake_at: None,
            slow_at: Timestamp::MIN,
            stripped_due: true,
        }
    }

    /// Runs until it is told to stop; what is under way is finished first.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let wait = self.wait();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // Before facts, of which there may always be one: each task ends once.
                Some(ended) = self.tasks.next() => self.ended(ended),
                Some(fact) = self.facts.recv() => self.take(fact),
                () = tokio::time::sleep(wait) => {}
            }
            self.step();
        }
        self.finish().await;
    }

    /// Waits for what is under way; nothing is begun any more.
    async fn finish(&mut self) {
        self.ending = true;
        self.tasks.drop_reads();
        while let Some(ended) = self.tasks.next().await {
            self.ended(ended);
        }
    }

    /// Everything that can be done without waiting.
    fn step(&mut self) {
        while let Ok(fact) = self.facts.try_recv() {
            self.take(fact);
        }
        let now = clock::now();
        self.reporter.alive();
        if self.plan_at(now) <= now && self.quiet_until <= Instant::now() {
            let slow = self.slow_at <= now;
            if slow {
                self.slow_clock(now);
            }
            self.plan(now, slow);
        }
        self.read(now);
        self.dispatch(now);
    }

    fn take(&mut self, fact: Fact) {
        self.reporter.learned(&fact);
        if self.view.take(fact) && !self.dirty {
            self.dirty = true;
            self.quiet_until = self.quiet_until.max(Instant::now() + self.pace.debounce);
        }
    }

    /// Plans everything; what is to be done is executed after it was planned once more.
    fn plan(&mut self, now: Timestamp, slow: bool) {
        let begun = Instant::now();
        let world = self.view.at(now);
        #[cfg(feature = "defects")]
        let world = &sabotage::world(world, None);
        let plan = plan::plan_on(world, self.pace.threads);
        #[cfg(feature = "defects")]
        let plan = sabotage::plan(world, plan);
        let withheld = self.reporter.withhold(violations(world, &plan));
        let took = begun.elapsed();
        self.dirty = false;
        self.quiet_until = Instant::now() + self.pace.debounce.max(took * SHARE);
        self.wake_at = plan.wake_at;
        self.reads.want(&reads::wanted(&plan), now);
        self.reporter.planned(world, &plan, (took, slow));
        let changes =
            plan.decisions.iter().filter(|decision| is_change(decision) && !withheld.contains(&decision.subject));
        let subjects = changes.map(|decision| decision.subject.clone());
        #[cfg(feature = "defects")]
        let subjects = subjects.chain(sabotage::also(world));
        self.queue.replace(subjects.collect());
    }

    /// What is looked at again and again, whether or not anything has happened.
    fn slow_clock(&mut self, now: Timestamp) {
        self.slow_at = now.checked_add(self.pace.janitor_interval).unwrap_or(Timestamp::MAX);
        self.conflicts.clear();
        self.stripped_due = true;
        self.reads.again(Read::Kind(Kind::Secret), now);
        self.reads.again(Read::Journal, now);
    }

    fn read(&mut self, now: Timestamp) {
        self.due.extend(self.reads.due(now));
        while self.tasks.reads() < READS
            && let Some(read) = self.due.pop()
        {
            self.start_read(read);
        }
    }

    fn start_read(&mut self, read: Read) {
        let asker = self.asker.clone();
        let stripped = (read == Read::Kind(Kind::Secret) && self.stripped_due)
            .then(|| (self.view.unwatched(), self.pace.namespaces.clone()));
        self.tasks.spawn(Job::Read(read.clone()), async move {
            let answer = match stripped {
                Some((known, namespaces)) => asker.look_for_stripped(known, &namespaces).await,
                None => asker.ask(&read).await,
            };
            task::Ended::Read(read, answer)
        });
    }

    /// Hands out what is to be done, as long as there is room.
    fn dispatch(&mut self, now: Timestamp) {
        while self.tasks.decisions() < self.pace.concurrency
            && let Some(subject) = self.queue.pop()
        {
            self.begin(subject, now);
        }
    }

    /// Plans one subject on the world as it is now, and begins what has to be done.
    fn begin(&mut self, subject: Subject, now: Timestamp) {
        let world = self.view.at(now).clone();
        let touched = ask::touched(&subject, &world);
        // Whatever ends is planned again, and so is this then.
        if self.ending || self.tasks.is_busy(&touched) {
            return;
        }
        let look = self.confirmed.remove(&subject).filter(Look::is_fresh);
        #[cfg(feature = "defects")]
        let look = look.or_else(Look::spared);
        let world = match ask::home(&subject, &world).filter(|_| look.as_ref().is_some_and(Look::listed)) {
            Some(namespace) => self.view.confirmed(&namespace, now),
            None => world,
        };
        let Some((plan, decision)) = decide(&world, &subject) else { return };
        let violations = violations(&world, &plan);
        if !violations.is_empty() {
            self.reporter.withhold(violations);
            return;
        }
        if !is_change(&decision) {
            return;
        }
        let wait = self.repeats.wait(&decision);
        #[cfg(feature = "defects")]
        let wait = wait.filter(|_| !sabotage::has(Defect::G34));
        if let Some(wait) = wait {
            let at = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
            self.wake_at = self.wake_at.into_iter().chain(at).min();
            return;
        }
        let asker = self.asker.clone();
        let ground = Ground::of(&decision, &world);
        if !ground.is_empty() && !look.is_some_and(|look| look.suffices(&ground)) {
            self.tasks.spawn(Job::Decision(subject, touched), async move {
                let looked = asker.confirm(&ground).await;
                task::Ended::Confirmed(Box::new(decision), looked.map(|()| ground))
            });
            return;
        }
        let generation = generation(&world, &subject);
        let decision = Arc::new(decision);
        self.tasks.spawn(Job::Decision(subject, touched), async move {
            let begun = Instant::now();
            let steps = asker.executor.execute(&decision, |_| {}).await;
            task::Ended::Executed { decision, steps, generation, took: begun.elapsed() }
        });
    }

    /// Takes in what came of a task; the facts that it has sent come first.
    fn ended(&mut self, ended: task::Ended) {
        while let Ok(fact) = self.facts.try_recv() {
            self.take(fact);
        }
        let now = clock::now();
        match ended {
            task::Ended::Read(read, Ok(())) => {
                self.stripped_due &= read != Read::Kind(Kind::Secret);
                self.reads.answered(&read, now);
            }
            task::Ended::Read(read, Err(trouble)) => {
                tracing::warn!(read = read.name(), of = read.target(), "could not be read: {trouble}");
                #[cfg(feature = "defects")]
                if sabotage::has(Defect::G28) {
                    return;
                }
                self.reads.failed(&read, now, trouble.failed(0).retry_after);
            }
            task::Ended::Confirmed(decision, Ok(ground)) => {
                self.confirmed.insert(decision.subject.clone(), Look::now(ground));
                self.begin(decision.subject.clone(), now);
            }
            task::Ended::Confirmed(decision, Err(trouble)) => {
                let subject = &decision.subject;
                let generation = generation(self.view.world(), subject);
                tracing::warn!(%subject, "what it rests on could not be looked at: {trouble}");
                let steps = decision.actions.iter().filter(|planned| planned.action.is_change());
                for step in steps.map(|planned| &planned.step).collect::<BTreeSet<_>>() {
                    self.take(Fact::Failed(failure_key(subject, step), trouble.failed(generation), now));
                }
            }
            task::Ended::Executed { decision, steps, generation, took } => {
                self.reporter.executed(&decision, &steps, took);
                if steps.iter().all(|step| step.trouble.is_none()) {
                    self.repeats.done(&decision);
                }
                for step in steps {
                    self.step_ended(&decision.subject, step, (generation, now));
                }
                self.dirty = true;
            }
            task::Ended::Lost(job) => {
                tracing::error!(job = ?job, "a task has ended before its time");
                match job {
                    Job::Read(read) => self.reads.failed(&read, now, None),
                    Job::Decision(subject, _) => self.repeats.lost(subject),
                }
                self.dirty = true;
            }
        }
    }

    fn step_ended(&mut self, subject: &Subject, ended: Ended, (generation, now): (i64, Timestamp)) {
        let Ended { step, done: _, trouble } = ended;
        let key = failure_key(subject, &step);
        let Some(trouble) = trouble else {
            self.conflicts.remove(&key);
            self.take(Fact::Succeeded(key));
            return;
        };
        if trouble.is_stale() {
            if !trouble.is_conflict() {
                return;
            }
            let again = self.conflicts.entry(key.clone()).or_default();
            *again += 1;
            // Once is no failure: what is there is known by now, and planned again.
            if *again < 2 {
                return;
            }
        }
        self.take(Fact::Failed(key, trouble.failed(generation), now));
    }

    /// When everything is to be planned next, unless something happens before.
    fn plan_at(&self, now: Timestamp) -> Timestamp {
        let changed = self.dirty.then_some(now);
        changed.into_iter().chain(self.wake_at).fold(self.slow_at, Timestamp::min)
    }

    /// How long nothing has to be done, unless something happens.
    fn wait(&self) -> Duration {
        let now = clock::now();
        let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        let plan = until(self.plan_at(now)).max(self.quiet_until.saturating_duration_since(Instant::now()));
        let read = self.reads.next().map_or(self.pace.longest, until);
        plan.min(read).clamp(SHORTEST, self.pace.longest)
    }
}

/// Never shorter, so that nothing can make the loop spin.
const SHORTEST: Duration = Duration::from_millis(5);

/// What of a plan breaks a rule.
fn violations(world: &World, plan: &Plan) -> Vec<Violation> {
    let violations = check(world, plan);
    #[cfg(feature = "defects")]
    let violations = sabotage::unchecked(violations);
    violations
}

fn decide(world: &World, subject: &Subject) -> Option<(Plan, Decision)> {
    #[cfg(feature = "defects")]
    let world = &sabotage::world(world, Some(subject));
    let plan = plan::plan_subjects(world, &BTreeSet::from([subject.clone()]));
    #[cfg(feature = "defects")]
    let plan = sabotage::plan(world, plan);
    let decision = plan.decisions.first().cloned()?;
    Some((plan, decision))
}

fn is_change(decision: &Decision) -> bool {
    decision.actions.iter().any(|planned| planned.action.is_change())
}

fn generation(world: &World, subject: &Subject) -> i64 {
    match subject {
        Subject::Application(key) => world.application(key).map_or(0, |app| app.generation),
        Subject::Secret(_) | Subject::User(_) => 0,
    }
}
