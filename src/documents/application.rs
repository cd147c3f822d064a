//! An `AivenApplication`, in each version that an API server gives.
//!
//! Decides what of the two versions is the same. Takes the schema of each as given; never judges what is asked for.

use serde_json::Value;

use super::field::{Fault, Object, integer, one_of, time};
use super::kind::Version;
use super::metadata::{Metadata, Names, flag};
use crate::hash;
use crate::world::{Access, Application, Condition, InstanceSpec, KafkaSpec, Name, Spec, Status, names};

/// Reads an application; which fields it has depends on the version.
pub(super) fn read(
    root: &Object<'_>,
    meta: &Metadata<'_>,
    version: Version,
    names: &Names,
) -> Result<Application, Fault> {
    let reader = SpecReader { is_v2: version == Version::V2, names };
    let spec = root.opt("spec", |value| reader.spec(value))?.unwrap_or_default();
    let status = root.opt("status", |value| read_status(value, names))?.unwrap_or_default();
    let spec = if reader.is_v2 { as_stored(spec, &status) } else { spec };
    let (labels, annotations) = (meta.labels()?, meta.annotations()?);
    let mut app = Application::new(meta.app_key(), spec);
    app.uid = meta.uid.clone();
    app.version = meta.version.clone();
    app.generation = meta.generation()?;
    app.created = meta.created;
    app.terminating = meta.terminating;
    app.paused = annotations.get(names::PAUSED).is_some_and(|value| *value == "true");
    app.correlation_id = annotations.get(names::CORRELATION_ID).map(|id| names.of(id)).unwrap_or_default();
    let generation = labels.get(names::SECRET_GENERATION).and_then(|text| text.parse().ok());
    app.secret_generation = generation.unwrap_or_default();
    app.status = status;
    Ok(app)
}

/// The spec as version 1 has it, where a webhook has moved `spec.secretName` into the services for version 2.
fn as_stored(spec: Spec, status: &Status) -> Spec {
    if status.hash.is_empty() || *status.hash == *hash::of(&spec) {
        return spec;
    }
    let moved = moved_back(&spec).filter(|moved| *status.hash == *hash::of(moved));
    moved.unwrap_or(spec)
}

fn moved_back(spec: &Spec) -> Option<Spec> {
    let kafka = spec.kafka.as_ref().map(|kafka| kafka.secret_name.as_ref());
    let open_search = spec.open_search.as_ref().map(|instance| instance.secret_name.as_ref());
    let shared = kafka.or(open_search).flatten()?;
    if open_search.is_some_and(|name| name != Some(shared)) {
        return None;
    }
    let mut moved = Spec { secret_name: Some(shared.clone()), ..spec.clone() };
    if let Some(kafka) = &mut moved.kafka {
        kafka.secret_name = None;
    }
    if let Some(instance) = &mut moved.open_search {
        instance.secret_name = None;
    }
    Some(moved)
}

struct SpecReader<'n> {
    is_v2: bool,
    names: &'n Names,
}

impl SpecReader<'_> {
    fn spec(&self, value: &Value) -> Result<Spec, Fault> {
        let spec = Object::of(value)?;
        Ok(Spec {
            // Version 2 has no such field, and an API server prunes what it does not know.
            secret_name: if self.is_v2 { None } else { self.names.filled(&spec, "secretName")? },
            protected: flag(&spec, "protected")?,
            expires_at: spec.opt("expiresAt", time)?,
            kafka: spec.opt("kafka", |value| self.kafka(value))?,
            open_search: spec.opt("openSearch", |value| self.instance(value))?,
            valkey: spec.each("valkey", |value| self.instance(value))?,
        })
    }

    fn kafka(&self, value: &Value) -> Result<KafkaSpec, Fault> {
        let kafka = Object::of(value)?;
        let pool = kafka.need("pool", |value| self.names.text(value))?;
        Ok(KafkaSpec { pool, secret_name: self.secret_name(&kafka)? })
    }

    fn instance(&self, value: &Value) -> Result<InstanceSpec, Fault> {
        let instance = Object::of(value)?;
        Ok(InstanceSpec {
            instance: self.names.filled(&instance, "instance")?.unwrap_or_default(),
            access: instance.opt("access", access)?.flatten(),
            secret_name: self.secret_name(&instance)?,
        })
    }

    fn secret_name(&self, service: &Object<'_>) -> Result<Option<Name>, Fault> {
        let found = service.opt("secretName", |value| self.names.text(value))?;
        if found.is_none() && self.is_v2 {
            let problem = "required in v2, but missing (a v1 document needs none here: kubectl get \
                           aivenapplications.v1.aiven.nais.io)";
            return Err(Fault::new(problem).under("secretName"));
        }
        Ok(found.filter(|name| !name.is_empty()))
    }
}

/// Reads what a user may do; empty is absent.
fn access(value: &Value) -> Result<Option<Access>, Fault> {
    if value.as_str() == Some("") {
        return Ok(None);
    }
    let known = Access::ALL.map(|access| (access.as_str(), access));
    one_of(value, &known).map(Some)
}

fn read_status(value: &Value, names: &Names) -> Result<Status, Fault> {
    let status = Object::of(value)?;
    let number = |key| status.opt(key, integer).map(Option::unwrap_or_default);
    let text = |key| status.opt(key, |value| names.text(value)).map(Option::unwrap_or_default);
    Ok(Status {
        hash: text("synchronizationHash")?,
        state: text("synchronizationState")?,
        synchronized_generation: number("synchronizedGeneration")?,
        observed_generation: number("observedGeneration")?,
        conditions: status.each("conditions", |value| condition(value, names))?,
    })
}

fn condition(value: &Value, names: &Names) -> Result<Condition, Fault> {
    let condition = Object::of(value)?;
    let text = |key| condition.opt(key, |value| names.text(value)).map(Option::unwrap_or_default);
    Ok(Condition {
        kind: condition.need("type", |value| names.text(value))?,
        status: condition.need("status", |value| names.text(value))?,
        reason: text("reason")?,
        message: text("message")?,
    })
}
