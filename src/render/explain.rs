//! Why one object is as it is: what asks for it, what uses it, which users it records, and what happens to it.
//!
//! Takes as given a world and the plan that was made for it; decides nothing, and repeats what the plan decided.

use super::page::{Page, Row};
use super::{Options, object, wakes};
use crate::plan::{Decision, Plan, Step};
use crate::world::{
    AppKey, Application, Claim, Condition, Entry, Lookup, Place, Protection, Secret, SecretKey, Subject, Timestamp,
    UserKey, World, names, rfc3339,
};

/// What is known of a secret and what is decided about it; `None` if nothing speaks of it.
pub fn explain_secret(world: &World, plan: &Plan, key: &SecretKey, options: Options) -> Option<String> {
    let mut page = Page::new(plan.now, options);
    let title = page.paint.bold(&format!("Secret {key}"));
    page.line(0, &title);
    let known = secret_state(world, key);
    if known.is_none() && world.asking(key).next().is_none() {
        return None;
    }
    let mut rows = known.unwrap_or_else(|| vec![("state", "does not exist".to_owned())]);
    rows.splice(0..0, wanted(world, key));
    let rows: Vec<Row> = rows.into_iter().map(|(name, text)| row(name, page.dated(&text))).collect();
    page.rows(2, &rows);
    let own = |decision: &&Decision| decision.subject == Subject::Secret(key.clone());
    let others: Vec<Decision> = world.asking(key).filter_map(|app| of_application(plan, &app.key, key)).collect();
    decisions(&mut page, plan, plan.decisions.iter().filter(own).chain(&others));
    Some(page.into_text())
}

/// What is known of an application and what is decided about it; `None` if there is none of that name.
pub fn explain_application(world: &World, plan: &Plan, key: &AppKey, options: Options) -> Option<String> {
    let app = world.application(key)?;
    let mut page = Page::new(plan.now, options);
    let title = page.paint.bold(&format!("AivenApplication {key}"));
    page.line(0, &title);
    let rows = application_state(world, app);
    let rows: Vec<Row> = rows.into_iter().map(|(name, text)| row(name, page.dated(&text))).collect();
    page.rows(2, &rows);
    let names: Vec<SecretKey> =
        app.spec.secret_names().map(|name| SecretKey::new(key.namespace.clone(), name.clone())).collect();
    let concerns = |decision: &&Decision| match &decision.subject {
        Subject::Application(other) => other == key,
        Subject::Secret(secret) => names.contains(secret),
        Subject::User(_) => false,
    };
    decisions(&mut page, plan, plan.decisions.iter().filter(concerns));
    Some(page.into_text())
}

type Fact = (&'static str, String);

fn row(name: &str, text: String) -> Row {
    Row { names: vec![name.to_owned()], text }
}

/// What is decided, and what comes later.
fn decisions<'d>(page: &mut Page, plan: &Plan, decisions: impl Iterator<Item = &'d Decision>) {
    page.gap();
    page.line(0, "What is decided:");
    let mut any = false;
    for decision in decisions {
        if any {
            page.gap();
        }
        any = true;
        object(page, decision);
    }
    if !any {
        page.line(2, "nothing: it is not managed by aivenator");
    }
    wakes(page, plan, plan.wake_at);
    page.gap();
    page.legend();
}

/// The part of an application's decision that is about one secret.
fn of_application(plan: &Plan, app: &AppKey, secret: &SecretKey) -> Option<Decision> {
    let subject = Subject::Application(app.clone());
    let decision = plan.decisions.iter().find(|decision| decision.subject == subject)?;
    let step = Step::Secret(secret.name.clone());
    let mut decision = decision.clone();
    decision.actions.retain(|planned| planned.step == step);
    decision.parts.retain(|part| part.secret == secret.name);
    Some(decision)
}

/// Who asks for a secret and what uses it.
fn wanted(world: &World, key: &SecretKey) -> Vec<Fact> {
    let asking: Vec<String> = world.asking(key).map(|app| format!("AivenApplication {}", app.key.name)).collect();
    let using: Vec<String> = world
        .using(key)
        .map(|(workload, started)| match started {
            Some(started) => format!("{workload} since {}", rfc3339(started)),
            None => workload.to_string(),
        })
        .collect();
    let mut facts = vec![("asked for by", or_nothing(&asking))];
    let no_longer: Vec<String> = no_longer_asking(world, key).collect();
    if !no_longer.is_empty() {
        facts.push(("no longer by", no_longer.join(", ")));
    }
    facts.push(("used by", or_nothing(&using)));
    facts
}

/// The applications whose spec names a secret, and that ask for nothing any longer.
fn no_longer_asking(world: &World, key: &SecretKey) -> impl Iterator<Item = String> {
    let namespace = world.namespace(&key.namespace);
    let place = namespace.and_then(|namespace| namespace.place(&key.name));
    place.into_iter().flat_map(Place::asked).filter_map(|app| match (app.terminating, app.expired(world.now)) {
        (true, _) => Some(format!("AivenApplication {}, which is being deleted", app.key.name)),
        (false, true) => Some(format!("AivenApplication {}, which has expired", app.key.name)),
        (false, false) => None,
    })
}

