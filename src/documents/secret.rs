//! A Secret: whether it is managed, and what of it may be known.
//!
//! Decides what counts as managed. Takes everything on it as a claim; gives digests and names of keys, never a value,
//! and of a Secret of somebody else only that it exists.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::certificate;
use super::content::Given;
use super::field::{Fault, Object, parse_time};
use super::metadata::{Metadata, Names, flag};
use crate::world::{Digester, Keys, Observed, Secret, Stores, names};

const STORES: [&str; 2] = ["client.keystore.p12", "client.truststore.jks"];
const CERTIFICATE: &str = "KAFKA_CERTIFICATE";
const WRITTEN: &str = "AIVEN_SECRET_UPDATED";

/// Reads a Secret; `None` for one that is somebody else's.
pub(super) fn read(
    root: &Object<'_>,
    meta: &Metadata<'_>,
    names: &Names,
    digester: &Digester,
) -> Result<Option<Secret>, Fault> {
    let (labels, annotations, finalizers) = (meta.labels()?, meta.annotations()?, meta.finalizers()?);
    let labelled = labels.get(names::TYPE).is_some_and(|value| *value == names::TYPE_VALUE);
    let finalizer = finalizers.contains(&names::FINALIZER);
    let records = annotations.keys().any(|key| key.ends_with("/serviceUser"));
    let managed = labelled || (finalizer && records);
    if !managed {
        return Ok(None);
    }
    let ours = annotations.iter().filter(|(key, _)| names::is_ours(key));
    let ours = ours.map(|(key, value)| (names.of(key), names.of(value))).collect();
    let mut secret = Secret::new(meta.secret_key(), ours);
    secret.uid = meta.uid.clone();
    secret.version = meta.version.clone();
    secret.created = meta.created;
    secret.terminating = meta.terminating;
    secret.immutable = flag(root, "immutable")?;
    secret.finalizer = finalizer;
    let ours = labels.iter().filter(|(key, _)| names::LABELS.contains(key));
    secret.labels = ours.map(|(key, value)| (names.of(key), names.of(value))).collect();
    let data = data(root)?;
    let note = annotations.get(names::KEYSTORES);
    secret.stores = note.map_or(Stores::NotNoted, |note| stores(note, data.as_ref()));
    if let Some(data) = &data {
        let value = |key| data.get(key).and_then(Given::value);
        secret.certificate = value(CERTIFICATE).and_then(certificate::validity);
        let written = value(WRITTEN).and_then(|bytes| std::str::from_utf8(bytes).ok());
        secret.written = written.and_then(|text| parse_time(text.trim()));
    }
    let keys = match data {
        Some(data) => {
            Observed::Seen(data.iter().map(|(key, given)| (names.of(key), given.content(digester))).collect::<Keys>())
        }
        None => Observed::Unseen(format!("the document of Secret {} has no data", secret.key).into()),
    };
    secret.set_data(keys);
    Ok(Some(secret))
}

/// What is given of each key; `None` if the document says nothing of data.
fn data<'a>(root: &Object<'a>) -> Result<Option<BTreeMap<&'a str, Given>>, Fault> {
    let data = root.opt("data", |value| entries(value, Given::base64))?;
    // Kubernetes writes these over those in `data`.
    let texts = root.opt("stringData", |value| entries(value, Given::plain))?;
    Ok(match (data, texts) {
        (Some(mut data), Some(texts)) => {
            data.extend(texts);
            Some(data)
        }
        (data, texts) => data.or(texts),
    })
}

fn entries(value: &Value, read: impl Fn(&Value) -> Result<Given, Fault>) -> Result<BTreeMap<&str, Given>, Fault> {
    let entries = Object::of(value)?.entries();
    entries.map(|(key, value)| read(value).map(|given| (key, given)).map_err(|fault| fault.under(key))).collect()
}

/// Whether both stores are those that the note speaks of, where both are given.
fn stores(note: &str, data: Option<&BTreeMap<&str, Given>>) -> Stores {
    let value = |key| data.and_then(|data| data.get(key)).and_then(Given::value);
    let digests: Vec<String> = STORES.iter().filter_map(|key| value(*key)).map(sha256).collect();
    match digests.as_slice() {
        [keystore, truststore] if format!("{keystore},{truststore}") == note.trim() => Stores::Fit,
        [_, _] => Stores::Differ,
        _ => Stores::Unseen,
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
