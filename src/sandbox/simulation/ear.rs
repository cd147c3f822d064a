//! What an operator tells, kept for the oracle and for the story.
//!
//! Decides nothing; a decision that a rule withholds is withheld here as by the real reporter.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::check::Violation;
use crate::plan::{Decision, Plan};
use crate::shell::execute::Ended;
use crate::shell::fact::Fact;
use crate::shell::report::Report;
use crate::world::{Subject, World};

/// What was told since somebody has last asked.
#[derive(Clone, Default)]
pub(super) struct Heard {
    told: Arc<Mutex<Vec<Told>>>,
    /// What the last plan says, if somebody wants to hear it.
    thoughts: Arc<Mutex<Option<Vec<String>>>>,
}

/// One thing that was told.
#[derive(Debug)]
pub(super) enum Told {
    /// A decision would have broken a rule.
    Withheld(String),
    /// A decision was executed, as far as it went.
    Executed(String),
}

impl Heard {
    /// Takes what was told.
    pub(super) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on thoughts are kept.
    pub(super) fn think_aloud(&self) {
        *self.thoughts.lock().unwrap_or_else(PoisonError::into_inner) = Some(vec![]);
    }

    /// What the last plan says.
    pub(super) fn thoughts(&self) -> Vec<String> {
        self.thoughts.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    fn tell(&self, told: Told) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }
}

/// Listens for the simulator.
pub(super) struct Ear {
    heard: Heard,
}

impl Ear {
    pub(super) fn new(heard: &Heard) -> Self {
        Ear { heard: heard.clone() }
    }
}

impl Report for Ear {
    fn alive(&self) {}

    fn learned(&self, _: &Fact) {}

    fn withhold(&mut self, violations: Vec<Violation>) -> BTreeSet<Subject> {
        for violation in &violations {
            self.heard.tell(Told::Withheld(format!("{}: {violation}", violation.subject)));
        }
        violations.into_iter().map(|violation| violation.subject).collect()
    }

    fn planned(&mut self, _: &World, plan: &Plan, _: (Duration, bool)) {
        if let Some(thoughts) = &mut *self.heard.thoughts.lock().unwrap_or_else(PoisonError::into_inner) {
            let thought = |it: &Decision| format!("{}: {:?}: {}", it.subject, it.verdict, it.reason);
            *thoughts = plan.decisions.iter().map(thought).collect();
            thoughts.extend(plan.reads.iter().map(|read| format!("wants to see {read}")));
        }
    }

    fn executed(&self, decision: &Decision, steps: &[Ended], _: Duration) {
        for step in steps {
            let ended = step.trouble.as_ref().map_or_else(String::new, |trouble| format!(" ended with: {trouble}"));
            let done = format!("{} because {}{ended}", decision.subject, decision.reason);
            self.heard.tell(Told::Executed(done));
        }
    }
}
