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
pub(crate) mod begin;
pub(crate) mod clock;
mod doubt;
pub(crate) mod execute;
pub(crate) mod fact;
pub mod http;
pub(crate) mod journal;
pub mod keystore;
pub(crate) mod kube;
pub mod lease;
mod live;
pub mod logs;
pub mod metrics;
pub(crate) mod operate;
mod projects;
mod reads;
pub(crate) mod report;
mod resolve;
pub mod rights;
mod run;
mod sweep;
pub mod transport;
pub(crate) mod trouble;
mod view;

pub use self::apply::Progress;
pub use self::kube::{ConnectError, Target};
pub use self::live::Live;
pub use self::run::{Config, RunError, run};
pub use self::sweep::{Sweep, Swept};
