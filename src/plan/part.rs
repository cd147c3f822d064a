//! One service that an application asks for, in one of its secrets: which user it has and what has to be written.
//!
//! Takes as given that the secret may be written at all ([`super::target`] sees to that). Keeps a user that works,
//! whatever its name's suffix; never changes one that was not made for this secret alone.

use super::account::{self, NewUser, Recorded};
use super::contents::{self, Contents, Question};
use super::renew::{self, Due};
use super::survey::{Notes, Survey};
use super::{Verdict, contest};
use crate::action::Action;
use crate::read::Read;
use crate::reason::{Drift, Reason, Renewal};
use crate::want::{Grant, IfAbsent, KeyWant, Resolved, ServiceType, Source, Want};
use crate::world::{
    AppKey, Application, Content, Here, Lookup, Name, Observed, Secret, SecretKey, User, UserKey, World,
};

/// What is asked of one service, for one secret.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    /// The application that asks.
    pub(super) app: &'a Application,
    /// Its namespace.
    pub(super) here: Here<'a>,
    /// The secret's name.
    pub(super) key: &'a SecretKey,
    /// The secret, if it exists.
    pub(super) secret: Option<&'a Secret>,
    /// What is asked for.
    pub(super) want: &'a Want,
    /// Whether everything is written, because a person has asked for it.
    pub(super) all: bool,
    /// Whether other subjects that would take the same name are heeded.
    pub(super) contended: bool,
}

/// What is decided about one service, for one secret.
pub(super) struct PartPlan<'a> {
    /// What is asked for.
    pub(super) want: &'a Want,
    /// How far it is from what is wished for.
    pub(super) verdict: Verdict,
    /// Why.
    pub(super) reason: Reason,
    /// Whether the secret is complete for today's spec, whatever the reason says.
    pub(super) settled: bool,
    /// What has to be done before the secret is written.
    pub(super) before: Vec<Action>,
    /// What has to be written.
    pub(super) contents: Contents,
    /// The user that the secret has afterwards; `None` leaves the record as it is.
    pub(super) user: Option<UserKey>,
    /// The user that is replaced and was the secret's own, and the application that it was made for.
    pub(super) retire: Option<(UserKey, Name)>,
}

/// Decides one service for one secret.
pub(super) fn decide<'a>(survey: &Survey<'_>, ask: Ask<'a>, notes: &mut Notes) -> PartPlan<'a> {
    let Ask { app, here, key: _, secret, want, all: _, contended: _ } = ask;
    let resolved = match want.service_type.resolve(here, want) {
        Ok(resolved) => resolved,
        Err(reason) => return blocked(ask, reason, notes),
    };
    let on = &resolved;
    match account::recorded(survey.world, &app.key, secret, (want, on)) {
        Recorded::Unseen(reason) => blocked(ask, reason, notes),
        Recorded::None => replace(survey, (ask, on), Old::None, notes),
        Recorded::Elsewhere(user) => replace(survey, (ask, on), Old::Elsewhere(user), notes),
        Recorded::Gone(user) => replace(survey, (ask, on), Old::Gone(user), notes),
        Recorded::Own(user, observed) => keep_own(survey, (ask, on), (user, observed), notes),
        Recorded::NotOwn(user, observed, why) => keep_other(survey, (ask, on), (user, observed, why), notes),
    }
}

/// What was recorded before a new user.
enum Old {
    None,
    Elsewhere(UserKey),
    Gone(UserKey),
    NotOwn(UserKey),
    Due(UserKey, Reason),
}

/// The user is the secret's own: it stays, unless time asks for a new one.
fn keep_own<'a>(
    survey: &Survey<'_>,
    (ask, on): (Ask<'a>, &Resolved<'_>),
    (user, observed): (UserKey, &User),
    notes: &mut Notes,
) -> PartPlan<'a> {
    let before = match grant(ask, on, &user, Some(observed)) {
        Ok(actions) => actions,
        Err(reason) => return blocked(ask, reason, notes),
    };
    let due = match ask.secret {
        Some(secret) => renew::due(survey, (secret, ask.want.service_type), (&user, observed), notes),
        None => Due::Nothing,
    };
    if let Due::Now(reason) = due {
        return replace(survey, (ask, on), Old::Due(user, reason), notes);
    }
    let contents = contents::compare(survey, &question(ask, on, (&user, Some(observed)), true));
    wish_credentials(ask, (&user, observed), notes);
    let changes = !before.is_empty() || !contents.set.is_empty();
    let ambiguous = matches!(on.hindrance.as_ref(), Some(Reason::InstanceAmbiguous { .. }));
    // Of an ambiguous instance only the rights of users stay as they are: what a secret holds is put back.
    if let Some(reason) = on.hindrance.as_ref().filter(|_| !(ambiguous && changes && before.is_empty())) {
        return PartPlan { settled: !changes && !ask.all, ..blocked(ask, reason.clone(), notes) };
    }
    let written = || why_written(ask, (&contents, !before.is_empty()), (&user, observed));
    let (verdict, reason) = match (&contents.blocked, due) {
        (Some(reason), _) => (Verdict::Wait, reason.clone()),
        (None, _) if changes => (Verdict::Change, written()),
        (None, Due::Later(reason)) => (Verdict::Wait, reason),
        (None, Due::Said(reason) | Due::Now(reason)) => (Verdict::Keep, reason),
        (None, Due::Nothing) => (Verdict::Keep, Reason::UpToDate),
    };
    let settled = contents.blocked.is_none() || is_settled(ask);
    PartPlan { want: ask.want, verdict, reason, settled, before, contents, user: Some(user), retire: None }
}

