//! When and where a run took place: the only place that asks for the calendar time.
//!
//! The machine's name is kept only as a hash, so that results can be shared.

use std::collections::BTreeMap;
use std::fs;
use std::thread::available_parallelism;

use jiff::Timestamp;

use crate::seed::{Seed, mix};

/// When a run started.
#[derive(Debug, Clone)]
pub struct Started {
    /// For the folder's name: `20261123T151500Z`.
    pub stamp: String,
    /// For the result: RFC 3339.
    pub utc: String,
}

/// The present instant.
#[must_use]
pub fn started() -> Started {
    let now = Timestamp::now();
    Started {
        stamp: now.strftime("%Y%m%dT%H%M%SZ").to_string(),
        utc: now.strftime("%FT%TZ").to_string(),
    }
}

/// What is known of the machine, as text; what cannot be read is left out.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let files = [
        ("kernel", "/proc/sys/kernel/osrelease"),
        ("load_before", "/proc/loadavg"),
        ("somaxconn", "/proc/sys/net/core/somaxconn"),
        ("port_range", "/proc/sys/net/ipv4/ip_local_port_range"),
        ("clock_source", "/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        ("cgroup_cpu_max", "/sys/fs/cgroup/cpu.max"),
        ("cgroup_memory_max", "/sys/fs/cgroup/memory.max"),
    ];
    for (name, path) in files {
        if let Ok(text) = fs::read_to_string(path) {
            facts.insert(name.to_owned(), text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    if let Some(model) = value_in("/proc/cpuinfo", "model name") {
        facts.insert("cpu_model".to_owned(), model);
    }
    if let Some(memory) = value_in("/proc/meminfo", "MemTotal") {
        facts.insert("memory".to_owned(), memory);
    }
    if let Ok(cores) = available_parallelism() {
        facts.insert("cores".to_owned(), cores.to_string());
    }
    if let Ok(name) = fs::read_to_string("/proc/sys/kernel/hostname") {
        facts.insert("host_hash".to_owned(), format!("{:016x}", mix(Seed(0).named(name.trim()).0)));
    }
    facts.insert("os".to_owned(), std::env::consts::OS.to_owned());
    facts.insert("architecture".to_owned(), std::env::consts::ARCH.to_owned());
    facts
}

/// The value behind the first line `key : value` of a file.
fn value_in(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_name_is_not_among_the_facts() {
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let facts = environment();
        assert!(facts.contains_key("kernel") && facts.contains_key("cores"), "{facts:?}");
        let name = name.trim();
        assert!(name.is_empty() || !facts.values().any(|fact| fact == name), "only its hash is");
    }

    #[test]
    fn the_stamp_sorts_by_time_and_fits_a_file_name() {
        let stamp = started().stamp;
        assert_eq!(stamp.len(), 16, "{stamp}");
        assert!(stamp.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{stamp}");
    }
}
