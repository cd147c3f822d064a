//! Synthetic clusters in which nothing is left to do: what benches build worlds of.
//!
//! Decides nothing. Takes as given that 20 applications share a namespace, that each asks for Kafka, OpenSearch and Valkey
//! with a secret for each, and that ten pods of it use all three. Texts are shared as whoever reads documents shares them:
//! all but uids and versions.

mod aiven;
mod kubernetes;

use aivenator::want::ServiceType;
use aivenator::world::{
    AppKey, Application, Digester, Name, Names, Project, Secret, Settings, Timestamp, Workload, WorkloadKey, World,
};

thread_local! {
    static NAMES: Names = Names::default();
}

/// The one copy of a text.
fn text(text: &str) -> Name {
    NAMES.with(|names| names.of(text))
}

/// How many applications share a namespace.
const PER_NAMESPACE: u32 = 20;
/// How many pods run of each application.
const PODS: u32 = 10;

/// The pools, among which the namespaces are spread.
const POOLS: [&str; 5] = ["pool-0", "pool-1", "pool-2", "pool-3", "pool-4"];
const MAIN_PROJECT: &str = "main";
/// The Valkey instance as specs name it.
const VALKEY_INSTANCE: &str = "sessions";

const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);
const MONTH_AGO: Timestamp = Timestamp::constant(1_795_000_000 - 30 * 86_400, 0);
const IN_A_YEAR: Timestamp = Timestamp::constant(1_795_000_000 + 365 * 86_400, 0);

/// Every observation of a cluster, before a world has taken it in.
#[derive(Clone)]
pub(crate) struct Cluster {
    projects: Vec<(Name, Project)>,
    instances: Vec<(ServiceType, Name, Name)>,
    applications: Vec<Application>,
    secrets: Vec<Secret>,
    pods: Vec<(Name, WorkloadKey, Workload)>,
}

impl Cluster {
    /// A cluster with so many applications, all synchronized.
    pub(crate) fn new(applications: u32) -> Self {
        let spaces: Vec<Space> = (0..applications.div_ceil(PER_NAMESPACE))
            .map(|number| Space::new(number, PER_NAMESPACE.min(applications - number * PER_NAMESPACE)))
            .collect();
        let empty = empty_world();
        let projects = aiven::projects(&spaces, empty.digester());
        let mut aiven = empty;
        for (name, project) in &projects {
            aiven.put_project(name.clone(), project.clone());
        }
        Cluster {
            projects,
            instances: spaces.iter().flat_map(Space::instances).collect(),
            applications: spaces.iter().flat_map(kubernetes::applications).collect(),
            secrets: spaces.iter().flat_map(|space| kubernetes::secrets(space, &aiven)).collect(),
            pods: spaces.iter().flat_map(kubernetes::pods).collect(),
        }
    }

    /// How many Kubernetes objects it has, instance objects left aside.
    pub(crate) fn objects(&self) -> usize {
        let Cluster { projects: _, instances: _, applications, secrets, pods } = self;
        applications.len() + secrets.len() + pods.len()
    }

    /// The world that has taken everything in, one object after the other.
    pub(crate) fn into_world(self) -> World {
        let Cluster { projects, instances, applications, secrets, pods } = self;
        let mut world = empty_world();
        for (name, project) in projects {
            world.put_project(name, project);
        }
        for (service_type, namespace, name) in instances {
            world.put_instance(service_type, &namespace, (name, text("RUNNING")));
        }
        for application in applications {
            world.put_application(application);
        }
        for secret in secrets {
            world.put_secret(secret);
        }
        for (namespace, key, pod) in pods {
            world.put_workload(&namespace, key, pod);
        }
        world
    }
}

fn empty_world() -> World {
    let projects = POOLS.into_iter().map(text).collect();
    let settings = Settings { projects, main_project: text(MAIN_PROJECT), ..Settings::default() };
    World::new(NOW, settings, Digester::new(&[7; 32]))
}

/// A namespace: its applications and the services that they use.
struct Space {
    name: String,
    pool: &'static str,
    members: Vec<Member>,
}

/// An application of a namespace, and the names of its users.
struct Member {
    name: String,
    kafka_user: String,
    opensearch_user: String,
    valkey_user: String,
}

impl Space {
    fn new(number: u32, members: u32) -> Self {
        let name = format!("squad-{number:04}");
        let pool = POOLS.into_iter().cycle().nth(number as usize).unwrap_or_default();
        let mut space = Space { pool, members: vec![], name };
        for member in 0..members {
            let member = aiven::member(&space, format!("application-{member:02}"));
            space.members.push(member);
        }
        space
    }

    /// The OpenSearch service, which is also what specs name.
    fn opensearch(&self) -> String {
        format!("opensearch-{}-search", self.name)
    }

    fn valkey(&self) -> String {
        format!("valkey-{}-{VALKEY_INSTANCE}", self.name)
    }

    fn key(&self, member: &Member) -> AppKey {
        AppKey::new(text(&self.name), text(&member.name))
    }

    fn instances(&self) -> [(ServiceType, Name, Name); 2] {
        let namespace = || text(&self.name);
        [
            (ServiceType::OpenSearch, namespace(), text(&self.opensearch())),
            (ServiceType::Valkey, namespace(), text(&self.valkey())),
        ]
    }
}
