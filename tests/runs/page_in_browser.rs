//! The page of a run in a real browser: in light, in the dark, on a phone, on paper, without its script, and live.

use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll::report::page::{Mode, body, page};

use crate::browser;
use crate::support::page::{poisoned, record, rehearsed};
use crate::tools;

#[test]
fn every_reader_sees_every_plot_and_no_one_else_is_asked() {
    let Some(chromium) = tools::need("chromium is needed", browser::chromium()) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/page.mjs");
    let driver = browser::driver(&script);
    let Some(driver) = tools::need("node and npm are needed", driver) else { return };

    let folder = tempfile::tempdir().unwrap();
    let plain = rehearsed(folder.path(), &["PRESET=quick", "DASHBOARD_P99_MS=500"]);
    let (run, hostile) = (record(&plain), record(&poisoned(plain.clone())));
    let mut early = run.clone();
    early.trials.truncate(5);
    early.levels.clear();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("plain.html", page(&run, Mode::Saved).unwrap());
    write("hostile.html", page(&hostile, Mode::Saved).unwrap());
    write("live.html", page(&early, Mode::Live).unwrap());
    write("event.json", serde_json::to_string(&body(&run).unwrap()).unwrap());

    let ran = Command::new("node")
        .arg("page.mjs")
        .arg(folder.path())
        .arg(run.outcome.name())
        .env("CHROMIUM", &chromium)
        .current_dir(&driver)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{wrong}");
}
