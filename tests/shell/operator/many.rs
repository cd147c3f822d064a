//! Many at once: applications on one service, and operators in one cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use aivenator::sandbox::aiven::Operation;
use aivenator::shell::RunError;
use serde_json::json;

use super::given::{KAFKA, SEARCH, TEAM, app, kafka, search};
use super::rig::{Operator, Rig};
use super::{Scenario, scenarios, together};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![
        forty_users_share_one_document,
        one_takes_over_from_one_that_stops,
        one_takes_over_from_one_that_dies,
        whoever_loses_the_lease_stops,
    ]
}

/// Every entry stays, although all are in one document without a version; and goes with its user.
async fn forty_users_share_one_document() {
    let rig = Rig::new().await;
    let names: Vec<String> = (0..40).map(|number| format!("app-{number:02}")).collect();
    for name in &names {
        rig.apply(app(name, search("readwrite", name)));
    }
    let operator = rig.start();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.complete(&all).await;
    assert_eq!(rig.users(SEARCH).len(), 40);
    let entries = |rig: &Rig| rig.acl().into_keys().filter(|name| name.starts_with("shop-")).collect::<Vec<_>>();
    assert_eq!(entries(&rig), rig.users(SEARCH));
    let written = rig.sandbox.aiven.count(Operation::AclSet) + rig.sandbox.aiven.count(Operation::AclUpdate);
    assert!(written <= 40, "changes of one moment are written together: {written}");
    for name in &names[..20] {
        rig.sandbox.kubernetes.delete("aivenapplications", TEAM, name).unwrap();
    }
    rig.until("half of them are gone", |rig| rig.users(SEARCH).len() == 20 && rig.journal().is_empty()).await;
    assert_eq!(entries(&rig), rig.users(SEARCH));
    operator.stop().await;
}

fn candidate(rig: &Rig, name: &str) -> Operator {
    let mut config = rig.config();
    config.candidate = Some(name.to_owned());
    rig.run(config)
}

fn holder(rig: &Rig) -> String {
    let lease = rig.sandbox.kubernetes.get("leases", "aivenator", "aivenator").unwrap_or_default();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

fn ask(rig: &Rig, range: std::ops::Range<u32>) {
    for number in range {
        let name = format!("app-{number}");
        rig.apply(app(&name, if number % 2 == 0 { kafka(&name) } else { search("read", &name) }));
    }
}

/// Each user was made once, and is the only one of its application.
fn once_each(rig: &Rig, each: usize) {
    let mut made: BTreeMap<String, u64> = BTreeMap::new();
    for record in rig.sandbox.aiven.records() {
        if record.call.operation == Operation::UserCreate {
            *made.entry(record.call.user.clone()).or_default() += 1;
        }
    }
    assert!(made.values().all(|times| *times == 1), "{made:?}");
    assert_eq!((rig.users(KAFKA).len(), rig.users(SEARCH).len()), (each, each), "{}", rig.story());
}

/// One that acts, and is in the middle of it, and another that waits for its turn.
async fn one_acts_and_another_waits() -> (Rig, Operator, Operator) {
    let rig = Rig::new().await;
    let first = candidate(&rig, "first");
    rig.until("the first leads", |rig| holder(rig) == "first").await;
    let looks = |rig: &Rig| -> u64 {
        let all = rig.asked().kubernetes;
        all.iter().filter(|(it, _)| it.resource == "leases" && it.verb == "get").map(|(_, times)| times).sum()
    };
    let before = looks(&rig);
    let second = candidate(&rig, "second");
    rig.until("the second has looked who leads", |rig| looks(rig) > before).await;
    ask(&rig, 0..10);
    rig.until("the first is in the middle of it", |rig| !rig.users(KAFKA).is_empty()).await;
    (rig, first, second)
}

async fn one_takes_over_from_one_that_stops() {
    let (rig, first, second) = one_acts_and_another_waits().await;
    first.stop().await;
    rig.until("the second leads", |rig| holder(rig) == "second").await;
    ask(&rig, 10..16);
    let names: Vec<String> = (0..16).map(|number| format!("app-{number}")).collect();
    rig.complete(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    once_each(&rig, 8);
    second.stop().await;
    assert_eq!(holder(&rig), "", "it is given back");
}

async fn one_takes_over_from_one_that_dies() {
    let (rig, first, second) = one_acts_and_another_waits().await;
    first.kill();
    rig.until("the second leads", |rig| holder(rig) == "second").await;
    let names: Vec<String> = (0..10).map(|number| format!("app-{number}")).collect();
    rig.complete(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!((rig.users(KAFKA).len(), rig.users(SEARCH).len()), (5, 5), "{}", rig.story());
    second.stop().await;
}

async fn whoever_loses_the_lease_stops() {
    let rig = Rig::new().await;
    let first = candidate(&rig, "first");
    rig.until("the first leads", |rig| holder(rig) == "first").await;
    rig.until("and acts", |rig| rig.log.text().contains("running")).await;
    rig.sandbox.aiven.faults().add(aivenator::sandbox::faults::Rule::new(aivenator::sandbox::faults::Effect::Delay(
        Duration::from_millis(700),
    )));
    ask(&rig, 0..8);
    rig.until("it is in the middle of it", |rig| !rig.asked().aiven.is_empty()).await;
    let robbed = json!({"spec": {"holderIdentity": "somebody-else"}});
    rig.sandbox.kubernetes.patch(("leases", "aivenator", "aivenator"), robbed).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), first.ended()).await.expect("it ends");
    assert!(matches!(ended, Err(RunError::LeaseLost)), "{ended:?}");
    // What was on its way arrives; nothing follows.
    rig.quiet().await;
    let after = rig.asked();
    rig.stays(Duration::from_secs(1), "it does nothing more", |rig| rig.asked() == after).await;
    assert_eq!(holder(&rig), "somebody-else");
    rig.sandbox.aiven.faults().clear();

    let second = candidate(&rig, "second");
    let names: Vec<String> = (0..8).map(|number| format!("app-{number}")).collect();
    rig.complete(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!((rig.users(KAFKA).len(), rig.users(SEARCH).len()), (4, 4), "{}", rig.story());
    second.stop().await;
}
