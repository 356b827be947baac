//! A server under test and raw HTTP to talk to it.

pub mod browser;
pub mod tools;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything: far beyond what any machine needs, so that only a hang fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const DOCUMENT: &str = r#"{"name":"plan.txt","directory":"/home/alice","host":"h1","file_size":12,"permissions":{"alice":"READ_WRITE"}}"#;

/// A running server; it ends when this is dropped.
pub struct Server {
    pub child: Child,
    pub address: String,
    stdin: Option<ChildStdin>,
}

/// A command for the server with these settings and nothing from the tests' own environment.
pub fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-api"));
    command.env_clear().envs(settings.iter().copied());
    command
}

impl Server {
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = command(settings)
            .args(["--listen", "127.0.0.1:0", "--until-stdin-closes"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, address, stdin }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends one request on a connection of its own.
    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        send_on(&mut stream, method, path, body);
        stream
    }

    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        Answer::read(&mut self.send(method, path, body.as_bytes()))
    }

    /// The value of a series of `/metrics`, labels included in the name.
    pub fn metric(&self, series: &str) -> f64 {
        let page = self.ask("GET", "/metrics", "").body;
        let line = page.lines().find(|line| line.rsplit_once(' ').unwrap().0 == series);
        line.unwrap_or_else(|| panic!("{series} in {page}"))
            .rsplit_once(' ')
            .unwrap()
            .1
            .parse()
            .unwrap()
    }

    /// Ends the server without a warning, as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn close_stdin(&mut self) {
        drop(self.stdin.take());
    }

    /// Waits for the server's end; fails when it does not come.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Server {
    /// Lets the server end by itself, so that it removes its temporary folder.
    fn drop(&mut self) {
        self.close_stdin();
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE / 4 && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Writes a request; a server that answers early may close before all of it is written.
pub fn send_on(stream: &mut TcpStream, method: &str, path: &str, body: &[u8]) {
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
}

/// An answer, its header names in lower case.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn read(stream: &mut TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(reader.read_line(&mut line).unwrap() > 0, "closed after {lines:?}");
            if line == "\r\n" {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines[1..]
            .iter()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: String::new() };
        let mut body = vec![0; answer.header("content-length").unwrap().parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }
}
