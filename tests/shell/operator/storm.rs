//! Everything at once, by a seed: both servers fail in every way, watches drop, operators die and take over, people edit.
//!
//! Which faults and edits come, and in which order, follows from the seed; when exactly they meet a request, the threads
//! decide. At no moment is a Secret published whose user is not there, and in the end everybody has what is asked for.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aivenator::sandbox::aiven::{Lag, Options};
use aivenator::sandbox::faults::{Effect, Faults, Rule};
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::given::{KAFKA, PROJECT, SEARCH, TEAM, VALKEY, app, kafka, search, valkey};
use super::rig::{Operator, Rig, edit};
use super::{Scenario, together};
use crate::support::lot::Lot;

/// What the usual run looks at; `AIVENATOR_SEED` looks at another, or again at one that failed.
const SEEDS: [u64; 3] = [1, 2, 3];
/// How many things happen to people and processes.
const EVENTS: usize = 14;
const APPS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    let given = std::env::var("AIVENATOR_SEED").ok().map(|seed| vec![seed.parse().expect("a number")]);
    let scenario = |seed: u64| -> (String, Scenario) {
        (format!("again with AIVENATOR_SEED={seed} cargo test everything_at_once"), Box::pin(storm(seed)))
    };
    given.unwrap_or(SEEDS.to_vec()).into_iter().map(scenario).collect()
}

async fn storm(seed: u64) {
    let lag = Lag { create: Duration::from_millis(300), delete: Duration::from_millis(300), empty_passwords: 1 };
    let mut rig = Rig::with(Options { seed, lag, ..Options::default() }).await;
    rig.settings.settle = SignedDuration::from_secs(2);
    rig.settings.sync_period = SignedDuration::from_secs(4);
    let mut lot = Lot(seed);
    let felt = begin(&rig, &mut lot);
    let mut operators = vec![start(&rig, "one"), start(&rig, "two")];
    (0..APPS).for_each(|number| drop(rig.apply(wanted(number, 0))));
    for _ in 0..EVENTS {
        tend(&rig, &mut operators);
        happen(&rig, &mut lot, &mut operators);
        rig.stays(
            Duration::from_millis(250 + 50 * u64::try_from(lot.below(8)).unwrap()),
            "published users are there",
            published,
        )
        .await;
    }
    rig.sandbox.faults.clear();
    rig.sandbox.aiven.faults().clear();
    rig.sandbox.kubernetes.hold_watches(false);
    (0..APPS).for_each(|number| drop(rig.apply(wanted(number, 1))));
    settled(&rig, &mut operators).await;
    assert!(felt(&rig) > 20, "seed {seed}: only {} faults were met", felt(&rig));
    drop(operators);
}

fn start(rig: &Rig, name: &str) -> Operator {
    let mut config = rig.config();
    config.candidate = Some(aivenator::shell::lease::identity(name));
    rig.run(config)
}

/// What an application asks for, before and after it changes its mind.
fn wanted(number: usize, turn: usize) -> Value {
    let name = format!("app-{number}");
    let access = ["read", "readwrite"][turn % 2];
    let spec = match number % 3 {
        0 => kafka(&name),
        1 => search(access, &name),
        _ => valkey(access, &name),
    };
    app(&name, spec)
}

/// Every kind of fault, each more or less often; gives how many were met.
fn begin(rig: &Rig, lot: &mut Lot) -> impl Fn(&Rig) -> u64 + use<> {
    let mut share = || 0.01 + 0.01 * f64::from(u32::try_from(lot.below(5)).unwrap());
    let every = [
        Effect::Drop,
        Effect::LoseAnswer,
        Effect::Garbage,
        Effect::Delay(Duration::from_millis(200)),
        Effect::Delay(Duration::from_millis(900)),
        Effect::status(500),
        Effect::status(502),
        Effect::status(503),
        Effect::status(504),
    ];
    let add = |faults: &Faults, effect: Effect, share: f64| faults.add(Rule::new(effect).chance(share));
    let mut aiven = vec![];
    for effect in every.iter().cloned().chain([Effect::status(408), Effect::too_many(1)]) {
        aiven.push(add(rig.sandbox.aiven.faults(), effect, share()));
    }
    let mut kubernetes = vec![];
    for effect in every {
        kubernetes.push(add(&rig.sandbox.faults, effect, share()));
    }
    for (code, reason) in [(409, "Conflict"), (410, "Expired"), (429, "TooManyRequests")] {
        let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
                          "reason": reason, "message": "by lot"});
        let effect = Effect::Answer { status: code, body: body.to_string(), headers: vec![] };
        let writes =
            [Method::POST, Method::PATCH, Method::DELETE].map(|method| Rule::new(effect.clone()).method(method));
        kubernetes.extend(writes.map(|rule| rig.sandbox.faults.add(rule.chance(share()))));
    }
    move |rig| {
        let of = |faults: &Faults, ids: &[_]| ids.iter().map(|id| faults.hits(*id)).sum::<u64>();
        of(rig.sandbox.aiven.faults(), &aiven) + of(&rig.sandbox.faults, &kubernetes)
    }
}

