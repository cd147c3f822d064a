//! Any PEM, or what is called so: stores that can be read again, or one of a few words; nothing of it is shown.

use aivenator::shell::keystore::{Encryption, Material, PASSWORD, Stores};
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use secrecy::SecretString;

/// See the module: three texts with a line `====` between, the key, its certificate and the CA.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, "====\n");
    let [key, certificate, ca] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let material = Material { key: SecretString::from(key), certificate: certificate.into(), ca: ca.into() };
    // The quicker one; they differ in nothing that depends on what was given.
    match Stores::new(&material, Encryption::Legacy) {
        Ok(stores) => readable(&stores),
        Err(failure) => {
            let said = failure.to_string();
            assert!(said.starts_with("make keystores: ") && said.len() < 80, "{said}");
        }
    }
}

fn readable(stores: &Stores) {
    let read = |store: &[u8]| KeyStore::from_pkcs12(store, PASSWORD, Pkcs12ImportPolicy::Relaxed);
    let keystore = read(&stores.keystore).expect("the keystore can be read");
    let keys = keystore.entries().filter(|(_, entry)| matches!(entry, KeyStoreEntry::PrivateKeyChain(_)));
    assert_eq!((keys.count(), keystore.entries().count()), (1, 1), "one key");
    let truststore = read(&stores.truststore).expect("the truststore can be read");
    let trusted = truststore.entries().filter(|(_, entry)| matches!(entry, KeyStoreEntry::Certificate(_)));
    assert!(trusted.count() > 0, "somebody is trusted");
    assert_eq!(stores.digests().len(), 129);
}
