//! How fast the parts of a request's work are. Run with `just bench`; figures depend on the machine.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench may stop at a broken assumption"
)]

mod others;
mod work;

use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Repetitions that are timed together.
const TOGETHER: u64 = 1000;

#[divan::bench(args = work::PARTS.map(|(name, _)| name))]
fn part(bencher: Bencher, name: &str) {
    let (_, make) = work::PARTS.into_iter().find(|(known, _)| *known == name).expect("a part");
    // Merging is done twice a second, not with each request.
    let together = if name.contains("merged") { 1 } else { TOGETHER };
    let mut work = make();
    bencher.counter(ItemsCount::new(together)).bench_local(|| work(together));
}

/// The same documents as most would make them.
#[divan::bench(args = others::WAYS.map(|(name, _)| name))]
fn other(bencher: Bencher, name: &str) {
    let (_, make) = others::WAYS.into_iter().find(|(known, _)| *known == name).expect("a way");
    let mut work = make();
    bencher.counter(ItemsCount::new(TOGETHER)).bench_local(|| work(TOGETHER));
}