/// One thing that people, the server or the machine do.
fn happen(rig: &Rig, lot: &mut Lot, operators: &mut Vec<Operator>) {
    let cluster = &rig.sandbox.kubernetes;
    let number = lot.below(APPS);
    let name = format!("app-{number}");
    match lot.below(10) {
        0 => cluster.drop_watches(),
        1 => {
            cluster.compact();
            cluster.drop_watches();
        }
        2 => cluster.hold_watches(lot.meets(50)),
        3 => drop(cluster.patch(("secrets", TEAM, &name), edit("AIVEN_CA", "edited"))),
        4 => drop(cluster.delete("secrets", TEAM, &name)),
        5 => drop(cluster.delete("aivenapplications", TEAM, &name)),
        6 | 7 => drop(rig.apply(wanted(number, lot.below(2)))),
        which => {
            // The last of them is no more, or is told to stop; another comes.
            let before = operators.pop();
            operators.insert(0, start(rig, &format!("again-{}", lot.draw())));
            match before {
                Some(before) if which == 8 => before.kill(),
                Some(before) => {
                    before.ask_to_stop();
                    operators.push(before);
                    // No more than three at a time.
                    operators.truncate(3);
                }
                None => {}
            }
        }
    }
}

/// Whether each Secret that stays names a user that is there, with the password that it has.
fn published(rig: &Rig) -> bool {
    let secrets = rig.sandbox.kubernetes.list("secrets", TEAM);
    secrets.iter().filter(|secret| !is_right(rig, secret)).all(|secret| {
        // It may have gone between the two looks, and its user with it.
        let name = secret["metadata"]["name"].as_str().unwrap();
        rig.secret(name).is_none_or(|now| now["metadata"]["uid"] != secret["metadata"]["uid"] || is_right(rig, &now))
    })
}

fn is_right(rig: &Rig, secret: &Value) -> bool {
    let names = [
        (KAFKA, "KAFKA_SCHEMA_REGISTRY_USER", "KAFKA_SCHEMA_REGISTRY_PASSWORD"),
        (SEARCH, "OPEN_SEARCH_USERNAME", "OPEN_SEARCH_PASSWORD"),
        (VALKEY, "VALKEY_USERNAME_CACHE", "VALKEY_PASSWORD_CACHE"),
    ];
    let goes = !secret["metadata"]["deletionTimestamp"].is_null();
    goes || names.into_iter().all(|(service, user, password)| {
        let value = |key: &str| secret["data"][key].as_str().and_then(|text| STANDARD.decode(text).ok());
        let (Some(user), Some(password)) = (value(user), value(password)) else { return true };
        let user = String::from_utf8(user).unwrap();
        let found = rig.sandbox.aiven.user(PROJECT, service, &user);
        found.is_some_and(|found| found["password"].as_str().map(str::as_bytes) == Some(password.as_slice()))
    })
}

/// A process that has ended by itself, since its start failed or its lease was lost, is started again, as a node does.
fn tend(rig: &Rig, operators: &mut [Operator]) {
    for operator in operators {
        if operator.has_ended() {
            *operator = start(rig, "again");
        }
    }
}

async fn settled(rig: &Rig, operators: &mut [Operator]) {
    let names: Vec<String> = (0..APPS).map(|number| format!("app-{number}")).collect();
    let all = |rig: &Rig| {
        names.iter().all(|name| rig.is_complete(name) && rig.secret(name).is_some()) && rig.journal().is_empty()
    };
    let begun = Instant::now();
    while !all(rig) {
        assert!(begun.elapsed() < Duration::from_mins(2), "not everybody has what is asked for\n{}", rig.story());
        assert!(published(rig), "after {:?}\n{}", begun.elapsed(), rig.story());
        tend(rig, operators);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rig.until("nobody else is there", |rig| {
        [KAFKA, SEARCH, VALKEY].into_iter().all(|service| rig.users(service).len() == APPS / 3)
    })
    .await;
    rig.nobody_is_lost();
    let rules: BTreeSet<String> = rig.acl().into_keys().filter(|name| name.starts_with(TEAM)).collect();
    assert_eq!(rules, rig.users(SEARCH).into_iter().collect(), "{}", rig.story());
}
