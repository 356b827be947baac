//! The end of the server: SIGTERM, SIGINT, or the end of its standard input.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long requests in progress may take to be answered once the server is to end.
pub(crate) const GRACE: Duration = Duration::from_millis(900);

/// Tells whether the server is to end.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Begins to listen for the signals, and for the end of standard input if asked to.
    ///
    /// The program that started the server holds the other end of that pipe, so even its sudden
    /// death ends the server. Must be called inside the runtime.
    pub(crate) fn listen(until_stdin_closes: bool) -> io::Result<Self> {
        let (sender, receiver) = watch::channel(false);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let by_signal = sender.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            by_signal.send_replace(true);
        });
        if until_stdin_closes {
            let read = move || {
                // A standard input that cannot be read counts as closed.
                drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
                sender.send_replace(true);
            };
            thread::Builder::new().name("stdin".to_owned()).spawn(read)?;
        }
        Ok(Self(receiver))
    }

    /// Whether the server is to end.
    pub(crate) fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the server is to end.
    pub(crate) async fn stopped(&mut self) {
        // An error means that nobody is left who could end the server in an orderly way.
        if self.0.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
