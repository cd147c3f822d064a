//! Strategies for worlds: most of what they give is ordinary, and every oddity is common enough to be met.

use aivenator::world::Access;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::input::*;

pub(crate) fn input() -> impl Strategy<Value = Input> {
    let before = (settings(), prop::collection::vec(app(), 0..4), instances(), 0_usize..4);
    let after = (
        prop::collection::vec(app(), 0..2),
        prop::collection::vec(secret(), 0..4),
        prop::collection::vec(workload(), 0..3),
        prop::collection::vec(user(), 0..3),
        prop::collection::vec(intent(), 0..4),
        prop::collection::vec(failure(), 0..2),
        prop_oneof![4 => Just(0_i64), 2 => 1_i64..30, 1 => 30_i64..2000],
        unseen(),
        prop::collection::vec((0_usize..3, access()), 0..2),
    );
    (before, after).prop_map(|(before, after)| {
        let (settings, apps, instances, rounds) = before;
        let (changes, secrets, workloads, users, intents, failures, minutes, unseen, accesses) = after;
        Input {
            settings,
            apps,
            instances,
            rounds,
            accesses,
            changes,
            secrets,
            workloads,
            users,
            intents,
            failures,
            minutes,
            unseen,
        }
    })
}

/// Worlds of which everything was read.
pub(crate) fn seen_input() -> impl Strategy<Value = Input> {
    input().prop_map(|input| Input { unseen: vec![], ..input })
}

/// Worlds in which users are due to be replaced and mostly cannot be, while keys of their secrets are lost.
pub(crate) fn stuck_input() -> impl Strategy<Value = Input> {
    let lost = prop::collection::vec((0_usize..12, prop::bool::weighted(0.2)), 1..3);
    let secrets = prop::collection::vec((0_usize..2, 0_usize..3, lost), 1..4);
    (seen_input(), secrets, prop::bool::weighted(0.8)).prop_map(|(input, secrets, unwritable)| Input {
        settings: SettingsInput { rotate: true, ..input.settings },
        rounds: input.rounds.max(2),
        secrets: secrets.into_iter().map(|(namespace, name, lost)| lose_keys(namespace, name, lost)).collect(),
        minutes: input.minutes.max(45),
        unseen: if unwritable { vec![Unseen::JournalUnwritable] } else { vec![] },
        ..input
    })
}

fn lose_keys(namespace: Pick, name: Pick, lost: Vec<(usize, bool)>) -> SecretInput {
    let edit = |(key, empty)| if empty { SecretEdit::EmptyKey(key) } else { SecretEdit::RemoveKey(key) };
    SecretInput { namespace, name, edits: lost.into_iter().map(edit).collect() }
}

fn settings() -> impl Strategy<Value = SettingsInput> {
    let rarely = || prop::bool::weighted(0.1);
    (rarely(), rarely(), rarely(), weighted(0.1, 0_usize..3), any::<bool>()).prop_map(
        |(no_instance_check, cluster, rotate, cap, operator)| SettingsInput {
            no_instance_check,
            cluster,
            rotate,
            cap,
            operator,
        },
    )
}

pub(crate) fn access() -> impl Strategy<Value = Access> {
    select(Access::ALL.to_vec())
}

pub(crate) fn app() -> impl Strategy<Value = AppInput> {
    let secret = || weighted(0.8, 0_usize..3);
    let who = (0_usize..2, 0_usize..3, 1_i64..3, 0_usize..3);
    let state = (prop::bool::weighted(0.05), prop::bool::weighted(0.05), prop::bool::weighted(0.2));
    let expires = weighted(0.15, prop_oneof![-10_i64..0, 1_i64..60]);
    let asks = (
        weighted(0.4, 0_usize..3),
        weighted(0.5, (prop_oneof![4 => Just(0_usize), 3 => Just(1), 1 => Just(2)], secret())),
        weighted(0.5, (0_usize..2, access(), secret())),
        prop::collection::vec((0_usize..2, access(), secret()), 0..3),
    );
    (who, state, expires, asks).prop_map(|(who, state, expires, asks)| {
        let (namespace, name, generation, created) = who;
        let (terminating, paused, protected) = state;
        let (shared_secret, kafka, open_search, valkey) = asks;
        AppInput {
            namespace,
            name,
            generation,
            created,
            terminating,
            paused,
            protected,
            expires,
            shared_secret,
            kafka,
            open_search,
            valkey,
        }
    })
}

/// One entry for each instance that a namespace can have.
fn instances() -> impl Strategy<Value = Vec<InstanceInput>> {
    let one = (
        prop_oneof![8 => Just(0_usize), 1 => Just(1), 1 => Just(2)],
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.9),
    );
    prop::collection::vec(one, 8).prop_map(|all| {
        let place = |(index, (state, present, service)): (usize, (usize, bool, bool))| InstanceInput {
            open_search: index % 2 == 0,
            namespace: (index / 2) % 2,
            instance: index / 4,
            state,
            present,
            service,
        };
        all.into_iter().enumerate().map(place).collect()
    })
}

fn secret() -> impl Strategy<Value = SecretInput> {
    (0_usize..2, 0_usize..3, prop::collection::vec(secret_edit(), 1..5))
        .prop_map(|(namespace, name, edits)| SecretInput { namespace, name, edits })
}

