//! How pressed the machine of the generator is: tasks that wait for a processor, time that it never got.

use procfs::{CpuPressure, CpuTime, Current, CurrentSI, KernelStats};

use crate::trial::result::HostLoad;

/// Reads the kernel's counters over a stretch.
#[derive(Debug)]
pub(super) struct HostMeter {
    start: Reading,
}

/// The counters at one instant; `None` where the kernel does not tell.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Microseconds in which at least one task waited for a processor.
    stalled_us: Option<u64>,
    /// Processor time that went to other machines of the host, and all of it, in milliseconds.
    stolen_ms: Option<(u64, u64)>,
}

impl Reading {
    fn now() -> Self {
        let stats = KernelStats::current().ok();
        Self {
            stalled_us: CpuPressure::current().ok().map(|pressure| pressure.some.total),
            stolen_ms: stats.and_then(|stats| stolen_ms(&stats.total)),
        }
    }
}

fn stolen_ms(time: &CpuTime) -> Option<(u64, u64)> {
    let stolen = time.steal_ms()?;
    let optional = [time.iowait_ms(), time.irq_ms(), time.softirq_ms()];
    let own = time.user_ms() + time.nice_ms() + time.system_ms() + time.idle_ms();
    Some((stolen, stolen + own + optional.into_iter().flatten().sum::<u64>()))
}

impl HostMeter {
    pub(super) fn start() -> Self {
        Self { start: Reading::now() }
    }

    /// Shares of the `wall_s` seconds since the start.
    pub(super) fn load(&self, wall_s: f64) -> HostLoad {
        let (before, now) = (self.start, Reading::now());
        let stalled = before.stalled_us.zip(now.stalled_us);
        let stolen = before.stolen_ms.zip(now.stolen_ms);
        HostLoad {
            stalled_ratio: stalled
                .filter(|_| wall_s > 0.0)
                .map(|(before, now)| now.saturating_sub(before) as f64 / 1e6 / wall_s),
            stolen_ratio: stolen.map(|((stolen_before, all_before), (stolen, all))| {
                let passed = all.saturating_sub(all_before).max(1);
                stolen.saturating_sub(stolen_before) as f64 / passed as f64
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_shares_of_the_time_that_passed() {
        let meter = HostMeter { start: Reading { stalled_us: Some(0), stolen_ms: Some((0, 0)) } };
        let load = meter.load(1e9);
        assert!(load.stalled_ratio.is_none_or(|ratio| (0.0..1.0).contains(&ratio)), "{load:?}");
        assert!(load.stolen_ratio.is_none_or(|ratio| (0.0..1.0).contains(&ratio)), "{load:?}");
    }
}
