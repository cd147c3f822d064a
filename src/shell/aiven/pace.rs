//! When a request may be sent: one gate for all requests with one token.
//!
//! Decides how long each waits, and how long everything waits after Aiven has asked for it. Takes the clock as given.
//! Never lets a request wait for longer than its patience: what was decided long ago is decided again instead.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use tokio::time::Instant;

/// The longest that Aiven is believed: longer, and an error in a date would stop everything.
pub(super) const LONGEST_HOLD: Duration = Duration::from_mins(10);

/// The shortest: what comes at once is too fast again.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);

/// How long to wait after a 429 that does not say.
pub(super) const DEFAULT_HOLD: Duration = Duration::from_secs(5);

/// How fast the client may go with one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Requests per second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl Default for Pace {
    fn default() -> Self {
        let of = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Pace { per_second: of(50), burst: of(100) }
    }
}

/// The gate.
pub(super) struct Gate {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    held_until: Mutex<Option<Instant>>,
    patience: Duration,
}

impl Gate {
    pub(super) fn new(pace: Pace, patience: Duration) -> Self {
        let limiter = RateLimiter::direct(Quota::per_second(pace.per_second).allow_burst(pace.burst));
        Gate { limiter, clock: DefaultClock::default(), held_until: Mutex::new(None), patience }
    }

    /// Waits for a turn; or how long it would be, if that is beyond patience.
    pub(super) async fn pass(&self) -> Result<(), Duration> {
        let give_up = Instant::now() + self.patience;
        loop {
            let wait = match self.held() {
                Some(held) => held,
                None => match self.limiter.check() {
                    Ok(()) => return Ok(()),
                    Err(until) => until.wait_time_from(self.clock.now()),
                },
            };
            if Instant::now() + wait > give_up {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Lets nothing through for a while; a longer while that was asked for before stays.
    pub(super) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_HOLD);
        let mut held = self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |before| before.max(until)));
    }

    fn held(&self) -> Option<Duration> {
        let until = (*self.held_until.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }
}

/// Reads `Retry-After`: seconds or a date, within a second and ten minutes; `None` for anything else.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(LONGEST_HOLD, Duration::from_secs)
    } else {
        let date = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.clamp(SHORTEST_HOLD, LONGEST_HOLD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_within_bounds() {
        let now: Timestamp = "1994-11-06T08:49:37Z".parse().expect("a time");
        let secs = |secs| Some(Duration::from_secs(secs));
        for (value, wait) in [
            ("7", secs(7)),
            (" 7 ", secs(7)),
            ("0", secs(1)),
            ("86400", secs(600)),
            ("99999999999999999999999999", secs(600)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", secs(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", secs(1)),
            ("Mon, 06 Nov 2094 08:00:00 GMT", secs(600)),
            ("-7", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("Sun, 06 Nov", None),
        ] {
            assert_eq!(retry_after(value, now), wait, "{value}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_holds_everything_and_a_shorter_one_does_not_shorten_it() {
        let gate = Gate::new(Pace::default(), Duration::from_secs(30));
        gate.hold(Duration::from_secs(20));
        gate.hold(Duration::from_secs(5));
        let began = Instant::now();
        assert_eq!(gate.pass().await, Ok(()));
        assert!(began.elapsed() >= Duration::from_secs(20));
        gate.hold(Duration::from_hours(1));
        let wait = gate.pass().await.expect_err("beyond patience");
        assert!(wait <= LONGEST_HOLD && wait > Duration::from_mins(9), "{wait:?}");
    }
}
