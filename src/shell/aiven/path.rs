//! Paths of the API, from names that may hold anything.
//!
//! Decides how a name becomes one segment. Never lets a name be read as more than one, or as a step to another path.

use std::fmt::Write as _;

use crate::world::{Name, ServiceKey, UserKey};

/// `/project/<project>`.
pub(super) fn project(project: &Name) -> Option<String> {
    joined(&["project", project])
}

/// `/project/<project>/service/<service>`.
pub(super) fn service(key: &ServiceKey) -> Option<String> {
    joined(&["project", &key.project, "service", &key.service])
}

/// `/project/<project>/service/<service>/user/<user>`.
pub(super) fn user(key: &UserKey) -> Option<String> {
    joined(&["project", &key.project, "service", &key.service, "user", &key.username])
}

/// Dots are refused, encoded or not: readers of URLs take `%2e%2e` for a step up.
fn joined(segments: &[&str]) -> Option<String> {
    let mut path = String::new();
    for segment in segments {
        if matches!(*segment, "" | "." | "..") {
            return None;
        }
        path.push('/');
        for byte in segment.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
                _ => write!(path, "%{byte:02X}").ok()?,
            }
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_segment_is_one_segment() {
        let url = |project: &str, user: &str| {
            let path = self::user(&ServiceKey::new(project, "kafka").user(user.into()));
            path.map(|path| reqwest::Url::parse(&format!("https://host/v1{path}")).expect("a URL"))
        };
        for name in
            ["a", "a/b", "a?b", "a#b", "a%2fb", "%2e%2e", "...", "å ø", "a;b", "a\\b", "a\nb", "a+b&c=d", "a:b@c"]
        {
            let url = url(name, name).expect("a path");
            assert_eq!(url.path_segments().map(Iterator::count), Some(7), "{name}: {url}");
            assert_eq!((url.query(), url.fragment(), url.host_str()), (None, None, Some("host")), "{name}");
        }
        for name in ["", ".", ".."] {
            assert_eq!(url(name, "a"), None);
            assert_eq!(url("a", name), None);
        }
        assert_eq!(project(&"a b/c".into()).as_deref(), Some("/project/a%20b%2Fc"));
    }
}
