//! A target that is ready and a measurer for it: what `capacity` and `load` have in common.

use std::cell::RefCell;
use std::net::ToSocketAddrs;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::credentials::authorization;
use super::exit::{Exit, Failure};
use super::interrupt::Interrupt;
use super::opening::{Found, first_ready};
use super::settings::Settings;
use super::system::{System, launch};
use super::target::{BaseUrl, Target};
use crate::agents::wire::Enlisted;
use crate::corpus::Corpus;
use crate::files::manifest::FileLimits;
use crate::files::numbers::NumberFile;
use crate::live::inquirer::Inquirer;
use crate::live::tls::{TlsClient, Trust};
use crate::live::vitals::{descriptor_limits, raise_descriptors};
use crate::live::{Address, LiveMeasurer, Secret, Tuning, self_test};

use crate::profile::holdings::Count;
use crate::report::schema::CalibrationRecord;
use crate::report::verification::VerificationRecord;
use crate::target::ready::{Preflight, Ready};
use crate::target::verify::Expected;
use crate::term::complain;
use crate::trial::Workload;

/// Connections that the generator may open to ask itself: a server that does nothing needs few.
const LANES: u32 = 256;
/// Between two looks at what a search finds after the run.
const PAUSE: Duration = Duration::from_millis(500);

/// A target that answers as it should, and what measures it.
#[derive(Debug)]
pub struct Session {
    /// Runs trials against it.
    pub measurer: LiveMeasurer<NumberFile>,
    /// What the preflight found.
    pub ready: Ready,
    /// Its base URL.
    pub base_url: String,
    /// What it calls itself, where it says so.
    pub server: Option<String>,
    /// What it held before anything was sent; `None` where it cannot count.
    before: Option<Count>,
    corpus: Arc<Corpus>,
    batch: u64,
    is_quiet: bool,
    tuning: Tuning,
    /// The agents that send, where this machine does not.
    agents: Vec<Enlisted>,
    /// Limits of this process on file descriptors.
    pub file_limits: FileLimits,
    /// The server that the tool has started; it ends with the session.
    launched: Option<Rc<RefCell<System>>>,
}

impl Session {
    /// Starts the target where it is the tool's to start, and asks it whether it is ready for
    /// `workloads`.
    ///
    /// # Errors
    /// When it cannot be started, is not ready, or its document numbers cannot be kept; when the user
    /// wants to stop.
    pub fn open(
        settings: &Settings,
        workloads: &[Workload],
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let tuning = Tuning {
            threads: settings.threads,
            lanes_max: lanes_max(settings)?,
            pacing: settings.pacing,
            reuse: settings.reuse,
        };
        let launched = launch(settings, interrupt)?;
        let base = base_url(settings, launched.as_ref())?;
        let key = settings.target.key();
        let mut numbers =
            NumberFile::open(&state_folder()?, &key, &settings.corpus, settings.first_index)
                .map_err(Failure::usage)?;
        let corpus = Arc::new(Corpus::new(&settings.corpus).map_err(Failure::usage)?);
        let (choice, batch) = (&settings.profile, settings.batch);
        let profile_of = |shape| choice.profile(&corpus, settings.corpus.seed, batch, shape);
        let preflight = Preflight {
            base_url: &base.text,
            shape: choice.shape(settings.permissions),
            batch,
            workloads,
            dashboard_timeout_ms: settings.dashboard_timeout_ms,
        };
        let is_interrupted = || interrupt.is_asked();
        let addresses = addresses(settings, &base)?;
        let found =
            first_ready(addresses, &preflight, &corpus, &mut numbers, profile_of, &is_interrupted)?;
        let Found { address, ready, server, before, tells } = found;
        let lives = launched.clone();
        let mut measurer = LiveMeasurer::new(
            address,
            profile_of(ready.shape),
            numbers,
            tuning,
            Box::new(move || lives.as_ref().is_none_or(|server| server.borrow_mut().is_alive())),
        )
        .map_err(Failure::internal)?;
        measurer.ask_beside(before.is_some(), tells);
        let agents = deal_to_agents(&mut measurer, settings, &base, &ready, interrupt)?;
        Ok(Self {
            measurer,
            ready,
            server,
            before,
            corpus,
            batch,
            is_quiet: settings.is_quiet(),
            tuning,
            agents,
            base_url: base.text,
            file_limits: file_limits(),
            launched,
        })
    }

