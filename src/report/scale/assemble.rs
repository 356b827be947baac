//! From the runs of all counts to the one record: fit, curve, forecast, judgement.

use super::caution::cautions;
use super::goal::goal;
use super::{
    CountRecord, CurvePoint, FitRecord, ForecastRecord, SCALE_SCHEMA_VERSION, ScaleRecord,
    ScaleStamp,
};
use crate::report::environment::ToolRecord;
use crate::report::schema::Outcome;
use crate::report::signoff::needed_rps;
use crate::stats::forecast::needed_workers;
use crate::stats::usl::{Parameter, Point, UslFit};

/// A forecast for more than so many times the greatest count is a guess.
pub const TRUSTED_RATIO: f64 = 2.0;
/// Steps of the curve that is drawn.
const CURVE_STEPS: u32 = 64;
const METHOD: &str =
    "delta method on the standard errors of the fit, Student's t, each end one-sided 95 %";

/// Everything that a scaling run has come to so far.
#[derive(Debug)]
pub struct ScaleInputs {
    /// What writes it.
    pub tool: ToolRecord,
    /// Which run it is.
    pub stamp: ScaleStamp,
    /// `GOAL_RPS`.
    pub goal_rps: f64,
    /// `HEADROOM_RATIO`.
    pub headroom_ratio: f64,
    /// All counts, in any order.
    pub counts: Vec<CountRecord>,
}

impl ScaleRecord {
    /// Puts the record together, at any moment of a run.
    #[must_use]
    pub fn assemble(inputs: ScaleInputs) -> Self {
        let ScaleInputs { tool, stamp, goal_rps, headroom_ratio, mut counts } = inputs;
        counts.sort_by_key(|count| count.workers);
        let fit = UslFit::of(&points(&counts));
        for count in &mut counts {
            count.fitted &= fit.is_some();
            count.fitted_rps = fit.as_ref().map(|fit| fit.law.rps(f64::from(count.workers)));
        }
        let needed_rps = needed_rps(goal_rps, headroom_ratio);
        let needed = fit.as_ref().and_then(|fit| needed_workers(fit, needed_rps));
        let forecast = needed.map(|needed| ForecastRecord {
            workers: needed.workers,
            workers_low: needed.low,
            workers_high: needed.high,
            method: METHOD.to_owned(),
        });
        let curve =
            fit.as_ref().zip(greatest_fitted(&counts)).map(|(fit, greatest)| curve(fit, greatest));
        let fit = fit.as_ref().map(fit_record);
        let mut record = Self {
            schema_version: SCALE_SCHEMA_VERSION.to_owned(),
            tool,
            scale: stamp,
            goal: goal(&counts, fit.as_ref(), forecast.as_ref(), (goal_rps, headroom_ratio)),
            counts,
            fit,
            curve: curve.unwrap_or_default(),
            forecast,
            cautions: Vec::new(),
            outcome: Outcome::Invalid,
        };
        record.cautions = cautions(&record).iter().map(ToString::to_string).collect();
        record.outcome = record.judged();
        record
    }

    /// The greatest count that entered the fit.
    pub(super) fn greatest(&self) -> Option<u32> {
        greatest_fitted(&self.counts)
    }

    fn judged(&self) -> Outcome {
        // That a service loses documents is no question of precision.
        if self.counts.iter().any(|count| count.clean == Some(false)) {
            return Outcome::Fail;
        }
        let counts = self.counts.iter().map(|count| count.outcome);
        counts.max().unwrap_or(Outcome::Invalid).max(self.goal.outcome)
    }
}

/// The greatest of `counts` that entered the fit.
pub(super) fn greatest_fitted(counts: &[CountRecord]) -> Option<u32> {
    counts.iter().filter(|count| count.fitted).map(|count| count.workers).max()
}

/// The capacities that the law is fitted to: a rate that is only a lower end would bend it.
fn points(counts: &[CountRecord]) -> Vec<Point> {
    let point = |count: &CountRecord| {
        let rps = count.rps.filter(|_| count.fitted)?;
        Some(Point { workers: f64::from(count.workers), rps })
    };
    counts.iter().filter_map(point).collect()
}

fn fit_record(fit: &UslFit) -> FitRecord {
    let law = fit.law;
    FitRecord {
        alpha: law.alpha,
        beta: law.beta,
        gamma_rps: law.gamma_rps,
        alpha_error: fit.standard_error(Parameter::Alpha),
        beta_error: fit.standard_error(Parameter::Beta),
        gamma_error_rps: fit.standard_error(Parameter::Gamma),
        at_zero: fit.at_zero.iter().map(|parameter| parameter.name().to_owned()).collect(),
        degrees_of_freedom: fit.degrees_of_freedom,
        residual_rps: fit.residual_rps,
        peak_workers: law.peak_workers(),
        peak_rps: law.peak_workers().map(|workers| law.rps(workers)),
        most_rps: law.most_rps(),
    }
}

fn curve(fit: &UslFit, greatest: u32) -> Vec<CurvePoint> {
    let end = TRUSTED_RATIO * f64::from(greatest);
    let point = |step: u32| {
        let workers = 1.0 + (end - 1.0) * f64::from(step) / f64::from(CURVE_STEPS);
        let band = fit.band_rps(workers);
        CurvePoint {
            workers,
            rps: fit.law.rps(workers),
            low_rps: band.map(|(low_rps, _)| low_rps),
            high_rps: band.map(|(_, high_rps)| high_rps),
        }
    };
    (0..=CURVE_STEPS).map(point).collect()
}
