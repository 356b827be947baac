//! One stream at work: each request is a task of its own, bound to one connection.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::HeaderValue;
use tokio::sync::Notify;

use super::Address;
use super::clock::now_ns;
use super::fleet::Berth;
use super::lane::{Lane, LaneError, request_of};
use super::stamped::Stamps;
use super::stream::{Ended, Stream};
use crate::profile::{Profile, Route};
use crate::trial::outcome::Ending;

/// One stream and everything that the tasks of its requests need.
pub(super) struct Runner<P> {
    pub(super) stream: RefCell<Stream<P>>,
    profile: Rc<P>,
    address: Address,
    host: HeaderValue,
    route: Route,
    body_bytes_max: usize,
    ended: Rc<Notify>,
}

/// What a request travels by.
pub(super) enum Vehicle {
    /// A connection that is idle.
    Idle(Lane),
    /// Leave to open a new one.
    New(Berth),
}

impl<P: Profile + 'static> Runner<P> {
    pub(super) fn new(
        stream: Stream<P>,
        address: &Address,
        profile: &Rc<P>,
        ended: &Rc<Notify>,
    ) -> Self {
        let workload = stream.plan.workload;
        Self {
            route: profile.route(workload),
            body_bytes_max: profile.body_bytes_max(workload),
            stream: RefCell::new(stream),
            profile: Rc::clone(profile),
            host: address.host_header(),
            address: address.clone(),
            ended: Rc::clone(ended),
        }
    }

    /// How the next request may travel now; `None`: not at all, every connection is busy.
    pub(super) fn vehicle(stream: &mut Stream<P>) -> Option<Vehicle> {
        let mut fleet = stream.fleet.borrow_mut();
        if let Some(lane) = fleet.take_idle() {
            return Some(Vehicle::Idle(lane));
        }
        let berth = fleet.take_berth();
        drop(fleet);
        stream.lanes_exhausted |= berth.is_none();
        berth.map(Vehicle::New)
    }

    /// Sends requests that have waited, as far as connections go.
    pub(super) fn start_waiting(self: &Rc<Self>) {
        loop {
            let mut stream = self.stream.borrow_mut();
            let Some(serial) = stream.next_waiting() else {
                return;
            };
            let Some(vehicle) = Self::vehicle(&mut stream) else {
                stream.wait_first(serial);
                return;
            };
            drop(stream);
            self.start(serial, vehicle);
        }
    }

    /// Starts the task of one request.
    pub(super) fn start(self: &Rc<Self>, serial: u64, vehicle: Vehicle) {
        let stamps = match &vehicle {
            Vehicle::Idle(lane) => Rc::clone(lane.stamps()),
            Vehicle::New(_) => Rc::new(Stamps::default()),
        };
        stamps.clear();
        let task = Rc::clone(self).carry(serial, vehicle, Rc::clone(&stamps));
        let abort = tokio::task::spawn_local(task).abort_handle();
        self.stream.borrow_mut().activate(serial, abort, stamps);
    }

    /// Carries one request to its end, and then sends one that has waited.
    async fn carry(self: Rc<Self>, serial: u64, vehicle: Vehicle, stamps: Rc<Stamps>) {
        let lane = match vehicle {
            Vehicle::Idle(lane) => Ok(lane),
            Vehicle::New(berth) => self.connect(berth, &stamps).await,
        };
        let lane = match lane {
            Ok(lane) => self.exchange(serial, lane, &stamps).await,
            Err(ending) => {
                self.settle(serial, now_ns(), &stamps, None, ending);
                None
            }
        };
        if let Some(mut lane) = lane
            && lane.is_reusable().await
        {
            self.stream.borrow().fleet.borrow_mut().put_back(lane);
        }
        self.start_waiting();
    }

    async fn connect(&self, berth: Berth, stamps: &Rc<Stamps>) -> Result<Lane, Ending> {
        let lane = Lane::connect(&self.address, berth, Rc::clone(stamps)).await?;
        self.stream.borrow_mut().tally.connects += 1;
        Ok(lane)
    }

    /// Sends the request and counts how it ended; the connection, where it may be used again.
    ///
    /// The one case in which a request is sent again: its connection had closed under our hands and
    /// nothing of it was used. Its due time stays. A second time is the target's doing.
    async fn exchange(&self, serial: u64, mut lane: Lane, stamps: &Rc<Stamps>) -> Option<Lane> {
        let mut answer = lane.exchange(self.request(serial), self.body_bytes_max).await;
        if matches!(answer, Err(LaneError::Untouched)) {
            stamps.clear();
            self.stream.borrow_mut().tally.resent += 1;
            match self.connect(lane.into_berth(), stamps).await {
                Ok(fresh) => lane = fresh,
                Err(ending) => {
                    self.settle(serial, now_ns(), stamps, None, ending);
                    return None;
                }
            }
            answer = lane.exchange(self.request(serial), self.body_bytes_max).await;
        }
        match answer {
            Ok(answer) => {
                let ended_ns = stamps.last_read_ns().unwrap_or_else(now_ns);
                let workload = self.stream.borrow().plan.workload;
                let ending = self.profile.classify(workload, answer.status, &answer.body);
                self.settle(serial, ended_ns, stamps, Some(answer.status), ending);
                Some(lane)
            }
            Err(error) => {
                self.settle(serial, now_ns(), stamps, None, Ending::Broken(error.kind()));
                None
            }
        }
    }

    fn request(&self, serial: u64) -> Request<Full<Bytes>> {
        let body = self.stream.borrow_mut().body_of(serial);
        request_of(&self.route, &self.host, body)
    }

    fn settle(
        &self,
        serial: u64,
        at_ns: u64,
        stamps: &Rc<Stamps>,
        status: Option<u16>,
        ending: Ending,
    ) {
        let sent_ns = stamps.first_write_ns();
        self.stream.borrow_mut().settle(serial, Ended { at_ns, sent_ns, status, ending });
        self.ended.notify_one();
    }
}