/// What is known of a secret itself; `None` if there is none.
fn secret_state(world: &World, key: &SecretKey) -> Option<Vec<Fact>> {
    match world.secret(key) {
        Lookup::Found(Entry::Managed(secret)) => Some(managed(world, secret)),
        Lookup::Found(Entry::Foreign { terminating }) => {
            let state = if *terminating { "is being deleted" } else { "exists" };
            Some(vec![("state", format!("{state}, and is not managed by aivenator"))])
        }
        Lookup::Found(Entry::Absent) | Lookup::Absent => None,
        Lookup::Unseen(why) => Some(vec![("state", format!("not observed: {why}"))]),
    }
}

fn managed(world: &World, secret: &Secret) -> Vec<Fact> {
    let state = if secret.terminating { "is being deleted" } else { "exists" };
    let mut facts: Vec<Fact> = vec![("state", state.to_owned())];
    facts.extend(secret.app().map(|app| ("made for", format!("AivenApplication {app}"))));
    facts.extend(secret.created.map(|moment| ("created", rfc3339(moment))));
    facts.extend(secret.written.map(|moment| ("last written", rfc3339(moment))));
    facts.push(("protected", protection(secret.protection(), world.now)));
    let marks = [(secret.paused(), "paused"), (secret.skip_cleanup(), "skip-cleanup"), (secret.immutable, "immutable")];
    facts.extend(marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| (mark, "yes".to_owned())));
    facts.extend(secret.certificate.map(|validity| ("certificate", format!("ends {}", rfc3339(validity.until)))));
    if let Some(keys) = secret.data().seen() {
        let names: Vec<String> = keys.iter().map(|(name, _)| name.to_string()).collect();
        facts.push(("keys", or_nothing(&names)));
    }
    if secret.claims().is_empty() {
        facts.push(("user", "none recorded".to_owned()));
    }
    for claim in secret.claims() {
        facts.push(("user", claim_state(world, claim)));
    }
    for retired in secret.retired() {
        let text = format!("{}; replaced {}", account_state(world, &retired.account()), rfc3339(retired.since));
        facts.push(("replaced user", text));
    }
    facts.extend(secret.faults().iter().map(|fault| ("broken record", fault.to_string())));
    facts
}

/// A user that a secret records: of the services that it may be on, those where it is.
fn claim_state(world: &World, claim: &Claim) -> String {
    let accounts: Vec<UserKey> = claim.accounts().collect();
    let there = accounts.iter().find(|account| matches!(world.user(account), Lookup::Found(_)));
    let unseen = accounts.iter().find(|account| matches!(world.user(account), Lookup::Unseen(_)));
    match there.or(unseen).or(accounts.first()) {
        Some(account) => account_state(world, account),
        None => format!("{} in project {}, recorded without a service", claim.username, claim.project),
    }
}

/// One account and what Aiven says of it.
fn account_state(world: &World, account: &UserKey) -> String {
    let UserKey { project, service, username } = account;
    let place = format!("{username} on {project}/{service}");
    match world.user(account) {
        Lookup::Found(user) if user.primary => format!("{place}: built in, not made by aivenator"),
        Lookup::Found(user) => match user.certificate_ends {
            Some(ends) => format!("{place}: exists, certificate ends {}", rfc3339(ends)),
            None => format!("{place}: exists"),
        },
        Lookup::Absent => format!("{place}: does not exist at Aiven"),
        Lookup::Unseen(why) => format!("{place}: not observed ({why})"),
    }
}

fn protection(protection: Protection, now: Timestamp) -> String {
    match protection {
        Protection::None => "no".to_owned(),
        Protection::Forever => "yes".to_owned(),
        Protection::Until(end) if now < end => format!("until {}", rfc3339(end)),
        Protection::Until(end) => format!("no longer, it ended {}", rfc3339(end)),
    }
}

fn application_state(world: &World, app: &Application) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    match app.targets() {
        Ok([]) => facts.push(("asks for", "nothing".to_owned())),
        Ok(targets) => {
            for target in targets {
                let wants: Vec<String> = target.wants.iter().map(|want| want.label().to_string()).collect();
                let key = SecretKey::new(app.key.namespace.clone(), target.secret.clone());
                let state = match world.secret(&key) {
                    Lookup::Found(Entry::Managed(_)) => "exists",
                    Lookup::Found(Entry::Foreign { .. }) => "is somebody else's",
                    Lookup::Found(Entry::Absent) | Lookup::Absent => "does not exist",
                    Lookup::Unseen(_) => "was not observed",
                };
                facts.push(("asks for", format!("{} in secret {}, which {state}", wants.join(", "), target.secret)));
            }
        }
        Err(reason) => facts.push(("mistake", reason.to_string())),
    }
    let state = if app.status.state.is_empty() { "none yet" } else { &app.status.state };
    facts.push(("status", state.to_owned()));
    let standing = |condition: &&Condition| condition.status == "True" && condition.kind != names::SUCCEEDED;
    for Condition { kind, status: _, reason, message } in app.status.conditions.iter().filter(standing) {
        let said = if message.is_empty() { reason } else { message };
        facts.push(("condition", format!("{kind}: {said}")));
    }
    facts.push(("protected", if app.spec.protected { "yes" } else { "no" }.to_owned()));
    facts.extend(app.spec.expires_at.map(|end| ("expires", rfc3339(end))));
    let marks = [(app.paused, "paused"), (app.terminating, "being deleted")];
    facts.extend(marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| (mark, "yes".to_owned())));
    facts
}

fn or_nothing(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
