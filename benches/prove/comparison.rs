//! Are two builds told apart? The same one twice, and one against a tenth slower, again and again.

use plimsoll::campaign::presets::Preset;
use plimsoll::report::compare::{CapacityChange, Change, CompareTerms, judge};
use plimsoll::seed::Seed;
use plimsoll::sim::plan::TargetPlan;
use plimsoll::sim::zoo::{self, Specimen};

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

/// One baseline, the same build again, and a slower one.
struct Pair {
    again: CapacityChange,
    slower: CapacityChange,
}

/// Prints a table of `pairs` comparisons of each service, and returns what was missed.
pub(crate) fn prove(preset: Preset, pairs: u64) -> Vec<String> {
    println!(
        "\n{}: comparison, {REPEATS} repeats a side\n\n| service | same build: worse / undecided / better | its interval \
         holds 1 | 10 % slower: found / undecided | its interval holds the truth |\n|---|---|---|---|---|",
        preset.name()
    );
    let services = zoo::well_behaved(CAPACITY_RPS);
    let wanted = services.iter().filter(|specimen| SERVICES.contains(&specimen.name));
    wanted.flat_map(|specimen| table(preset, specimen, pairs)).collect()
}

fn table(preset: Preset, specimen: &Specimen, pairs: u64) -> Vec<String> {
    let found = in_parallel(pairs, |number| pair(preset, specimen, Seed(number)));
    let count = |holds: &dyn Fn(&Pair) -> bool| found.iter().filter(|pair| holds(pair)).count();
    let holds = |change: &CapacityChange, ratio: f64| {
        change.low_ratio.is_some_and(|low| low <= ratio)
            && change.high_ratio.is_some_and(|high| ratio <= high)
    };
    let alarms = count(&|pair| pair.again.change == Change::Worse);
    let hits = count(&|pair| pair.slower.change == Change::Worse);
    println!(
        "| {} | {alarms} / {} / {} of {pairs} | {} | {hits} / {} of {pairs} | {} |",
        specimen.name,
        count(&|pair| pair.again.change == Change::Undecided),
        count(&|pair| pair.again.change == Change::Better),
        count(&|pair| holds(&pair.again, 1.0)),
        count(&|pair| pair.slower.change == Change::Undecided),
        count(&|pair| holds(&pair.slower, 1.0 / SLOWER)),
    );
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

fn pair(preset: Preset, specimen: &Specimen, seed: Seed) -> Pair {
    let service_ms = specimen.target.service_ms * SLOWER;
    let slow = Specimen { target: TargetPlan { service_ms, ..specimen.target }, ..*specimen };
    let rates =
        |specimen: &Specimen, name: &str| repeated(specimen, preset, seed.named(name), REPEATS);
    let baseline = rates(specimen, "baseline");
    let judged = |rates: &[f64]| judge(&baseline, rates, &CompareTerms::default(), seed);
    Pair { again: judged(&rates(specimen, "again")), slower: judged(&rates(&slow, "slower")) }
}
