//! Rights: what a client may do, asked and enforced.
//!
//! Decides by the refusals that a test set up; everything else is allowed.

use axum::response::Response;
use serde_json::{Value, json};

use super::failure::Failure;
use super::route::Route;
use super::serve::{Ask, json as respond};
use super::store::Store;

/// Where reviews are asked for.
pub(super) const GROUP: &str = "authorization.k8s.io";
/// The one review that is answered.
pub(super) const RESOURCE: &str = "selfsubjectaccessreviews";

/// Answers a review of rights.
pub(super) fn answer(store: &Store, ask: &Ask) -> Result<Response, Failure> {
    if ask.route.verb != "create" {
        return Err(Failure::method_not_allowed());
    }
    let mut review = ask.json()?;
    let attribute = |name: &str| {
        let attributes = review.pointer("/spec/resourceAttributes");
        attributes.and_then(|all| all.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (verb, mut resource, subresource) = (attribute("verb"), attribute("resource"), attribute("subresource"));
    if !subresource.is_empty() {
        resource = format!("{resource}/{subresource}");
    }
    let allowed = !is_denied(store, &verb, &resource);
    let Value::Object(members) = &mut review else {
        return Err(Failure::bad_request("the body of the request is not an object"));
    };
    members.insert("apiVersion".to_owned(), json!("authorization.k8s.io/v1"));
    members.insert("kind".to_owned(), json!("SelfSubjectAccessReview"));
    members.entry("metadata").or_insert_with(|| json!({"creationTimestamp": null}));
    let reason = if allowed { "everything is allowed that is not denied" } else { "" };
    members.insert("status".to_owned(), json!({"allowed": allowed, "reason": reason}));
    Ok(respond(201, review.to_string(), &[]))
}

/// Refuses what a client has no right to.
pub(super) fn check(store: &Store, route: &Route) -> Result<(), Failure> {
    let resource = route.ruled();
    if !is_denied(store, route.verb, &resource) {
        return Ok(());
    }
    let place = match route.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let name = if route.name.is_empty() { String::new() } else { format!(" \"{}\"", route.name) };
    let group = if route.group.is_empty() { String::new() } else { format!(".{}", route.group) };
    let message = format!(
        "{}{group}{name} is forbidden: User \"sandbox\" cannot {} resource \"{resource}\" in API group \"{}\" {place}",
        route.resource, route.verb, route.group
    );
    let mut failure = Failure::new(403, "Forbidden", message);
    failure.details = json!({"kind": route.resource, "group": route.group, "name": route.name});
    Err(failure)
}

fn is_denied(store: &Store, verb: &str, resource: &str) -> bool {
    let fits = |rule: &str, asked: &str| rule == "*" || rule == asked;
    store.denied.iter().any(|(of_verb, of_resource)| fits(of_verb, verb) && fits(of_resource, resource))
}
