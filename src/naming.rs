//! The names of service users: computed as programs before this one did, and recognised.
//!
//! Decides nothing about whether a name is free; that takes looking. Takes as given that namespaces and names are valid
//! Kubernetes names; every name that it gives is at most 64 ASCII characters long.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::world::{Access, AppKey, Name};

/// The longest user name that Aiven takes.
pub const MAX_USERNAME: usize = 64;

const SUFFIX: usize = 3;

/// What stands before the suffix of a user name: a stem that may be cut, and a marker that may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    stem: String,
    marker: &'static str,
}

impl Prefix {
    /// The prefix of a Kafka user: `<team>_<app>_<hash>_`. Kafka ACLs are granted on it, so it never changes.
    pub fn kafka(app: &AppKey) -> Self {
        let AppKey { namespace, name } = app;
        let team = shorten(namespace, "team", 20);
        let short = shorten(name, namespace, 30);
        let hash = crc32fast::hash(format!("{namespace}{name}").as_bytes());
        Prefix { stem: format!("{team}_{short}_{hash:08x}"), marker: "_" }
    }

    /// The prefix of an OpenSearch or Valkey user: the namespace or application, then what it may do.
    pub fn with_access(stem: &str, access: Access) -> Self {
        let marker = match access {
            Access::Admin => "-",
            Access::Write => "-w-",
            Access::ReadWrite => "-rw-",
            Access::Read => "-r-",
        };
        Prefix { stem: stem.to_owned(), marker }
    }

    /// The user name with that suffix; where it would pass 64 characters, the stem is cut.
    pub fn username(&self, suffix: &str) -> String {
        let room = MAX_USERNAME.saturating_sub(self.marker.len() + suffix.len());
        let Prefix { stem, marker } = self;
        if stem.len() <= room {
            return format!("{stem}{marker}{suffix}");
        }
        let cut = stem.get(..room).unwrap_or(stem).trim_end_matches('-');
        format!("{cut}{marker}{suffix}")
    }

    /// What all names under this prefix on services of a kind have in common, and no others.
    pub fn group(&self, kind: &str) -> Name {
        let suffix = "~".repeat(SUFFIX);
        format!("{kind}/{}", self.username(&suffix)).into()
    }

    /// How every name begins that [`gave`](Self::gave) knows: the stem, as far as no suffix cuts it.
    pub fn beginning(&self) -> &str {
        let room = MAX_USERNAME.saturating_sub(self.marker.len() + SUFFIX);
        self.stem.get(..room).unwrap_or(&self.stem).trim_end_matches('-')
    }

    /// Whether this program or one before it may have given that name under this prefix: three base64url characters
    /// follow, or digits only.
    pub fn gave(&self, username: &str) -> bool {
        let Prefix { stem, marker } = self;
        let rest = username.strip_prefix(stem.as_str()).and_then(|rest| rest.strip_prefix(marker));
        if let Some(suffix) = rest {
            let digits = !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_digit());
            return digits || is_suffix(suffix);
        }
        let place = username.len().checked_sub(SUFFIX);
        let suffix = place.and_then(|place| username.get(place..)).filter(|suffix| is_suffix(suffix));
        suffix.is_some_and(|suffix| self.username(suffix) == username)
    }
}

/// The suffixes to try for an application, in order: that of its generation and name, then those numbered from 1.
pub fn suffixes(generation: i64, name: &str, cluster: Option<&str>) -> impl Iterator<Item = String> + use<> {
    let text = match cluster {
        Some(cluster) => format!("{generation}{name}@{cluster}"),
        None => format!("{generation}{name}"),
    };
    let first = suffix(&text);
    let numbered = (1_u32..).map(move |n| suffix(&format!("{text}#{n}")));
    std::iter::once(first).chain(numbered.filter(|suffix| !suffix.contains(['-', '_'])))
}