/// The user was not made for this secret alone: it stays untouched until something has to be written anyway.
fn keep_other<'a>(
    survey: &Survey<'_>,
    (ask, on): (Ask<'a>, &Resolved<'_>),
    (user, observed, why): (UserKey, &User, Reason),
    notes: &mut Notes,
) -> PartPlan<'a> {
    let question = Question { own: false, ..question(ask, on, (&user, Some(observed)), true) };
    let contents = contents::compare(survey, &question);
    let access_differs = grant(ask, on, &user, Some(observed)).is_ok_and(|actions| !actions.is_empty());
    if access_differs || taken_over(ask) || !contents.set.is_empty() {
        return replace(survey, (ask, on), Old::NotOwn(user), notes);
    }
    PartPlan {
        want: ask.want,
        verdict: Verdict::Keep,
        reason: why,
        settled: true,
        before: vec![],
        contents: Contents::default(),
        user: None,
        retire: None,
    }
}

/// A new user takes over.
fn replace<'a>(survey: &Survey<'_>, (ask, on): (Ask<'a>, &Resolved<'_>), old: Old, notes: &mut Notes) -> PartPlan<'a> {
    let settled = matches!(old, Old::Due(..)) && is_settled(ask);
    let stuck = |reason: Reason, notes: &mut Notes| PartPlan { settled, ..blocked(ask, reason, notes) };
    if let Some(reason) = on.hindrance.as_ref() {
        return stuck(reason.clone(), notes);
    }
    let new = match contest::choose(survey, ask, &on.key) {
        Ok(new) => new,
        Err(reason) => return stuck(reason, notes),
    };
    let observed = if new.exists { survey.world.user(&new.user) } else { Lookup::Absent };
    let observed = if let Lookup::Found(observed) = observed { Some(observed) } else { None };
    let grants = match grant(ask, on, &new.user, observed) {
        Ok(grants) => grants,
        Err(reason) => return stuck(reason, notes),
    };
    let contents = contents::compare(survey, &question(ask, on, (&new.user, observed), false));
    if let Some(reason) = contents.blocked.clone() {
        return stuck(reason, notes);
    }
    let before = making(ask, &new).into_iter().chain(grants).collect();
    let reason = why_replaced(ask, &old, &new.user);
    let retire = match old {
        Old::None => None,
        Old::Elsewhere(user) | Old::Gone(user) | Old::NotOwn(user) | Old::Due(user, _) => {
            let made_for = made_for(survey.world, (&ask.app.key, ask.key, ask.secret), ask.want.service_type, &user);
            made_for.map(|app| (user, app))
        }
    };
    let user = Some(new.user);
    PartPlan { want: ask.want, verdict: Verdict::Change, reason, settled: false, before, contents, user, retire }
}

/// The application that a user of a secret was made for, or may have been made for: this one, or the one that the secret
/// belonged to before. Such a user is not lost track of.
pub(super) fn made_for(
    world: &World,
    (app, key, secret): (&AppKey, &SecretKey, Option<&Secret>),
    service_type: ServiceType,
    user: &UserKey,
) -> Option<Name> {
    let before = secret.and_then(Secret::app).filter(|before| **before != app.name);
    let apps = std::iter::once(&app.name).chain(before);
    let may_be_own = |name: &&Name| {
        let app = AppKey { namespace: app.namespace.clone(), name: (*name).clone() };
        match account::why_not_own(world, &app, service_type, (key, user)) {
            None | Some(Reason::NotObserved { .. } | Reason::PoolNotAllowed { .. }) => true,
            Some(_) => false,
        }
    };
    apps.into_iter().find(may_be_own).cloned()
}

/// Whether the secret was another application's.
fn taken_over(ask: Ask<'_>) -> bool {
    ask.secret.and_then(Secret::app).is_some_and(|before| *before != ask.app.key.name)
}

/// Announces and makes a user, as far as that has not been done.
fn making(ask: Ask<'_>, new: &NewUser) -> Vec<Action> {
    let NewUser { user, intended, exists } = new;
    let Application { key, uid, .. } = ask.app;
    let intent = (!intended).then(|| Action::RecordIntent {
        user: user.clone(),
        namespace: ask.key.namespace.clone(),
        secret: ask.key.name.clone(),
        application: key.name.clone(),
        application_uid: uid.clone(),
    });
    let access = ask.want.service_type.access_rules(ask.want.access);
    let create = (!exists).then(|| Action::CreateUser { user: user.clone(), access });
    intent.into_iter().chain(create).collect()
}

