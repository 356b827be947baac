//! Where and when a run took place: the only file that asks for wall time, and reads what the kernel says
//! about the machine. What cannot be found out stays unknown; no run fails for it.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::report::environment::{EnvironmentRecord, ToolRecord};
use crate::seed::Seed;
use crate::units::usize_to_u64;

/// An instant of wall time, taken once, so that a run's folder and its manifest agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(Timestamp);

impl Stamp {
    /// The present.
    #[must_use]
    pub fn now() -> Self {
        Self(Timestamp::now())
    }

    /// Nanoseconds since 1970; 0 before.
    #[must_use]
    pub fn unix_ns(self) -> u64 {
        u64::try_from(self.0.as_nanosecond()).unwrap_or_default()
    }

    /// For the name of a folder, such as `20261123T151500Z`.
    #[must_use]
    pub fn compact(self) -> String {
        self.0.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// For a manifest, such as `2026-11-23T15:15:00Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

/// Limits of the process on file descriptors, as its caller asked the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileLimits {
    /// The limit that holds.
    pub soft: Option<u64>,
    /// How far it may be raised.
    pub hard: Option<u64>,
}

/// This tool. What it was built from is known where the build script could ask git and the compiler.
#[must_use]
pub fn tool() -> ToolRecord {
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    ToolRecord {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: option_env!("BUILT_FROM_COMMIT").map(str::to_owned),
        dirty: option_env!("BUILT_FROM_DIRTY").map(|dirty| dirty == "true"),
        rustc: option_env!("BUILT_BY_RUSTC").map(str::to_owned),
        build: Some(build.to_owned()),
    }
}

/// The machine that the process runs on, as it is now; best asked before any load.
#[must_use]
pub fn environment(limits: FileLimits) -> EnvironmentRecord {
    let cores = std::thread::available_parallelism().ok();
    let cpu = text("/proc/cpuinfo");
    EnvironmentRecord {
        kernel: text("/proc/sys/kernel/osrelease"),
        distribution: text("/etc/os-release").and_then(|release| distribution(&release)),
        cpu_model: cpu.as_deref().and_then(|info| field(info, "model name")),
        cores: cores.map(|cores| usize_to_u64(cores.get())),
        governor: text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        memory_bytes: text("/proc/meminfo").and_then(|info| memory_bytes(&info)),
        cgroup_cores: text("/sys/fs/cgroup/cpu.max").and_then(|quota| cgroup_cores(&quota)),
        // `max` is no number and no limit.
        cgroup_memory_bytes: text("/sys/fs/cgroup/memory.max").and_then(|most| nth_word(&most, 0)),
        load_average: text("/proc/loadavg").and_then(|load| nth_word(&load, 0)),
        container: container(),
        virtual_machine: cpu
            .as_deref()
            .and_then(|info| field(info, "flags"))
            .map(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor")),
        clock_source: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        time_zone: TimeZone::system().iana_name().map(str::to_owned),
        somaxconn: text("/proc/sys/net/core/somaxconn").and_then(|count| nth_word(&count, 0)),
        port_range: text("/proc/sys/net/ipv4/ip_local_port_range")
            .and_then(|range| Some([nth_word(&range, 0)?, nth_word(&range, 1)?])),
        nofile_soft: limits.soft,
        nofile_hard: limits.hard,
        host_hash: text("/proc/sys/kernel/hostname").map(|name| host_hash(&name)),
    }
}

/// A file's text without the white space around it; `None` where it cannot be read or is empty.
fn text(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn nth_word<T: FromStr>(text: &str, position: usize) -> Option<T> {
    text.split_whitespace().nth(position)?.parse().ok()
}

/// The value of the first line `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// `PRETTY_NAME="…"` of an os-release file.
fn distribution(release: &str) -> Option<String> {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 = nth_word(&field(meminfo, "MemTotal")?, 0)?;
    kibibytes.checked_mul(1024)
}

/// `quota period` in microseconds as a number of cores; `max` is no limit.
fn cgroup_cores(quota: &str) -> Option<f64> {
    let (quota_us, period_us): (f64, f64) = (nth_word(quota, 0)?, nth_word(quota, 1)?);
    (period_us > 0.0).then(|| quota_us / period_us)
}

fn container() -> Option<String> {
    if Path::new("/.dockerenv").exists() {
        return Some("docker".to_owned());
    }
    if Path::new("/run/.containerenv").exists() {
        return Some("podman".to_owned());
    }
    let groups = text("/proc/1/cgroup")?;
    ["kubepods", "docker", "lxc"]
        .into_iter()
        .find(|hint| groups.contains(hint))
        .map(|hint| if hint == "kubepods" { "kubernetes".to_owned() } else { hint.to_owned() })
}

/// Tells machines apart without naming them; not a secret, only not readable.
fn host_hash(name: &str) -> String {
    format!("{:016x}", Seed(0).named(name).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_sorts_as_a_folder_and_reads_as_a_time() {
        let stamp = Stamp(Timestamp::from_second(1_795_446_900).unwrap());
        assert_eq!(stamp.compact(), "20261123T151500Z");
        assert_eq!(stamp.rfc3339(), "2026-11-23T15:15:00Z");
    }

    #[test]
    fn what_the_kernel_says_is_read_with_its_units() {
        let meminfo = "MemTotal:       16384 kB\nMemFree:  1 kB";
        assert_eq!(memory_bytes(meminfo), Some(16_777_216), "kibibytes");
        assert_eq!(cgroup_cores("150000 100000"), Some(1.5), "a core and a half");
        assert_eq!(cgroup_cores("max 100000"), None, "no limit");
        assert_eq!(nth_word::<u64>("32768\t60999", 1), Some(60_999), "the last port");
        assert_eq!(text("/proc/no such file"), None, "unknown, not an error");
    }

    #[test]
    fn the_host_is_told_apart_and_not_named() {
        let (one, other) = (host_hash("alpha"), host_hash("beta"));
        assert_ne!(one, other, "two hosts differ");
        assert_eq!(one.len(), 16, "and no name is to be seen in {one}");
    }

    #[test]
    fn this_machine_has_cores_and_the_tool_a_name() {
        let environment = environment(FileLimits { soft: Some(1024), hard: None });
        assert!(environment.cores.is_some_and(|cores| cores > 0), "{environment:?}");
        assert_eq!(environment.nofile_soft, Some(1024), "limits come from the caller");
        assert_eq!(tool().name, "plimsoll", "the tool knows its name");
    }
}
