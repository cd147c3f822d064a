//! The numbers that follow from a world, a plan and what was done of it.
//!
//! Decides what is counted, under the names that dashboards know. Counts users and secrets, never names them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::action::Action;
use crate::orphans::{Likeness, orphans};
use crate::plan::{Decision, Plan, Planned, Verdict};
use crate::reason::Reason;
use crate::shell::execute::Ended;
use crate::shell::metrics::{Change, Convention, Metrics, Resource, SecretState};
use crate::want::ServiceType;
use crate::world::{
    Application, Kind, Lookup, Name, Observed, Protection, RolloutState, SecretKey, ServiceKey, Subject, Timestamp,
    World,
};

/// How often what has to be counted through is counted.
const OFTEN: Duration = Duration::from_secs(30);
/// How often the users of a pool are counted.
const SELDOM: Duration = Duration::from_mins(5);

/// When what was counted last.
#[derive(Default)]
pub(super) struct Clock {
    world: Option<Instant>,
    users: Option<Instant>,
    /// Since when each secret is seen being deleted, by its uid too: one of the same name starts anew.
    terminating: BTreeMap<(SecretKey, Name), Instant>,
}

impl Clock {
    /// Counts what is due.
    pub(super) fn tell(&mut self, metrics: &Metrics, world: &World) {
        let due = |last: Option<Instant>, every| last.is_none_or(|last: Instant| last.elapsed() >= every);
        if due(self.world, OFTEN) {
            self.world = Some(Instant::now());
            state_of(metrics, world);
            self.terminating(metrics, world);
        }
        if due(self.users, SELDOM) && world.unlisted.is_empty() {
            self.users = Some(Instant::now());
            users(metrics, world);
        }
    }
}

impl Clock {
    fn terminating(&mut self, metrics: &Metrics, world: &World) {
        let now = Instant::now();
        let secrets = world.namespaces().flat_map(|(_, namespace)| namespace.secrets());
        let going = secrets.filter(|secret| secret.terminating && secret.finalizer).map(|secret| {
            let id = (secret.key.clone(), secret.uid.clone());
            let since = self.terminating.get(&id).copied().unwrap_or(now);
            (id, since)
        });
        let going: BTreeMap<_, _> = going.collect();
        metrics.secrets_terminating(going.len(), going.values().min().copied().map(Into::into));
        self.terminating = going;
    }
}

/// Counts what the breaker holds back: who is paged for it looks at once.
pub(super) fn withheld(metrics: &Metrics, plan: &Plan) {
    let limited = |decision: &&Decision| matches!(decision.reason, Reason::DeletionLimit { .. });
    metrics.deletions_withheld(plan.decisions.iter().filter(limited).count());
}

/// Counts a pass over every application.
pub(super) fn passes(metrics: &Metrics, world: &World, plan: &Plan) {
    for decision in &plan.decisions {
        if let Subject::Application(key) = &decision.subject {
            metrics.application_processed(world.application(key).and_then(state));
        }
    }
}

/// Counts the users that nothing in this cluster records, once everything that could record them was seen.
pub(super) fn orphaned(metrics: &Metrics, world: &World) {
    if world.why_unlisted(Kind::Secret).is_some() || world.journal().is_none() {
        return;
    }
    let found = orphans(&[(Name::default(), world.clone())], world.now).orphans;
    metrics.users_orphaned(found.iter().filter(|orphan| orphan.name == Likeness::Ours).count());
}

fn state(app: &Application) -> Option<RolloutState> {
    known(&app.status.state)
}

fn known(state: &str) -> Option<RolloutState> {
    [RolloutState::Complete, RolloutState::Failed].into_iter().find(|known| known.as_str() == state)
}

/// Counts what was done of a decision.
pub(super) fn executed(metrics: &Metrics, decision: &Decision, (steps, took): (&[Ended], Duration)) {
    if let Subject::Application(_) = &decision.subject {
        let updated = decision.actions.iter().find_map(|planned| {
            if let Action::UpdateStatus(update) = &planned.action { known(&update.state) } else { None }
        });
        let failed = steps.iter().any(|step| step.trouble.is_some());
        let state = if failed { Some(RolloutState::Failed) } else { updated };
        metrics.application_processed(state);
        metrics.application_time(state, took);
    }
    for part in decision.parts.iter().filter(|part| part.verdict == Verdict::Change) {
        metrics.handler_time(part.service, took);
    }
    for ended in steps {
        let of_step =
            decision.actions.iter().filter(|planned| planned.step == ended.step && planned.action.is_change());
        for (place, planned) in of_step.enumerate() {
            if place < ended.done {
                done(metrics, planned);
            } else if place == ended.done {
                not_done(metrics, planned);
            }
        }
    }
}

