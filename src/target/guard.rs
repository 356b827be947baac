//! Stands between the tool and a command of somebody else's, so that the command ends with the tool whatever ends the
//! tool: Ctrl-C, a broken assertion, kill -9.
//!
//! It is a process of its own, the tool's program under another name. The tool holds the writing end of a pipe as
//! the guard's standard input and only has to close it; a dead process has closed everything. What puts itself into
//! a process group of its own, as daemons do, is out of reach.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// A command that has not ended so long after SIGTERM is killed.
pub const STOP_LIMIT: Duration = Duration::from_secs(5);
/// What is to be done afterwards may take so long.
pub const CLEANUP_LIMIT: Duration = Duration::from_secs(10);
/// Looks this often.
const LOOK: Duration = Duration::from_millis(20);
/// The exit code of a command that cannot be started, as shells have it.
const NOT_STARTED: u8 = 127;

/// Runs `command` until it ends or standard input does; then stops what is left of it, and runs `cleanup` if that is
/// not empty. Returns the exit code, or says on `complain` why the command could not be started.
pub fn guard(command: &[String], cleanup: &[String], complain: impl Fn(&str)) -> u8 {
    let is_over = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        // Where the system refuses, the end of standard input is still there.
        drop(flag::register(signal, Arc::clone(&is_over)));
    }
    let Some((program, arguments)) = command.split_first() else { return NOT_STARTED };
    let spawned = Command::new(program)
        .args(arguments)
        // Held open, so that a server that watches it ends even where this guard is killed.
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            complain(&format!("{program}: {error}"));
            return NOT_STARTED;
        }
    };
    let over = Arc::clone(&is_over);
    thread::spawn(move || {
        // Nothing ever comes but the end.
        drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
        over.store(true, Ordering::Relaxed);
    });
    while !is_over.load(Ordering::Relaxed) && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(LOOK);
    }
    stop(&mut child);
    if !cleanup.is_empty() {
        drop(run_within(cleanup, CLEANUP_LIMIT, &|| false));
    }
    let status = child.wait().ok().and_then(|status| status.code());
    status.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Ends the process group of `child`: asks it to, and kills what has not ended in time.
fn stop(child: &mut Child) {
    let Ok(id) = i32::try_from(child.id()) else { return };
    let group = Pid::from_raw(id);
    let mut left = STOP_LIMIT;
    // A group of which nobody is left is what is wanted.
    let mut is_left = killpg(group, Signal::SIGTERM).is_ok();
    while is_left && left > Duration::ZERO {
        thread::sleep(LOOK);
        left = left.saturating_sub(LOOK);
        // One that has ended belongs to its group until it is asked for.
        drop(child.try_wait());
        is_left = killpg(group, None).is_ok();
    }
    if is_left {
        // Whoever has just ended is not there to be killed.
        let _ = killpg(group, Signal::SIGKILL);
    }
}

/// What a short command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether it succeeded.
    pub is_success: bool,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// Runs a command that says little, at most for `limit`, or until `is_interrupted`.
///
/// # Errors
/// When it cannot be started, or takes longer.
pub fn run_within(
    command: &[String],
    limit: Duration,
    is_interrupted: &dyn Fn() -> bool,
) -> io::Result<Said> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(io::Error::other("no command"));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    // Read beside the waiting: a command whose pipe is full would never end.
    let stderr = child.stderr.take();
    let reader = thread::spawn(move || {
        let text = stderr.map(io::read_to_string);
        text.and_then(Result::ok).unwrap_or_default()
    });
    let mut left = limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if left == Duration::ZERO || is_interrupted() {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOK);
        left = left.saturating_sub(LOOK);
    };
    let stderr = reader.join().unwrap_or_default();
    Ok(Said { is_success: status.success(), stderr })
}
