//! The operator as a process: started, asked whether it is ready, measured, stopped.
//!
//! Takes what it costs from `/proc`. Decides nothing.

use std::error::Error;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use aivenator::sandbox::Sandbox;

use super::given::PROJECT;

/// A running operator; it is killed when this is dropped.
pub(crate) struct Operator {
    process: Child,
    pages: SocketAddr,
    begun: Instant,
}

/// What a process has used.
pub(crate) struct Usage {
    /// Of all processors.
    pub(crate) processor: Duration,
    resident: u64,
    peak: u64,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |kibibytes: u64| kibibytes / 1_024;
        write!(f, "memory: {} MiB resident, {} MiB at most", mebibytes(self.resident), mebibytes(self.peak))
    }
}

impl Operator {
    pub(crate) fn start(sandbox: &Sandbox) -> Result<Self, Box<dyn Error>> {
        let kubeconfig = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("operator-bench.kubeconfig");
        std::fs::write(&kubeconfig, sandbox.kubernetes.kubeconfig())?;
        let pages = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_aivenator"));
        command.args(["operator", "--log-level", "warning", "--operator-namespace", "aivenator"]);
        command.args(["--projects", PROJECT, "--main-project", PROJECT, "--metrics-address", &pages.to_string()]);
        command.arg("--kubeconfig").arg(kubeconfig).args(["--aiven-url", sandbox.aiven.url()]);
        command.env("AIVENATOR_AIVEN_TOKEN", sandbox.aiven.token());
        Ok(Operator { process: command.spawn()?, pages, begun: Instant::now() })
    }

    /// Waits until it says that it is ready, and tells how long that took.
    pub(crate) async fn ready(&self) -> Result<Duration, Box<dyn Error>> {
        while !self.is_ready() {
            if self.begun.elapsed() > Duration::from_mins(5) {
                return Err("it is not ready after five minutes".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(self.begun.elapsed())
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.pages) else { return false };
        let mut answer = String::new();
        let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
    }

    pub(crate) fn usage(&self) -> Result<Usage, Box<dyn Error>> {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id()));
        let status = read("status")?;
        let kibibytes = |what: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(what));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
        };
        // Behind the name, which ends with a parenthesis: the 12th and 13th field, in hundredths of a second.
        let stat = read("stat")?;
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Usage {
            processor: Duration::from_millis(ticks * 10),
            resident: kibibytes("VmRSS:"),
            peak: kibibytes("VmHWM:"),
        })
    }

    /// Ends it as Kubernetes does.
    pub(crate) async fn stop(mut self) -> Result<(), Box<dyn Error>> {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        while self.process.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
