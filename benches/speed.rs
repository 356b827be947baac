//! How fast the parts are whose speed is a feature: documents, and searches in virtual time.
//!
//! Run with `just bench`. Figures depend on the machine, so nothing is asserted.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench measures time and prints it"
)]

use std::hint::black_box;
use std::time::Instant;

use plimsoll::corpus::{Corpus, PermissionsShape};
use plimsoll::live::answer::AnswerReader;
use plimsoll::schedule::{ArrivalLaw, Schedule};
use plimsoll::seed::Seed;
use plimsoll::sim::plan::{ServiceLaw, TargetPlan};
use plimsoll::sim::target::Target;
use plimsoll::trial::latency::LatencyLog;
use plimsoll::units::Rps;

/// Runs `work` over `count` items and prints how many of them a second holds.
fn report(name: &str, count: u64, work: impl FnOnce()) {
    let begun = Instant::now();
    work();
    let took_s = begun.elapsed().as_secs_f64();
    println!("{name:<40} {:>8.2} million/s", count as f64 / took_s / 1e6);
}

fn main() {
    let begun = Instant::now();
    let corpus = Corpus::new(1);
    println!("{:<40} {:>8.2} ms", "tables of the corpus", begun.elapsed().as_secs_f64() * 1e3);

    let count = 2_000_000;
    let mut body = Vec::new();
    report("documents as JSON", count, || {
        for number in 0..count {
            body.clear();
            corpus.write_json(number, PermissionsShape::Object, &mut body);
            black_box(&body);
        }
    });
    for law in [ArrivalLaw::Uniform, ArrivalLaw::Stratified, ArrivalLaw::Poisson] {
        let Some(rate) = Rps::new(20_000.0) else { return };
        report(&format!("arrivals, {}", law.name()), count, || {
            black_box(Schedule::new(law, rate, 0.0, 100.0, Seed(1)).count());
        });
    }
    let text = b"HTTP/1.1 200 OK\r\nserver: nginx\r\ncontent-type: application/json\r\ncontent-length: 4\r\nconnection: keep-alive\r\n\r\n\"OK\"";
    report("answers read", count, || {
        let mut reader = AnswerReader::new(1 << 16);
        for _ in 0..count {
            reader.clear();
            black_box(reader.take(text).is_ok());
        }
    });
    report("times recorded", count, || {
        let mut log = LatencyLog::new();
        for number in 0..count {
            log.record_ns(black_box(1_000 * (number % 100_000)));
        }
        black_box(log.samples());
    });
    let plan = TargetPlan { queue: Some(1000), ..TargetPlan::plain(4, 1.0, ServiceLaw::Constant) };
    report("requests of a simulated target", count, || {
        let mut target = Target::new(plan, Seed(1));
        for number in 0..count {
            black_box(target.arrive(number * 300_000));
        }
    });
}
