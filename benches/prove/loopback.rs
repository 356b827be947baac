//! The same in earnest: the real client against the example API and against a server in this process, whose
//! workers sleep through their service time, so that what they sustain does not depend on the machine.

use std::process::{Command, Stdio};

use plimsoll::sim::plan::{ServiceLaw, TargetPlan};
use plimsoll::sim::zoo::Specimen;
use plimsoll::{sim::faults::Faults, sim::truth::Effort};
use serde_json::Value;

use crate::rehearsal::{Scene, side_by_side};
use crate::sleeper::Sleeper;

const WORKERS: u32 = 4;
/// So many runs side by side: the servers sleep, and what little all of them compute is against us.
const AT_ONCE: usize = 2;
const TRUTH: Effort = Effort { runs: 24, run_s: 360.0 };

/// One kind of service, measured again and again.
struct Cell {
    name: &'static str,
    law: &'static str,
    service_law: ServiceLaw,
    is_inside: bool,
    service_ms: f64,
    truth_rps: f64,
}

/// What came of one run.
struct Measured {
    error_ratio: Option<f64>,
    /// Deviation from the answer of the same search in virtual time.
    off_virtual_ratio: Option<f64>,
    lateness_p99_ms: f64,
}

/// Measures `runs` times each; returns what was required and missed.
pub(crate) fn prove(runs: u64) -> Vec<String> {
    println!("\nin earnest, quick preset, on loopback\n");
    println!(
        "| service | truth | answered | within 5 % | worst error | within 3 % of the virtual answer | lateness p99, median / worst |\n|---|---|---|---|---|---|---|"
    );
    let mut cells = Vec::new();
    for capacity_rps in [200.0, 1000.0] {
        for (name, law, service_law) in [
            ("constant", "const", ServiceLaw::Constant),
            ("exponential", "exp", ServiceLaw::Exponential),
        ] {
            let service_ms = f64::from(WORKERS) * 1000.0 / capacity_rps;
            let target = TargetPlan::plain(WORKERS, service_ms, service_law);
            let specimen = Specimen { name, target, faults: Faults::none() };
            let truth_rps = Scene::truth_of(&specimen, TRUTH).expect("it sustains something");
            for is_inside in [false, true] {
                cells.push(Cell { name, law, service_law, is_inside, service_ms, truth_rps });
            }
        }
    }
    let all = side_by_side(AT_ONCE, runs * cells.len() as u64, |number| {
        let position = usize::try_from(number / runs).unwrap_or_default();
        cells.get(position).map(|cell| cell.measure(number % runs + 1))
    });
    let all: Vec<Measured> = all.into_iter().flatten().collect();
    let each = all.chunks(usize::try_from(runs).unwrap_or(1));
    cells.iter().zip(each).flat_map(|(cell, all)| cell.tell(all)).collect()
}

impl Cell {
    fn measure(&self, seed: u64) -> Measured {
        let server = self
            .is_inside
            .then(|| Sleeper::start(WORKERS, self.service_ms, self.service_law, seed));
        let target = server.as_ref().map(|server| format!("TARGET=http://{}", server.address));
        let real = self.run("capacity", seed, target);
        let rehearsed = self.run("rehearse", seed, None);
        let rps = real.pointer("/capacity/rps").and_then(Value::as_f64);
        let virtual_rps = rehearsed.pointer("/capacity/rps").and_then(Value::as_f64);
        let lateness = real.pointer("/generator/lateness_ms/p99").and_then(Value::as_f64);
        Measured {
            error_ratio: rps.map(|rps| rps / self.truth_rps - 1.0),
            off_virtual_ratio: rps.zip(virtual_rps).map(|(rps, expected)| rps / expected - 1.0),
            lateness_p99_ms: lateness.unwrap_or(f64::INFINITY),
        }
    }

    fn run(&self, command: &str, seed: u64, target: Option<String>) -> Value {
        let out = tempfile::tempdir().expect("a folder for the results");
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .arg(command)
            .args(["PRESET=quick", "LEVELS=none", "--json"])
            .arg(format!("SEED={seed}"))
            .args(target.map_or_else(|| self.example_api(), |target| vec![target]))
            .args((command == "capacity").then(|| format!("OUT={}", out.path().display())))
            .stderr(Stdio::null())
            .output()
            .expect("plimsoll starts");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    fn example_api(&self) -> Vec<String> {
        vec![
            format!("WORKERS={WORKERS}"),
            format!("SERVICE_MS={}", self.service_ms),
            format!("SERVICE_LAW={}", self.law),
        ]
    }

    fn tell(&self, all: &[Measured]) -> Vec<String> {
        let runs = all.len();
        let near = |value: Option<f64>, limit: f64| value.is_some_and(|value| value.abs() <= limit);
        let answered = all.iter().filter(|run| run.error_ratio.is_some()).count();
        let right = all.iter().filter(|run| near(run.error_ratio, 0.05)).count();
        let alike = all.iter().filter(|run| near(run.off_virtual_ratio, 0.03)).count();
        let worst = all
            .iter()
            .filter_map(|run| run.error_ratio)
            .fold(0.0, |worst: f64, error| if error.abs() > worst.abs() { error } else { worst });
        let mut late: Vec<f64> = all.iter().map(|run| run.lateness_p99_ms).collect();
        late.sort_by(f64::total_cmp);
        println!(
            "| {}, {:.0}/s, {} | {:.1} | {answered} of {runs} | {right} | {:.1} % | {alike} | {:.2} / {:.2} ms |",
            self.name,
            f64::from(WORKERS) * 1000.0 / self.service_ms,
            if self.is_inside { "in process" } else { "example API" },
            self.truth_rps,
            worst * 100.0,
            late.get(runs / 2).copied().unwrap_or_default(),
            late.last().copied().unwrap_or_default(),
        );
        let mut missed = Vec::new();
        let named = format!("in earnest, {}, {:.1}/s", self.name, self.truth_rps);
        if right * 10 < runs * 9 {
            missed.push(format!("{named}: only {right} of {runs} within 5 %"));
        }
        if self.law == "const" && alike * 10 < runs * 9 {
            missed.push(format!("{named}: only {alike} of {runs} as in virtual time"));
        }
        if late.iter().filter(|ms| **ms <= 2.0).count() * 10 < runs * 9 {
            missed.push(format!("{named}: lateness p99 over 2 ms"));
        }
        missed
    }
}
