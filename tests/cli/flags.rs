//! The flags of the operator: those of the Go program by name, variable and default, and those that this one adds.

use std::collections::{BTreeMap, BTreeSet};

use aivenator::shell::http::Listen;
use aivenator::shell::logs::{Format, Level};
use aivenator::world::{Name, Settings};
use jiff::SignedDuration;

use super::run::{refused, say, say_in};
use crate::support::repository;

/// A flag as deployments of the Go program use it.
struct Flag {
    name: &'static str,
    variable: &'static str,
    /// As its help says; none, where it has to be set.
    default: Option<&'static str>,
    /// Ways in which charts and people write a value.
    good: &'static [&'static str],
    /// A value that is refused; none, where every text will do.
    bad: Option<&'static str>,
}

const OF_GO: [Flag; 8] = [
    Flag { name: "aiven-token", variable: "AIVENATOR_AIVEN_TOKEN", default: None, good: &["t"], bad: None },
    Flag {
        name: "metrics-address",
        variable: "AIVENATOR_METRICS_ADDRESS",
        default: Some("127.0.0.1:8080"),
        good: &["127.0.0.1:8080", ":8080", "0", "[::1]:9090"],
        bad: Some("nowhere"),
    },
    Flag {
        name: "log-format",
        variable: "AIVENATOR_LOG_FORMAT",
        default: Some("text"),
        good: &["text", "json"],
        bad: Some("xml"),
    },
    Flag {
        name: "log-level",
        variable: "AIVENATOR_LOG_LEVEL",
        default: Some("info"),
        good: &["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace", "INFO", "Warning"],
        bad: Some("loud"),
    },
    Flag {
        name: "kubernetes-write-retry-interval",
        variable: "AIVENATOR_KUBERNETES_WRITE_RETRY_INTERVAL",
        default: Some("10s"),
        good: &["10s", "1m30s", "500ms"],
        bad: Some("10"),
    },
    Flag {
        name: "sync-period",
        variable: "AIVENATOR_SYNC_PERIOD",
        default: Some("1h"),
        good: &["1h", "1h0m0s", "1.5h"],
        bad: Some("hourly"),
    },
    Flag {
        name: "projects",
        variable: "AIVENATOR_PROJECTS",
        default: Some("dev-nais-dev"),
        good: &["a", "a,b", "a b", "a, b"],
        bad: Some(","),
    },
    Flag {
        name: "main-project",
        variable: "AIVENATOR_MAIN_PROJECT",
        default: Some("dev-nais-dev"),
        good: &["a"],
        bad: Some("a b"),
    },
];

/// What this program adds: its name, a value that is refused, if any is, and the default that its help tells, if any.
const OURS: [(&str, Option<&str>, Option<&str>); 20] = [
    ("aiven-token-file", None, None),
    ("aiven-url", None, Some("`https://api.aiven.io`")),
    ("aiven-routes", Some(","), Some("dynamic")),
    ("cluster-name", None, None),
    ("concurrency", Some("0"), Some("10")),
    ("context", None, None),
    ("instance-check", Some("perhaps"), Some("true")),
    ("janitor-grace", Some("soon"), Some("10m")),
    ("janitor-interval", Some("soon"), Some("15m")),
    ("keystore-encryption", Some("none"), Some("modern")),
    ("kubeconfig", None, None),
    ("leader-elect", Some("perhaps"), Some("false")),
    ("max-deletions", Some("101%"), Some("10%")),
    ("operator-namespace", None, Some("wherever there is one")),
    ("renew-before", Some("soon"), Some("30d")),
    ("retire-after", Some("soon"), Some("10m")),
    ("retire-cap", Some("soon"), Some("7d")),
    ("rotate-after", Some("soon"), Some("never")),
    ("settle", Some("soon"), Some("60s")),
    ("watch-namespace", Some(","), Some("all")),
];

/// What stops the operator after everything else was read, so that it never begins.
const LAST: (&str, &str) = ("AIVENATOR_KEYSTORE_ENCRYPTION", "rot13");
/// What it says then: all is well with everything else.
const FINE: [&str; 2] = [LAST.0, LAST.1];

fn variable(flag: &str) -> String {
    format!("AIVENATOR_{}", flag.replace('-', "_").to_uppercase())
}

/// Runs the operator with these flags and variables; whatever else it needs is set by variables.
#[track_caller]
fn refused_with(flags: &[(&str, &str)], variables: &[(&str, &str)], words: &[&str]) {
    let flags: Vec<String> = flags.iter().map(|(flag, value)| format!("--{flag}={value}")).collect();
    let args: Vec<&str> = std::iter::once("operator").chain(flags.iter().map(String::as_str)).collect();
    let mut environment = vec![("AIVENATOR_AIVEN_TOKEN", "t"), LAST];
    environment.retain(|(name, _)| !variables.iter().any(|(other, _)| other == name));
    environment.extend(variables);
    refused(&say_in(&environment, "", &args), words);
}

