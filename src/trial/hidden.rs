//! A backlog that the client does not feel: a system that accepts documents faster than it makes them searchable.
//!
//! Now and then the target is asked how many documents a search finds. What was accepted and is not found yet goes up
//! and down with every refresh of an index; what counts is whether it grows from the first third of a trial to the
//! last one, taken at its lowest in each. That is coarser than the growth of requests outstanding: in a soak of a
//! minute it tells a lack of some 4 %.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::verdict::Reason;
use crate::units::usize_to_u64;

/// With fewer looks than this nothing is said.
const LOOKS_LEAST: usize = 9;
/// It grows for certain by more than what is offered in so many seconds.
const CERTAIN_S: f64 = 2.0;
/// Looks that just miss a refresh are no growth: so many seconds' worth are allowed.
const ALLOWED_S: f64 = 0.5;

/// Seconds from look to look: never more than once a second, and (by the golden ratio) at another place between two
/// refreshes of a second each time.
pub const PERIOD_S: f64 = 1.382;

/// How many documents a search found at some instant of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Visible {
    /// Seconds since the trial began.
    pub t_s: f64,
    /// Documents that the trial's requests had been accepted with until then.
    pub accepted: u64,
    /// Documents that a search found then, those from before the trial included.
    pub visible: u64,
}

/// Growth of what is accepted and not found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct HiddenGrowth {
    /// Documents, from the first third to the last.
    documents: f64,
    /// Seconds between the two.
    seconds: f64,
    /// The longest time in which searches found nothing new and then something: an index that refreshes rarely looks so,
    /// and one that shows nothing any more does not.
    still_s: f64,
}

impl HiddenGrowth {
    /// From the looks at the measured part, which begins `warmup_s` after the trial; `None` of too few.
    pub(super) fn of(looks: &[Visible], warmup_s: f64) -> Option<Self> {
        let looks: Vec<&Visible> = looks.iter().filter(|look| look.t_s >= warmup_s).collect();
        if looks.len() < LOOKS_LEAST {
            return None;
        }
        let third = looks.len() / 3;
        let still = looks.chunk_by(|earlier, later| earlier.visible == later.visible);
        let mut lengths: Vec<f64> =
            still.filter_map(|run| Some(run.last()?.t_s - run.first()?.t_s)).collect();
        // Nobody knows whether the last stretch would have ended.
        lengths.pop();
        let still_s = lengths.into_iter().fold(0.0, f64::max);
        let lowest = |part: &[&Visible]| {
            let hidden = part.iter().map(|look| look.accepted as f64 - look.visible as f64);
            let number = usize_to_u64(part.len()) as f64;
            let at_s = part.iter().map(|look| look.t_s).sum::<f64>() / number;
            (hidden.fold(f64::INFINITY, f64::min), at_s)
        };
        let (first, first_s) = lowest(looks.get(..third)?);
        let (last, last_s) = lowest(looks.get(looks.len() - third..)?);
        Some(Self { documents: last - first, seconds: last_s - first_s, still_s })
    }

    /// What it says against a rate of `offered_rps` documents a second when it certainly grows.
    pub(super) fn alarm(self, offered_rps: f64) -> Option<Reason> {
        (self.documents > (CERTAIN_S + self.still_s) * offered_rps).then(|| self.reason())
    }

    /// The same when growth by a share of `resolution_ratio` is not ruled out, as finely as looks can tell.
    pub(super) fn not_ruled_out(self, offered_rps: f64, resolution_ratio: f64) -> Option<Reason> {
        let allowed = (resolution_ratio * self.seconds + ALLOWED_S + self.still_s) * offered_rps;
        (self.documents > allowed).then(|| self.reason())
    }

    fn reason(self) -> Reason {
        Reason::HiddenBacklog { growth_rps: self.documents / self.seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Looks at 100 documents/s of which `kept_rps` become visible, refreshed every second at `phase_s`.
    fn looks(kept_rps: f64, phase_s: f64, number: u32) -> Vec<Visible> {
        refreshed_every(1.0, kept_rps, phase_s, number)
    }

    /// The same, refreshed every `period_s`.
    fn refreshed_every(period_s: f64, kept_rps: f64, phase_s: f64, number: u32) -> Vec<Visible> {
        let looks = (0..number).map(|look| {
            let t_s = PERIOD_S * f64::from(look) + 0.3;
            let refreshes = ((t_s - phase_s) / period_s).floor();
            let refreshed_s = (refreshes * period_s + phase_s).max(0.0);
            Visible {
                t_s,
                accepted: crate::units::round_to_u64(100.0 * t_s),
                visible: 5000 + crate::units::round_to_u64(kept_rps * refreshed_s),
            }
        });
        looks.collect()
    }

    #[test]
    fn a_few_looks_say_nothing() {
        assert_eq!(HiddenGrowth::of(&looks(50.0, 0.0, 8), 0.0), None, "eight");
        assert_eq!(
            HiddenGrowth::of(&looks(50.0, 0.0, 20), 23.0),
            None,
            "four of the measured part"
        );
    }

    #[test]
    fn an_index_that_falls_behind_is_seen() {
        let growth = HiddenGrowth::of(&looks(80.0, 0.0, 30), 0.0).unwrap();
        let Some(Reason::HiddenBacklog { growth_rps }) = growth.alarm(100.0) else {
            panic!("no alarm: {growth:?}");
        };
        assert!((growth_rps - 20.0).abs() < 5.0, "20 documents a second stay behind: {growth:?}");
        assert!(growth.not_ruled_out(100.0, 0.03).is_some(), "{growth:?}");
    }

    #[test]
    fn an_index_that_shows_nothing_any_more_is_seen() {
        for stops_at in [0, 8] {
            let mut looks = looks(100.0, 0.0, 30);
            let stopped = looks[stops_at].visible;
            looks.iter_mut().skip(stops_at).for_each(|look| look.visible = stopped);
            let growth = HiddenGrowth::of(&looks, 0.0).unwrap();
            assert!(growth.alarm(100.0).is_some(), "stopped at look {stops_at}: {growth:?}");
        }
    }

    proptest! {
        #[test]
        fn a_slow_refresh_is_no_growth(
            period_s in 1.0..10.0_f64, phase in 0.0..1.0_f64, number in 15..60_u32,
        ) {
            let looks = refreshed_every(period_s, 100.0, phase * period_s, number);
            let growth = HiddenGrowth::of(&looks, 1.0).unwrap();
            prop_assert_eq!(growth.alarm(100.0), None);
        }

        #[test]
        fn refreshing_is_no_growth(phase_s in 0.0..1.0_f64, number in 11..60_u32) {
            let growth = HiddenGrowth::of(&looks(100.0, phase_s, number), 1.0).unwrap();
            prop_assert_eq!(growth.alarm(100.0), None);
            prop_assert_eq!(growth.not_ruled_out(100.0, 0.0), None);
        }
    }
}
