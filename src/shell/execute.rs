//! Does what a decision says, action by action.
//!
//! Takes as given that the decision was made a moment ago and that each action carries all it needs; never chooses, and
//! never repeats. Steps run side by side; within one, actions run in order, and a failure ends it.

mod application;
mod intent;
mod secret;
mod user;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::Value as Json;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::fact::Fact;
use super::keystore::Encryption;
use super::kube::{Kube, resource};
use super::resolve::{Cas, Purse};
use super::trouble::Trouble;
use super::{acl, aiven, audit, clock, journal};
use crate::action::Action;
use crate::documents::{Sight, Sighting};
use crate::plan::{Decision, Planned, Step};
#[cfg(feature = "defects")]
use crate::sandbox::simulation::sabotage;
use crate::world::{Digester, FailureKey, Kind, Name, ServiceKey, Subject};

/// So long a decision holds. What is left of it then is decided anew: this process may have stood still, and a moment that
/// an action names, such as when a user was replaced, is long ago by then.
const LASTS: Duration = Duration::from_secs(20);

/// What executing needs.
#[derive(Clone)]
pub(crate) struct Executor {
    pub(crate) kube: Kube,
    pub(crate) aiven: aiven::Client,
    pub(crate) acl: acl::Writers,
    pub(crate) journal: journal::Writer,
    pub(crate) encryption: Encryption,
    pub(crate) cas: Cas,
    settle: SignedDuration,
    announced: intent::Announced,
    facts: UnboundedSender<Fact>,
    sight: Arc<Mutex<Sight>>,
}

/// What became of one step.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Which.
    pub(crate) step: Step,
    /// How many of its actions were done.
    pub(crate) done: usize,
    /// Why it ended early, if so.
    pub(crate) trouble: Option<Trouble>,
}

impl Executor {
    /// Executes through these; what is learned on the way goes to `facts`.
    pub(crate) fn new(
        (kube, aiven): (Kube, aiven::Client),
        journal: journal::Writer,
        (encryption, digester, settle): (Encryption, Digester, SignedDuration),
        facts: UnboundedSender<Fact>,
    ) -> Self {
        let acl = acl::Writers::new(aiven.clone());
        let sight = Arc::new(Mutex::new(Sight::new(digester)));
        let (cas, announced) = (Cas::default(), intent::Announced::default());
        Executor { kube, aiven, acl, journal, encryption, cas, settle, announced, facts, sight }
    }

    /// Executes a decision, and says each action that was done; the status comes last, and only if no step has failed.
    pub(crate) async fn execute<'d>(&self, decision: &'d Decision, did: impl Fn(&'d Action)) -> Vec<Ended> {
        let mut steps: BTreeMap<&Step, Vec<&'d Planned>> = BTreeMap::new();
        for planned in decision.actions.iter().filter(|planned| planned.action.is_change()) {
            steps.entry(&planned.step).or_default().push(planned);
        }
        let status = steps.remove(&Step::Status);
        let running = steps.into_iter().map(|(step, actions)| self.step((decision, step), actions, &did));
        let mut ended = join_all(running).await;
        if let Some(actions) = status
            && ended.iter().all(|step| step.trouble.is_none())
        {
            ended.push(self.step((decision, &Step::Status), actions, &did).await);
        }
        ended
    }

    /// Carries out actions that belong to no plan, in order, until one fails.
    pub(crate) async fn carry_out(&self, actions: &[Action]) -> Result<(), Trouble> {
        let mut purse = Purse::new(&self.aiven, &self.cas, self.encryption);
        for action in actions {
            self.perform(action, &mut purse).await?;
        }
        Ok(())
    }

    async fn step<'d>(
        &self,
        (decision, step): (&Decision, &Step),
        actions: Vec<&'d Planned>,
        did: &impl Fn(&'d Action),
    ) -> Ended {
        let mut purse = Purse::new(&self.aiven, &self.cas, self.encryption);
        let begun = Instant::now();
        for (done, planned) in actions.iter().enumerate() {
            let came = match self.announced(&planned.action, (&decision.subject, step)).await {
                Ok(()) if LASTS < begun.elapsed() => Err(Trouble::Stale { operation: "Decision" }),
                Ok(()) => self.perform(&planned.action, &mut purse).await,
                Err(trouble) => Err(trouble),
            };
            audit::tell((decision, step), &planned.action, &came);
            if let Err(trouble) = came {
                #[cfg(feature = "defects")]
                sabotage::give_up(&planned.action, &self.aiven).await;
                return Ended { step: step.clone(), done, trouble: Some(trouble) };
            }
            did(&planned.action);
        }
        Ended { step: step.clone(), done: actions.len(), trouble: None }
    }

    async fn perform(&self, action: &Action, purse: &mut Purse<'_>) -> Result<(), Trouble> {
        match action {
            Action::RecordIntent { .. } => self.record_intent(action).await,
            Action::CreateUser { user, access } => self.create_user(user, access.as_ref(), purse).await,
            Action::SetAccess { user, access } => {
                self.aiven.set_access(user, access).await.map_err(Trouble::Aiven)?;
                self.did(action);
                Ok(())
            }
            Action::EnableAcl { project, service } => {
                let service = ServiceKey { project: project.clone(), service: service.clone() };
                self.change_acl(&service, acl::Change::Enable).await
            }
            Action::GrantAcl { user, permission } => self.grant(user, permission).await,
            Action::RevokeAcl { user } => self.revoke(user).await,
            Action::RetireUser { .. } => self.retire(action).await,
            Action::WriteKeys(write) => self.write_keys(write, purse).await,
            Action::DeleteUser { user } => {
                self.aiven.delete_user(user).await.map_err(Trouble::Aiven)?;
                self.did(action);
                Ok(())
            }
            Action::ClearIntent { .. } => self.clear_intent(action).await,
            Action::DeleteSecret { namespace, name, expect } => {
                let key = (&**namespace, &**name);
                let deleted = self.kube.delete(Kind::Secret, key, expect).await;
                self.or_look_again(deleted, "DeleteSecret", key).await?;
                self.did(action);
                Ok(())
            }
            Action::ReleaseSecret { namespace, name, left_behind, expect } => {
                self.release((namespace, name), left_behind, expect).await?;
                self.did(action);
                Ok(())
            }
            Action::DeleteApplication { namespace, name, expect } => {
                self.delete_application((namespace, name), expect).await?;
                self.did(action);
                Ok(())
            }
            Action::UpdateStatus(update) => self.update_status(update).await,
            Action::SkipProtected { .. } | Action::KeepSecret { .. } | Action::KeepUser { .. } => Ok(()),
        }
    }

    /// Passes on a fact.
    fn learn(&self, fact: Fact) {
        // Nobody listens any longer when the operator is ending; the fact is observed again after the next start.
        let _ = self.facts.send(fact);
    }

    /// Passes on that an action was done.
    fn did(&self, action: &Action) {
        self.learn(Fact::Did(Box::new(action.clone()), clock::now()));
    }

    /// What an object comes to; `None` if it makes no sense.
    fn sight(&self, kind: Kind, value: &Json) -> Option<Sighting> {
        let resource = resource(kind);
        let mut sight = self.sight.lock().unwrap_or_else(PoisonError::into_inner);
        sight.see(&resource.api_version, &resource.kind, value).ok()
    }
}

/// Where a failure of a step belongs.
pub(crate) fn failure_key(subject: &Subject, step: &Step) -> FailureKey {
    let step = match step {
        Step::Secret(name) => name.clone(),
        Step::Status => Name::default(),
    };
    FailureKey { subject: subject.clone(), step }
}
