//! The generator's own processor time and its descriptors.

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeVal;

/// Descriptors that are not connections: files, pipes, timers, the runtime's own.
const SPARE_DESCRIPTORS: u64 = 64;
/// Streams that may hold connections at the same time.
const STREAMS: u64 = 2;

/// Measures the processor time of this process over a stretch.
#[derive(Debug)]
pub(super) struct CpuMeter {
    start_s: f64,
}

impl CpuMeter {
    pub(super) fn start() -> Self {
        Self { start_s: cpu_s() }
    }

    /// Seconds of processor time since the start.
    pub(super) fn spent_s(&self) -> f64 {
        cpu_s() - self.start_s
    }
}

/// User and system time of this thread, in seconds: it does all the work of the generator.
fn cpu_s() -> f64 {
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_THREAD)
        .map_or(0.0, |usage| seconds(usage.user_time()) + seconds(usage.system_time()))
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
