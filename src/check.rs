//! The safety rules, as code that judges a plan without recomputing it.
//!
//! Decides for each action whether it may stand in a plan for this world: ownership, order, evidence. Takes as given that
//! the actions of a step are executed in order, after which other steps may or may not have run. Never asks the planner,
//! so that a mistake there is not made here again.

mod journal;
mod object;
mod rule;
mod secret;
mod user;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use crate::action::Action;
use crate::plan::{Decision, Plan, Step};
use crate::world::{AppKey, Name, SecretKey, Subject, UserKey, World};

pub use self::rule::Rule;

/// A decision that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Whose decision.
    pub subject: Subject,
    /// Which rule.
    pub rule: Rule,
    /// What was about to be done, for people; holds nothing secret.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.subject, self.rule.code(), self.message)
    }
}

/// Every rule that a plan breaks in a world; empty for a plan that may be executed.
pub fn check(world: &World, plan: &Plan) -> Vec<Violation> {
    let mut violations = vec![];
    for decision in &plan.decisions {
        let findings = judge(world, decision);
        let subject = &decision.subject;
        let named = findings.into_iter().map(|(rule, message)| Violation { subject: subject.clone(), rule, message });
        violations.extend(named);
    }
    violations.extend(why_too_many(world, plan));
    violations.extend(twice(plan));
    violations
}

/// The rules that were broken, and how.
type Findings = Vec<(Rule, String)>;

/// One action where it stands.
#[derive(Clone, Copy)]
struct Case<'p> {
    world: &'p World,
    subject: &'p Subject,
    step: &'p Step,
    earlier: &'p [&'p Action],
    later: &'p [&'p Action],
}

fn judge(world: &World, decision: &Decision) -> Findings {
    let mut steps: BTreeMap<&Step, Vec<&Action>> = BTreeMap::new();
    for planned in &decision.actions {
        steps.entry(&planned.step).or_default().push(&planned.action);
    }
    let mut findings = vec![];
    for (step, actions) in steps {
        for (place, action) in actions.iter().enumerate() {
            let (earlier, rest) = actions.split_at(place);
            let later = rest.get(1..).unwrap_or_default();
            let case = Case { world, subject: &decision.subject, step, earlier, later };
            findings.extend(object::paused_or_ending(&case, action));
            findings.extend(judge_action(&case, action));
        }
    }
    findings
}

fn judge_action(case: &Case<'_>, action: &Action) -> Findings {
    let key = |namespace: &Name, name: &Name| SecretKey { namespace: namespace.clone(), name: name.clone() };
    match action {
        Action::RecordIntent { user, namespace, secret, .. } => journal::record(case, user, &key(namespace, secret)),
        Action::CreateUser { user, access: _ } => user::create(case, user),
        Action::SetAccess { user, access: _ } | Action::GrantAcl { user, permission: _ } => user::grant(case, user),
        Action::EnableAcl { project, service } => user::enable(case, project, service),
        Action::RevokeAcl { user } => user::revoke(case, user),
        Action::RetireUser { user, namespace, secret, .. } => journal::retire(case, user, &key(namespace, secret)),
        Action::WriteKeys(write) => write::write(case, write),
        Action::DeleteUser { user } => user::delete(case, user),
        Action::ClearIntent { user, left_behind, .. } => journal::clear(case, user, *left_behind),
        Action::DeleteSecret { namespace, name, expect } => secret::delete(case, &key(namespace, name), expect),
        Action::ReleaseSecret { namespace, name, left_behind, expect } => {
            secret::release(case, &key(namespace, name), expect, left_behind)
        }
        Action::DeleteApplication { namespace, name, expect } => {
            object::delete(case, &AppKey { namespace: namespace.clone(), name: name.clone() }, expect)
        }
        Action::UpdateStatus(update) => object::status(case, update),
        Action::SkipProtected { .. } | Action::KeepSecret { .. } | Action::KeepUser { .. } => vec![],
    }
}

impl Case<'_> {
    /// Whether the user is made earlier in the step.
    fn made(&self, user: &UserKey) -> bool {
        self.earlier.iter().any(|action| matches!(action, Action::CreateUser { user: made, .. } if made == user))
    }

    /// Whether the user is deleted earlier in the step.
    fn deleted(&self, user: &UserKey) -> bool {
        self.earlier.iter().any(|action| matches!(action, Action::DeleteUser { user: gone } if gone == user))
    }

    /// The application for which the secret had the user until it was replaced: the label may name another by now.
    fn replaced_for(&self, user: &UserKey, secret: &SecretKey) -> Option<Name> {
        let copy = self.world.journal()?.retirements.get(user)?;
        (copy.secret == *secret).then(|| copy.application.clone())
    }

    /// The application and the secret that the subject's users are for, as far as anyone says.
    fn owner(&self, user: &UserKey) -> Option<(AppKey, SecretKey)> {
        match self.subject {
            Subject::Application(app) => {
                let Step::Secret(name) = self.step else { return None };
                Some((app.clone(), SecretKey { namespace: app.namespace.clone(), name: name.clone() }))
            }
            Subject::Secret(key) => {
                let name = self.replaced_for(user, key).or_else(|| self.world.managed(key)?.app().cloned())?;
                Some((AppKey { namespace: key.namespace.clone(), name }, key.clone()))
            }
            Subject::User(_) => {
                let journal = self.world.journal()?;
                let intended =
                    journal.intents.get(user).map(|intent| (intent.application_key(), intent.secret.clone()));
                intended.or_else(|| {
                    let retirement = journal.retirements.get(user)?;
                    let namespace = retirement.secret.namespace.clone();
                    Some((AppKey { namespace, name: retirement.application.clone() }, retirement.secret.clone()))
                })
            }
        }
    }
}

/// Adds a finding if a rule is broken.
fn forbid(findings: &mut Findings, broken: bool, rule: Rule, message: impl FnOnce() -> String) {
    if broken {
        findings.push((rule, message()));
    }
}

fn why_too_many(world: &World, plan: &Plan) -> Option<Violation> {
    let is_delete = |action: &Action| matches!(action, Action::DeleteSecret { .. });
    let deletes = plan.actions().filter(|action| is_delete(action)).count();
    let allowed = world.settings().max_deletions.of(world.managed_count());
    if deletes <= allowed {
        return None;
    }
    let last = plan.decisions.iter().rfind(|decision| decision.actions.iter().any(|it| is_delete(&it.action)))?;
    let message = format!("the plan deletes {deletes} secrets, and {allowed} are allowed");
    Some(Violation { subject: last.subject.clone(), rule: Rule::DeletionLimit, message })
}

/// Users that two decisions make, and secrets that two decisions write.
fn twice(plan: &Plan) -> Vec<Violation> {
    let mut made: BTreeMap<String, &Subject> = BTreeMap::new();
    let mut violations = vec![];
    for decision in &plan.decisions {
        for planned in &decision.actions {
            let what = if let Action::CreateUser { user, .. } = &planned.action {
                format!("creates {user}")
            } else if let Action::WriteKeys(write) = &planned.action {
                format!("writes {}/{}", write.namespace, write.name)
            } else {
                continue;
            };
            if let Some(other) = made.insert(what.clone(), &decision.subject) {
                let message = format!("{what}, and so does {other}");
                violations.push(Violation { subject: decision.subject.clone(), rule: Rule::DoneTwice, message });
            }
        }
    }
    violations
}