fn done(metrics: &Metrics, planned: &Planned) {
    match &planned.action {
        Action::CreateUser { user, access: _ } => metrics.service_user(Change::Created, &user.project),
        Action::SetAccess { user, access: _ } | Action::GrantAcl { user, permission: _ } => {
            metrics.service_user(Change::Updated, &user.project);
        }
        Action::DeleteUser { user } => metrics.service_user(Change::Deleted, &user.project),
        Action::WriteKeys(write) => metrics.resource_written(&write.namespace, Resource::Secret),
        Action::DeleteSecret { namespace, .. } => metrics.resource_deleted(namespace, Resource::Secret),
        Action::DeleteApplication { namespace, .. } => metrics.resource_deleted(namespace, Resource::AivenApplication),
        Action::UpdateStatus(update) => metrics.resource_written(&update.namespace, Resource::AivenApplication),
        Action::RecordIntent { .. }
        | Action::ClearIntent { .. }
        | Action::EnableAcl { .. }
        | Action::RevokeAcl { .. }
        | Action::RetireUser { .. }
        | Action::ReleaseSecret { .. }
        | Action::SkipProtected { .. }
        | Action::KeepSecret { .. }
        | Action::KeepUser { .. } => {}
    }
}

fn not_done(metrics: &Metrics, planned: &Planned) {
    if let Action::WriteKeys(write) = &planned.action {
        metrics.resource_not_written(&write.namespace, Resource::Secret);
    } else if let Action::UpdateStatus(update) = &planned.action {
        metrics.resource_not_written(&update.namespace, Resource::AivenApplication);
    }
}

/// What stands in the world: secrets by state, intents, retirements, ends of certificates.
fn state_of(metrics: &Metrics, world: &World) {
    let mut counts: BTreeMap<SecretState, usize> = SecretState::ALL.into_iter().map(|state| (state, 0)).collect();
    let mut retired = 0;
    let mut ends: BTreeMap<Name, Timestamp> = BTreeMap::new();
    let mut by_service: BTreeMap<ServiceKey, usize> = BTreeMap::new();
    for secret in world.namespaces().flat_map(|(_, namespace)| namespace.secrets()) {
        let state = match secret.protection() {
            Protection::Forever => Some(SecretState::Protected),
            Protection::Until(_) => Some(SecretState::ProtectedWithTimeLimit),
            Protection::None => None,
        };
        let in_use = world.asking(&secret.key).next().is_some() || world.using(&secret.key).next().is_some();
        for state in state.into_iter().chain(in_use.then_some(SecretState::InUse)) {
            *counts.entry(state).or_default() += 1;
        }
        retired += secret.retired().len();
        for user in secret.accounts() {
            *by_service.entry(user.service_key()).or_default() += 1;
        }
        let pool =
            secret.claims().iter().find(|claim| claim.service_type == ServiceType::Kafka).map(|claim| &claim.project);
        if let (Some(pool), Some(validity)) = (pool, secret.certificate) {
            ends.entry(pool.clone()).and_modify(|end| *end = (*end).min(validity.until)).or_insert(validity.until);
        }
    }
    for (state, count) in counts {
        metrics.secrets_managed(state, count);
    }
    metrics.users_retired(retired);
    metrics.users_by_service(by_service);
    metrics.certificates_end(ends);
    if let Observed::Seen(journal) = &world.journal {
        metrics.intents_open(world.open_intents());
        metrics.users_left_behind(journal.left_behind.len());
    }
}

/// All users of the Kafka of each pool, by the way they are named.
fn users(metrics: &Metrics, world: &World) {
    for pool in &world.settings().projects {
        let Lookup::Found(project) = world.project(pool) else { continue };
        let kafka = project.services.values().find_map(|service| match service {
            Observed::Seen(Some(service)) if service.service_type == "kafka" => Some(service),
            Observed::Seen(_) | Observed::Unseen(_) => None,
        });
        let Some(kafka) = kafka else { continue };
        let mut counts: BTreeMap<Convention, usize> = Convention::ALL.into_iter().map(|of| (of, 0)).collect();
        #[expect(clippy::disallowed_methods, reason = "counting does not depend on the order")]
        for name in kafka.users.keys() {
            *counts.entry(Convention::of(name)).or_default() += 1;
        }
        for (convention, count) in counts {
            metrics.users_count(pool, convention, count);
        }
    }
}
