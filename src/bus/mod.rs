//! Agents over NATS: who is there, what they are told, what they tell.
//!
//! The bus carries; it decides nothing. Whom an agent obeys is in `agents::duty`, what a message is in `agents::wire`,
//! what becomes of a trial in `agents::coordinate`. Timers here are those of heartbeats and of questions that nobody
//! answers; no request of the load is paced by them.
//!
//! Subjects, each below `plimsoll`: `agent.ID` takes requests to one agent; of a run, `run.RUN.beat` is the coordinator's
//! sign of life, `run.RUN.alive.ID` an agent's, `run.RUN.report.ID` what it tells.

pub mod crew;
mod muster;
pub mod post;
mod questions;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::profile::exchange::shown;
use crate::trial::StopCause;

/// The name by which agents are found.
const SERVICE: &str = "plimsoll-agent";
/// Both sides show that they are there this often.
const BEAT: Duration = Duration::from_millis(250);
/// A connection that was lost is tried again this often.
const RECONNECT: Duration = Duration::from_millis(200);
/// A connection that does not come about by then does not.
const CONNECT: Duration = Duration::from_secs(5);
/// What the bus says is cut off there, in characters.
const TEXT_MOST: usize = 300;

/// How the bus knows who speaks; never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// It does not ask.
    None,
    /// A token.
    Token(String),
    /// The seed of an `NKey`.
    Nkey(String),
    /// A credentials file.
    File(PathBuf),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// Where the bus is, and as whom it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusPlan {
    /// `nats://host:port`, or `tls://host:port`.
    pub url: String,
    /// Who speaks.
    pub credentials: Credentials,
    /// Certificates that the bus's own is signed by, instead of the system's.
    pub ca: Option<PathBuf>,
}

/// The clock of this machine: monotonic, anchored once to the time of day, so that clocks of machines can be compared.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The monotonic clock, in nanoseconds.
    pub monotonic_ns: fn() -> u64,
    /// What is added to it.
    pub anchor_ns: u64,
}

impl Clock {
    /// Now, in nanoseconds since 1970.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        (self.monotonic_ns)() + self.anchor_ns
    }
}

/// Why the bus cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// It does not answer, or does not let us in.
    #[error("NATS={url}: {why}")]
    Connect {
        /// Where it should be.
        url: String,
        /// What it said.
        why: String,
    },
    /// The system gives no thread for it.
    #[error("the bus cannot be started: {0}")]
    System(#[from] std::io::Error),
    /// It was there and does not do what it should.
    #[error("the bus failed: {0}")]
    Failed(String),
    /// The user wanted to stop.
    #[error("interrupted before any load")]
    Interrupted,
    /// Fewer agents than are wanted.
    #[error("{found} of {wanted} agents are there{refusals}")]
    TooFew {
        /// How many entered the service of the run.
        found: u32,
        /// As many as should.
        wanted: u32,
        /// What the others said.
        refusals: String,
    },
    /// An agent's clock is not known well enough.
    #[error(
        "the clock of agent {name} is known to {error_ms:.1} ms only: bring it nearer to the bus, or raise CLOCK_ERROR_MS"
    )]
    Clock {
        /// Which agent.
        name: String,
        /// The bound of its error.
        error_ms: f64,
    },
}

/// The coordinator's sign of life, and what it last said to a running trial.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beat {
    stop: Option<(u32, StopCause)>,
}

/// A connection and the thread that serves it.
#[derive(Debug)]
struct Bus {
    runtime: Runtime,
    client: Client,
}

impl Bus {
    /// Messages that wait are at most `waiting` for each subscription; what comes on top is lost.
    fn connect(plan: &BusPlan, name: &str, waiting: usize) -> Result<Self, BusError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("bus")
            .enable_io()
            .enable_time()
            .build()?;
        let refused = |why: String| BusError::Connect { url: plan.url.clone(), why };
        let mut options = ConnectOptions::new()
            .name(name)
            .connection_timeout(CONNECT)
            .reconnect_delay_callback(|_| RECONNECT)
            .subscription_capacity(waiting);
        options = match &plan.credentials {
            Credentials::None => options,
            Credentials::Token(token) => options.token(token.clone()),
            Credentials::Nkey(seed) => options.nkey(seed.clone()),
            Credentials::File(path) => runtime
                .block_on(options.credentials_file(path))
                .map_err(|error| refused(format!("NATS_CREDS: {error}")))?,
        };
        if let Some(ca) = &plan.ca {
            options = options.add_root_certificates(ca.clone());
        }
        options = options.require_tls(plan.url.starts_with("tls://"));
        let connected = runtime.block_on(options.connect(plan.url.as_str()));
        let told = |error: ConnectError| {
            format!("{}{}", plain(&error), cure(error.kind(), plan.url.starts_with("tls://")))
        };
        let client = connected.map_err(|error| refused(told(error)))?;
        Ok(Self { runtime, client })
    }
}

/// What to do about a bus that cannot be used, to be said behind why.
const fn cure(kind: ConnectErrorKind, is_encrypted: bool) -> &'static str {
    match kind {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            "; set NATS_TOKEN, NATS_NKEY or NATS_CREDS to what it asks for"
        }
        // A certificate that is not trusted is an error of the stream to the client.
        ConnectErrorKind::Tls | ConnectErrorKind::Io if is_encrypted => {
            "; start nats-server there with TLS, and set NATS_CA to the authority of its certificate"
        }
        ConnectErrorKind::Dns
        | ConnectErrorKind::Io
        | ConnectErrorKind::Tls
        | ConnectErrorKind::TimedOut => "; start nats-server there, or correct NATS",
        ConnectErrorKind::ServerParse | ConnectErrorKind::MaxReconnects => "",
    }
}

/// An error of the client on one line, fit to be shown: part of it is what a stranger says.
fn plain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    shown(&text, TEXT_MOST)
}

/// Whether a text from the bus can be the name of an agent there.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
