//! What the generator costs the machine, and how many descriptors it may have.

use std::ops::Add;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeVal;
use procfs::process::Process;

use crate::units::usize_to_u64;

/// Descriptors that are not connections: files, pipes, timers, the runtime's own.
const SPARE_DESCRIPTORS: u64 = 64;
/// Streams that may hold connections at the same time.
const STREAMS: u64 = 2;

/// What a thread has cost the machine.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Effort {
    /// Processor time, user and system, in seconds.
    pub(super) cpu_s: f64,
    /// Times that it gave its processor up to wait.
    pub(super) sleeps: u64,
    /// Times that its processor was taken from it.
    pub(super) preemptions: u64,
}

impl Add for Effort {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu_s: self.cpu_s + other.cpu_s,
            sleeps: self.sleeps + other.sleeps,
            preemptions: self.preemptions + other.preemptions,
        }
    }
}

/// Measures what the calling thread costs over a stretch.
#[derive(Debug)]
pub(super) struct EffortMeter {
    start: Effort,
}

impl EffortMeter {
    pub(super) fn start() -> Self {
        Self { start: effort() }
    }

    /// What it has cost since the start; to be asked on the same thread.
    pub(super) fn spent(&self) -> Effort {
        let now = effort();
        Effort {
            cpu_s: now.cpu_s - self.start.cpu_s,
            sleeps: now.sleeps.saturating_sub(self.start.sleeps),
            preemptions: now.preemptions.saturating_sub(self.start.preemptions),
        }
    }
}

fn effort() -> Effort {
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    let count = |switches| u64::try_from(switches).unwrap_or_default();
    getrusage(UsageWho::RUSAGE_THREAD).map_or_else(
        |_| Effort::default(),
        |usage| Effort {
            cpu_s: seconds(usage.user_time()) + seconds(usage.system_time()),
            sleeps: count(usage.voluntary_context_switches()),
            preemptions: count(usage.involuntary_context_switches()),
        },
    )
}

/// Raises the limit of open descriptors to what the system allows, and says how many connections a
/// stream may then have: at most `wanted`.
#[must_use]
pub fn raise_descriptors(wanted: u32) -> u32 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return wanted.min(256);
    };
    let raised = if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft };
    let per_stream = raised.saturating_sub(SPARE_DESCRIPTORS) / STREAMS;
    wanted.min(u32::try_from(per_stream).unwrap_or(u32::MAX)).max(1)
}

/// The soft and the hard limit of open descriptors, where the system tells them.
#[must_use]
pub fn descriptor_limits() -> (Option<u64>, Option<u64>) {
    getrlimit(Resource::RLIMIT_NOFILE).map_or((None, None), |(soft, hard)| (Some(soft), Some(hard)))
}

/// How many descriptors this process has open, where the system tells.
#[must_use]
pub(super) fn open_descriptors() -> Option<u64> {
    Process::myself().ok()?.fd_count().ok().map(usize_to_u64)
}
