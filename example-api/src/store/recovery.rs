//! What the log holds beyond the index, read back at the start.
//!
//! The index says up to which document it is complete. Younger documents are taken from the log,
//! each exactly once, because every one has a number. A record that was never completed can only
//! be the last one, and was never acknowledged; anything else that cannot be read means that
//! acknowledged documents are gone, and the server does not start over that.

use std::fs;
use std::path::Path;

use super::log;
use super::record::{Found, decode};
use super::schema::Accepted;
use crate::document;

/// Hands each document of the log after number `committed` to `take`, in order; returns the number
/// of the last one. The error is one line.
pub(super) fn replay(
    folder: &Path,
    committed: u64,
    mut take: impl FnMut(Accepted) -> Result<(), String>,
) -> Result<u64, String> {
    let files = log::files(folder).map_err(|error| format!("could not list the log: {error}"))?;
    let mut last = committed;
    for (number, path) in files.iter().enumerate() {
        let is_newest = number + 1 == files.len();
        let bytes = fs::read(path)
            .map_err(|error| format!("could not read the log {}: {error}", path.display()))?;
        let damaged = |at: usize, what: &str| {
            let path = path.display();
            format!(
                "the log {path} is damaged at byte {at}: {what}; put it back as it was, or begin in an empty folder"
            )
        };
        let mut at = 0;
        loop {
            match decode(bytes.get(at..).unwrap_or_default()) {
                Found::Whole(record, length) => {
                    // The index holds the older ones already.
                    if record.sequence > last {
                        if record.sequence != last + 1 {
                            return Err(damaged(at, &format!("document {} is missing", last + 1)));
                        }
                        let document = document::parse(record.document).map_err(|refusal| {
                            damaged(at, &format!("not a document ({refusal:?})"))
                        })?;
                        let unix_ms = record.unix_ms;
                        let canonical = String::from_utf8_lossy(record.document).into_owned();
                        last = record.sequence;
                        take(Accepted { sequence: last, unix_ms, document, canonical })?;
                    }
                    at += length;
                }
                Found::End => break,
                Found::Torn if is_newest => break,
                Found::Torn => return Err(damaged(at, "it ends within a document")),
                Found::Damaged => return Err(damaged(at, "not a document, but some follow")),
            }
        }
    }
    Ok(last)
}

/// Deletes all files of the log, the oldest first: the index holds their documents.
pub(super) fn clear(folder: &Path) -> Result<(), String> {
    let files = log::files(folder).map_err(|error| format!("could not list the log: {error}"))?;
    files.iter().try_for_each(|path| {
        fs::remove_file(path)
            .map_err(|error| format!("could not delete the log {}: {error}", path.display()))
    })
}
