//! What a search has come to, as a capacity with its interval and flags.

use super::finding::{Capacity, Ends, Finding, Flag};
use super::{Confirmed, Search};
use crate::trial::verdict::Proof;
use crate::units::Rps;

/// Probability that is left out at each end of the interval.
const TAIL: f64 = 0.025;

impl Search {
    pub(super) fn capacity(&self, finding: Finding) -> Capacity {
        let low = self.bracket.low();
        let high = self.rejected.or_else(|| self.bracket.high());
        let Some(Confirmed { rate, before, by, proof }) = self.confirmed else {
            return Capacity {
                finding,
                flags: self.flags.clone(),
                rps: None,
                low,
                high,
                ends: Ends::Bracket,
                confirmed_by: Vec::new(),
                stability: self.history.stability(),
                reasons: self.reasons.clone(),
            };
        };
        let mut flags = self.flags.clone();
        flags.extend(self.history.flags(rate));
        if proof == Proof::PointValue {
            flags.push(Flag::FewSamples);
        }
        flags.sort_unstable();
        flags.dedup();
        let belief = self.belief().filter(|_| high.is_some());
        let end =
            |share: f64| belief.as_ref().and_then(|belief| Rps::new(belief.quantile_rps(share)));
        Capacity {
            finding,
            flags,
            rps: Some(rate),
            low: Some(end(TAIL).unwrap_or(rate).min(rate)),
            high: end(1.0 - TAIL).map(|end| end.max(rate)).or(high),
            ends: if belief.is_some() { Ends::Posterior } else { Ends::Bracket },
            confirmed_by: before.into_iter().chain([by]).collect(),
            stability: self.history.stability(),
            reasons: Vec::new(),
        }
    }
}
