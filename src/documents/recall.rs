//! What a snapshot says of Secrets beside their documents: what followed from values that are not in it.
//!
//! Takes as given that the documents themselves were read before; holds no value of a secret.

use serde_json::Value;

use super::content::Given;
use super::field::{Fault, Object, boolean, one_of, time};
use super::journal::secret_key;
use super::metadata::Names;
use crate::world::{Digest, Stores, Validity, World};

/// Whether both stores are as they were written, as documents spell it.
pub(super) const STORES: [(&str, Stores); 4] =
    [("notNoted", Stores::NotNoted), ("unseen", Stores::Unseen), ("fit", Stores::Fit), ("differ", Stores::Differ)];

/// Adds what stands in these members of an `Observation`.
pub(super) fn apply(root: &Object<'_>, world: &mut World, names: &Names) -> Result<(), Fault> {
    if let Some(complete) = root.opt("secretsComplete", boolean)? {
        world.secrets_complete = complete;
    }
    root.each("absentSecrets", |value| {
        world.put_absent_secret(&secret_key(&Object::of(value)?, "secret", names)?);
        Ok(())
    })?;
    root.each("secrets", |value| secret(value, world, names))?;
    let texts = root.opt("texts", texts)?.unwrap_or_default();
    if !texts.is_empty() {
        world.know_texts(texts);
    }
    Ok(())
}

fn secret(value: &Value, world: &mut World, names: &Names) -> Result<(), Fault> {
    let object = Object::of(value)?;
    let key = secret_key(&object, "secret", names)?;
    let known = world.managed(&key).cloned();
    let mut secret = known.ok_or_else(|| Fault::new(format!("the documents have no managed Secret {key}")))?;
    if let Some(validity) = object.opt("certificate", validity)? {
        secret.certificate = Some(validity);
    }
    if let Some(written) = object.opt("written", time)? {
        secret.written = Some(written);
    }
    if let Some(stores) = object.opt("stores", |value| one_of(value, &STORES))? {
        secret.stores = stores;
    }
    world.put_secret(secret);
    Ok(())
}

fn validity(value: &Value) -> Result<Validity, Fault> {
    let object = Object::of(value)?;
    Ok(Validity { from: object.need("from", time)?, until: object.need("until", time)? })
}

fn texts(value: &Value) -> Result<Vec<(&str, Digest)>, Fault> {
    let entries = Object::of(value)?.entries();
    let read = entries.map(|(text, value)| match Given::plain(value)? {
        Given::Snapshot(digest) => Ok((text, digest)),
        Given::Mark | Given::Value(_) => {
            Err(Fault::new("expected digest:<32 hex digits>, found something else").under(text))
        }
    });
    read.collect()
}