fn grant(ask: Ask<'_>, on: &Resolved<'_>, user: &UserKey, observed: Option<&User>) -> Result<Vec<Action>, Reason> {
    let want = ask.want;
    want.service_type.grant(&Grant { service: on.service, user, observed, access: want.access })
}

fn question<'q>(
    ask: Ask<'q>,
    on: &'q Resolved<'q>,
    (user, observed): (&'q UserKey, Option<&'q User>),
    same_user: bool,
) -> Question<'q> {
    let all = ask.secret.is_none() || ask.all;
    Question {
        secret: ask.secret,
        want: ask.want,
        service: (&on.key, on.service),
        user,
        observed,
        same_user,
        own: true,
        all,
    }
}

/// Notes that the credentials have to be read, where what is not secret says that they may have changed.
fn wish_credentials(ask: Ask<'_>, (user, observed): (&UserKey, &User), notes: &mut Notes) {
    let written = ask.secret.and_then(|secret| secret.written);
    let changed_since = observed.password_updated.zip(written).is_some_and(|(updated, written)| updated > written);
    if changed_since && observed.password.is_none() {
        notes.reads.push(Read::Credentials(user.clone()));
    }
}

fn why_written(ask: Ask<'_>, (contents, access): (&Contents, bool), (user, observed): (&UserKey, &User)) -> Reason {
    let Contents { set: _, refresh: _, missing, wrong, credentials, blocked: _ } = contents;
    let offered = ask.secret.filter(|secret| renew::on_offer(secret, observed)).and_then(|secret| secret.certificate);
    if let Some(held) = offered.filter(|_| *credentials && observed.expiring_certificate_ends.is_some()) {
        return Reason::CertificateEnding { user: user.clone(), ends: held.until, then: Renewal::OnOffer };
    }
    let drifts = [
        access.then(|| Drift::Access(user.clone())),
        credentials.then(|| Drift::Credentials(user.clone())),
        (!missing.is_empty()).then(|| Drift::KeysMissing(missing.clone())),
        (!wrong.is_empty()).then(|| Drift::KeysWrong(wrong.clone())),
    ];
    why_changed(ask, drifts.into_iter().flatten().collect())
}

fn why_replaced(ask: Ask<'_>, old: &Old, new: &UserKey) -> Reason {
    match old {
        Old::Due(_, reason) => reason.clone(),
        Old::None => why_changed(ask, vec![Drift::NotRecorded(new.service_key())]),
        Old::Elsewhere(user) => why_changed(ask, vec![Drift::OtherService(user.clone())]),
        Old::Gone(user) => Reason::Drifted { what: vec![Drift::UserGone(user.clone())] },
        Old::NotOwn(user) => Reason::Drifted { what: vec![Drift::NotOwn(user.clone())] },
    }
}

/// Why a secret is written: it does not exist, the spec is another, or something has drifted.
fn why_changed(ask: Ask<'_>, drifts: Vec<Drift>) -> Reason {
    if ask.secret.is_none() {
        Reason::SecretMissing { secret: ask.key.name.clone() }
    } else if ask.all {
        Reason::ResyncRequested
    } else if ask.app.status.hash != *ask.app.hash() {
        Reason::SpecChanged
    } else {
        Reason::Drifted { what: drifts }
    }
}

/// Nothing can be done about it now.
fn blocked<'a>(ask: Ask<'a>, reason: Reason, notes: &mut Notes) -> PartPlan<'a> {
    account::note(notes, &reason);
    let verdict = if reason.is_refusal() { Verdict::Refuse } else { Verdict::Wait };
    PartPlan {
        want: ask.want,
        verdict,
        reason,
        settled: is_settled(ask),
        before: vec![],
        contents: Contents::default(),
        user: None,
        retire: None,
    }
}

/// Whether the secret is complete for today's spec, as far as that can be told without the service.
fn is_settled(ask: Ask<'_>) -> bool {
    let Some(secret) = ask.secret else { return false };
    let recorded =
        account::claim_for(secret, ask.want).is_some_and(|claim| ask.want.service_type.could_mean(ask.want, claim));
    let filled = |want: &KeyWant| match secret.content(&want.key) {
        None => false,
        Some(Content::Empty) => matches!(want.source, Source::Address(_, IfAbsent::Text(_))),
        Some(Content::Opaque | Content::Digest(_) | Content::Snapshot(_)) => true,
    };
    let complete = match &secret.data {
        Observed::Seen(_) => ask.want.keys.iter().filter(|want| want.required).all(filled),
        Observed::Unseen(_) => true,
    };
    recorded && complete && ask.app.status.hash == *ask.app.hash()
}
