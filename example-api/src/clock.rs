//! The only file that asks the system for the time, and the only one that sleeps.
//!
//! All times but [`unix_ms`] are nanoseconds since the server started (`…_ns`), read from `CLOCK_MONOTONIC`. Taking
//! them from there rather than from `Instant` lets a worker sleep until an absolute instant, so
//! that being woken late once never delays what comes after.

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// Nanoseconds in a second.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;

/// Nanoseconds in a millisecond.
pub(crate) const MILLISECOND_NS: u64 = 1_000_000;

/// The server's clock: zero is the start of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin_ns: u64,
}

impl Clock {
    /// A clock that reads zero now.
    pub(crate) fn start() -> Self {
        Self { origin_ns: read_ns(ClockId::CLOCK_MONOTONIC) }
    }

    /// Nanoseconds since the start of the server.
    pub(crate) fn now_ns(self) -> u64 {
        read_ns(ClockId::CLOCK_MONOTONIC).saturating_sub(self.origin_ns)
    }

    /// Blocks this thread until the clock reads `until_ns`; returns at once when that is past.
    pub(crate) fn sleep_until(self, until_ns: u64) {
        let wake = timespec(self.origin_ns.saturating_add(until_ns));
        // A signal may end the sleep early; the instant is absolute, so sleeping again is exact.
        while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &wake)
            == Err(Errno::EINTR)
        {}
    }
}

/// A time in whole nanoseconds; zero for one that is negative or beyond all bounds.
pub(crate) fn whole_ns(time_ns: f64) -> u64 {
    let time = std::time::Duration::try_from_secs_f64(time_ns / SECOND_NS as f64);
    time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// Milliseconds since 1970, as the system tells the time of day.
pub(crate) fn unix_ms() -> u64 {
    read_ns(ClockId::CLOCK_REALTIME) / MILLISECOND_NS
}

/// CPU time that the calling thread has used so far, in nanoseconds.
pub(crate) fn thread_cpu_ns() -> u64 {
    read_ns(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// Asks the kernel to wake this thread on time instead of up to 50 µs late.
///
/// Where the kernel refuses, sleeps end a little later; the capacity stays the same.
pub(crate) fn make_sleeps_precise() {
    let _ = prctl::set_timerslack(1);
}

fn read_ns(id: ClockId) -> u64 {
    // Neither clock can fail on Linux once the process runs; zero would only make time stand still.
    clock_gettime(id).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let nanos = u64::try_from(time.tv_nsec()).unwrap_or(0);
        seconds.saturating_mul(SECOND_NS).saturating_add(nanos)
    })
}

fn timespec(at_ns: u64) -> TimeSpec {
    let seconds = i64::try_from(at_ns / SECOND_NS).unwrap_or(i64::MAX);
    let nanos = i64::try_from(at_ns % SECOND_NS).unwrap_or(0);
    TimeSpec::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_never_ends_before_its_instant() {
        let clock = Clock::start();
        let until_ns = clock.now_ns() + 3 * MILLISECOND_NS;
        clock.sleep_until(until_ns);
        assert!(clock.now_ns() >= until_ns, "the sleep ended early");
    }

    #[test]
    fn an_instant_in_the_past_is_no_sleep() {
        let clock = Clock::start();
        clock.sleep_until(0);
        assert!(clock.now_ns() < SECOND_NS, "slept for an instant in the past");
    }

    #[test]
    fn the_cpu_clock_stands_still_during_a_sleep() {
        let clock = Clock::start();
        let before_ns = thread_cpu_ns();
        clock.sleep_until(clock.now_ns() + 50 * MILLISECOND_NS);
        assert!(thread_cpu_ns() - before_ns < 40 * MILLISECOND_NS, "sleeping used the CPU");
    }
}
