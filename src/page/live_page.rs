//! The page of a run while it is being made: drawn anew for whoever looks at it, and for nobody else.
//!
//! Whoever measures only puts the result so far down. It becomes a page on the thread that serves it, when somebody
//! listens, and never so often that drawing takes more than a small share of a processor: a long run has a page that
//! takes long to draw.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::sync::watch;

use crate::report::page::{Mode, body, page};
use crate::report::schema::RunRecord;

/// Least time between two events to the same listener.
const PAUSE_LEAST: Duration = Duration::from_secs(1);
/// After a page was drawn nothing is drawn for so many times as long: 2 % of a processor.
const PAUSE_FACTOR: u32 = 49;

/// The page of a run under way, shared between the thread that measures and the one that serves.
#[derive(Clone)]
pub struct LivePage {
    shared: Arc<Shared>,
}

struct Shared {
    draft: watch::Sender<Arc<Draft>>,
    listeners: AtomicUsize,
    /// The last event that was drawn.
    drawn: Mutex<Option<Drawn>>,
    /// Nanoseconds of a monotonic clock.
    clock_ns: fn() -> u64,
}

/// A result so far.
#[derive(Debug, Default)]
struct Draft {
    number: u64,
    run: Option<RunRecord>,
    is_last: bool,
}

#[derive(Debug, Clone)]
struct Drawn {
    number: u64,
    event: Bytes,
    took: Duration,
}

impl fmt::Debug for LivePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePage").field("is_watched", &self.is_watched()).finish_non_exhaustive()
    }
}

impl LivePage {
    /// A page of nothing yet; `clock_ns` tells how long drawing takes.
    #[must_use]
    pub fn new(clock_ns: fn() -> u64) -> Self {
        let shared = Shared {
            draft: watch::Sender::new(Arc::default()),
            listeners: AtomicUsize::new(0),
            drawn: Mutex::new(None),
            clock_ns,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whether anybody listens, so that it is worth putting down what changes within a trial.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.shared.listeners.load(Ordering::Relaxed) > 0
    }

    /// Puts the result so far down.
    pub fn put(&self, run: RunRecord) {
        self.shared.draft.send_modify(|draft| {
            let number = draft.number + 1;
            *draft = Arc::new(Draft { number, run: Some(run), is_last: false });
        });
    }

    /// Nothing more will be put down: what listeners hear ends with the last result.
    pub fn finish(&self) {
        self.shared.draft.send_modify(|draft| {
            let (number, run) = (draft.number + 1, draft.run.clone());
            *draft = Arc::new(Draft { number, run, is_last: true });
        });
    }

    /// The whole page as it is now; `None` before the run has begun.
    pub(super) fn whole(&self) -> Option<String> {
        let draft = Arc::clone(&self.shared.draft.borrow());
        page(draft.run.as_ref()?, Mode::Live).ok()
    }

    /// What a new listener hears; to be called on the thread that serves.
    pub(super) fn events(&self) -> Channel<Bytes, Infallible> {
        let (sender, events) = Channel::new(1);
        tokio::spawn(tell(Arc::clone(&self.shared), sender));
        events
    }
}

/// One of those who listen, for as long as it does.
struct Listener(Arc<Shared>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells one listener what is new, until it goes or there is nothing more.
async fn tell(shared: Arc<Shared>, mut sender: Sender<Bytes, Infallible>) {
    shared.listeners.fetch_add(1, Ordering::Relaxed);
    let listener = Listener(Arc::clone(&shared));
    let mut drafts = shared.draft.subscribe();
    let mut told = 0;
    while let Ok(draft) =
        drafts.wait_for(|draft| draft.number > told).await.map(|it| Arc::clone(&it))
    {
        told = draft.number;
        let Some(drawn) = shared.draw(&draft) else { return };
        if sender.send_data(drawn.event).await.is_err() {
            return;
        }
        if draft.is_last {
            drop(sender.send_data(Bytes::from_static(b"event: end\ndata: end\n\n")).await);
            // The other end of the channel is read before the connection is closed.
            tokio::time::sleep(Duration::from_millis(50)).await;
            break;
        }
        let pause = PAUSE_LEAST.max(drawn.took * PAUSE_FACTOR);
        // The last one is waited for by somebody.
        drop(tokio::time::timeout(pause, drafts.wait_for(|draft| draft.is_last)).await);
    }
    drop(listener);
}

impl Shared {
    /// The event of `draft`, drawn once for all who listen; `None` where it cannot be drawn.
    fn draw(&self, draft: &Draft) -> Option<Drawn> {
        let mut last = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = last.as_ref().filter(|drawn| drawn.number == draft.number) {
            return Some(drawn.clone());
        }
        let began_ns = (self.clock_ns)();
        let text = serde_json::to_string(&body(draft.run.as_ref()?).ok()?).ok()?;
        let took = Duration::from_nanos((self.clock_ns)().saturating_sub(began_ns));
        // JSON on a single line is the data of an event as it stands.
        let event = Bytes::from(format!("data: {text}\n\n"));
        *last = Some(Drawn { number: draft.number, event, took });
        last.clone()
    }
}
