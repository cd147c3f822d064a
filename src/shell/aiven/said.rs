//! What an answer says went wrong, in codes and in words.
//!
//! Decides how wording is read. Takes as given that Aiven's wording is no contract: it counts only where it can be read
//! in one way, and what else it says stays here. Never gives a text on: of codes, only those that it knows.

use serde::Deserialize;

use super::error::{Missing, Target};
use super::lenient::{List, Loose, Object, Scalar, Shape, object};

/// The codes that may be named: they hold nothing but what is written here.
const KNOWN: [&str; 27] = [
    "api_client_ip_allowlist_blocks_caller",
    "authentication_failed",
    "bad_request",
    "internal_server_error",
    "kafka_service_unavailable",
    "not_powered",
    "opensearch_service_unavailable",
    "opensearch_too_many_requests",
    "permission_denied",
    "project_does_not_exist",
    "project_not_found",
    "request_forbidden",
    "resource_managed_by_governance",
    "retired_api_endpoint",
    "service_acl_not_found",
    "service_acl_too_many",
    "service_does_not_exist",
    "service_maintenance_required",
    "service_not_found",
    "service_user_already_exists",
    "service_user_not_found",
    "user_already_exists",
    "user_does_not_exist",
    "user_not_found",
    "username_is_invalid",
    "username_is_reserved",
    "username_already_exists",
];

/// The codes and texts of an answer.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Whether it lists errors, whatever its status.
    pub(super) is_error: bool,
    /// The first status that it lists.
    pub(super) status: Option<u16>,
    codes: Vec<String>,
    texts: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    message: Loose<Scalar>,
    errors: Loose<Faults>,
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Shape for Faults {
    fn text(text: &str) -> Self {
        if text.is_empty() { Faults::default() } else { Faults(vec![Fault::text(text)]) }
    }

    fn list<'de, A: serde::de::SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        List::list(list).map(|list| Faults(list.0.unwrap_or_default()))
    }

    fn object<'de, A: serde::de::MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Fault::object(map).map(|fault| Faults(vec![fault]))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    message: Loose<Scalar>,
    error_code: Loose<Scalar>,
    status: Loose<Scalar>,
}

impl Shape for Fault {
    fn text(text: &str) -> Self {
        Fault { message: Loose(Scalar::text(text)), ..Fault::default() }
    }

    fn object<'de, A: serde::de::MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Object::object(map).map(|fault| fault.0.unwrap_or_default())
    }
}

impl Said {
    /// Reads a body; `None` if it is not one of Aiven's. An empty one says nothing.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        if body.trim_ascii().is_empty() {
            return Some(Said::default());
        }
        let Body { message, errors: Loose(Faults(faults)) } = object(body)?;
        let lower = |text: &str| text.trim().to_lowercase();
        let number = |fault: &Fault| u16::try_from(fault.status.as_number()?).ok();
        let messages = faults.iter().map(|fault| &fault.message).chain([&message]);
        Some(Said {
            is_error: !faults.is_empty(),
            status: faults.iter().find_map(number),
            texts: messages.filter_map(|message| message.as_text()).map(lower).collect(),
            codes: faults.iter().filter_map(|fault| fault.error_code.as_text()).map(lower).collect(),
        })
    }

    /// Its first code that is known.
    pub(super) fn known_code(&self) -> Option<&'static str> {
        self.codes.iter().find_map(|code| KNOWN.into_iter().find(|known| code == known))
    }

    /// Whether it is about the token itself, not about what it may do.
    pub(super) fn refuses_the_token(&self) -> bool {
        let phrases = ["invalid token", "expired", "authentication failed", "token is invalid"];
        self.has_code(&["authentication_failed"]) || self.says(&phrases)
    }

    /// Whether it says that there is such a user; a code that says something else decides.
    pub(super) fn has_such_a_user(&self) -> bool {
        let exists = |code: &str| code.contains("exist") && !code.contains("not");
        self.codes.iter().any(|code| exists(code))
            || (self.known_code().is_none() && self.says(&["already exist", "user exists"]))
    }

    /// Whether it says that there can be no more users: the plural, since a user name can be too long, too.
    pub(super) fn has_too_many_users(&self) -> bool {
        let coded = |code: &String| code.contains("user") && (code.contains("limit") || code.contains("too_many"));
        let worded = |text: &String| {
            text.contains("users") && ["limit", "maximum", "too many"].iter().any(|word| text.contains(word))
        };
        self.codes.iter().any(coded) || (self.known_code().is_none() && self.texts.iter().any(worded))
    }

    /// Whether it says that the ACL document is full.
    pub(super) fn has_too_many_rules(&self) -> bool {
        self.has_code(&["service_acl_too_many"])
    }

    /// What it says is missing; `None` unless that can be read in one way.
    pub(super) fn missing(&self, target: &Target) -> Option<Missing> {
        let by_code: Vec<Missing> = self.codes.iter().filter_map(|code| missing_by_code(code)).collect();
        let by_text = || self.texts.iter().filter_map(|text| missing_by_text(text, target)).collect();
        let said: Vec<Missing> = match (by_code.is_empty(), self.known_code()) {
            (false, _) => by_code,
            // A known code that is about something else.
            (true, Some(_)) => vec![],
            (true, None) => by_text(),
        };
        let first = said.first().copied()?;
        said.iter().all(|other| *other == first).then_some(first)
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&code.as_str()))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        self.texts.iter().any(|text| phrases.iter().any(|phrase| text.contains(phrase)))
    }
}

