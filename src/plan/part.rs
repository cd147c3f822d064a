//! One service that an application asks for, in one of its secrets: which user it has and what has to be written.
//!
//! Takes as given that the secret may be written at all ([`super::target`] sees to that). Keeps a user that works,
//! whatever its name's suffix; never changes one that was not made for this secret alone.

mod question;
mod why;

use self::question::{question, wish_credentials};
use self::why::{Old, why_replaced, why_written};
use super::account::{self, NewUser, Recorded};
use super::contents::{self, Contents, Question};
use super::renew::{self, Due, InUse};
use super::survey::{Notes, Survey};
use super::{Verdict, backoff, contest, trace};
use crate::action::Action;
use crate::reason::Reason;
use crate::want::{Grant, IfAbsent, KeyWant, Resolved, ServiceType, Source, Want};
use crate::world::{
    AppKey, Application, Content, Here, Lookup, Name, Secret, SecretKey, Subject, User, UserKey, World,
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
    /// How the secret stands until something is done, whatever the reason says.
    pub(super) standing: Standing,
    /// How it stands once everything here is done.
    pub(super) then: Standing,
    /// What has to be done before the secret is written.
    pub(super) before: Vec<Action>,
    /// Why something is written, where the reason says what still waits.
    pub(super) wrote: Option<Box<Reason>>,
    /// What has to be written; `None` if every key is right.
    pub(super) contents: Option<Box<Contents>>,
    /// The user that the secret has afterwards; `None` leaves the record as it is.
    pub(super) user: Option<UserKey>,
    /// The users that are replaced and were the secret's own, each with the application that it was made for.
    pub(super) retire: Vec<(UserKey, Name)>,
}

/// How a secret stands for today's spec, as far as one service goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It holds what is asked for: what has to wait is missed by nobody.
    Complete,
    /// It lacks something, or something in it has to change: what has to wait is a failure.
    Incomplete,
}

impl PartPlan<'_> {
    /// The same, where nothing is done that changes how the secret stands.
    fn standing(self, standing: Standing) -> Self {
        PartPlan { standing, then: standing, ..self }
    }
}

impl Standing {
    fn complete_if(complete: bool) -> Self {
        if complete { Standing::Complete } else { Standing::Incomplete }
    }
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
        Recorded::Foreign(user, why) => replace(survey, (ask, on), Old::NotOwn(user, why), notes),
        Recorded::NotOwn(user, observed, why) => keep_other(survey, (ask, on), (user, observed, why), notes),
    }
}

