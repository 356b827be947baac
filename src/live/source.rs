//! Requests made before they are due, each with documents that are sent once.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::Address;
use super::request::RequestWriter;
use crate::profile::Profile;
use crate::schedule::deal::DealtNumbers;
use crate::trial::Workload;

/// Requests that are kept ready before they are due.
const READY_REQUESTS: usize = 256;

/// Makes requests before they are due, each with a document number that is used once.
#[derive(Debug)]
pub(super) struct RequestSource {
    profile: Arc<dyn Profile>,
    writer: RequestWriter,
    workload: Workload,
    deal: Deal,
    ready: VecDeque<Request>,
    /// Memory of requests that have ended.
    spare: Vec<Vec<u8>>,
}

/// The bytes of a request, and the number of its first document.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) first: u64,
    pub(super) bytes: Vec<u8>,
}

/// The document numbers that fall to one sender.
#[derive(Debug, Clone)]
pub(super) struct Deal {
    /// The first number of the trial: that of the stream's first arrival, whoever sends it.
    pub(super) first: u64,
    /// Documents of one request.
    pub(super) batch: u64,
    /// The arrivals of this sender.
    pub(super) arrivals: DealtNumbers,
}

impl Iterator for Deal {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        let first = self.first + self.arrivals.next()? * self.batch;
        Some(first..first + self.batch)
    }
}

impl RequestSource {
    pub(super) fn new(
        profile: Arc<dyn Profile>,
        address: &Address,
        workload: Workload,
        deal: Deal,
    ) -> Self {
        let writer = RequestWriter::new(&profile.route(workload), address);
        let (ready, spare) = (VecDeque::new(), Vec::new());
        Self { profile, writer, workload, deal, ready, spare }
    }

    /// Fills the row of ready requests.
    pub(super) fn top_up(&mut self) {
        while self.ready.len() < READY_REQUESTS {
            let Some(request) = self.make() else {
                return;
            };
            self.ready.push_back(request);
        }
    }

    /// The next request.
    ///
    /// # Panics
    /// When more are taken than numbers were reserved: a document would have to be sent twice.
    #[allow(clippy::expect_used, reason = "as many numbers are reserved as the schedule holds")]
    pub(super) fn take(&mut self) -> Request {
        let ready = self.ready.pop_front();
        ready.or_else(|| self.make()).expect("a number was reserved for every arrival")
    }

    /// Takes the memory of a request back that has ended.
    pub(super) fn give_back(&mut self, request: Vec<u8>) {
        if self.spare.len() < READY_REQUESTS {
            self.spare.push(request);
        }
    }

    fn make(&mut self) -> Option<Request> {
        let numbers = match self.workload {
            Workload::Index => self.deal.next()?,
            Workload::Dashboard => 0..0,
        };
        let mut bytes = self.spare.pop().unwrap_or_default();
        let (profile, workload) = (&self.profile, self.workload);
        self.writer.write(
            &mut bytes,
            |path| profile.write_path(workload, &numbers, path),
            |body| profile.write_body(workload, &numbers, body),
        );
        Some(Request { first: numbers.start, bytes })
    }
}
