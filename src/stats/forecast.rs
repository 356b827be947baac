//! How many workers a rate needs, by the law that was fitted.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::usl::UslFit;

/// Share of confidence at each end.
const CONFIDENCE: f64 = 0.95;
/// Eight times the most that the tool starts: beyond it there is no forecast.
const WORKERS_MOST: u32 = 8 * 1024;

/// Workers that a rate needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// By the law itself; `None` where no number of workers is enough.
    pub workers: Option<u32>,
    /// By the upper end of the law's band: fewer are not enough.
    pub low: Option<u32>,
    /// By its lower end: so many are enough.
    pub high: Option<u32>,
}

/// The least numbers of workers with which `needed_rps` is reached; `None` where the fit does not say how wrong it may
/// be.
///
/// The ends are those of [`UslFit::band_rps`], so each is one-sided 95 %.
#[must_use]
pub fn needed_workers(fit: &UslFit, needed_rps: f64) -> Option<Needed> {
    fit.band_rps(1.0)?;
    let least = |is_enough: &dyn Fn(f64) -> bool| {
        (1..=WORKERS_MOST).find(|workers| is_enough(f64::from(*workers)))
    };
    let band_reaches = |end: fn((f64, f64)) -> f64| {
        move |workers: f64| fit.band_rps(workers).is_some_and(|band| end(band) >= needed_rps)
    };
    let can_reach = fit.law.most_rps().is_none_or(|most_rps| most_rps >= needed_rps);
    Some(Needed {
        workers: can_reach.then(|| least(&|workers| fit.law.rps(workers) >= needed_rps)).flatten(),
        low: least(&band_reaches(|(_, high_rps)| high_rps)),
        high: least(&band_reaches(|(low_rps, _)| low_rps)),
    })
}

/// The 95 % quantile of Student's t; `None` without degrees of freedom.
pub(super) fn student_t(degrees_of_freedom: u64) -> Option<f64> {
    let law = StudentsT::new(0.0, 1.0, degrees_of_freedom as f64).ok()?;
    Some(law.inverse_cdf(CONFIDENCE))
}
