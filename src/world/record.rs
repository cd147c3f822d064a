//! What is wrong with the records on a secret, such that a user could be lost by them.
//!
//! Takes as given that annotations are claims by whoever may edit Secrets; says what is missing, never guesses at it.

use std::fmt;

use super::key::Name;
use super::names;

/// Something that keeps a user of a secret from being found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BrokenRecord {
    /// One annotation stands without another.
    Lacks {
        /// The one that is there.
        has: Name,
        /// The one that is not.
        lacks: Name,
    },
    /// Nothing says which application the users were made for.
    NoApp,
    /// The list of replaced users is none.
    RetiredUnreadable,
}

impl BrokenRecord {
    /// What a person has to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            BrokenRecord::Lacks { has: _, lacks: _ } => "add what is missing",
            BrokenRecord::NoApp => "put the label back",
            BrokenRecord::RetiredUnreadable => "mend the list",
        }
    }
}

/// What is said of the secret: `it …`.
impl fmt::Display for BrokenRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BrokenRecord::Lacks { has, lacks } => write!(f, "has {has} but no {lacks}"),
            BrokenRecord::NoApp => write!(f, "has no label {}", names::APP),
            BrokenRecord::RetiredUnreadable => {
                write!(f, "has a list of replaced users that cannot be read ({})", names::RETIRED)
            }
        }
    }
}
