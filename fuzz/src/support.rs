//! The worlds of the laws in `tests/`.

#[path = "../../tests/support/account.rs"]
pub mod account;
#[path = "../../tests/support/build.rs"]
pub mod build;
#[path = "../../tests/support/generate.rs"]
pub mod generate;
#[path = "../../tests/support/hide.rs"]
pub mod hide;
#[path = "../../tests/support/input.rs"]
pub mod input;
#[path = "../../tests/support/run.rs"]
pub mod run;
#[path = "../../tests/support/secrets.rs"]
pub mod secrets;
#[path = "../../tests/support/show.rs"]
pub mod show;
