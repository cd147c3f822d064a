//! Actions on service users, and the copies of their retirements.
//!
//! Takes as given that a name is made only under an intent; never takes over a user that it finds in its place.

use super::Executor;
use crate::action::{AccessRules, Action};
#[cfg(feature = "defects")]
use crate::sandbox::simulation::{Defect, sabotage};
use crate::shell::aiven::{Missing, Problem};
use crate::shell::fact::Fact;
use crate::shell::resolve::Purse;
use crate::shell::trouble::Trouble;
use crate::shell::{acl, clock, journal};
use crate::want::opensearch_rules;
use crate::world::{Name, Outcome, Retirement, SecretKey, ServiceKey, UserKey};

impl Executor {
    pub(super) async fn create_user(
        &self,
        user: &UserKey,
        access: Option<&AccessRules>,
        purse: &mut Purse<'_>,
    ) -> Result<(), Trouble> {
        let sent = |outcome| self.learn(Fact::Sent(user.clone(), outcome, clock::now()));
        // Before the answer, and if it never comes, nobody knows.
        self.learn(Fact::Sending(user.clone(), clock::now()));
        let made = self.aiven.create_user(user, access).await;
        #[cfg(feature = "defects")]
        let made = sabotage::taken_over(made, &self.aiven, user).await;
        match made {
            Ok(account) => {
                self.learn(Fact::User(user.clone(), Box::new(account.user.clone())));
                sent(Outcome::Created);
                purse.keep(user, account);
                Ok(())
            }
            Err(error) if *error.problem() == Problem::Exists => {
                sent(Outcome::Taken);
                if let Ok(Some(account)) = self.aiven.user(user).await {
                    self.learn(Fact::User(user.clone(), Box::new(account.user)));
                }
                Err(Trouble::Taken)
            }
            Err(error) => {
                let unknown = error.is_outcome_unknown();
                #[cfg(feature = "defects")]
                let unknown = unknown && !sabotage::has(Defect::G20);
                sent(if unknown { Outcome::Unknown } else { Outcome::NotSent });
                Err(Trouble::Aiven(error))
            }
        }
    }

    pub(super) async fn grant(&self, user: &UserKey, permission: &Name) -> Result<(), Trouble> {
        let rules = opensearch_rules(permission).into_iter().collect();
        self.change_acl(&user.service_key(), acl::Change::Grant(user.username.clone(), rules)).await
    }

    /// Removes every rule of a user; a service that is gone has none.
    pub(super) async fn revoke(&self, user: &UserKey) -> Result<(), Trouble> {
        let service = user.service_key();
        match self.change_acl(&service, acl::Change::Revoke(user.username.clone())).await {
            Err(Trouble::Aiven(error)) if *error.problem() == Problem::Missing(Missing::Service) => {
                self.learn(Fact::Service(service, None));
                Ok(())
            }
            done => done,
        }
    }

    pub(super) async fn change_acl(&self, service: &ServiceKey, change: acl::Change) -> Result<(), Trouble> {
        let document = self.acl.write(service, change).await.map_err(Trouble::acl(service))?;
        self.learn(Fact::Acl(service.clone(), document));
        Ok(())
    }

    /// Keeps a copy of what the write that follows lists on the secret; without a journal that list is all there is.
    pub(super) async fn retire(&self, action: &Action) -> Result<(), Trouble> {
        let Action::RetireUser { user, namespace, secret, application } = action else { return Ok(()) };
        let retirement = Retirement {
            secret: SecretKey { namespace: namespace.clone(), name: secret.clone() },
            application: application.clone(),
            since: clock::now(),
        };
        match self.journal.write(journal::Change::Retire(user.clone(), retirement)).await {
            Ok(()) => self.did(action),
            Err(why) => tracing::warn!(user = %user, "the journal has no copy of its retirement: {why:?}"),
        }
        Ok(())
    }
}
