//! Any entries of the journal: none is lost, each is read or named, and what is read is written as it was meant.

use aivenator::documents::journal::{FoundJournal, intent_entry, left_behind_entry, read_journal, retirement_entry};
use serde_json::{Map, Value, json};

/// See the module: lines of a key, `=` and an entry.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let entries: Map<String, Value> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, entry)| (key.to_owned(), Value::from(entry)))
        .collect();
    let found = of(&Value::from(entries.clone()));
    let journal = &found.journal;
    let read = journal.intents.len() + journal.retirements.len() + journal.left_behind.len();
    let cluster = usize::from(found.cluster.is_some());
    assert_eq!(read + cluster + journal.unreadable.len(), entries.len(), "an entry was lost");
    for (user, intent) in &journal.intents {
        let again = of(&one(intent_entry(user, intent))).journal;
        let read = again.intents.get(user).expect("an intent is written so that it can be read");
        assert_eq!((&read.secret, &read.application, read.since), (&intent.secret, &intent.application, intent.since));
        assert_eq!(read.application_uid, intent.application_uid);
    }
    for (user, retirement) in &journal.retirements {
        let again = of(&one(retirement_entry(user, retirement))).journal;
        assert_eq!(again.retirements.get(user), Some(retirement));
    }
    for (user, reason) in &journal.left_behind {
        let again = of(&one(left_behind_entry(user, reason))).journal;
        assert_eq!(again.left_behind.get(user), Some(reason), "{user}");
    }
    // Anything at all in place of the map.
    let whole: Value = serde_json::from_slice(bytes).unwrap_or_default();
    if let Err(message) = read_journal(&whole) {
        assert!(!message.contains('\n'), "{message}");
    }
}

fn one((key, entry): (String, String)) -> Value {
    json!({ key: entry })
}

fn of(data: &Value) -> FoundJournal {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
                     "metadata": {"namespace": "aivenator", "name": "aivenator-journal"}, "data": data});
    read_journal(&map).expect("a map of texts is a journal")
}
