//! Which rate is tried next: climb, bisect, test the failing side again, soak, step down.
//!
//! Proposing trials are short and evenly spread; they only say where to soak. A soak runs under the law
//! of arrivals that users get, has to *show* the objective, and can reject: then the search goes on with
//! soaks between the last confirmed and the rejected rate. The answer is always a rate that was itself
//! soaked. The machine knows no clock and no socket; it asks for attempts and is told their verdicts.

pub mod bracket;
pub mod finding;
pub mod plan;

use crate::schedule::ArrivalLaw;
use crate::trial::criteria::Rule;
use crate::trial::verdict::{Proof, Verdict};
use crate::trial::{Purpose, TrialId};
use crate::units::Rps;
use bracket::{Bracket, Pass};
use finding::{Capacity, Finding, Flag};
use plan::SearchPlan;

/// Resolution of the climb, where only the order of magnitude matters.
const COARSE_RATIO: f64 = 0.25;
/// The climb's factor: the overshoot is bounded and ends early.
const CLIMB_FACTOR: f64 = 2.0;
/// Without any pass the search goes down by this factor.
const DESCENT_FACTOR: f64 = 4.0;
/// A failing side that passes its re-test sends the search up by this many precisions first.
const EXPANSION_PRECISIONS: f64 = 3.0;

/// A trial that the search asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// What it is for.
    pub purpose: Purpose,
    /// The rate to offer.
    pub offered: Rps,
    /// How arrivals are placed.
    pub arrivals: ArrivalLaw,
    /// How it is judged.
    pub rule: Rule,
    /// Most seconds of its measured part.
    pub measure_s: f64,
}

/// What the search wants next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// A trial.
    Try(Attempt),
    /// Nothing more: it is finished.
    Done(Capacity),
}

/// Where the search stands.
#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Looking for a first fail above, or a first pass below.
    Bracket { rate: Rps },
    /// Halving the bracket.
    Bisect,
    /// Looking sharply at a pass that was only looked at coarsely.
    Recheck,
    /// The failing side once more.
    Retest,
    /// Upwards after a passed re-test, by so many precisions.
    Expand { precisions: f64 },
    /// Confirming a rate.
    Soak { rate: Rps },
    /// Finished.
    Done(Finding),
}

