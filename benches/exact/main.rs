//! How exact the tool is: against servers that know the truth, in the tables of docs/performance.md.
//!
//! Run with `just bench`. `SECONDS=10` makes it shorter than the minute for each rate that stands in the tables.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a bench prints, and may stop at a broken assumption"
)]

#[path = "../peers/resident.rs"]
mod resident;
mod server;

use std::process::{Command, Stdio};

use plimsoll::units::{round_to_u64, u64_to_usize, usize_to_u64};
use serde_json::Value;

use server::{Manner, Seen, Server};

/// The core of the tool; servers of this bench run on the other one.
const CORE: &str = "1";
const OTHER_CORE: &str = "0";
const MS: u64 = 1_000_000;

fn main() {
    keep_to(OTHER_CORE);
    let seconds = std::env::var("SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    bias();
    stalls();
    gaps();
    rates(seconds);
    memory(seconds);
}

/// Keeps this process, with the servers in it, to one core.
fn keep_to(core: &str) {
    let own = std::process::id().to_string();
    let moved = Command::new("taskset").args(["-acp", core, &own]).stdout(Stdio::null()).status();
    assert!(moved.is_ok_and(|status| status.success()), "taskset moves this process");
}

/// Offers a load, and gives the stream that the tool reports.
fn load(words: &[&str]) -> Value {
    let output = Command::new("taskset")
        .args(["-c", CORE, env!("CARGO_BIN_EXE_plimsoll"), "load", "--json"])
        .args(words)
        .stderr(Stdio::null())
        .output()
        .expect("the tool runs");
    serde_json::from_slice(&output.stdout).expect("one stream")
}

fn number(stream: &Value, path: [&str; 2]) -> f64 {
    path.iter()
        .try_fold(stream, |json, key| json.get(key))
        .and_then(Value::as_f64)
        .expect("a number")
}

/// The requests of the load itself: the preflight's come before, one after the other.
fn measured(seen: Vec<Seen>, stream: &Value) -> Vec<Seen> {
    let scheduled = u64_to_usize(round_to_u64(number(stream, ["counts", "scheduled"])));
    let skipped = seen.len().saturating_sub(scheduled);
    seen.into_iter().skip(skipped).collect()
}

fn quantile(values: &mut [f64], quantile: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = u64_to_usize(round_to_u64((values.len() as f64 * quantile).ceil()));
    values.get(rank.max(1) - 1).copied().expect("as many values as requests")
}

fn bias() {
    println!("\n**Answers after 5 ms, 200 requests/s for 20 s**\n");
    println!("| | server's own record | tool, from due | difference |\n|---|---|---|---|");
    let server = Server::start(Manner::After { delay_ns: 5 * MS });
    let url = format!("TARGET=http://{}", server.address);
    let stream = load(&[&url, "RPS=200", "DURATION_S=20"]);
    let mut took: Vec<f64> =
        measured(server.take(), &stream).into_iter().map(Seen::took_ms).collect();
    for (name, key, share) in [("p50", "p50", 0.5), ("p99", "p99", 0.99)] {
        let (truth, told) = (quantile(&mut took, share), number(&stream, ["response_ms", key]));
        println!("| {name} | {truth:.3} ms | {told:.3} ms | {:+.3} ms |", told - truth);
    }
}

fn stalls() {
    println!(
        "\n**A server that freezes for S at the start of every 5 s, 200 requests/s for 40 s**\n"
    );
    println!("| S | | server's own record | tool, from due | difference | of S |");
    println!("|---|---|---|---|---|---|");
    for freeze_ms in [500, 1000] {
        let manner = Manner::Frozen { freeze_ns: freeze_ms * MS, period_ns: 5000 * MS };
        let server = Server::start(manner);
        let url = format!("TARGET=http://{}", server.address);
        let stream = load(&[&url, "RPS=200", "DURATION_S=40"]);
        let mut took: Vec<f64> =
            measured(server.take(), &stream).into_iter().map(Seen::took_ms).collect();
        for (name, key, share) in
            [("p95", "p95", 0.95), ("p99", "p99", 0.99), ("p99.9", "p999", 0.999)]
        {
            let (truth, told) = (quantile(&mut took, share), number(&stream, ["response_ms", key]));
            println!(
                "| {freeze_ms} ms | {name} | {truth:.1} ms | {told:.1} ms | {:+.2} ms | {:+.2} % |",
                told - truth,
                (told - truth) / freeze_ms as f64 * 100.0
            );
        }
    }
}

fn gaps() {
    println!("\n**When requests come, by the stamps of the server's kernel**\n");
    println!("| arrivals | requests | | found | wanted |\n|---|---|---|---|---|");
    let server = Server::start(Manner::Plain);
    let url = format!("TARGET=http://{}", server.address);
    for (law, rate, seconds) in
        [("uniform", 200.0, 20.0), ("poisson", 200.0, 50.0), ("poisson", 1000.0, 10.0)]
    {
        let (rps, duration) = (format!("RPS={rate}"), format!("DURATION_S={seconds}"));
        let stream = load(&[&url, &rps, &duration, &format!("ARRIVALS={law}")]);
        let seen = measured(server.take(), &stream);
        let pairs = seen.iter().zip(seen.iter().skip(1));
        let mut gaps: Vec<f64> =
            pairs.map(|(one, next)| (next.arrived_ns - one.arrived_ns) as f64 / 1e9).collect();
        let count = gaps.len() as f64;
        if law == "uniform" {
            let mean = gaps.iter().sum::<f64>() / count;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
            let sd_us = variance.sqrt() * 1e6;
            println!(
                "| uniform, 200/s | {} | deviation of the gaps | {sd_us:.0} µs | at most 100 µs |",
                seen.len()
            );
        } else {
            gaps.sort_by(f64::total_cmp);
            let ranks = gaps.iter().enumerate();
            let distance = ranks
                .map(|(rank, gap)| {
                    let share = 1.0 - (-gap * rate).exp();
                    (share - rank as f64 / count).max((rank as f64 + 1.0) / count - share)
                })
                .fold(0.0, f64::max);
            let limit = 1.63 / count.sqrt();
            println!(
                "| poisson, {rate}/s | {} | Kolmogorov distance to exponential gaps | {distance:.4} | at most {limit:.4} |",
                seen.len()
            );
        }
    }
}

fn rates(seconds: u32) {
    println!("\n**What is offered over {seconds} s**\n");
    println!("| rate | arrivals | wanted | scheduled | came | error |\n|---|---|---|---|---|---|");
    let server = Server::start(Manner::Plain);
    let url = format!("TARGET=http://{}", server.address);
    for rate in [50, 200, 1000, 5000] {
        for law in ["uniform", "stratified"] {
            let (rps, duration) = (format!("RPS={rate}"), format!("DURATION_S={seconds}"));
            let stream = load(&[&url, &rps, &duration, &format!("ARRIVALS={law}")]);
            let scheduled = round_to_u64(number(&stream, ["counts", "scheduled"]));
            let wanted = u64::from(rate * seconds);
            let came = usize_to_u64(measured(server.take(), &stream).len());
            let error = came.abs_diff(wanted).max(scheduled.abs_diff(wanted));
            println!("| {rate}/s | {law} | {wanted} | {scheduled} | {came} | {error} |");
        }
    }
}

fn memory(seconds: u32) {
    println!("\n**Memory of the tool at its greatest**\n\n| load | resident |\n|---|---|");
    let duration = format!("DURATION_S={seconds}");
    let words =
        ["WORKERS=10", "SERVICE_MS=10", "QUEUE=100000", "RPS=5000", "TIMEOUT_MS=10000", &duration];
    println!(
        "| 5 times a capacity of 1,000/s for {seconds} s, time-out 10 s | {:.1} MB |",
        resident_mb(&words)
    );
}

/// The most memory that the tool itself held while it offered a load.
fn resident_mb(words: &[&str]) -> f64 {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["load", "--json"])
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tool runs");
    resident::most_mb(&mut tool)
}
