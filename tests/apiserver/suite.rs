//! The scenarios of the operator, unchanged, against a real server.

use super::{assets, with_the_real_server};
use crate::shell::operator::{
    Scenario, audit, canary, cluster, crash, edits, ends, faults, idle, kills, limits, many, process, restored,
    services, storm, telling, together,
};

/// Runs scenarios, each in a cluster of its own.
async fn in_real_clusters(scenarios: Vec<(String, Scenario)>) {
    if assets().is_none() {
        return;
    }
    let real = |(name, scenario)| -> (String, Scenario) { (name, Box::pin(with_the_real_server(scenario))) };
    together(scenarios.into_iter().map(real).collect()).await;
}

macro_rules! suite {
    ($($test:ident: $scenarios:expr;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                in_real_clusters($scenarios).await;
            }
        )+
    };
}

suite! {
    aiven_fails: faults::scenarios();
    kubernetes_fails: cluster::scenarios();
    killed_while_a_user_is_made: crash::while_a_user_is_made();
    killed_while_a_user_is_replaced_or_goes: crash::while_a_user_is_replaced_or_goes();
    killed_while_a_user_takes_over: kills::while_a_user_takes_over_or_gets_other_rights();
    killed_while_something_goes: kills::while_something_goes();
    everything_at_once: storm::scenarios();
    every_change_is_told: audit::scenarios();
    a_thousand_passes_tell_nothing: canary::scenarios();
    an_application_is_changed: edits::of_applications();
    a_secret_is_changed: edits::of_secrets();
    users_are_replaced_in_time: ends::scenarios();
    there_is_a_limit: limits::scenarios();
    many_at_once: many::scenarios();
    it_begins_serves_and_ends: process::scenarios();
    a_backup_is_restored: restored::scenarios();
    each_service_reaches_its_secret: services::scenarios();
    a_settled_world_is_only_looked_at: idle::scenarios();
    nothing_secret_is_told: telling::scenarios();
}
