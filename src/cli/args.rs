//! The arguments, as clap reads them.
//!
//! Takes as given nothing; the meaning of policy flags and of the environment is in [`super::policy`].

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(feature = "shell")]
use super::apply::ApplyArgs;
#[cfg(feature = "shell")]
use super::operator::{AivenArgs, OperatorArgs};
#[cfg(feature = "shell")]
use super::orphans::OrphansArgs;
use super::policy::PolicyArgs;
#[cfg(feature = "sandbox")]
use super::sandbox::SandboxArgs;
#[cfg(feature = "shell")]
use super::snapshot::SnapshotArgs;

/// The colours of help texts.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

/// Gives applications in Kubernetes their users on Aiven services (Kafka, OpenSearch, Valkey) as Secrets.
///
/// An application says in an AivenApplication which services it uses and in which Secrets it wants their addresses and
/// credentials. Aivenator makes the service users, writes the Secrets, and cleans up what nobody uses any longer. What
/// it would do, and why, can be asked before it does it: see `aivenator plan`.
#[derive(Debug, Parser)]
#[command(name = "aivenator", version, styles = STYLES, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  aivenator plan                             what would be done in your cluster, and why
  aivenator plan -f dump/                    the same for saved documents
  aivenator explain secret/my-app -n team -f dump/
                                             why one Secret is as it is
  aivenator crd | kubectl apply -f -         install the AivenApplication resource

Exit codes: 0 success, 1 error; with --detailed-exitcode 2 if there are changes.")]
pub(super) struct Cli {
    /// What to do; `operator` if nothing is said.
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Read settings from a file of lines KEY=VALUE, for what is not in the environment.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) env_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what would be done, and why; changes nothing.
    Plan(PlanArgs),
    /// Explain one object: what asks for it, what uses it, what will happen to it, and when.
    Explain(ExplainArgs),
    /// Print the custom resource definition of AivenApplication, as YAML.
    Crd,
    /// Print the JSON Schema of what other commands print.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completions(CompletionArgs),
    /// Write the pages of the manual into a directory.
    #[command(hide = true)]
    Man(ManArgs),
    /// Answer what a shell asks while words are typed; see `kubectl_complete-aivenator`.
    #[command(name = "__complete", hide = true)]
    Complete(Later),
    /// Run: watch the cluster and keep everything as it has to be.
    #[cfg(feature = "shell")]
    Operator(Box<OperatorArgs>),
    /// Run: watch the cluster and keep everything as it has to be.
    #[cfg(not(feature = "shell"))]
    #[command(hide = true)]
    Operator(Later),
    /// Carry out a plan once, after it was shown and confirmed.
    #[cfg(feature = "shell")]
    Apply(Box<ApplyArgs>),
    /// Carry out a plan once, after it was shown and confirmed.
    #[cfg(not(feature = "shell"))]
    #[command(hide = true)]
    Apply(Later),
    /// Save what is observed, without secret material, for `plan -f`.
    #[cfg(feature = "shell")]
    Snapshot(Box<SnapshotArgs>),
    /// Save what is observed, without secret material, for `plan -f`.
    #[cfg(not(feature = "shell"))]
    #[command(hide = true)]
    Snapshot(Later),
    /// List or delete users at Aiven that nothing records, and those that were left behind.
    #[cfg(feature = "shell")]
    Orphans(Box<OrphansArgs>),
    /// List or delete users at Aiven that nothing records, and those that were left behind.
    #[cfg(not(feature = "shell"))]
    #[command(hide = true)]
    Orphans(Later),
    /// Run on an embedded Kubernetes API and an embedded Aiven API: see it at work without a cluster.
    #[cfg(feature = "sandbox")]
    Sandbox(Box<SandboxArgs>),
    /// Run on an embedded Kubernetes API and an embedded Aiven API.
    #[cfg(not(feature = "sandbox"))]
    #[command(hide = true)]
    Sandbox(Later),
}

/// Arguments of a command that is not there yet, or that takes any: whatever they are.
#[derive(Args, Debug)]
pub(super) struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(super) rest: Vec<String>,
}

