//! UI: a page that follows a run, in a real browser.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;

use crate::browser;
use crate::support::tool::{latest, plimsoll, run, stderr};
use crate::tools;

/// Starts a run and returns it with the first address that a line of its stderr names after `what`.
fn start(folder: &Path, arguments: &[&str], what: &str) -> (Child, String) {
    let mut child = plimsoll(folder, arguments).spawn().expect("the tool starts");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.find_map(|line| line.ok()?.strip_prefix(what).map(str::to_owned));
    let address = line.expect("the address is told");
    // A full pipe would hold the tool up.
    thread::spawn(move || lines.for_each(drop));
    (child, address.trim_start_matches(": http://").trim_end_matches("/metrics").to_owned())
}

fn head(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("somebody listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut begun = [0; 256];
    let count = socket.read(&mut begun).unwrap();
    String::from_utf8_lossy(&begun[..count]).to_ascii_lowercase()
}

#[test]
fn the_plots_fill_while_the_run_goes_on_and_end_with_its_answer() {
    let Some(chromium) = tools::need("chromium is needed", browser::chromium()) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/live.mjs");
    let driver = browser::driver(&script);
    let Some(driver) = tools::need("node and npm are needed", driver) else { return };
    let folder = tempfile::tempdir().unwrap();
    let words = ["capacity", "PRESET=quick", "LEVELS=50", "DASHBOARD_S=5", "SERVICE_MS=20"];
    let words = [&words[..], &["SEED=3", "UI=127.0.0.1:0"]].concat();
    let (mut child, address) = start(folder.path(), &words, "live page");
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live-page.png");
    let ran = Command::new("node")
        .args(["live.mjs", &format!("http://{address}")])
        .arg(&picture)
        .env("CHROMIUM", &chromium)
        .current_dir(&driver)
        .output()
        .unwrap();
    let (said, wrong) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}\n{wrong}");
    assert!(child.wait().unwrap().code().is_some_and(|code| code <= 3), "the run ended by itself");
    let result = latest(folder.path());
    let trials = result["trials"].as_array().unwrap();
    assert!(trials.iter().all(|trial| trial["verdict"] != "running"), "no file says so");
    assert!(fs::metadata(&picture).unwrap().len() > 10_000, "a picture of the page");
}

#[test]
fn one_address_serves_the_page_and_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (ui, metrics) = (format!("UI={free}"), format!("METRICS={free}"));
    let words = ["capacity", "PRESET=quick", "LEVELS=none", "SERVICE_MS=20", &ui, &metrics];
    let (mut child, address) = start(folder.path(), &words, "live page");
    for (path, kind) in [
        ("/", "text/html"),
        ("/events", "text/event-stream"),
        ("/metrics", "text/plain; version=0.0.4"),
    ] {
        let answer = head(address.trim_end_matches('/'), path);
        assert!(answer.starts_with("http/1.1 200"), "{path}: {answer}");
        assert!(answer.contains(&format!("content-type: {kind}")), "{path}: {answer}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_page_for_others_needs_to_be_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = format!("UI={}", taken.local_addr().unwrap());
    for (word, needle) in
        [("UI=0.0.0.0:0", "ALLOW_REMOTE=true"), ("UI=5680", "with a port"), (&busy, "in use")]
    {
        let output = run(folder.path(), &["capacity", word]);
        assert_eq!(output.status.code(), Some(2), "{word}: {}", stderr(&output));
        assert!(stderr(&output).contains(needle), "{word}: {}", stderr(&output));
    }
}
