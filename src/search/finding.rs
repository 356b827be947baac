//! What a search found, in the words of the contract.

use crate::trial::TrialId;
use crate::units::Rps;

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A rate was confirmed and a higher one is not sustained.
    Capacity,
    /// The ceiling itself was confirmed.
    AtCeiling,
    /// Not even the floor is sustained.
    BelowFloor,
    /// No rate that was proposed could be confirmed.
    Unconfirmed,
    /// The target did not recover after an overload.
    Metastable,
    /// The generator was at fault too often to say anything.
    GeneratorLimited,
    /// The time was up before a rate was confirmed.
    OutOfBudget,
    /// The user stopped the run before a rate was confirmed.
    Interrupted,
    /// The target could no longer be reached before a rate was confirmed.
    TargetLost,
    /// An agent was lost in a run that goes on with all or none.
    AgentLost,
    /// No agent was left before a rate was confirmed.
    AgentsLost,
}

impl Finding {
    /// The finding's name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::AtCeiling => "at_ceiling",
            Self::BelowFloor => "below_floor",
            Self::Unconfirmed => "unconfirmed",
            Self::Metastable => "metastable",
            Self::GeneratorLimited => "generator_limited",
            Self::OutOfBudget => "out_of_budget",
            Self::Interrupted => "interrupted",
            Self::TargetLost => "target_lost",
            Self::AgentLost => "agent_lost",
            Self::AgentsLost => "agents_lost",
        }
    }
}

/// What a reader of the capacity must know beside the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// The confirmation holds by its measured values; its bounds need more requests.
    FewSamples,
    /// The service was not the same at the end of the search as at its beginning.
    Drift,
    /// The machine was pressed for a while; what was measured meanwhile was measured again.
    Disturbed,
    /// The failing side passed again and again: more load is not always worse.
    NonMonotone,
    /// Trials kept contradicting each other: between the two ends nothing is known.
    Indeterminate,
    /// Service times have a heavy tail: the interval is not calibrated for it.
    HeavyTail,
    /// The speed of the service changes from second to second: the interval is not calibrated for it.
    Noisy,
    /// The budget made the precision coarser than the preset's.
    Widened,
    /// Without the dashboard's queries beside it the service holds at least a tenth more.
    QueriesCost,
    /// Generator and target share a machine.
    CoLocated,
}

impl Flag {
    /// The flag's name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FewSamples => "few_samples",
            Self::Drift => "drift",
            Self::Disturbed => "disturbed",
            Self::NonMonotone => "non_monotone",
            Self::Indeterminate => "indeterminate",
            Self::HeavyTail => "heavy_tail",
            Self::Noisy => "noisy",
            Self::Widened => "widened",
            Self::QueriesCost => "queries_cost",
            Self::CoLocated => "co_located",
        }
    }
}

/// What the two ends of a capacity are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The highest pass and the lowest fail.
    Bracket,
    /// A 95 % interval from all trials.
    Posterior,
}

impl Ends {
    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bracket => "bracket",
            Self::Posterior => "posterior",
        }
    }
}

/// The answer of a search.
///
/// `rps` is a rate that was itself confirmed, or `None`. Without a confirmation `low` and `high` are the
/// bracket that the search had come to, where it had one: a hint for the next run, not a capacity. With
/// one they are the 95 % interval from all trials, which always holds `rps`.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// How the search ended.
    pub finding: Finding,
    /// What must be known beside the number; sorted, each once.
    pub flags: Vec<Flag>,
    /// The confirmed rate.
    pub rps: Option<Rps>,
    /// Lower end of the interval, or the highest rate that passed.
    pub low: Option<Rps>,
    /// Upper end of the interval, or the lowest rate that failed.
    pub high: Option<Rps>,
    /// What the two ends are.
    pub ends: Ends,
    /// The highest rate at which requests did not pile up, whatever the objective says.
    pub stability: Option<Rps>,
    /// The soaks that confirmed the rate.
    pub confirmed_by: Vec<TrialId>,
    /// Why there is no confirmed rate, in words; empty where there is one.
    pub reasons: Vec<String>,
}
