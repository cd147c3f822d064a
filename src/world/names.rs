//! The labels, annotations and finalizer that this program reads and writes, by their exact names.

/// Label: the application.
pub const APP: &str = "app";
/// Label: the namespace.
pub const TEAM: &str = "team";
/// Label: what makes a secret managed, with [`TYPE_VALUE`].
pub const TYPE: &str = "type";
/// The value of [`TYPE`].
pub const TYPE_VALUE: &str = "aivenator.aiven.nais.io";
/// Label: an integer that the application carries too.
pub const SECRET_GENERATION: &str = "aiven.nais.io/secret-generation";
/// Label and annotation: `true` or `false`.
pub const PROTECTED: &str = "aivenator.aiven.nais.io/protected";
/// Annotation: copied from the application.
pub const CORRELATION_ID: &str = "nais.io/deploymentCorrelationID";
/// Annotation: `true` on a protected secret that expires.
pub const TIME_LIMIT: &str = "aivenator.aiven.nais.io/with-time-limit";
/// Annotation: when it expires.
pub const EXPIRES_AT: &str = "aivenator.aiven.nais.io/expires-at";
/// Annotation: users that were replaced and still exist.
pub const RETIRED: &str = "aivenator.aiven.nais.io/retired";
/// Annotation: SHA-256 of both stores as written, hexadecimal, keystore then truststore, with a comma between.
pub const KEYSTORES: &str = "aivenator.aiven.nais.io/keystores";
/// Annotation, set by people: let the secret go and leave its users.
pub const SKIP_CLEANUP: &str = "aivenator.aiven.nais.io/skip-cleanup";
/// Annotation, set by people: change nothing.
pub const PAUSED: &str = "aivenator.aiven.nais.io/paused";
/// The finalizer on secrets.
pub const FINALIZER: &str = "aivenator.aiven.nais.io/finalizer";
/// The `ConfigMap` that holds the journal.
pub const JOURNAL: &str = "aivenator-journal";
/// The Lease in the namespace of the program that says which replica acts.
pub const LEASE: &str = "aivenator";
/// The condition for a deprecated field.
pub const DEPRECATED: &str = "Deprecated";
/// The condition for success.
pub const SUCCEEDED: &str = "Succeeded";
/// The condition for what Aiven answered or did not.
pub const AIVEN_FAILURE: &str = "AivenFailure";
/// The condition for what the spec, the instances or Kubernetes caused.
pub const LOCAL_FAILURE: &str = "LocalFailure";

/// Whether an annotation of that name can matter to this program.
pub fn is_ours(annotation: &str) -> bool {
    annotation == CORRELATION_ID || annotation.split('/').next().is_some_and(|domain| domain.ends_with("aiven.nais.io"))
}

/// The labels that this program writes.
pub const LABELS: [&str; 5] = [APP, TEAM, TYPE, SECRET_GENERATION, PROTECTED];
