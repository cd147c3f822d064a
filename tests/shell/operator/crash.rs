//! Killed between any two requests that change something, and started again: never an orphan, never two users.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aivenator::sandbox::aiven::{Lag, Options};
use aivenator::sandbox::faults::{Effect, Rule};
use axum::http::{Method, Uri};
use jiff::SignedDuration;
use serde_json::Value;

use super::given::{KAFKA, SEARCH, TEAM, VALKEY, app, kafka, search, valkey};
use super::rig::Rig;
use super::{Scenario, together};

/// How many writes are looked at where a user is made, and where a secret moves; there are fewer.
const MADE: usize = 9;
const MOVED: usize = 16;

/// How the last request of a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It never arrived.
    Dropped,
    /// It was done, and the answer never arrived.
    Done,
    /// It was done, and the answer arrived; nothing that follows from it.
    Told,
    /// There is no such write: by then everything is done.
    Beyond,
}

/// The number of a process's last write, and how that ends.
pub type Point = (usize, Last);

/// Every way in which a process can end at each of so many writes; and at one more, which there is not.
pub fn points(writes: usize) -> impl Iterator<Item = Point> + Clone {
    let every = (0..writes).flat_map(|number| [Last::Dropped, Last::Done, Last::Told].map(|last| (number, last)));
    every.chain([(writes, Last::Beyond)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_user_is_made() {
    together(while_a_user_is_made()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_user_is_replaced_or_goes() {
    together(while_a_user_is_replaced_or_goes()).await;
}

pub fn while_a_user_is_made() -> Vec<(String, Scenario)> {
    let of = |name: &'static str, spec: fn() -> Value| {
        points(MADE).map(move |(number, last)| -> (String, Scenario) {
            (format!("{name} at write {number} {last:?}"), Box::pin(made((number, last), spec())))
        })
    };
    of("kafka", || kafka("web")).chain(of("opensearch", || search("read", "web"))).collect()
}

pub fn while_a_user_is_replaced_or_goes() -> Vec<(String, Scenario)> {
    let valkeys = points(MADE).map(|point| -> (String, Scenario) {
        (format!("valkey made at write {} {:?}", point.0, point.1), Box::pin(made(point, valkey("write", "web"))))
    });
    let moves = points(MOVED).map(|point| -> (String, Scenario) {
        (format!("moved and deleted at write {} {:?}", point.0, point.1), Box::pin(moved(point)))
    });
    valkeys.chain(moves).collect()
}

/// From a write on, nothing gets through any more; says whether there was such a write.
struct Grave {
    arrived: Arc<AtomicUsize>,
    after: usize,
}

impl Grave {
    fn dig(rig: &Rig, (after, last): Point) -> Grave {
        let arrived = Arc::new(AtomicUsize::new(0));
        let effect = match last {
            Last::Dropped => Effect::Drop,
            Last::Done => Effect::LoseAnswer,
            Last::Told | Last::Beyond => Effect::Delay(Duration::ZERO),
        };
        for faults in [&rig.sandbox.faults, rig.sandbox.aiven.faults()] {
            let count = arrived.clone();
            let dead = move |_: &Uri| count.load(Ordering::SeqCst) > after;
            faults.add(Rule::new(Effect::Drop).when(dead));
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let count = arrived.clone();
                let is_last = move |uri: &Uri| {
                    let path = uri.path();
                    let counts = !["/events", "selfsubjectaccessreviews"].iter().any(|part| path.contains(part));
                    counts && count.fetch_add(1, Ordering::SeqCst) == after
                };
                faults.add(Rule::new(effect.clone()).method(method).when(is_last));
            }
        }
        Grave { arrived, after }
    }

    fn is_full(&self) -> bool {
        self.arrived.load(Ordering::SeqCst) > self.after
    }
}

/// Runs an operator until it is killed, or until nothing was left to do.
pub async fn killed(rig: &Rig, point: Point, done: impl Fn(&Rig) -> bool) {
    let grave = Grave::dig(rig, point);
    let operator = rig.start();
    rig.until("it was killed, or was done", |rig| grave.is_full() || done(rig)).await;
    if grave.is_full() {
        assert!(point.1 != Last::Beyond, "there are more writes than are looked at\n{}", rig.story());
        // What it was told to do last may be under way.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    operator.kill();
    rig.sandbox.faults.clear();
    rig.sandbox.aiven.faults().clear();
}

async fn made(point: Point, spec: Value) {
    // What is made does not show before the next process has looked.
    let lag = Lag { create: Duration::from_millis(700), ..Lag::default() };
    let mut rig = Rig::with(Options { lag, ..Options::default() }).await;
    rig.settings.settle = SignedDuration::from_secs(3);
    rig.apply(app("web", spec));
    killed(&rig, point, |rig| rig.is_complete("web") && rig.journal().is_empty()).await;
    let operator = rig.start();
    rig.complete(&["web"]).await;
    let users: Vec<String> = [KAFKA, SEARCH, VALKEY].into_iter().flat_map(|service| rig.users(service)).collect();
    assert_eq!(users.len(), 1, "{users:?}\n{}", rig.story());
    operator.stop().await;
}

/// The secret gets another name, and then the application goes.
async fn moved(point: Point) {
    let rig = Rig::new().await;
    rig.apply(app("web", search("read", "old")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    operator.stop().await;

    rig.apply(app("web", search("read", "new")));
    let moved = |rig: &Rig| rig.is_complete("web") && rig.secret("old").is_none() && rig.journal().is_empty();
    killed(&rig, point, moved).await;
    let operator = rig.start();
    rig.until("the secret has its new name", moved).await;
    rig.nobody_is_lost();
    assert_eq!(rig.users(SEARCH), [rig.value("new", "OPEN_SEARCH_USERNAME")], "{}", rig.story());
    operator.stop().await;

    rig.sandbox.kubernetes.delete("aivenapplications", TEAM, "web").unwrap();
    let gone = |rig: &Rig| rig.secret("new").is_none() && rig.users(SEARCH).is_empty() && rig.journal().is_empty();
    killed(&rig, point, gone).await;
    let operator = rig.start();
    rig.until("everything is gone", gone).await;
    assert!(rig.acl().keys().all(|name| !name.starts_with("shop-")), "{:?}", rig.acl());
    operator.stop().await;
}
