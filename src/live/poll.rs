//! Which connections have something to say, and waking at an instant.
//!
//! Each connection is registered once and edge-triggered, so that a request costs one write and one read.

use std::io;
use std::os::fd::AsFd;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::clock::{Sleeper, Timer};
use super::lanes::LaneId;
use crate::units::{u64_to_usize, usize_to_u64};

/// So many connections are reported at once.
const EVENTS: usize = 256;
/// Stands for the timer among the connections.
const TIMER: u64 = u64::MAX;

/// Waits for connections and for the clock.
#[derive(Debug)]
pub(super) struct Poll {
    epoll: Epoll,
    timer: Timer,
    sleeper: Sleeper,
    events: Vec<EpollEvent>,
}

impl Poll {
    /// Of no connection yet.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub(super) fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = Timer::new()?;
        let on_expiry = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(&timer, EpollEvent::new(on_expiry, TIMER))?;
        let events = vec![EpollEvent::empty(); EVENTS];
        Ok(Self { epoll, timer, sleeper: Sleeper::default(), events })
    }

    /// Has `socket` reported as `id` from now until it is closed.
    ///
    /// # Errors
    /// When the system cannot watch one more.
    pub(super) fn add(&self, socket: &impl AsFd, id: LaneId) -> io::Result<()> {
        let on = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLET;
        Ok(self.epoll.add(socket, EpollEvent::new(on, word_of(id)))?)
    }

    /// Sleeps until `at_ns` to the microsecond, whatever connections have to say.
    pub(super) fn sleep_until(&mut self, at_ns: u64) {
        self.sleeper.sleep_until(at_ns);
    }

    /// Sleeps until a connection has something to say, and until `until_ns` at the longest; see [`Self::look`].
    pub(super) fn wait(&mut self, until_ns: u64, note: impl FnMut(LaneId, bool)) {
        self.timer.set(until_ns);
        self.take(EpollTimeout::NONE, note);
    }

    /// Hands over every connection that has something to say now, and whether the other side has closed it.
    pub(super) fn look(&mut self, note: impl FnMut(LaneId, bool)) {
        self.take(EpollTimeout::ZERO, note);
    }

    fn take(&mut self, timeout: EpollTimeout, mut note: impl FnMut(LaneId, bool)) {
        let mut timeout = timeout;
        loop {
            let count = self.epoll.wait(&mut self.events, timeout).unwrap_or_default();
            for event in self.events.iter().take(count).filter(|event| event.data() != TIMER) {
                note(id_of(event.data()), event.events().contains(EpollFlags::EPOLLRDHUP));
            }
            if count < EVENTS {
                return;
            }
            timeout = EpollTimeout::ZERO;
        }
    }
}

fn word_of(id: LaneId) -> u64 {
    (u64::from(id.turn) << 32) | usize_to_u64(id.place)
}

fn id_of(word: u64) -> LaneId {
    let turn = u32::try_from(word >> 32).unwrap_or_default();
    LaneId { place: u64_to_usize(word & u64::from(u32::MAX)), turn }
}