/// Arguments of `man`.
#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// Where to.
    #[arg(value_name = "DIRECTORY")]
    pub(super) directory: PathBuf,
}

/// Where everything is observed.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to look at")]
pub(super) struct SourceArgs {
    /// Read documents instead of asking a cluster and Aiven: a file, a directory, or - for standard input; repeatable.
    ///
    /// Any Kubernetes documents, as `kubectl get -o yaml` prints them, and AivenProject documents for what is at Aiven.
    /// Of directories every *.yaml, *.yml and *.json, also in directories below.
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR|-")]
    pub(super) filename: Vec<PathBuf>,
    /// Show only this namespace.
    ///
    /// Everything is looked at all the same, since what is in other namespaces matters too; where that is not allowed,
    /// only this namespace is.
    #[arg(short = 'n', long, value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,
    /// The context of the kubeconfig file to use.
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// The kubeconfig file to use.
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Plan as if it were this moment, such as 2026-11-20T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(super) now: Option<jiff::Timestamp>,
    #[cfg(feature = "shell")]
    #[command(flatten)]
    pub(super) aiven: AivenArgs,
}

/// How to print a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    Text,
    /// For machines; see `aivenator schema plan`
    Json,
    /// The same data as YAML
    Yaml,
}

/// Arguments of `plan`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  aivenator plan                             plan the cluster of the kubeconfig file, and change nothing
  aivenator plan --context prod -n my-team   only one namespace of another cluster
  mkdir -p dump
  kubectl get aivenapp,secret,pod,rs,deploy,sts,ds,job,cronjob -A -o yaml > dump/cluster.yaml
  kubectl get opensearches.aiven.io,valkeys.aiven.io -A -o yaml > dump/instances.yaml
  kubectl get cm -A --field-selector metadata.name=aivenator-journal -o yaml > dump/journal.yaml
  aivenator plan -f dump/                    plan what was saved
  aivenator plan -f dump/ -n my-team         only one namespace
  aivenator plan -f dump/ my-app             only objects of that name, kept ones too
  aivenator plan -f dump/ --now 2027-01-01T00:00:00Z
                                             what would be done then
  aivenator plan -f dump/ -o json | jq .summary

A cluster is only read, and so is Aiven; the token for it is in AIVENATOR_AIVEN_TOKEN or in the file
that --aiven-token-file names. What is not in documents counts as not in the cluster: save every kind.
Secret values are compared, and never printed.")]
pub(super) struct PlanArgs {
    /// Only applications and Secrets of these names.
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    #[command(flatten)]
    pub(super) source: SourceArgs,
    /// Every namespace, as without -n.
    #[arg(short = 'A', long, conflicts_with = "namespace", help_heading = "What to look at")]
    pub(super) all_namespaces: bool,
    /// How to print it.
    #[arg(
        short = 'o',
        long,
        value_enum,
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Output",
        value_name = "FORMAT",
        help = "How to print it: text, json or yaml"
    )]
    pub(super) output: Output,
    /// Also list what stays because it is asked for or as it has to be; else that is counted.
    #[arg(long, help_heading = "Output")]
    pub(super) show_kept: bool,
    /// End with exit code 2 if there are changes.
    #[arg(long, help_heading = "Output")]
    pub(super) detailed_exitcode: bool,
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
}

/// Arguments of `explain`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  aivenator explain secret/my-app -n my-team
  aivenator explain application/my-app -f dump/
  aivenator explain reason/InstanceNotReady  what a reason means, and what to do")]
pub(super) struct ExplainArgs {
    /// Which object: secret/NAME or application/NAME; or reason/CODE for what a reason means.
    #[arg(value_name = "KIND/NAME")]
    pub(super) object: String,
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
}

/// Arguments of `schema`.
#[derive(Args, Debug)]
pub(super) struct SchemaArgs {
    /// Of what.
    #[arg(value_enum)]
    pub(super) of: SchemaOf,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaOf {
    /// What `plan -o json` prints
    Plan,
}

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  source <(aivenator completions bash)
  aivenator completions fish > ~/.config/fish/completions/aivenator.fish")]
pub(super) struct CompletionArgs {
    /// For which shell.
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}
