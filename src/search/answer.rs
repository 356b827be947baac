//! What a search has come to, as a capacity with its interval and flags.

use super::finding::{Capacity, Ends, Finding, Flag};
use super::{Confirmed, Search};
use crate::trial::verdict::Proof;
use crate::units::Rps;

/// Probability that is left out at each end of the interval.
const TAIL: f64 = 0.025;
/// How far off the model of the belief may be, whatever was measured: widens the interval at each end.
const MODEL_RATIO: f64 = 0.006;

impl Search {
    pub(super) fn capacity(&self, finding: Finding) -> Capacity {
        let low = self.bracket.low();
        let high = self.rejected.or_else(|| self.bracket.high());
        let mut flags = self.flags.clone();
        let known = self.confirmed.map(|confirmed| confirmed.rate).or(low);
        flags.extend(known.into_iter().flat_map(|rate| self.history.flags(rate)));
        flags.sort_unstable();
        flags.dedup();
        let Some(Confirmed { rate, before, by, proof }) = self.confirmed else {
            return Capacity {
                finding,
                flags,
                rps: None,
                low,
                high,
                ends: Ends::Bracket,
                confirmed_by: Vec::new(),
                stability: self.history.stability(),
                reasons: self.reasons.clone(),
            };
        };
        if proof == Proof::PointValue {
            flags.push(Flag::FewSamples);
            flags.sort_unstable();
        }
        // Where trials contradict each other there is no one capacity to believe in.
        let is_known = high.is_some() && !flags.contains(&Flag::Indeterminate);
        let belief = self.belief().filter(|_| is_known);
        let end =
            |share: f64| belief.as_ref().and_then(|belief| Rps::new(belief.quantile_rps(share)));
        Capacity {
            finding,
            flags,
            rps: Some(rate),
            low: Some(end(TAIL).map_or(rate, |end| end.scaled(1.0 - MODEL_RATIO)).min(rate)),
            high: end(1.0 - TAIL).map(|end| end.scaled(1.0 + MODEL_RATIO).max(rate)).or(high),
            ends: if belief.is_some() { Ends::Posterior } else { Ends::Bracket },
            confirmed_by: before.into_iter().chain([by]).collect(),
            stability: self.history.stability(),
            reasons: Vec::new(),
        }
    }
}
