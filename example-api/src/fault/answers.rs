//! How a fault looks to the client: the answer instead of work, and a body that comes slowly.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::Instead;
use crate::api::complaint;
use crate::connection::Visit;
use crate::worker::Shared;

/// Most pieces that a slow body is cut into.
const PIECES_MAX: usize = 20;

/// The answer to a request that is not to be worked on, if this is one.
///
/// For a reset it is only a stand-in: the connection ends before it is written.
pub(crate) fn instead_of_work(
    shared: &Shared,
    visit: Option<&Visit>,
    arrived_ns: u64,
) -> Option<Response> {
    let error = (StatusCode::INTERNAL_SERVER_ERROR, "an error on purpose (FAULT)");
    let (status, text) = match shared.faults.instead_of_work(arrived_ns)? {
        Instead::Error => error,
        Instead::Reset => {
            if let Some(visit) = visit {
                visit.mark_reset();
            }
            error
        }
        Instead::Reject { retry_after_s } => {
            let text = "more requests a second than FAULT lets through";
            let mut response = complaint(StatusCode::TOO_MANY_REQUESTS, text);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
            return Some(response);
        }
    };
    Some(complaint(status, text))
}

/// The body of an answer: as a whole, or slowly if it is to come so.
pub(crate) fn body(shared: &Arc<Shared>, visit: Option<&Arc<Visit>>, text: String) -> Body {
    let Some(slow_ns) = shared.faults.slow_body_ns() else {
        return Body::from(text);
    };
    let bytes = Bytes::from(text);
    Body::new(Dribble {
        begin_ns: shared.clock.now_ns(),
        slow_ns,
        pieces: bytes.len().min(PIECES_MAX) as u64,
        sent: 0,
        bytes,
        sleep: None,
        shared: Arc::clone(shared),
        visit: visit.cloned(),
    })
}

/// A body in pieces at even distances, the last of which comes when the time is over.
struct Dribble {
    begin_ns: u64,
    slow_ns: u64,
    pieces: u64,
    /// Pieces that are gone.
    sent: u64,
    /// What is left of the body.
    bytes: Bytes,
    /// Until the next piece; made at the first look at it, which is inside the runtime.
    sleep: Option<Pin<Box<Sleep>>>,
    shared: Arc<Shared>,
    visit: Option<Arc<Visit>>,
}

impl Dribble {
    fn until_next_piece(&self) -> Duration {
        let passed_ns = self.slow_ns.saturating_mul(self.sent + 1) / self.pieces.max(1);
        let due_ns = self.begin_ns.saturating_add(passed_ns);
        Duration::from_nanos(due_ns.saturating_sub(self.shared.clock.now_ns()))
    }

    fn next_piece(&mut self) -> Bytes {
        let pieces_left = self.pieces.saturating_sub(self.sent).max(1);
        let share = (self.bytes.len() as u64).div_ceil(pieces_left);
        self.sent += 1;
        self.bytes.split_to(usize::try_from(share).unwrap_or(0))
    }
}

impl hyper::body::Body for Dribble {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let until_next = self.until_next_piece();
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(until_next)));
        ready!(sleep.as_mut().poll(context));
        self.sleep = None;
        Poll::Ready(Some(Ok(Frame::data(self.next_piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

impl Drop for Dribble {
    fn drop(&mut self) {
        // A pre-forked worker was occupied until now, and that time must not be made up for.
        if let Some(visit) = &self.visit {
            visit.waited_until(self.shared.clock.now_ns());
        }
    }
}
