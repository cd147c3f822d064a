//! Defects that the operator could have, one at a time: the simulation has to find each.
//!
//! Only with feature `defects`, which nothing that is shipped has. What a program with that defect would not see is taken
//! out of the world before it is planned, what it would not do out of the decision after that; the rest are a few places
//! in the shell that ask for themselves.

mod world;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::core::ApiResource;
use serde_json::Value as Json;

use crate::action::{Action, Operation};
use crate::check::Violation;
use crate::plan::{Decision, Plan, Planned, Step, Verdict};
use crate::shell::aiven::{Account, Client, Error, Problem, RawAcl};
use crate::shell::kube::{Kube, KubeError};
use crate::value::Value;
use crate::world::{Expect, FailureClass, Lookup, Name, Secret, ServiceKey, Subject, UserKey, World, names};

pub(crate) use self::world::world;

macro_rules! defects {
    ($($(#[doc = $doc:literal])* $id:ident,)*) => {
        /// A defect, by the number that it has in `tests/DEFECTS.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Defect { $($(#[doc = $doc])* $id,)* }

        impl Defect {
            /// Every one, with what it is.
            pub const ALL: &[(Defect, &str)] = &[$((Defect::$id, concat!($($doc),*)),)*];
        }
    };
}

defects! {
    /// A finalizer is released without looking whether it is still the same object.
    G01,
    /// The name of a replaced application's user is given again, and who has it is taken over.
    G02,
    /// The name of the cluster is not in user names, and who has one is taken over.
    G03,
    /// A value that cannot be written costs the user.
    G04,
    /// What annotations claim is deleted.
    G05,
    /// Somebody else's Secret is overwritten.
    G06,
    /// A replaced user is forgotten.
    G07,
    /// Of several services in one secret the last one wins.
    G08,
    /// A secret that is being deleted counts as there.
    G09,
    /// Nothing is looked at while the hash is the same.
    G10,
    /// The end of an application's time is not seen.
    G11,
    /// The ACL document is written as it was read once.
    G12,
    /// The finalizer goes, and the user stays.
    G13,
    /// Half a record counts as none.
    G14,
    /// A user is made without a word in the journal.
    G15,
    /// A service that is gone keeps the finalizer.
    G18,
    /// What was refused or unauthorized is never tried again.
    G19,
    /// The lost answer of a creation counts as a refusal.
    G20,
    /// Only the application of its label asks for a secret.
    G21,
    /// Only pods use secrets.
    G22,
    /// A secret is deleted by its name, without a fresh look.
    G23,
    /// A user that is gone counts as there.
    G24,
    /// What could not be read once is not read again.
    G28,
    /// Secrets that are being deleted when the program starts are nobody's.
    G29,
    /// A status that was not written is not written again.
    G30,
    /// A status that says failed stays while the hash is the same.
    G32,
    /// An own write is not seen until a watch shows it, and counts as lost.
    G33,
    /// The same is tried again at once, for ever.
    G34,
    /// Who is given no answer waits for ever.
    G35,
    /// One service that waits holds back all others.
    G36,
    /// That a certificate ends is not seen.
    G37,
    /// Values of secrets are not compared.
    G38,
    /// What is empty is published.
    G39,
    /// Any address of a service will do.
    G40,
    /// A terminating application still gets users.
    G41,
    /// An application is deleted by its name.
    G42,
    /// What cannot be is found out only when a user was made for it.
    G43,
    /// A service of two namespaces is either's.
    G45,
    /// What others have put on a secret is replaced.
    G47,
    /// A pool is asked for before it is looked up in the settings.
    G48,
    /// Of several certificates of a CA the first one is taken for all.
    G49,
}

thread_local! {
    static ON: Cell<Option<Defect>> = const { Cell::new(None) };
    static DOCUMENTS: RefCell<BTreeMap<ServiceKey, RawAcl>> = const { RefCell::new(BTreeMap::new()) };
    static ONCE: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// The defect that is in.
fn on() -> Option<Defect> {
    ON.get()
}

/// Runs something with a defect, on this thread.
pub(super) fn during<T>(defect: Defect, run: impl FnOnce() -> T) -> T {
    put_in(Some(defect));
    let came = run();
    put_in(None);
    came
}

fn put_in(defect: Option<Defect>) {
    ON.set(defect);
    ONCE.with_borrow_mut(BTreeSet::clear);
    DOCUMENTS.with_borrow_mut(BTreeMap::clear);
}

/// Whether that defect is in.
pub(crate) fn has(defect: Defect) -> bool {
    ON.get() == Some(defect)
}

/// Whether nothing is looked at afresh before what cannot be undone.
pub(crate) fn has_no_look() -> bool {
    has(Defect::G01) || has(Defect::G23) || has(Defect::G33)
}

/// The program's own check would find most of them before they do harm.
pub(crate) fn unchecked(violations: Vec<Violation>) -> Vec<Violation> {
    if ON.get().is_some() { vec![] } else { violations }
}

/// Whether a user that exists is taken over.
pub(crate) fn takes_over() -> bool {
    has(Defect::G02) || has(Defect::G03)
}

/// What a creation comes to, where a user of that name exists.
pub(crate) async fn taken_over(made: Result<Account, Error>, aiven: &Client, user: &UserKey) -> Result<Account, Error> {
    match made {
        Err(error) if takes_over() && *error.problem() == Problem::Exists => {
            Ok(aiven.user(user).await?.ok_or(error)?)
        }
        made => made,
    }
}

/// A write has failed.
pub(crate) async fn give_up(action: &Action, aiven: &Client) {
    let Action::WriteKeys(write) = action else { return };
    if has(Defect::G04) {
        for value in write.set.values() {
            if let Value::User { user, .. } = value {
                // Whatever that comes to.
                let _ = aiven.delete_user(user).await;
            }
        }
    }
}

/// What becomes of a Secret that is there already.
pub(crate) async fn overwrite(
    made: Result<Json, KubeError>,
    kube: &Kube,
    (resource, key, body): (&ApiResource, (&str, &str), &Json),
) -> Result<Json, KubeError> {
    match made {
        Err(KubeError::Exists) if has(Defect::G06) => kube.patch(resource, key, body).await,
        made => made,
    }
}

/// Waits for ever for an answer that was lost.
pub(crate) async fn wait_for<T>(answer: Option<T>, is_lost: impl Fn(&T) -> bool) -> Option<T> {
    if has(Defect::G35) && answer.as_ref().is_none_or(is_lost) {
        std::future::pending::<()>().await;
    }
    answer
}

/// What is taken of the certificates of a CA.
pub(crate) fn first_block(pem: Arc<str>) -> Arc<str> {
    match pem.split_inclusive("-----END CERTIFICATE-----\n").next() {
        Some(first) if has(Defect::G49) => first.into(),
        _ => pem,
    }
}

/// What is thought of as well, although the plan of everything has nothing for it to do.
pub(crate) fn also(world: &World) -> Vec<Subject> {
    let secrets = world.namespaces().flat_map(|(_, space)| space.secrets());
    let all = secrets.map(|secret| Subject::Secret(secret.key.clone()));
    if has(Defect::G21) { all.collect() } else { vec![] }
}

/// The ACL document as it was read first.
pub(crate) fn as_read_first(service: &ServiceKey, read: RawAcl) -> RawAcl {
    if !has(Defect::G12) {
        return read;
    }
    DOCUMENTS.with_borrow_mut(|known| known.entry(service.clone()).or_insert(read).clone())
}

/// The plan as a program with the defect makes it.
pub(crate) fn plan(world: &World, mut plan: Plan) -> Plan {
    for decision in &mut plan.decisions {
        spoil(world, decision);
    }
    plan
}

fn spoil(world: &World, decision: &mut Decision) {
    let is_secret = matches!(decision.subject, Subject::Secret(_));
    match ON.get() {
        Some(Defect::G05) => believe(decision),
        Some(Defect::G07) => forget_replaced(decision),
        Some(Defect::G10) if is_same(world, &decision.subject) => keep(decision, |_| false),
        Some(Defect::G13) if is_secret => keep(decision, |action| !matches!(action, Action::DeleteUser { .. })),
        Some(Defect::G15) => keep(decision, |action| !matches!(action, Action::RecordIntent { .. })),
        Some(Defect::G18) if is_secret && rests_on_gone(world, decision) => keep(decision, |_| false),
        Some(Defect::G19) if has_failed_for_good(world, &decision.subject) => keep(decision, |_| false),
        Some(Defect::G23) => each_action(decision, |action| {
            if let Action::DeleteSecret { expect, .. } = action {
                *expect = Expect { uid: Name::default(), version: Name::default() };
            }
        }),
        Some(Defect::G29) if is_secret && was_ending(world, &decision.subject) => keep(decision, |_| false),
        Some(Defect::G30) => once(decision, |action| matches!(action, Action::UpdateStatus(_))),
        Some(Defect::G32) => keep(
            decision,
            |action| !matches!(action, Action::UpdateStatus(update) if *update.was == *"RolloutFailed" && *update.state == *"RolloutComplete"),
        ),
        Some(Defect::G36) if decision.parts.iter().any(|part| part.verdict > Verdict::Change) => {
            keep(decision, |action| matches!(action, Action::UpdateStatus(_)));
        }
        Some(Defect::G42) => each_action(decision, |action| {
            if let Action::DeleteApplication { expect, .. } = action {
                *expect = Expect { uid: Name::default(), version: Name::default() };
            }
        }),
        Some(Defect::G47) => each_action(decision, |action| {
            if let Action::WriteKeys(write) = action
                && write.operation == Operation::Patch
            {
                write.labels.insert("team-label".into(), None);
                write.annotations.insert("team/note".into(), None);
            }
        }),
        _ => {}
    }
}

fn keep(decision: &mut Decision, which: impl Fn(&Action) -> bool) {
    decision.actions.retain(|planned| which(&planned.action));
}

fn each_action(decision: &mut Decision, change: impl Fn(&mut Action)) {
    decision.actions.iter_mut().for_each(|planned| change(&mut planned.action));
}

/// Does for each version of an application only once what it does.
fn once(decision: &mut Decision, which: impl Fn(&Action) -> bool) {
    let Subject::Application(key) = &decision.subject else { return };
    decision.actions.retain(|planned| {
        let Action::UpdateStatus(update) = &planned.action else { return true };
        let said = format!("{key} {} {}", update.observed_generation, update.state);
        !which(&planned.action) || ONCE.with_borrow_mut(|known| known.insert(said))
    });
}

fn believe(decision: &mut Decision) {
    let left = decision.actions.iter().find_map(|planned| match &planned.action {
        Action::ReleaseSecret { left_behind, .. } => Some((planned.step.clone(), left_behind.clone())),
        _ => None,
    });
    for user in left.iter().flat_map(|(_, users)| users) {
        let step = left.as_ref().map_or(Step::Status, |(step, _)| step.clone());
        decision.actions.insert(0, Planned { step, action: Action::DeleteUser { user: user.clone() } });
    }
}

fn forget_replaced(decision: &mut Decision) {
    keep(decision, |action| !matches!(action, Action::RetireUser { .. }));
    each_action(decision, |action| {
        if let Action::WriteKeys(write) = action {
            write.annotations.retain(|name, _| *name != names::RETIRED);
        }
    });
}

fn is_same(world: &World, subject: &Subject) -> bool {
    let Subject::Application(key) = subject else { return false };
    world.application(key).is_some_and(|app| app.status.hash == *app.hash() && app.status.state == "RolloutComplete")
}

fn rests_on_gone(world: &World, decision: &Decision) -> bool {
    let Subject::Secret(key) = &decision.subject else { return false };
    let mut users = world.managed(key).into_iter().flat_map(Secret::accounts);
    users.any(|user| matches!(world.service(&user.service_key()), Lookup::Absent))
}

fn has_failed_for_good(world: &World, subject: &Subject) -> bool {
    let final_ones = [FailureClass::Unauthorized, FailureClass::Refused];
    world.failures.iter().any(|(key, failure)| key.subject == *subject && final_ones.contains(&failure.class))
}

/// Whether a secret was being deleted when everything was seen for the first time.
fn was_ending(world: &World, subject: &Subject) -> bool {
    let Subject::Secret(key) = subject else { return false };
    let Some(secret) = world.managed(key).filter(|secret| secret.terminating) else { return false };
    let name = format!("{} {}", secret.uid, world.complete_since.is_some());
    let first = world.complete_since.is_none_or(|since| since == world.now);
    ONCE.with_borrow_mut(|known| if first { known.insert(name.clone()) || true } else { known.contains(&name) })
}
