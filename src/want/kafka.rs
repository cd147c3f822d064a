//! Kafka: a user with a certificate on the one Kafka service of a pool.
//!
//! Takes as given that pools are allowed per cluster and that topics are granted elsewhere, by prefix of the user name.

use std::collections::BTreeMap;

use super::instance::{choose, existing};
use super::{Grant, IfAbsent, KeyWant, Provider, Request, Resolved, Source, Want};
use crate::action::{AccessRules, Action};
use crate::naming::Prefix;
use crate::reason::Reason;
use crate::value::Credential;
use crate::want::ServiceType;
use crate::world::{
    Access, AppKey, BrokenRecord, Claim, Component, Here, Name, Service, ServiceKey, Settings, Spec, Spelling, UserKey,
    World,
};

const USER: &str = "kafka.aiven.nais.io/serviceUser";
const POOL: &str = "kafka.aiven.nais.io/pool";

/// Kafka.
pub(super) struct Kafka;

impl Provider for Kafka {
    fn instance_kind(&self) -> Option<&'static str> {
        None
    }

    fn has_certificates(&self) -> bool {
        true
    }

    fn requests(&self, app: &AppKey, spec: &Spec) -> Vec<Request> {
        let request = spec.kafka.as_ref().map(|kafka| Request {
            want: Want {
                service_type: ServiceType::Kafka,
                slot: Name::default(),
                instance: kafka.pool.clone(),
                access: Access::ReadWrite,
                services: service_names(&kafka.pool).to_vec(),
                prefix: Prefix::kafka(app),
                group: Prefix::kafka(app).group(ServiceType::Kafka.as_str()),
            },
            secret_name: kafka.secret_name.clone(),
        });
        request.into_iter().collect()
    }

    fn claims(&self, annotations: &BTreeMap<Name, Name>) -> (Vec<Claim>, Vec<BrokenRecord>) {
        let text = |key: &str| annotations.get(key).filter(|text| !text.is_empty());
        let Some(username) = text(USER) else { return (vec![], vec![]) };
        let pool = text(POOL);
        let claim = Claim {
            service_type: ServiceType::Kafka,
            slot: Name::default(),
            project: pool.cloned().unwrap_or_default(),
            services: pool.map(|pool| service_names(pool).to_vec()).unwrap_or_default(),
            username: username.clone(),
        };
        let fault = pool.is_none().then(|| BrokenRecord::Lacks { has: USER.into(), lacks: POOL.into() });
        (vec![claim], fault.into_iter().collect())
    }

    fn addresses(&self, service: &Service, settings: &Settings) -> Vec<(&'static str, Option<Spelling>)> {
        let named =
            |name: &'static str| service.components.iter().filter(move |c| c.component == name && c.usage == "primary");
        let by_certificate = |component: &&Component| {
            let method = component.authentication.as_ref();
            let ca = component.ssl_ca.as_ref();
            method.is_none_or(|method| *method == "certificate") && ca.is_none_or(|ca| *ca != "letsencrypt")
        };
        let spelled = |text: String| Spelling { text, also: vec![] };
        let brokers = choose(&named("kafka").filter(by_certificate), settings);
        let registry = choose(&named("schema_registry"), settings);
        let broker_address = brokers.map(|c| spelled(format!("{}:{}", c.host, c.port)));
        let registry_address = registry.map(|c| {
            let bare = format!("https://{}:{}", c.host, c.port);
            match &c.path {
                Some(path) => Spelling { text: format!("{bare}{path}"), also: vec![bare] },
                None => spelled(bare),
            }
        });
        vec![("KAFKA_BROKERS", broker_address), ("KAFKA_SCHEMA_REGISTRY", registry_address)]
    }

    fn resolve<'w>(&self, here: Here<'w>, want: &Want) -> Result<Resolved<'w>, Reason> {
        let pool = &want.instance;
        if !here.world.settings().projects.contains(pool) {
            return Err(Reason::PoolNotAllowed { pool: pool.clone(), service: ServiceType::Kafka, held: false });
        }
        let mut missing = None;
        for service in &want.services {
            let key = ServiceKey { project: pool.clone(), service: service.clone() };
            match existing(here.world, key, None) {
                Err(reason @ Reason::ServiceNotFound { .. }) => missing = missing.or(Some(reason)),
                found => return found,
            }
        }
        Err(missing.unwrap_or_else(|| Reason::PoolNotAllowed {
            pool: pool.clone(),
            service: ServiceType::Kafka,
            held: false,
        }))
    }

    fn why_not_usable(&self, world: &World, _namespace: &Name, service: &ServiceKey) -> Option<Reason> {
        let ServiceKey { project, service: name } = service;
        if !world.settings().projects.contains(project) {
            return Some(Reason::PoolNotAllowed { pool: project.clone(), service: ServiceType::Kafka, held: false });
        }
        let known = service_names(project).contains(name);
        (!known).then(|| Reason::NotOurs { what: format!("{service} is not the Kafka service of a pool").into() })
    }

    fn could_mean(&self, want: &Want, claim: &Claim) -> bool {
        claim.project.is_empty() || claim.project == want.instance
    }

    fn prefix(&self, app: &AppKey, _access: Access) -> Prefix {
        Prefix::kafka(app)
    }

    fn record(&self, _slot: &str, user: &UserKey) -> Vec<(Name, Name)> {
        vec![(USER.into(), user.username.clone()), (POOL.into(), user.project.clone())]
    }

    fn keys(&self) -> &'static [KeyWant] {
        &KEYS
    }

    fn key(&self, _slot: &str, stem: &'static str) -> Name {
        stem.into()
    }

    fn access_rules(&self, _access: Access) -> Option<AccessRules> {
        None
    }

    fn grant(&self, _grant: &Grant<'_>) -> Result<Vec<Action>, Reason> {
        Ok(vec![])
    }

    fn held_access(&self, _grant: &Grant<'_>) -> Option<Access> {
        None
    }

    fn revoke(&self, _service: &Service, _user: &UserKey) -> Result<Vec<Action>, Reason> {
        Ok(vec![])
    }
}

/// The names that the Kafka service of a pool can have, best first.
fn service_names(pool: &str) -> [Name; 2] {
    ["kafka".into(), format!("{pool}-kafka").into()]
}

const fn credential(stem: &'static str, credential: Credential) -> KeyWant {
    KeyWant::required(stem, Source::Credential(credential))
}

static KEYS: [KeyWant; 11] = [
    KeyWant::required("KAFKA_BROKERS", Source::Address("KAFKA_BROKERS", IfAbsent::Wait)),
    KeyWant::required("KAFKA_SCHEMA_REGISTRY", Source::Address("KAFKA_SCHEMA_REGISTRY", IfAbsent::Text(""))),
    KeyWant::required("KAFKA_SCHEMA_REGISTRY_USER", Source::Username),
    credential("KAFKA_SCHEMA_REGISTRY_PASSWORD", Credential::Password),
    credential("KAFKA_CERTIFICATE", Credential::Certificate),
    credential("KAFKA_PRIVATE_KEY", Credential::PrivateKey),
    KeyWant::required("KAFKA_CA", Source::Ca),
    KeyWant::required("KAFKA_CREDSTORE_PASSWORD", Source::Constant("changeme")),
    KeyWant::required("client.keystore.p12", Source::Keystore),
    KeyWant::required("client.truststore.jks", Source::Truststore),
    KeyWant::optional("KAFKA_SECRET_UPDATED", Source::Clock),
];
