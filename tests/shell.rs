//! The parts of the shell, over HTTP where they speak it.

mod aiven;
mod http;
pub mod keystore;
mod lease;
mod logs;
#[cfg(all(feature = "sandbox", target_os = "linux"))]
mod memory;
pub mod metrics;
#[cfg(feature = "sandbox")]
pub mod operator;
#[cfg(feature = "sandbox")]
mod reach;
mod tunnel;
