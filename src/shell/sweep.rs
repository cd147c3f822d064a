//! Clusters that share projects, looked at together, and the deletion of users that none of them records.
//!
//! Takes from [`deletion`](crate::orphans::deletion) what may be deleted, and asks it again right before each user, with
//! what was looked at afresh. Never touches a Secret; of journals it clears what they say of users that are gone.

use super::live::Live;
use super::run::{Config, RunError};
use super::{clock, journal};
use crate::action::Action;
use crate::orphans::deletion::{Fate, Stay, fate};
use crate::orphans::{Cluster, Orphans, orphans};
use crate::read::Read;
use crate::world::{Name, Observed, Timestamp, UserKey, World};

/// Clusters as they were looked at, and those of which something was saved.
pub struct Sweep {
    live: Vec<(Name, Live)>,
    saved: Vec<Cluster>,
    unseen: Vec<String>,
}

/// What became of a user that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swept {
    /// It was deleted.
    Deleted,
    /// It was gone already.
    Gone,
    /// It stays.
    Stays(Stay),
    /// Something went wrong; one line.
    Failed(String),
}

impl Sweep {
    /// Looks at every cluster, and at every service of the projects.
    pub async fn look(configs: &[(Name, Config)], saved: Vec<Cluster>) -> Result<Self, RunError> {
        let (mut live, mut unseen) = (Vec::new(), Vec::new());
        for (name, config) in configs {
            let mut seen = Live::observe(config, None).await?;
            unseen.extend(seen.look_at_projects().await);
            let records = seen.look_for_records().await;
            unseen.extend(records.into_iter().map(|line| format!("cluster {name}: {line}")));
            live.push((name.clone(), seen));
        }
        Ok(Sweep { live, saved, unseen })
    }

    /// The users that nothing records, as of now or another moment.
    pub fn found(&mut self, now: Option<Timestamp>) -> Orphans {
        let now = now.unwrap_or_else(clock::now);
        orphans(&self.clusters(), now).with_unseen(self.unseen.iter().cloned())
    }

    /// Deletes users one by one, those of them that may be deleted by then, and tells what became of each.
    pub async fn delete(&mut self, users: &[UserKey], mut tell: impl FnMut(&UserKey, Swept)) {
        for user in users {
            let swept = self.delete_one(user).await.unwrap_or_else(Swept::Failed);
            tell(user, swept);
        }
    }

    async fn delete_one(&mut self, user: &UserKey) -> Result<Swept, String> {
        let swept = match self.fate(user).await? {
            Fate::Stays(why) => return Ok(Swept::Stays(why)),
            Fate::Gone => Swept::Gone,
            Fate::Delete(actions) => {
                self.carry_out(&actions).await?;
                Swept::Deleted
            }
        };
        self.forget(user).await?;
        Ok(swept)
    }

    /// Looks at the user and at every journal afresh, and asks what becomes of it.
    async fn fate(&mut self, user: &UserKey) -> Result<Fate, String> {
        for (name, live) in &mut self.live {
            let read = live.asker.ask(&Read::Journal).await;
            live.learn();
            read.map_err(|trouble| format!("not deleted, since the journal of cluster {name}: {trouble}"))?;
        }
        let Some((_, live)) = self.live.first_mut() else {
            return Ok(Fate::Stays(Stay::Unseen("there is no cluster to look from".to_owned())));
        };
        let read = live.asker.ask(&Read::User(user.clone())).await;
        live.learn();
        read.map_err(|trouble| format!("not deleted: {trouble}"))?;
        let fresh = live.world();
        Ok(fate(&fresh, &self.clusters(), user))
    }

    async fn carry_out(&mut self, actions: &[Action]) -> Result<(), String> {
        let Some((_, live)) = self.live.first_mut() else { return Ok(()) };
        let done = live.asker.executor.carry_out(actions).await;
        live.learn();
        done.map_err(|trouble| format!("not deleted: {trouble}"))
    }

    /// Clears what journals say of a user that was left behind and is gone; one that is not its own is only read.
    async fn forget(&mut self, user: &UserKey) -> Result<(), String> {
        for (name, live) in &mut self.live {
            if !notes(live.view.world(), user) {
                continue;
            }
            let written = live.asker.executor.journal.write(journal::Change::Forget(user.clone())).await;
            written.map_err(|_| format!("is gone, but the journal of cluster {name} could not be told so"))?;
        }
        Ok(())
    }

    fn clusters(&mut self) -> Vec<Cluster> {
        let live = self.live.iter_mut().map(|(name, live)| (name.clone(), live.world()));
        live.chain(self.saved.iter().cloned()).collect()
    }
}

/// Whether its own journal says that the user was left behind.
fn notes(world: &World, user: &UserKey) -> bool {
    match &world.journal {
        Observed::Seen(journal) => !journal.foreign && journal.left_behind.contains_key(user),
        Observed::Unseen(_) => false,
    }
}
