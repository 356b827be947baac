//! A broken assertion ends the program at once, with what is needed to repeat the run.
//!
//! The runtime would keep a panic in the task that it happened in, and the run would go on with figures
//! that cannot be believed.

use std::panic;
use std::sync::{Mutex, PoisonError};

use super::exit::Exit;
use crate::term::complain;

/// How the run can be repeated, once that is known.
static TRACE: Mutex<Option<String>> = Mutex::new(None);

/// Makes every panic end the process with its own exit code.
pub(super) fn end_on_panic() {
    panic::set_hook(Box::new(|fault| {
        complain(&format!("plimsoll: a fault of the program, please report it: {fault}"));
        // Whoever holds it may be the one that ends here.
        if let Some(trace) = TRACE.try_lock().ok().and_then(|trace| trace.clone()) {
            complain(&trace);
        }
        exit();
    }));
}

/// Says how the run can be repeated: its seed and where its journal lies.
pub(super) fn remember(trace: String) {
    // Of several runs one after another the newest counts.
    *TRACE.lock().unwrap_or_else(PoisonError::into_inner) = Some(trace);
}

#[allow(clippy::exit, reason = "nothing that is measured after a broken assertion can be believed")]
fn exit() {
    std::process::exit(i32::from(Exit::Internal.code()));
}
