//! What a service gets done while it always has work: its capacity, whatever the arrivals are like.
//!
//! While more requests are outstanding than its workers can hold, answers come at the rate of the service
//! and no longer at ours. So every stretch of a trial that has a backlog measures the capacity itself, with
//! the scatter of the service alone; a soak close to the capacity is such a stretch for most of its time.
//! A stretch begins with a look that sees a backlog and ends with the first that does not, which is counted:
//! that is a stopping time, and the mean is not biased by where it stops (optional stopping, Doob).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{StreamView, TICK_S};

/// Fewer requests than this say nothing.
const REQUESTS_LEAST: f64 = 50.0;
/// Without so many looks nothing is known of the scatter.
const LOOKS_LEAST: usize = 6;
/// Lags over which the counts of neighbouring looks are taken to be correlated: 2 s.
const LAGS: usize = 3;
/// Variance over mean that no count is below: timers and batches have it.
const DISPERSION_LEAST: f64 = 0.02;
/// A look stands out that is so many deviations from the others.
const STANDS_OUT_SIGMAS: f64 = 4.0;
/// A service that refuses at least this share of what is offered, look after look, is busy too.
const SHEDDING_RATIO: f64 = 0.02;
/// A service buckles when under a backlog it gets less done, by this share in the mean ...
const BUCKLED_RATIO: f64 = 0.90;
/// ... and by this in every look ...
const BUCKLED_LOOK_RATIO: f64 = 0.95;
/// ... of at least so many ...
const BUCKLED_LOOKS: usize = 3;
/// ... and by so many deviations.
const BUCKLED_SIGMAS: f64 = 5.0;

/// What a service got done while it had a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Busy {
    /// Accepted answers per second.
    pub rps: f64,
    /// Accepted answers.
    pub requests: f64,
    /// For so many seconds.
    pub seconds: f64,
    /// Variance of the number of answers over its mean, in the long run; none where it was too short.
    pub dispersion: Option<f64>,
    /// The same without the few looks that stand out, as those in which it paused do.
    pub usual_dispersion: Option<f64>,
    /// The service got less done once so many requests were outstanding.
    pub buckles_at: Option<u64>,
}

/// What a service had taken in when it began to turn requests away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// Requests that it did not turn away.
    pub requests: u64,
    /// Since the trial began, in seconds.
    pub seconds: f64,
    /// Of them, those that were outstanding.
    pub outstanding: u64,
}

/// What was outstanding before a look, and what was answered until it.
#[derive(Debug, Clone, Copy)]
struct Done {
    outstanding: u64,
    accepted: f64,
}

/// What a look sees: since the trial began, warm-up included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Seconds since the trial began.
    pub at_s: f64,
    /// Requests that are outstanding now.
    pub outstanding: u64,
    /// Requests that were due.
    pub scheduled: u64,
    /// Accepted answers.
    pub accepted: u64,
    /// Requests that ended otherwise.
    pub failed: u64,
}

impl Seen {
    /// A look at a stream, warm-up included.
    pub(super) fn of(at_s: f64, view: &StreamView<'_>) -> Self {
        let (tally, warm_up) = (view.tally, &view.tally.warm_up);
        Self {
            at_s,
            outstanding: view.outstanding,
            scheduled: tally.scheduled + warm_up.scheduled,
            accepted: tally.counts.accepted + warm_up.counts.accepted,
            failed: tally.counts.failed() + warm_up.counts.failed(),
        }
    }
}

/// Watches a trial for stretches in which the service is busy.
#[derive(Debug)]
pub(super) struct BusyWatch {
    per_tick: f64,
    /// With more outstanding than this the service is busy until the next look.
    floor: f64,
    last: Option<Seen>,
    is_shedding: bool,
    taken: Option<Taken>,
    done: Vec<Done>,
}

impl BusyWatch {
    /// For a trial at `offered_rps` of a service that takes `base_ms` at rest.
    pub(super) fn new(offered_rps: f64, base_ms: f64) -> Self {
        let per_tick = offered_rps * TICK_S;
        // By Little's law its workers hold about rate x time at rest; the backlog changes by about the root
        // of twice what is offered from look to look.
        let held = offered_rps * base_ms / 1000.0;
        let floor = 1.5 * held + 3.0 + 2.0 * (2.0 * per_tick).sqrt();
        Self { per_tick, floor, last: None, is_shedding: false, taken: None, done: Vec::new() }
    }

