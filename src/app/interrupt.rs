//! Ctrl-C and SIGTERM: the first asks the run to end and write its results, the second ends it at once.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::exit::Exit;

/// Whether the user wants to stop.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    asked: Rc<Cell<bool>>,
    told: Rc<Notify>,
}

impl Interrupt {
    /// Listens for both signals from now on.
    ///
    /// # Errors
    /// When the system does not let the process listen.
    pub fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let mut signals = signal(kind)?;
            let listener = interrupt.clone();
            tokio::task::spawn_local(async move {
                while signals.recv().await.is_some() {
                    if listener.asked.replace(true) {
                        end_at_once();
                    }
                    listener.told.notify_one();
                }
            });
        }
        Ok(interrupt)
    }

    /// Whether a signal has come.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.get()
    }

    /// Returns as soon as a signal has come.
    pub async fn asked(&self) {
        if !self.is_asked() {
            self.told.notified().await;
        }
    }
}

/// A server that the tool started ends by itself when the pipe to it closes with the process.
#[allow(clippy::exit, reason = "the user asked twice and does not want to wait for results")]
fn end_at_once() {
    std::process::exit(i32::from(Exit::Interrupted.code()));
}
