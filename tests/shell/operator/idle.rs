//! A world in which nothing has to be done: nothing is.

use std::collections::BTreeMap;
use std::time::Duration;

use aivenator::sandbox::aiven::Operation;

use super::given::{app, kafka, search, valkey};
use super::rig::Rig;
use super::{Scenario, scenarios, together};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settled_world_is_only_looked_at() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![a_settled_world]
}

/// The next start reads what there is, once, and writes nothing; then only the watches go on.
async fn a_settled_world() {
    let rig = Rig::new().await;
    rig.apply(app("one", kafka("one")));
    rig.apply(app("two", search("read", "two")));
    rig.apply(app("three", valkey("admin", "three")));
    rig.apply(app("four", kafka("four")));
    let operator = rig.start();
    rig.complete(&["one", "two", "three", "four"]).await;
    rig.quiet().await;
    operator.stop().await;

    let (before, writes, events) = (rig.asked(), rig.writes(), rig.events().len());
    let operator = rig.start();
    let reads = |rig: &Rig| -> BTreeMap<Operation, u64> {
        let known = |key: &(Operation, Option<u16>)| before.aiven.get(key).copied().unwrap_or_default();
        let now = rig.sandbox.aiven.counts();
        let new = now.into_iter().map(|(key, times)| (key.0, times - known(&key)));
        new.filter(|(_, times)| *times > 0).collect()
    };
    let expected = BTreeMap::from([
        (Operation::ProjectList, 1),
        (Operation::ProjectCa, 1),
        (Operation::ServiceGet, 3),
        (Operation::AclGet, 1),
    ]);
    rig.until("everything is read", |rig| reads(rig).values().sum::<u64>() >= 6).await;
    rig.quiet().await;
    assert_eq!(reads(&rig), expected, "{}", rig.story());
    assert_eq!((rig.writes(), rig.events().len()), (writes.clone(), events), "{}", rig.story());

    let idle = rig.asked();
    let watches = |rig: &Rig| -> u64 {
        let all = rig.sandbox.kubernetes.counts();
        all.iter().filter(|(count, _)| count.verb == "watch").map(|(_, times)| times).sum()
    };
    let open = watches(&rig);
    let nothing_but_watches = |rig: &Rig| rig.asked() == idle && watches(rig) == open;
    rig.stays(Duration::from_secs(2), "nothing is asked, and watches stay open", nothing_but_watches).await;
    operator.stop().await;
    assert_eq!(rig.writes(), writes, "nothing is written on the way out");
}
