//! The whole job as a pure state machine: warm up, search, levels.

use crate::search::finding::Capacity;
use crate::trial::TrialId;
use crate::units::LoadPercent;

/// One load level that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelOutcome {
    /// Share of the capacity that was offered.
    pub percent: LoadPercent,
    /// The trial that measured it.
    pub trial: TrialId,
    /// Seconds from the level's last due time to the first of the good probes in a row; `None` where
    /// recovery was not reached or not measured.
    pub recovery_s: Option<f64>,
}

/// What a campaign came to.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignOutcome {
    /// The answer of the search.
    pub capacity: Capacity,
    /// The levels that were measured to their end, in the order in which they were run.
    pub levels: Vec<LevelOutcome>,
    /// Why levels are missing although a capacity was certified, in words.
    pub levels_missing: Option<String>,
}
