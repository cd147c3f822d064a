//! What holds for the plan of every world; each law has a name and a sentence.
//!
//! Worlds come from tiny alphabets, so that collisions happen; how often which situation is met is counted as well.

mod harm;
mod met;
mod shape;
mod tenants;
mod time;

use proptest::prelude::*;

/// How many worlds each law looks at: `AIVENATOR_CASES`, else 2000.
fn config() -> ProptestConfig {
    crate::support::run::config(2000)
}
