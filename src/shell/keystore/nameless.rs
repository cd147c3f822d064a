//! Takes the friendly name off the key of a keystore: JVMs then call the entry `1`, as they always did.
//!
//! The library that writes PKCS#12 always gives a key a name. Takes such a store; changes nothing else in it but the
//! checksum that covers it. Key bags stand outside of what is encrypted as a whole, so no key is seen here.

use hmac::{Hmac, KeyInit as _, Mac as _};
use pkcs12::kdf::{Pkcs12KeyType, derive_key_utf8};
use sha1::Sha1;
use sha2::Sha256;

use super::Encryption;
use super::der::{Element, OCTETS, SEQUENCE, ZEROTH, all, element, first, only, sequence};

/// `pkcs-9-at-friendlyName`
const FRIENDLY_NAME: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];
/// `pkcs7-data`
const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// The tag of SET.
const SET: u8 = 0x31;

/// Writes the store again without names of keys.
pub(super) fn without_name(store: &[u8], password: &str, encryption: Encryption) -> Option<Vec<u8>> {
    let [version, safe, mac] = fields(only(SEQUENCE, store)?)?;
    let safes = all(only(SEQUENCE, data(safe)?)?)?;
    let safes: Option<Vec<Vec<u8>>> = safes.into_iter().map(unnamed).collect();
    let safe = element(SEQUENCE, &safes?.concat());
    let mac = signed(mac, &safe, password, encryption)?;
    Some(sequence(&[version.whole, &wrapped(&safe), &mac]))
}

/// A part of the store; those that are encrypted as a whole hold certificates and stay as they are.
fn unnamed(part: Element<'_>) -> Option<Vec<u8>> {
    let Some(bags) = data(part) else { return Some(part.whole.to_vec()) };
    let mut written = vec![];
    for bag in all(only(SEQUENCE, bags)?)? {
        let [kind, value, attributes] = fields(bag.content)?;
        let kept = all(attributes.content)?.into_iter();
        let kept =
            kept.filter(|attribute| first(attribute.content).is_none_or(|(name, _)| name.whole != FRIENDLY_NAME));
        let kept: Vec<&[u8]> = kept.map(|attribute| attribute.whole).collect();
        written.extend(sequence(&[kind.whole, value.whole, &element(SET, &kept.concat())]));
    }
    Some(wrapped(&element(SEQUENCE, &written)))
}

/// What a `ContentInfo` holds in plain.
fn data(info: Element<'_>) -> Option<&[u8]> {
    let [kind, content] = fields(info.content)?;
    (kind.whole == DATA && content.tag == ZEROTH).then(|| only(OCTETS, content.content))?
}

/// A `ContentInfo` that holds that in plain.
fn wrapped(content: &[u8]) -> Vec<u8> {
    sequence(&[DATA, &element(ZEROTH, &element(OCTETS, content))])
}

/// The checksum of other contents, with the same salt and as many iterations.
fn signed(mac: Element<'_>, safe: &[u8], password: &str, encryption: Encryption) -> Option<Vec<u8>> {
    let [digest, salt, iterations] = fields(mac.content)?;
    let [algorithm, _] = fields(digest.content)?;
    let rounds = iterations
        .content
        .iter()
        .try_fold(0_i32, |total, byte| total.checked_mul(256)?.checked_add(i32::from(*byte)))?;
    let (id, salted) = (Pkcs12KeyType::Mac, salt.content);
    let code = match encryption {
        Encryption::Modern => {
            let key = derive_key_utf8::<Sha256>(password, salted, id, rounds, 32).ok()?;
            Hmac::<Sha256>::new_from_slice(&key).ok()?.chain_update(safe).finalize().into_bytes().to_vec()
        }
        Encryption::Legacy => {
            let key = derive_key_utf8::<Sha1>(password, salted, id, rounds, 20).ok()?;
            Hmac::<Sha1>::new_from_slice(&key).ok()?.chain_update(safe).finalize().into_bytes().to_vec()
        }
    };
    let digest = sequence(&[algorithm.whole, &element(OCTETS, &code)]);
    Some(sequence(&[&digest, salt.whole, iterations.whole]))
}

fn fields<const N: usize>(content: &[u8]) -> Option<[Element<'_>; N]> {
    all(content)?.try_into().ok()
}
