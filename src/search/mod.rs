//! Which rate is tried next: climb, bisect, test the failing side again, soak, step down.
//!
//! Proposing trials are short and evenly spread; they only say where to soak. A soak runs under the law
//! of arrivals that users get, has to *show* the objective, and can reject: then the search goes on with
//! soaks between the last confirmed and the rejected rate. The answer is always a rate that was itself
//! soaked. The machine knows no clock and no socket; it asks for attempts and is told their verdicts.

mod answer;
mod attempts;
pub mod bracket;
mod drift;
pub mod finding;
mod history;
pub mod plan;
mod proposing;
mod refer;
mod service;
mod soaking;

pub use attempts::{Attempt, Next};

use crate::trial::evidence::Observation;
use crate::trial::verdict::{Proof, Verdict};
use crate::trial::{Purpose, TrialId};
use crate::units::Rps;
use bracket::Bracket;
use drift::Baseline;
use finding::{Capacity, Finding, Flag};
use history::History;
use plan::SearchPlan;
use refer::Reference;

/// Where the search stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Looking for a first fail above, or a first pass below.
    Bracket { rate: Rps },
    /// Halving the bracket.
    Bisect,
    /// Looking at what the service gets done under a modest overload.
    Look { rate: Rps },
    /// An early rate once more, of a service that was found to be faster than it was.
    Rebase { before: Baseline },
    /// Upwards after a withdrawn fail, by so many precisions.
    Expand { precisions: f64 },
    /// Confirming a rate.
    Soak { rate: Rps },
    /// An early rate once more, before the first soak and after a rejected one.
    Refer(Reference),
    /// The failing side once more, where the service is surely overloaded unless it became faster ...
    Retest { rate: Rps },
    /// ... and again when it passed: two of three decide.
    Tiebreak { rate: Rps },
    /// That rate has held where it surely should not: does far more hold?
    Higher { held: Rps },
    /// The lowest rate of the range once more, before nothing is found to be sustained.
    Floor,
    /// An early rate once more: is the service still what it was?
    Drift { before: Baseline },
    /// It was not: the answer must hold once more.
    Prove { rate: Rps },
    /// Finished.
    Done(Finding),
}

impl Phase {
    /// What it is after, in words.
    const fn aim(self) -> &'static str {
        match self {
            Self::Bracket { .. } => "look for a rate that holds and one that does not",
            Self::Bisect => "halve the bracket",
            Self::Look { .. } => "look at what the service gets done under a modest overload",
            Self::Refer(reference) if reference.tries > 0 => {
                "wait until an early rate is answered as before: the machine is pressed"
            }
            Self::Refer(_) => "ask an early rate once more: is the service what it was?",
            Self::Retest { .. } => "try the failing side once more",
            Self::Tiebreak { .. } => "decide between a pass and a fail by a third trial",
            Self::Higher { .. } => "try far higher, for what should not hold has held",
            Self::Floor => "try the floor once more",
            Self::Rebase { .. } => "measure an early rate anew, for the service became faster",
            Self::Expand { .. } => "go up again, for the service became faster",
            Self::Soak { .. } => "soak under the law of arrivals that users get",
            Self::Drift { .. } => "ask an early rate once more: did the service become slower?",
            Self::Prove { .. } => "soak the answer once more, for the service has changed",
            Self::Done(_) => "nothing more",
        }
    }
}

/// Where a search stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The highest rate that passed.
    pub low: Option<Rps>,
    /// The lowest rate that failed or was rejected by a soak.
    pub high: Option<Rps>,
    /// Where all trials together place the capacity.
    pub believed_rps: Option<f64>,
    /// Standard deviation of that, as a share of it.
    pub deviation_ratio: Option<f64>,
    /// The rate that a soak has confirmed.
    pub confirmed: Option<Rps>,
    /// What is wanted next, in words.
    pub aim: &'static str,
}

impl Standing {
    /// The same with every rate multiplied by `factor`: in documents instead of requests.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let scaled = |rate: Option<Rps>| rate.map(|rate| rate.scaled(factor));
        Self {
            low: scaled(self.low),
            high: scaled(self.high),
            believed_rps: self.believed_rps.map(|rps| rps * factor),
            confirmed: scaled(self.confirmed),
            ..*self
        }
    }
}

/// The state of a search.
#[derive(Debug, Clone)]
pub struct Search {
    plan: SearchPlan,
    phase: Phase,
    bracket: Bracket,
    history: History,
    /// Rates that were sustained on the way up, and the service then.
    early: Vec<Baseline>,
    /// The rate that the proposing trials came to.
    proposed: Option<Rps>,
    confirmed: Option<Confirmed>,
    /// A rate that one soak has held where two are wanted, and that soak.
    held_once: Option<(Rps, TrialId)>,
    rejected: Option<Rps>,
    looks: u32,
    /// Looks in a row that were no overload.
    looks_held: u32,
    soaks: u32,
    expansions: u32,
    restarts: u32,
    disturbances: u32,
    voids: u32,
    attempts: u32,
    /// Whether a soak was rejected because requests piled up.
    piled_up: bool,
    /// Why the answer has to hold once more.
    suspicion: Option<Suspicion>,
    flags: Vec<Flag>,
    reasons: Vec<String>,
}