pub(crate) fn secret_edit() -> impl Strategy<Value = SecretEdit> {
    prop_oneof![
        1 => Just(SecretEdit::Foreign),
        4 => Just(SecretEdit::Terminating),
        2 => Just(SecretEdit::NoFinalizer),
        1 => Just(SecretEdit::NoAppLabel),
        1 => Just(SecretEdit::NoLabels),
        2 => (0_usize..3).prop_map(SecretEdit::AppLabel),
        2 => Just(SecretEdit::Protected),
        2 => weighted(0.8, -30_i64..60).prop_map(SecretEdit::TimeLimit),
        1 => Just(SecretEdit::SkipCleanup),
        1 => Just(SecretEdit::Paused),
        1 => Just(SecretEdit::Immutable),
        2 => Just(SecretEdit::Old),
        5 => account().prop_map(SecretEdit::Record),
        3 => (account(), 0_i64..40).prop_map(|(account, age)| SecretEdit::Retired(account, age)),
        1 => any::<bool>().prop_map(SecretEdit::RetiredUnreadable),
        1 => (0_usize..4).prop_map(SecretEdit::BreakRecord),
        1 => Just(SecretEdit::Legacy),
        2 => (0_usize..3).prop_map(SecretEdit::CopyRecords),
        1 => (0_usize..12).prop_map(SecretEdit::EmptyKey),
        1 => (0_usize..12).prop_map(SecretEdit::RemoveKey),
        1 => Just(SecretEdit::ForeignKey),
        1 => Just(SecretEdit::UnseenData),
        2 => (-5_i64..60).prop_map(SecretEdit::CertificateEnds),
    ]
}

pub(crate) fn service() -> impl Strategy<Value = ServicePick> {
    prop_oneof![
        (0_usize..3).prop_map(ServicePick::Kafka),
        (0_usize..2, 0_usize..2).prop_map(|(namespace, instance)| ServicePick::OpenSearch(namespace, instance)),
        (0_usize..2, 0_usize..2).prop_map(|(namespace, instance)| ServicePick::Valkey(namespace, instance)),
    ]
}

pub(crate) fn account() -> impl Strategy<Value = Account> {
    let own = (0_usize..2, 0_usize..3, access(), 0_usize..3)
        .prop_map(|(namespace, app, access, candidate)| NameInput::Own { namespace, app, access, candidate });
    let name = prop_oneof![
        8 => own,
        1 => (0_usize..2, 0_usize..3).prop_map(|(namespace, app)| NameInput::Digits { namespace, app }),
        1 => Just(NameInput::Primary),
        1 => Just(NameInput::Somebody),
    ];
    (service(), name, prop::bool::weighted(0.7)).prop_map(|(service, name, exists)| Account { service, name, exists })
}

fn workload() -> impl Strategy<Value = WorkloadInput> {
    let secrets = prop::collection::vec(0_usize..3, 1..3);
    (0_usize..2, any::<bool>(), weighted(0.8, 0_i64..60), secrets)
        .prop_map(|(namespace, pod, started, secrets)| WorkloadInput { namespace, pod, started, secrets })
}

fn user() -> impl Strategy<Value = UserInput> {
    (account(), -20_i64..20, prop::bool::weighted(0.2), weighted(0.2, 1_i64..60))
        .prop_map(|(account, age, not_ready, expiring_in_days)| UserInput { account, age, not_ready, expiring_in_days })
}

fn intent() -> impl Strategy<Value = IntentInput> {
    let place = (0_usize..2, 0_usize..3, 0_usize..3);
    let how = (prop::bool::weighted(0.7), 0_usize..5, 0_i64..20, prop::bool::weighted(0.3));
    let name = (service(), access(), 0_usize..3);
    (name, place, how).prop_map(
        |((service, access, candidate), (namespace, secret, app), (same_uid, outcome, age, retirement))| IntentInput {
            // Nobody but the program writes the journal: the name is always one that it gives.
            account: Account {
                service: if service == ServicePick::Kafka(2) { ServicePick::Kafka(0) } else { service },
                name: NameInput::Own { namespace, app, access, candidate },
                exists: true,
            },
            namespace,
            secret,
            app,
            same_uid,
            outcome,
            age,
            retirement,
        },
    )
}

fn failure() -> impl Strategy<Value = FailureInput> {
    (0_usize..2, 0_usize..3, 0_usize..11, 0_i64..10, 1_u32..5)
        .prop_map(|(namespace, app, class, age, count)| FailureInput { namespace, app, class, age, count })
}

pub(crate) fn unseen() -> impl Strategy<Value = Vec<Unseen>> {
    prop_oneof![3 => Just(vec![]), 2 => prop::collection::vec(one_unseen(), 1..3)]
}

pub(crate) fn one_unseen() -> impl Strategy<Value = Unseen> {
    prop_oneof![
        Just(Unseen::Applications),
        Just(Unseen::Secrets),
        Just(Unseen::Pods),
        Just(Unseen::ReplicaSets),
        Just(Unseen::OpenSearches),
        Just(Unseen::Valkeys),
        (0_usize..2).prop_map(Unseen::Project),
        service().prop_map(Unseen::Service),
        service().prop_map(Unseen::Users),
        (0_usize..2, 0_usize..2).prop_map(|(namespace, instance)| Unseen::Acl(namespace, instance)),
        (0_usize..2).prop_map(Unseen::Ca),
        Just(Unseen::Journal),
        Just(Unseen::JournalUnwritable),
        (0_usize..2, 0_usize..3).prop_map(|(namespace, secret)| Unseen::Data(namespace, secret)),
        Just(Unseen::SecretsByName),
    ]
}
