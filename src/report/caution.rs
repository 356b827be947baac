//! What a reader of a result must be warned of: every warning, its wording and its cure in one place.

use std::fmt;

use super::schema::RunRecord;
use crate::search::finding::Flag;

/// A warning.
#[derive(Debug, Clone, PartialEq)]
pub enum Caution {
    /// Generator and target share a machine.
    CoLocated,
    /// The soak's bounds need more requests than it held.
    FewSamples,
    /// The target cannot say how many documents it holds.
    NotVerified {
        /// Documents that it accepted.
        accepted: u64,
    },
    /// It is not known whether the target holds some documents.
    Unknown {
        /// How many.
        unknown: u64,
    },
    /// The levels' p99 is carried by too few queries.
    FewQueries {
        /// Queries of a level.
        samples: u64,
    },
    /// A bracket without a confirmed rate.
    Unconfirmed {
        /// Its lower end.
        low_rps: f64,
    },
    /// Levels that were not measured.
    LevelsMissing {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CoLocated => write!(
                f,
                "generator and target share this machine: the capacity is the one with the generator on board"
            ),
            Self::FewSamples => write!(
                f,
                "the soak held too few requests to show its bounds; its measured values hold (PRESET=standard soaks longer)"
            ),
            Self::NotVerified { accepted } => write!(
                f,
                "the target cannot count its documents: that all {accepted} accepted ones are stored is not verified"
            ),
            Self::Unknown { unknown } => write!(
                f,
                "{unknown} documents were sent and never answered: the target may hold them or not"
            ),
            Self::FewQueries { samples } => write!(
                f,
                "a level holds {samples} dashboard queries: too few for a p99 to be judged (299 are needed; PRESET=standard or DASHBOARD_S)"
            ),
            Self::Unconfirmed { low_rps } => write!(
                f,
                "short trials passed up to {low_rps:.1}/s, but no soak confirmed it: a hint for the next run, not a capacity"
            ),
            Self::LevelsMissing { reason } => {
                write!(f, "not every level was measured to its end: {reason}")
            }
        }
    }
}

/// The warnings that a result calls for.
#[must_use]
pub fn cautions(record: &RunRecord) -> Vec<Caution> {
    let mut cautions = Vec::new();
    let flagged = |flag: Flag| record.capacity.flags.iter().any(|name| name == flag.name());
    if let (None, Some(low_rps)) = (record.capacity.rps, record.capacity.low_rps) {
        cautions.push(Caution::Unconfirmed { low_rps });
    }
    if flagged(Flag::FewSamples) {
        cautions.push(Caution::FewSamples);
    }
    if let Some(reason) = &record.levels_missing {
        cautions.push(Caution::LevelsMissing { reason: reason.clone() });
    }
    if let Some(level) = record.levels.first()
        && level.dashboard.response_ms.p99_high.is_none()
    {
        cautions.push(Caution::FewQueries { samples: level.dashboard.response_ms.samples });
    }
    let verification = &record.verification;
    if verification.found.is_none() && verification.accepted > 0 {
        cautions.push(Caution::NotVerified { accepted: verification.accepted });
    }
    if verification.unknown > 0 {
        cautions.push(Caution::Unknown { unknown: verification.unknown });
    }
    if flagged(Flag::CoLocated) {
        cautions.push(Caution::CoLocated);
    }
    cautions
}
