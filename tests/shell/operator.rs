//! The operator as a process, against both APIs of the sandbox over HTTP: what is there in the end, whatever goes wrong.

mod audit;
mod canary;
mod cluster;
mod crash;
mod edits;
mod ends;
mod faults;
pub mod given;
mod idle;
mod kills;
mod limits;
mod many;
mod process;
mod restored;
mod rig;
mod services;
mod storm;
mod telling;

use std::future::Future;
use std::pin::Pin;

/// A scenario, with a sandbox of its own.
type Scenario = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs scenarios side by side; says which have failed.
async fn together(scenarios: Vec<(String, Scenario)>) {
    let running: Vec<_> = scenarios.into_iter().map(|(name, scenario)| (name, tokio::spawn(scenario))).collect();
    let mut failed = vec![];
    for (name, scenario) in running {
        if scenario.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

macro_rules! scenarios {
    ($($scenario:ident),+ $(,)?) => {
        crate::shell::operator::together(vec![$((stringify!($scenario).to_owned(), Box::pin($scenario()))),+]).await
    };
}
use scenarios;
