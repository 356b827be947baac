//! Starts the system under test, and makes sure that it ends when the tool does.
//!
//! The started program holds the reading end of a pipe as its standard input and ends when that closes:
//! so it ends with the tool even if the tool is killed and can do nothing any more.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server that does not say its address within this has not started.
const START_LIMIT: Duration = Duration::from_secs(10);
/// A server that has not ended so long after it was asked to is killed.
const STOP_LIMIT: Duration = Duration::from_millis(1500);
/// Looks at an ending server this often.
const STOP_LOOK: Duration = Duration::from_millis(20);
/// What the server's first line begins with.
const GREETING: &str = "listening on ";

/// Why a system under test could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The program is not there.
    #[error("`{0}` is missing; build it with `cargo build --release --workspace`")]
    Missing(PathBuf),
    /// The program could not be run.
    #[error("`{program}` could not be started: {error}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The program ended before it listened; what it said of it stands on stderr.
    #[error("`{program}` ended at once ({status})")]
    Ended {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
    /// The program did not say its address.
    #[error("`{0}` did not say within 10 s where it listens")]
    Mute(PathBuf),
}

/// A running system under test; it is stopped when this is dropped.
#[derive(Debug)]
pub struct Launched {
    child: Child,
    /// Held open: its end tells the server to end.
    stdin: Option<ChildStdin>,
    base_url: String,
}

impl Launched {
    /// Starts the example API at `program` on a free port, with `variables` in its environment and
    /// without those named in `cleared` that are not among them.
    ///
    /// # Errors
    /// When it is missing, cannot be run, ends at once or does not say where it listens.
    pub fn start<'a>(
        program: &Path,
        variables: &[(String, String)],
        cleared: impl Iterator<Item = &'a str>,
    ) -> Result<Self, LaunchError> {
        if !program.exists() {
            return Err(LaunchError::Missing(program.to_owned()));
        }
        let mut command = Command::new(program);
        cleared.for_each(|name| {
            command.env_remove(name);
        });
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--until-stdin-closes"])
            .envs(variables.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A group of its own: Ctrl-C is for the tool, which still has to write its results.
            .process_group(0)
            .spawn()
            .map_err(|error| LaunchError::Spawn { program: program.to_owned(), error })?;
        let stdin = child.stdin.take();
        let greeting = first_line(&mut child);
        let mut launched = Self { child, stdin, base_url: String::new() };
        match greeting.as_deref().and_then(|line| line.trim().strip_prefix(GREETING)) {
            Some(base_url) => {
                base_url.clone_into(&mut launched.base_url);
                Ok(launched)
            }
            None => match launched.child.try_wait() {
                Ok(Some(status)) => Err(LaunchError::Ended { program: program.to_owned(), status }),
                _ => Err(LaunchError::Mute(program.to_owned())),
            },
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn stop(&mut self) {
        drop(self.stdin.take());
        if let Ok(id) = i32::try_from(self.child.id())
            && self.is_alive()
        {
            // A server that is already gone is what is wanted.
            if kill(Pid::from_raw(id), Signal::SIGTERM).is_err() {}
        }
        let mut left = STOP_LIMIT;
        while self.is_alive() && left > Duration::ZERO {
            thread::sleep(STOP_LOOK);
            left = left.saturating_sub(STOP_LOOK);
        }
        // Also ends a server that was stopped (SIGSTOP) and cannot hear anything else.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The first line of the child's output, if it comes in time; or `None` once it has ended without one.
fn first_line(child: &mut Child) -> Option<String> {
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        let read = reader.read_line(&mut line);
        // Nobody may wait for it any more.
        drop(sender.send(read.map(|_bytes| line)));
        // Keeps the pipe open and empty, so that the server can write what it likes.
        let mut rest = String::new();
        while reader.read_line(&mut rest).is_ok_and(|bytes| bytes > 0) {
            rest.clear();
        }
    });
    let line = receiver.recv_timeout(START_LIMIT).ok()?.ok()?;
    if line.is_empty() {
        // The pipe closed: give the process the moment that it needs to end.
        for _ in 0..50 {
            if matches!(child.try_wait(), Ok(Some(_))) {
                break;
            }
            thread::sleep(STOP_LOOK);
        }
        return None;
    }
    Some(line)
}