#[test]
fn the_flags_of_the_go_program_keep_name_and_variable() {
    for Flag { name, variable: of_go, default: _, good, bad } in OF_GO {
        assert_eq!(variable(name), of_go);
        for good in good {
            refused_with(&[(name, good)], &[], &FINE);
            refused_with(&[], &[(of_go, good)], &FINE);
        }
        let Some(bad) = bad else { continue };
        refused_with(&[(name, bad)], &[], &[&format!("--{name}")]);
        refused_with(&[], &[(of_go, bad)], &[of_go]);
        // The flag wins over the variable, and the variable over the default.
        refused_with(&[(name, good[0])], &[(of_go, bad)], &FINE);
        refused_with(&[(name, bad)], &[(of_go, good[0])], &[&format!("--{name}")]);
        // An empty variable is not set.
        refused_with(&[(name, good[0])], &[(of_go, "")], &FINE);
    }
}

#[test]
fn flags_are_written_as_in_go() {
    let token = [("AIVENATOR_AIVEN_TOKEN", "t"), LAST];
    for args in [
        &["--sync-period", "1h", "--log-level=debug", "--projects", "a b"][..],
        &["--projects", "a", "--projects=b,c"],
        &["operator", "--metrics-address", ":8080", "--main-project=a"],
        &["--aiven-token", "t", "--metrics-address=0"],
    ] {
        refused(&say_in(&token, "", args), &FINE);
    }
    refused(&say_in(&[("AIVENATOR_AIVEN_TOKEN", "")], "", &["operator"]), &["--aiven-token", "is needed"]);
}

#[test]
fn flags_that_are_new_have_variables_of_the_same_form() {
    for (name, bad, _) in OURS {
        let Some(bad) = bad else { continue };
        refused_with(&[(name, bad)], &[], &[&format!("--{name}")]);
        refused_with(&[], &[(&variable(name), bad)], &[&variable(name)]);
    }
}

/// The flags of a help text, each with what is said of it.
fn help(args: &[&str]) -> BTreeMap<String, String> {
    let text = say(args).out;
    let mut flags: BTreeMap<String, String> = BTreeMap::new();
    let mut last = None;
    for line in text.lines().map(str::trim) {
        let long = line.split([' ', '[', '=']).find_map(|word| word.strip_prefix("--"));
        if let Some(name) = long.filter(|_| line.starts_with('-')) {
            last = Some(name.to_owned());
        }
        if let Some(name) = &last {
            let said = flags.entry(name.clone()).or_default();
            said.push_str(line);
            said.push(' ');
        }
    }
    flags
}

#[test]
fn the_help_lists_every_flag_and_its_default() {
    let flags = help(&["operator", "--help"]);
    let of_go = OF_GO.map(|flag| (flag.name, flag.default));
    let ours = OURS.map(|(name, _, default)| (name, default));
    let expected: BTreeMap<&str, Option<&str>> = of_go.into_iter().chain(ours).collect();
    for (name, default) in &expected {
        let said = flags.get(*name).unwrap_or_else(|| panic!("--{name} is not in {flags:?}"));
        let told = said.split_once("[default: ").and_then(|(_, rest)| Some(rest.split_once(']')?.0));
        assert_eq!(told, *default, "--{name}: {said}");
    }
    let known: BTreeSet<&str> = expected.into_keys().chain(["env-file", "help"]).collect();
    let there: BTreeSet<&str> = flags.keys().map(String::as_str).collect();
    assert_eq!(there, known);
    // Kubernetes sets these variables for a Service called aivenator.
    assert!(["port", "service-host", "service-port"].iter().all(|name| !there.contains(name)));
}

/// What the help tells is what happens.
#[test]
fn defaults_are_those_of_the_go_program() {
    let default = |name: &str| OF_GO.iter().find(|flag| flag.name == name).unwrap().default.unwrap();
    let settings = Settings::default();
    assert_eq!(settings.projects.iter().map(Name::as_str).collect::<Vec<_>>(), [default("projects")]);
    assert_eq!(settings.main_project.as_str(), default("main-project"));
    assert_eq!(settings.sync_period, SignedDuration::from_hours(1));
    assert_eq!(settings.kubernetes_write_retry_interval, SignedDuration::from_secs(10));
    assert_eq!(default("metrics-address").parse(), Ok(Listen::default()));
    assert_eq!(default("log-format").parse(), Ok(Format::default()));
    assert_eq!(default("log-level").parse(), Ok(Level::Info));
}

/// The Go chart sets the one variable, this program's form is the other.
#[test]
fn the_name_of_the_cluster_is_told_in_three_ways() {
    let quickstart = repository("fixtures/quickstart");
    let plan = ["plan", "-f", quickstart.to_str().unwrap(), "-o", "json"];
    let with = |environment: &[(&str, &str)], args: &[&str]| {
        let said = say_in(environment, "", &[&plan, args].concat());
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    };
    let one = with(&[], &["--cluster-name", "one"]);
    assert_ne!(one, with(&[], &[]), "names of users follow from it");
    assert_eq!(one, with(&[("AIVENATOR_CLUSTER_NAME", "one")], &[]));
    assert_eq!(one, with(&[("NAIS_CLUSTER_NAME", "one")], &[]));
    assert_eq!(one, with(&[("NAIS_CLUSTER_NAME", "two"), ("AIVENATOR_CLUSTER_NAME", "one")], &[]));
    assert_eq!(one, with(&[("AIVENATOR_CLUSTER_NAME", "two")], &["--cluster-name", "one"]));
}
