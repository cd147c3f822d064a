//! An execution under way: what is done of a plan, and which steps have ended early.
//!
//! Takes as given that the actions of one step come in their order; steps may be interleaved at will. Never chooses.

use std::collections::BTreeSet;

use crate::plan::{Plan, Planned, Step};
use crate::world::{FailureKey, Name, Subject, World};

/// An execution under way.
#[derive(Clone, Debug)]
pub struct Execution {
    world: World,
    failed: BTreeSet<(Subject, Step)>,
}

/// The actions of a plan in the order in which one worker would do them, the status of each decision last.
#[derive(Clone, Debug)]
pub struct Sequence<'p> {
    entries: std::vec::IntoIter<(&'p Subject, &'p Planned)>,
}

impl Execution {
    /// An execution of which nothing is done yet.
    pub fn new(world: &World) -> Self {
        Execution { world: world.clone(), failed: BTreeSet::new() }
    }

    /// The world as it is by now.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world as it is when the execution ends here.
    pub fn into_world(self) -> World {
        self.world
    }

    /// Does one action, unless its step has failed or it is a status that follows a failure; says whether it did.
    pub fn perform(&mut self, subject: &Subject, planned: &Planned) -> bool {
        let Planned { step, action } = planned;
        let of_subject = |(failed, _): &&(Subject, Step)| failed == subject;
        let blocked = match step {
            Step::Secret(_) => self.failed.contains(&(subject.clone(), step.clone())),
            Step::Status => self.failed.iter().any(|entry| of_subject(&entry)),
        };
        if blocked {
            return false;
        }
        let super::Attempt { world, done } = super::attempt(&self.world, action);
        self.world = world;
        if done {
            self.world.failures.remove(&failure_key(subject, step));
        } else {
            self.failed.insert((subject.clone(), step.clone()));
        }
        done
    }
}

fn failure_key(subject: &Subject, step: &Step) -> FailureKey {
    let step = match step {
        Step::Secret(name) => name.clone(),
        Step::Status => Name::default(),
    };
    FailureKey { subject: subject.clone(), step }
}

impl<'p> Sequence<'p> {
    /// The sequence of a plan.
    pub fn of(plan: &'p Plan) -> Self {
        let mut entries: Vec<(&Subject, &Planned)> = vec![];
        for decision in &plan.decisions {
            let (last, first): (Vec<_>, Vec<_>) =
                decision.actions.iter().partition(|planned| matches!(planned.step, Step::Status));
            entries.extend(first.into_iter().chain(last).map(|planned| (&decision.subject, planned)));
        }
        Sequence { entries: entries.into_iter() }
    }
}

impl<'p> Iterator for Sequence<'p> {
    type Item = (&'p Subject, &'p Planned);

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next()
    }
}
