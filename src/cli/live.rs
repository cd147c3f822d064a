//! What live commands have in common: flags become a configuration for one look at a cluster and at Aiven.
//!
//! Decides where each setting comes from. Takes as given that the shell only reads when it observes.

use std::path::PathBuf;

use jiff::SignedDuration;
use tokio::runtime::Runtime;

use super::args::SourceArgs;
use super::environment::Environment;
use super::policy::Policy;
use super::{Failure, Io};
use crate::shell::http::Listen;
use crate::shell::keystore::Encryption;
use crate::shell::{Config, Live, Target};
use crate::world::World;

/// The world that a cluster and Aiven show now, or as it would be at another moment.
pub(super) fn world(
    source: &SourceArgs,
    (policy, environment): (Policy, &Environment<'_>),
    io: &Io<'_>,
) -> Result<World, Failure> {
    look(source, (policy, environment), io).map(|(world, _)| world)
}

/// The same, and the namespace of the program there.
pub(super) fn look(
    source: &SourceArgs,
    (policy, environment): (Policy, &Environment<'_>),
    io: &Io<'_>,
) -> Result<(World, String), Failure> {
    let config = config(source, (policy, environment), io)?;
    let mut live = runtime()?.block_on(Live::observe(&config, source.namespace.as_deref())).map_err(failed)?;
    let mut world = live.world();
    world.now = source.now.unwrap_or(world.now);
    Ok((world, live.home().to_owned()))
}

/// What has to be known to look at a cluster and at Aiven.
pub(super) fn config(
    source: &SourceArgs,
    (policy, environment): (Policy, &Environment<'_>),
    io: &Io<'_>,
) -> Result<Config, Failure> {
    let SourceArgs { filename: _, namespace: _, context, kubeconfig, now: _, aiven } = source;
    let Policy { settings, operator_namespace } = policy;
    Ok(Config {
        settings,
        target: Target {
            kubeconfig: kubeconfig.clone(),
            context: context.clone(),
            text: None,
            ca_file: environment.get("AIVEN_CA_CERT").map(PathBuf::from),
            proxies: environment.proxies(),
        },
        aiven: aiven.clone().resolve(environment)?,
        listen: Listen::Off,
        namespaces: vec![],
        home: operator_namespace,
        candidate: None,
        janitor_interval: SignedDuration::from_mins(15),
        concurrency: 10,
        encryption: Encryption::Modern,
        key: io.key,
    })
}

/// What awaits needs a runtime, each command its own.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(failed)
}

/// One line, whatever it was.
#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
pub(super) fn failed(error: impl ToString) -> Failure {
    let text = error.to_string();
    Failure::Shell(text.lines().collect::<Vec<_>>().join("; "))
}
