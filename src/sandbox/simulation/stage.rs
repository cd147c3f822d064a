//! What there is: clusters, an account, the time, and the policy of each operator.
//!
//! Decides what the world of a case looks like in the beginning, and carries out single requests. Takes the models as
//! given; never lets anything happen by itself.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::account::{Account, Maker};
use super::case::Layout;
use super::cluster::{Cluster, Key};
use super::process::is_selected;
use super::wire::{Answer, Request};
use crate::shell::aiven::Raw;
use crate::shell::kube::KubeError;
use crate::want::ServiceType;
use crate::world::{Kind, Name, ServiceKey, Settings};

/// The project of every service but Kafka, and the pool that it has.
pub(super) const MAIN: &str = "main";
/// A further pool.
pub(super) const POOL: &str = "pool";
/// The namespaces: what follows the first one in a name may as well be part of the second.
pub(super) const SPACES: [&str; 2] = ["a", "a-b"];
/// The applications.
pub(super) const APPS: [&str; 2] = ["web", "api"];
/// The secrets.
pub(super) const SECRETS: [&str; 4] = ["s1", "s2", "s3", "s4"];

/// Everything that there is.
pub(super) struct Stage {
    pub(super) clusters: Vec<Cluster>,
    pub(super) account: Account,
    pub(super) settings: Vec<Settings>,
    pub(super) now: Duration,
}

impl Stage {
    pub(super) fn new(layout: Layout) -> Self {
        let mut account = Account::new();
        for (key, kind) in services() {
            account.serve(&key, kind, components(kind));
        }
        let mut stage = Stage { clusters: vec![], account, settings: vec![], now: Duration::ZERO };
        for number in 0..usize::from(layout.clusters.max(1)) {
            stage.clusters.push(Cluster::new(&format!("cluster{number}")));
            stage.settings.push(Settings {
                projects: [MAIN.into(), POOL.into()].into(),
                main_project: MAIN.into(),
                cluster_name: (layout.clusters > 1).then(|| Name::from(format!("c{number}"))),
                instance_check: layout.instance_check,
                ..Settings::default()
            });
            for (space, of, name) in instances() {
                stage.put_instance(number, (space, of, &name), "RUNNING");
            }
        }
        stage
    }

    /// The time, as everybody agrees on it but for a clock that is wrong.
    pub(super) fn wall(&self) -> Timestamp {
        wall(self.now)
    }

    pub(super) fn put_instance(&mut self, cluster: usize, (space, of, name): (&str, ServiceType, &str), state: &str) {
        let (wall, table) = (self.wall(), Some(Kind::Instance(of)));
        let Some(cluster) = self.clusters.get_mut(cluster) else { return };
        let (key, status) = (key(space, name), json!({"status": {"state": state}}));
        if cluster.get(table, &key).is_some() {
            let _ = cluster.patch(table, (&key, true), &status);
            return;
        }
        let object = json!({"metadata": {"namespace": space, "name": name}, "status": {"state": state}});
        // In a namespace that ends there can be none.
        let _ = cluster.create(table, object, wall);
    }

    /// Carries out a request of an operator of a cluster.
    pub(super) fn perform(&mut self, cluster: usize, request: &Request) -> Answer {
        let (now, wall) = (self.now, self.wall());
        if let Request::Aiven(operation, target, body) = request {
            let asked = (*operation, target, body.as_deref());
            let (status, body) = self.account.answer(asked, Maker::Cluster(cluster), (now, wall));
            return Answer::Aiven(Ok(Raw { status, retry_after: None, body: Ok(body.into()) }));
        }
        let Some(cluster) = self.clusters.get_mut(cluster) else { return Answer::Object(Err(KubeError::NoAnswer)) };
        match request {
            Request::Get(table, key, false) => {
                Answer::Object(cluster.get(*table, key).map(|it| Value::clone(it)).ok_or(KubeError::NotFound))
            }
            Request::Get(table, key, true) => {
                let metadata = |object: &Value| json!({"metadata": object.get("metadata")});
                Answer::Object(cluster.get(*table, key).map(|it| metadata(it)).ok_or(KubeError::NotFound))
            }
            Request::List(kind, namespace) => {
                let inside = |key: &Key| namespace.as_ref().is_none_or(|wanted| key.0 == *wanted);
                let listed = cluster.table(Some(*kind)).filter(|(key, it)| inside(key) && is_selected(*kind, it));
                Answer::Objects(Ok(listed.map(|(_, it)| Value::clone(it)).collect()))
            }
            Request::Secrets(namespace) => {
                let inside = |key: &Key| namespace.as_ref().is_none_or(|wanted| key.0 == *wanted);
                let listed = cluster.table(Some(Kind::Secret)).filter(|(key, _)| inside(key));
                Answer::Objects(Ok(listed.map(|(_, it)| json!({"metadata": it.get("metadata")})).collect()))
            }
            Request::Create(table, body) => {
                Answer::Object(cluster.create(*table, body.clone(), wall).map(|it| Value::clone(&it)))
            }
            Request::Patch(table, key, patch, status) => {
                Answer::Object(cluster.patch(*table, (key, *status), patch).map(|it| Value::clone(&it)))
            }
            Request::Delete(table, key, expect) => {
                Answer::Object(cluster.delete(*table, (key, Some(expect)), wall).map(|()| Value::Null))
            }
            Request::Aiven(..) => Answer::Object(Err(KubeError::NoAnswer)),
        }
    }
}

/// The moment at which every case begins.
pub(super) fn wall(now: Duration) -> Timestamp {
    let begin = Timestamp::from_second(1_780_000_000).unwrap_or_default();
    begin.checked_add(SignedDuration::try_from(now).unwrap_or_default()).unwrap_or(Timestamp::MAX)
}

pub(super) fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}

/// The instances that the namespaces own.
pub(super) fn instances() -> impl Iterator<Item = (&'static str, ServiceType, String)> {
    SPACES.into_iter().flat_map(|space| {
        [
            (space, ServiceType::OpenSearch, format!("opensearch-{space}-x")),
            (space, ServiceType::Valkey, format!("valkey-{space}-c")),
        ]
    })
}

/// The services of the account.
pub(super) fn services() -> Vec<(ServiceKey, &'static str)> {
    let kafka = [MAIN, POOL].map(|project| (ServiceKey::new(project, "kafka"), "kafka"));
    let others = instances().map(|(_, of, name)| {
        (ServiceKey::new(MAIN, name), if of == ServiceType::OpenSearch { "opensearch" } else { "valkey" })
    });
    kafka.into_iter().chain(others).collect()
}

fn components(kind: &str) -> Value {
    let at = |component: &str, port: u16| json!({"component": component, "usage": "primary", "route": "dynamic", "host": format!("{component}.example"), "port": port});
    // Where it can be reached too, and nobody shall be sent: first, for whoever takes the first one.
    let other = |component: &str, route: &str, method: Value| json!({"component": component, "usage": "primary", "route": route, "host": format!("other-{component}.example"), "port": 1, "kafka_authentication_method": method});
    match kind {
        "kafka" => json!([
            other("kafka", "dynamic", json!("sasl")),
            other("kafka", "public", Value::Null),
            at("kafka", 26484),
            at("schema_registry", 26487),
        ]),
        "opensearch" => json!([at("opensearch", 26482), at("opensearch_dashboards", 443)]),
        _ => json!([other("valkey", "privatelink", Value::Null), at("valkey", 26483)]),
    }
}
