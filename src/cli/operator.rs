//! `operator`: flags and environment become a configuration, and the shell runs it.
//!
//! Decides where each setting comes from and what a mistake in it is called. Takes as given that the shell does the rest.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::environment::Environment;
use super::policy::{Policy, PolicyArgs, Setting};
use super::{Answer, Failure, Io, duration};
use crate::shell::aiven::{self, TokenSource};
use crate::shell::http::Listen;
use crate::shell::keystore::Encryption;
use crate::shell::{Config, Target, lease, logs};

/// How Aiven is reached; the token is never a flag's default, and never shown.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Aiven (each also from the environment)")]
#[expect(clippy::struct_field_names, reason = "the flags have these names")]
pub(super) struct AivenArgs {
    /// The token; better from a file or the environment, since arguments are seen by everybody on the machine.
    #[arg(long, value_name = "TOKEN")]
    aiven_token: Option<String>,
    /// The file that holds the token; read again when it changes.
    #[arg(long, value_name = "FILE")]
    aiven_token_file: Option<String>,
    /// Where Aiven's API is; also from `AIVEN_WEB_URL` [default: `https://api.aiven.io`].
    #[arg(long, value_name = "URL")]
    aiven_url: Option<String>,
}

/// Arguments of `operator`.
#[derive(Args, Debug, Default)]
#[command(after_help = "\
Proxies and certificates:
  HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in either case, hold for Aiven and for a cluster that a
  kubeconfig file names, unless its proxy-url says otherwise. Loopback and the cluster that this
  runs in are reached straight. SSL_CERT_FILE and SSL_CERT_DIR say where the certificates of the
  system are; AIVEN_CA_CERT is a PEM file of further ones. For the cluster that this runs in, the
  service account says whom to trust, and nobody else.")]
