//! The policy that plans follow, from flags and the environment.
//!
//! Takes as given that a flag wins over the environment, and that an empty variable is not set; decides no default (those
//! are [`Settings::default`]).

use std::collections::BTreeSet;

use clap::Args;
use jiff::SignedDuration;

use super::Failure;
use super::duration;
use super::environment::Environment;
use crate::world::{DeletionCap, Name, Settings};

/// Flags of everything that plans.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Policy (each also from the environment: --main-project is AIVENATOR_MAIN_PROJECT)")]
pub(super) struct PolicyArgs {
    /// The Aiven projects whose Kafka may be asked for; repeatable, or with commas or spaces between
    /// [default: dev-nais-dev].
    #[arg(long, value_name = "PROJECTS")]
    projects: Vec<String>,
    /// The Aiven project of every service but Kafka [default: dev-nais-dev].
    #[arg(long, value_name = "PROJECT")]
    main_project: Option<String>,
    /// What keeps clusters that share a project apart in the names of new users; also from `NAIS_CLUSTER_NAME`.
    #[arg(long, value_name = "NAME")]
    cluster_name: Option<String>,
    /// The namespace of this program: a journal elsewhere is not its own [default: wherever there is one].
    #[arg(long, value_name = "NAMESPACE")]
    operator_namespace: Option<String>,
    /// Whether an OpenSearch or Valkey object must exist in the namespace of the application [default: true].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    instance_check: Option<String>,
    /// The routes of addresses to hand out, best first [default: dynamic].
    #[arg(long, value_name = "ROUTES")]
    aiven_routes: Option<String>,
    /// How long a Secret stays that nothing asks for or uses [default: 10m].
    #[arg(long, value_name = "DURATION")]
    janitor_grace: Option<String>,
    /// How many Secrets one plan may delete: a number, or a percentage of all, then at least 20 [default: 10%].
    #[arg(long, value_name = "COUNT|PERCENT%")]
    max_deletions: Option<String>,
    /// How long Aiven may take to show what was changed [default: 60s].
    #[arg(long, value_name = "DURATION")]
    settle: Option<String>,
    /// How long a replaced user stays at least [default: 10m].
    #[arg(long, value_name = "DURATION")]
    retire_after: Option<String>,
    /// After how long a replaced user that pods still hold is warned about [default: 7d].
    #[arg(long, value_name = "DURATION")]
    retire_cap: Option<String>,
    /// How long before its end a certificate is replaced [default: 30d].
    #[arg(long, value_name = "DURATION")]
    renew_before: Option<String>,
    /// The age at which every user is replaced [default: never].
    #[arg(long, value_name = "DURATION|never")]
    rotate_after: Option<String>,
    /// How often everything is looked at again [default: 1h].
    #[arg(long, value_name = "DURATION")]
    sync_period: Option<String>,
    /// How soon a write that Kubernetes refused is tried again [default: 10s].
    #[arg(long, value_name = "DURATION")]
    kubernetes_write_retry_interval: Option<String>,
}

/// What the flags and the environment say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// What the planner reads.
    pub(super) settings: Settings,
    /// The namespace of this program, if it is said.
    pub(super) operator_namespace: Option<String>,
}

