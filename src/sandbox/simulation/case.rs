//! What is going to happen: who does what, and when, drawn from a seed or written down.
//!
//! Decides nothing while it happens: what a deed comes to depends on what is there then. A case is all that is needed to
//! play it again.

use serde::{Deserialize, Serialize};

use crate::sandbox::faults::Chance;

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Where the order of everything that may happen next is drawn from; `None` is the order of asking.
    pub order: Option<u64>,
    /// What there is in the beginning.
    pub layout: Layout,
    /// After so many steps nobody does anything any more, and nothing fails.
    pub steps: u32,
    /// Who does what.
    pub deeds: Vec<(When, Deed)>,
}

/// What there is in the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// How many clusters share the account.
    pub clusters: u8,
    /// Whether two operators act in the first cluster all the time.
    pub twins: bool,
    /// Whether instance objects are asked for.
    pub instance_check: bool,
}

/// When something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum When {
    /// Before that step.
    Step(u32),
    /// When the operators ask for the so-manieth effect: a request that changes something.
    Effect(u32),
}

/// Something that somebody does, or that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// What.
    pub what: What,
    /// In which cluster.
    pub cluster: u8,
    /// In which namespace.
    pub space: u8,
    /// To which of the things of its kind.
    pub name: u8,
    /// Which of the ways there are, how long, how much.
    pub more: u32,
}

macro_rules! deeds {
    ($($family:ident { $($(#[$doc:meta])* $what:ident = $weight:literal,)* })*) => {
        /// What somebody does, or what goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum What { $($($(#[$doc])* $what,)*)* }

        /// What goes together: a case has some of these.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Family { $($family,)* }

        const FAMILIES: &[(Family, &[(What, u32)])] = &[$((Family::$family, &[$((What::$what, $weight),)*]),)*];

        impl What {
            /// Every one.
            pub const ALL: &[What] = &[$($(What::$what,)*)*];
        }
    };
}

deeds! {
    Teams {
        /// An application is made, or its spec is another.
        App = 12,
        /// An application is deleted.
        EndApp = 3,
        /// An application is deleted and made again.
        RemakeApp = 2,
        /// An application is deployed again, with the same spec.
        Deploy = 1,
        /// An application ends at a moment.
        Expire = 2,
        /// Somebody asks that everything is written again.
        Resync = 1,
        /// A finalizer of somebody else holds an application; only where it is written down.
        HoldApp = 0,
        /// A workload begins to use a secret.
        Work = 6,
        /// A workload goes.
        EndWork = 4,
    }
    People {
        /// A secret is deleted.
        EndSecret = 4,
        /// A value of a secret is edited.
        EditSecret = 4,
        /// Nothing is to be changed, or again.
        Pause = 1,
        /// A secret is protected, or no longer.
        Protect = 1,
        /// A secret may go without cleanup.
        SkipCleanup = 1,
        /// Labels and annotations of others are put on a secret.
        Decorate = 1,
        /// A namespace is deleted.
        EndNamespace = 1,
    }
    Meddlers {
        /// The finalizer is stripped.
        StripFinalizer = 1,
        /// What a secret records is stripped.
        StripRecord = 1,
        /// The label is stripped.
        StripLabel = 1,
        /// A secret is exchanged for one of somebody else.
        Squat = 1,
        /// A secret is immutable.
        Freeze = 1,
    }
    Tenants {
        /// A secret is made that says it is ours.
        Forge = 3,
        /// What a secret records is forged.
        ForgeRecord = 3,
        /// An instance object is made for a service of another namespace.
        Claim = 1,
    }
    Instances {
        /// The state of an instance is another.
        Instance = 3,
        /// An instance goes, or comes back.
        EndInstance = 1,
    }
    Aiven {
        /// A service is stopped, or started.
        Power = 2,
        /// A service is deleted, or comes back.
        EndService = 1,
        /// Somebody else makes a user with a name that an application would get.
        Stranger = 2,
        /// Somebody else deletes a user.
        EndUser = 2,
        /// Somebody else writes the ACL document.
        ForeignAcl = 3,
        /// The password of a user is another.
        Rotate = 1,
        /// The certificate of a user is another, which ends in nine days; only where it is written down.
        Age = 0,
        /// The service takes no further users, or again some.
        Limit = 1,
        /// The token is refused, or taken again.
        Token = 1,
        /// From now on changes show late, or at once.
        Lag = 4,
    }
    Crashes {
        /// An operator is killed, before or after what it asks for next is done.
        Crash = 6,
        /// An operator is told to stop.
        Stop = 1,
    }
    Replicas {
        /// A further operator starts.
        Another = 1,
        /// An operator is stopped by its machine for a while.
        Sleep = 2,
    }
    Clocks {
        /// The clock of an operator is set.
        Clock = 1,
        /// The clock of an operator stands still, or goes on.
        Stand = 1,
    }
    Watches {
        /// A watch says nothing for a while.
        Deaf = 4,
        /// A watch fails.
        Outdated = 2,
        /// A watch says something twice.
        Twice = 1,
        /// Several watches say nothing for a while.
        Swizzle = 1,
    }
    Requests {
        /// A request to Kubernetes is refused.
        Refuse = 4,
        /// A request to Aiven is refused.
        RefuseAiven = 5,
        /// The answer of Kubernetes is lost; what was asked for was done or not.
        Lose = 3,
        /// The answer of Aiven is lost; what was asked for was done or not.
        LoseAiven = 4,
        /// A request takes long.
        Hold = 2,
        /// An answer takes long.
        Late = 2,
    }
    Time {
        /// Time passes, whatever waits.
        Wait = 2,
    }
}

impl Case {
    /// The case of a seed.
    pub fn of(seed: u64, steps: u32) -> Case {
        let mut chance = Chance::new(seed);
        // What a seed is about is drawn, too: a few things that happen often find more than everything now and then.
        let taken: Vec<&[(What, u32)]> = FAMILIES
            .iter()
            .filter(|(family, _)| matches!(family, Family::Teams | Family::Time) || chance.below(5) < 2)
            .map(|(_, deeds)| *deeds)
            .collect();
        let clusters = if chance.below(5) == 0 { 2 } else { 1 };
        let layout = Layout { clusters, twins: chance.below(6) == 0, instance_check: chance.below(8) > 0 };
        let every = 4 + chance.below(40);
        let mut deeds: Vec<(When, Deed)> = (0..6).map(|_| (When::Step(0), deed(What::App, &mut chance))).collect();
        for step in 0..steps {
            if chance.below(every) == 0
                && let Some(what) = pick(&taken, &mut chance)
            {
                deeds.push((When::Step(step), deed(what, &mut chance)));
            }
        }
        Case { order: Some(seed), layout, steps, deeds }
    }
}

fn pick(families: &[&[(What, u32)]], chance: &mut Chance) -> Option<What> {
    let deeds = || families.iter().flat_map(|deeds| deeds.iter());
    let all: u32 = deeds().map(|(_, weight)| weight).sum();
    let mut place = chance.below(u64::from(all));
    for (what, weight) in deeds() {
        match place.checked_sub(u64::from(*weight)) {
            Some(rest) => place = rest,
            None => return Some(*what),
        }
    }
    None
}

fn deed(what: What, chance: &mut Chance) -> Deed {
    let mut small = || u8::try_from(chance.below(256)).unwrap_or_default();
    let (cluster, space, name) = (small(), small(), small());
    Deed { what, cluster, space, name, more: u32::try_from(chance.below(1 << 32)).unwrap_or_default() }
}
