//! What many agents cost, on paper for as many as there are not here: the figures of docs/scale.md.
//!
//! Run with `cargo bench --bench agents`; it takes a minute or two, one core and 2 GB.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench prints, takes the time, and may stop at a broken assumption"
)]

mod many;
mod work;

use std::hint::black_box;
use std::time::Instant;

use plimsoll::agents::frames::{Assembly, Framer};
use plimsoll::agents::wire::Told;
use plimsoll::schedule::ArrivalLaw;
use plimsoll::schedule::deal::{Sender, deal};
use plimsoll::trial::TrialId;
use plimsoll::trial::tally::Tally;
use plimsoll::units::usize_to_u64;
use work::{Part, course};

/// Rates of one agent.
const RATES: [f64; 3] = [200.0, 2000.0, 20_000.0];
/// Repetitions of which the median counts.
const TIMES: usize = 9;

fn main() {
    schedule();
    messages();
    looks();
    many::trials();
}

/// Seconds that `work` takes, the median of some times.
fn seconds(mut work: impl FnMut()) -> f64 {
    let mut took: Vec<f64> = (0..TIMES)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64()
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[TIMES / 2]
}

fn schedule() {
    println!("\n**Going through the arrivals of all for one's own, per arrival of all**\n");
    println!("| arrivals | 1 agent | 2 | 4 | 8 | 1000 | a stream of its own, per own arrival |");
    println!("|---|---|---|---|---|---|---|");
    for law in [ArrivalLaw::Poisson, ArrivalLaw::Stratified] {
        let mut cells = Vec::new();
        for agents in [1, 2, 4, 8, 1000] {
            let course = course(law, 1e6, 1.0);
            let sender = Sender { share: deal(&vec![1.0; agents])[0], number: 0, of: 1 };
            let took_s = seconds(|| {
                black_box(course.dealt(sender).0.map(|arrival| arrival.due.0).sum::<u64>());
            });
            cells.push(format!("{:.1} ns", took_s * 1e9 / 1e6));
        }
        // Above a million a second nobody goes through the arrivals of others.
        let course = course(law, 8e6, 1.0);
        let sender = Sender { share: deal(&[1.0; 8])[0], number: 0, of: 1 };
        let took_s = seconds(|| {
            black_box(course.dealt(sender).0.map(|arrival| arrival.due.0).sum::<u64>());
        });
        let own = usize_to_u64(course.dealt(sender).1.count());
        let row = cells.join(" | ");
        println!("| {} | {row} | {:.1} ns |", law.name(), took_s * 1e9 / own as f64);
    }
}

/// Sizes and costs of the reports of one agent of three, at a rate of its own.
fn messages() {
    println!(
        "\n**Reports of one agent of three, exponential answers of 20 ms, one stream, 60 s**\n"
    );
    println!(
        "| rate of the agent | tick | largest tick | end | frames of the end | encode a tick | decode and apply it | encode the end | decode, apply and check it |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for rate in RATES {
        let part = Part::sent(rate, 60.0);
        let mut scissors = Framer::new(TrialId(1));
        let mut assembly = Assembly::new(TrialId(1));
        let mut mirror = work::empty(60.0);
        let (mut sizes, mut writing_s, mut reading_s) = (Vec::new(), 0.0, 0.0);
        let ticks = part.replay(|told, tally| {
            let begun = Instant::now();
            let frames = scissors.frames(&Told::Tick(work::tick(told.update(tally))));
            writing_s += begun.elapsed().as_secs_f64();
            sizes.push(frames.iter().map(Vec::len).sum::<usize>());
            let begun = Instant::now();
            for frame in frames {
                if let Some(Told::Tick(tick)) = assembly.take(&frame).expect("our own frame") {
                    for update in tick.senders.into_iter().flatten() {
                        mirror.apply(update).expect("our own update");
                    }
                }
            }
            reading_s += begun.elapsed().as_secs_f64();
        });
        let count = usize_to_u64(sizes.len()) as f64;
        let begun = Instant::now();
        let frames = scissors.frames(&Told::Done(ticks.done()));
        let end_writing_s = begun.elapsed().as_secs_f64();
        let end_size: usize = frames.iter().map(Vec::len).sum();
        let begun = Instant::now();
        for frame in &frames {
            if let Some(Told::Done(done)) = assembly.take(frame).expect("our own frame") {
                assert!(done.accepted.is_within(&part.numbers()), "its own documents");
                for (update, times) in done.senders.into_iter().flatten() {
                    mirror.apply(update).expect("our own update");
                    mirror.complete(times).expect("nothing is lost");
                }
            }
        }
        let end_reading_s = begun.elapsed().as_secs_f64();
        println!(
            "| {rate}/s | {:.1} kB | {:.1} kB | {:.1} kB | {} | {:.2} ms | {:.2} ms | {:.1} ms | {:.1} ms |",
            usize_to_u64(sizes.iter().sum()) as f64 / count / 1e3,
            usize_to_u64(sizes.iter().max().copied().unwrap_or(0)) as f64 / 1e3,
            usize_to_u64(end_size) as f64 / 1e3,
            frames.len(),
            writing_s / count * 1e3,
            reading_s / count * 1e3,
            end_writing_s * 1e3,
            end_reading_s * 1e3
        );
    }
}

/// What it costs to see all agents together.
fn looks() {
    println!("\n**Agents put together, one stream and one sender each, 60 s**\n");
    println!("| agents | a look at all | the end of all |\n|---|---|---|");
    let part = Part::sent(2000.0, 60.0);
    let mut tally = work::empty(60.0);
    part.replay_into(&mut tally);
    for agents in [1, 2, 4, 8, 100, 1000] {
        // Each in memory of its own, as they are.
        let all: Vec<Tally> = (0..agents).map(|_| tally.clone()).collect();
        let together = |add: fn(&mut Tally, &Tally)| {
            seconds(|| {
                let mut whole = Tally::empty_like(&tally);
                for one in &all {
                    add(&mut whole, one);
                }
                black_box(whole.scheduled);
            })
        };
        let (look_s, end_s) = (together(Tally::add_view), together(Tally::merge));
        println!("| {agents} | {:.2} ms | {:.2} ms |", look_s * 1e3, end_s * 1e3);
    }
}
