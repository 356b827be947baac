//! The error of the answer, measured: thousands of whole searches against services of known capacity.
//!
//! Run with `just prove`; it prints the tables of docs/method.md and ends with code 1 when a figure that
//! is required is missed. `SEEDS=20` makes it short, `ONLY=exponential` looks at one kind of service, `PAIRS=20` shortens the
//! comparisons of two builds, and `LOOPBACK=0` leaves out what takes an hour: the runs in earnest.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench measures time, prints it, and may stop at a broken assumption"
)]

mod comparison;
mod figures;
mod loopback;
mod rehearsal;
mod sleeper;

use std::time::Instant;

use figures::{Figures, Row};
use plimsoll::campaign::presets::Preset;
use plimsoll::seed::Seed;
use plimsoll::sim::truth::Effort;
use plimsoll::sim::zoo::{self, Specimen};
use rehearsal::{Answer, Scene, in_parallel};

/// The truth of these is computed once: five minutes behind the first, so often that rare troubles count.
fn thorough(capacity_rps: f64) -> Effort {
    const REQUESTS: f64 = 12e6;
    const RUN_S: f64 = 360.0;
    let runs = (24..200_u32).find(|runs| f64::from(*runs) * RUN_S * capacity_rps >= REQUESTS);
    Effort { runs: runs.unwrap_or(200).into(), run_s: RUN_S }
}
/// The truth of a service that is drawn afresh for each seed.
const BRISK: Effort = Effort { runs: 6, run_s: 360.0 };

fn main() {
    let begun = Instant::now();
    let mut proof =
        Proof { seeds: number("SEEDS", 200), searches: 0, requests: 0, missed: Vec::new() };
    for preset in presets() {
        for capacity_rps in [230.0, 2000.0] {
            let groups = [
                ("well-behaved", zoo::well_behaved(capacity_rps)),
                ("hard", zoo::hard(capacity_rps)),
                ("others", zoo::others(capacity_rps)),
                ("disturbed", zoo::disturbed(capacity_rps)),
                ("hopeless", zoo::hopeless(capacity_rps)),
                ("slow client", vec![zoo::slow_client(capacity_rps)]),
            ];
            for (group, specimens) in groups {
                proof.table(preset, &format!("{group}, {capacity_rps}/s"), &specimens);
            }
        }
        for capacity_rps in [20.0, 50.0] {
            let specimens = zoo::single_worker(capacity_rps);
            proof.table(preset, &format!("one worker, {capacity_rps}/s"), &specimens);
        }
        proof.held_out(preset);
    }
    let group = std::env::var("GROUP").unwrap_or_default();
    let pairs = number("PAIRS", 200);
    if pairs > 0 && "comparison".contains(&group) {
        for preset in presets() {
            proof.missed.extend(comparison::prove(preset, pairs));
        }
    }
    println!(
        "\n{} searches of {:.0} million requests, and the truths, took {:.0} s",
        proof.searches,
        proof.requests as f64 / 1e6,
        begun.elapsed().as_secs_f64()
    );
    let runs = number("LOOPBACK", 10);
    if runs > 0 {
        proof.missed.extend(loopback::prove(runs));
    }
    if !proof.missed.is_empty() {
        println!("\nmissed:\n{}", proof.missed.join("\n"));
        std::process::exit(1);
    }
}

fn presets() -> Vec<Preset> {
    match std::env::var("PRESET").as_deref() {
        Ok("quick") => vec![Preset::Quick],
        Ok("standard") => vec![Preset::Standard],
        _ => vec![Preset::Quick, Preset::Standard],
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn is_wanted(specimen: &Specimen) -> bool {
    std::env::var("ONLY")
        .is_ok_and(|only| !only.is_empty() && !specimen.name.contains(&only))
        .then_some(())
        .is_none()
}

/// With `TRACE=n`: the trials of the n worst searches; of the slowest, highest or first ones with `WORST=slow`,
/// `high` or `any`.
fn trace(answers: &[Answer]) {
    let mut worst: Vec<(usize, &Answer)> = answers.iter().enumerate().collect();
    let size = |answer: &Answer| answer.error_ratio().map_or(f64::INFINITY, f64::abs);
    match std::env::var("WORST").as_deref() {
        Ok("slow") => worst.sort_by(|(_, left), (_, right)| right.load_s.total_cmp(&left.load_s)),
        Ok("any") => {}
        Ok("high") => worst.sort_by(|(_, left), (_, right)| {
            right.error_ratio().unwrap_or(-1.0).total_cmp(&left.error_ratio().unwrap_or(-1.0))
        }),
        _ => worst.sort_by(|(_, left), (_, right)| size(right).total_cmp(&size(left))),
    }
    for (seed, answer) in worst.into_iter().take(usize::try_from(number("TRACE", 0)).unwrap()) {
        let capacity = &answer.capacity;
        println!(
            "  seed {seed}: {:?} {:?} error {:?} load {:.0} s, {:?} – {:?}\n{}",
            capacity.finding,
            capacity.flags,
            answer.error_ratio(),
            answer.load_s,
            capacity.low,
            capacity.high,
            answer.trials
        );
    }
}

/// The tables so far.
struct Proof {
    seeds: u64,
    searches: u64,
    requests: u64,
    missed: Vec<String>,
}

impl Proof {
    fn table(&mut self, preset: Preset, title: &str, specimens: &[Specimen]) {
        let wanted: Vec<&Specimen> =
            specimens.iter().filter(|specimen| is_wanted(specimen)).collect();
        let group = std::env::var("GROUP").unwrap_or_default();
        if wanted.is_empty() || !title.contains(&group) {
            return;
        }
        println!("\n{}: {title}\n\n{}", preset.name(), Row::header());
        let truths = in_parallel(wanted.len() as u64, |number| {
            let specimen = wanted.get(usize::try_from(number).unwrap()).unwrap();
            Scene::truth_of(specimen, thorough(specimen.target.saturation_rps()))
        });
        for (specimen, truth_rps) in wanted.into_iter().zip(truths) {
            let answers = in_parallel(self.seeds, |seed| {
                Scene { specimen: *specimen, truth_rps, preset }.play(Seed(seed))
            });
            self.finish(specimen.name, title, preset, &answers);
        }
    }

    fn held_out(&mut self, preset: Preset) {
        let title = "held out";
        let names: Vec<&'static str> = zoo::held_out(Seed(0))
            .iter()
            .filter(|specimen| is_wanted(specimen))
            .map(|specimen| specimen.name)
            .collect();
        let group = std::env::var("GROUP").unwrap_or_default();
        if names.is_empty() || !title.contains(&group) {
            return;
        }
        println!("\n{}: {title}\n\n{}", preset.name(), Row::header());
        for name in names {
            let answers = in_parallel(self.seeds, |number| {
                let seed = Seed(number).named("held out run");
                let specimen =
                    *zoo::held_out(seed).iter().find(|specimen| specimen.name == name).unwrap();
                let truth_rps = Scene::truth_of(&specimen, BRISK);
                Scene { specimen, truth_rps, preset }.play(seed)
            });
            self.finish(name, title, preset, &answers);
        }
    }

    fn finish(&mut self, name: &'static str, title: &str, preset: Preset, answers: &[Answer]) {
        let figures = Figures::of(answers);
        println!("{}", Row { name, figures: &figures });
        trace(answers);
        self.searches += answers.len() as u64;
        self.requests += answers.iter().map(|answer| answer.requests).sum::<u64>();
        let missed = figures.missed(name, title, preset);
        let named = |what: String| format!("{}, {title}, {name}: {what}", preset.name());
        self.missed.extend(missed.into_iter().map(named));
    }
}
