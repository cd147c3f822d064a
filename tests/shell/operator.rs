//! The operator as a process, against both APIs over HTTP: what is there in the end, whatever goes wrong.
//!
//! The clusters are the sandbox's here; `tests/apiserver/suite.rs` runs the same scenarios in real ones.

pub mod audit;
pub mod canary;
pub mod cluster;
pub mod crash;
pub mod edits;
pub mod ends;
pub mod faults;
pub mod given;
pub mod idle;
pub mod kills;
pub mod limits;
pub mod many;
pub mod place;
pub mod process;
pub mod restored;
pub mod rig;
pub mod services;
pub mod storm;
pub mod telling;

use std::future::Future;
use std::pin::Pin;

/// A scenario, with a cluster and an account of its own.
pub type Scenario = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs scenarios side by side; says which have failed.
pub async fn together(scenarios: Vec<(String, Scenario)>) {
    let running: Vec<_> = scenarios.into_iter().map(|(name, scenario)| (name, tokio::spawn(scenario))).collect();
    let mut failed = vec![];
    for (name, scenario) in running {
        if scenario.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

/// Scenarios with their names.
macro_rules! scenarios {
    ($($scenario:ident),+ $(,)?) => {
        vec![$((stringify!($scenario).to_owned(), Box::pin($scenario()))),+]
    };
}
use scenarios;
