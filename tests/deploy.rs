//! What is deployed, and the pages that are made from the program: each is what the program is.
//!
//! `AIVENATOR_UPDATE=1 cargo test deploy` writes what is made from it anew.

pub mod admission;
mod cel;
#[cfg(feature = "sandbox")]
mod made;
#[cfg(feature = "shell")]
mod numbers;
#[cfg(feature = "shell")]
pub mod roles;

use std::fs;

use serde_json::Value;

use crate::support::repository;

/// The objects of a manifest.
pub fn manifest(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(repository("deploy/manifests").join(name)).unwrap();
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}
