//! Everything that awaits: observes a cluster and Aiven into a [`World`](crate::world::World), executes plans, reports.
//!
//! Takes every decision from [`plan`](crate::plan::plan()); never makes one of its own. Start reading at `operate.rs`: the
//! loop.

mod acl;
pub mod aiven;
mod apply;
mod ask;
mod audit;
mod batch;
mod clock;
mod doubt;
mod execute;
mod fact;
pub mod http;
mod journal;
pub mod keystore;
mod kube;
pub mod lease;
mod live;
pub mod logs;
pub mod metrics;
mod operate;
mod projects;
mod reads;
mod report;
mod resolve;
pub mod rights;
mod run;
mod sweep;
pub mod transport;
mod trouble;
mod view;

pub use self::apply::Progress;
pub use self::kube::{ConnectError, Target};
pub use self::live::Live;
pub use self::run::{Config, RunError, run};
pub use self::sweep::{Sweep, Swept};