/// Whether it has the form of a name that is given to Kafka users: `<team>_<app>_<hash>_`, and a suffix.
pub fn is_of_kafka(username: &str) -> bool {
    let is_hash = |text: &str| text.len() == 8 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_given = |rest: &str| {
        let parts: Vec<&str> = rest.strip_suffix('_').into_iter().flat_map(|stem| stem.split('_')).collect();
        matches!(parts.as_slice(), [team, app, hash] if !team.is_empty() && !app.is_empty() && is_hash(hash))
    };
    unsuffixed(username).into_iter().any(is_given)
}

/// Every namespace or application that an OpenSearch or Valkey user of that name may have been made for.
pub fn stems(username: &str) -> Vec<&str> {
    let markers = ["-", "-w-", "-rw-", "-r-"];
    let rests = unsuffixed(username).into_iter();
    let stems = rests.flat_map(|rest| markers.into_iter().filter_map(move |marker| rest.strip_suffix(marker)));
    let legal = |text: &&str| {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
    };
    stems.filter(|stem| !stem.is_empty()).filter(legal).collect()
}

/// What stands before the suffix, for each way of reading one.
fn unsuffixed(username: &str) -> Vec<&str> {
    let before = |length: usize| username.len().checked_sub(length).and_then(|place| username.split_at_checked(place));
    let three = before(SUFFIX).filter(|(_, suffix)| is_suffix(suffix)).map(|(rest, _)| rest);
    let digits = username.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = (digits.len() < username.len()).then_some(digits).filter(|rest| Some(*rest) != three);
    three.into_iter().chain(numbered).collect()
}

/// The first three characters of base64url of the big-endian CRC-32 of a text.
fn suffix(text: &str) -> String {
    let mut encoded = URL_SAFE_NO_PAD.encode(crc32fast::hash(text.as_bytes()).to_be_bytes());
    encoded.truncate(SUFFIX);
    encoded
}

fn is_suffix(text: &str) -> bool {
    text.len() == SUFFIX && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Drops the prefix if the text starts with it and is not all of it, then leading `-`, cuts, then trailing `-`.
fn shorten(text: &str, prefix: &str, length: usize) -> String {
    let rest = text.strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or(text);
    let rest = rest.trim_start_matches('-');
    rest.get(..length).unwrap_or(rest).trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_stem_and_keeps_the_marker_and_the_suffix() {
        let prefix = Prefix::with_access(&format!("{}-{}", "a".repeat(57), "b".repeat(20)), Access::ReadWrite);
        let name = prefix.username("X_z");
        assert_eq!(name, format!("{}-rw-X_z", "a".repeat(57)));
        assert!(prefix.gave(&name));
        assert!(!prefix.gave("someone-else"));
    }

    #[test]
    fn recognises_what_earlier_programs_gave() {
        let prefix = Prefix::kafka(&AppKey::new("myteam", "myapp"));
        assert!(prefix.gave("myteam_myapp_17ce5665_P16"));
        assert!(prefix.gave("myteam_myapp_17ce5665_12345"));
        assert!(!prefix.gave("myteam_myapp_17ce5665_abcd"));
        assert!(!prefix.gave("myteam_myapp_17ce5665_"));
        assert!(!prefix.gave("avnadmin"));
    }

    #[test]
    fn every_name_begins_as_its_prefix_does() {
        for length in 50..64 {
            for access in [Access::Read, Access::Write, Access::ReadWrite, Access::Admin] {
                let prefix = Prefix::with_access(&format!("{}--{}", "a".repeat(length), "b".repeat(9)), access);
                let name = prefix.username("X_z");
                assert!(name.starts_with(prefix.beginning()) && prefix.beginning().len() >= 50, "{name}");
            }
        }
    }

    #[test]
    fn numbered_suffixes_have_no_separators() {
        let some: Vec<String> = suffixes(1, "app", None).take(50).collect();
        assert_eq!(some[0], "X_z");
        assert!(some[1..].iter().all(|suffix| !suffix.contains(['-', '_'])));
    }
}
