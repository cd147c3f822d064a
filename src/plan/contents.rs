//! What of a secret's keys has to be written for one service, compared with what is there.
//!
//! Takes as given the user that the secret has or gets. Never compares what was not observed, never empties a key for a
//! component that is missing from an answer, never replaces a good credential by one that is not ready.

use std::collections::BTreeMap;

use super::survey::Survey;
use crate::reason::Reason;
use crate::value::{Credential, Value};
use crate::want::{IfAbsent, KeyWant, Source, Want};
use crate::world::{Content, Lookup, Name, Observed, Secret, Service, ServiceKey, Stores, User, UserKey};

/// What of the keys of one service has to be written.
#[derive(Default)]
pub(super) struct Contents {
    /// Every key to set, and where its value comes from.
    pub(super) set: BTreeMap<Name, Value>,
    /// Keys that a consumer can do without and that were never there: set only if something else is.
    pub(super) refresh: BTreeMap<Name, Value>,
    /// Keys that are missing or empty and must not be.
    pub(super) missing: Vec<Name>,
    /// Keys that hold something else than they must.
    pub(super) wrong: Vec<Name>,
    /// Whether what is wrong is among the user's credentials.
    pub(super) credentials: bool,
    /// What keeps a key from being written, or written rightly.
    pub(super) blocked: Option<Reason>,
}

/// Whose keys are compared with what.
pub(super) struct Question<'q> {
    /// The secret, if there is one.
    pub(super) secret: Option<&'q Secret>,
    /// What is asked for.
    pub(super) want: &'q Want,
    /// The service.
    pub(super) service: (&'q ServiceKey, &'q Service),
    /// The user.
    pub(super) user: &'q UserKey,
    /// The user as observed; `None` if it is not made yet.
    pub(super) observed: Option<&'q User>,
    /// Whether the credentials in the secret can be those of that user.
    pub(super) same_user: bool,
    /// Whether the credentials may be compared.
    pub(super) own: bool,
    /// Whether everything is written, whatever is there.
    pub(super) all: bool,
}

/// How a key compares with what it must hold.
enum Finding {
    Right,
    /// Absent or empty.
    Missing,
    /// Another content than this.
    Wrong,
    /// It cannot be written rightly now.
    Blocked(Reason),
}

/// Compares every key that a secret must hold for a service.
pub(super) fn compare(survey: &Survey<'_>, question: &Question<'_>) -> Contents {
    let mut contents = Contents::default();
    for want in &question.want.keys {
        let current = question.secret.and_then(|secret| current(secret, &want.key));
        let finding = judge(survey, question, want, current);
        contents.take(question, want, finding);
    }
    if !contents.set.is_empty() {
        contents.complete_stores(question);
        let clocks = question.want.keys.iter().filter(|want| want.source == Source::Clock);
        contents.set.extend(clocks.map(|want| (want.key.clone(), Value::Clock)));
    }
    contents
}

/// What is known of a key: as if it held something where the data were not observed.
fn current(secret: &Secret, key: &str) -> Option<Content> {
    match &secret.data {
        Observed::Seen(keys) => keys.get(key),
        Observed::Unseen(_) => Some(Content::Opaque),
    }
}

impl Contents {
    fn take(&mut self, question: &Question<'_>, want: &KeyWant, finding: Finding) {
        if let Finding::Blocked(reason) = finding {
            self.blocked.get_or_insert(reason);
            return;
        }
        let to = match finding {
            Finding::Right if question.all => &mut self.set,
            Finding::Blocked(_) | Finding::Right => return,
            Finding::Missing if want.required || question.all => {
                self.missing.push(want.key.clone());
                &mut self.set
            }
            Finding::Missing => &mut self.refresh,
            Finding::Wrong => {
                self.credentials |= matches!(want.source, Source::Credential(_));
                self.wrong.push(want.key.clone());
                &mut self.set
            }
        };
        if let Some(value) = value(question, want) {
            to.insert(want.key.clone(), value);
        }
    }

    /// Writes both stores anew where either has to be, or where what is in them changes.
    fn complete_stores(&mut self, question: &Question<'_>) {
        let keys = &question.want.keys;
        let is_store = |want: &&KeyWant| matches!(want.source, Source::Keystore | Source::Truststore);
        let goes_in = |want: &KeyWant| match want.source {
            Source::Ca | Source::Keystore | Source::Truststore => true,
            Source::Credential(credential) => credential != Credential::Password,
            Source::Address(..) | Source::Username | Source::Constant(_) | Source::Clock => false,
        };
        let has_stores = keys.iter().any(|want| is_store(&want));
        if !has_stores || !keys.iter().any(|want| goes_in(want) && self.set.contains_key(&want.key)) {
            return;
        }
        for want in keys.iter().filter(is_store) {
            if let Some(value) = value(question, want) {
                self.set.insert(want.key.clone(), value);
            }
        }
    }
}