/// The state of a search.
#[derive(Debug, Clone)]
pub struct Search {
    plan: SearchPlan,
    phase: Phase,
    bracket: Bracket,
    confirmed: Option<Confirmed>,
    rejected: Option<Rps>,
    soaks: u32,
    expansions: u32,
    voids: u32,
    attempts: u32,
    dispersion: f64,
    reasons: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Confirmed {
    rate: Rps,
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
            confirmed: None,
            rejected: None,
            soaks: 0,
            expansions: 0,
            voids: 0,
            attempts: 0,
            dispersion: 1.0,
            reasons: Vec::new(),
        }
    }

    /// What the search wants next.
    #[must_use]
    pub fn next(&self) -> Next {
        let precision = self.plan.precision_ratio;
        let attempt = match self.phase {
            Phase::Done(finding) => return Next::Done(self.capacity(finding)),
            Phase::Bracket { rate } => self.proposal(Purpose::Search, rate, COARSE_RATIO),
            Phase::Bisect => match (self.bracket.low(), self.bracket.high()) {
                (Some(low), Some(high)) => {
                    let rate = low.rate.geometric_mean(high);
                    let gap = (high.get() / rate.get() - 1.0) / 2.0;
                    let resolution = gap.clamp(precision / 2.0, COARSE_RATIO);
                    self.proposal(Purpose::Search, rate, resolution)
                }
                _ => return Next::Done(self.capacity(Finding::Unconfirmed)),
            },
            Phase::Recheck => self.proposal(Purpose::Search, self.low_or_floor(), precision / 2.0),
            Phase::Retest => {
                let rate = self.bracket.high().unwrap_or(self.plan.ceiling);
                self.proposal(Purpose::Retest, rate, precision / 2.0)
            }
            Phase::Expand { precisions } => {
                let rate = self.low_or_floor().scaled(1.0 + precisions * precision);
                self.proposal(Purpose::Search, rate.min(self.plan.ceiling), precision / 2.0)
            }
            Phase::Soak { rate } => self.soak(rate),
        };
        Next::Try(attempt)
    }

    /// Takes the verdict over the attempt that [`Self::next`] asked for, run as `id`.
    ///
    /// `dispersion` is the variance of the backlog per request that the trial showed.
    pub fn observe(&mut self, id: TrialId, verdict: &Verdict, dispersion: f64) {
        let Next::Try(attempt) = self.next() else {
            return;
        };
        self.attempts += 1;
        match verdict {
            Verdict::Sustained(proof) => {
                self.voids = 0;
                self.dispersion = dispersion;
                self.passed(&attempt, id, *proof);
            }
            Verdict::Overloaded(reasons) => {
                self.voids = 0;
                self.reasons = reasons.iter().map(ToString::to_string).collect();
                self.failed(&attempt);
            }
            Verdict::Void(reasons) => {
                self.voids += 1;
                if self.voids > self.plan.voids_max {
                    self.reasons = reasons.iter().map(ToString::to_string).collect();
                    self.phase = Phase::Done(Finding::GeneratorLimited);
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

    fn low_or_floor(&self) -> Rps {
        self.bracket.low().map_or(self.plan.floor, |low| low.rate)
    }

    fn proposal(&self, purpose: Purpose, offered: Rps, resolution_ratio: f64) -> Attempt {
        let rule = Rule::Propose { resolution_ratio, least_s: self.plan.trial_least_s };
        let arrivals = ArrivalLaw::Stratified;
        Attempt { purpose, offered, arrivals, rule, measure_s: self.plan.trial_most_s }
    }

    fn soak(&self, offered: Rps) -> Attempt {
        // Under Poisson arrivals a backlog has at least the variance of the arrivals themselves.
        let dispersion = match self.plan.soak_arrivals {
            ArrivalLaw::Poisson => self.dispersion.max(1.0),
            ArrivalLaw::Stratified | ArrivalLaw::Uniform => self.dispersion,
        };
        let least_s = self.plan.soak_s(offered, dispersion);
        let resolution_ratio = self.plan.soak_resolution(offered, dispersion);
        Attempt {
            purpose: Purpose::Soak,
            offered,
            arrivals: self.plan.soak_arrivals,
            rule: Rule::Confirm { resolution_ratio, least_s },
            measure_s: self.plan.soak_most_s.max(least_s),
        }
    }

    fn passed(&mut self, attempt: &Attempt, id: TrialId, proof: Proof) {
        let offered = attempt.offered;
        if let Rule::Propose { resolution_ratio, .. } = attempt.rule {
            self.bracket.pass(Pass { rate: offered, resolution_ratio });
        }
        self.phase = match self.phase.clone() {
            Phase::Soak { rate } => {
                self.confirmed = Some(Confirmed { rate, by: id, proof });
                self.after_soak()
            }
            Phase::Retest => {
                self.expansions += 1;
                Phase::Expand { precisions: EXPANSION_PRECISIONS }
            }
            _ if offered >= self.plan.ceiling => Phase::Soak { rate: self.plan.ceiling },
            Phase::Bracket { rate } if self.bracket.high().is_none() => {
                Phase::Bracket { rate: rate.scaled(CLIMB_FACTOR).min(self.plan.ceiling) }
            }
            Phase::Expand { precisions } => Phase::Expand { precisions: precisions * 2.0 },
            _ => self.narrow(),
        };
    }

    fn failed(&mut self, attempt: &Attempt) {
        let offered = attempt.offered;
        if let Phase::Soak { rate } = self.phase {
            self.soaks += 1;
            self.rejected = Some(self.rejected.map_or(rate, |rejected| rejected.min(rate)));
            self.phase = self.after_soak();
            return;
        }
        self.bracket.fail(offered);
        self.phase = if self.phase == Phase::Retest {
            self.after_retest_failed()
        } else if self.bracket.low().is_some() {
            self.narrow()
        } else if offered <= self.plan.floor {
            Phase::Retest
        } else {
            Phase::Bracket { rate: offered.scaled(1.0 / DESCENT_FACTOR).max(self.plan.floor) }
        };
    }

    /// The next step inside a bracket.
    fn narrow(&self) -> Phase {
        let (Some(low), Some(width_ratio)) = (self.bracket.low(), self.bracket.width_ratio())
        else {
            return Phase::Bracket { rate: self.low_or_floor() };
        };
        if width_ratio > self.plan.precision_ratio {
            Phase::Bisect
        } else if low.resolution_ratio > self.plan.precision_ratio {
            Phase::Recheck
        } else if self.expansions < self.plan.expansions_max {
            Phase::Retest
        } else {
            Phase::Soak { rate: low.rate }
        }
    }

    fn after_retest_failed(&self) -> Phase {
        match self.bracket.low() {
            Some(low) => Phase::Soak { rate: low.rate },
            None => Phase::Done(Finding::BelowFloor),
        }
    }

    /// Between confirmed and rejected soaks: done, halve, or step further down.
    fn after_soak(&self) -> Phase {
        let precision = self.plan.precision_ratio;
        let rate = match (self.confirmed, self.rejected) {
            (Some(_), None) => return Phase::Done(self.settled(Finding::Capacity)),
            (Some(confirmed), Some(rejected)) => {
                if rejected.get() / confirmed.rate.get() - 1.0 <= precision {
                    return Phase::Done(self.settled(Finding::Capacity));
                }
                confirmed.rate.geometric_mean(rejected)
            }
            (None, Some(rejected)) => {
                // Half a precision twice, because the proposal is rarely far off; then ever wider.
                let steps_ratio = match self.soaks {
                    0..=2 => precision / 2.0,
                    soaks => precision / 2.0 * f64::from(2_u32.pow((soaks - 2).min(16))),
                };
                rejected.scaled(1.0 / (1.0 + steps_ratio))
            }
            (None, None) => self.low_or_floor(),
        };
        if self.soaks >= self.plan.soaks_max || rate < self.plan.floor {
            return Phase::Done(self.settled(Finding::Unconfirmed));
        }
        Phase::Soak { rate }
    }

    /// `finding`, or what a confirmed rate makes of it.
    fn settled(&self, finding: Finding) -> Finding {
        match self.confirmed {
            Some(confirmed) if confirmed.rate >= self.plan.ceiling => Finding::AtCeiling,
            Some(_) => Finding::Capacity,
            None => finding,
        }
    }

    fn capacity(&self, finding: Finding) -> Capacity {
        let confirmed = self.confirmed;
        let mut flags = Vec::new();
        if confirmed.is_some_and(|confirmed| confirmed.proof == Proof::PointValue) {
            flags.push(Flag::FewSamples);
        }
        Capacity {
            finding,
            flags,
            rps: confirmed.map(|confirmed| confirmed.rate),
            low: confirmed.map_or_else(
                || self.bracket.low().map(|low| low.rate),
                |confirmed| Some(confirmed.rate),
            ),
            high: self.rejected.or_else(|| self.bracket.high()),
            confirmed_by: confirmed.map(|confirmed| confirmed.by).into_iter().collect(),
            reasons: if confirmed.is_some() { Vec::new() } else { self.reasons.clone() },
        }
    }
}
