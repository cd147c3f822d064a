//! Programs that end with this one, however it ends, and leave nothing behind.

use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Reads until this process is gone or lets go, and then ends what it has started. Interrupts are for others.
const LEASH: &str = r#"trap '' INT TERM HUP; dir=$1; shift; "$@" & read -r word; kill -9 $!; wait; [ "$word" = keep ] || rm -rf "$dir""#;

/// A program with a folder of its own; both go when this is dropped, or when this process ends.
pub struct Leashed {
    child: Child,
    log: PathBuf,
}

impl Leashed {
    /// Starts a program; what it says goes into a file beside its folder.
    pub fn start(program: &Path, arguments: &[String], folder: &Path) -> Leashed {
        let log = folder.join("log");
        let said = File::create(&log).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", LEASH, "sh"]).arg(folder).arg(program).args(arguments);
        command.stdin(Stdio::piped()).stdout(said.try_clone().unwrap()).stderr(said);
        Leashed { child: command.spawn().unwrap(), log }
    }

    /// Kills the program; its folder stays.
    pub fn kill(mut self) {
        let mut leash = self.child.stdin.take().unwrap();
        leash.write_all(b"keep\n").unwrap();
        drop(leash);
        self.child.wait().unwrap();
    }

    /// The last lines of what it has said.
    pub fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A port of loopback that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
