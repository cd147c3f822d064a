//! What goes wrong with the cluster, and what is there all the same in the end; see tests/FAULTS.md.

use std::time::Duration;

use aivenator::sandbox::aiven::Operation;
use aivenator::sandbox::faults::{Effect, Rule};
use axum::http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::faults::{beset, well_in_the_end};
use super::given::{KAFKA, SEARCH, TEAM, app, kafka, search};
use super::rig::{Rig, edit};
use super::{Scenario, scenarios, together};

const SECRETS: &str = "/api/v1/namespaces/shop/secrets";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubernetes_fails() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![
        the_answer_to_a_new_secret_is_lost,
        the_answer_to_a_patch_is_lost,
        a_new_secret_meets_a_conflict,
        a_status_meets_conflicts,
        the_journal_cannot_be_written,
        the_journal_cannot_be_read_at_the_start,
        the_journal_cannot_be_read_again,
        watches_drop,
        watches_are_silent,
        the_past_is_forgotten,
        a_watch_is_refused_for_a_moment,
        one_that_expires_at_the_end_of_time_harms_nobody,
        the_server_has_a_storm,
        a_write_is_refused,
    ]
}

async fn the_answer_to_a_new_secret_is_lost() {
    let rule = Rule::new(Effect::LoseAnswer).method(Method::POST).under(SECRETS).next(1);
    let (rig, operator) = beset(|rig| rig.sandbox.faults.add(rule)).await;
    well_in_the_end(&rig, operator).await;
}

async fn the_answer_to_a_patch_is_lost() {
    let (rig, operator) = beset(|_| ()).await;
    rig.complete(&["web"]).await;
    let rule = Rule::new(Effect::LoseAnswer).method(Method::PATCH).under(SECRETS).next(1);
    let id = rig.sandbox.faults.add(rule);
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), edit("KAFKA_BROKERS", "x")).unwrap();
    rig.until("it is put back", |rig| rig.value("web", "KAFKA_BROKERS") == "kafka.example:26484").await;
    assert_eq!(rig.sandbox.faults.hits(id), 1);
    well_in_the_end(&rig, operator).await;
}

fn conflict() -> Effect {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 409,
                      "reason": "Conflict", "message": "the object has been modified"});
    Effect::Answer { status: 409, body: body.to_string(), headers: vec![] }
}

async fn a_new_secret_meets_a_conflict() {
    let rule = Rule::new(conflict()).method(Method::POST).under(SECRETS).next(3);
    let (rig, operator) = beset(|rig| rig.sandbox.faults.add(rule)).await;
    well_in_the_end(&rig, operator).await;
    let created = rig.sandbox.aiven.count(Operation::UserCreate);
    assert_eq!(created, 1);
}

async fn a_status_meets_conflicts() {
    let rule = Rule::new(conflict()).method(Method::PATCH).containing("/status").next(3);
    let (rig, operator) = beset(|rig| rig.sandbox.faults.add(rule)).await;
    well_in_the_end(&rig, operator).await;
}

/// Without it nothing is made; everything else goes on.
async fn the_journal_cannot_be_written() {
    let journal = || Rule::new(Effect::status(500)).containing("/configmaps");
    let (rig, operator) = beset(|rig| {
        rig.sandbox.faults.add(journal().method(Method::POST));
        rig.sandbox.faults.add(journal().method(Method::PATCH));
    })
    .await;
    rig.until("it is said", |rig| rig.status("web").1 == ["JournalUnavailable"]).await;
    assert_eq!(rig.sandbox.aiven.count(Operation::UserCreate), 0);
    rig.sandbox.faults.clear();
    well_in_the_end(&rig, operator).await;
}

async fn the_journal_cannot_be_read_at_the_start() {
    let rule = Rule::new(Effect::status(500)).containing("/configmaps").method(Method::GET).next(2);
    let (rig, operator) = beset(|rig| rig.sandbox.faults.add(rule)).await;
    well_in_the_end(&rig, operator).await;
}

/// The look at the journal that comes again and again fails: what depends on it goes on a moment later.
async fn the_journal_cannot_be_read_again() {
    let rig = Rig::new().await;
    let mut config = rig.config();
    config.janitor_interval = SignedDuration::from_secs(3);
    let operator = rig.run(config);
    rig.until("it runs", |rig| rig.log.text().contains("running")).await;
    let rule = Rule::new(Effect::status(500)).containing("/configmaps").method(Method::GET).next(2);
    let id = rig.sandbox.faults.add(rule);
    rig.until("it was read in vain", |rig| rig.sandbox.faults.hits(id) > 0).await;
    rig.apply(app("web", kafka("web")));
    well_in_the_end(&rig, operator).await;
}

/// How many watches were begun.
fn watches(rig: &Rig) -> u64 {
    let all = rig.sandbox.kubernetes.counts();
    all.iter().filter(|(count, _)| count.verb == "watch").map(|(_, times)| times).sum()
}

async fn watches_drop() {
    let (rig, operator) = beset(|_| ()).await;
    for number in 0..6 {
        let open = watches(&rig);
        rig.sandbox.kubernetes.drop_watches();
        rig.apply(app(&format!("app-{number}"), kafka(&format!("app-{number}"))));
        rig.until("some are resumed", |rig| watches(rig) > open).await;
    }
    rig.complete(&["app-0", "app-1", "app-2", "app-3", "app-4", "app-5", "web"]).await;
    assert_eq!(rig.users(KAFKA).len(), 7);
    operator.stop().await;
}

