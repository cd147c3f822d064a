//! What the process uses, as every Prometheus client names it; read from `/proc` when asked.
//!
//! What cannot be read is left out. Decides nothing.

use std::fs;

use super::live::Text;

/// How many ticks `/proc` counts in a second, on every architecture that this program is built for.
const TICKS: f64 = 100.0;

/// Adds what is known of this process.
pub(super) fn write(text: &mut Text) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let mut gauge = |name, help, value: Option<f64>| {
        if let Some(value) = value {
            text.family(name, help, "gauge");
            text.sample(name, &[], value);
        }
    };
    gauge("process_max_fds", "how many file descriptors may be open", max_fds());
    gauge("process_open_fds", "how many file descriptors are open", open_fds());
    gauge("process_resident_memory_bytes", "memory in use, in bytes", bytes(&status, "VmRSS:"));
    gauge("process_start_time_seconds", "when the process started, in seconds since 1970", started(&stat));
    gauge("process_virtual_memory_bytes", "address space in use, in bytes", bytes(&status, "VmSize:"));
    if let Some(seconds) = cpu(&stat) {
        text.family("process_cpu_seconds_total", "processor time used, in seconds", "counter");
        text.sample("process_cpu_seconds_total", &[], seconds);
    }
}

/// Reads a line such as `VmRSS:     1234 kB`.
fn bytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// Reads a field of `/proc/self/stat` by its number in the manual, from 3 on: the name before them may hold anything.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

fn cpu(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS)
}

fn started(stat: &str) -> Option<f64> {
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + field(stat, 22)? / TICKS)
}

fn open_fds() -> Option<f64> {
    // The listing itself is one of them.
    let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    u32::try_from(open).ok().map(f64::from)
}

fn max_fds() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_moves_no_field() {
        let stat = "7 (a) b (c)) S 1 2 3 0 -1 4194560 10 0 0 0 250 50 0 0 20 0 5 0 4200 1000 30";
        assert_eq!(cpu(stat), Some(3.0));
        assert_eq!(field(stat, 22), Some(4200.0));
        assert_eq!(cpu(""), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        assert_eq!(bytes("Name:\ta\nVmRSS:\t    12 kB\n", "VmRSS:"), Some(12288.0));
        assert_eq!(bytes("VmRSS:\n", "VmRSS:"), None);
    }
}
