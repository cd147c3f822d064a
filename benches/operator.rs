//! The operator at scale: a process of its own against both APIs of the sandbox, over HTTP, with their latencies.
//!
//! Tells, for each number of applications that is given (`cargo bench --bench operator -- 1000 5000`): how long it takes
//! until all are ready that were created at once, what that costs in requests, processor and memory, and what a restart
//! costs when nothing is to be done. Both APIs run in this process, on the same processors: times are upper bounds.

#[path = "operator/given.rs"]
mod given;
#[path = "operator/process.rs"]
mod process;

use std::error::Error;
use std::time::{Duration, Instant};

use aivenator::sandbox::{Sandbox, aiven, kubernetes};
use serde_json::Value;

use self::process::{Operator, Usage};

/// How long each API takes to answer.
const KUBERNETES: Duration = Duration::from_millis(20);
const AIVEN: Duration = Duration::from_millis(300);
/// How long nothing may happen until it counts as quiet.
const QUIET: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_mins(45);

fn main() -> Result<(), Box<dyn Error>> {
    let sizes: Vec<u32> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000, 5_000] } else { sizes };
    for size in sizes {
        tokio::runtime::Runtime::new()?.block_on(scale(size))?;
    }
    Ok(())
}

async fn scale(size: u32) -> Result<(), Box<dyn Error>> {
    println!("{size} applications, {} secrets that they ask for", size * 2);
    let options = aiven::Options { latency: AIVEN, user_limit: 100_000, ..aiven::Options::default() };
    let sandbox = Sandbox::start(options, kubernetes::Options { latency: KUBERNETES, ..Default::default() }).await?;
    sandbox.load(&given::surroundings(size))?;

    let operator = Operator::start(&sandbox)?;
    let took = operator.ready().await?;
    println!("  start in the cluster without them: ready after {}", seconds(took));
    quiet(&sandbox).await;
    println!("    {}", operator.usage()?);

    let before = Spent::of(&sandbox, &operator)?;
    let begun = Instant::now();
    for application in given::applications(size) {
        sandbox.kubernetes.apply(application)?;
    }
    let created = begun.elapsed();
    complete(&sandbox, size).await?;
    let took = begun.elapsed();
    quiet(&sandbox).await;
    println!("  all created at once (in {}): all ready after {}", seconds(created), seconds(took));
    Spent::of(&sandbox, &operator)?.since(&before).tell(size);
    println!("    {}", operator.usage()?);

    forgotten(&sandbox).await;
    println!("    once nothing has to be remembered any more: {}", operator.usage()?);
    let begun = Instant::now();
    operator.stop().await?;
    println!("  stop: after {}", seconds(begun.elapsed()));
    restart(&sandbox).await
}

/// Everything is as it should be; nothing may be written.
async fn restart(sandbox: &Sandbox) -> Result<(), Box<dyn Error>> {
    sandbox.kubernetes.forget_requests();
    let (calls, bytes) = (calls(sandbox), sandbox.aiven.bytes());
    let operator = Operator::start(sandbox)?;
    let took = operator.ready().await?;
    println!("  restart with nothing to do: ready after {}", seconds(took));
    quiet(sandbox).await;
    let (writes, reads, events) = requests(sandbox);
    let (calls, bytes) = (self::calls(sandbox) - calls, sandbox.aiven.bytes() - bytes);
    println!("    Kubernetes: {reads} reads, {writes} writes, {events} events; Aiven: {calls} calls, {bytes} bytes");
    println!("    {}", operator.usage()?);
    operator.stop().await
}

/// What was spent until a moment.
struct Spent {
    calls: Vec<(String, u64)>,
    bytes: u64,
    writes: Vec<(String, u64)>,
    usage: Usage,
}

