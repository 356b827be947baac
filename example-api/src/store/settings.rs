//! The settings of the engine that keeps documents.

use std::path::PathBuf;
use std::time::Duration;

use crate::source::{SettingError, Source, complaint};

/// When a document counts as accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Once it is synced.
    Request,
    /// Once it is written; it is synced within five seconds.
    Async,
}

/// The settings of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreSettings {
    /// Folder of the index and its log; none for a temporary one.
    pub(crate) data: Option<PathBuf>,
    /// When a document counts as accepted.
    pub(crate) durability: Durability,
    /// How long a replica would take to acknowledge.
    pub(crate) ack: Duration,
    /// How old the oldest document may become that cannot be searched yet.
    pub(crate) refresh: Duration,
}

impl StoreSettings {
    /// The store's own settings, of the settings of the server.
    pub(crate) fn read<F: Fn(&str) -> Option<String>>(
        source: &Source<F>,
    ) -> Result<Self, SettingError> {
        let wanted = "a number of milliseconds from 0 to 60000";
        let ack_ms = source.milliseconds("ACK_MS", 0.0, wanted)?;
        let data = source.text("DATA");
        // Text that is not Unicode would name another folder than was meant.
        if data.contains(['\u{fffd}', '\0']) {
            return Err(complaint("DATA", "must be the name of a folder in Unicode"));
        }
        Ok(Self {
            data: (!data.is_empty()).then(|| data.into()),
            durability: source.one_of(
                "DURABILITY",
                &[("request", Durability::Request), ("async", Durability::Async)],
            )?,
            ack: Duration::from_secs_f64(ack_ms / 1000.0),
            refresh: Duration::from_millis(source.whole("REFRESH_MS", 10, 60_000)?),
        })
    }
}
