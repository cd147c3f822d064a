//! Intents: written down before a user is made, once more where that was long ago, and removed in the end.
//!
//! Takes as given that another replica may remove an intent that has settled, and that a process may stand still for as
//! long as it likes: no POST is sent under an intent that nobody has looked at of late.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Executor;
use crate::action::Action;
use crate::plan::Step;
#[cfg(feature = "defects")]
use crate::sandbox::simulation::{Defect, sabotage};
use crate::shell::aiven::{Error, Missing, Problem};
use crate::shell::fact::Fact;
use crate::shell::trouble::Trouble;
use crate::shell::{clock, journal};
use crate::world::{Intent, Outcome, SecretKey, Subject, Timestamp, UserKey};

/// So long after an intent was written down its POST may be sent. With the time that this may then be under way it is
/// less than what the intent stays at least.
const SOON: Duration = Duration::from_secs(15);

/// The intents that were written down and whose POST was not sent yet, and when the writing was begun.
#[derive(Clone, Default)]
pub(super) struct Announced(Arc<Mutex<BTreeMap<UserKey, Instant>>>);

impl Announced {
    fn note(&self, user: &UserKey, begun: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(user.clone(), begun);
    }

    /// Takes a note off; says whether it was made a moment ago.
    fn take(&self, user: &UserKey) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(user);
        noted.is_some_and(|begun| begun.elapsed() < SOON)
    }
}

impl Executor {
    /// Looks the name up afresh, then writes the intent down.
    pub(super) async fn record_intent(&self, action: &Action) -> Result<(), Trouble> {
        let Action::RecordIntent { user, namespace, secret, application, application_uid } = action else {
            return Ok(());
        };
        let asked = clock::now();
        let found = self.aiven.user(user).await.map_err(|error| self.missed(user, error))?;
        #[cfg(feature = "defects")]
        let found = found.filter(|_| !sabotage::takes_over());
        if let Some(account) = found {
            self.learn(Fact::User(user.clone(), Box::new(account.user)));
            return Err(Trouble::Taken);
        }
        // Else whoever plans meanwhile would have to look for it too.
        self.learn(Fact::UserMissing(user.clone(), asked));
        let intent = Intent {
            secret: SecretKey { namespace: namespace.clone(), name: secret.clone() },
            application: application.clone(),
            application_uid: application_uid.clone(),
            since: clock::now(),
            sent: None,
            outcome: Outcome::NotSent,
        };
        let begun = Instant::now();
        match self.journal.write(journal::Change::Intend(user.clone(), intent)).await {
            Ok(()) => {
                self.announced.note(user, begun);
                self.did(action);
                Ok(())
            }
            // Known by then, it is followed or undone like any that was found at the start.
            Err(journal::Unwritten::Taken | journal::Unwritten::Found) => {
                self.read_journal().await;
                Err(Trouble::Taken)
            }
            Err(why) => Err(Trouble::Journal(why)),
        }
    }

    /// Sees to it that the journal announces a user that is made now: an intent that was written down some time ago, or by
    /// another process, may be gone, and is to stay for as long as this POST takes to settle.
    pub(super) async fn announced(&self, action: &Action, (subject, step): (&Subject, &Step)) -> Result<(), Trouble> {
        let Action::CreateUser { user, access: _ } = action else { return Ok(()) };
        let (Subject::Application(app), Step::Secret(secret)) = (subject, step) else { return Ok(()) };
        if self.announced.take(user) {
            return Ok(());
        }
        #[cfg(feature = "defects")]
        if sabotage::has(Defect::G15) {
            return Ok(());
        }
        let secret = SecretKey { namespace: app.namespace.clone(), name: secret.clone() };
        let begun = Instant::now();
        match self.journal.write(journal::Change::Renew(user.clone(), secret, clock::now())).await {
            Ok(()) if begun.elapsed() < SOON => Ok(()),
            Ok(()) | Err(journal::Unwritten::Gone) => {
                self.read_journal().await;
                Err(Trouble::Stale { operation: "CreateUser" })
            }
            Err(why) => Err(Trouble::Journal(why)),
        }
    }

    /// Removes what the journal says of a user, unless another process has sent its POST of late.
    pub(super) async fn clear_intent(&self, action: &Action) -> Result<(), Trouble> {
        let Action::ClearIntent { user, namespace, secret, left_behind, retired } = action else { return Ok(()) };
        let secret = SecretKey { namespace: namespace.clone(), name: secret.clone() };
        if *left_behind {
            self.leave_behind(user, "it was made for a secret that may not have it any more").await;
        }
        let settled = clock::now().checked_sub(self.settle).unwrap_or(Timestamp::MIN);
        let change = if *retired {
            journal::Change::ForgetRetired(user.clone(), secret)
        } else {
            journal::Change::Clear(user.clone(), secret, settled)
        };
        match self.journal.write(change).await {
            Ok(()) => {
                self.did(action);
                Ok(())
            }
            Err(journal::Unwritten::Sent) => {
                self.read_journal().await;
                Err(Trouble::Stale { operation: "ClearIntent" })
            }
            Err(why) => Err(Trouble::Journal(why)),
        }
    }

    /// Notes that a user stays at Aiven; where there is no room for that, only the log tells of it.
    pub(super) async fn leave_behind(&self, user: &UserKey, why: &str) {
        if self.journal.write(journal::Change::LeaveBehind(user.clone(), why.into())).await.is_err() {
            tracing::warn!(user = %user, "is left behind, and the journal could not note it");
        }
    }

    /// A name could not be looked up; that its service is gone is worth to know.
    fn missed(&self, user: &UserKey, error: Error) -> Trouble {
        if *error.problem() == Problem::Missing(Missing::Service) {
            self.learn(Fact::Service(user.service_key(), None));
        }
        Trouble::Aiven(error)
    }

    async fn read_journal(&self) {
        let asked = clock::now();
        self.learn(Fact::Journal(self.journal.read().await, asked));
    }
}
