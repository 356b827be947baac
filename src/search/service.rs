//! What the trials of a search show of the service itself: its scatter, its tail, its room, its temper.

use super::finding::Flag;
use super::history::{History, Tried};
use crate::schedule::ArrivalLaw;
use crate::trial::busy::Busy;
use crate::trial::evidence::Unsteadiness;
use crate::units::Rps;

/// A 99th percentile of service time that is so many medians is a heavy tail; exponential has 6.6.
const HEAVY_TAIL_RATIO: f64 = 11.0;
/// Fewer requests do not show a tail.
const TAIL_REQUESTS: f64 = 300.0;
/// The 99th percentile of the standard normal law.
const NORMAL_99: f64 = 2.326;
/// Tail and noise are looked for up to this share of the answer: near it, waiting hides the service.
const LIGHT_RATIO: f64 = 0.6;
/// Medians of seconds that scatter so many deviations more than their samples explain ...
const NOISY_SIGMAS: f64 = 2.5;
/// ... and by at least this share of the speed are a noisy service.
const NOISY_LEAST: f64 = 0.03;
/// What gets done varies by so much more than explained in a noisy service ...
const UNEVEN_RATIO: f64 = 1.8;
/// ... when it was watched for so many seconds.
const UNEVEN_S: f64 = 20.0;
/// The least variance per request that is compared.
const UNEVEN_LEAST: f64 = 0.25;
/// What is presumed of a service's scatter weighs as much as so many seconds of measurement.
const DISPERSION_PRIOR_S: f64 = 0.05;
/// What scatters more than this does so in bursts, a pause or a slow second, whose cost heavy traffic theory
/// overstates; the soaks tell.
const DISPERSION_MOST: f64 = 1.1;
/// The room of a service that sheds load is known within this share where it was counted ...
const COUNTED_DEVIATION: f64 = 0.07;
/// ... and within this where it was seen, for then its unit, the variance, is the service's own.
const SEEN_DEVIATION: f64 = 0.10;

/// What a service gets done is compared where it had work for so many seconds ...
const COMPARED_S: f64 = 8.0;
/// ... and has fallen when it is less by this share ...
const SLOWED_RATIO: f64 = 0.02;
/// ... and by so many deviations.
const SLOWED_SIGMAS: f64 = 2.6;

impl History {
    /// The least median of the service times that a trial showed, in seconds; 0 without one.
    pub(super) fn service_s(&self) -> f64 {
        let medians =
            self.tried.iter().filter_map(|tried| Some(tried.evidence.median?.ms / 1000.0));
        medians.reduce(f64::min).unwrap_or_default()
    }

    /// Variance of the number of requests that the service gets done, per request.
    pub(super) fn dispersion(&self) -> f64 {
        self.mean_dispersion(|busy| busy.dispersion)
    }

    /// The same without its pauses: what makes requests wait between them.
    pub(super) fn usual_dispersion(&self) -> f64 {
        self.mean_dispersion(|busy| busy.usual_dispersion)
    }

    fn mean_dispersion(&self, of: impl Fn(Busy) -> Option<f64>) -> f64 {
        let busy = self.tried.iter().filter_map(|tried| {
            let busy = tried.evidence.busy?;
            Some((of(busy)?, busy.seconds))
        });
        let prior = [(1.0, DISPERSION_PRIOR_S)];
        let most = self
            .tail_log()
            .map_or(DISPERSION_MOST, |log| log_normal_dispersion(log).max(DISPERSION_MOST));
        weighted_mean(busy.chain(prior), 0.0).unwrap_or(1.0).min(most)
    }

    /// For how many requests a service has room that gets `busy_rps` done when it always has work, and within
    /// which share that is known.
    ///
    /// Until it turns the first one away, it has taken in as many as it got done meanwhile and has room for.
    /// Where most of these are seen to be outstanding, they are the room. The trial that was first to be
    /// turned away tells it best: it owes least to how well `busy_rps` is known.
    pub(super) fn room(&self, busy_rps: f64) -> Option<(f64, f64)> {
        let spaced = self.tried.iter().filter(|tried| tried.arrivals == ArrivalLaw::Stratified);
        let taken = spaced
            .filter_map(|tried| tried.evidence.taken)
            .min_by(|left, right| left.seconds.total_cmp(&right.seconds))?;
        let room = taken.requests as f64 + 1.0 - busy_rps * taken.seconds;
        let outstanding = taken.outstanding as f64;
        if outstanding > room / 2.0 {
            return Some((outstanding, SEEN_DEVIATION));
        }
        (room >= 1.0).then_some((room, COUNTED_DEVIATION))
    }

