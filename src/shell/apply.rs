//! A plan that somebody has seen, carried out once: decision by decision, each only if it is still what was shown.
//!
//! Takes as given that the plan was confirmed and that the lease is held. Plans each decision again right before it is
//! executed, looks afresh at what a destructive one rests on, and never does anything that was not shown.

use std::cell::RefCell;
use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::ask::{Ground, home};
use super::lease;
use super::live::Live;
use super::run::RunError;
use crate::action::Action;
use crate::check::check;
use crate::plan::{self, Decision, Plan, Planned, Verdict};
use crate::world::{Subject, World, names};

/// What becomes of a plan, as it happens.
#[derive(Debug)]
pub enum Progress<'p> {
    /// A decision is begun.
    Begun(&'p Subject),
    /// An action was done.
    Done(&'p Action),
    /// Nothing is to be done any longer about a decision, and why.
    Nothing(&'p Subject, String),
    /// Something was not done, and why; one line.
    Failed(&'p Subject, String),
}

impl Live {
    /// Takes the lease of the operator; fails while somebody else renews it.
    pub async fn lease(&self, identity: String) -> Result<lease::Lease, RunError> {
        if !self.home.known {
            return Err(RunError::Homeless);
        }
        let (namespace, name) = (self.home.namespace.clone(), names::LEASE.to_owned());
        let options = lease::Options { namespace, name, identity, timing: lease::elector::Timing::default() };
        let client = self.client.clone();
        lease::Lease::take(client, options).await.map_err(RunError::Lease)
    }

    /// Carries out what was shown, until the lease is lost.
    pub async fn apply(&mut self, shown: &Plan, lost: &CancellationToken, mut tell: impl FnMut(Progress<'_>)) {
        let changes = shown.decisions.iter().filter(|decision| is_change(decision));
        for decision in changes {
            let mut begun = false;
            let mut telling = |progress: Progress<'_>| {
                begun |= matches!(progress, Progress::Begun(_));
                tell(progress);
            };
            tokio::select! {
                biased;
                () = lost.cancelled() => {}
                () = self.carry_out(decision, &mut telling) => continue,
            }
            let why = if begun { LOST_MEANWHILE } else { LOST };
            tell(Progress::Failed(&decision.subject, why.to_owned()));
        }
    }

    async fn carry_out(&mut self, shown: &Decision, tell: &mut impl FnMut(Progress<'_>)) {
        let subject = &shown.subject;
        let world = self.world();
        if let Some(why) = why_not(&world, shown) {
            return tell(why.about(subject));
        }
        let ground = Ground::of(shown, &world);
        if !ground.is_empty() {
            let looked = self.asker.confirm(&ground).await;
            self.learn();
            if let Err(trouble) = looked {
                return tell(Progress::Failed(subject, format!("what it rests on could not be looked at: {trouble}")));
            }
            let world = match home(subject, &world) {
                Some(namespace) => self.confirmed(&namespace),
                None => self.world(),
            };
            if let Some(why) = why_not(&world, shown) {
                return tell(why.about(subject));
            }
        }
        tell(Progress::Begun(subject));
        let tell = RefCell::new(tell);
        let say = |progress: Progress<'_>| {
            // Nothing is told while something is told.
            if let Ok(mut tell) = tell.try_borrow_mut() {
                tell(progress);
            }
        };
        let ended = self.asker.executor.execute(shown, |action| say(Progress::Done(action))).await;
        self.learn();
        for trouble in ended.into_iter().filter_map(|step| step.trouble) {
            say(Progress::Failed(subject, trouble.to_string()));
        }
    }
}

/// What is said of a decision that was not begun when somebody else took the lease.
const LOST: &str = "not done: the lease was lost, somebody else may act now";
/// The same, of one that was.
const LOST_MEANWHILE: &str = "the lease was lost meanwhile: what is not said to be done may have been done or not";

/// Why a decision is not carried out.
enum Not {
    /// It has nothing to do any longer.
    Needed(String),
    /// It may not.
    Allowed(String),
}

impl Not {
    fn about(self, subject: &Subject) -> Progress<'_> {
        match self {
            Not::Needed(why) => Progress::Nothing(subject, why),
            Not::Allowed(why) => Progress::Failed(subject, why),
        }
    }
}

/// Why a decision is not carried out in that world as it was shown, if so.
fn why_not(world: &World, shown: &Decision) -> Option<Not> {
    let plan = plan::plan_subjects(world, &BTreeSet::from([shown.subject.clone()]));
    if let Some(violation) = check(world, &plan).first() {
        return Some(Not::Allowed(format!("withheld, since it would break a rule: {violation}")));
    }
    let Some(now) = plan.decisions.first() else { return Some(Not::Needed("it is gone".to_owned())) };
    if !is_change(now) && now.verdict == Verdict::Keep {
        return Some(Not::Needed(now.reason.to_string()));
    }
    let same = changes(now).eq(changes(shown));
    (!same).then(|| Not::Allowed(format!("no longer what was shown: {}", now.reason)))
}

fn changes(decision: &Decision) -> impl Iterator<Item = &Planned> {
    decision.actions.iter().filter(|planned| planned.action.is_change())
}

fn is_change(decision: &Decision) -> bool {
    changes(decision).next().is_some()
}