    /// Takes a look; those before the measured part tell only when requests begin to be turned away.
    pub(super) fn look(&mut self, seen: Seen, is_measured: bool) {
        let failed_before = self.last.map_or(0, |last| last.failed);
        let failed = (seen.failed - failed_before) as f64;
        let is_shedding = failed >= (SHEDDING_RATIO * self.per_tick).max(1.0);
        if is_shedding && self.taken.is_none() {
            self.taken = Some(Taken {
                requests: seen.scheduled - seen.failed,
                seconds: seen.at_s,
                outstanding: seen.outstanding,
            });
        }
        if let Some(last) = self.last
            && is_measured
            && (last.outstanding as f64 > self.floor || (self.is_shedding && is_shedding))
        {
            let accepted = (seen.accepted - last.accepted) as f64;
            self.done.push(Done { outstanding: last.outstanding, accepted });
        }
        self.is_shedding = is_shedding;
        self.last = Some(seen);
    }

    /// What the service had taken in when it began to turn requests away; none where it never did.
    pub(super) const fn taken(&self) -> Option<Taken> {
        self.taken
    }

    /// Whether a look into an overload has shown enough: the rate with a deviation of `known_ratio`, and
    /// what becomes of the service when requests wait for longer than a caller would (`limit` outstanding).
    pub(super) fn is_enough(&self, known_ratio: f64, limit: f64) -> bool {
        let Some(last) = self.last else { return false };
        let outstanding = last.outstanding as f64;
        if outstanding >= 1.6 * limit {
            return true;
        }
        let Some(Busy { requests, dispersion: Some(dispersion), .. }) = of(&self.done) else {
            return false;
        };
        let is_known = (dispersion / requests).sqrt() <= known_ratio;
        let mean = requests / self.done.len() as f64;
        let holds = self.done.iter().rev().take(2).all(|done| done.accepted >= 0.85 * mean);
        is_known && (self.is_shedding || (outstanding >= 1.15 * limit && holds))
    }

    /// What was seen; none where the service was not busy for long enough.
    pub(super) fn finish(&self) -> Option<Busy> {
        let Some(position) = buckling(&self.done) else { return of(&self.done) };
        let (before, after) = self.done.split_at_checked(position)?;
        let buckles_at = after.first().map(|done| done.outstanding);
        Some(Busy { buckles_at, ..of(before)? })
    }
}

fn of(done: &[Done]) -> Option<Busy> {
    let requests: f64 = done.iter().map(|done| done.accepted).sum();
    let seconds = done.len() as f64 * TICK_S;
    (requests >= REQUESTS_LEAST).then(|| Busy {
        rps: requests / seconds,
        requests,
        seconds,
        dispersion: dispersion(done),
        usual_dispersion: dispersion(&usual(done)),
        buckles_at: None,
    })
}

/// Variance over mean of the counts in the long run, neighbouring looks being correlated.
///
/// Source: Newey and West, "A simple, positive semi-definite, heteroskedasticity and autocorrelation
/// consistent covariance matrix", Econometrica 55 (1987).
fn dispersion(done: &[Done]) -> Option<f64> {
    if done.len() < LOOKS_LEAST {
        return None;
    }
    let number = done.len() as f64;
    let mean = done.iter().map(|done| done.accepted).sum::<f64>() / number;
    let covariance = |lag: usize| {
        let pairs = done.iter().zip(done.iter().skip(lag));
        pairs.map(|(left, right)| (left.accepted - mean) * (right.accepted - mean)).sum::<f64>()
            / number
    };
    let correlated: f64 = (1..=LAGS)
        .map(|lag| 2.0 * (1.0 - lag as f64 / (LAGS as f64 + 1.0)) * covariance(lag))
        .sum();
    // The mean was taken from the same looks.
    let unbiased = number / (number - 1.0);
    Some(((covariance(0) + correlated) * unbiased / mean).max(DISPERSION_LEAST))
}