/// The user is the secret's own: it stays, unless time asks for a new one.
fn keep_own<'a>(
    survey: &Survey<'_>,
    (ask, on): (Ask<'a>, &Resolved<'_>),
    (user, observed): (UserKey, &User),
    notes: &mut Notes,
) -> PartPlan<'a> {
    let due = match in_use(ask, (&user, observed)) {
        Some(of) => renew::due(survey, of, notes),
        None => Due::Nothing,
    };
    let due = match due {
        Due::Now(reason) => {
            let new = replace(survey, (ask, on), Old::Due(user.clone(), reason), notes);
            if new.verdict <= Verdict::Change {
                return new;
            }
            // As long as there can be no new one, the one that is there is kept right.
            Due::Stuck(new.verdict, new.reason)
        }
        Due::Later(later) => match failing(survey, ask, notes) {
            Some(reason) => Due::Stuck(Verdict::Wait, reason),
            None => Due::Later(later),
        },
        due => due,
    };
    let before = match grant(ask, on, &user, Some(observed)) {
        Ok(actions) => actions,
        Err(reason) => return blocked(ask, reason, notes),
    };
    let contents = contents::compare(survey, &question(ask, on, (&user, Some(observed)), true));
    wish_credentials(ask, (&user, observed), notes);
    let changes = !before.is_empty() || contents.as_ref().is_some_and(|contents| contents.writes());
    let ambiguous = matches!(on.hindrance.as_ref(), Some(Reason::InstanceAmbiguous { .. }));
    // Of an ambiguous instance only the rights of users stay as they are: what a secret holds is put back.
    if let Some(reason) = on.hindrance.as_ref().filter(|_| !(ambiguous && changes && before.is_empty())) {
        return blocked(ask, reason.clone(), notes).standing(Standing::complete_if(!changes && !ask.all));
    }
    let blocked = contents.as_ref().and_then(|contents| contents.blocked.as_ref());
    let written = || why_written((ask, on.service), (contents.as_deref(), !before.is_empty()), (&user, observed));
    let (verdict, reason) = match (blocked, due) {
        (Some(reason), _) => (Verdict::Wait, reason.clone()),
        (None, Due::Stuck(verdict, reason)) => (verdict, reason),
        (None, _) if changes => (Verdict::Change, written()),
        (None, Due::Said(reason) | Due::Later(reason) | Due::Now(reason)) => (Verdict::Keep, reason),
        (None, Due::Nothing) => (Verdict::Keep, Reason::UpToDate),
    };
    let incomplete = contents.as_ref().is_some_and(|contents| contents.incomplete);
    let (standing, then) = (Standing::complete_if(!changes && !incomplete), Standing::complete_if(!incomplete));
    let wrote = (changes && verdict != Verdict::Change).then(|| Box::new(written()));
    let user = Some(user);
    PartPlan { want: ask.want, verdict, reason, standing, then, before, wrote, contents, user, retire: vec![] }
}

/// What failed last for this secret, while it is not tried again.
fn failing(survey: &Survey<'_>, ask: Ask<'_>, notes: &mut Notes) -> Option<Reason> {
    let subject = Subject::Application(ask.app.key.clone());
    backoff::why_not_now(survey.world, &subject, &ask.key.name, (Some(ask.app.generation), notes))
}

fn in_use<'a>(ask: Ask<'a>, (user, observed): (&'a UserKey, &'a User)) -> Option<InUse<'a>> {
    let service_type = ask.want.service_type;
    ask.secret.map(|secret| InUse { secret, app: ask.app, service_type, user, observed })
}

/// The user was not made for this secret alone: it stays untouched until something has to be written anyway, or until
/// it ends.
fn keep_other<'a>(
    survey: &Survey<'_>,
    (ask, on): (Ask<'a>, &Resolved<'_>),
    (user, observed, why): (UserKey, &User, Reason),
    notes: &mut Notes,
) -> PartPlan<'a> {
    let question = Question { own: false, ..question(ask, on, (&user, Some(observed)), true) };
    let contents = contents::compare(survey, &question);
    let access_differs = grant(ask, on, &user, Some(observed)).is_ok_and(|actions| !actions.is_empty());
    let ends = in_use(ask, (&user, observed)).is_some_and(|of| {
        renew::is_due(survey.world, of, notes) || (want_ends(ask) && renew::on_offer(of.secret, observed))
    });
    let taken_over = ask.secret.is_some_and(|secret| is_taken_over(ask.app, secret));
    // Its credentials are never read, but that they are others than those in the secret shows without.
    if access_differs || ends || taken_over || question.stale || contents.is_some_and(|contents| contents.writes()) {
        return replace(survey, (ask, on), Old::NotOwn(user, why), notes);
    }
    PartPlan {
        want: ask.want,
        verdict: Verdict::Keep,
        reason: why,
        standing: Standing::Complete,
        then: Standing::Complete,
        before: vec![],
        wrote: None,
        contents: None,
        user: None,
        retire: vec![],
    }
}

fn want_ends(ask: Ask<'_>) -> bool {
    ask.want.service_type.has_certificates()
}

