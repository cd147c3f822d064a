//! The Kubernetes API: what is asked of it and what is written to it, one request a call, each measured.
//!
//! Decides how an answer is classed. Takes as given that whoever calls has a plan; never repeats a write, and never passes
//! on a text of an answer, which may quote what was sent.

mod connect;
mod doc;
mod error;
mod kind;
mod request;
mod watch;

pub(crate) use self::connect::connect;
pub use self::connect::{ConnectError, Target};
#[cfg(feature = "sandbox")]
pub(crate) use self::doc::{Doc, Whole};
pub(crate) use self::error::KubeError;
pub(crate) use self::kind::{counted, resource, watched};
pub(crate) use self::request::{Http, Kube};
#[cfg(feature = "sandbox")]
pub(crate) use self::request::{Key, Port, Sent, Such};
#[cfg(feature = "sandbox")]
pub(crate) use self::watch::Eye;
pub(crate) use self::watch::{Event, Scope, watch};
