//! One request outside of any schedule: a probe, or a question before the campaign.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;

use super::clock::{Alarm, now_ns};
use super::fleet::Fleet;
use super::lane::{Lane, LaneError, RawAnswer, request_of};
use super::stamped::Stamps;
use super::{Address, unanswered};
use crate::profile::Route;
use crate::trial::outcome::{Ending, Shortage};

/// Everything that one request needs.
pub(super) struct Call<'a> {
    pub(super) address: &'a Address,
    pub(super) fleet: &'a Rc<RefCell<Fleet>>,
    pub(super) alarm: &'a mut Alarm,
    pub(super) timeout_ns: u64,
    pub(super) body_bytes_max: usize,
}

/// What became of it.
pub(super) struct Reply {
    pub(super) sent_ns: Option<u64>,
    pub(super) ended_ns: u64,
    pub(super) answer: Result<RawAnswer, Ending>,
}

impl Call<'_> {
    /// Sends the request, on an idle connection if there is one, and waits for its end.
    pub(super) async fn run(self, route: &Route, body: Bytes) -> Reply {
        let deadline_ns = now_ns() + self.timeout_ns;
        let stamps = RefCell::new(Rc::new(Stamps::default()));
        let attempt = attempt(self.address, self.fleet, route, body, self.body_bytes_max, &stamps);
        let answer = tokio::select! {
            answer = attempt => answer,
            () = self.alarm.wait_until(deadline_ns) => {
                let sent = stamps.borrow().first_write_ns().is_some();
                Err(unanswered(sent))
            }
        };
        let stamps = stamps.into_inner();
        let ended_ns = match &answer {
            Ok(_) => stamps.last_read_ns().unwrap_or_else(now_ns),
            Err(_) => now_ns(),
        };
        Reply { sent_ns: stamps.first_write_ns(), ended_ns, answer }
    }
}

async fn attempt(
    address: &Address,
    fleet: &Rc<RefCell<Fleet>>,
    route: &Route,
    body: Bytes,
    body_bytes_max: usize,
    stamps: &RefCell<Rc<Stamps>>,
) -> Result<RawAnswer, Ending> {
    // Idle connections may have gone stale one after the other; a fresh one that closes is an answer.
    loop {
        let idle = fleet.borrow_mut().take_idle();
        let is_fresh = idle.is_none();
        let mut lane = if let Some(lane) = idle {
            *stamps.borrow_mut() = Rc::clone(lane.stamps());
            lane
        } else {
            let berth = fleet.borrow_mut().take_berth();
            let berth = berth.ok_or(Ending::Unsent(Shortage::Target))?;
            let fresh = Rc::clone(&stamps.borrow());
            Lane::connect(address, berth, fresh).await?
        };
        lane.stamps().clear();
        let request = request_of(route, &address.host_header(), body.clone());
        match lane.exchange(request, body_bytes_max).await {
            Ok(answer) => {
                if lane.is_reusable().await {
                    fleet.borrow_mut().put_back(lane);
                }
                return Ok(answer);
            }
            Err(LaneError::Untouched) if !is_fresh => {}
            Err(error) => return Err(Ending::Broken(error.kind())),
        }
    }
}
