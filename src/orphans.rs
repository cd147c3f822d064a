//! Users at Aiven that nothing records: those with a name of ours, and those that were left behind on purpose.
//!
//! Decides from worlds alone, one for each cluster that shares the projects; which of them may be deleted, in
//! [`deletion`]. Takes as given that a user belongs to whoever records it; says what could not be seen, since a user
//! may be recorded there.

pub mod deletion;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jiff::SignedDuration;
use serde::Serialize;

use crate::naming;
use crate::plan::made_at;
use crate::want::ServiceType;
use crate::world::{
    AppKey, Kind, Lookup, Name, Observed, Secret, Service, ServiceKey, Timestamp, User, UserKey, World,
};

/// Younger users are left alone: somebody may be about to record one.
pub const YOUNG: SignedDuration = SignedDuration::from_hours(24);

/// A cluster: its name, for people, and what was observed of it and of Aiven.
pub type Cluster = (Name, World);

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Orphans {
    /// Every user that nothing records, in order.
    pub orphans: Vec<Orphan>,
    /// What could not be seen, one line each: with any of it, somebody may record a user all the same.
    pub unseen: Vec<String>,
}

/// A user that nothing records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// Which.
    #[serde(flatten)]
    pub user: UserKey,
    /// When it was made, as far as Aiven tells.
    pub made: Option<Timestamp>,
    /// How far its name says that it is one of ours.
    pub name: Likeness,
    /// Why it was left behind, if the journal says so.
    pub left_behind: Option<Name>,
    /// Why it may not be deleted now, if so.
    pub spared: Option<Spared>,
}

/// How far a name says that a user is one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// It is a name that is given on that service, or for an application or namespace that is known.
    Ours,
    /// It could be one: a word and three characters, which people choose too.
    Perhaps,
    /// It is none; only the journal speaks of it.
    Other,
}

/// Why a user may not be deleted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spared {
    /// It is younger than a day.
    Young,
    /// Nobody knows how old it is.
    AgeUnknown,
    /// Its name alone does not say enough.
    NameUnsure,
}

impl Spared {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Spared::Young => "younger than a day",
            Spared::AgeUnknown => "its age is not known",
            Spared::NameUnsure => "its name may be somebody else's",
        }
    }
}

/// Finds the users that no cluster records, on the services that were observed.
pub fn orphans(clusters: &[Cluster], now: Timestamp) -> Orphans {
    let known = Known::of(clusters);
    let mut users: BTreeMap<UserKey, (Option<Timestamp>, Likeness)> = BTreeMap::new();
    for (key, service) in clusters.iter().flat_map(|(_, world)| services(world)) {
        for (name, user) in service.users_in_order() {
            let account = key.user(name.clone());
            if let Some(likeness) = known.likeness(&key, service, (name, user)) {
                let made = users.get(&account).and_then(|(made, _)| *made).max(made_at(user));
                users.insert(account, (made, likeness));
            }
        }
    }
    let mut left: BTreeMap<&UserKey, &Name> = BTreeMap::new();
    for journal in clusters.iter().filter_map(|(_, world)| world.journal()) {
        left.extend(&journal.left_behind);
    }
    for user in left.keys().filter(|user| !users.contains_key(**user) && !is_gone(clusters, user)).collect::<Vec<_>>() {
        let made = clusters.iter().filter_map(|(_, world)| found(world, user)).map(made_at).max();
        users.insert((*user).clone(), (made.flatten(), Likeness::Other));
    }
    let unrecorded = users.into_iter().filter(|(user, _)| !known.is_recorded(clusters, user));
    let found = unrecorded.map(|(user, (made, name))| {
        let left_behind = left.get(&user).map(|why| (*why).clone());
        let spared = why_spared((made, name), left_behind.is_some(), now);
        Orphan { user, made, name, left_behind, spared }
    });
    Orphans { orphans: found.collect(), unseen: unseen(clusters) }
}

fn services(world: &World) -> impl Iterator<Item = (ServiceKey, &Service)> {
    let projects = world.projects().filter_map(|(name, project)| Some((name, project.seen()?)));
    projects.flat_map(|(project, found)| {
        let services = found.services.iter();
        services.filter_map(|(name, service)| {
            let service = service.seen()?.as_ref()?;
            Some((ServiceKey::new(project.clone(), name.clone()), &**service))
        })
    })
}

fn found<'w>(world: &'w World, user: &UserKey) -> Option<&'w User> {
    match world.user(user) {
        Lookup::Found(found) => Some(found),
        Lookup::Absent | Lookup::Unseen(_) => None,
    }
}

/// Whether somebody has missed it, and nobody has seen it.
fn is_gone(clusters: &[Cluster], user: &UserKey) -> bool {
    let looked = || clusters.iter().map(|(_, world)| world.user(user));
    looked().any(|user| user == Lookup::Absent) && !looked().any(|user| matches!(user, Lookup::Found(_)))
}

fn why_spared((made, name): (Option<Timestamp>, Likeness), left: bool, now: Timestamp) -> Option<Spared> {
    match (made, name) {
        (_, Likeness::Other) => Some(Spared::NameUnsure),
        (_, Likeness::Perhaps) if !left => Some(Spared::NameUnsure),
        (None, Likeness::Ours | Likeness::Perhaps) => Some(Spared::AgeUnknown),
        (Some(made), Likeness::Ours | Likeness::Perhaps) => (now.duration_since(made) < YOUNG).then_some(Spared::Young),
    }
}

