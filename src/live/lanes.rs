//! All connections to the target: which are open, which idle, and which have something to say.
//!
//! A connection is opened only for a request that is due now: one idle surplus connection blocks a
//! worker of a server that serves one connection at a time.

use std::io;

use super::clock::{RealTime, now_ns};
use super::fleet::Fleet;
use super::lane::{Lane, Rest, Step};
use super::poll::Poll;
use super::ports::PortLedger;
use super::socket::Scratch;
use super::{Address, Pacing, Tuning};
use crate::trial::Workload;
use crate::trial::counts::Spread;
use crate::trial::outcome::{Ending, Shortage};
use crate::units::usize_to_u64;

/// Answers are looked for at the latest so long after they came: their instants come from the kernel ...
const UNSEEN_MOST_NS: u64 = 5_000_000;
/// ... and those to queries, which may be larger than the kernel's buffer, after this.
const UNSEEN_QUERY_MOST_NS: u64 = 500_000;

/// Which request a connection carries: stream and serial number.
pub(super) type Load = (usize, u64);

/// A connection among all: its place, and which one in that place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LaneId {
    pub(super) place: usize,
    pub(super) turn: u32,
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

#[derive(Debug)]
struct Place {
    turn: u32,
    workload: Workload,
    lane: Option<Lane>,
    load: Option<Load>,
    /// Whether it is left to the target to close.
    is_closing: bool,
}

/// Whether the connection of this name is open, and idle.
fn is_idle(places: &[Place], id: LaneId) -> bool {
    places.get(id.place).is_some_and(|place| {
        place.turn == id.turn && place.lane.is_some() && place.load.is_none() && !place.is_closing
    })
}

/// The connections of each workload.
#[derive(Debug, Default)]
struct Fleets {
    index: Fleet,
    dashboard: Fleet,
}

impl Fleets {
    const fn of(&mut self, workload: Workload) -> &mut Fleet {
        match workload {
            Workload::Index => &mut self.index,
            Workload::Dashboard => &mut self.dashboard,
        }
    }
}

/// The connections to one target.
#[derive(Debug)]
pub(super) struct Lanes {
    poll: Poll,
    address: Address,
    tuning: Tuning,
    places: Vec<Place>,
    vacant: Vec<usize>,
    fleets: Fleets,
    ports: PortLedger,
    ready: Vec<LaneId>,
    partly_read: usize,
    scratch: Scratch,
}

