//! Any bytes as an answer of Aiven: what is taken from it is what stands in it, for the thing that was asked for.

use std::collections::BTreeSet;

use aivenator::shell::aiven::{RawAcl, door};
use aivenator::value::Credential;
use aivenator::world::{Digester, Name, ServiceKey, UserKey};
use serde_json::Value;

/// See the module; the first byte says which answer it is.
pub fn check(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else { return };
    let digester = Digester::new(&[7; 32]);
    let key = ServiceKey::new("p", "s");
    match kind {
        b'u' => account(body, &key.user("u".into()), &digester),
        b's' => service(body, &key, &digester),
        b'a' => acl(body),
        b'l' => lists(body),
        _ => {
            // Whatever it is taken for.
            account(body, &key.user("u".into()), &digester);
            service(body, &key, &digester);
            acl(body);
            lists(body);
        }
    }
}

fn account(body: &[u8], key: &UserKey, digester: &Digester) {
    let Some(account) = door::account(body, key, digester) else { return };
    assert_eq!(account.user.name, digester.content(b"u"), "somebody else");
    let shown = format!("{account:?}");
    // What is passed over may be nested more deeply than a value may be.
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return };
    for (credential, member) in [
        (Credential::Password, "password"),
        (Credential::Certificate, "access_cert"),
        (Credential::PrivateKey, "access_key"),
    ] {
        let given = answer["user"][member].as_str().filter(|text| !matches!(text.trim(), "" | "<redacted>"));
        let taken = account.credentials.expose(credential).ok();
        assert_eq!(taken, given.map(str::as_bytes), "{member} is not as it was given");
        assert!(given.is_none_or(|text| text.len() < 8 || !shown.contains(text) || repeated(body, text)), "{shown}");
    }
}

/// Whether a text stands in more than one place, and so may be something else, too.
fn repeated(body: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(body).matches(text).count() != 1
}

fn service(body: &[u8], key: &ServiceKey, digester: &Digester) {
    let Some(service) = door::service(body, key, digester) else { return };
    assert!(!service.users_complete, "a list only suggests that somebody is not there");
    assert!(service.components.iter().all(|part| part.port > 0 && !part.host.is_empty()));
    let users = service.users_in_order();
    assert!(
        users.values().all(|user| user.password.is_none() && user.private_key.is_none() && user.certificate.is_none())
    );
    // What is passed over may be nested more deeply than a value may be.
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return };
    let named = answer["service"]["service_name"].as_str();
    assert!(named.is_none_or(|name| name == "s"), "another service");
}

/// Whatever is done for one user, the entries of others stay as they are.
fn acl(body: &[u8]) {
    let Some(before) = door::acl(body) else { return };
    let rules: BTreeSet<(Name, Name)> = [("_*", "read"), ("*", "read")].map(|(a, b)| (a.into(), b.into())).into();
    let mut after = before.clone();
    after.set_rules("u", &rules);
    after.enable();
    assert_eq!(others(&before), others(&after), "an entry of somebody else");
    assert_eq!(after.document().rules.get("u").map(|it| it.iter().cloned().collect()), Some(rules.clone()));
    assert!(after.enabled());
    let sent = RawAcl::new(after.body()["opensearch_acl_config"].clone()).expect("what is sent can be read");
    assert_eq!(sent.document(), after.document());
    assert_eq!(members(&before), members(&after), "a member that is not known");
    let once = after.body();
    after.set_rules("u", &rules);
    assert_eq!(once, after.body(), "the same rules again change nothing");
    after.remove_rules("u");
    assert_eq!(others(&before), others(&after));
    assert!(!after.document().rules.contains_key("u"));
}

fn others(acl: &RawAcl) -> Vec<Value> {
    let body = acl.body();
    let entries = body["opensearch_acl_config"]["acls"].as_array().expect("a list").clone();
    entries.into_iter().filter(|entry| entry.get("username").and_then(Value::as_str) != Some("u")).collect()
}

fn members(acl: &RawAcl) -> Value {
    let mut config = acl.body()["opensearch_acl_config"].clone();
    let members = config.as_object_mut().expect("an object");
    members.remove("acls");
    members.remove("enabled");
    config
}

fn lists(body: &[u8]) {
    assert!(door::projects(body).is_none_or(|names| names.iter().all(|name| !name.is_empty())));
    assert!(door::services(body).is_none_or(|names| names.iter().all(|name| !name.is_empty())));
    assert!(door::ca(body).is_none_or(|pem| pem.contains("-----BEGIN CERTIFICATE-----")));
}
