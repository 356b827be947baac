//! All trials of a search, and what they say together: an interval, a second capacity, what to know.

use crate::schedule::ArrivalLaw;
use crate::stats::overflow;
use crate::stats::posterior::{Posterior, Probe, Showed};
use crate::trial::evidence::Evidence;
use crate::trial::verdict::{Reason, Verdict};
use crate::units::Rps;

/// A trial measures the saturation when the service had work for at least this share of it.
const BUSY_LEAST_RATIO: f64 = 0.4;

/// One judged trial.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) rate: Rps,
    pub(super) arrivals: ArrivalLaw,
    pub(super) is_soak: bool,
    pub(super) evidence: Evidence,
}

impl Tried {
    fn passed(&self) -> Option<bool> {
        match self.evidence.verdict {
            Verdict::Sustained(_) => Some(true),
            Verdict::Overloaded(_) => Some(false),
            Verdict::Void(_) | Verdict::Undecided => None,
        }
    }

    /// Whether requests were turned away that could have waited within the limit.
    fn sheds(&self) -> bool {
        match &self.evidence.verdict {
            Verdict::Overloaded(reasons) => {
                let waits = |reason: &Reason| reason.is_backlog() || reason.is_slow();
                reasons.iter().any(Reason::is_errors) && !reasons.iter().any(waits)
            }
            _ => false,
        }
    }

    /// Variance of the backlog per request: the service's scatter and that of the arrivals.
    fn dispersion(&self, service: f64) -> f64 {
        service + self.arrivals.dispersion()
    }

    /// What it says of the rate that the service gets done when it always has work: that rate itself where
    /// it had work for most of the time, otherwise how much of what was offered it left undone.
    fn saturation_probe(&self, service: f64) -> Probe {
        let evidence = &self.evidence;
        if let Some(busy) = evidence.busy
            && busy.seconds >= BUSY_LEAST_RATIO * evidence.measured_s
        {
            return Probe {
                rate_rps: busy.rps,
                showed: Showed::Measured,
                dispersion: service,
                requests: busy.requests,
            };
        }
        Probe {
            rate_rps: self.rate.get(),
            showed: Showed::Growth(evidence.growth_ratio + evidence.failed_ratio()),
            dispersion: self.dispersion(service),
            requests: evidence.requests as f64,
        }
    }

    /// Of a soak: how many requests a service shed that gets `busy_rps` done when it always has work.
    fn shed_probe(&self, service: f64, busy_rps: f64, allowed_ratio: f64) -> Probe {
        let shed = self.evidence.failed as f64;
        Probe {
            rate_rps: self.rate.get(),
            showed: Showed::Shed { shed, busy_rps, allowed_ratio },
            dispersion: self.dispersion(service),
            requests: self.evidence.requests as f64,
        }
    }

    /// Of a soak: whether the objective held.
    fn objective_probe(&self, service: f64) -> Option<Probe> {
        let showed = if self.passed()? { Showed::Passed } else { Showed::Failed };
        Some(Probe {
            rate_rps: self.rate.get(),
            showed,
            dispersion: self.dispersion(service),
            requests: self.evidence.requests as f64,
        })
    }

    /// Whether requests piled up, whatever the objective says.
    fn piled_up(&self) -> bool {
        match &self.evidence.verdict {
            Verdict::Overloaded(reasons) => reasons.iter().any(Reason::is_backlog),
            _ => false,
        }
    }
}

/// The trials of a search so far.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    pub(super) tried: Vec<Tried>,
}

impl History {
    pub(super) fn push(
        &mut self,
        rate: Rps,
        arrivals: ArrivalLaw,
        is_soak: bool,
        evidence: &Evidence,
    ) {
        self.tried.push(Tried { rate, arrivals, is_soak, evidence: evidence.clone() });
    }

    /// The service was not yet itself: what failed is forgotten, and of what held that is all that counts.
    pub(super) fn start_over(&mut self) {
        self.tried.retain(|tried| tried.passed() != Some(false));
        for tried in &mut self.tried {
            tried.evidence.busy = None;
            tried.evidence.growth_ratio = 0.0;
        }
    }

    /// Forgets the last soak and what came after it.
    pub(super) fn forget_last_soak(&mut self) {
        let last = self.tried.iter().rposition(|tried| tried.is_soak);
        self.tried.truncate(last.unwrap_or(self.tried.len()));
    }

