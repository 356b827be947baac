//! All connections to the target: which are open, which idle, and which have something to say.
//!
//! A connection is opened only for a request that is due now: one idle surplus connection blocks a
//! worker of a server that serves one connection at a time.
//!
//! Each connection is registered once and edge-triggered, so that a request costs one write and one read.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::clock::{RealTime, Sleeper, Timer, now_ns};
use super::lane::{Lane, Scratch, Step};
use super::{Pacing, Reuse, Tuning};
use crate::trial::Workload;
use crate::trial::outcome::{Ending, Shortage};
use crate::units::{u64_to_usize, usize_to_u64};

/// Answers are looked for at the latest so long after they came: their instants come from the kernel ...
const UNSEEN_MOST_NS: u64 = 5_000_000;
/// ... and those to queries, which may be larger than the kernel's buffer, after this.
const UNSEEN_QUERY_MOST_NS: u64 = 500_000;
/// So many connections are reported at once.
const EVENTS: usize = 256;
/// Stands for the timer among the connections.
const TIMER: u64 = u64::MAX;

/// Which request a connection carries: stream and serial number.
pub(super) type Load = (usize, u64);

/// A connection among all: its place, and which one in that place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LaneId {
    place: usize,
    turn: u32,
}

/// How a request may travel.
#[derive(Debug)]
pub(super) enum Claim {
    /// By a connection that is idle.
    Idle(LaneId),
    /// By one that is being opened.
    Opened(LaneId),
    /// Not now: as many are open as may be.
    Busy,
    /// Not at all.
    Failed(Ending),
}

/// The connections of one workload.
#[derive(Debug, Default)]
struct Fleet {
    idle: VecDeque<LaneId>,
    open: u32,
}

#[derive(Debug)]
struct Place {
    turn: u32,
    workload: Workload,
    lane: Option<Lane>,
    load: Option<Load>,
}

/// The connections to one target.
#[derive(Debug)]
pub(super) struct Lanes {
    epoll: Epoll,
    timer: Timer,
    sleeper: Sleeper,
    address: SocketAddr,
    tuning: Tuning,
    places: Vec<Place>,
    vacant: Vec<usize>,
    index: Fleet,
    dashboard: Fleet,
    events: Vec<EpollEvent>,
    ready: Vec<LaneId>,
    partly_read: usize,
    scratch: Scratch,
}

