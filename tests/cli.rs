//! The command line from outside: what it prints, what it refuses, and how it ends.

#[cfg(feature = "sandbox")]
mod apply;
mod definition;
#[cfg(feature = "shell")]
mod flags;
#[cfg(feature = "sandbox")]
mod live;
#[cfg(feature = "sandbox")]
mod orphans;
mod plans;
mod plugin;
mod process;
mod render;
mod run;
mod saved;
mod schema;
#[cfg(feature = "shell")]
mod snapshot;
