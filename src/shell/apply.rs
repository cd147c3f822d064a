//! A plan that somebody has seen, carried out once: decision by decision, each only if it is still what was shown.
//!
//! Takes as given that the plan was confirmed and that the lease is held. Plans each decision again right before it is
//! executed, looks afresh at what a destructive one rests on, and never does anything that was not shown.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::live::Live;
use super::run::RunError;
use super::{clock, lease};
use crate::action::Action;
use crate::check::check;
use crate::plan::{self, Decision, Plan, Planned};
use crate::world::Subject;

/// What becomes of a plan, as it happens.
#[derive(Debug)]
pub enum Progress<'p> {
    /// A decision is begun.
    Begun(&'p Subject),
    /// An action was done.
    Done(&'p Action),
    /// Nothing is left to do about a decision.
    Nothing(&'p Subject),
    /// Something was not done, and why; one line.
    Failed(&'p Subject, String),
}

impl Live {
    /// Takes the lease of the operator; fails while somebody else renews it.
    pub async fn lease(&self, identity: String) -> Result<lease::Lease, RunError> {
        if !self.home.known {
            return Err(RunError::Homeless);
        }
        let (namespace, name) = (self.home.namespace.clone(), "aivenator".to_owned());
        let options = lease::Options { namespace, name, identity, timing: lease::elector::Timing::default() };
        let client = self.asker.executor.kube.client().clone();
        lease::Lease::take(client, options).await.map_err(RunError::Lease)
    }

    /// Carries out what was shown, until the lease is lost.
    pub async fn apply(&mut self, shown: &Plan, lost: &CancellationToken, mut tell: impl FnMut(Progress<'_>)) {
        let changes = shown.decisions.iter().filter(|decision| is_change(decision));
        for decision in changes {
            if lost.is_cancelled() {
                tell(Progress::Failed(&decision.subject, "the lease was lost: somebody else acts now".to_owned()));
                continue;
            }
            tokio::select! {
                () = self.carry_out(decision, &mut tell) => {}
                () = lost.cancelled() => {
                    let why = "the lease was lost meanwhile: what was done is not known".to_owned();
                    tell(Progress::Failed(&decision.subject, why));
                }
            }
        }
    }

    async fn carry_out(&mut self, shown: &Decision, tell: &mut impl FnMut(Progress<'_>)) {
        let subject = &shown.subject;
        match self.still(shown) {
            Ok(true) => {}
            Ok(false) => return tell(Progress::Nothing(subject)),
            Err(why) => return tell(Progress::Failed(subject, why)),
        }
        if shown.actions.iter().any(|planned| planned.action.is_destructive()) {
            let looked = self.asker.confirm(shown).await;
            self.learn();
            let still = looked.map_err(|trouble| format!("what it rests on could not be looked at: {trouble}"));
            match still.and_then(|()| self.still(shown)) {
                Ok(true) => {}
                Ok(false) => return tell(Progress::Nothing(subject)),
                Err(why) => return tell(Progress::Failed(subject, why)),
            }
        }
        tell(Progress::Begun(subject));
        let ended = self.asker.executor.execute(shown).await;
        self.learn();
        for step in ended {
            let of_step = changes(shown).filter(|planned| planned.step == step.step);
            of_step.take(step.done).for_each(|planned| tell(Progress::Done(&planned.action)));
            if let Some(trouble) = step.trouble {
                tell(Progress::Failed(subject, trouble.to_string()));
            }
        }
    }

    /// Whether a decision is made now as it was shown; `false` if nothing is to be done any longer.
    fn still(&mut self, shown: &Decision) -> Result<bool, String> {
        self.view.at(clock::now());
        let world = self.world();
        let plan = plan::plan_subjects(&world, &BTreeSet::from([shown.subject.clone()]));
        if let Some(violation) = check(&world, &plan).first() {
            return Err(format!("withheld, since it would break a rule: {violation}"));
        }
        let Some(now) = plan.decisions.first() else { return Ok(false) };
        if !is_change(now) {
            return Ok(false);
        }
        let same = changes(now).eq(changes(shown));
        same.then_some(true).ok_or_else(|| format!("no longer what was shown: {}", now.reason))
    }
}

fn changes(decision: &Decision) -> impl Iterator<Item = &Planned> {
    decision.actions.iter().filter(|planned| planned.action.is_change())
}

fn is_change(decision: &Decision) -> bool {
    changes(decision).next().is_some()
}
