//! What `apply` does when it is not alone: another holder of the lease, and a world that moves on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aivenator::sandbox::aiven::Operation;
use aivenator::sandbox::faults::{Effect, Rule};
use reqwest::Method;
use serde_json::{Value, json};

use super::live::Place;
use super::run::Said;

const APPLY: [&str; 3] = ["apply", "--operator-namespace", "ops"];
const LEASE: (&str, &str, &str) = ("leases", "ops", "aivenator");

/// A lease that somebody holds, renewed at that second.
fn lease(holder: &str, second: u32) -> Value {
    let renewed = format!("2026-11-20T12:{:02}:{:02}.000000Z", second / 60 % 60, second % 60);
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "aivenator", "namespace": "ops"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 0, "renewTime": renewed}})
}

fn holder(place: &Place) -> String {
    let (resource, namespace, name) = LEASE;
    let lease = place.sandbox.kubernetes.get(resource, namespace, name);
    lease.and_then(|lease| lease["spec"]["holderIdentity"].as_str().map(str::to_owned)).unwrap_or_default()
}

/// Waits until something is so.
#[track_caller]
pub(super) fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs once, at the first moment at which that was said.
fn once(words: &'static str, act: impl Fn()) -> impl FnMut(&str) {
    let mut done = false;
    move |said| {
        if !done && said.contains(words) {
            done = true;
            act();
        }
    }
}

fn says(said: &Said, words: &str) {
    assert!(said.out.contains(words), "{words:?} in {said:?}");
}

#[test]
fn it_refuses_while_an_operator_renews_the_lease() {
    let place = Place::new("apply-held");
    place.sandbox.kubernetes.load(lease("operator-0", 0)).unwrap();
    let stop = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            for second in 1_u32.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                place.sandbox.kubernetes.load(lease("operator-0", second)).unwrap();
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let said = place.answer("yes\n", &APPLY);
        stop.store(true, Ordering::Relaxed);
        said
    });
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(said.err, "aivenator: failed to take the lease ops/aivenator: operator-0 holds it\n");
    assert_eq!(holder(&place), "operator-0");
    assert_eq!(place.sandbox.aiven.count(Operation::UserCreate) + place.sandbox.aiven.count(Operation::UserDelete), 0);
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "invoices-kafka").is_some());
}

#[test]
fn it_stops_when_the_lease_is_lost_and_says_what_was_done() {
    let place = Place::new("apply-lost");
    let slow = Rule::new(Effect::Delay(Duration::from_mins(1))).method(Method::POST).under("/v1/project/dev-nais-dev");
    place.sandbox.aiven.faults().add(slow);
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            // An intent is written down, and the request that it announces is under way.
            until("a user is about to be made", || {
                let journal = place.sandbox.kubernetes.get("configmaps", "ops", "aivenator-journal");
                journal.is_some_and(|journal| journal["data"].to_string().contains("orders_checkout"))
            });
            assert!(holder(&place).starts_with("apply by "), "{}", holder(&place));
            place.sandbox.kubernetes.load(lease("operator-0", 1)).unwrap();
        });
        place.answer("yes\n", &APPLY)
    });
    assert_eq!(said.code, 1, "{said:?}");
    says(
        &said,
        "\nAivenApplication orders/checkout\n  note that user orders_checkout_2a05be48_FVk is about to be made",
    );
    assert!(!said.out.contains("\n  create user orders_checkout"), "it is not known whether it was: {said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    let (first, rest) = lines.split_first().unwrap();
    assert!(
        first.starts_with("aivenator: AivenApplication orders/checkout: the lease was lost meanwhile: "),
        "{said:?}"
    );
    assert!(!rest.is_empty(), "{said:?}");
    for line in rest {
        assert!(line.ends_with(": not done: the lease was lost, somebody else may act now"), "{said:?}");
    }
    assert!(rest.iter().any(|line| line.contains("Secret orders/invoices-kafka")), "{said:?}");
    says(&said, &format!("; {} failed, see above: plan again.\n", lines.len()));
    assert_eq!(holder(&place), "operator-0", "what is another's is not given back");
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "invoices-kafka").is_some());
    assert_eq!(place.sandbox.aiven.count(Operation::UserDelete), 0);
}

#[test]
fn what_is_no_longer_what_was_shown_is_left_alone_and_said() {
    let place = Place::new("apply-changed");
    let said = place.meanwhile(
        "yes\n",
        &APPLY,
        &mut once("Only 'yes' is accepted", || {
            let checkout = ("aivenapplications", "orders", "checkout");
            let patch = json!({"spec": {"kafka": {"pool": "dev-nais-dev", "secretName": "another"}}});
            place.sandbox.kubernetes.patch(checkout, patch).unwrap();
            place.sandbox.kubernetes.load(pod("invoices-kafka")).unwrap();
        }),
    );
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(
        said.err,
        "aivenator: AivenApplication orders/checkout: no longer what was shown: secret another does not exist\n"
    );
    says(&said, "\nSecret orders/invoices-kafka\n  left as it is: used by Pod worker\n");
    says(&said, "; 1 failed, see above: plan again.\n");
    for absent in ["checkout-kafka", "another"] {
        assert!(place.sandbox.kubernetes.get("secrets", "orders", absent).is_none(), "{absent}");
    }
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "invoices-kafka").is_some());
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "refunds-kafka").is_none(), "the others are carried out");
    assert_eq!(place.sandbox.aiven.count(Operation::UserCreate), 0);
}

/// What came into use after everything was looked at, and right before it would have been deleted.
#[test]
fn what_is_deleted_is_looked_at_right_before() {
    let place = Place::new("apply-fresh");
    let act = || drop(place.sandbox.kubernetes.load(pod("invoices-kafka")).unwrap());
    let said = place.meanwhile("yes\n", &APPLY, &mut once("\nAivenApplication orders/checkout\n", act));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    says(&said, "\nSecret orders/invoices-kafka\n  left as it is: used by Pod worker\n");
    assert!(place.sandbox.kubernetes.get("secrets", "orders", "invoices-kafka").is_some());
}

/// A pod that uses a Secret.
fn pod(secret: &str) -> Value {
    let env = json!([{"secretRef": {"name": secret}}]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worker", "namespace": "orders"},
        "spec": {"containers": [{"name": "main", "image": "image", "envFrom": env}]}})
}
