//! Are two builds told apart? The same one twice, and one against a tenth slower, again and again.

use plimsoll::campaign::presets::Preset;
use plimsoll::report::compare::{CapacityChange, Change, CompareTerms, judge};
use plimsoll::seed::Seed;
use plimsoll::sim::plan::TargetPlan;
use plimsoll::sim::zoo::{self, Specimen};
use plimsoll::stats::bootstrap::median;

use crate::rehearsal::{in_parallel, repeated};

/// Searches of each run.
const REPEATS: u32 = 8;
/// Service times of the slower build, against those of the other.
const SLOWER: f64 = 1.1;
/// The same build may be called worse in this share of the pairs ...
const FALSE_ALARMS_MOST: f64 = 0.075;
/// ... and the slower one must be found in this.
const FOUND_LEAST: f64 = 0.95;
/// Capacity of the services, in requests per second.
const CAPACITY_RPS: f64 = 230.0;
/// Services of which two builds are compared.
const SERVICES: [&str; 3] = ["deterministic", "exponential", "log-normal 0.5"];

/// One baseline, the same build again, and a slower one; an error where a search ended for another reason than a rate,
/// or none that it could confirm.
struct Pair {
    again: Result<CapacityChange, String>,
    slower: Result<CapacityChange, String>,
}

/// Prints a table of `pairs` comparisons of each service, and returns what was missed.
pub(crate) fn prove(preset: Preset, pairs: u64) -> Vec<String> {
    println!(
        "\n{}: comparison, {REPEATS} repeats a side\n\n| service | same build: worse / undecided / better / no answer | its \
         interval holds 1 | 10 % slower: found / undecided / no answer | capacity lower by, median |\n|---|---|---|---|---|",
        preset.name()
    );
    let services = zoo::well_behaved(CAPACITY_RPS);
    let wanted = services.iter().filter(|specimen| SERVICES.contains(&specimen.name));
    wanted.flat_map(|specimen| table(preset, specimen, pairs)).collect()
}

fn table(preset: Preset, specimen: &Specimen, pairs: u64) -> Vec<String> {
    let found = in_parallel(pairs, |number| pair(preset, specimen, Seed(number)));
    let again: Vec<_> = found.iter().map(|pair| &pair.again).collect();
    let slower: Vec<_> = found.iter().map(|pair| &pair.slower).collect();
    let holds_one = |change: &CapacityChange| {
        change.low_ratio.is_some_and(|low| low <= 1.0)
            && change.high_ratio.is_some_and(|high| high >= 1.0)
    };
    let (alarms, hits) = (count(&again, Change::Worse), count(&slower, Change::Worse));
    let drops: Vec<f64> = slower
        .iter()
        .filter_map(|change| change.as_ref().ok()?.ratio)
        .map(|ratio| (1.0 - ratio) * 100.0)
        .collect();
    println!(
        "| {} | {alarms} / {} / {} / {} of {pairs} | {} | {hits} / {} / {} of {pairs} | {:.1} % |",
        specimen.name,
        count(&again, Change::Undecided),
        count(&again, Change::Better),
        again.iter().filter(|change| change.is_err()).count(),
        again.iter().filter(|change| change.as_ref().is_ok_and(holds_one)).count(),
        count(&slower, Change::Undecided),
        slower.iter().filter(|change| change.is_err()).count(),
        median(&drops).unwrap_or(f64::NAN),
    );
    if std::env::var_os("TRACE").is_some() {
        for lost in again.iter().chain(&slower).filter_map(|change| change.as_ref().err()) {
            println!("  no answer: {lost}");
        }
    }
    let named = |what: String| format!("{}, comparison, {}: {what}", preset.name(), specimen.name);
    let mut missed = Vec::new();
    if alarms as f64 > FALSE_ALARMS_MOST * pairs as f64 {
        missed.push(named(format!("the same build was called worse {alarms} times of {pairs}")));
    }
    if (hits as f64) < FOUND_LEAST * pairs as f64 {
        missed.push(named(format!("a slower build was found {hits} times of {pairs}")));
    }
    missed
}

fn count(changes: &[&Result<CapacityChange, String>], wanted: Change) -> usize {
    let is_wanted = |change: &CapacityChange| change.change == wanted;
    changes.iter().filter(|change| change.as_ref().is_ok_and(is_wanted)).count()
}

fn pair(preset: Preset, specimen: &Specimen, seed: Seed) -> Pair {
    let service_ms = specimen.target.service_ms * SLOWER;
    let slow = Specimen { target: TargetPlan { service_ms, ..specimen.target }, ..*specimen };
    let rates =
        |specimen: &Specimen, name: &str| repeated(specimen, preset, seed.named(name), REPEATS);
    let baseline = rates(specimen, "baseline");
    let judged = |rates: Result<Vec<f64>, String>| {
        let baseline = baseline.clone()?;
        Ok(judge(&baseline, &rates?, &CompareTerms::default(), seed))
    };
    Pair { again: judged(rates(specimen, "again")), slower: judged(rates(&slow, "slower")) }
}
