//! A target that is ready and a measurer for it: what `capacity` and `load` have in common.

use std::cell::RefCell;
use std::net::ToSocketAddrs;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::credentials::authorization;
use super::exit::{Exit, Failure};
use super::interrupt::Interrupt;
use super::settings::Settings;
use super::system::{System, launch};
use super::target::{BaseUrl, Target};
use crate::corpus::Corpus;
use crate::files::manifest::FileLimits;
use crate::files::numbers::NumberFile;
use crate::live::inquirer::Inquirer;
use crate::live::tls::{TlsClient, Trust};
use crate::live::vitals::{descriptor_limits, raise_descriptors};
use crate::live::{Address, LiveMeasurer, Secret, Tuning, self_test};

use crate::profile::example_api::ExampleApi;
use crate::profile::exchange::ExchangeError;
use crate::profile::{PermissionsShape, Profile};
use crate::report::schema::CalibrationRecord;
use crate::target::ready::{NotReady, Preflight, Ready};
use crate::term::complain;
use crate::trial::Workload;

/// What an index request is answered with when it was accepted.
const ACCEPTED_ANSWER: &[u8] = b"\"OK\"";
/// Connections that the generator may open to ask itself: a server that does nothing needs few.
const LANES: u32 = 256;

/// A target that answers as it should, and what measures it.
#[derive(Debug)]
pub struct Session {
    /// Runs trials against it.
    pub measurer: LiveMeasurer<ExampleApi, NumberFile>,
    /// What the preflight found.
    pub ready: Ready,
    /// Its base URL.
    pub base_url: String,
    corpus: Arc<Corpus>,
    profile: Arc<ExampleApi>,
    tuning: Tuning,
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
        let profile_of = |shape| ExampleApi::new(Arc::clone(&corpus), shape);
        let preflight = Preflight {
            base_url: &base.text,
            shape: settings.permissions,
            workloads,
            dashboard_timeout_ms: settings.dashboard_timeout_ms,
        };
        let is_interrupted = || interrupt.is_asked();
        let (address, ready) =
            first_ready(settings, &base, &preflight, &mut numbers, profile_of, &is_interrupted)?;
        let profile = Arc::new(profile_of(ready.shape));
        let lives = launched.clone();
        let measurer = LiveMeasurer::new(
            address,
            Arc::clone(&profile),
            numbers,
            tuning,
            Box::new(move || lives.as_ref().is_none_or(|server| server.borrow_mut().is_alive())),
        )
        .map_err(Failure::internal)?;
        Ok(Self {
            measurer,
            ready,
            corpus,
            profile,
            tuning,
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

    /// What the generator can do against a server that does nothing.
    ///
    /// # Errors
    /// When that server or the generator cannot be started.
    pub fn calibrate(&self, interrupt: &Interrupt) -> Result<Option<CalibrationRecord>, Failure> {
        let is_interrupted = || interrupt.is_asked();
        let tuning = Tuning { lanes_max: self.tuning.lanes_max.min(LANES), ..self.tuning };
        self_test::calibrate(&self.profile, ACCEPTED_ANSWER, tuning, &is_interrupted)
            .map_err(Failure::internal)
    }
}

/// The first address of the target that answers as it should; another is tried only where nothing
/// listens.
fn first_ready<P: Profile>(
    settings: &Settings,
    base: &BaseUrl,
    preflight: &Preflight<'_>,
    numbers: &mut NumberFile,
    profile_of: impl Fn(PermissionsShape) -> P + Copy,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<(Address, Ready), Failure> {
    let mut refused = Failure::new(Exit::Target, anyhow!("TARGET: `{}` has no address", base.host));
    for address in addresses(settings, base)? {
        let mut inquirer =
            Inquirer::new(address.clone(), is_interrupted).map_err(Failure::internal)?;
        match preflight.check(&mut inquirer, numbers, profile_of) {
            Ok(ready) => return Ok((address, ready)),
            Err(NotReady::Numbers(error)) => return Err(Failure::usage(error)),
            Err(NotReady::NoAnswer { error: ExchangeError::Interrupted, .. }) => {
                let error = anyhow!("interrupted before any load");
                return Err(Failure::new(Exit::Interrupted, error));
            }
            Err(error @ NotReady::NoAnswer { error: ExchangeError::Refused, .. }) => {
                refused = Failure::new(Exit::Target, error);
            }
            Err(error) => return Err(Failure::new(Exit::Target, error)),
        }
    }
    Err(refused)
}

/// As many connections as are wanted and the system allows.
fn lanes_max(settings: &Settings) -> Result<u32, Failure> {
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
fn addresses(settings: &Settings, base: &BaseUrl) -> Result<Vec<Address>, Failure> {
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
