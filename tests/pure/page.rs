//! The page of a run: what it says, what it never says, and the commands that write and show it.

use std::fs;

use plimsoll::report::page::{Mode, body, page};
use plimsoll::report::schema::RunRecord;
use serde_json::{Value, json};

use crate::support::page::{poisoned, record, rehearsed};
use crate::support::tool::{plimsoll, run, stderr};

fn quick() -> Value {
    rehearsed(tempfile::tempdir().unwrap().path(), &["PRESET=quick"])
}

fn html(run: &RunRecord) -> String {
    let page = page(run, Mode::Saved).unwrap();
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    // Each chart shows something: a point, a field, or a line that is dashed or as thick as no axis and no limit has.
    let own = ["<circle", "<polygon", "var(--heat-", "stroke-dasharray"];
    let thick = [7, 8, 9].map(|width| format!("stroke-width=\"{width}\""));
    for svg in page.split("<svg viewBox=").skip(1) {
        let svg = svg.split("</svg>").next().unwrap();
        let has_points = own.iter().any(|mark| svg.contains(mark));
        assert!(has_points || thick.iter().any(|line| svg.contains(line)), "an empty plot: {svg}");
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
    // Four times as many seconds and trials: hours of search with many soaks.
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
    assert!(body.data.to_string().contains("<script"), "data are only data");
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
fn several_searches_their_sign_off_file_and_their_requests_are_told() {
    let mut run = quick();
    let mut other = run["repeats"][0].clone();
    other["rps"] = 4321.0.into();
    run["repeats"].as_array_mut().unwrap().push(other);
    run["slo"] = json!({ "file": "slo-of-spring.toml" });
    run["capacity"]["requests_rps"] = 12.5.into();
    run["verification"]["found"] = 10.into();
    run["verification"]["lost"] = 0.into();
    run["verification"]["surplus"] = 7.into();
    let page = html(&record(&run));
    let soak = run["capacity"]["confirmed_by"][0].as_str().unwrap();
    for needle in [
        "lowest and highest end of 2 searches",
        "Its 2 searches came to ",
        ", 4321.0.",
        "<dt>Sign-off file</dt><dd>slo-of-spring.toml</dd>",
        &format!("<dt>Confirmed by</dt><dd>{soak}</dd>"),
        "in 12.5 requests",
        "<dt>Lost, doubled or foreign</dt><dd><b>7</b>",
    ] {
        assert!(page.contains(needle), "{needle} is missing");
    }
}

#[test]
fn a_run_under_way_is_told_in_the_present_and_by_its_own_page() {
    let mut run = quick();
    run["levels"] = json!([]);
    run["criteria"] = json!([]);
    run["overload"]["load_percent"] = Value::Null;
    for key in ["rps", "low_rps", "high_rps"] {
        run["capacity"][key] = Value::Null;
    }
    run["capacity"]["finding"] = "running".into();
    run["verification"]["not_verified"] = Value::Null;
    let body = body(&record(&run)).unwrap();
    assert_eq!(body.title, "running: no capacity yet", "the tab");
    for needle in
        ["No level has been measured yet.", "No capacity is confirmed yet", "served by the run"]
    {
        assert!(body.html.contains(needle), "{needle} is missing");
    }
    for wrong in
        ["not measured because", "was confirmed", "loads nothing", "blue band", "cannot count"]
    {
        assert!(!body.html.contains(wrong), "{wrong}");
    }
}

#[test]
fn no_two_levels_look_the_same() {
    let mut run = quick();
    let level = run["levels"].as_array().unwrap().last().unwrap().clone();
    let of = |percent: u32| {
        let mut level = level.clone();
        level["load_percent"] = percent.into();
        level
    };
    run["levels"] = [0, 25, 50, 60, 70, 80, 90, 100, 120, 150].map(of).to_vec().into();
    let body = body(&record(&run)).unwrap();
    let charts = body.data["charts"].as_array().unwrap();
    let chart = charts.iter().find(|chart| chart["id"] == "dashboard-percentiles").unwrap();
    let mut looks: Vec<String> = chart["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| format!("{} {}", series["tone"], series["shape"]))
        .collect();
    assert_eq!(looks.len(), 10, "a curve a level");
    looks.sort();
    looks.dedup();
    assert_eq!(looks.len(), 10, "{looks:?}");
}

#[test]
fn criteria_of_a_sign_off_file_are_named_in_words() {
    let mut run = quick();
    let criterion = |name: &str| {
        json!({ "name": name, "outcome": "FAIL", "measured": null, "limit": null, "unit": "ms",
            "margin_ratio": null, "reason": "so" })
    };
    let names = [
        "dashboard_p99_at_50",
        "dashboard_timeout_ratio_at_75",
        "dashboard_p99",
        "overload_goodput",
    ];
    run["criteria"] = names.map(criterion).to_vec().into();
    let page = html(&record(&run));
    for name in [
        "dashboard p99 at 50 %",
        "dashboard time-outs at 75 %",
        "dashboard p99 at 100 %",
        "overload goodput",
    ] {
        assert!(page.contains(&format!("<td class=\"word\">{name}</td>")), "{name} is missing");
    }
}

#[test]
fn a_result_that_counts_beyond_all_bounds_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut vast = quick();
    vast["verification"]["lost"] = u64::MAX.into();
    vast["verification"]["doubled"] = 1.into();
    fs::write(folder.path().join("result.json"), vast.to_string()).unwrap();
    let output = run(folder.path(), &["report", "."]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("damaged or not a result"), "{}", stderr(&output));
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
    fs::write(folder.path().join("report.html"), "somebody's").unwrap();
    let output = run(folder.path(), &["open", "."]);
    assert_eq!(output.status.code(), Some(2), "a page alone: {}", stderr(&output));
}