/// What is done meanwhile rests on fresh reads, and is not done twice.
async fn watches_are_silent() {
    let (rig, operator) = beset(|_| ()).await;
    rig.complete(&["web"]).await;
    rig.sandbox.kubernetes.hold_watches(true);
    rig.apply(app("web", kafka("other")));
    rig.sandbox.kubernetes.patch(("secrets", TEAM, "web"), edit("KAFKA_BROKERS", "x")).unwrap();
    rig.apply(app("more", search("read", "more")));
    let unknown = |rig: &Rig| rig.secret("other").is_none() && rig.secret("more").is_none();
    rig.stays(Duration::from_secs(1), "nobody knows of it", unknown).await;
    rig.sandbox.kubernetes.hold_watches(false);
    rig.complete(&["web", "more"]).await;
    rig.until("the old secret is gone", |rig| rig.secret("web").is_none() && rig.users(KAFKA).len() == 1).await;
    assert_eq!(rig.users(KAFKA), [rig.value("other", "KAFKA_SCHEMA_REGISTRY_USER")]);
    operator.stop().await;
}

async fn the_past_is_forgotten() {
    let (rig, operator) = beset(|_| ()).await;
    rig.complete(&["web"]).await;
    for as_status in [true, false] {
        rig.sandbox.kubernetes.set_gone_as_status(as_status);
        rig.sandbox.kubernetes.hold_watches(true);
        let name = format!("late-{as_status}");
        rig.apply(app(&name, kafka(&name)));
        rig.sandbox.kubernetes.compact();
        rig.sandbox.kubernetes.drop_watches();
        rig.sandbox.kubernetes.hold_watches(false);
        rig.complete(&[&name]).await;
    }
    rig.sandbox.kubernetes.hold_watches(true);
    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "late-true").unwrap();
    rig.sandbox.kubernetes.compact();
    rig.sandbox.kubernetes.drop_watches();
    rig.sandbox.kubernetes.hold_watches(false);
    rig.until("the deletion is noticed", |rig| rig.secret("late-true").is_none() && rig.users(KAFKA).len() == 2).await;
    operator.stop().await;
}

/// The library would go on from where it was, and nobody would say that everything was seen.
async fn a_watch_is_refused_for_a_moment() {
    let (rig, operator) = beset(|_| ()).await;
    rig.complete(&["web"]).await;
    let refused =
        rig.sandbox.faults.add(Rule::new(Effect::status(403)).under("/apis/aiven.nais.io").containing("watch=true"));
    rig.sandbox.kubernetes.drop_watches();
    rig.until("it is refused", |rig| rig.sandbox.faults.hits(refused) > 0).await;
    rig.sandbox.faults.remove(refused);
    rig.apply(app("late", kafka("late")));
    rig.complete(&["web", "late"]).await;
    operator.stop().await;
}

async fn one_that_expires_at_the_end_of_time_harms_nobody() {
    let (rig, operator) = beset(|_| ()).await;
    let mut endless = app("endless", kafka("endless"));
    endless["spec"]["expiresAt"] = json!("9999-12-31T23:59:59Z");
    rig.apply(endless);
    rig.complete(&["web", "endless"]).await;
    operator.stop().await;
}

async fn the_server_has_a_storm() {
    let rig = Rig::new().await;
    let operator = rig.start();
    rig.until("it runs", |rig| rig.log.text().contains("running")).await;
    let effects = [Effect::status(503), Effect::LoseAnswer, Effect::Drop, conflict()];
    let effects = effects.map(|effect| rig.sandbox.faults.add(Rule::new(effect).chance(0.12)));
    let names: Vec<String> = (0..8).map(|number| format!("app-{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        rig.apply(app(name, if number % 2 == 0 { kafka(name) } else { search("write", name) }));
    }
    rig.until("it was felt again and again, or nothing is left to do", |rig| {
        let felt: u64 = effects.iter().map(|effect| rig.sandbox.faults.hits(*effect)).sum();
        felt >= 20 || names.iter().all(|name| rig.is_complete(name))
    })
    .await;
    rig.sandbox.faults.clear();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.complete(&names).await;
    assert_eq!((rig.users(KAFKA).len(), rig.users(SEARCH).len()), (4, 4), "{}", rig.story());
    operator.stop().await;
}

/// Something that lets no Secret of that name through: an admission policy, say.
async fn a_write_is_refused() {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 403,
                      "reason": "Forbidden", "message": "denied by policy"});
    let effect = Effect::Answer { status: 403, body: body.to_string(), headers: vec![] };
    let rule = Rule::new(effect).method(Method::POST).under(SECRETS).next(2);
    let (rig, operator) = beset(|rig| rig.sandbox.faults.add(rule)).await;
    rig.until("it is said", |rig| rig.status("web").0 == "RolloutFailed").await;
    well_in_the_end(&rig, operator).await;
    assert_eq!(rig.sandbox.aiven.count(Operation::UserCreate), 1);
}
