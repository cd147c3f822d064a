//! Lists, and their pages.
//!
//! Decides which objects a page holds: every page of one list shows the same moment. Never decides how they look.

use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::decode::Target;
use super::failure::{Failure, Fault};
use super::object::{Key, Object};
use super::select::Selector;
use super::serve::Query;
use super::store::{Objects, Store};

/// A page of a list.
pub(super) struct Page {
    pub(super) objects: Vec<Arc<Object>>,
    pub(super) metadata: Value,
}

/// Where a list goes on.
struct Token {
    version: u64,
    after: Key,
}

/// The objects that a client asks for.
pub(super) fn list(store: &mut Store, target: &Target, selector: &Selector, query: &Query) -> Result<Page, Failure> {
    let table = store.table(&target.resource.group, &target.resource.plural);
    let table = table.ok_or_else(Failure::no_such_resource)?;
    let key = (table.resource.group.clone(), table.resource.plural.clone());
    check_version(store.version, query)?;
    let (objects, version, after) = match query.text("continue") {
        "" => (table.objects.clone(), store.version, None),
        text => {
            let token = Token::parse(text).ok_or_else(|| Failure::bad_request("continue key is not valid"))?;
            let objects = store.recall(&key, token.version).ok_or_else(Failure::continue_expired)?;
            (objects, token.version, Some(token.after))
        }
    };
    let limit = query.number("limit")?.filter(|limit| *limit > 0);
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut found = range(&objects, selector, after.as_ref());
    let page: Vec<Arc<Object>> = found.by_ref().take(limit).map(Arc::clone).collect();
    let remaining = found.count();
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if let (Some(last), Value::Object(members), true) = (page.last(), &mut metadata, remaining > 0) {
        let token = Token { version, after: last.key.clone() };
        members.insert("continue".to_owned(), json!(token.text()));
        if !selector.is_partial() {
            members.insert("remainingItemCount".to_owned(), json!(remaining));
        }
        store.remember(key, version, objects.clone());
    }
    Ok(Page { objects: page, metadata })
}

/// The selected objects after some key, in order.
fn range<'a>(
    objects: &'a Objects,
    selector: &'a Selector,
    after: Option<&Key>,
) -> impl Iterator<Item = &'a Arc<Object>> {
    let first = match (after, &selector.namespace) {
        (Some(after), _) => Bound::Excluded(after.clone()),
        (None, Some(namespace)) => Bound::Included((namespace.clone(), String::new())),
        (None, None) => Bound::Unbounded,
    };
    let inside = |key: &Key| selector.namespace.as_ref().is_none_or(|namespace| key.0 == *namespace);
    let inside = objects.range((first, Bound::Unbounded)).take_while(move |(key, _)| inside(key));
    inside.map(|(_, object)| object).filter(|object| selector.shows(object))
}

fn check_version(current: u64, query: &Query) -> Result<(), Failure> {
    let (version, matching) = (query.number("resourceVersion")?, query.text("resourceVersionMatch"));
    if !query.text("continue").is_empty() && version.is_some_and(|version| version > 0) {
        return Err(Failure::bad_request("specifying resource version is not allowed when using continue"));
    }
    if !matching.is_empty() && version.is_none() {
        let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        return Err(invalid_options(&Fault::forbidden("resourceVersionMatch", why)));
    }
    match version {
        Some(version) if version > current => Err(Failure::too_new(version, current)),
        _ => Ok(()),
    }
}

/// The refusal of a query that makes no sense.
pub(super) fn invalid_options(fault: &Fault) -> Failure {
    let mut failure =
        Failure::new(422, "Invalid", format!("ListOptions.meta.k8s.io \"\" is invalid: {}", fault.text()));
    failure.details = json!({"group": "meta.k8s.io", "kind": "ListOptions"});
    failure
}

impl Token {
    fn parse(text: &str) -> Option<Self> {
        let token: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let start = token.get("start")?.as_str()?;
        let (namespace, name) = start.split_once('/')?;
        Some(Self { version: token.get("rv")?.as_u64()?, after: (namespace.to_owned(), name.to_owned()) })
    }

    fn text(&self) -> String {
        let start = format!("{}/{}", self.after.0, self.after.1);
        URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": self.version, "start": start}).to_string())
    }
}
