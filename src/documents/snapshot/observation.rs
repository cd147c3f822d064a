//! What no object says: the journal, and an `Observation` of everything else that a world holds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Members, content, some};
use crate::documents::journal::{CLUSTER, intent_entry, left_behind_entry, retirement_entry};
use crate::documents::observation::{CLASSES, OUTCOMES, kinds};
use crate::documents::recall::STORES;
use crate::world::{
    Entry, Failure, FailureKey, Intent, Journal, Observed, Secret, SecretKey, Stores, Subject, UserKey, World, names,
};

/// What stands for the uid of the cluster that was looked at.
const HERE: &str = "this cluster";

/// The journal, if it was read.
pub(super) fn journal(world: &World, home: &str) -> Option<Value> {
    let Journal { intents, retirements, left_behind, unreadable, unwritable: _, foreign } = world.journal.seen()?;
    let intents = intents.iter().map(|(user, intent)| intent_entry(user, intent));
    let retirements = retirements.iter().map(|(user, retirement)| retirement_entry(user, retirement));
    let left = left_behind.iter().map(|(user, why)| left_behind_entry(user, why));
    let unreadable = unreadable.iter().map(|key| (key.to_string(), "it could not be read".to_owned()));
    let cluster = foreign.then(|| (CLUSTER.to_owned(), "another cluster".to_owned()));
    let entries = intents.chain(retirements).chain(left).chain(unreadable).chain(cluster);
    let data = entries.fold(Members::default(), |data, (key, text)| data.with(&key, json!(text)));
    Some(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": home, "name": names::JOURNAL},
        "data": Value::from(data),
    }))
}

/// Everything else.
pub(super) fn of(world: &World, texts: &BTreeSet<String>) -> Value {
    let unlisted = world.unlisted.iter().filter_map(|(kind, why)| {
        let kinds = kinds();
        let (name, _) = kinds.iter().find(|(_, known)| known == kind)?;
        Some((*name, some(why)))
    });
    let unlisted = unlisted.fold(Members::default(), |members, (kind, why)| members.with(kind, json!(why)));
    let secrets = || world.namespaces().flat_map(|(_, space)| space.secrets());
    let wanted = secrets().filter_map(|secret| Some((&secret.key, secret.last_wanted?)));
    let wanted = wanted.map(|(key, at)| secret_key(key).time("at", Some(at)).into());
    let digests = texts.iter().fold(Members::default(), |members, text| {
        members.with(text, content(world.digester().content(text.as_bytes())))
    });
    Members::default()
        .with("apiVersion", json!("aivenator.aiven.nais.io/v1"))
        .with("kind", json!("Observation"))
        .with("metadata", json!({"name": "snapshot"}))
        .time("completeSince", world.complete_since)
        .map("unlisted", unlisted)
        .maybe("secretsComplete", (!world.secrets_complete).then_some(json!(false)))
        .list("absentSecrets", absent(world))
        .list("secrets", secrets().filter_map(secret).collect())
        .list("lastWanted", wanted.collect())
        .with("clusterUid", json!(HERE))
        .list("intents", world.journal().iter().flat_map(|it| &it.intents).map(|(user, it)| intent(user, it)).collect())
        .map("journal", state_of_journal(&world.journal))
        .list("failures", world.failures.iter().map(|(key, it)| failure(key, it)).collect())
        .map("texts", digests)
        .into()
}

fn secret_key(key: &SecretKey) -> Members {
    Members::default().with("namespace", json!(key.namespace)).with("secret", json!(key.name))
}

fn absent(world: &World) -> Vec<Value> {
    let all = world.namespaces().flat_map(|(namespace, space)| {
        space
            .entries()
            .filter(|(_, entry)| **entry == Entry::Absent)
            .map(move |(name, _)| secret_key(&SecretKey { namespace: namespace.clone(), name: name.clone() }).into())
    });
    all.collect()
}

/// What followed from values of a secret.
fn secret(secret: &Secret) -> Option<Value> {
    let certificate = secret
        .certificate
        .map(|validity| json!({"from": validity.from.to_string(), "until": validity.until.to_string()}));
    let stores = (secret.stores != Stores::NotNoted).then(|| spelled(&STORES, &secret.stores));
    let followed =
        Members::default().maybe("certificate", certificate).time("written", secret.written).maybe("stores", stores);
    (!followed.0.is_empty()).then(|| {
        let Members(mut all) = secret_key(&secret.key);
        all.extend(followed.0);
        Value::Object(all)
    })
}

fn user_key(user: &UserKey) -> Members {
    let UserKey { project, service, username } = user;
    let members = Members::default().with("project", json!(project)).with("service", json!(service));
    members.with("username", json!(username))
}

fn intent(user: &UserKey, intent: &Intent) -> Value {
    user_key(user).with("outcome", spelled(&OUTCOMES, &intent.outcome)).time("sent", intent.sent).into()
}

fn state_of_journal(journal: &Observed<Journal>) -> Members {
    match journal {
        Observed::Unseen(why) => Members::default().with("unseen", json!(some(why))),
        Observed::Seen(Journal { unwritable: Some(why), .. }) => {
            Members::default().with("unwritable", json!(some(why)))
        }
        Observed::Seen(Journal { unwritable: None, .. }) => Members::default(),
    }
}

fn failure(key: &FailureKey, failure: &Failure) -> Value {
    let FailureKey { subject, step } = key;
    let Failure { class, operation, service, at, count, generation, retry_after } = failure;
    let subject = match subject {
        Subject::Application(key) => json!({"kind": "AivenApplication", "namespace": key.namespace, "name": key.name}),
        Subject::Secret(key) => json!({"kind": "Secret", "namespace": key.namespace, "name": key.name}),
        Subject::User(UserKey { project, service, username }) => {
            json!({"kind": "ServiceUser", "project": project, "service": service, "name": username})
        }
    };
    let service = service.as_ref().map(|key| json!({"project": key.project, "service": key.service}));
    let seconds = retry_after.map(|after| json!(u32::try_from(after.as_secs()).unwrap_or_default()));
    Members::default()
        .with("subject", subject)
        .with("step", json!(if step.is_empty() { "status" } else { step }))
        .with("class", spelled(&CLASSES, class))
        .with("operation", json!(operation))
        .maybe("service", service)
        .time("at", Some(*at))
        .with("count", json!(count))
        .with("generation", json!(generation))
        .maybe("retryAfter", seconds)
        .into()
}

fn spelled<T: PartialEq>(words: &[(&str, T)], meant: &T) -> Value {
    let found = words.iter().find(|(_, meaning)| meaning == meant);
    found.map(|(word, _)| json!(word)).unwrap_or_default()
}
