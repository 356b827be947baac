//! The page of a run: what it says, what it never says, and the commands that write and show it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support {
    pub(crate) mod page;
    pub(crate) mod tool;
}

use std::fs;

use plimsoll::report::page::{Mode, body, page};
use plimsoll::report::schema::RunRecord;
use serde_json::{Value, json};

use support::page::{POISON, poisoned, record, rehearsed};
use support::tool::{plimsoll, run, stderr};

fn quick() -> Value {
    rehearsed(tempfile::tempdir().unwrap().path(), &["PRESET=quick"])
}

fn html(run: &RunRecord) -> String {
    let page = page(run, Mode::Saved).unwrap();
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    // Each chart shows something: a mark in a colour, or a line as thick as no axis has.
    for svg in page.split("<svg viewBox=").skip(1) {
        let svg = svg.split("</svg>").next().unwrap();
        let tones = ["good", "bad", "open", "void", "first", "second", "third", "heat-"];
        let is_coloured = tones.iter().any(|tone| svg.contains(&format!("var(--{tone}")));
        let has_marks = is_coloured || svg.contains("stroke-width=\"8\"");
        assert!(has_marks, "an empty plot: {svg}");
    }
    page
}

#[test]
fn a_page_answers_first_and_holds_everything_behind_it() {
    let page = html(&record(&quick()));
    let mut last = 0;
    for part in [
        "PASS</p>",
        "<h1>The service sustains ",
        "the goal of 200 is met with",
        "id=\"criteria\"",
        "data-chart=\"staircase\"",
        "data-chart=\"latency\"",
        "objective: p99 within 1,000 ms",
        "data-chart=\"dashboard-percentiles\"",
        "data-chart=\"heat-index\"",
        "data-chart=\"heat-dashboard\"",
        "data-chart=\"rates-index\"",
        "id=\"levels\"",
        "time-outs",
        "data-chart=\"recovery\"",
        "data-chart=\"lateness\"",
        "data-chart=\"cpu\"",
        "id=\"documents\"",
        "id=\"corpus\"",
        "id=\"environment\"",
        "GOAL_RPS",
        "id=\"cautions\"",
        "was not verified.</li>",
    ] {
        let found = page[last..].find(part);
        last += found.unwrap_or_else(|| panic!("`{part}` is missing, or stands too early"));
    }
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let page = html(&record(&quick()));
    for word in ["src=", "<link", "url(", "@import", "<iframe", "connect-src"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src &#x27;none&#x27;; script-src &#x27;sha256-"), "a policy");
    let outside = page.split("http").skip(1).filter(|rest| {
        let known = ["://www.w3.org/2000/svg", "-equiv=", "s://github.com/leeoniya/uPlot"];
        !known.iter().any(|own| rest.starts_with(own))
    });
    assert_eq!(outside.count(), 0, "the address of the target is that of a rehearsal");
    let live = plimsoll::report::page::page(&record(&quick()), Mode::Live).unwrap();
    assert!(live.contains("connect-src &#x27;self&#x27;"), "a live page listens to its own origin");
    assert!(live.contains("data-live=\"/events\""), "and to nothing else");
}

#[test]
fn a_run_of_hours_makes_a_page_of_less_than_a_megabyte() {
    let folder = tempfile::tempdir().unwrap();
    let long = record(&rehearsed(folder.path(), &["PRESET=signoff"]));
    assert!(long.run.stamp.wall_s > 1800.0, "a long run: {} s", long.run.stamp.wall_s);
    html(&long);
    // Twelve times as many seconds and trials: two hours of search with several soaks.
    let mut longer = long.clone();
    let last_s = long.run.stamp.wall_s;
    for round in 1..4_u32 {
        longer.trials.extend(long.trials.iter().cloned().map(|mut trial| {
            trial.started_s += last_s * f64::from(round);
            trial
        }));
    }
    html(&longer);
}

#[test]
fn nothing_that_somebody_else_wrote_is_more_than_text() {
    let hostile = record(&poisoned(quick()));
    let page = html(&hostile);
    assert!(page.matches("alert(1)").count() > 50, "the texts are there");
    assert_eq!(page.matches("<script").count(), 3, "its data, its plots, its own script");
    assert_eq!(page.matches("</script").count(), 3, "each ended once");
    assert!(!page.contains("<img") && !page.contains("<!--"), "and no other tag");
    let body = body(&hostile).unwrap();
    assert!(!body.html.contains("<script"), "the inner part has none at all");
    assert!(!POISON.is_empty() && body.data.to_string().contains("<script"), "data are only data");
}

#[test]
fn what_is_missing_is_told_with_its_reason() {
    let whole = quick();
    let of = |change: fn(&mut Value)| {
        let mut value = whole.clone();
        change(&mut value);
        html(&record(&value))
    };
    let without_levels: fn(&mut Value) = |run| {
        run["levels"] = json!([]);
        run["levels_missing"] = "the time was up".into();
    };
    let page = of(without_levels);
    assert!(page.contains("The levels were not measured because the time was up."), "levels");

    let page = of(|run| {
        run["levels"] = json!([]);
        run["capacity"] = json!({ "finding": "unconfirmed", "flags": [], "rps": null,
            "low_rps": 300.0, "high_rps": 320.0, "interval": "bracket", "confirmed_by": [],
            "stability_rps": null, "reasons": ["2 soaks failed"] });
    });
    assert!(page.contains("<h1>No capacity was confirmed: rates passed short trials"), "capacity");
    assert!(page.contains("Because 2 soaks failed.") && page.contains("Next: run again"), "why");
    assert!(page.contains("no capacity was confirmed that they could be a share of"), "levels");

    let page = of(|run| {
        run["schema_version"] = "1.0.0".into();
        for trial in run["trials"].as_array_mut().unwrap() {
            for stream in trial["streams"].as_array_mut().unwrap() {
                for second in stream["seconds"].as_array_mut().unwrap() {
                    second.as_object_mut().unwrap().remove("hdr");
                }
            }
        }
    });
    assert!(page.contains("written in version 1.0.0 of the format, whose seconds"), "heat map");
    assert!(page.contains("This result tells nothing of its documents"), "corpus");

    let page = of(|run| {
        for key in ["trials", "recoveries", "levels", "criteria"] {
            run[key] = json!([]);
        }
        run["settings"] = json!({});
        run["run"]["interrupted"] = true.into();
    });
    assert!(page.contains("No trial was finished") && page.contains("was interrupted"), "all");
    assert!(!page.contains("<svg viewBox=\"0 0 3440"), "no plot at all");
}

#[test]
fn a_run_that_ended_anywhere_has_a_page() {
    let whole = record(&quick());
    for kept in 0..whole.trials.len() {
        let mut run = whole.clone();
        run.trials.truncate(kept);
        run.recoveries.truncate(kept);
        run.levels.retain(|level| run.trials.iter().any(|trial| trial.id == level.trial));
        html(&run);
    }
}

#[test]
fn report_writes_the_page_again_and_leaves_the_result_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = quick().to_string();
    fs::write(folder.path().join("result.json"), &text).unwrap();
    for place in [".", "result.json"] {
        let output = run(folder.path(), &["report", place]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.lines().any(|line| line.ends_with("/report.html")), "{said}");
        let page = folder.path().join("report.html");
        assert!(fs::read_to_string(&page).unwrap().contains("<h1>The service sustains"), "a page");
        fs::remove_file(page).unwrap();
    }
    assert_eq!(fs::read_to_string(folder.path().join("result.json")).unwrap(), text, "untouched");
}

#[test]
fn open_says_where_the_page_is_and_writes_it_where_it_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("result.json"), quick().to_string()).unwrap();
    let open = || {
        let mut command = plimsoll(folder.path(), &["open", "."]);
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap()
    };
    let output = open();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let path = String::from_utf8(output.stdout).unwrap();
    assert!(path.trim_end().ends_with("/report.html"), "{path}");
    assert!(fs::exists(path.trim_end()).unwrap(), "it was written");
    fs::write(path.trim_end(), "mine").unwrap();
    assert_eq!(open().status.code(), Some(0), "a second time");
    assert_eq!(
        fs::read_to_string(path.trim_end()).unwrap(),
        "mine",
        "what is there is shown as it is"
    );
}

#[test]
fn a_folder_that_holds_no_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["report", "open"] {
        let output = run(folder.path(), &[command, "."]);
        assert_eq!(output.status.code(), Some(2), "{command}: {}", stderr(&output));
        assert!(stderr(&output).contains("result.json is not there"), "{}", stderr(&output));
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "and nothing is written");
    }
}
