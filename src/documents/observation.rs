//! An `Observation`: what only a running operator knows, written down beside what it saw.
//!
//! Decides nothing; every member is optional. Takes as given that the other documents were read before: what it says
//! of an object that they do not hold is a mistake.

use jiff::SignedDuration;
use serde_json::Value;

use super::field::{Fault, Object, count, integer, one_of, some_text, text, time};
use super::journal::{secret_key, user_key};
use super::metadata::{Names, namespace_name, object_name, plain_name};
use super::recall;
use crate::want::ServiceType;
use crate::world::{
    AppKey, Failure, FailureClass, FailureKey, Journal, Kind, Name, Observed, Outcome, ServiceKey, Subject,
    WorkloadKind, World,
};

pub(super) const OUTCOMES: [(&str, Outcome); 5] = [
    ("notSent", Outcome::NotSent),
    ("unknown", Outcome::Unknown),
    ("created", Outcome::Created),
    ("taken", Outcome::Taken),
    ("found", Outcome::Found),
];

pub(super) const CLASSES: [(&str, FailureClass); 11] = [
    ("notFound", FailureClass::NotFound),
    ("notReady", FailureClass::NotReady),
    ("refused", FailureClass::Refused),
    ("unauthorized", FailureClass::Unauthorized),
    ("tooFast", FailureClass::TooFast),
    ("unknown", FailureClass::Unknown),
    ("userLimit", FailureClass::UserLimit),
    ("aclFull", FailureClass::AclFull),
    ("journalFull", FailureClass::JournalFull),
    ("journalUnavailable", FailureClass::JournalUnavailable),
    ("kubernetes", FailureClass::Kubernetes),
];

/// Adds what the document says; `cluster` is the uid that the journal holds.
pub(super) fn apply(value: &Value, world: &mut World, cluster: Option<&Name>, names: &Names) -> Result<(), Fault> {
    let root = Object::of(value)?;
    if let Some(since) = root.opt("completeSince", time)? {
        world.complete_since = Some(since);
    }
    let unlisted = root.opt("unlisted", |value| unlisted(value, world))?;
    unlisted.unwrap_or_default();
    if let Some(uid) = root.opt("clusterUid", some_text)?
        && let Observed::Seen(journal) = &mut world.journal
    {
        journal.foreign |= cluster.is_some_and(|cluster| **cluster != *uid);
    }
    root.each("intents", |value| intent(value, &mut world.journal, names))?;
    root.opt("journal", |value| journal(value, &mut world.journal))?;
    recall::apply(&root, world, names)?;
    root.each("lastWanted", |value| last_wanted(value, world, names))?;
    root.each("failures", |value| {
        let (key, failure) = failure(value, names)?;
        world.failures.insert(key, failure);
        Ok(())
    })?;
    Ok(())
}

fn unlisted(value: &Value, world: &mut World) -> Result<(), Fault> {
    let kinds = kinds();
    for (key, why) in Object::of(value)?.entries() {
        let kind = one_of(&Value::String(key.to_owned()), &kinds);
        let why = some_text(why).map_err(|fault| fault.under(key))?;
        world.unlisted.insert(kind?, why.into());
    }
    Ok(())
}

/// Every kind that is listed, as documents spell it.
pub(super) fn kinds() -> Vec<(&'static str, Kind)> {
    let plain = [("AivenApplication", Kind::Application), ("Secret", Kind::Secret)];
    let workloads = WorkloadKind::ALL.map(|kind| (kind.as_str(), Kind::Workload(kind)));
    let instances = ServiceType::ALL.into_iter();
    let instances = instances.filter_map(|of| of.instance_kind().map(|kind| (kind, Kind::Instance(of))));
    plain.into_iter().chain(workloads).chain(instances).collect()
}

fn intent(value: &Value, journal: &mut Observed<Journal>, names: &Names) -> Result<(), Fault> {
    let object = Object::of(value)?;
    let user = user_key(&object, names)?;
    let outcome = object.need("outcome", |value| one_of(value, &OUTCOMES))?;
    let intent = match journal {
        Observed::Seen(journal) => journal.intents.get_mut(&user),
        Observed::Unseen(_) => None,
    };
    let intent = intent.ok_or_else(|| Fault::new(format!("the journal in the documents has no intent for {user}")))?;
    intent.outcome = outcome;
    intent.sent = object.opt("sent", time)?;
    Ok(())
}

fn journal(value: &Value, journal: &mut Observed<Journal>) -> Result<(), Fault> {
    let object = Object::of(value)?;
    let why = |key| object.opt(key, |value| some_text(value).map(Name::from));
    match (why("unseen")?, why("unwritable")?) {
        (Some(why), None) => *journal = Observed::Unseen(why),
        (None, Some(why)) => {
            if let Observed::Seen(journal) = journal {
                journal.unwritable = Some(why);
            }
        }
        (None, None) => return Err(Fault::new("expected unseen or unwritable, found neither")),
        (Some(_), Some(_)) => return Err(Fault::new("expected either unseen or unwritable, found both")),
    }
    Ok(())
}

fn last_wanted(value: &Value, world: &mut World, names: &Names) -> Result<(), Fault> {
    let object = Object::of(value)?;
    let key = secret_key(&object, "secret", names)?;
    let at = object.need("at", time)?;
    let known = world.managed(&key).cloned();
    let mut secret = known.ok_or_else(|| Fault::new(format!("the documents have no managed Secret {key}")))?;
    secret.last_wanted = Some(at);
    world.put_secret(secret);
    Ok(())
}

fn failure(value: &Value, names: &Names) -> Result<(FailureKey, Failure), Fault> {
    let object = Object::of(value)?;
    let subject = object.need("subject", |value| subject(value, names))?;
    let step = object.need("step", |value| some_text(value).map(|text| names.of(text)))?;
    let step = if step == "status" { Name::default() } else { step };
    let failure = Failure {
        class: object.need("class", |value| one_of(value, &CLASSES))?,
        operation: object.need("operation", |value| some_text(value).map(|text| names.of(text)))?,
        service: object.opt("service", |value| service(value, names))?,
        at: object.need("at", time)?,
        count: object.opt("count", count)?.unwrap_or(1),
        generation: object.opt("generation", integer)?.unwrap_or(1),
        retry_after: object.opt("retryAfter", count)?.map(|seconds| SignedDuration::from_secs(seconds.into())),
    };
    Ok((FailureKey { subject, step }, failure))
}

fn service(value: &Value, names: &Names) -> Result<ServiceKey, Fault> {
    let object = Object::of(value)?;
    let part = |key| object.need(key, |value| plain_name(value, names));
    Ok(ServiceKey { project: part("project")?, service: part("service")? })
}

fn subject(value: &Value, names: &Names) -> Result<Subject, Fault> {
    let object = Object::of(value)?;
    let kinds = ["AivenApplication", "Secret", "ServiceUser"].map(|kind| (kind, kind));
    match object.need("kind", |value| one_of(value, &kinds))? {
        "AivenApplication" => {
            let namespace = object.need("namespace", |value| namespace_name(value, names))?;
            let name = object.need("name", |value| object_name(value, names))?;
            Ok(Subject::Application(AppKey { namespace, name }))
        }
        "Secret" => secret_key(&object, "name", names).map(Subject::Secret),
        _ => {
            let ServiceKey { project, service } = service(value, names)?;
            let username = object.need("name", text).map(|text| names.of(text))?;
            Ok(Subject::User(crate::world::UserKey { project, service, username }))
        }
    }
}
