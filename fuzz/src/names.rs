//! Any namespace and application: names that Aiven takes, that are recognised as ours, and that the next one is not.

use std::collections::BTreeSet;

use aivenator::naming::{MAX_USERNAME, Prefix, is_of_kafka, stems, suffixes};
use aivenator::want::ServiceType;
use aivenator::world::{Access, AppKey};

/// See the module: two lengths, a generation, then the letters; what is left is a name that somebody else wrote.
pub fn check(bytes: &[u8]) {
    let [first, second, generation, clustered, rest @ ..] = bytes else { return };
    let (namespace, rest) = rest.split_at(rest.len().min(usize::from(*first % 64)));
    let (name, foreign) = rest.split_at(rest.len().min(usize::from(*second % 64)));
    let app = AppKey { namespace: label(namespace).into(), name: label(name).into() };
    let cluster = (*clustered % 2 == 1).then_some("prod");
    let candidates: Vec<String> = suffixes(i64::from(*generation), &app.name, cluster).take(8).collect();
    kafka(&app, &candidates);
    for (stem, kind) in [(&app.namespace, ServiceType::OpenSearch), (&app.name, ServiceType::Valkey)] {
        for access in Access::ALL {
            let prefix = Prefix::with_access(stem, access);
            for name in ours((&app, kind), &prefix, &candidates) {
                let known = stems(&name);
                assert!(known.iter().any(|known| stem.starts_with(known) && !known.is_empty()), "{name} is of {stem}");
            }
        }
    }
    strange(&app, &String::from_utf8_lossy(foreign));
}

fn kafka(app: &AppKey, candidates: &[String]) {
    let prefix = Prefix::kafka(app);
    for (number, name) in ours((app, ServiceType::Kafka), &prefix, candidates).into_iter().enumerate() {
        let parts: Vec<&str> = name.split('_').collect();
        // Of the first candidate the suffix may hold one, as it always did.
        assert!(parts.len() == 4 || number == 0, "{name} has not four parts");
        let empty = parts[0].is_empty() || parts[1].is_empty();
        assert!(empty || is_of_kafka(&name), "{name} is not known to be of Kafka");
    }
}

fn ours((app, kind): (&AppKey, ServiceType), prefix: &Prefix, candidates: &[String]) -> Vec<String> {
    let names: Vec<String> = candidates.iter().map(|suffix| prefix.username(suffix)).collect();
    for name in &names {
        assert!(name.len() <= MAX_USERNAME, "{name} is {} long", name.len());
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        assert!(name.bytes().all(legal), "{name} has other letters");
        assert!(prefix.gave(name) && kind.gave_name(app, name), "{name} is not taken for ours");
    }
    let different: BTreeSet<&String> = candidates.iter().collect();
    let all: BTreeSet<&String> = names.iter().collect();
    assert_eq!(different.len(), all.len(), "two suffixes, one name");
    names
}

/// Whatever stands there, nothing panics, and what is taken for ours has our first part.
fn strange(app: &AppKey, name: &str) {
    let _ = (is_of_kafka(name), stems(name));
    for kind in ServiceType::ALL {
        if kind.gave_name(app, name) {
            assert!(name.is_ascii() && !name.is_empty());
            let begin = match kind {
                ServiceType::Kafka => return,
                ServiceType::OpenSearch => &app.namespace,
                ServiceType::Valkey => &app.name,
            };
            let shared = name.bytes().zip(begin.bytes()).take_while(|(a, b)| a == b).count();
            // What has to be cut is cut here at the earliest.
            let stem = begin.get(..57).unwrap_or(begin).trim_end_matches('-');
            assert!(shared >= stem.len(), "{name} is no name of {begin}");
        }
    }
}

/// A DNS label out of any bytes.
fn label(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789--";
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let letter = |byte: &u8| if is_letter(*byte) { *byte } else { LETTERS[usize::from(*byte) % LETTERS.len()] };
    let text: String = bytes.iter().map(letter).map(char::from).collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "a".to_owned() } else { text.to_owned() }
}
