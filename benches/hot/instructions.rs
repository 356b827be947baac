//! How many instructions a request's work takes, part by part: the same on a quiet machine and on a noisy one.
//!
//! Run with `just bench`. Each part is run under `valgrind --tool=callgrind` twice, a few times and many times; the
//! difference is what the repetitions cost. It is held against benches/hot/instructions.txt, which `SAVE=1` renews.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench prints, and may stop at a broken assumption"
)]

mod work;

use std::fmt::Write;
use std::process::Command;
use std::{env, fs};

const FEW: u64 = 10;
const MANY: u64 = 510;
/// Beyond this share of more instructions a part is named.
const GROWTH: f64 = 0.05;
/// Names a part and a number of repetitions to a run under valgrind.
const PART: &str = "PLIMSOLL_BENCH_PART";

fn main() {
    if let Some((part, count)) =
        env::var(PART).ok().as_deref().and_then(|text| text.split_once(' '))
    {
        let (_, make) = work::PARTS
            .get(part.parse::<usize>().expect("a number"))
            .copied()
            .expect("a part of the table");
        make()(count.parse().expect("a number"));
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed (Debian: valgrind)");
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/hot/instructions.txt");
    let saved = fs::read_to_string(path).unwrap_or_default();
    let mut text = String::new();
    println!("\n**Instructions, by callgrind**\n\n| | now | before |\n|---|---|---|");
    for (number, (name, _)) in work::PARTS.iter().enumerate() {
        let now = (counted(number, MANY) - counted(number, FEW)) / (MANY - FEW);
        let before =
            saved.lines().find_map(|line| line.strip_suffix(name)?.trim().parse::<u64>().ok());
        let grown = before.is_some_and(|before| now as f64 > before as f64 * (1.0 + GROWTH));
        let before = before.map_or("–".to_owned(), |before| before.to_string());
        println!("| {name} | {now} | {before}{} |", if grown { ", GROWN" } else { "" });
        writeln!(text, "{now:>9}  {name}").expect("a text takes more");
    }
    if env::var("SAVE").is_ok() {
        fs::write(path, text).expect("the table can be written");
    }
}

/// Instructions of a whole run that repeats one part so many times.
fn counted(part: usize, count: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().expect("this program"))
        .env(PART, format!("{part} {count}"))
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected =
        text.split("Collected :").nth(1).and_then(|rest| rest.split_whitespace().next());
    collected.and_then(|number| number.parse().ok()).expect("callgrind counts")
}
