//! What can happen in a history.

use proptest::prelude::*;

use super::generate::{account, app, one_unseen};
use super::input::*;

#[derive(Clone, Debug)]
pub enum Event {
    Run(Run),
    /// So many minutes pass.
    Time(i64),
    /// The application is made, or its spec is another.
    App(AppInput),
    AppGone {
        namespace: Pick,
        name: Pick,
    },
    Spec(AppInput),
    Secret(SecretInput),
    SecretDeleted {
        namespace: Pick,
        name: Pick,
    },
    UserGone(Account),
    /// Somebody deletes at Aiven the users that a secret records.
    UsersOf {
        namespace: Pick,
        name: Pick,
    },
    Pod {
        namespace: Pick,
        secret: Pick,
        index: usize,
    },
    NoPods,
    Instance(InstanceInput),
}

#[derive(Clone, Debug)]
pub enum Run {
    Whole,
    /// The program dies after so many actions.
    Interrupted(usize),
    /// It dies, and what became of the last POST is not known.
    AnswerLost(usize),
    /// Something cannot be read.
    Blind(Unseen),
}

pub fn history() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 1..25)
}

fn event() -> impl Strategy<Value = Event> {
    let run = prop_oneof![
        4 => Just(Run::Whole),
        3 => (0_usize..8).prop_map(Run::Interrupted),
        1 => (0_usize..8).prop_map(Run::AnswerLost),
        2 => one_unseen().prop_map(Run::Blind),
    ];
    let place = || (0_usize..2, 0_usize..3);
    prop_oneof![
        12 => run.prop_map(Event::Run),
        3 => prop_oneof![1_i64..3, 5_i64..30, 600_i64..3000].prop_map(Event::Time),
        6 => living().prop_map(Event::App),
        2 => place().prop_map(|(namespace, name)| Event::AppGone { namespace, name }),
        3 => living().prop_map(Event::Spec),
        2 => (place(), edit()).prop_map(|((namespace, name), edit)| {
            Event::Secret(SecretInput { namespace, name, edits: vec![edit] })
        }),
        2 => place().prop_map(|(namespace, name)| Event::SecretDeleted { namespace, name }),
        1 => account().prop_map(Event::UserGone),
        1 => place().prop_map(|(namespace, name)| Event::UsersOf { namespace, name }),
        1 => (place(), 0_usize..3).prop_map(|((namespace, secret), index)| Event::Pod { namespace, secret, index }),
        1 => Just(Event::NoPods),
        1 => instance().prop_map(Event::Instance),
    ]
}

/// An application that is there: being deleted is an event of its own.
fn living() -> impl Strategy<Value = AppInput> {
    app().prop_map(|app| AppInput { terminating: false, paused: false, ..app })
}

/// What people do to a secret that exists without taking its records away.
fn edit() -> impl Strategy<Value = SecretEdit> {
    prop_oneof![
        Just(SecretEdit::NoTypeLabel),
        Just(SecretEdit::Protected),
        (0_usize..3).prop_map(SecretEdit::CopyRecords),
        Just(SecretEdit::ForeignKey),
        (0_usize..12).prop_map(SecretEdit::EmptyKey),
        (0_usize..12).prop_map(SecretEdit::RemoveKey),
    ]
}

fn instance() -> impl Strategy<Value = InstanceInput> {
    (any::<bool>(), 0_usize..2, 0_usize..2, any::<bool>()).prop_map(|(open_search, namespace, instance, present)| {
        InstanceInput { open_search, namespace, instance, state: 0, present, service: true }
    })
}
