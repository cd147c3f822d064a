//! What has happened, in words for people: who did what, and when.

use std::time::Duration;

/// A story as it is told; nothing is written down unless somebody wants to hear it.
pub(super) struct Tale {
    told: bool,
    lines: Vec<String>,
}

impl Tale {
    pub(super) fn new(told: bool) -> Self {
        Tale { told, lines: vec![] }
    }

    pub(super) fn is_told(&self) -> bool {
        self.told
    }

    /// Adds what has happened at that moment.
    pub(super) fn say(&mut self, now: Duration, what: impl FnOnce() -> String) {
        if self.told {
            let (seconds, millis) = (now.as_secs(), now.subsec_millis());
            let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
            self.lines.push(format!("{hours}:{minutes:02}:{:02}.{millis:03}  {}", seconds % 60, what()));
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
