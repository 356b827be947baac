//! The system under test that the tool starts: the example API, a container, or a command of the user's.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::anyhow;

use super::credentials::CREDENTIALS;
use super::exit::{Exit, Failure};
use super::interrupt::Interrupt;
use super::keys::{KEYS, Takers};
use super::settings::Settings;
use super::target::Target;
use crate::live::Address;
use crate::live::inquirer::Inquirer;
use crate::target::docker::{self, make_ready};
use crate::target::launch::{LaunchError, Launched};
use crate::target::own::{OwnError, OwnPlan, OwnServer, free_port};
use crate::term::complain;

/// The name of the example API's program, beside the tool's own.
const EXAMPLE_API: &str = "example-api";

/// A system that the tool has started; it is stopped when this is dropped.
#[derive(Debug)]
pub enum System {
    /// The example API.
    ExampleApi(Launched),
    /// What somebody else's command has started.
    Own(OwnServer),
}

impl System {
    /// Where it listens.
    #[must_use]
    pub fn base_url(&self) -> &str {
        match self {
            Self::ExampleApi(server) => server.base_url(),
            Self::Own(server) => server.base_url(),
        }
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        match self {
            Self::ExampleApi(server) => server.is_alive(),
            Self::Own(server) => server.is_alive(),
        }
    }

    /// The command that it was started with, where that is somebody else's.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        match self {
            Self::ExampleApi(_) => None,
            Self::Own(server) => Some(server.plan().shown()),
        }
    }
}

/// Starts the target where it is the tool's to start.
///
/// # Errors
/// When it cannot be started or does not answer; when the user wants to stop.
pub fn launch(
    settings: &Settings,
    interrupt: &Interrupt,
) -> Result<Option<Rc<RefCell<System>>>, Failure> {
    let system = match &settings.target {
        Target::Url(_) => return Ok(None),
        Target::Embedded => System::ExampleApi(example_api(settings)?),
        Target::Docker { image } => {
            let is_interrupted = || interrupt.is_asked();
            let ready = make_ready(image, &is_interrupted, complain);
            if interrupt.is_asked() {
                return Err(failed(OwnError::Interrupted));
            }
            ready.map_err(|error| Failure::new(Exit::Target, error))?;
            let port = port()?;
            // No two containers of one process, and no two processes with one port.
            let name = format!("plimsoll-{}-{port}", std::process::id());
            let plan = docker::plan(image, &name, settings.workers, port);
            System::Own(own(plan, interrupt)?)
        }
        Target::Command(command) => {
            let port = port()?;
            let workers = settings.workers.to_string();
            let plan = OwnPlan {
                command: command.filled(&workers, &port.to_string()),
                cleanup: Vec::new(),
                port,
                variables: vec![("WORKERS".to_owned(), workers)],
            };
            System::Own(own(plan, interrupt)?)
        }
    };
    Ok(Some(Rc::new(RefCell::new(system))))
}

fn example_api(settings: &Settings) -> Result<Launched, Failure> {
    let program = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join(EXAMPLE_API)))
        .unwrap_or_else(|| PathBuf::from(EXAMPLE_API));
    // What stands in the user's shell must not reach the server unrecorded.
    let own = KEYS.iter().filter(|key| key.takers == Takers::ExampleApi).map(|key| key.name);
    let own = own.chain(CREDENTIALS);
    Launched::start(&program, &settings.example_api, own).map_err(|error| {
        // It has said on stderr which of its settings it cannot use.
        let is_usage =
            matches!(error, LaunchError::Ended { status, .. } if status.code() == Some(2));
        Failure::new(if is_usage { Exit::Usage } else { Exit::Target }, error)
    })
}

fn own(plan: OwnPlan, interrupt: &Interrupt) -> Result<OwnServer, Failure> {
    let tool = std::env::current_exe()
        .map_err(|error| Failure::internal(anyhow!("the tool cannot find itself: {error}")))?;
    let address = Address::plain(([127, 0, 0, 1], plan.port).into());
    let mut server = OwnServer::start(&tool, plan, CREDENTIALS.into_iter()).map_err(failed)?;
    let is_interrupted = || interrupt.is_asked();
    let mut inquirer = Inquirer::new(address, &is_interrupted).map_err(Failure::internal)?;
    server.wait_until_it_answers(&mut inquirer).map_err(failed)?;
    Ok(server)
}

fn port() -> Result<u16, Failure> {
    free_port().map_err(|error| Failure::internal(anyhow!("no port is free: {error}")))
}

fn failed(error: OwnError) -> Failure {
    let exit =
        if matches!(error, OwnError::Interrupted) { Exit::Interrupted } else { Exit::Target };
    Failure::new(exit, error)
}
