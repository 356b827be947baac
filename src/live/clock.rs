//! The monotonic clock, and waiting for an instant of it. The only place that asks the system the time.
//!
//! Waiting is by the kernel's own timers: those of a runtime go by whole milliseconds and wake a millisecond
//! late on average, which is more than most answers take.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{
    ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags,
};
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// Nanoseconds of the monotonic clock.
///
/// # Panics
/// When the system has no monotonic clock; nothing could be measured on it.
#[must_use]
pub fn now_ns() -> u64 {
    read_ns(ClockId::CLOCK_MONOTONIC)
}

#[allow(clippy::expect_used, reason = "every supported system has both clocks")]
fn read_ns(clock: ClockId) -> u64 {
    let now = clock_gettime(clock).expect("the system has this clock");
    crate::units::duration_to_ns(Duration::from(now))
}

/// Asks the kernel to wake this thread when it wants to be woken, and not up to 50 µs later.
///
/// Where the kernel refuses, lateness says so.
pub fn make_waits_precise() {
    let _ = prctl::set_timerslack(1);
}

/// Sleeps to the microsecond: a machine wakes its threads some tens of microseconds late, nearly always by the same,
/// so that it is asked to wake that much earlier. What it wakes too early is waited out awake.
#[derive(Debug, Default)]
pub(super) struct Sleeper {
    early_ns: u64,
}

impl Sleeper {
    /// Blocks this thread until `at_ns` of [`now_ns`].
    pub(super) fn sleep_until(&mut self, at_ns: u64) {
        let wake_ns = at_ns.saturating_sub(self.early_ns);
        let mut now = now_ns();
        if wake_ns > now {
            sleep_until(wake_ns);
            now = now_ns();
            // Follows the delay that a quarter of all wakings stay below.
            let is_later = now.saturating_sub(wake_ns) > self.early_ns;
            self.early_ns = if is_later {
                (self.early_ns + EARLIER_NS).min(EARLY_MOST_NS)
            } else {
                self.early_ns.saturating_sub(3 * EARLIER_NS)
            };
        }
        while now < at_ns {
            std::hint::spin_loop();
            now = now_ns();
        }
    }
}

/// By how much a waking is asked for earlier after one that came late ...
const EARLIER_NS: u64 = 250;
/// ... and at the most, in all.
const EARLY_MOST_NS: u64 = 80_000;

/// Blocks this thread until `at_ns` of [`now_ns`], or a little later.
pub(super) fn sleep_until(at_ns: u64) {
    let wake = TimeSpec::from(Duration::from_nanos(at_ns));
    // A signal may end the sleep early; the instant is absolute, so sleeping again is exact.
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &wake)
        == Err(Errno::EINTR)
    {}
}

/// Both clocks at one instant: the kernel stamps what arrives by the other one.
#[derive(Debug, Clone, Copy)]
pub(super) struct RealTime {
    pub(super) now_ns: u64,
    real_ns: u64,
}

impl RealTime {
    pub(super) fn now() -> Self {
        Self { now_ns: now_ns(), real_ns: read_ns(ClockId::CLOCK_REALTIME) }
    }

    /// When a stamp of the real clock was, by the monotonic one; `None` for one that was not set.
    ///
    /// Where the real clock was set in between, the result is later than now or before the request was sent:
    /// the caller knows better then.
    pub(super) fn monotonic_ns(self, stamp: TimeSpec) -> Option<u64> {
        let stamp_ns = crate::units::duration_to_ns(Duration::from(stamp));
        // A stamp may be a hair later than the reading of the clock.
        let age_ns = self.real_ns.saturating_sub(stamp_ns);
        (stamp_ns > 0).then(|| self.now_ns.saturating_sub(age_ns))
    }
}

/// A timer that can be waited for together with connections.
#[derive(Debug)]
pub(super) struct Timer(TimerFd);

impl Timer {
    /// A timer that is not set.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        Ok(Self(TimerFd::new(TimerClock::CLOCK_MONOTONIC, flags)?))
    }

    /// Expires at `at_ns` of [`now_ns`].
    ///
    /// # Panics
    /// When the system refuses to set the timer: nothing would ever be sent again.
    #[allow(clippy::expect_used, reason = "a timer of our own accepts every instant")]
    pub(super) fn set(&self, at_ns: u64) {
        let instant = Expiration::OneShot(Duration::from_nanos(at_ns).into());
        self.0.set(instant, TimerSetTimeFlags::TFD_TIMER_ABSTIME).expect("the timer can be set");
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