pub(super) struct OperatorArgs {
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    aiven: AivenArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// How the operator runs.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Running (each also from the environment)")]
struct RunArgs {
    /// Where /metrics, /healthz and /readyz are served: HOST:PORT, :PORT for every address, 0 for nowhere
    /// [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    metrics_address: Option<String>,
    /// How logs look: text or json [default: text].
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Which logs are written: error, warning, info, debug or trace [default: info].
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Look only at this namespace; repeatable, or with commas or spaces between [default: all].
    #[arg(long, value_name = "NAMESPACE")]
    watch_namespace: Vec<String>,
    /// Act only while holding the lease, so that several can run [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    leader_elect: Option<String>,
    /// The period of the full plan, and of the look for what no watch shows [default: 15m].
    #[arg(long, value_name = "DURATION")]
    janitor_interval: Option<String>,
    /// How many decisions are executed at a time [default: 10].
    #[arg(long, value_name = "COUNT")]
    concurrency: Option<String>,
    /// How keystores are encrypted: modern, or legacy for Java before 8u301 and 11.0.12 [default: modern].
    #[arg(long, value_name = "ENCRYPTION")]
    keystore_encryption: Option<String>,
    /// The context of the kubeconfig file to use.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig file to use.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// What is open when the process is told to end may take so long.
const GRACE: Duration = Duration::from_secs(1);

/// Runs until the process is told to stop.
pub(super) fn run(args: OperatorArgs, environment: &Environment<'_>, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let style = style(&args.run, environment)?;
    let config = configuration(args, environment, io)?;
    // Whoever embeds this may have set up logs of their own.
    let _ = logs::install(style);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Shell(error.to_string()))?;
    let stop = CancellationToken::new();
    let ended = runtime.block_on(async {
        let signals = tokio::spawn(signals(stop.clone()));
        let ended = crate::shell::run(config, stop).await;
        signals.abort();
        ended
    });
    runtime.shutdown_timeout(GRACE);
    ended.map(|()| Answer::of(String::new())).map_err(|error| Failure::Shell(error.to_string()))
}

/// Passes on that the process is told to stop.
pub(super) async fn signals(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
}

/// Everything that is read before anything runs.
#[cfg(feature = "fuzz")]
pub(super) fn configured(environment: &Environment<'_>, io: &Io<'_>) -> Result<(), Failure> {
    style(&RunArgs::default(), environment)?;
    configuration(OperatorArgs::default(), environment, io).map(drop)
}

fn configuration(args: OperatorArgs, environment: &Environment<'_>, io: &Io<'_>) -> Result<Config, Failure> {
    let OperatorArgs { run, aiven, policy } = args;
    let Policy { settings, operator_namespace } = policy.resolve(environment)?;
    let RunArgs {
        metrics_address,
        log_format: _,
        log_level: _,
        watch_namespace,
        leader_elect,
        janitor_interval,
        concurrency,
        keystore_encryption,
        context,
        kubeconfig,
    } = run;
    let of = |flag: &'static str, given: Option<String>| Setting::new(flag, given, environment);
    let watched = (!watch_namespace.is_empty()).then(|| watch_namespace.join(" "));
    let elects = of("leader-elect", leader_elect).or(false, super::policy::boolean)?;
    Ok(Config {
        settings,
        target: Target {
            kubeconfig,
            context,
            text: None,
            ca_file: environment.get("AIVEN_CA_CERT").map(PathBuf::from),
            proxies: environment.proxies(),
        },
        aiven: aiven.resolve(environment)?,
        listen: of("metrics-address", metrics_address).or(Listen::default(), str::parse)?,
        namespaces: of("watch-namespace", watched)
            .or(vec![], super::policy::list)?
            .iter()
            .map(ToString::to_string)
            .collect(),
        home: operator_namespace,
        candidate: elects
            .then(|| lease::identity(&environment.get("HOSTNAME").unwrap_or_else(|| "aivenator".to_owned()))),
        janitor_interval: of("janitor-interval", janitor_interval)
            .or(SignedDuration::from_mins(15), duration::parse)?,
        concurrency: of("concurrency", concurrency).or(10, count)?,
        encryption: of("keystore-encryption", keystore_encryption).or(Encryption::Modern, str::parse)?,
        key: io.key,
    })
}

impl AivenArgs {
    /// Joins flags, environment and defaults.
    pub(super) fn resolve(self, environment: &Environment<'_>) -> Result<aiven::Options, Failure> {
        let AivenArgs { aiven_token, aiven_token_file, aiven_url } = self;
        let of = |flag: &'static str, given: Option<String>| Setting::new(flag, given, environment);
        let url = of("aiven-url", aiven_url).text().or_else(|| environment.get("AIVEN_WEB_URL"));
        let file = of("aiven-token-file", aiven_token_file).text();
        let token = of("aiven-token", aiven_token).text();
        let source = match (file, token) {
            (Some(file), _) => TokenSource::File(file.into()),
            (None, Some(token)) => TokenSource::literal(token),
            (None, None) => {
                let why = "is needed: name a file with --aiven-token-file, or set AIVENATOR_AIVEN_TOKEN".to_owned();
                return Err(Failure::Setting { place: "--aiven-token".to_owned(), why });
            }
        };
        let mut options = aiven::Options::new(url.unwrap_or_else(|| "https://api.aiven.io".to_owned()), source);
        options.ca_file = environment.get("AIVEN_CA_CERT").map(PathBuf::from);
        options.proxies = environment.proxies();
        Ok(options)
    }
}

fn style(run: &RunArgs, environment: &Environment<'_>) -> Result<logs::Style, Failure> {
    let of = |flag: &'static str, given: &Option<String>| Setting::new(flag, given.clone(), environment);
    Ok(logs::Style {
        format: of("log-format", &run.log_format).or(logs::Format::default(), str::parse)?,
        level: of("log-level", &run.log_level).or(logs::Level::Info, str::parse)?,
        colour: logs::colour(environment.get("NO_COLOR").as_deref()),
    })
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000) => Ok(count),
        Ok(_) | Err(_) => Err(format!("'{text}' is not a number from 1 to 1000")),
    }
}