fn missing_by_code(code: &str) -> Option<Missing> {
    match code {
        "project_not_found" | "project_does_not_exist" => Some(Missing::Project),
        "service_not_found" | "service_does_not_exist" => Some(Missing::Service),
        "user_not_found" | "user_does_not_exist" | "service_user_not_found" => Some(Missing::User),
        _ => None,
    }
}

/// Reads `[the] service user [<its name>] [in project <its name>] does not exist` and its like, and nothing longer: a
/// service *integration* that does not exist is not a service that does not exist.
fn missing_by_text(text: &str, target: &Target) -> Option<Missing> {
    let words: Vec<&str> = text.split_whitespace().map(bare).collect();
    let rest = match words.as_slice() {
        ["the" | "requested" | "specified", rest @ ..] => rest,
        rest => rest,
    };
    let (kind, rest) = match rest {
        ["service", "user", rest @ ..] => (Missing::User, rest),
        ["user" | "serviceuser", rest @ ..] => (Missing::User, rest),
        ["service", rest @ ..] => (Missing::Service, rest),
        ["project", rest @ ..] => (Missing::Project, rest),
        _ => return None,
    };
    // Of a service called "user": it cannot be told which of the two it is.
    if kind == Missing::User && named(target, Missing::Service).as_deref() == Some("user") {
        return None;
    }
    let rest = match rest {
        [word, rest @ ..] if named(target, kind).as_deref() == Some(*word) => rest,
        rest => rest,
    };
    let says_so = match places(rest, target)? {
        ["does", "not", "exist", rest @ ..]
        | ["doesn't", "exist", rest @ ..]
        | ["not", "found", rest @ ..]
        | ["was" | "is", "not", "found", rest @ ..] => places(rest, target)?.is_empty(),
        _ => false,
    };
    says_so.then_some(kind)
}

/// What follows after `in project <its name>` and the like; `None` if that is another place than the request's.
fn places<'w, 't>(mut words: &'w [&'t str], target: &Target) -> Option<&'w [&'t str]> {
    while let ["in" | "of" | "on" | "for", of @ ("service" | "project"), word, more @ ..] = words {
        let of = if *of == "service" { Missing::Service } else { Missing::Project };
        if named(target, of).as_deref() != Some(*word) {
            return None;
        }
        words = more;
    }
    Some(words)
}

/// The name as a word of a text is compared with it.
fn named(target: &Target, kind: Missing) -> Option<String> {
    names(target, kind).map(|name| bare(&name.to_lowercase()).to_owned())
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn names(target: &Target, kind: Missing) -> Option<&str> {
    match (target, kind) {
        (Target::Account, _) => None,
        (_, Missing::Project) => Some(target.project()),
        (Target::Service(key), Missing::Service) => Some(&key.service),
        (Target::User(key), Missing::Service) => Some(&key.service),
        (Target::User(key), Missing::User) => Some(&key.username),
        (Target::Project(_) | Target::Service(_), _) => None,
    }
}
