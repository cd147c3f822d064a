//! When something that failed is tried again.
//!
//! Takes as given that the shell records failures and that a success removes them. Never waits longer than the period of
//! the full plan, and never all at the same moment: the jitter follows from the name, not from chance.

use jiff::SignedDuration;

use super::survey::{Notes, after, spread};
use crate::reason::Reason;
use crate::world::{Failure, FailureClass, FailureKey, MAX_INTENTS, Name, Subject, Timestamp, World};

/// Why a step of a decision is not tried now; `None` if it is.
pub(super) fn why_not_now(
    world: &World,
    subject: &Subject,
    step: &Name,
    (generation, notes): (Option<i64>, &mut Notes),
) -> Option<Reason> {
    if world.failures.is_empty() {
        return None;
    }
    let failure = world.failures.get(&FailureKey { subject: subject.clone(), step: step.clone() })?;
    let at = retry_at(world, subject, failure, generation);
    notes.wake_if_later(world, at).then(|| reason(failure, at))
}

fn reason(failure: &Failure, retry_at: Timestamp) -> Reason {
    let Failure { class, operation, service, at: _, count, generation: _, retry_after: _ } = failure;
    match (class, service) {
        (FailureClass::UserLimit, Some(service)) => Reason::UserLimit { service: service.clone() },
        (FailureClass::AclFull, Some(service)) => Reason::AclFull { service: service.clone() },
        (FailureClass::JournalFull, _) => Reason::JournalFull { open: MAX_INTENTS },
        (FailureClass::JournalUnavailable, _) => {
            Reason::JournalUnavailable { why: format!("{operation} has failed").into() }
        }
        _ => Reason::ServiceFailed {
            operation: operation.clone(),
            class: *class,
            count: *count,
            retry_at: Some(retry_at),
        },
    }
}

fn retry_at(world: &World, subject: &Subject, failure: &Failure, generation: Option<i64>) -> Timestamp {
    let Failure { class, operation: _, service: _, at, count, generation: then, retry_after } = failure;
    let secs = SignedDuration::from_secs;
    let wait = match class {
        FailureClass::NotFound => secs(100),
        // 1, 2, 4, 8 and then 10 seconds in the first minute.
        FailureClass::NotReady if *count < 9 => secs(1_i64 << (*count).clamp(1, 5).saturating_sub(1)).min(secs(10)),
        FailureClass::NotReady => secs(100),
        FailureClass::Refused | FailureClass::UserLimit | FailureClass::AclFull
            if generation.is_some_and(|now| now != *then) =>
        {
            secs(0)
        }
        FailureClass::Refused | FailureClass::UserLimit | FailureClass::AclFull => world.settings().sync_period,
        FailureClass::TooFast => retry_after.unwrap_or_else(|| growing(subject, *count)),
        FailureClass::JournalFull | FailureClass::JournalUnavailable | FailureClass::Kubernetes => {
            growing(subject, *count).max(world.settings().kubernetes_write_retry_interval)
        }
        FailureClass::Unauthorized | FailureClass::Unknown => growing(subject, *count),
    };
    after(*at, wait)
}

/// 1 to 2 seconds, doubled with each failure up to between 2.5 and 5 minutes.
fn growing(subject: &Subject, count: u32) -> SignedDuration {
    let half =
        SignedDuration::from_secs(1_i64 << count.clamp(1, 9).saturating_sub(1)).min(SignedDuration::from_secs(150));
    half + spread(&format!("{subject}#{count}"), half)
}
