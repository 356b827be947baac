//! Stalls: pauses of all workers at once, as of a garbage collection or a full disk.
//!
//! With period `P` and length `S`, every worker stands still during the **last** `S` of each period
//! counted from the start of the server: `[P - S, P)`, `[2P - S, 2P)`, and so on. The server thus
//! begins with a good stretch. A service that meets a stall is suspended and goes on behind it; one
//! that would begin inside a stall begins behind it. Nothing starts or is completed strictly inside.
//!
//! The arithmetic runs in "work time", the time that passes only outside stalls: translate the
//! start into work time, add the service, translate back.

use crate::clock::MILLISECOND_NS;
use crate::source::{SettingError, Source, complaint};

/// When all workers stand still. The default has no stalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stalls {
    /// Length of one stall; less than the period.
    stall_ns: u64,
    /// Period; zero for no stalls.
    every_ns: u64,
}

impl Stalls {
    /// The stalls of the settings.
    pub(crate) fn read<F: Fn(&str) -> Option<String>>(
        source: &Source<F>,
    ) -> Result<Self, SettingError> {
        let stall_ms: u64 = source.whole("STALL_MS", 0, 3_600_000)?;
        let every_ms: u64 = source.whole("STALL_EVERY_MS", 0, 3_600_000)?;
        if stall_ms == 0 {
            return Ok(Stalls::default());
        }
        if every_ms == 0 {
            return Err(complaint("STALL_EVERY_MS", "must be set when STALL_MS is"));
        }
        Stalls::new(stall_ms * MILLISECOND_NS, every_ms * MILLISECOND_NS).ok_or_else(|| {
            complaint("STALL_MS", &format!("must be less than STALL_EVERY_MS={every_ms}"))
        })
    }

    /// Stalls of `stall_ns` at the end of every `every_ns`.
    ///
    /// `None` unless the stall is shorter than its period.
    pub(crate) fn new(stall_ns: u64, every_ns: u64) -> Option<Self> {
        (stall_ns < every_ns).then_some(Self { stall_ns, every_ns })
    }

    /// The instant at which a service of `service_ns`, begun at `start_ns`, is completed.
    pub(crate) fn completion_ns(self, start_ns: u64, service_ns: u64) -> u64 {
        if self.stall_ns == 0 {
            return start_ns.saturating_add(service_ns);
        }
        let done_work_ns = self.work_before_ns(start_ns).saturating_add(service_ns);
        // A service of no length inside a stall would otherwise end before it began.
        self.instant_of_work_ns(done_work_ns).max(start_ns)
    }

    /// Work time that has passed at `at_ns`.
    fn work_before_ns(self, at_ns: u64) -> u64 {
        let active_ns = self.every_ns - self.stall_ns;
        let periods = at_ns / self.every_ns;
        periods.saturating_mul(active_ns).saturating_add((at_ns % self.every_ns).min(active_ns))
    }

    /// The first instant at which `work_ns` of work time have passed.
    fn instant_of_work_ns(self, work_ns: u64) -> u64 {
        let active_ns = self.every_ns - self.stall_ns;
        // Work that fills a stretch exactly is done as the stall begins, not as it ends.
        let periods = work_ns.saturating_sub(1) / active_ns;
        work_ns.saturating_add(periods.saturating_mul(self.stall_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stalls(stall_ns: u64, every_ns: u64) -> Stalls {
        Stalls::new(stall_ns, every_ns).expect("a stall shorter than its period")
    }

    fn any_stalls() -> impl Strategy<Value = Stalls> {
        (1_u64..100_000)
            .prop_flat_map(|every_ns| (0..every_ns, Just(every_ns)))
            .prop_map(|(stall_ns, every_ns)| stalls(stall_ns, every_ns))
    }

    #[test]
    fn a_stall_as_long_as_its_period_is_refused() {
        assert_eq!(Stalls::new(5, 5), None, "no time would be left to work");
    }

    #[test]
    fn a_service_that_meets_a_stall_goes_on_behind_it() {
        let stalls = stalls(100, 500);
        assert_eq!(stalls.completion_ns(390, 10), 400, "done as the stall begins");
        assert_eq!(stalls.completion_ns(390, 11), 501, "one nanosecond is left for afterwards");
        assert_eq!(stalls.completion_ns(450, 10), 510, "begun inside the stall");
        assert_eq!(stalls.completion_ns(500, 10), 510, "begun as the stall ends");
        assert_eq!(stalls.completion_ns(0, 1000), 1200, "two stalls are crossed");
    }

    proptest! {
        #[test]
        fn without_stalls_the_service_is_all_there_is(start in 0_u64..1_000_000, service in 0_u64..1_000_000) {
            prop_assert_eq!(Stalls::default().completion_ns(start, service), start + service);
        }

        #[test]
        fn work_is_conserved(stalls in any_stalls(), start in 0_u64..1_000_000, service in 1_u64..1_000_000) {
            let done = stalls.completion_ns(start, service);
            prop_assert_eq!(stalls.work_before_ns(done) - stalls.work_before_ns(start), service);
        }

        #[test]
        fn nothing_is_completed_strictly_inside_a_stall(
            stalls in any_stalls(), start in 0_u64..1_000_000, service in 1_u64..1_000_000,
        ) {
            let into_period = stalls.completion_ns(start, service) % stalls.every_ns;
            prop_assert!(into_period <= stalls.every_ns - stalls.stall_ns);
        }

        #[test]
        fn a_later_start_or_a_longer_service_never_ends_earlier(
            stalls in any_stalls(), start in 0_u64..1_000_000, service in 0_u64..1_000_000, more in 0_u64..10_000,
        ) {
            let done = stalls.completion_ns(start, service);
            prop_assert!(stalls.completion_ns(start + more, service) >= done);
            prop_assert!(stalls.completion_ns(start, service + more) >= done);
            prop_assert!(done >= start + service);
        }

        #[test]
        fn two_services_in_a_row_end_with_the_sum(
            stalls in any_stalls(), start in 0_u64..1_000_000, first in 1_u64..1_000_000, second in 1_u64..1_000_000,
        ) {
            let in_a_row = stalls.completion_ns(stalls.completion_ns(start, first), second);
            prop_assert_eq!(in_a_row, stalls.completion_ns(start, first + second));
        }
    }
}
