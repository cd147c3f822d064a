//! The command line from outside: what it prints, what it refuses, and how it ends.

#[cfg(test)]
mod definition;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod process;
#[cfg(test)]
mod render;
#[cfg(test)]
mod run;
#[cfg(test)]
mod saved;
#[cfg(test)]
mod schema;