/// The looks without those whose count lies more than `STANDS_OUT_SIGMAS` from the median, if they are few.
fn usual(done: &[Done]) -> Vec<Done> {
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let middle = median(&mut done.iter().map(|done| done.accepted).collect());
    let off = |done: &Done| (done.accepted - middle).abs();
    // Half of normally distributed values lie within 0.6745 deviations.
    let deviation = median(&mut done.iter().map(off).collect()) / 0.6745;
    let most = STANDS_OUT_SIGMAS * deviation.max((DISPERSION_LEAST * middle).sqrt());
    done.iter().filter(|done| off(done) <= most).copied().collect()
}

/// The first look of those in which a service under a backlog gets less done than before, if it does.
fn buckling(done: &[Done]) -> Option<usize> {
    let (mut found, mut surest) = (None, BUCKLED_SIGMAS);
    for position in LOOKS_LEAST..(done.len() + 1).saturating_sub(BUCKLED_LOOKS) {
        let Some((before, after)) = done.split_at_checked(position) else { break };
        let mean =
            |part: &[Done]| part.iter().map(|done| done.accepted).sum::<f64>() / part.len() as f64;
        let (was, is) = (mean(before), mean(after));
        let falls_short = |done: &Done| done.accepted < BUCKLED_LOOK_RATIO * was;
        if is >= BUCKLED_RATIO * was || !after.iter().all(falls_short) {
            continue;
        }
        let squares: f64 = before.iter().map(|done| (done.accepted - was).powi(2)).sum();
        let variance = (squares / (before.len() as f64 - 1.0)).max(DISPERSION_LEAST * was);
        let parts = 1.0 / before.len() as f64 + 1.0 / after.len() as f64;
        let sigmas = (was - is) / (variance * parts).sqrt();
        if sigmas > surest {
            (found, surest) = (Some(position), sigmas);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch_of(looks: impl IntoIterator<Item = (u64, u64)>) -> BusyWatch {
        let mut watch = BusyWatch::new(200.0, 10.0);
        let mut accepted = 0;
        for (outstanding, done) in looks {
            accepted += done;
            watch.look(seen(0.0, outstanding, accepted, 0), true);
        }
        watch
    }

    fn seen(at_s: f64, outstanding: u64, accepted: u64, failed: u64) -> Seen {
        Seen { at_s, outstanding, scheduled: outstanding + accepted + failed, accepted, failed }
    }

    #[test]
    fn only_what_is_done_with_a_backlog_counts() {
        let busy = watch_of([(0, 100), (0, 50), (80, 50), (90, 95), (90, 105), (0, 100), (0, 20)]);
        let busy = busy.finish().expect("1.5 s of backlog");
        assert!((busy.rps - 200.0).abs() < 1e-9, "95, 105 and 100 in half a second each: {busy:?}");
        assert_eq!(busy.dispersion, None, "too short to know the scatter");
        assert_eq!(watch_of((0..20).map(|_| (5, 100))).finish(), None, "no backlog, no evidence");
    }

    #[test]
    fn a_service_that_gets_less_done_under_a_backlog_buckles() {
        let steady = |look: u64| (60 + 10 * look, 100 + look % 3);
        let sound = watch_of((0..30).map(steady)).finish().unwrap();
        assert_eq!(sound.buckles_at, None, "it does not mind: {sound:?}");
        let fails = |look: u64| if look < 20 { steady(look) } else { (60 + 10 * look, 70) };
        let buckled = watch_of((0..30).map(fails)).finish().unwrap();
        assert_eq!(buckled.buckles_at, Some(250), "from the twentieth look on");
        assert!((buckled.rps - 202.0).abs() < 1.0, "and its rate is the one before: {buckled:?}");
    }

    #[test]
    fn a_refusing_service_is_busy_without_a_backlog() {
        let mut watch = BusyWatch::new(200.0, 10.0);
        for look in 0..20 {
            watch.look(seen(0.5 * look as f64, 2, 90 * look, 10 * look), true);
        }
        let busy = watch.finish().unwrap();
        assert!((busy.rps - 180.0).abs() < 1e-9, "{busy:?}");
        let taken = watch.taken().unwrap();
        assert_eq!((taken.requests, taken.outstanding), (92, 2), "until the first was refused");
    }
}
