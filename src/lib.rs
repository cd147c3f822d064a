//! Service users of Aiven as Kubernetes Secrets, decided by a pure planner that can be asked what it would do and why.
//!
//! ```text
//! documents, or a running operator ──▶ World ──▶ plan(&World) ──▶ Plan ──▶ people, machines, or an executor
//!                                       ▲                          │
//!                                       └────── sim::apply ◀───────┘
//! ```
//!
//! Start reading at [`plan()`](plan::plan), then `plan/secret.rs`: why a secret stays or goes.
//!
//! What always holds, and what tests check:
//! - the planner is total and pure: time, settings and everything that could not be read are in the [`world::World`];
//! - no secret material is in a world or a plan, by type: contents are keyed digests, values are named by their source;
//! - what was not seen is never taken for empty;
//! - every decision has a [`reason::Reason`], also the decision to do nothing.

pub mod action;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "schema")]
pub mod crd;
pub mod documents;
pub mod hash;
pub mod naming;
pub mod orphans;
pub mod plan;
pub mod read;
pub mod reason;
pub mod render;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "shell")]
pub mod shell;
pub mod sim;
pub mod value;
pub mod want;
pub mod world;
