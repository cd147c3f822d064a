//! What a request asks for, read from its method and address.
//!
//! Decides verb and object, as the API server does for authorization and audit. Never looks whether they exist.

use axum::http::{Method, Uri};

use super::serve::Query;

/// A request for a resource, or for anything else (then `resource` is empty).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) verb: &'static str,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) resource: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) subresource: String,
}

impl Route {
    pub(super) fn parse(method: &Method, uri: &Uri, query: &Query) -> Self {
        let decoded: Vec<String> = uri.path().split('/').filter(|part| !part.is_empty()).map(unescape).collect();
        let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Self { verb: plain_verb(method), ..Self::default() },
        };
        let (namespace, rest) = match rest {
            ["namespaces", _, "status" | "finalize"] => ("", rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            _ => ("", rest),
        };
        let part = |index: usize| rest.get(index).map_or_else(String::new, |part| (*part).to_owned());
        Self {
            verb: if rest.is_empty() { plain_verb(method) } else { verb(method, rest.len() > 1, query) },
            group: group.to_owned(),
            version: version.to_owned(),
            resource: part(0),
            namespace: namespace.to_owned(),
            name: part(1),
            subresource: rest.get(2..).unwrap_or_default().join("/"),
        }
    }

    /// Whether nothing changes by it. A review of rights stores nothing.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.verb, "get" | "list" | "watch" | "head" | "options")
            || self.group == super::review::GROUP && self.verb == "create"
    }

    /// The resource with its subresource, as rules name it.
    pub(super) fn ruled(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

fn verb(method: &Method, named: bool, query: &Query) -> &'static str {
    match *method {
        Method::GET if matches!(query.text("watch"), "true" | "1") => "watch",
        Method::GET if named => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if named => "delete",
        Method::DELETE => "deletecollection",
        _ => plain_verb(method),
    }
}

fn plain_verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::OPTIONS => "options",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    }
}

/// Undoes percent encoding; what is no valid text stays as it is.
fn unescape(part: &str) -> String {
    let mut bytes = vec![];
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| part.to_owned())
}
