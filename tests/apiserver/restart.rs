//! The server goes and comes back, and knows nothing of the past any more.

use super::{assets, with_the_real_server};
use crate::shell::operator::given::{KAFKA, TEAM, app, kafka};
use crate::shell::operator::place::Cluster;
use crate::shell::operator::rig::Rig;

/// Watches cannot be resumed, since the versions that they know are older than all that the server knows: everything is
/// listed anew, and what happened meanwhile is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_started_again() {
    if assets().is_none() {
        return;
    }
    with_the_real_server(async {
        let rig = Rig::new().await;
        let Cluster::Real(lent) = &rig.sandbox.kubernetes else { panic!("it is real") };
        rig.apply(app("web", kafka("web")));
        rig.apply(app("gone", kafka("gone")));
        let operator = rig.start();
        rig.complete(&["web", "gone"]).await;
        rig.quiet().await;
        let user = rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER");
        let lists = |rig: &Rig| -> u64 {
            let of_apps = rig.asked().kubernetes.into_iter().filter(|(it, _)| it.resource == "aivenapplications");
            of_apps.filter(|(it, _)| it.verb == "list" && it.status == 200).map(|(_, times)| times).sum()
        };
        let before = lists(&rig);
        // Nobody hears of what happens between.
        rig.sandbox.kubernetes.hold_watches(true);
        tokio::task::block_in_place(|| {
            rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "gone").unwrap();
            lent.server().start_again();
        });
        rig.sandbox.kubernetes.hold_watches(false);
        rig.apply(app("late", kafka("late")));
        rig.complete(&["web", "late"]).await;
        rig.until("the deletion is noticed", |rig| rig.secret("gone").is_none() && rig.users(KAFKA).len() == 2).await;
        assert!(lists(&rig) > before, "{}", rig.story());
        assert_eq!(rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER"), user);
        operator.stop().await;
    })
    .await;
}
