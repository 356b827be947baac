//! A system under test that somebody else's command starts: a server of the user's own, or a container.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::guard::{CLEANUP_LIMIT, STOP_LIMIT};
use crate::profile::exchange::{Exchange, ExchangeError, Question, shown};

/// The first argument of the tool's own program when it is to be a guard.
pub const GUARD: &str = "guard-process";
/// Between what is to be done at the end and the command, among the guard's arguments.
pub const GUARD_PARTS: &str = "--";
/// A server that answers nothing for so long has not started.
const START_LIMIT_MS: u64 = 60_000;
/// Between two attempts.
const ATTEMPT_MS: u64 = 100;
/// A server that takes the connection and is silent is waited for so long each time.
const SILENCE_MS: u64 = 1000;
/// Of what a command says so many lines are kept ...
const LINES_KEPT: usize = 5;
/// ... of so many characters.
const LINE_CHARS: usize = 300;
/// Looks at an ending guard this often.
const STOP_LOOK: Duration = Duration::from_millis(20);

/// Why a command did not become a system under test.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// There is no free port, or no second process of the tool.
    #[error("`{command}` could not be started: {error}")]
    Spawn {
        /// The command.
        command: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It ended before it answered.
    #[error("`{command}` ended before it answered ({code}){lines}")]
    Ended {
        /// The command.
        command: String,
        /// Its exit code.
        code: String,
        /// What it said last.
        lines: String,
    },
    /// It never answered.
    #[error(
        "`{command}` did not answer on 127.0.0.1:{port} within 60 s; does it listen on {{port}}?{lines}"
    )]
    Mute {
        /// The command.
        command: String,
        /// Where it should have answered.
        port: u16,
        /// What it said last.
        lines: String,
    },
    /// The user wants to stop.
    #[error("interrupted before any load")]
    Interrupted,
}

/// How a system under test is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPlan {
    /// Program and arguments; no shell looks at them.
    pub command: Vec<String>,
    /// What is run when it has ended, if anything.
    pub cleanup: Vec<String>,
    /// Where it is to listen on 127.0.0.1.
    pub port: u16,
    /// What is set in its environment.
    pub variables: Vec<(String, String)>,
}

impl OwnPlan {
    /// The command as it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        self.command.join(" ")
    }
}

/// A running system under test behind a guard; it is stopped when this is dropped.
#[derive(Debug)]
pub struct OwnServer {
    guard: Child,
    /// Held open: its end tells the guard to stop the server.
    stdin: Option<ChildStdin>,
    plan: OwnPlan,
    base_url: String,
    last_lines: Arc<Mutex<VecDeque<String>>>,
}

/// A port of 127.0.0.1 that was free a moment ago.
///
/// # Errors
/// When there is none.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl OwnServer {
    /// Starts a guard, which is the program at `tool`, and with it the command; without the environment variables
    /// named in `cleared`.
    ///
    /// # Errors
    /// When the guard cannot be started. Whether the command can be shows in [`Self::wait_until_it_answers`].
    pub fn start<'a>(
        tool: &Path,
        plan: OwnPlan,
        cleared: impl Iterator<Item = &'a str>,
    ) -> Result<Self, OwnError> {
        let mut command = Command::new(tool);
        cleared.for_each(|name| {
            command.env_remove(name);
        });
        let mut guard = command
            .arg(GUARD)
            .args(&plan.cleanup)
            .arg(GUARD_PARTS)
            .args(&plan.command)
            .envs(plan.variables.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C is for the tool, which still has to write its results.
            .process_group(0)
            .spawn()
            .map_err(|error| OwnError::Spawn { command: plan.shown(), error })?;
        let last_lines = Arc::default();
        keep_last(guard.stdout.take(), &last_lines);
        keep_last(guard.stderr.take(), &last_lines);
        let base_url = format!("http://127.0.0.1:{}", plan.port);
        let stdin = guard.stdin.take();
        Ok(Self { guard, stdin, plan, base_url, last_lines })
    }

    /// Waits until it answers HTTP, whatever it says.
    ///
    /// # Errors
    /// When it ends before, or does not answer within a minute; when the user wants to stop.
    pub fn wait_until_it_answers(&mut self, exchange: &mut impl Exchange) -> Result<(), OwnError> {
        let question = Question { timeout_ms: SILENCE_MS, ..Question::get("/") };
        let mut left_ms = START_LIMIT_MS;
        while left_ms > 0 {
            let answer = exchange.ask(&question);
            if let Ok(Some(status)) = self.guard.try_wait() {
                let code = status
                    .code()
                    .map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
                // The last it said may still be on its way.
                thread::sleep(STOP_LOOK);
                return Err(OwnError::Ended {
                    command: self.plan.shown(),
                    code,
                    lines: self.said(),
                });
            }
            let spent_ms = match answer {
                Ok(_) => return Ok(()),
                Err(ExchangeError::Interrupted) => return Err(OwnError::Interrupted),
                Err(ExchangeError::NoAnswer { timeout_ms }) => timeout_ms,
                Err(_) => 0,
            };
            thread::sleep(Duration::from_millis(ATTEMPT_MS));
            left_ms = left_ms.saturating_sub(spent_ms + ATTEMPT_MS);
        }
        let (command, port) = (self.plan.shown(), self.plan.port);
        Err(OwnError::Mute { command, port, lines: self.said() })
    }

    /// Where it listens.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The command that it was started with.
    #[must_use]
    pub const fn plan(&self) -> &OwnPlan {
        &self.plan
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(None))
    }

    fn said(&self) -> String {
        let lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return String::new();
        }
        let lines: Vec<String> = lines.iter().map(|line| format!("\n  {line}")).collect();
        format!("; it said last:{}", lines.concat())
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let mut left = STOP_LIMIT + CLEANUP_LIMIT + Duration::from_secs(1);
        while self.is_alive() && left > Duration::ZERO {
            thread::sleep(STOP_LOOK);
            left = left.saturating_sub(STOP_LOOK);
        }
        drop(self.guard.kill());
        drop(self.guard.wait());
    }
}

/// Reads what comes, so that nobody waits for room in a pipe, and keeps the end of it.
fn keep_last(source: Option<impl Read + Send + 'static>, kept: &Arc<Mutex<VecDeque<String>>>) {
    let (Some(source), kept) = (source, Arc::clone(kept)) else { return };
    thread::spawn(move || {
        let mut reader = BufReader::new(source);
        let mut line = Vec::new();
        // A line without an end is cut, so that it takes bounded memory.
        while reader
            .by_ref()
            .take(1 << 16)
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let text = shown(&String::from_utf8_lossy(&line), LINE_CHARS);
            line.clear();
            if text.is_empty() {
                continue;
            }
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(text);
            if kept.len() > LINES_KEPT {
                kept.pop_front();
            }
        }
    });
}
