//! The monotonic clock, and waiting for an instant of it. The only place that asks the system the time.
//!
//! Waiting is by timerfd: timers of the runtime go by whole milliseconds and wake a millisecond late on
//! average, which is more than most answers take.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use nix::sys::timerfd::{
    ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags,
};
use nix::time::{ClockId, clock_gettime};
use tokio::io::unix::AsyncFd;

/// Nanoseconds of the monotonic clock.
///
/// # Panics
/// When the system has no monotonic clock; nothing could be measured on it.
#[must_use]
#[allow(clippy::expect_used, reason = "every supported system has a monotonic clock")]
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the system has a monotonic clock");
    crate::units::duration_to_ns(Duration::from(now))
}

/// Wakes its waiter at an instant of the monotonic clock.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<Descriptor>,
}

/// The descriptor that the runtime polls.
#[derive(Debug)]
struct Descriptor(TimerFd);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Alarm {
    /// A timer that is not set.
    ///
    /// # Errors
    /// When no descriptor is left, or outside of a runtime.
    #[allow(
        deprecated,
        reason = "the replacement is unsafe; our descriptor lives as long as its registration"
    )]
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(TimerClock::CLOCK_MONOTONIC, flags)?;
        Ok(Self { timer: AsyncFd::new(Descriptor(timer))? })
    }

    /// Returns at `at_ns` of [`now_ns`], or as soon as the other tasks have had their turn if that has
    /// passed.
    ///
    /// # Panics
    /// When the system refuses to set the timer: nothing would ever be sent again.
    #[allow(clippy::expect_used, reason = "a timer of our own accepts every instant")]
    pub async fn wait_until(&mut self, at_ns: u64) {
        if at_ns <= now_ns() {
            tokio::task::yield_now().await;
            return;
        }
        let instant = Expiration::OneShot(Duration::from_nanos(at_ns).into());
        self.timer
            .get_ref()
            .0
            .set(instant, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
            .expect("the timer can be set");
        loop {
            let Ok(mut ready) = self.timer.readable().await else {
                return;
            };
            let read = ready.try_io(|timer| timer.get_ref().0.wait().map_err(io::Error::from));
            if read.is_ok() {
                return;
            }
        }
    }
}