/// A new user takes over.
fn replace<'a>(survey: &Survey<'_>, (ask, on): (Ask<'a>, &Resolved<'_>), old: Old, notes: &mut Notes) -> PartPlan<'a> {
    // A user that exists serves until the new one does.
    let serves = matches!(old, Old::Due(..) | Old::NotOwn(..));
    let standing = if serves { unresolved(ask) } else { Standing::Incomplete };
    let stuck = |reason: Reason, notes: &mut Notes| blocked(ask, reason, notes).standing(standing);
    if let Some(reason) = on.hindrance.as_ref() {
        return stuck(reason.clone(), notes);
    }
    if let Old::NotOwn(user, _) | Old::Elsewhere(user) | Old::Gone(user) = &old
        && let Some(other) = contest::dropped_first(survey, (ask.key, ask.contended), user)
    {
        return stuck(Reason::RecordedElsewhere { user: user.clone(), by: vec![other], first: true }, notes);
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
    let moved = matches!(old, Old::Elsewhere(_));
    let question = Question { moved, ..question(ask, on, (&new.user, observed), false) };
    let contents = contents::compare(survey, &question);
    if let Some(reason) = contents.as_ref().and_then(|contents| contents.blocked.clone()) {
        return stuck(reason, notes);
    }
    let before = making(ask, &new).into_iter().chain(grants).collect();
    let reason = why_replaced(ask, &old, &new.user);
    let retired = match old {
        Old::None => vec![],
        Old::Elsewhere(user) => {
            let claim = ask.secret.and_then(|secret| account::claim_for(secret, ask.want));
            claim.map_or_else(|| vec![user], |claim| trace::given_up(survey.world, claim))
        }
        Old::Gone(user) | Old::NotOwn(user, _) | Old::Due(user, _) => vec![user],
    };
    let made_for =
        |user: &UserKey| retired_for(survey.world, (&ask.app.key, ask.key, ask.secret), ask.want.service_type, user);
    let retire = retired.into_iter().filter_map(|user| made_for(&user).map(|app| (user, app))).collect();
    let user = Some(new.user);
    let then = Standing::Complete;
    let (verdict, wrote) = (Verdict::Change, None);
    PartPlan { want: ask.want, verdict, reason, standing, then, before, wrote, contents, user, retire }
}

/// The application that a user of a secret was made for, or may have been made for: this one, or the one that the secret
/// belonged to before. Such a user is not lost track of.
pub(super) fn retired_for(
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
pub(super) fn is_taken_over(app: &Application, secret: &Secret) -> bool {
    secret.app().is_some_and(|before| *before != app.key.name)
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

/// Nothing can be done about it now.
fn blocked<'a>(ask: Ask<'a>, reason: Reason, notes: &mut Notes) -> PartPlan<'a> {
    account::note(notes, &reason);
    let verdict = if reason.is_refusal() { Verdict::Refuse } else { Verdict::Wait };
    let standing = unresolved(ask);
    PartPlan {
        want: ask.want,
        verdict,
        reason,
        standing,
        then: standing,
        before: vec![],
        wrote: None,
        contents: None,
        user: None,
        retire: vec![],
    }
}

/// How the secret stands, as far as that can be told without the service.
fn unresolved(ask: Ask<'_>) -> Standing {
    let Some(secret) = ask.secret else { return Standing::Incomplete };
    let recorded =
        account::claim_for(secret, ask.want).is_some_and(|claim| ask.want.service_type.could_mean(ask.want, claim));
    let held = secret.section(ask.want.service_type, &ask.want.slot);
    let filled = |(want, held): (&KeyWant, &Option<Content>)| match held {
        None => false,
        Some(Content::Empty) => matches!(want.source, Source::Address(_, IfAbsent::Text(_))),
        Some(Content::Opaque | Content::Digest(_) | Content::Snapshot(_)) => true,
    };
    let mut keys = ask.want.service_type.keys().iter().zip(&*held).filter(|(want, _)| want.required);
    let complete = keys.all(filled);
    Standing::complete_if(recorded && complete && ask.app.status.hash == *ask.app.hash())
}