/// What was found changed at the end of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suspicion {
    /// Requests piled up in soaks where they did not in proposing trials.
    FellBehind,
    /// Answers take longer than before.
    Slower,
    /// They take so much longer that a short soak would not show whether that goes on.
    FarSlower,
}

#[derive(Debug, Clone, Copy)]
struct Confirmed {
    rate: Rps,
    /// The soak before, where two are wanted.
    before: Option<TrialId>,
    by: TrialId,
    proof: Proof,
}

impl Search {
    /// A search at its beginning.
    ///
    /// # Panics
    /// When the plan was not checked with [`SearchPlan::check`].
    #[must_use]
    pub fn new(plan: SearchPlan) -> Self {
        assert!(plan.check().is_ok(), "the plan of a search is checked before the search begins");
        Self {
            phase: Phase::Bracket { rate: plan.first_rate() },
            plan,
            bracket: Bracket::default(),
            history: History::default(),
            early: Vec::new(),
            proposed: None,
            confirmed: None,
            held_once: None,
            rejected: None,
            looks: 0,
            looks_held: 0,
            soaks: 0,
            expansions: 0,
            restarts: 0,
            disturbances: 0,
            voids: 0,
            attempts: 0,
            piled_up: false,
            suspicion: None,
            flags: Vec::new(),
            reasons: Vec::new(),
        }
    }
    /// Takes what came of the attempt that [`Self::next`] asked for.
    pub fn observe(&mut self, seen: &Observation) {
        let Next::Try(attempt) = self.next() else {
            return;
        };
        self.attempts += 1;
        let evidence = &seen.evidence;
        let is_soak = attempt.purpose == Purpose::Soak;
        self.history.push(attempt.offered, attempt.arrivals, is_soak, evidence);
        match &evidence.verdict {
            Verdict::Sustained(proof) => {
                self.voids = 0;
                self.passed(&attempt, seen, *proof);
            }
            Verdict::Overloaded(reasons) => {
                self.voids = 0;
                self.failed(&attempt, seen, reasons);
            }
            Verdict::Void(reasons) => {
                self.voids += 1;
                if self.voids > self.plan.voids_max {
                    self.reasons = reasons.iter().map(ToString::to_string).collect();
                    self.phase = Phase::Done(self.settled(Finding::GeneratorLimited));
                }
            }
            Verdict::Undecided => {}
        }
        if self.attempts >= self.plan.attempts_max && !matches!(self.phase, Phase::Done(_)) {
            self.reasons = vec![format!("no answer within {} attempts", self.attempts)];
            self.phase = Phase::Done(self.settled(Finding::Unconfirmed));
        }
    }

    /// Ends the search from outside; a rate that was confirmed stays the answer.
    pub fn finish(&mut self, finding: Finding, reason: String) {
        if !matches!(self.phase, Phase::Done(_)) {
            self.reasons = vec![reason];
            self.phase = Phase::Done(self.settled(finding));
        }
    }

    /// What the search has come to: its finding, or `unfinished` while it still asks for trials.
    #[must_use]
    pub fn outcome(&self, unfinished: Finding) -> Capacity {
        match self.phase {
            Phase::Done(finding) => self.capacity(finding),
            _ => self.capacity(self.settled(unfinished)),
        }
    }

    /// Where it stands, for whoever wants to tell.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let belief = self.belief();
        Standing {
            low: self.bracket.low(),
            high: self.rejected.or_else(|| self.bracket.high()),
            believed_rps: belief.as_ref().map(|belief| belief.quantile_rps(0.5)),
            deviation_ratio: belief.map(|belief| belief.deviation_ratio()),
            confirmed: self.confirmed.map(|confirmed| confirmed.rate),
            aim: self.phase.aim(),
        }
    }

    /// Makes the precision one step coarser, because time is short; false when it already is coarsest.
    pub fn widen(&mut self) -> bool {
        let wider = self.plan.widen();
        if wider {
            self.flag(Flag::Widened);
        }
        wider
    }

    /// Seconds of trials that are still to come when all goes as usual, `pause_s` around each.
    #[must_use]
    pub fn rest_s(&self, pause_s: f64) -> f64 {
        let trial_s = pause_s + 2.0 * self.plan.trial_least_s;
        let halvings = self.bracket.width_ratio().map_or(4.0, |width_ratio| {
            (width_ratio / self.plan.precision_ratio).log2().max(0.0).ceil()
        });
        let soak_s =
            pause_s + self.plan.soaks_s(self.low_or_floor(), self.history.dispersion().max(1.0));
        match self.phase {
            Phase::Done(_) => 0.0,
            Phase::Drift { .. } => pause_s + self.plan.drift_s,
            Phase::Soak { .. } | Phase::Prove { .. } => soak_s,
            _ => halvings * trial_s + trial_s + soak_s,
        }
    }

    fn flag(&mut self, flag: Flag) {
        self.flags.push(flag);
        self.flags.sort_unstable();
        self.flags.dedup();
    }

    /// `finding`, or what a confirmed rate makes of it.
    fn settled(&self, finding: Finding) -> Finding {
        match self.confirmed {
            Some(confirmed) if confirmed.rate >= self.plan.ceiling => Finding::AtCeiling,
            Some(_) => Finding::Capacity,
            None => finding,
        }
    }
}