impl Spent {
    fn of(sandbox: &Sandbox, operator: &Operator) -> Result<Self, Box<dyn Error>> {
        let calls = sandbox.aiven.counts().into_iter();
        let calls = calls.map(|((operation, status), times)| (format!("{operation} {}", status.unwrap_or(0)), times));
        let written = sandbox.kubernetes.counts().into_iter().filter(|(count, _)| is_write(count));
        let writes =
            written.map(|(count, times)| (format!("{} {} {}", count.verb, count.resource, count.status), times));
        Ok(Spent {
            calls: calls.collect(),
            bytes: sandbox.aiven.bytes(),
            writes: writes.collect(),
            usage: operator.usage()?,
        })
    }

    fn since(self, before: &Spent) -> Spent {
        let less = |now: Vec<(String, u64)>, before: &[(String, u64)]| {
            let earlier = |name: &str| before.iter().find(|(known, _)| known == name).map_or(0, |(_, times)| *times);
            now.into_iter()
                .map(|(name, times)| (times - earlier(&name), name))
                .map(|(times, name)| (name, times))
                .collect()
        };
        let mut usage = self.usage;
        usage.processor -= before.usage.processor;
        Spent {
            calls: less(self.calls, &before.calls),
            bytes: self.bytes - before.bytes,
            writes: less(self.writes, &before.writes),
            usage,
        }
    }

    fn tell(&self, size: u32) {
        let each = |count: u64| format!("{:.2}", Duration::from_secs(count).as_secs_f64() / f64::from(size));
        let list = |what: &str, counts: &[(String, u64)]| {
            let all: u64 = counts.iter().map(|(_, times)| times).sum();
            println!("    {what}: {} for each application", each(all));
            for (name, times) in counts.iter().filter(|(_, times)| *times > 0) {
                println!("      {name}: {times}");
            }
        };
        list("Aiven calls", &self.calls);
        println!("    bytes that Aiven answered: {} for each application", self.bytes / u64::from(size));
        list("Kubernetes writes", &self.writes);
        println!("    processor: {}", seconds(self.usage.processor));
    }
}

fn is_write(count: &kubernetes::Count) -> bool {
    ["create", "update", "patch", "delete"].contains(&count.verb) && count.resource != "selfsubjectaccessreviews"
}

fn calls(sandbox: &Sandbox) -> u64 {
    sandbox.aiven.counts().values().sum()
}

/// Writes without events, reads, and events.
fn requests(sandbox: &Sandbox) -> (u64, u64, u64) {
    let mut all = (0, 0, 0);
    for (count, times) in sandbox.kubernetes.counts() {
        match (is_write(&count), count.resource.as_str()) {
            (true, "events") => all.2 += times,
            (true, _) => all.0 += times,
            (false, _) => all.1 += times,
        }
    }
    all
}

async fn complete(sandbox: &Sandbox, size: u32) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let mut told = Instant::now();
    let state = |app: &Value| app.pointer("/status/synchronizationState").and_then(Value::as_str).map(str::to_owned);
    loop {
        let all = sandbox.kubernetes.list("aivenapplications", "");
        let done = all.iter().filter(|app| state(app).as_deref() == Some("RolloutComplete")).count();
        if done == size as usize {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("only {done} of {size} are ready after {}", seconds(PATIENCE)).into());
        }
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            eprintln!("    {done} ready after {}", seconds(begun.elapsed()));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Waits until the journal holds nothing any more: users are remembered for a while after they were made.
async fn forgotten(sandbox: &Sandbox) {
    let entries = || {
        let journal = sandbox.kubernetes.get("configmaps", "aivenator", "aivenator-journal").unwrap_or_default();
        journal
            .get("data")
            .and_then(Value::as_object)
            .map_or(0, |data| data.keys().filter(|key| *key != "cluster").count())
    };
    while entries() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    quiet(sandbox).await;
}

/// Waits until nobody has asked for anything for a while.
async fn quiet(sandbox: &Sandbox) {
    let asked = || (calls(sandbox), sandbox.kubernetes.counts());
    let (mut last, mut since) = (asked(), Instant::now());
    while since.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = asked();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