    /// The command that the target was started with, where that is somebody else's.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        self.launched.as_ref().and_then(|system| system.borrow().command())
    }

    /// The documents that it sends.
    #[must_use]
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// From the first document number that was reserved to behind the last; `None` before any was.
    #[must_use]
    pub const fn numbers_used(&self) -> Option<&Range<u64>> {
        self.measurer.numbers().used()
    }

    /// Holds what the target has against what it accepted: `sent` says how much, and comes back with the rest.
    #[must_use]
    pub fn verify(&self, sent: VerificationRecord, interrupt: &Interrupt) -> VerificationRecord {
        let is_interrupted = || interrupt.is_asked();
        let Ok(mut inquirer) = Inquirer::new(self.measurer.address().clone(), &is_interrupted)
        else {
            return sent;
        };
        if self.before.is_some() && !self.is_quiet {
            complain("counting the documents that the target holds …");
        }
        let numbers = self.measurer.accepted().clone().merged(self.ready.accepted.clone());
        let expected = Expected {
            before: self.before,
            accepted: sent.accepted,
            unknown: sent.unknown,
            numbers: &numbers,
            corpus: &self.corpus,
        };
        expected.verify(&mut inquirer, &**self.measurer.profile(), || {
            std::thread::sleep(PAUSE);
            !interrupt.is_asked()
        })
    }

    /// What the agents told of themselves; empty where this machine sends alone.
    #[must_use]
    pub fn agents(&self) -> &[Enlisted] {
        &self.agents
    }

    /// What the generator can do against a server that does nothing.
    ///
    /// # Errors
    /// When that server or the generator cannot be started.
    pub fn calibrate(&self, interrupt: &Interrupt) -> Result<Option<CalibrationRecord>, Failure> {
        #[cfg(feature = "nats")]
        if !self.agents.is_empty() {
            return Ok(Some(super::crew::calibration(&self.agents)));
        }
        let is_interrupted = || interrupt.is_asked();
        let tuning = Tuning { lanes_max: self.tuning.lanes_max.min(LANES), ..self.tuning };
        self_test::calibrate(self.measurer.profile(), self.batch, tuning, &is_interrupted)
            .map_err(Failure::internal)
    }
}

/// Finds the agents that the settings ask for, and lets them send from now on; what they told of themselves.
#[cfg(feature = "nats")]
fn deal_to_agents(
    measurer: &mut LiveMeasurer<NumberFile>,
    settings: &Settings,
    base: &BaseUrl,
    ready: &Ready,
    interrupt: &Interrupt,
) -> Result<Vec<Enlisted>, Failure> {
    let Some(crew) = super::crew::enlist(settings, &base.text, ready.shape, interrupt)? else {
        return Ok(Vec::new());
    };
    let agents = crew.about().to_vec();
    measurer.deal_to(Box::new(crew), settings.preset == crate::campaign::presets::Preset::Signoff);
    Ok(agents)
}

/// Without a bus there are no agents, and settings that ask for them were refused.
#[cfg(not(feature = "nats"))]
#[allow(clippy::unnecessary_wraps, reason = "it stands in for one that can fail")]
fn deal_to_agents(
    _measurer: &mut LiveMeasurer<NumberFile>,
    _settings: &Settings,
    _base: &BaseUrl,
    _ready: &Ready,
    _interrupt: &Interrupt,
) -> Result<Vec<Enlisted>, Failure> {
    Ok(Vec::new())
}

/// As many connections as are wanted and the system allows.
pub(super) fn lanes_max(settings: &Settings) -> Result<u32, Failure> {
    let allowed = raise_descriptors(settings.lanes_max);
    if allowed < settings.lanes_max && settings.lanes_max_is_explicit {
        let error = anyhow!(
            "LANES_MAX={} needs more file descriptors than the system gives; at most {allowed} here (ulimit -Hn)",
            settings.lanes_max
        );
        return Err(Failure::new(Exit::Usage, error));
    }
    Ok(allowed)
}

fn file_limits() -> FileLimits {
    let (soft, hard) = descriptor_limits();
    FileLimits { soft, hard }
}

/// Where the target is: where the started one says it listens, or where the user says.
fn base_url(
    settings: &Settings,
    launched: Option<&Rc<RefCell<System>>>,
) -> Result<BaseUrl, Failure> {
    let target = match launched {
        Some(server) => Target::parse(server.borrow().base_url()).map_err(Failure::internal)?,
        None => settings.target.clone(),
    };
    match target {
        Target::Url(base) => Ok(base),
        _ => Err(Failure::internal(anyhow!("the target was not started"))),
    }
}

/// Every address behind the base URL, in the system's order.
pub(super) fn addresses(settings: &Settings, base: &BaseUrl) -> Result<Vec<Address>, Failure> {
    let tls = base.is_encrypted.then(|| tls(settings, base)).transpose()?;
    let authorization = who_we_are(settings, base)?;
    let sockets = (base.host.as_str(), base.port)
        .to_socket_addrs()
        .with_context(|| format!("TARGET: `{}` has no address; correct its name", base.host))
        .map_err(|error| Failure::new(Exit::Target, error))?;
    let address = |socket| Address {
        socket,
        host: base.authority().to_owned(),
        tls: tls.clone(),
        authorization: authorization.clone(),
    };
    Ok(sockets.map(address).collect())
}

fn tls(settings: &Settings, base: &BaseUrl) -> Result<TlsClient, Failure> {
    if settings.trust == Trust::Anybody {
        complain("caution: INSECURE=true: whoever answers may be somebody else than TARGET");
    }
    TlsClient::new(&base.host, &settings.trust).map_err(Failure::usage)
}

/// The credentials for a target that is not the tool's own.
fn who_we_are(settings: &Settings, base: &BaseUrl) -> Result<Option<Secret>, Failure> {
    if matches!(settings.target, Target::Embedded) {
        return Ok(None);
    }
    let environment: Vec<_> = std::env::vars_os().collect();
    let secret = authorization(&environment).map_err(Failure::usage)?;
    if secret.is_some() && !base.is_encrypted && !base.is_loopback() {
        complain("caution: the credentials go to TARGET in the clear; use https://");
    }
    Ok(secret)
}

/// Where document numbers are kept from run to run.
fn state_folder() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/state")))
        .map(|folder| folder.join("plimsoll"))
        .ok_or_else(|| {
            let error = anyhow!(
                "neither XDG_STATE_HOME nor HOME is set: there is no folder to keep document numbers in"
            );
            Failure::new(Exit::Usage, error)
        })
}