/// What could record a user and was not seen, and what users could be on.
fn unseen(clusters: &[Cluster]) -> Vec<String> {
    let records = clusters.iter().flat_map(|(cluster, world)| {
        unseen_records(world).into_iter().map(move |line| format!("cluster {cluster}: {line}"))
    });
    let at_aiven = clusters.iter().flat_map(|(_, world)| unseen_at_aiven(world, clusters));
    let lines: BTreeSet<String> = records.chain(at_aiven).collect();
    lines.into_iter().collect()
}

fn unseen_records(world: &World) -> Vec<String> {
    let mut lines: Vec<String> =
        world.why_unlisted(Kind::Secret).map(|why| format!("Secrets: {why}")).into_iter().collect();
    match &world.journal {
        Observed::Unseen(why) => lines.push(format!("journal: {why}")),
        Observed::Seen(journal) => {
            lines.extend(journal.unreadable.iter().map(|key| format!("journal: entry {key} cannot be read")));
        }
    }
    lines
}

/// What no cluster was seen with; one look at Aiven is enough.
fn unseen_at_aiven(world: &World, clusters: &[Cluster]) -> Vec<String> {
    let mut lines = Vec::new();
    let nobody = |unseen: &dyn Fn(&World) -> bool| clusters.iter().all(|(_, world)| unseen(world));
    for (project, found) in world.projects() {
        match found {
            Observed::Unseen(why) if nobody(&|other| matches!(other.project(project), Lookup::Unseen(_))) => {
                lines.push(format!("Aiven project {project}: {why}"));
            }
            Observed::Unseen(_) => {}
            Observed::Seen(found) => {
                for (service, found) in &found.services {
                    let key = ServiceKey::new(project.clone(), service.clone());
                    if let Observed::Unseen(why) = found
                        && nobody(&|other| matches!(other.service(&key), Lookup::Unseen(_)))
                    {
                        lines.push(format!("Aiven service {key}: {why}"));
                    }
                }
            }
        }
    }
    let settings = world.settings();
    let projects = settings.projects.iter().chain([&settings.main_project]);
    let missing = projects.filter(|name| nobody(&|other| !other.projects().any(|(known, _)| known == *name)));
    lines.extend(missing.map(|project| format!("Aiven project {project}: it was not observed")));
    lines
}

/// The applications and namespaces of all clusters, by name, and the users that their secrets record in ways of before.
struct Known {
    applications: BTreeSet<Name>,
    namespaces: BTreeSet<Name>,
    legacy: BTreeSet<Name>,
}

impl Known {
    fn of(clusters: &[Cluster]) -> Self {
        let spaces = || clusters.iter().flat_map(|(_, world)| world.namespaces());
        let labels = spaces().flat_map(|(_, space)| space.secrets().filter_map(|secret| secret.app().cloned()));
        let applications = spaces().flat_map(|(_, space)| space.applications().map(|app| app.key.name.clone()));
        let annotations = spaces().flat_map(|(_, space)| space.secrets().flat_map(Secret::annotations));
        let legacy = annotations.filter(|(key, _)| is_legacy_record(key)).map(|(_, user)| user.clone());
        Known {
            applications: applications.chain(labels).collect(),
            namespaces: spaces().map(|(name, _)| name.clone()).collect(),
            legacy: legacy.collect(),
        }
    }

    /// Whether a secret, an intent or a retirement speaks of it anywhere.
    fn is_recorded(&self, clusters: &[Cluster], user: &UserKey) -> bool {
        let by = |world: &World| {
            !world.recorders(user).is_empty() || world.journal().is_some_and(|journal| journal.knows(user))
        };
        self.legacy.contains(&user.username) || clusters.iter().any(|(_, world)| by(world))
    }

    /// How far a user may be one of ours; `None` if it is none.
    fn likeness(&self, key: &ServiceKey, service: &Service, (name, user): (&Name, &User)) -> Option<Likeness> {
        if user.primary {
            return None;
        }
        match ServiceType::named(&service.service_type)? {
            ServiceType::Kafka => naming::is_of_kafka(name).then_some(Likeness::Ours),
            ServiceType::OpenSearch => {
                let own = |stem: &str| {
                    let service = key.service.strip_prefix("opensearch-").and_then(|rest| rest.strip_prefix(stem));
                    service.is_some_and(|rest| rest.starts_with('-')) || is_among(&self.namespaces, stem)
                };
                let given = |stem: &str| ServiceType::OpenSearch.gave_name(&AppKey::new(stem, ""), name);
                let stems = naming::stems(name);
                stems.into_iter().any(|stem| given(stem) && own(stem)).then_some(Likeness::Ours)
            }
            ServiceType::Valkey => {
                let stems = naming::stems(name);
                if stems.iter().any(|stem| is_among(&self.applications, stem)) {
                    return Some(Likeness::Ours);
                }
                (!stems.is_empty()).then_some(Likeness::Perhaps)
            }
        }
    }
}

/// Whether an annotation names a user in a way of earlier programs, which may not say on which service.
fn is_legacy_record(annotation: &str) -> bool {
    let of = |ending: &str| annotation.strip_suffix(ending);
    let known = |domain: &str| ["kafka", "opensearch", "valkey"].into_iter().any(|kind| domain.ends_with(kind));
    of("/legacyServiceUser").is_some() || of(".aiven.nais.io/serviceUser").is_some_and(|domain| !known(domain))
}

/// Whether it is one of the names, or what is left of one that was cut.
fn is_among(names: &BTreeSet<Name>, stem: &str) -> bool {
    let cut = stem.len() > naming::MAX_USERNAME / 2;
    let next = names.range::<str, _>((Bound::Included(stem), Bound::Unbounded)).next();
    next.is_some_and(|name| **name == *stem || (cut && name.starts_with(stem)))
}
