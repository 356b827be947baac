//! The figures beside the capacity: what users feel at it, at the levels, and what the generator costs.
//!
//! A figure of the soaks has a value for each search and can be tested. A level is measured once a run. The seconds
//! within it are many, but they all belong to one start, one state of the target and one rate: how much such a figure
//! differs from one run to the next they do not show. So no probability is given for it, only what its own samples say.

use schemars::JsonSchema;
use serde::Serialize;

use super::CompareTerms;
use crate::report::record::TrialRecord;
use crate::report::schema::{LevelRecord, RunRecord};
use crate::report::stream::StreamRecord;
use crate::seed::Seed;
use crate::stats::bootstrap::{median, ratio_of_medians};
use crate::stats::rank::{attainable_p, rank_test, step_down};
use crate::trial::Workload;

/// What can be said of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It is higher, and chance alone would rarely show that.
    Higher,
    /// It is lower, and chance alone would rarely show that.
    Lower,
    /// A difference is not shown.
    NoChangeShown,
    /// Too few repeats to show any.
    MoreRepeatsNeeded,
    /// Each run has one value: how much such values scatter is not known.
    MeasuredOnce,
    /// One of the runs does not have it.
    NotMeasured,
}

/// What an interval rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntervalOf {
    /// The repeats of both runs.
    Repeats,
    /// The samples of one trial each: not how much trials differ.
    Samples,
}

/// One figure in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FigureChange {
    /// Where it was measured: `soak`, or a level such as `level_100`.
    pub at: String,
    /// Its name.
    pub name: String,
    /// Unit of its values: `ms`, `us` or `ratio`.
    pub unit: String,
    /// In the baseline; the median where there are several.
    pub baseline: Option<f64>,
    /// In the run.
    pub run: Option<f64>,
    /// The run's divided by the baseline's; null where the baseline's is zero.
    pub ratio: Option<f64>,
    /// Lower end of the ratio's interval.
    pub low_ratio: Option<f64>,
    /// Its upper end.
    pub high_ratio: Option<f64>,
    /// What that interval rests on.
    pub interval_of: Option<IntervalOf>,
    /// Two-sided probability that equal builds differ so much, corrected for the number of figures (Holm).
    pub p: Option<f64>,
    /// What can be said of it.
    pub told: Told,
}

/// A figure that every soak has.
type OfTrial = (&'static str, &'static str, fn(&TrialRecord) -> Option<f64>);
/// A figure that a level has, with the ends of its interval where its samples give them.
type OfLevel = (&'static str, &'static str, fn(&LevelRecord) -> [Option<f64>; 3]);

fn index(trial: &TrialRecord) -> Option<&StreamRecord> {
    trial.stream(Workload::Index)
}

const OF_SOAKS: &[OfTrial] = &[
    ("index_response_p50", "ms", |trial| index(trial)?.response_ms.p50),
    ("index_response_p99", "ms", |trial| index(trial)?.response_ms.p99),
    ("index_service_p50", "ms", |trial| index(trial)?.service_ms.p50),
    ("index_errors", "ratio", |trial| index(trial)?.error_ratio()),
    ("generator_cpu", "us", |trial| trial.generator.cpu_us_per_request),
];

const OF_LEVELS: &[OfLevel] = &[
    ("dashboard_p50", "ms", |level| [level.dashboard.response_ms.p50, None, None]),
    ("dashboard_p99", "ms", |level| p99(&level.dashboard)),
    ("dashboard_errors", "ratio", |level| [level.dashboard.error_ratio(), None, None]),
    ("index_p99", "ms", |level| level.index.as_ref().map_or([None; 3], p99)),
    ("index_errors", "ratio", |level| {
        [level.index.as_ref().and_then(StreamRecord::error_ratio), None, None]
    }),
];

fn p99(stream: &StreamRecord) -> [Option<f64>; 3] {
    let times = &stream.response_ms;
    [times.p99, times.p99_low, times.p99_high]
}

