//! The tool as the guard of a command that it has started; nobody types this.

use std::ffi::OsString;

use crate::target::guard::guard;
use crate::target::own::{GUARD, GUARD_PARTS};
use crate::term::complain;

/// Is a guard, where the arguments ask for that; the exit code.
#[must_use]
pub fn asked(arguments: &[OsString]) -> Option<u8> {
    let mut words = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    if words.next().as_deref() != Some(GUARD) {
        return None;
    }
    let words: Vec<String> = words.collect();
    let mut parts = words.splitn(2, |word| word == GUARD_PARTS);
    let (cleanup, command) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Some(guard(command, cleanup, complain))
}
