//! What the kernel says of a process. `None` where there is no `/proc`.

use std::time::Duration;

/// Ticks a second in `/proc/PID/stat`: 100 on every Linux that Rust builds for.
const TICKS_PER_SECOND: u32 = 100;

/// CPU time of all its threads so far, in user and kernel mode; exact to 10 ms.
pub(crate) fn cpu(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything; what follows it begins with the
    // third field.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let kernel: u32 = fields.next()?.parse().ok()?;
    Some(Duration::from_secs(1) * (user + kernel) / TICKS_PER_SECOND)
}

/// Resident memory in bytes now.
pub(crate) fn memory(process: u32) -> Option<u64> {
    status(process, "VmRSS:")
}

/// The most resident memory in bytes that it ever had.
pub(crate) fn peak_memory(process: u32) -> Option<u64> {
    status(process, "VmHWM:")
}

fn status(process: u32, key: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
