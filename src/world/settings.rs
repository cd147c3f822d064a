//! The policy that a plan follows: what flags and environment say, parsed.
//!
//! Takes as given that values were checked by whoever parsed them; never changes while a plan is made.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::key::Name;

/// The settings that the planner reads; every duration is positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The Aiven projects whose Kafka may be asked for (`--projects`).
    pub projects: BTreeSet<Name>,
    /// The one project of every service type but Kafka (`--main-project`).
    pub main_project: Name,
    /// What keeps clusters that share a project apart in new user names (`--cluster-name`).
    pub cluster_name: Option<Name>,
    /// Whether an instance object must exist in the namespace (`--instance-check`).
    pub instance_check: bool,
    /// The routes to hand out, best first (`--aiven-routes`).
    pub routes: Vec<Name>,
    /// How long an unused secret stays (`--janitor-grace`).
    pub janitor_grace: SignedDuration,
    /// How many secrets one plan may delete (`--max-deletions`).
    pub max_deletions: DeletionCap,
    /// How long Aiven may take to show what was changed (`--settle`).
    pub settle: SignedDuration,
    /// How long a replaced user stays at least (`--retire-after`).
    pub retire_after: SignedDuration,
    /// After how long a replaced user that pods still hold is warned about (`--retire-cap`).
    pub retire_cap: SignedDuration,
    /// How long before its end a certificate is replaced (`--renew-before`).
    pub renew_before: SignedDuration,
    /// The age at which every user is replaced (`--rotate-after`); never, if absent.
    pub rotate_after: Option<SignedDuration>,
    /// How soon a write that Kubernetes refused is tried again (`--kubernetes-write-retry-interval`).
    pub kubernetes_write_retry_interval: SignedDuration,
    /// How often everything is looked at again (`--sync-period`).
    pub sync_period: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            projects: BTreeSet::from(["dev-nais-dev".into()]),
            main_project: "dev-nais-dev".into(),
            cluster_name: None,
            instance_check: true,
            routes: vec!["dynamic".into()],
            janitor_grace: SignedDuration::from_mins(10),
            max_deletions: DeletionCap::default(),
            settle: SignedDuration::from_secs(60),
            retire_after: SignedDuration::from_mins(10),
            retire_cap: SignedDuration::from_hours(7 * 24),
            renew_before: SignedDuration::from_hours(30 * 24),
            rotate_after: None,
            kubernetes_write_retry_interval: SignedDuration::from_secs(10),
            sync_period: SignedDuration::from_hours(1),
        }
    }
}

/// How many secrets one plan may delete before a person has to confirm it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionCap {
    /// So many percent of the managed secrets, and at least 20.
    Percent(u8),
    /// Exactly so many.
    Count(usize),
    /// Any number: a person has confirmed it.
    Confirmed,
}

impl DeletionCap {
    /// The number that it allows among so many managed secrets.
    pub fn of(self, managed: usize) -> usize {
        match self {
            DeletionCap::Percent(percent) => (managed * usize::from(percent) / 100).max(20),
            DeletionCap::Count(count) => count,
            DeletionCap::Confirmed => usize::MAX,
        }
    }
}

impl Default for DeletionCap {
    fn default() -> Self {
        DeletionCap::Percent(10)
    }
}
