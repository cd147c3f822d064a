//! What of a secret's keys has to be written for one service, compared with what is there.
//!
//! Takes as given the user that the secret has or gets. Never compares what was not observed, never empties a key for a
//! component that is missing from an answer, never replaces a good credential by one that is not ready.

use std::collections::BTreeMap;

use super::survey::Survey;
use crate::reason::Reason;
use crate::value::{Credential, Value};
use crate::want::{IfAbsent, KeyWant, Source, Want};
use crate::world::{Address, Content, Lookup, Name, Secret, Service, ServiceKey, Stores, User, UserKey};

/// What of the keys of one service has to be written or cannot be; there is none where all of them are right.
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
    /// Keys that hold other credentials than the user's.
    pub(super) credentials: Vec<Name>,
    /// What keeps a key from being written, or written rightly.
    pub(super) blocked: Option<Reason>,
    /// Whether a key that must be there is not, and cannot be written.
    pub(super) incomplete: bool,
    /// Whether the certificate or its key would have to be another, and cannot be written.
    pub(super) waits_for_certificate: bool,
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
    /// Whether the secret was for another service: what cannot be compared is that one's.
    pub(super) moved: bool,
    /// Whether the credentials may be others than those that the secret holds, and were not read.
    pub(super) stale: bool,
}

/// How a key compares with what it must hold.
enum Finding {
    Right,
    /// Absent or empty.
    Missing,
    /// Another content than this.
    Wrong,
    /// It cannot be written rightly now.
    Blocked {
        reason: Reason,
        /// Whether nothing is there either.
        lacks: bool,
    },
}

/// Compares every key that a secret must hold for a service; `None` if all of them are right.
pub(super) fn compare(survey: &Survey<'_>, question: &Question<'_>) -> Option<Box<Contents>> {
    let mut contents: Option<Box<Contents>> = None;
    let Question { secret, want: Want { service_type, slot, .. }, service: (_, service), .. } = *question;
    let section = secret.map(|secret| secret.section(*service_type, slot)).unwrap_or_default();
    let mut currents = section.iter().copied();
    let mut addresses = service.addresses(*service_type).iter();
    for want in service_type.keys() {
        let current = currents.next().flatten();
        let address = addresses.next().and_then(Option::as_ref);
        let finding = judge(survey, question, (want, address), current);
        // The credentials may have changed unseen: a write would make that look settled.
        let stale = question.stale && goes_stale(want);
        if question.all || stale || !matches!(finding, Finding::Right) {
            contents.get_or_insert_default().take(question, want, finding);
        }
    }
    if let Some(contents) = contents.as_mut() {
        contents.hold_stores(question);
    }
    if let Some(contents) = contents.as_mut().filter(|contents| contents.writes()) {
        contents.complete_stores(question);
        let clocks = question.want.keys().filter(|(_, want)| want.source == Source::Clock);
        contents.set.extend(clocks.map(|(key, _)| (key, Value::Clock)));
    }
    contents
}

impl Contents {
    /// Whether there is a reason to write.
    pub(super) fn writes(&self) -> bool {
        !self.set.is_empty()
    }

    fn take(&mut self, question: &Question<'_>, want: &KeyWant, finding: Finding) {
        if let Finding::Blocked { reason, lacks } = finding {
            self.waits_for_certificate |= is_of_pair(want);
            self.blocked.get_or_insert(reason);
            self.incomplete |= lacks && want.required;
            return;
        }
        let to = match finding {
            Finding::Blocked { .. } => return,
            Finding::Right if question.all => &mut self.set,
            Finding::Right => &mut self.refresh,
            Finding::Missing if want.required || question.all => {
                self.missing.push(question.want.key(want));
                &mut self.set
            }
            Finding::Missing => &mut self.refresh,
            Finding::Wrong => {
                let credential = matches!(want.source, Source::Credential(_)) && question.same_user;
                let wrong = if credential { &mut self.credentials } else { &mut self.wrong };
                wrong.push(question.want.key(want));
                &mut self.set
            }
        };
        if let Some(value) = value(question, want) {
            to.insert(question.want.key(want), value);
        }
    }

    /// Writes nothing that is in the stores while the certificate has to wait: they would be made of another one.
    fn hold_stores(&mut self, question: &Question<'_>) {
        if self.waits_for_certificate {
            let in_stores = question.want.keys().filter(|(_, want)| goes_in_stores(want)).map(|(key, _)| key);
            in_stores.for_each(|key| drop(self.set.remove(&key)));
        }
    }

    /// Writes a certificate with its key, and both stores anew where either has to be or where what is in them changes.
    fn complete_stores(&mut self, question: &Question<'_>) {
        let keys: Vec<(Name, &KeyWant)> = question.want.keys().collect();
        let is_store = |want: &KeyWant| matches!(want.source, Source::Keystore | Source::Truststore);
        let is_pair = |(_, want): &&(Name, &KeyWant)| is_of_pair(want);
        if keys.iter().filter(is_pair).any(|(key, _)| self.set.contains_key(key)) {
            let pair = keys.iter().filter(is_pair);
            self.set.extend(pair.filter_map(|(key, want)| Some((key.clone(), value(question, want)?))));
        }
        let has_stores = keys.iter().any(|(_, want)| is_store(want));
        if !has_stores || !keys.iter().any(|(key, want)| goes_in_stores(want) && self.set.contains_key(key)) {
            return;
        }
        for (key, want) in keys.into_iter().filter(|(_, want)| is_store(want)) {
            if let Some(value) = value(question, want) {
                self.set.insert(key, value);
            }
        }
    }
}