impl Lanes {
    /// To the target at `address`.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub(super) fn new(address: Address, tuning: Tuning) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            address,
            tuning,
            places: Vec::new(),
            vacant: Vec::new(),
            fleets: Fleets::default(),
            ports: PortLedger::default(),
            ready: Vec::new(),
            partly_read: 0,
            scratch: Scratch::new(),
        })
    }

    fn spins(&self) -> bool {
        self.tuning.pacing == Pacing::Spin
    }

    /// How many local ports are held by connections that were closed from this side.
    pub(super) fn ports_held(&mut self) -> u64 {
        self.ports.held(now_ns())
    }

    /// How evenly the open connections of `workload` were used since the last time this was asked.
    pub(super) fn take_spread(&mut self, workload: Workload) -> Spread {
        let mut spread = Spread::default();
        for place in self.places.iter_mut().filter(|place| place.workload == workload) {
            if let Some(lane) = place.lane.as_mut() {
                spread.add(lane.take_carried());
            }
        }
        spread
    }

    pub(super) fn has_idle(&mut self, workload: Workload) -> bool {
        self.fleets.of(workload).has_idle()
    }

    /// A connection that is idle, or a new one where there may be one more.
    pub(super) fn claim(&mut self, workload: Workload, load: Load, body_bytes_max: usize) -> Claim {
        let (reuse, places) = (self.tuning.reuse, &self.places);
        if let Some(id) = self.fleets.of(workload).take_idle(reuse, |id| is_idle(places, id)) {
            if let Some(place) = self.place(id) {
                place.load = Some(load);
            }
            return Claim::Idle(id);
        }
        self.open(workload, load, body_bytes_max)
    }

    /// A new connection, where there may be one more.
    pub(super) fn open(&mut self, workload: Workload, load: Load, body_bytes_max: usize) -> Claim {
        if self.fleets.of(workload).open >= self.tuning.lanes_max && !self.close_one(workload) {
            return Claim::Busy;
        }
        let lane = match Lane::open(&self.address, body_bytes_max, now_ns()) {
            Ok(lane) => lane,
            Err(ending) => return Claim::Failed(ending),
        };
        let vacant = self.vacant.pop();
        let place = vacant.unwrap_or(self.places.len());
        if vacant.is_none() {
            self.places.push(Place {
                turn: 0,
                workload,
                lane: None,
                load: None,
                is_closing: false,
            });
        }
        let Some(slot) = self.places.get_mut(place) else { return Claim::Busy };
        slot.turn = slot.turn.wrapping_add(1);
        let id = LaneId { place, turn: slot.turn };
        if self.poll.add(&lane, id).is_err() {
            self.vacant.push(place);
            return Claim::Failed(Ending::Unsent(Shortage::Generator));
        }
        (slot.lane, slot.load, slot.workload) = (Some(lane), Some(load), workload);
        slot.is_closing = false;
        self.fleets.of(workload).open += 1;
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
            let was_idle = !place.is_closing;
            let workload = place.workload;
            self.close(id);
            if was_idle {
                let places = &self.places;
                self.fleets.of(workload).note_stale(|id| is_idle(places, id));
            }
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
        match place.lane.as_mut().map(|lane| lane.rest(request)) {
            Some(Rest::Idle) => self.fleets.of(workload).put_idle(id),
            Some(Rest::Closing) => {
                place.is_closing = true;
                self.fleets.of(workload).let_close(id, now_ns());
            }
            Some(Rest::Spent) | None => self.close(id),
        }
    }

    /// Closes a connection.
    pub(super) fn close(&mut self, id: LaneId) {
        if self.take_out(id).is_some_and(|lane| lane.would_hold_port()) {
            self.ports.note(now_ns());
        }
    }

    /// Closes a connection that was left to the target to close; false when there is none.
    fn close_one(&mut self, workload: Workload) -> bool {
        while let Some(id) = self.fleets.of(workload).take_closing() {
            if self.place(id).is_some_and(|place| place.lane.is_some()) {
                self.close(id);
                return true;
            }
        }
        false
    }

    /// Closes what the target was to close and has not.
    fn close_overdue(&mut self, now_ns: u64) {
        for workload in [Workload::Index, Workload::Dashboard] {
            while let Some(id) = self.fleets.of(workload).take_overdue(now_ns) {
                self.close(id);
            }
        }
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
        let fleet = self.fleets.of(workload);
        fleet.open = fleet.open.saturating_sub(1);
        Some(lane)
    }

    /// Sleeps until `until_ns`, or until a connection has something to say where that would otherwise go unseen
    /// for too long; then every connection that has is in [`Self::take_ready`].
    pub(super) fn wait(&mut self, until_ns: u64) {
        let now = now_ns();
        self.close_overdue(now);
        let is_pressing = !self.ready.is_empty() || self.spins();
        if until_ns <= now || is_pressing {
            return self.look();
        }
        let dashboard = &self.fleets.dashboard;
        let is_queried = usize_to_u64(dashboard.idle_count()) < u64::from(dashboard.open);
        let unseen_ns = if is_queried { UNSEEN_QUERY_MOST_NS } else { UNSEEN_MOST_NS };
        if until_ns - now <= unseen_ns && self.partly_read == 0 {
            self.poll.sleep_until(until_ns);
            return self.look();
        }
        let (places, ready) = (&mut self.places, &mut self.ready);
        self.poll.wait(until_ns, |id, is_closing| note(places, ready, id, is_closing));
    }

    /// Notes every connection that has something to say now.
    pub(super) fn look(&mut self) {
        let (places, ready) = (&mut self.places, &mut self.ready);
        self.poll.look(|id, is_closing| note(places, ready, id, is_closing));
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
}

/// Notes that a connection has something to say.
fn note(places: &mut [Place], ready: &mut Vec<LaneId>, id: LaneId, is_closing: bool) {
    let place = places.get_mut(id.place).filter(|place| place.turn == id.turn);
    if let Some(lane) = place.and_then(|place| place.lane.as_mut()).filter(|_| is_closing) {
        lane.note_closing();
    }
    ready.push(id);
}
