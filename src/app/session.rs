//! A target that is ready and a measurer for it: what `capacity` and `load` have in common.

use std::cell::RefCell;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context, anyhow};

use super::exit::{Exit, Failure};
use super::interrupt::Interrupt;
use super::keys::{KEYS, Takers};
use super::settings::Settings;
use super::target::Target;
use crate::corpus::Corpus;
use crate::files::manifest::FileLimits;
use crate::files::numbers::NumberFile;
use crate::live::inquirer::Inquirer;
use crate::live::vitals::{descriptor_limits, raise_descriptors};
use crate::live::{Address, LiveMeasurer};
use crate::profile::example_api::ExampleApi;
use crate::target::launch::Launched;
use crate::target::ready::{NotReady, Preflight, Ready};
use crate::trial::Workload;

/// The name of the example API's program, beside the tool's own.
const EXAMPLE_API: &str = "example-api";
/// The key of the embedded target's document numbers: its port is another each time.
const EMBEDDED_KEY: &str = "embedded";

/// A target that answers as it should, and what measures it.
#[derive(Debug)]
pub struct Session {
    /// Runs trials against it.
    pub measurer: LiveMeasurer<ExampleApi, NumberFile>,
    /// What the preflight found.
    pub ready: Ready,
    /// Its base URL.
    pub base_url: String,
    /// Limits of this process on file descriptors.
    pub file_limits: FileLimits,
    /// The server that the tool has started; it ends with the session.
    _launched: Option<Rc<RefCell<Launched>>>,
}

impl Session {
    /// Starts the target where it is the tool's to start, and asks it whether it is ready for
    /// `workloads`.
    ///
    /// # Errors
    /// When it cannot be started, is not ready, or its document numbers cannot be kept; when the user
    /// wants to stop.
    pub async fn open(
        settings: &Settings,
        workloads: &[Workload],
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let lanes_max = lanes_max(settings)?;
        let launched = launch(settings)?;
        let base_url = match (&launched, &settings.target) {
            (Some(launched), _) => launched.borrow().base_url().to_owned(),
            (None, Target::Url(url)) => url.text.clone(),
            (None, Target::Embedded) => String::new(),
        };
        let key = if launched.is_some() { EMBEDDED_KEY } else { &base_url };
        let mut numbers =
            NumberFile::open(&state_folder()?, key, settings.corpus_seed, settings.first_index)
                .map_err(Failure::usage)?;
        let corpus = Rc::new(Corpus::new(settings.corpus_seed));
        let profile_of = |shape| ExampleApi::new(Rc::clone(&corpus), shape);
        let preflight = Preflight {
            base_url: &base_url,
            shape: settings.permissions,
            workloads,
            dashboard_timeout_ms: settings.dashboard_timeout_ms,
        };
        let asked = async {
            let mut answer = Err(Failure::new(Exit::Target, anyhow!("TARGET: no address")));
            for address in addresses(&base_url)? {
                let mut inquirer = Inquirer::new(address.clone()).map_err(Failure::internal)?;
                match preflight.check(&mut inquirer, &mut numbers, profile_of).await {
                    Ok(ready) => return Ok((address, ready)),
                    Err(NotReady::Numbers(error)) => {
                        return Err(Failure::usage(error));
                    }
                    Err(error) => answer = Err(Failure::new(Exit::Target, error)),
                }
            }
            answer
        };
        let (address, ready) = tokio::select! {
            found = asked => found?,
            () = interrupt.asked() => {
                return Err(Failure::new(Exit::Interrupted, anyhow!("interrupted before any load")));
            }
        };
        let lives = launched.clone();
        let measurer = LiveMeasurer::new(
            address,
            Rc::new(profile_of(ready.shape)),
            numbers,
            lanes_max,
            Box::new(move || lives.as_ref().is_none_or(|server| server.borrow_mut().is_alive())),
        )
        .map_err(Failure::internal)?;
        Ok(Self { measurer, ready, base_url, file_limits: file_limits(), _launched: launched })
    }
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

fn launch(settings: &Settings) -> Result<Option<Rc<RefCell<Launched>>>, Failure> {
    if !matches!(settings.target, Target::Embedded) {
        return Ok(None);
    }
    let program = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join(EXAMPLE_API)))
        .unwrap_or_else(|| PathBuf::from(EXAMPLE_API));
    // What stands in the user's shell must not reach the server unrecorded.
    let own = KEYS.iter().filter(|key| key.takers == Takers::ExampleApi).map(|key| key.name);
    let launched = Launched::start(&program, &settings.example_api, own)
        .map_err(|error| Failure::new(Exit::Target, error))?;
    Ok(Some(Rc::new(RefCell::new(launched))))
}

/// Every address behind the base URL, in the system's order.
fn addresses(base_url: &str) -> Result<Vec<Address>, Failure> {
    let host = base_url.strip_prefix("http://").unwrap_or(base_url);
    let with_port = if host.rsplit(']').next().unwrap_or(host).contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let sockets: Vec<SocketAddr> = with_port
        .to_socket_addrs()
        .with_context(|| format!("TARGET: `{host}` has no address; correct its name"))
        .map_err(|error| Failure::new(Exit::Target, error))?
        .collect();
    Ok(sockets.into_iter().map(|socket| Address { socket, host: host.to_owned() }).collect())
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