impl PolicyArgs {
    /// Joins flags, environment and defaults.
    pub(super) fn resolve(self, environment: &Environment<'_>) -> Result<Policy, Failure> {
        let PolicyArgs {
            projects,
            main_project,
            cluster_name,
            operator_namespace,
            instance_check,
            aiven_routes,
            janitor_grace,
            max_deletions,
            settle,
            retire_after,
            retire_cap,
            renew_before,
            rotate_after,
            sync_period,
            kubernetes_write_retry_interval: retry,
        } = self;
        let of = |flag: &'static str, given: Option<String>| Setting::new(flag, given, environment);
        let default = Settings::default();
        let projects = (!projects.is_empty()).then(|| projects.join(" "));
        let projects = of("projects", projects).or(default.projects, |text| Ok(list(text)?.into_iter().collect()))?;
        let cluster_name = of("cluster-name", cluster_name).text().or_else(|| environment.get("NAIS_CLUSTER_NAME"));
        let settings = Settings {
            projects: BTreeSet::from_iter(projects),
            main_project: of("main-project", main_project).or(default.main_project, one_name)?,
            cluster_name: cluster_name.map(Name::from),
            instance_check: of("instance-check", instance_check).or(default.instance_check, boolean)?,
            routes: of("aiven-routes", aiven_routes).or(default.routes, list)?,
            janitor_grace: of("janitor-grace", janitor_grace).or(default.janitor_grace, duration::parse)?,
            max_deletions: of("max-deletions", max_deletions).or(default.max_deletions, cap)?,
            settle: of("settle", settle).or(default.settle, duration::parse)?,
            retire_after: of("retire-after", retire_after).or(default.retire_after, duration::parse)?,
            retire_cap: of("retire-cap", retire_cap).or(default.retire_cap, duration::parse)?,
            renew_before: of("renew-before", renew_before).or(default.renew_before, duration::parse)?,
            rotate_after: of("rotate-after", rotate_after).or(default.rotate_after, never_or_duration)?,
            sync_period: of("sync-period", sync_period).or(default.sync_period, duration::parse)?,
            kubernetes_write_retry_interval: of("kubernetes-write-retry-interval", retry)
                .or(default.kubernetes_write_retry_interval, duration::parse)?,
        };
        let operator_namespace = of("operator-namespace", operator_namespace).text();
        Ok(Policy { settings, operator_namespace })
    }
}

/// One setting and the places where it may stand.
pub(super) struct Setting<'e> {
    flag: &'static str,
    given: Option<String>,
    environment: &'e Environment<'e>,
}

impl<'e> Setting<'e> {
    /// The setting of a flag, as it was given, if it was.
    pub(super) fn new(flag: &'static str, given: Option<String>, environment: &'e Environment<'e>) -> Self {
        Setting { flag, given, environment }
    }

    fn variable(&self) -> String {
        format!("AIVENATOR_{}", self.flag.replace('-', "_").to_uppercase())
    }

    /// What it says, if it says anything.
    pub(super) fn text(self) -> Option<String> {
        let variable = self.variable();
        self.given.filter(|text| !text.is_empty()).or_else(|| self.environment.get(&variable))
    }

    /// What it says, or the default; a mistake names the place.
    pub(super) fn or<T>(self, default: T, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Failure> {
        let variable = self.variable();
        let (place, text) = match (self.given, self.environment.get(&variable)) {
            (Some(text), _) => (format!("--{}", self.flag), text),
            (None, Some(text)) => (variable, text),
            (None, None) => return Ok(default),
        };
        parse(&text).map_err(|why| Failure::Setting { place, why })
    }
}

/// Names with commas or spaces between.
pub(super) fn list(text: &str) -> Result<Vec<Name>, String> {
    let names: Vec<Name> = text
        .split(|character: char| character == ',' || character.is_whitespace())
        .filter(|name| !name.is_empty())
        .map(Name::from)
        .collect();
    if names.is_empty() { Err("names nothing".to_owned()) } else { Ok(names) }
}

fn one_name(text: &str) -> Result<Name, String> {
    match list(text)?.as_slice() {
        [name] => Ok(name.clone()),
        _ => Err(format!("'{text}' is more than one name")),
    }
}

/// As Go reads booleans, any case.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Ok(true),
        "false" | "f" | "0" => Ok(false),
        _ => Err(format!("'{text}' is neither true nor false")),
    }
}

fn never_or_duration(text: &str) -> Result<Option<SignedDuration>, String> {
    if text == "never" { Ok(None) } else { duration::parse(text).map(Some) }
}

fn cap(text: &str) -> Result<DeletionCap, String> {
    let wrong = || format!("'{text}' is neither a number nor a percentage up to 100%");
    match text.strip_suffix('%') {
        None => text.parse().map(DeletionCap::Count).map_err(|_| wrong()),
        Some(percent) => match percent.parse() {
            Ok(percent @ 0..=100) => Ok(DeletionCap::Percent(percent)),
            Ok(_) | Err(_) => Err(wrong()),
        },
    }
}