    /// Whether the service got surely less done in its last soak, where it had work for long enough to tell, than
    /// when the search first looked.
    pub(super) fn has_slowed(&self) -> bool {
        let busy = |is_soak: bool| {
            self.tried
                .iter()
                .filter(move |tried| tried.is_soak == is_soak)
                .filter_map(|tried| tried.evidence.busy.filter(|busy| busy.seconds >= COMPARED_S))
        };
        let (Some(first), Some(last)) = (busy(false).next(), busy(true).next_back()) else {
            return false;
        };
        let variance = |busy: Busy| busy.dispersion.unwrap_or(1.0) / busy.requests;
        let deviation = (variance(first) + variance(last)).sqrt();
        let fell = (first.rps / last.rps).ln();
        fell > SLOWED_RATIO && fell > SLOWED_SIGMAS * deviation
    }

    /// The service got less done once so many requests were outstanding.
    pub(super) fn buckles_at(&self) -> Option<u64> {
        self.tried.iter().filter_map(|tried| tried.evidence.busy?.buckles_at).min()
    }

    /// What must be known beside the answer.
    pub(super) fn flags(&self, answer: Rps) -> Vec<Flag> {
        let mut flags = Vec::new();
        let tail = self.tail_log();
        if tail.is_some_and(|log| log > HEAVY_TAIL_RATIO.ln()) {
            flags.push(Flag::HeavyTail);
        }
        let light = self.light(answer.get());
        let scatters = light.filter_map(|tried| tried.evidence.unsteadiness);
        if is_noisy(scatters) || tail.is_some_and(|log| self.is_uneven(log)) {
            flags.push(Flag::Noisy);
        }
        flags
    }

    /// Proposing trials so far below `rps` that waiting does not hide the service.
    fn light(&self, rps: f64) -> impl Iterator<Item = &Tried> {
        self.tried
            .iter()
            .filter(move |tried| tried.rate.get() <= LIGHT_RATIO * rps)
            .filter(|tried| tried.arrivals == ArrivalLaw::Stratified)
    }

    /// Logarithm of the 99th percentile of the service time over its median, in light trials.
    fn tail_log(&self) -> Option<f64> {
        let (_, high_rps) = self.ends()?;
        let tails = self.light(high_rps).filter_map(|tried| {
            Some((tried.evidence.tail_ratio?.ln(), tried.evidence.requests as f64))
        });
        weighted_mean(tails, TAIL_REQUESTS)
    }

    /// Whether what the service gets done varies more than independent services explain, whose times have
    /// a 99th percentile of `exp(tail_log)` medians.
    fn is_uneven(&self, tail_log: f64) -> bool {
        let explained = log_normal_dispersion(tail_log).clamp(UNEVEN_LEAST, 1.0);
        let busy = self.tried.iter().filter_map(|tried| {
            let busy = tried.evidence.busy?;
            Some((busy.dispersion? / explained, busy.seconds))
        });
        weighted_mean(busy, UNEVEN_S).is_some_and(|ratio| ratio > UNEVEN_RATIO)
    }
}

/// Variance over squared mean of a log-normal law whose 99th percentile is `exp(tail_log)` medians; that of an
/// exponential law comes out within a tenth.
fn log_normal_dispersion(tail_log: f64) -> f64 {
    (tail_log / NORMAL_99).powi(2).exp() - 1.0
}

/// The mean of values by their weights; `None` when the weights do not reach `least`.
fn weighted_mean(values: impl Iterator<Item = (f64, f64)>, least: f64) -> Option<f64> {
    let (sum, weights) = values.fold((0.0, 0.0), |(sum, weights), (value, weight)| {
        (sum + value * weight, weights + weight)
    });
    (weights >= least).then(|| sum / weights)
}

/// Whether the speed changes from second to second: the trials' excess variances, weighted by how well
/// each can be known from its number of samples.
fn is_noisy(scatters: impl Iterator<Item = Unsteadiness>) -> bool {
    let (mut excess, mut weights, mut variance) = (0.0, 0.0, 0.0);
    for scatter in scatters {
        let freedom = (scatter.seconds as f64 - 1.0).max(1.0);
        let weight = freedom * scatter.samples_per_second.powi(2);
        excess += (scatter.variance - scatter.explained) * weight;
        weights += weight;
        variance += (weight * scatter.explained).powi(2) * 2.0 / freedom;
    }
    weights > 0.0
        && excess / weights > NOISY_LEAST.powi(2)
        && excess > NOISY_SIGMAS * variance.sqrt()
}
