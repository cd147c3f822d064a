//! Rules about the journal: what must be so before an entry is written or removed.
//!
//! Takes as given that an entry is all that remembers a user which no secret records.

use super::rule::Rule;
use super::{Case, Findings, forbid, user};
use crate::action::Action;
use crate::value::Value;
use crate::world::{Lookup, Outcome, Secret, SecretKey, UserKey, names};

/// May an intent be written down?
pub(super) fn record(case: &Case<'_>, user: &UserKey, secret: &SecretKey) -> Findings {
    let world = case.world;
    let unusable = |why: &str| vec![(Rule::JournalUnusable, format!("{user}: {why}"))];
    let Some(journal) = world.journal() else { return unusable("the journal was not read") };
    if journal.foreign || journal.unwritable.is_some() || !journal.unreadable.is_empty() {
        return unusable("the journal cannot be used");
    }
    let known = journal.intents.get(user);
    if known.is_none() && world.is_journal_full() {
        return unusable("the journal is full");
    }
    let mut findings = vec![];
    match case.owner(user) {
        Some((app, owner)) => {
            findings.extend(user::foreign(world, &app, user));
            let other = owner != *secret;
            forbid(&mut findings, other, Rule::NotRecorded, || format!("{user} is intended for {secret}"));
        }
        None => findings.push((Rule::NotRecorded, format!("{user} is intended for nobody"))),
    }
    findings.extend(user::name_in_use(world, user, (secret, true)));
    findings
}

/// May a copy of a retirement be kept? Always, if the write that follows lists the user.
pub(super) fn retire(case: &Case<'_>, user: &UserKey, secret: &SecretKey) -> Findings {
    let lists = |action: &Action| {
        if let Action::WriteKeys(write) = action
            && let Some(Some(Value::Text { text })) = write.annotations.get(names::RETIRED)
        {
            let here = write.namespace == secret.namespace && write.name == secret.name;
            let listed = crate::world::Retired::parse(text).iter().any(|entry| entry.account() == *user);
            return here && listed;
        }
        false
    };
    let mut findings = vec![];
    let listed = case.later.iter().any(|action| lists(action));
    let already = case.world.managed(secret).is_some_and(|secret| lists_already(secret, user));
    forbid(&mut findings, !listed && !already, Rule::RetiredAlone, || format!("{user} is listed nowhere"));
    findings
}

fn lists_already(secret: &Secret, user: &UserKey) -> bool {
    secret.retired().iter().any(|entry| entry.account() == *user)
}

/// May what the journal says of a user be removed? Of one that was made and stays it then has to say that it was left
/// behind.
pub(super) fn clear(case: &Case<'_>, key: &UserKey, left_behind: bool) -> Findings {
    let world = case.world;
    let Some(journal) = world.journal() else {
        return vec![(Rule::JournalUnusable, format!("{key}: the journal was not read"))];
    };
    let recorded = world.recorders(key).iter().any(|secret| world.managed(secret).is_some());
    let gone = matches!(world.user(key), Lookup::Absent) || case.deleted(key);
    if recorded || gone || journal.left_behind.contains_key(key) {
        return vec![];
    }
    let mut findings = vec![];
    if let Some(intent) = journal.intents.get(key) {
        let seen = matches!(world.user(key), Lookup::Found(_));
        let made = user::perhaps_not_made(world, key, intent).is_empty();
        let ours = made && user::foreign(world, &intent.application_key(), key).is_empty();
        let copied = journal.retirements.contains_key(key);
        let harmless = copied || matches!(intent.outcome, Outcome::Taken | Outcome::NotSent) || (seen && !ours);
        forbid(&mut findings, !harmless, Rule::ClearedTooEarly, || format!("{key} may exist, and nothing records it"));
        let lost = seen && made && !ours && !copied && !left_behind;
        forbid(&mut findings, lost, Rule::ClearedTooEarly, || format!("{key} stays, and nothing notes that"));
    }
    // Of two entries the intent is removed first.
    if let Some(copy) = journal.retirements.get(key).filter(|_| !journal.intents.contains_key(key)) {
        let app = crate::world::AppKey { namespace: copy.secret.namespace.clone(), name: copy.application.clone() };
        let own = user::foreign(world, &app, key).is_empty();
        let seen = matches!(world.user(key), Lookup::Found(_));
        forbid(&mut findings, own || !seen, Rule::ClearedTooEarly, || format!("{key} was replaced and may exist"));
        let lost = seen && !own && !left_behind;
        forbid(&mut findings, lost, Rule::ClearedTooEarly, || format!("{key} stays, and nothing notes that"));
    }
    findings
}