/// All figures that at least one of the runs has.
pub(super) fn figures(
    baseline: &RunRecord,
    run: &RunRecord,
    terms: &CompareTerms,
    seed: Seed,
) -> Vec<FigureChange> {
    let (before, after) = (soaks(baseline), soaks(run));
    let values = |soaks: &[&TrialRecord], of: fn(&TrialRecord) -> Option<f64>| {
        soaks.iter().filter_map(|trial| of(trial)).collect::<Vec<f64>>()
    };
    let mut found: Vec<FigureChange> = OF_SOAKS
        .iter()
        .map(|(name, unit, of)| {
            let sides = (values(&before, *of), values(&after, *of));
            repeated(name, unit, &sides.0, &sides.1, terms, seed.named(name))
        })
        .collect();
    correct(&mut found, terms);
    for percent in percents(baseline, run) {
        let level = |run: &RunRecord| {
            run.levels.iter().find(|level| level.load_percent == percent).cloned()
        };
        let (before, after) = (level(baseline), level(run));
        found.extend(OF_LEVELS.iter().map(|(name, unit, of)| {
            let values = |level: &Option<LevelRecord>| level.as_ref().map_or([None; 3], of);
            once(&format!("level_{percent}"), (name, unit), values(&before), values(&after))
        }));
    }
    found.retain(|figure| figure.baseline.is_some() || figure.run.is_some());
    found
}

/// The soak that confirmed the rate of each search; where two did, the last one.
fn soaks(run: &RunRecord) -> Vec<&TrialRecord> {
    let searches = run.searches();
    let last = searches.iter().filter_map(|search| search.confirmed_by.last());
    last.filter_map(|id| run.trials.iter().find(|trial| trial.id == *id)).collect()
}

/// The levels of either run, in the order of the load.
fn percents(baseline: &RunRecord, run: &RunRecord) -> Vec<u32> {
    let levels = baseline.levels.iter().chain(&run.levels);
    let mut percents: Vec<u32> = levels.map(|level| level.load_percent).collect();
    percents.sort_unstable();
    percents.dedup();
    percents
}

/// A figure with a value for each search.
fn repeated(
    name: &str,
    unit: &str,
    before: &[f64],
    after: &[f64],
    terms: &CompareTerms,
    seed: Seed,
) -> FigureChange {
    let (baseline, run) = (median(before), median(after));
    let interval = ratio_of_medians(after, before, 1.0 - terms.alpha, seed);
    let test = rank_test(after, before);
    let is_enough = attainable_p(before.len(), after.len()) <= terms.alpha;
    FigureChange {
        at: "soak".to_owned(),
        name: name.to_owned(),
        unit: unit.to_owned(),
        baseline,
        run,
        ratio: ratio(run, baseline),
        low_ratio: interval.map(|interval| interval.low),
        high_ratio: interval.map(|interval| interval.high),
        interval_of: interval.map(|_| IntervalOf::Repeats),
        p: test.filter(|_| is_enough).map(|test| test.either_p),
        told: match (test, is_enough) {
            (None, _) => Told::NotMeasured,
            (Some(_), false) => Told::MoreRepeatsNeeded,
            (Some(test), true) if test.below_p < test.above_p => Told::Lower,
            (Some(_), true) => Told::Higher,
        },
    }
}

/// Corrects the probabilities for their number, and takes back what they do not carry.
fn correct(figures: &mut [FigureChange], terms: &CompareTerms) {
    let tested: Vec<f64> = figures.iter().filter_map(|figure| figure.p).collect();
    let mut corrected = step_down(&tested).into_iter();
    for figure in figures.iter_mut().filter(|figure| figure.p.is_some()) {
        figure.p = corrected.next();
        if figure.p.is_none_or(|p| p > terms.alpha) {
            figure.told = Told::NoChangeShown;
        }
    }
}

/// A figure that was measured once a run: value, lower and upper end of each.
fn once(
    at: &str,
    (name, unit): (&str, &str),
    [baseline, before_low, before_high]: [Option<f64>; 3],
    [run, low, high]: [Option<f64>; 3],
) -> FigureChange {
    let ends = ratio(low, before_high).zip(ratio(high, before_low));
    FigureChange {
        at: at.to_owned(),
        name: name.to_owned(),
        unit: unit.to_owned(),
        baseline,
        run,
        ratio: ratio(run, baseline),
        low_ratio: ends.map(|(low, _)| low),
        high_ratio: ends.map(|(_, high)| high),
        interval_of: ends.map(|_| IntervalOf::Samples),
        p: None,
        told: if baseline.and(run).is_some() { Told::MeasuredOnce } else { Told::NotMeasured },
    }
}

fn ratio(above: Option<f64>, below: Option<f64>) -> Option<f64> {
    let (above, below) = above.zip(below)?;
    (below > 0.0).then(|| above / below)
}