/// Where the value of a key comes from, now that service and user are known; `None` if there is nothing to write.
fn value(question: &Question<'_>, want: &KeyWant) -> Option<Value> {
    let (service_key, service) = question.service;
    let user = || question.user.clone();
    match want.source {
        Source::Address(key, absent) => {
            let text = service.address(key).and_then(|address| address.text.clone());
            match (text, absent) {
                (Some(text), _) => Some(Value::Text { text }),
                (None, IfAbsent::Text(text)) => Some(Value::text(text)),
                (None, IfAbsent::Wait | IfAbsent::LeaveOut) => None,
            }
        }
        Source::Username => Some(Value::Text { text: question.user.username.clone() }),
        Source::Credential(field) => Some(Value::User { field, user: user() }),
        Source::Ca => Some(Value::Ca { project: service_key.project.clone() }),
        Source::Constant(text) => Some(Value::text(text)),
        Source::Keystore => Some(Value::Keystore { user: user() }),
        Source::Truststore => Some(Value::Truststore { project: service_key.project.clone() }),
        Source::Clock => Some(Value::Clock),
    }
}

fn judge(survey: &Survey<'_>, question: &Question<'_>, want: &KeyWant, current: Option<Content>) -> Finding {
    match want.source {
        Source::Address(key, absent) => judge_address(question, key, absent, current),
        Source::Clock => Finding::Right,
        Source::Constant(text) => differs(current, Some(survey.constant(text))),
        Source::Username if !question.same_user => Finding::Wrong,
        Source::Username => differs(current, question.observed.map(|user| user.name)),
        Source::Credential(field) => judge_credential(question, field, current),
        Source::Ca => match survey.world.project(&question.service.0.project) {
            Lookup::Found(project) => differs(current, project.ca.seen().copied()),
            Lookup::Absent | Lookup::Unseen(_) => differs(current, None),
        },
        Source::Keystore | Source::Truststore => {
            if !question.same_user || question.secret.is_some_and(|secret| secret.stores == Stores::Differ) {
                Finding::Wrong
            } else {
                differs(current, None)
            }
        }
    }
}

/// Compares a content with what it has to be; with `None` only whether it is there.
fn differs(current: Option<Content>, wanted: Option<Content>) -> Finding {
    match current {
        None | Some(Content::Empty) => Finding::Missing,
        Some(current) => match wanted.and_then(|wanted| current.same(wanted)) {
            Some(false) => Finding::Wrong,
            Some(true) | None => Finding::Right,
        },
    }
}

fn judge_credential(question: &Question<'_>, field: Credential, current: Option<Content>) -> Finding {
    let observed = question.observed.filter(|_| question.own);
    let of_user = observed.and_then(|user| match field {
        Credential::Password => user.password,
        Credential::Certificate => user.certificate,
        Credential::PrivateKey => user.private_key,
    });
    let not_ready = of_user == Some(Content::Empty);
    let current = current.filter(|_| question.same_user);
    match differs(current, of_user.filter(|_| !not_ready)) {
        Finding::Missing if not_ready => Finding::Blocked(Reason::CredentialsNotReady { user: question.user.clone() }),
        Finding::Right if !not_ready && outdated(question, field, current.zip(of_user)) => Finding::Wrong,
        finding => finding,
    }
}

/// Whether the certificate in the secret is not the user's current one, by its end, where contents cannot be compared.
fn outdated(question: &Question<'_>, field: Credential, contents: Option<(Content, Content)>) -> bool {
    let comparable = contents.is_some_and(|(current, of_user)| current.same(of_user).is_some());
    let by_end = question.secret.zip(question.observed.filter(|_| question.own));
    field != Credential::Password
        && !comparable
        && by_end.is_some_and(|(secret, user)| super::renew::on_offer(secret, user))
}

fn judge_address(question: &Question<'_>, key: &str, absent: IfAbsent, current: Option<Content>) -> Finding {
    let (service_key, service) = question.service;
    let gone = || Finding::Blocked(Reason::AddressMissing { service: service_key.clone(), key: key.into() });
    let Some(address) = service.address(key) else { return gone() };
    let spelled = |digest| address.right.contains(&digest);
    match (&address.text, absent, current) {
        (Some(_), _, None) => Finding::Missing,
        (Some(_), _, Some(Content::Empty)) => Finding::Wrong,
        (Some(_), _, Some(Content::Digest(digest))) if !spelled(digest) => Finding::Wrong,
        (Some(_), _, Some(_)) | (None, IfAbsent::LeaveOut, None | Some(Content::Empty)) => Finding::Right,
        (None, IfAbsent::Wait, _) | (None, IfAbsent::LeaveOut, Some(_)) => gone(),
        (None, IfAbsent::Text(_), None) => Finding::Missing,
        (None, IfAbsent::Text(_), Some(Content::Empty | Content::Opaque | Content::Snapshot(_))) => Finding::Right,
        (None, IfAbsent::Text(_), Some(Content::Digest(digest))) if spelled(digest) => Finding::Right,
        (None, IfAbsent::Text(_), Some(Content::Digest(_))) => gone(),
    }
}
