//! What the tool says of its own cost is what the kernel says of its process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support;

use std::io::Read;
use std::thread;
use std::time::Duration;

use procfs::process::Process;
use serde_json::Value;
use support::tool::plimsoll;
use support::{Manner, Server};

#[test]
fn the_processor_time_of_a_load_is_that_of_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Manner::KeepAlive);
    let url = format!("TARGET={}", server.base_url());
    let words = ["load", &url, "RPS=2000", "DURATION_S=3", "THREADS=2", "--json"];
    let mut tool = plimsoll(folder.path(), &words).spawn().unwrap();
    let id = i32::try_from(tool.id()).unwrap();
    let mut text = String::new();
    let mut stdout = tool.stdout.take().unwrap();
    let reader = thread::spawn(move || stdout.read_to_string(&mut text).map(|_| text));
    let mut kernel_s = 0.0;
    while tool.try_wait().unwrap().is_none() {
        // Of a process that has ended meanwhile nothing is left but zeros.
        let stat = Process::new(id).and_then(|process| process.stat());
        let ticks = stat.map_or(0, |stat| stat.utime + stat.stime);
        kernel_s = f64::max(kernel_s, ticks as f64 / procfs::ticks_per_second() as f64);
        thread::sleep(Duration::from_millis(10));
    }
    let stream: Value = serde_json::from_str(&reader.join().unwrap().unwrap()).unwrap();
    let cpu_us = stream["generator"]["cpu_us_per_request"].as_f64().unwrap();
    let requests = stream["counts"]["scheduled"].as_f64().unwrap();
    let own_s = cpu_us * requests / 1e6;
    // The process also makes the tables of the documents, asks the preflight and prints; a tick is 10 ms.
    assert!(own_s <= kernel_s + 0.05, "{own_s} s of its own, {kernel_s} s by the kernel");
    assert!(own_s >= kernel_s - 0.3, "{own_s} s of its own, {kernel_s} s by the kernel");
    assert!(own_s > 0.05, "{own_s} s for {requests} requests");
}
