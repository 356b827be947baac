//! A bus and agents for tests: real processes, on free ports of the loopback, ended by their ids.
#![allow(dead_code, reason = "every test crate uses its own part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::tool::plimsoll;

/// The server of the bus, installed where it is missing; why it cannot be had.
pub(crate) fn nats_server(install: impl Fn(&str)) -> Result<PathBuf, String> {
    let find = || {
        let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];
        folders
            .map(|folder| Path::new(folder).join("nats-server"))
            .into_iter()
            .find(|it| it.exists())
    };
    find()
        .or_else(|| {
            install("nats-server");
            find()
        })
        .ok_or_else(|| "nats-server is not installed, and apt-get cannot install it".to_owned())
}

/// A running bus.
pub(crate) struct Bus {
    program: PathBuf,
    pub(crate) port: u16,
    server: Child,
}

impl Bus {
    pub(crate) fn start(program: &Path) -> Self {
        Self::with(program, &[])
    }

    pub(crate) fn with(program: &Path, arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = launch(program, port, arguments);
        Self { program: program.to_owned(), port, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Ends it and starts it anew at the same address.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.server = launch(&self.program, self.port, &[]);
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn launch(program: &Path, port: u16, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).args(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = command.spawn().expect("the bus starts");
    let mut tries = 0..200;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if tries.next().is_none() {
            drop(server.kill());
            drop(server.wait());
            panic!("the bus does not listen");
        }
        thread::sleep(Duration::from_millis(50));
    }
    server
}

/// A running agent.
pub(crate) struct Agent {
    pub(crate) process: Child,
    /// What it has said on its terminal.
    pub(crate) said: Arc<Mutex<String>>,
}

impl Agent {
    /// Starts one that may send to any port of this machine, and waits until it is on the bus.
    pub(crate) fn start(folder: &Path, url: &str, name: &str) -> Self {
        let nats = format!("NATS={url}");
        let name = format!("NAME={name}");
        Self::of(plimsoll(folder, &["agent", &nats, "ALLOW_TARGET=127.0.0.1:*", &name]))
    }

    /// Starts what `command` says and waits until it tells that it is on the bus.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut process = command.spawn().expect("the agent starts");
        let (ready, is_ready) = channel();
        let (said, stderr) = (Arc::default(), process.stderr.take().unwrap());
        let heard: Arc<Mutex<String>> = Arc::clone(&said);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                heard.lock().unwrap().extend([line.as_str(), "\n"]);
                if line.contains("Ctrl-C ends it") {
                    // Whoever waited has heard it.
                    let _heard = ready.send(());
                }
            }
        });
        is_ready.recv_timeout(Duration::from_secs(60)).expect("the agent comes to the bus");
        Self { process, said }
    }

    pub(crate) fn kill_9(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Passes on what comes to it, both ways, each piece so much later.
pub(crate) fn slow_way(to: SocketAddr, late: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(to) else { return };
            let pairs = [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)];
            for (from, to) in pairs {
                let (pieces, passed) = channel::<(std::time::Instant, Vec<u8>)>();
                thread::spawn(move || read_on(from, &pieces));
                thread::spawn(move || write_on(to, &passed, late));
            }
        }
    });
    address
}

#[allow(clippy::disallowed_methods, reason = "the way is late by the clock of the test")]
fn read_on(mut from: TcpStream, pieces: &std::sync::mpsc::Sender<(std::time::Instant, Vec<u8>)>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let piece = (std::time::Instant::now(), buffer.get(..length).unwrap_or_default().to_vec());
        if pieces.send(piece).is_err() {
            return;
        }
    }
}

fn write_on(
    mut to: TcpStream,
    pieces: &std::sync::mpsc::Receiver<(std::time::Instant, Vec<u8>)>,
    late: Duration,
) {
    while let Ok((came, piece)) = pieces.recv() {
        thread::sleep((came + late).saturating_duration_since(came + came.elapsed()));
        if to.write_all(&piece).is_err() {
            return;
        }
    }
}
