//! The program: hands streams, environment, clock and chance to [`aivenator::cli`], and ends with its exit code.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

use aivenator::cli::{self, Io};

#[cfg(feature = "shell")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let mut out = stdout();
    let colour = out.is_terminal() && anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    let now = jiff::Timestamp::now();
    let mut io = Io {
        stdin: &mut stdin(),
        stdout: &mut out,
        stderr: &mut stderr(),
        environment: &|name| std::env::var(name).ok(),
        now,
        colour,
        width: terminal_size::terminal_size_of(stdout()).map(|(terminal_size::Width(width), _)| width.into()),
        terminal: stdin().is_terminal(),
        key: key(),
    };
    ExitCode::from(cli::run(std::env::args_os(), &mut io))
}

/// Bytes that nobody outside this process knows: what the system seeds hash maps with, hashed.
fn key() -> [u8; 32] {
    let mut key = [0; 32];
    for chunk in key.chunks_mut(8) {
        chunk.copy_from_slice(&RandomState::new().build_hasher().finish().to_ne_bytes());
    }
    key
}