    /// Takes back the failures of trials in which less got done than `rate`.
    pub(super) fn forget_fails_below(&mut self, rate: Rps) {
        self.tried.retain(|tried| {
            let got_done = tried.evidence.accepted_rps.is_none_or(|rps| rps >= rate.get());
            tried.passed() != Some(false) || got_done
        });
    }

    /// What all trials together say of the rate that the service gets done when it always has work; `None`
    /// without a pass or a fail.
    pub(super) fn saturation(&self) -> Option<Posterior> {
        let (low_rps, high_rps) = self.ends()?;
        let service = self.dispersion();
        let probes: Vec<Probe> =
            self.judged().map(|tried| tried.saturation_probe(service)).collect();
        Some(Posterior::new(&probes, low_rps, high_rps))
    }

    /// What all trials together say of the capacity under the soak's law; `None` without a pass or a fail.
    ///
    /// It lies below the saturation by `law_cost`, a share of the rate; where the service sheds load, below
    /// that by as much as the soaks' shed requests say, of which a share of `allowed_ratio` is allowed.
    pub(super) fn belief(
        &self,
        law_cost: impl Fn(Rps) -> f64,
        allowed_ratio: f64,
        soak_variance: impl Fn(f64) -> f64,
    ) -> Option<Posterior> {
        let (low_rps, high_rps) = self.ends()?;
        let service = self.dispersion();
        let lowered = |probe: Probe| {
            let cost = Rps::new(probe.rate_rps).map_or(0.0, &law_cost);
            Probe { rate_rps: probe.rate_rps * (1.0 - cost), ..probe }
        };
        let soaks = self.judged().filter(|tried| tried.is_soak);
        let probes: Vec<Probe> = if self.sheds() {
            let saturation = self.saturation()?;
            let busy_rps = saturation.quantile_rps(0.5);
            let known = Probe {
                rate_rps: busy_rps,
                showed: Showed::AtMost,
                dispersion: saturation.deviation_ratio().powi(2),
                requests: 1.0,
            };
            let room = self.room(busy_rps).map(|(room, share)| {
                let spare = overflow::spare(room / soak_variance(service), allowed_ratio);
                // The spare share is about as uncertain as the room.
                let deviation = share * spare / (1.0 - spare);
                Probe {
                    rate_rps: busy_rps * (1.0 - spare),
                    showed: Showed::Measured,
                    dispersion: known.dispersion + deviation * deviation,
                    requests: 1.0,
                }
            });
            let shed = soaks.map(|tried| tried.shed_probe(service, busy_rps, allowed_ratio));
            shed.chain([lowered(known)]).chain(room).collect()
        } else {
            let saturation = self.judged().map(|tried| lowered(tried.saturation_probe(service)));
            saturation.chain(soaks.filter_map(|tried| tried.objective_probe(service))).collect()
        };
        Some(Posterior::new(&probes, low_rps, high_rps))
    }

    /// Whether the service turns requests away instead of letting them wait.
    pub(super) fn sheds(&self) -> bool {
        self.tried.iter().any(Tried::sheds)
    }

    pub(super) fn judged(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|tried| tried.passed().is_some())
    }

    /// The ends of the range that the capacity is looked for in: highest pass, lowest fail.
    pub(super) fn ends(&self) -> Option<(f64, f64)> {
        let rates = |passed| {
            let of_kind = self.tried.iter().filter(move |tried| tried.passed() == Some(passed));
            of_kind.map(|tried| tried.rate.get())
        };
        let low_rps = rates(true).reduce(f64::max)?;
        let high_rps = rates(false).reduce(f64::min)?;
        Some((low_rps.min(high_rps), high_rps.max(low_rps)))
    }

    /// The highest rate at which requests did not pile up, below every rate at which they did.
    pub(super) fn stability(&self) -> Option<Rps> {
        let judged = || self.tried.iter().filter(|tried| tried.passed().is_some());
        let piled_up = judged()
            .filter(|tried| tried.piled_up())
            .map(|tried| tried.rate.get())
            .fold(f64::INFINITY, f64::min);
        judged()
            .filter(|tried| !tried.piled_up() && tried.rate.get() < piled_up)
            .map(|tried| tried.rate)
            .reduce(Rps::max)
    }
}
