//! What a world is generated from: plain data over tiny alphabets, so that collisions happen and failures shrink.
//!
//! First the applications are rolled out for some rounds by the planner itself, so that there is something to lose; then
//! everything else happens to the world: people, tenants, other clusters, Aiven and what could not be read.

use aivenator::world::Access;

pub const NOW: &str = "2026-11-20T12:00:00Z";
/// Two namespaces whose instances can map to one service: `a` + `b-c`, `a-b` + `c`.
pub const NAMESPACES: [&str; 2] = ["a", "a-b"];
pub const APPS: [&str; 3] = ["x", "y", "z"];
pub const SECRETS: [&str; 3] = ["s", "t", "u"];
/// The main project, another one that is allowed, and one that no setting names.
pub const POOLS: [&str; 3] = ["p1", "p2", "p9"];
pub const INSTANCES: [&str; 2] = ["c", "b-c"];
pub const STATES: [&str; 3] = ["RUNNING", "REBALANCING", "REBUILDING"];

/// An index into one of the alphabets above; taken modulo its length.
pub type Pick = usize;

pub fn pick<'a>(from: &[&'a str], index: Pick) -> &'a str {
    from[index % from.len()]
}

#[derive(Clone, Default)]
pub struct Input {
    pub settings: SettingsInput,
    pub apps: Vec<AppInput>,
    pub instances: Vec<InstanceInput>,
    /// How often the planner has run before anything below happened.
    pub rounds: usize,
    /// Applications that want other rights on the instances that they have.
    pub accesses: Vec<(Pick, Access)>,
    pub changes: Vec<AppInput>,
    pub secrets: Vec<SecretInput>,
    pub workloads: Vec<WorkloadInput>,
    pub users: Vec<UserInput>,
    pub intents: Vec<IntentInput>,
    pub failures: Vec<FailureInput>,
    /// How many minutes have passed since.
    pub minutes: i64,
    pub unseen: Vec<Unseen>,
}

#[derive(Clone, Debug, Default)]
pub struct SettingsInput {
    pub no_instance_check: bool,
    pub cluster: bool,
    pub rotate: bool,
    pub cap: Option<usize>,
    pub operator: bool,
}

#[derive(Clone, Default, PartialEq)]
pub struct AppInput {
    pub namespace: Pick,
    pub name: Pick,
    pub generation: i64,
    pub created: Pick,
    pub terminating: bool,
    pub paused: bool,
    pub protected: bool,
    /// In so many minutes from the start.
    pub expires: Option<i64>,
    pub shared_secret: Option<Pick>,
    pub kafka: Option<(Pick, Option<Pick>)>,
    pub open_search: Option<(Pick, Access, Option<Pick>)>,
    pub valkey: Vec<(Pick, Access, Option<Pick>)>,
}

#[derive(Clone)]
pub struct InstanceInput {
    pub open_search: bool,
    pub namespace: Pick,
    pub instance: Pick,
    pub state: Pick,
    /// Whether the object is there at all.
    pub present: bool,
    /// Whether Aiven has the service.
    pub service: bool,
}

/// Something that happens to a Secret; makes it if there is none of that name.
#[derive(Clone)]
pub struct SecretInput {
    pub namespace: Pick,
    pub name: Pick,
    pub edits: Vec<SecretEdit>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SecretEdit {
    Foreign,
    Terminating,
    NoFinalizer,
    NoAppLabel,
    NoLabels,
    AppLabel(Pick),
    Protected,
    /// Protected with a time limit in so many minutes from the start; `None` is unreadable.
    TimeLimit(Option<i64>),
    SkipCleanup,
    Paused,
    Immutable,
    Old,
    /// Records this user as in use.
    Record(Account),
    /// Lists this user as replaced so many minutes before the start.
    Retired(Account, i64),
    /// Leaves a list of replaced users that cannot be read, or not all of it.
    RetiredUnreadable(bool),
    /// Takes one of the annotations that make a record away.
    BreakRecord(Pick),
    /// A record of a program before this one: no service is named.
    Legacy,
    /// A copy of what another secret of the namespace records.
    CopyRecords(Pick),
    /// Nothing says any more that it is managed, but for the finalizer.
    NoTypeLabel,
    EmptyKey(Pick),
    RemoveKey(Pick),
    ForeignKey,
    UnseenData,
    /// The certificate ends in so many days from the start.
    CertificateEnds(i64),
}

/// A user of some service, by how its name came to be.
#[derive(Clone, PartialEq)]
pub struct Account {
    pub service: ServicePick,
    pub name: NameInput,
    pub exists: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ServicePick {
    Kafka(Pick),
    OpenSearch(Pick, Pick),
    Valkey(Pick, Pick),
}

#[derive(Clone, Debug, PartialEq)]
pub enum NameInput {
    /// As this program would name the user of an application.
    Own {
        namespace: Pick,
        app: Pick,
        access: Access,
        candidate: usize,
    },
    /// As programs before this one did.
    Digits {
        namespace: Pick,
        app: Pick,
    },
    Primary,
    Somebody,
}

#[derive(Clone, Debug)]
pub struct WorkloadInput {
    pub namespace: Pick,
    pub pod: bool,
    /// Started so many minutes before the end.
    pub started: Option<i64>,
    pub secrets: Vec<Pick>,
}

/// Something that happens to a user at Aiven.
#[derive(Clone, Debug)]
pub struct UserInput {
    pub account: Account,
    /// Made so many minutes before the start.
    pub age: i64,
    pub not_ready: bool,
    pub expiring_in_days: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct IntentInput {
    pub account: Account,
    pub namespace: Pick,
    pub secret: Pick,
    pub app: Pick,
    pub same_uid: bool,
    pub outcome: Pick,
    pub age: i64,
    /// Whether it is a copy of a retirement instead.
    pub retirement: bool,
}

#[derive(Clone, Debug)]
pub struct FailureInput {
    pub namespace: Pick,
    pub app: Pick,
    pub class: Pick,
    pub age: i64,
    pub count: u32,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Unseen {
    Applications,
    Secrets,
    Pods,
    ReplicaSets,
    OpenSearches,
    Valkeys,
    Project(Pick),
    Service(ServicePick),
    Users(ServicePick),
    Acl(Pick, Pick),
    Ca(Pick),
    Journal,
    JournalUnwritable,
    Data(Pick, Pick),
    /// Secrets that are not in the world would have to be looked for by name.
    SecretsByName,
}