impl Lanes {
    /// To the target at `address`.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub(super) fn new(address: SocketAddr, tuning: Tuning) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = Timer::new()?;
        let on_expiry = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(&timer, EpollEvent::new(on_expiry, TIMER))?;
        Ok(Self {
            epoll,
            timer,
            sleeper: Sleeper::default(),
            address,
            tuning,
            places: Vec::new(),
            vacant: Vec::new(),
            index: Fleet::default(),
            dashboard: Fleet::default(),
            events: vec![EpollEvent::empty(); EVENTS],
            ready: Vec::new(),
            partly_read: 0,
            scratch: Scratch::new(),
        })
    }

    pub(super) const fn lanes_max(&self) -> u32 {
        self.tuning.lanes_max
    }

    pub(super) fn spins(&self) -> bool {
        self.tuning.pacing == Pacing::Spin
    }

    pub(super) fn has_idle(&self, workload: Workload) -> bool {
        !self.fleet(workload).idle.is_empty()
    }

    /// A connection that is idle, or a new one where there may be one more.
    pub(super) fn claim(&mut self, workload: Workload, load: Load, body_bytes_max: usize) -> Claim {
        let reuse = self.tuning.reuse;
        let idle = &mut self.fleet_mut(workload).idle;
        let id = match reuse {
            Reuse::Spread => idle.pop_front(),
            Reuse::LastUsed => idle.pop_back(),
        };
        if let Some(id) = id {
            if let Some(place) = self.place(id) {
                place.load = Some(load);
            }
            return Claim::Idle(id);
        }
        self.open(workload, load, body_bytes_max)
    }

    /// A new connection, where there may be one more.
    pub(super) fn open(&mut self, workload: Workload, load: Load, body_bytes_max: usize) -> Claim {
        if self.fleet(workload).open >= self.tuning.lanes_max {
            return Claim::Busy;
        }
        let lane = match Lane::open(self.address, body_bytes_max, now_ns()) {
            Ok(lane) => lane,
            Err(ending) => return Claim::Failed(ending),
        };
        let vacant = self.vacant.pop();
        let place = vacant.unwrap_or(self.places.len());
        if vacant.is_none() {
            self.places.push(Place { turn: 0, workload, lane: None, load: None });
        }
        let Some(slot) = self.places.get_mut(place) else { return Claim::Busy };
        slot.turn = slot.turn.wrapping_add(1);
        let id = LaneId { place, turn: slot.turn };
        let on = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLET;
        if self.epoll.add(&lane, EpollEvent::new(on, word_of(id))).is_err() {
            self.vacant.push(place);
            return Claim::Failed(Ending::Unsent(Shortage::Generator));
        }
        (slot.lane, slot.load, slot.workload) = (Some(lane), Some(load), workload);
        self.fleet_mut(workload).open += 1;
        Claim::Opened(id)
    }

    /// Begins to send `request` by an idle connection.
    pub(super) fn begin(&mut self, id: LaneId, request: &[u8]) -> Step {
        self.lane(id).map_or(Step::Untouched, |lane| lane.begin(request, now_ns()))
    }

    /// What a connection carries that is ready; an idle one is looked after here.
    pub(super) fn load_of(&mut self, id: LaneId, time: RealTime) -> Option<Load> {
        let place = self.places.get_mut(id.place).filter(|place| place.turn == id.turn)?;
        let lane = place.lane.as_mut()?;
        if place.load.is_none() && !lane.is_quiet(&mut self.scratch, time) {
            let fleet = match place.workload {
                Workload::Index => &mut self.index,
                Workload::Dashboard => &mut self.dashboard,
            };
            fleet.idle.retain(|idle| *idle != id);
            self.close(id);
            return None;
        }
        place.load
    }

    /// Goes on with the request of a connection that is ready.
    pub(super) fn advance(&mut self, id: LaneId, request: &[u8], time: RealTime) -> Step {
        let place = self.places.get_mut(id.place).filter(|place| place.turn == id.turn);
        let Some(lane) = place.and_then(|place| place.lane.as_mut()) else { return Step::Pending };
        let was = usize::from(lane.is_partly_read());
        let step = lane.advance(request, &mut self.scratch, time);
        let is = usize::from(step == Step::Pending && lane.is_partly_read());
        self.partly_read = (self.partly_read + is).saturating_sub(was);
        if is > 0 && lane.has_more() {
            self.ready.push(id);
        }
        step
    }

    /// The connection itself, for what it knows of its answer.
    pub(super) fn lane(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.place(id)?.lane.as_mut()
    }

    /// After an answer: the connection is idle again, or closed where it is of no more use.
    pub(super) fn rest(&mut self, id: LaneId, request: &[u8]) {
        let Some(place) = self.place(id) else { return };
        place.load = None;
        let workload = place.workload;
        if place.lane.as_mut().is_some_and(|lane| lane.rest(request)) {
            self.fleet_mut(workload).idle.push_back(id);
        } else {
            self.close(id);
        }
    }

    /// Closes a connection.
    pub(super) fn close(&mut self, id: LaneId) {
        drop(self.take_out(id));
    }

    /// Closes the connection of a request that is given up; when its first byte was sent, if it was.
    pub(super) fn abort(&mut self, id: LaneId) -> Option<u64> {
        let lane = self.take_out(id)?;
        self.partly_read = self.partly_read.saturating_sub(usize::from(lane.is_partly_read()));
        let sent_ns = lane.sent_ns();
        lane.abort();
        sent_ns
    }

    fn take_out(&mut self, id: LaneId) -> Option<Lane> {
        let place = self.place(id)?;
        place.load = None;
        let (lane, workload) = (place.lane.take()?, place.workload);
        self.vacant.push(id.place);
        let fleet = self.fleet_mut(workload);
        fleet.open = fleet.open.saturating_sub(1);
        Some(lane)
    }

    /// Sleeps until `until_ns`, or until a connection has something to say where that would otherwise go unseen
    /// for too long; then every connection that has is in [`Self::take_ready`].
    pub(super) fn wait(&mut self, until_ns: u64) {
        let now = now_ns();
        let is_pressing = !self.ready.is_empty() || self.spins();
        if until_ns <= now || is_pressing {
            return self.look(EpollTimeout::ZERO);
        }
        let is_queried = usize_to_u64(self.dashboard.idle.len()) < u64::from(self.dashboard.open);
        let unseen_ns = if is_queried { UNSEEN_QUERY_MOST_NS } else { UNSEEN_MOST_NS };
        if until_ns - now <= unseen_ns && self.partly_read == 0 {
            self.sleeper.sleep_until(until_ns);
            return self.look(EpollTimeout::ZERO);
        }
        self.timer.set(until_ns);
        self.look(EpollTimeout::NONE);
    }

    /// Notes every connection that has something to say now.
    pub(super) fn look(&mut self, timeout: EpollTimeout) {
        let mut timeout = timeout;
        loop {
            let count = self.epoll.wait(&mut self.events, timeout).unwrap_or_default();
            for position in 0..count {
                let Some(event) = self.events.get(position).copied() else { break };
                if event.data() == TIMER {
                    continue;
                }
                let id = id_of(event.data());
                if event.events().contains(EpollFlags::EPOLLRDHUP)
                    && let Some(lane) = self.lane(id)
                {
                    lane.note_closing();
                }
                self.ready.push(id);
            }
            if count < EVENTS {
                return;
            }
            timeout = EpollTimeout::ZERO;
        }
    }

    /// The connections that had something to say; given back with [`Self::give_back`].
    pub(super) fn take_ready(&mut self) -> Vec<LaneId> {
        std::mem::take(&mut self.ready)
    }

    /// Keeps the memory of `ready` for the next look.
    pub(super) fn give_back(&mut self, mut ready: Vec<LaneId>) {
        ready.clear();
        ready.append(&mut self.ready);
        self.ready = ready;
    }

    fn place(&mut self, id: LaneId) -> Option<&mut Place> {
        self.places.get_mut(id.place).filter(|place| place.turn == id.turn)
    }

    const fn fleet(&self, workload: Workload) -> &Fleet {
        match workload {
            Workload::Index => &self.index,
            Workload::Dashboard => &self.dashboard,
        }
    }

    const fn fleet_mut(&mut self, workload: Workload) -> &mut Fleet {
        match workload {
            Workload::Index => &mut self.index,
            Workload::Dashboard => &mut self.dashboard,
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
