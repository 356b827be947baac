//! Whether a backlog grows: a test against the backlog's own variance.
//!
//! Trend tests (least squares, Mann-Kendall) raise false alarms in 5 to 44 % of trials at 90 to 95 % of
//! the capacity, because a backlog is correlated with itself. The growth since the start, measured in
//! standard deviations of its own increments, does not; and *absence of an alarm is no evidence*, so
//! that [`Growth::is_below`] asks for the opposite: that growth of a given size is ruled out.

/// Least standard deviation of an increment, as variance per request offered in a tick.
const VARIANCE_FLOOR_PER_REQUEST: f64 = 0.02;

/// The growth of the number of outstanding requests since the first look.
#[derive(Debug, Clone)]
pub struct Growth {
    variance_floor: f64,
    /// What the arrivals alone make of the variance of an increment.
    arrivals_variance: f64,
    first: Option<f64>,
    last: f64,
    increments: u64,
    mean: f64,
    /// Sum of squared deviations of the increments from their mean (Welford).
    squares: f64,
}

impl Growth {
    /// For looks between which `per_tick` requests are offered, their number having a variance of
    /// `arrivals_dispersion` times that: 1 for Poisson arrivals, 0 for spaced ones.
    #[must_use]
    pub fn new(per_tick: f64, arrivals_dispersion: f64) -> Self {
        Self {
            arrivals_variance: arrivals_dispersion * per_tick,
            variance_floor: VARIANCE_FLOOR_PER_REQUEST * per_tick,
            first: None,
            last: 0.0,
            increments: 0,
            mean: 0.0,
            squares: 0.0,
        }
    }

    /// Takes a look: `outstanding` requests now.
    pub fn look(&mut self, outstanding: u64) {
        let now = outstanding as f64;
        if self.first.is_none() {
            self.first = Some(now);
        } else {
            let increment = now - self.last;
            self.increments += 1;
            let deviation = increment - self.mean;
            self.mean += deviation / self.increments as f64;
            self.squares += deviation * (increment - self.mean);
        }
        self.last = now;
    }

    /// Outstanding requests more than at the first look; below zero when they became fewer.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.first.map_or(0.0, |first| self.last - first)
    }

    /// Standard deviation that the total would have if the backlog were a random walk.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let variance =
            if self.increments > 1 { self.squares / (self.increments - 1) as f64 } else { 0.0 };
        (variance.max(self.variance_floor) * self.increments as f64).sqrt()
    }

    /// Whether growth is shown: more than `sigmas` deviations and more than `least` requests.
    #[must_use]
    pub fn is_above(&self, sigmas: f64, least: f64) -> bool {
        // A few increments that happen to be alike would make growth look sure that irregular arrivals explain.
        let arrivals = (self.arrivals_variance * self.increments as f64).sqrt();
        self.total() > sigmas * self.deviation().max(arrivals) && self.total() > least
    }

    /// Whether growth of `limit` requests is ruled out with a margin of `sigmas` deviations.
    #[must_use]
    pub fn is_below(&self, sigmas: f64, limit: f64) -> bool {
        self.increments > 0 && self.total() + sigmas * self.deviation() < limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth_of(looks: impl IntoIterator<Item = u64>) -> Growth {
        let mut growth = Growth::new(100.0, 0.0);
        for outstanding in looks {
            growth.look(outstanding);
        }
        growth
    }

    #[test]
    fn steady_growth_is_shown_and_a_steady_backlog_is_ruled_out_to_grow() {
        let growing = growth_of((0..20).map(|tick| tick * 10));
        assert!(growing.is_above(4.0, 20.0), "ten more each tick is growth");
        assert!(!growing.is_below(2.0, 100.0), "and cannot be ruled out");
        let steady = growth_of((0..20).map(|tick| 30 + tick % 2));
        assert!(!steady.is_above(4.0, 1.0), "one up, one down is none");
        assert!(steady.is_below(2.0, 20.0), "growth of 20 is ruled out");
    }

    #[test]
    fn what_irregular_arrivals_explain_is_no_growth() {
        let look = |growth: &mut Growth| (0..5).for_each(|tick| growth.look(10 * tick));
        let (mut spaced, mut irregular) = (Growth::new(35.0, 0.0), Growth::new(35.0, 1.0));
        look(&mut spaced);
        look(&mut irregular);
        assert!(spaced.is_above(4.0, 20.0), "40 more in four looks");
        assert!(!irregular.is_above(4.0, 20.0), "3.4 deviations of Poisson arrivals");
    }

    #[test]
    fn without_looks_nothing_is_ruled_out() {
        assert!(!growth_of([]).is_below(2.0, 1e9), "no data is not a pass");
        assert!(!growth_of([5]).is_below(2.0, 1e9), "one look is no growth yet");
    }
}
