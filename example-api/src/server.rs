//! The server as a whole: command line, listening socket, the chosen front, the end.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use clap::{Arg, ArgAction, ArgMatches, Command};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime::Builder;

use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::fault::Faults;
use crate::metrics::Metrics;
use crate::settings::{EngineKind, FrontKind, Settings, VARIABLES};
use crate::shutdown::Stop;
use crate::store::Store;
use crate::worker::Shared;
use crate::{pool, prefork};

/// The command line of the server.
pub(crate) fn command() -> Command {
    Command::new("example-api")
        .about("A document API with a known capacity: the system under test of Plimsoll")
        .arg(
            Arg::new("listen")
                .long("listen")
                .value_name("ADDR")
                .default_value("127.0.0.1:1234")
                .help("Address and port to listen on; port 0 chooses a free one"),
        )
        .arg(
            Arg::new("until-stdin-closes")
                .long("until-stdin-closes")
                .action(ArgAction::SetTrue)
                .help("End as soon as standard input is closed"),
        )
        .after_help(variables_help())
}

/// Runs the server until it is told to end. The error is one line for the user.
pub(crate) fn run(
    arguments: &ArgMatches,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<(), String> {
    // A value that is not text becomes one with a replacement character, which no setting accepts.
    let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
    let settings = Settings::read(text).map_err(|error| error.to_string())?;
    let address = address_of(arguments)?;
    let until_stdin_closes = arguments.get_flag("until-stdin-closes");
    let listener = listen(address, settings.backlog).map_err(|error| {
        format!("could not listen on {address}: {error}; choose another address with --listen")
    })?;
    let clock = Clock::start();
    let store = match settings.engine {
        EngineKind::Tantivy => Some(Arc::new(Store::open(&settings.store, clock)?)),
        EngineKind::Model | EngineKind::Compat => None,
    };
    let ended = serve(listener, settings, clock, store.clone(), until_stdin_closes);
    if let Some(store) = store {
        store.close();
    }
    ended.map_err(|error| {
        format!("could not start: {error}; fewer WORKERS need fewer files and threads")
    })
}

fn address_of(arguments: &ArgMatches) -> Result<SocketAddr, String> {
    let text = arguments.get_one::<String>("listen").map_or("", String::as_str);
    // The parser's own words ("invalid socket address syntax") help less than an example.
    text.parse().ok().ok_or_else(|| {
        format!("--listen must be an address with a port such as 127.0.0.1:1234, not {text:?}")
    })
}

fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that has just ended leaves connections behind that would block the port.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn serve(
    listener: TcpListener,
    settings: Settings,
    clock: Clock,
    store: Option<Arc<Store>>,
    until_stdin_closes: bool,
) -> io::Result<()> {
    allow_many_connections();
    let address = listener.local_addr()?;
    let front = settings.front;
    let metrics =
        Metrics::new(settings.workers, settings.query_workers).map_err(io::Error::other)?;
    let catalogue = Mutex::new(Catalogue::new());
    let faults = Faults::new(settings.faults);
    let shared = Arc::new(Shared { clock, settings, catalogue, store, metrics, faults });
    let ready = move || {
        let mut out = io::stdout().lock();
        writeln!(out, "listening on http://{address}")?;
        out.flush()
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = Stop::listen(until_stdin_closes)?;
        match front {
            FrontKind::Pool => pool::run(listener, shared, stop, ready).await,
            FrontKind::Prefork => prefork::run(listener, shared, stop, ready).await,
        }
    })
}

/// Raises the limit of open sockets as far as the system lets us; where it does not, connections
/// beyond it wait in the backlog.
fn allow_many_connections() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

fn variables_help() -> String {
    let mut help = String::from("Environment variables (default in brackets):\n");
    for (name, default, meaning) in VARIABLES {
        // Writing to a string cannot fail.
        let default = if default.is_empty() { "none" } else { default };
        let _ = writeln!(help, "  {name:<15} {meaning} [{default}]");
    }
    help
}
