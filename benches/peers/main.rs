//! What a request costs the generator, beside other tools: the same server, the same core, in one run.
//!
//! Run with `just bench`. nginx answers from memory on one core, each client runs on the other, one after the
//! other and again, so that a noisy minute meets all of them; medians are printed as the tables of
//! docs/performance.md. `RUNS=3` makes it shorter. A tool that is not there is left out, and said.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a bench prints, and may stop at a broken assumption"
)]

mod resident;
mod scripts;
mod server;
mod tools;

use std::collections::BTreeMap;

use server::Nginx;
use tools::{Measured, Tool};

/// Rates at which the cost of a request is compared, per second, and for how many seconds each.
const RATES: [(u32, u32); 2] = [(1000, 10), (20_000, 8)];
/// Our own tool.
const OURS: &str = "plimsoll";

fn main() {
    let runs = std::env::var("RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    let Some(server) = Nginx::start() else {
        println!("skipped: nginx is not installed (Debian: nginx-light)");
        return;
    };
    scripts::write(server.folder.path(), &server.url);
    let tools = tools::installed();
    for (rate, seconds) in RATES {
        let mut measured: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
        for _ in 0..runs {
            for tool in tools.iter().filter(|tool| tool.is_open()) {
                let result = tool.paced(&server, rate, seconds);
                measured.entry(tool.name()).or_default().extend(result);
            }
        }
        println!("\n**{rate} requests/s, median of {runs}**\n");
        println!(
            "| tool | CPU µs/request | against ours | offered and done | lateness p50 / p99 |"
        );
        println!("|---|---|---|---|---|");
        let ours = measured.get(OURS).and_then(|all| median(all, |one| one.cpu_us));
        for tool in tools.iter().filter(|tool| tool.is_open()) {
            let all = measured.get(tool.name()).map(Vec::as_slice).unwrap_or_default();
            println!("{}", row(*tool, all, ours, f64::from(rate * seconds)));
        }
    }
    println!(
        "\n**The most on one core, median of {runs}**\n\n| tool | requests/s | |\n|---|---|---|"
    );
    let closed = tools.iter().filter(|tool| !tool.is_open()).map(|tool| {
        let rates: Vec<f64> = (0..runs).filter_map(|_| tool.flat_out(&server)).collect();
        (tool.name(), middle(rates))
    });
    let closed: Vec<(&str, Option<f64>)> = closed.collect();
    let most = closed.iter().filter_map(|(_, rps)| *rps).fold(0.0, f64::max);
    for (name, rps) in &closed {
        println!("| {name} | {:.0} | closed loop, 32 connections |", rps.unwrap_or_default());
    }
    let reached: Vec<f64> = (0..runs).map(|_| tools::highest_open(&server, most)).collect();
    let reached = middle(reached).unwrap_or_default();
    println!("| {OURS} | {reached:.0} | open loop, at least 99 % accepted, none unsent |");
    let resident_mb = tools::resident_mb(&server, 20_000, 10);
    println!("\nResident memory at 20,000 requests/s: {resident_mb:.1} MB");
}

fn row(tool: Tool, all: &[Measured], ours: Option<f64>, wanted: f64) -> String {
    let Some(cpu_us) = median(all, |one| one.cpu_us) else {
        return format!("| {} | – | – | – | – |", tool.name());
    };
    let done = median(all, |one| one.requests).unwrap_or_default() / wanted * 100.0;
    let late = |of: fn(&Measured) -> Option<f64>| middle(all.iter().filter_map(of).collect());
    let lateness = late(|one| one.lateness_p50_ms).zip(late(|one| one.lateness_p99_ms));
    let lateness = lateness.map_or("–".to_owned(), |(p50_ms, p99_ms)| {
        format!("{:.0} / {:.0} µs", p50_ms * 1000.0, p99_ms * 1000.0)
    });
    let ratio = ours.map_or("–".to_owned(), |ours| format!("{:.2}", cpu_us / ours));
    format!("| {} | {cpu_us:.1} | {ratio} | {done:.1} % | {lateness} |", tool.name())
}

fn median(all: &[Measured], of: impl Fn(&Measured) -> f64) -> Option<f64> {
    middle(all.iter().map(of).collect())
}

fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
