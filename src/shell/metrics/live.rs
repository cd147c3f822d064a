//! Values that are worked out when somebody asks: ages, times that are left, and tables that are replaced as a whole.
//!
//! So an age grows while a loop hangs, and what no longer exists is no longer shown. Never holds names of secrets or
//! users.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use jiff::Timestamp;
use tokio::time::Instant;

use super::label::Resource;
use crate::shell::clock;
use crate::world::{Name, ServiceKey};

const WATCH_AGE: &str = "aivenator_watch_age_seconds";
const CERTIFICATE_ENDS: &str = "aivenator_certificate_ends_seconds";
const TERMINATING: &str = "aivenator_secrets_terminating_age_seconds";
const USERS: &str = "aivenator_service_users";

/// What is remembered for that.
#[derive(Default)]
pub(super) struct Live {
    pub(super) watches: BTreeMap<Resource, Instant>,
    pub(super) certificates: BTreeMap<Name, Timestamp>,
    pub(super) users: BTreeMap<ServiceKey, usize>,
    pub(super) terminating: Option<Instant>,
}

impl Live {
    /// Adds all of it as it is now.
    pub(super) fn write(&self, text: &mut Text) {
        if !self.certificates.is_empty() {
            text.family(CERTIFICATE_ENDS, "seconds until the first certificate of the pool's users ends", "gauge");
        }
        for (pool, end) in &self.certificates {
            text.sample(CERTIFICATE_ENDS, &[("pool", pool)], end.duration_since(clock::now()).as_secs());
        }
        text.family(
            TERMINATING,
            "seconds since the first secret that is being deleted was seen so; 0 if none is",
            "gauge",
        );
        text.sample(TERMINATING, &[], self.terminating.map_or(0.0, |since| since.elapsed().as_secs_f64()));
        if !self.users.is_empty() {
            text.family(USERS, "users of a service that managed secrets record", "gauge");
        }
        for (key, count) in &self.users {
            text.sample(USERS, &[("pool", &key.project), ("service", &key.service)], count);
        }
        if !self.watches.is_empty() {
            text.family(
                WATCH_AGE,
                "seconds since the API server last answered the watch or told it something",
                "gauge",
            );
        }
        for (resource, seen) in &self.watches {
            text.sample(WATCH_AGE, &[("resource_type", resource.as_str())], seen.elapsed().as_secs_f64());
        }
    }
}

/// The text format of Prometheus, version 0.0.4.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl Text {
    /// Begins a metric.
    pub(super) fn family(&mut self, name: &str, help: &str, kind: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// Adds one value of it.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if index == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out_of_their_quotes() {
        let mut text = Text::default();
        text.sample("a", &[("b", "c\"} 1\n\\"), ("d", "e")], 2);
        text.sample("a", &[], 0.5);
        assert_eq!(text.0, "a{b=\"c\\\"} 1\\n\\\\\",d=\"e\"} 2\na 0.5\n");
    }
}