fn is_of_pair(want: &KeyWant) -> bool {
    matches!(want.source, Source::Credential(Credential::Certificate | Credential::PrivateKey))
}

/// Whether what a key holds is in the stores as well, or is one.
fn goes_in_stores(want: &KeyWant) -> bool {
    match want.source {
        Source::Ca | Source::Keystore | Source::Truststore => true,
        Source::Credential(credential) => credential != Credential::Password,
        Source::Address(..) | Source::Username | Source::Constant(_) | Source::Clock => false,
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

fn judge(
    survey: &Survey<'_>,
    question: &Question<'_>,
    (want, address): (&KeyWant, Option<&Address>),
    current: Option<Content>,
) -> Finding {
    match want.source {
        Source::Address(key, absent) => judge_address(question, key, (absent, address), current),
        Source::Clock => Finding::Right,
        Source::Constant(text) => differs(current, Some(survey.constant(text))),
        Source::Username if !question.same_user => Finding::Wrong,
        Source::Username => differs(current, question.observed.map(|user| user.name)),
        Source::Credential(field) => judge_credential(question, field, current),
        Source::Ca => match (survey.world.project(&question.service.0.project), current) {
            (Lookup::Found(project), Some(held)) if question.moved && !is_one_of(held, project.ca.seen()) => {
                Finding::Wrong
            }
            (Lookup::Found(project), _) => differs(current, project.ca.seen().copied()),
            (Lookup::Absent | Lookup::Unseen(_), Some(_)) if question.moved => Finding::Wrong,
            (Lookup::Absent | Lookup::Unseen(_), _) => differs(current, None),
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

/// Whether a content is surely one of these.
fn is_one_of<'c>(held: Content, right: impl IntoIterator<Item = &'c Content>) -> bool {
    right.into_iter().any(|right| held.same(*right) == Some(true))
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
    let of_user = observed.and_then(|user| credential(user, field));
    let not_ready = of_user == Some(Content::Empty);
    let finding = match differs(current, of_user.filter(|_| !not_ready && question.same_user)) {
        Finding::Missing => Finding::Missing,
        _ if !question.same_user => Finding::Wrong,
        finding => finding,
    };
    // Of credentials that go together none is written before all of them are there.
    let wait = |lacks| Finding::Blocked { reason: Reason::CredentialsNotReady { user: question.user.clone() }, lacks };
    match finding {
        finding if !observed.is_some_and(|user| is_unready(question.want, user)) => finding,
        Finding::Missing => wait(true),
        Finding::Wrong => wait(!question.same_user),
        finding => finding,
    }
}

fn credential(user: &User, field: Credential) -> Option<Content> {
    match field {
        Credential::Password => user.password,
        Credential::Certificate => user.certificate,
        Credential::PrivateKey => user.private_key,
    }
}

/// Whether Aiven has not given all credentials yet that users of such a service have.
fn is_unready(want: &Want, user: &User) -> bool {
    let mut sources = want.service_type.keys().iter().map(|key| key.source);
    sources.any(|source| matches!(source, Source::Credential(field) if credential(user, field) == Some(Content::Empty)))
}

/// What a write brings up to date where credentials may have changed unseen.
fn goes_stale(want: &KeyWant) -> bool {
    match want.source {
        Source::Credential(_) | Source::Keystore | Source::Truststore => true,
        Source::Address(..) | Source::Username | Source::Ca | Source::Constant(_) | Source::Clock => false,
    }
}

fn judge_address(
    question: &Question<'_>,
    key: &str,
    (absent, address): (IfAbsent, Option<&Address>),
    current: Option<Content>,
) -> Finding {
    let lacks = matches!(current, None | Some(Content::Empty));
    let gone = || {
        let reason = Reason::AddressMissing { service: question.service.0.clone(), key: key.into() };
        Finding::Blocked { reason, lacks }
    };
    let Some(address) = address else { return gone() };
    let differs = |content: Content| {
        let other = || address.right.iter().all(|right| content.same(*right) == Some(false));
        if question.moved { !is_one_of(content, &address.right) } else { other() }
    };
    match (&address.text, absent, current) {
        (Some(_), _, None) => Finding::Missing,
        (Some(_), _, Some(Content::Empty)) => Finding::Wrong,
        (Some(_), _, Some(content)) if differs(content) => Finding::Wrong,
        (Some(_), _, Some(_)) | (None, IfAbsent::LeaveOut, None | Some(Content::Empty)) => Finding::Right,
        (None, IfAbsent::Wait, _) | (None, IfAbsent::LeaveOut, Some(_)) => gone(),
        (None, IfAbsent::Text(_), None) => Finding::Missing,
        (None, IfAbsent::Text(_), Some(Content::Empty)) => Finding::Right,
        // It was an address of another service: this one never had any.
        (None, IfAbsent::Text(_), Some(content)) if question.moved && differs(content) => Finding::Wrong,
        (None, IfAbsent::Text(_), Some(content)) if differs(content) => gone(),
        (None, IfAbsent::Text(_), Some(_)) => Finding::Right,
    }
}
