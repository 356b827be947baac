//! The command line as a user meets it: what is refused, how, and with which exit code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// `plimsoll` in `folder`, with nothing of the surrounding environment.
fn plimsoll(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(folder).env_clear().args(arguments);
    command.envs(environment.iter().copied()).output().expect("plimsoll runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit code 2, nothing on stdout, and one to three lines on stderr that hold `needle`.
fn assert_refused(output: &Output, needle: &str, what: &str) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{what}: {stderr}");
    assert!(stderr.contains(needle), "{what} does not say {needle}: {stderr}");
    assert!((1..=3).contains(&stderr.lines().count()), "{what}: {stderr}");
    assert!(output.stdout.is_empty(), "{what}: stdout is for answers");
}

#[test]
fn bad_input_is_refused_by_name_before_any_load() {
    let folder = tempfile::tempdir().unwrap();
    let capacity: &[(&str, &[&str])] = &[
        ("WORKERS", &["WORKERS=0", "WORKERS=4x", "WORKERS=1025", "WORKERS=", "--workers=-1"]),
        ("`WORKERS=4`?", &["WORKRES=4", "workers=4"]),
        ("`--workers`?", &["--workres=4", "--worker=4"]),
        ("KEY=VALUE", &["fast", "4"]),
        ("GOAL_RPS", &["GOAL_RPS=-1", "GOAL_RPS=0", "GOAL_RPS=NaN", "GOAL_RPS=inf", "GOAL_RPS="]),
        ("HEADROOM_RATIO", &["HEADROOM_RATIO=-0.1", "HEADROOM_RATIO=nan", "HEADROOM_RATIO=inf"]),
        ("CEILING_RPS", &["CEILING_RPS=100", "HEADROOM_RATIO=999", "CEILING_RPS=inf"]),
        ("FLOOR_RPS", &["FLOOR_RPS=100000", "FLOOR_RPS=-3"]),
        ("P99_MS", &["P99_MS=0", "P99_MS=-5", "P99_MS=1.5", "P99_MS=NaN"]),
        ("TIMEOUT_MS", &["TIMEOUT_MS=999", "TIMEOUT_MS=0"]),
        ("ERROR_RATIO", &["ERROR_RATIO=0", "ERROR_RATIO=1", "ERROR_RATIO=-1", "ERROR_RATIO=NaN"]),
        ("DASHBOARD_TIMEOUT_MS", &["DASHBOARD_TIMEOUT_MS=0", "DASHBOARD_P99_MS=30001"]),
        ("DASHBOARD_ERROR_RATIO", &["DASHBOARD_ERROR_RATIO=2"]),
        ("DASHBOARD_RPS", &["DASHBOARD_RPS=0"]),
        ("DASHBOARD_S", &["DASHBOARD_S=0", "DASHBOARD_S=inf"]),
        ("BUDGET_S", &["BUDGET_S=0", "BUDGET_S=-1", "BUDGET_S=nan"]),
        ("LEVELS", &["LEVELS=50,50", "LEVELS=1001", "LEVELS=-1", "LEVELS=", "LEVELS=0,,1"]),
        ("REPEATS", &["REPEATS=0", "REPEATS=51", "REPEATS=two", "REPEATS=-1"]),
        ("ARRIVALS", &["ARRIVALS=normal"]),
        ("PRESET", &["PRESET=fast"]),
        ("PERMISSIONS", &["PERMISSIONS=array"]),
        ("THREADS", &["THREADS=0", "THREADS=65", "THREADS=two"]),
        ("INSECURE", &["INSECURE=true", "INSECURE=yes", "CA=/nowhere"]),
        ("LANES_MAX", &["LANES_MAX=0", "LANES_MAX=65536"]),
        ("SEED", &["SEED=-1", "SEED=x", "CORPUS_SEED=x"]),
        ("FIRST_INDEX", &["FIRST_INDEX=-1", "FIRST_INDEX=first"]),
        ("OUT", &["OUT="]),
        ("ALLOW_REMOTE=true", &["TARGET=http://192.0.2.1:80", "TARGET=http://example.com"]),
        (
            "TARGET",
            &["TARGET=nonsense", "TARGET=https://127.0.0.1/api", "TARGET=http://localhost/a"],
        ),
        ("LAUNCH", &["LAUNCH=server", "LAUNCH='{port}"]),
        ("IMAGE", &["IMAGE=x", "IMAGE=--privileged"]),
        ("ALLOW_REMOTE", &["ALLOW_REMOTE=yes"]),
        ("SERVICE_MS", &["SERVICE_MS=0", "SERVICE_MS=inf", "SERVICE_MS=NaN"]),
        ("STALL_EVERY_MS", &["STALL_MS=5"]),
        ("`load`", &["RPS=5", "--duration-s=3"]),
        ("--preset", &["--preset"]),
    ];
    for (needle, inputs) in capacity {
        for input in *inputs {
            assert_refused(&plimsoll(folder.path(), &["capacity", input], &[]), needle, input);
        }
    }
}

#[test]
fn load_needs_its_rate_and_takes_no_goal() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(&plimsoll(folder.path(), &["load"], &[]), "RPS", "no rate");
    for (needle, words) in [
        ("`capacity`", ["RPS=5", "GOAL_RPS=5"]),
        ("DURATION_S", ["RPS=5", "DURATION_S=0"]),
        ("WARMUP_S", ["RPS=5", "WARMUP_S=-1"]),
        ("WORKLOAD", ["RPS=5", "WORKLOAD=both"]),
        ("twice", ["RPS=5", "RPS=6"]),
    ] {
        let output = plimsoll(folder.path(), &["load", words[0], words[1]], &[]);
        assert_refused(&output, needle, words[1]);
    }
}

#[test]
fn a_folder_without_a_run_of_this_tool_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::create_dir_all(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("trials.jsonl"), text).unwrap();
    };
    let header = r#"{"kind":"run","schema_version":"9.0.0","id":"x","started_utc":"2026-01-01T00:00:00Z","seed":1,"settings":{}}"#;
    write("newer", &format!("{header}\n"));
    write("foreign", "{\"a\":1}\n");
    write("empty", "");
    let cases = [
        ("nowhere", "give the folder of a run"),
        ("newer", "version 9.0.0"),
        ("foreign", "line 1"),
        ("empty", "does not begin"),
    ];
    for (name, needle) in cases {
        for arguments in
            [vec!["explain", name], vec!["rejudge", name], vec!["capacity", "--resume", name]]
        {
            assert_refused(&plimsoll(folder.path(), &arguments, &[]), needle, name);
        }
    }
    assert_refused(&plimsoll(folder.path(), &["explain"], &[]), "folder of a run", "no folder");
    let remote = ["rehearse", "TARGET=http://127.0.0.1:9"];
    assert_refused(&plimsoll(folder.path(), &remote, &[]), "simulates", "a rehearsal of a URL");
}

#[test]
fn a_setting_of_the_example_api_is_refused_with_a_url() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["capacity", "TARGET=http://127.0.0.1:9", "SERVICE_MS=5"];
    assert_refused(&plimsoll(folder.path(), &words, &[]), "SERVICE_MS", "SERVICE_MS with a URL");
}

#[test]
fn unknown_names_in_environment_and_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = plimsoll(folder.path(), &["config"], &[("PLIMSOLL_WORKRES", "4")]);
    assert_refused(&output, "`PLIMSOLL_WORKERS`?", "PLIMSOLL_WORKRES");
    for (file, needle) in [
        ("p99-ms = 250", "`p99_ms`?"),
        ("zzz = 1", "zzz"),
        ("p99_ms = ", "line 1"),
        ("workers = 0", "WORKERS"),
        ("goal_rps = nan", "GOAL_RPS"),
    ] {
        fs::write(folder.path().join("plimsoll.toml"), file).unwrap();
        assert_refused(&plimsoll(folder.path(), &["config"], &[]), needle, file);
    }
}

#[test]
fn all_four_forms_mean_the_same_and_an_empty_variable_means_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let p99 = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut all = vec!["config", "--json"];
        all.extend(arguments);
        let output = plimsoll(folder.path(), &all, environment);
        let settings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let item = &settings["P99_MS"];
        format!("{} {}", item["value"].as_str().unwrap(), item["origin"].as_str().unwrap())
    };
    let environment = [("PLIMSOLL_P99_MS", "250")];
    assert_eq!(p99(&["--p99-ms", "250"], &[]), "250 flag", "flag");
    assert_eq!(p99(&["P99_MS=250"], &environment), "250 word", "word");
    assert_eq!(p99(&[], &environment), "250 environment", "environment");
    assert_eq!(p99(&[], &[("PLIMSOLL_P99_MS", ""), ("WORKERS", "")]), "1000 default", "empty");
    fs::write(folder.path().join("plimsoll.toml"), "p99_ms = 250").unwrap();
    assert_eq!(p99(&[], &[]), "250 file", "file");
}

#[test]
fn help_shows_every_setting_that_the_command_takes() {
    let folder = tempfile::tempdir().unwrap();
    for (command, shown, hidden) in
        [("capacity", "--goal-rps", "--duration-s"), ("load", "--duration-s", "--goal-rps")]
    {
        let output = plimsoll(folder.path(), &[command, "--help"], &[]);
        let help = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{command} --help");
        assert!(help.contains(shown) && help.contains("[default: 4]"), "{help}");
        assert!(!help.contains(hidden), "{help}");
    }
    assert_eq!(plimsoll(folder.path(), &["--version"], &[]).status.code(), Some(0), "version");
    let bare = plimsoll(folder.path(), &[], &[]);
    assert_eq!(bare.status.code(), Some(2), "no command");
    assert!(text(&bare.stderr).contains("capacity"), "shows the commands");
    assert_refused(&plimsoll(folder.path(), &["capcity"], &[]), "'capacity'", "capcity");
}

#[test]
fn a_rehearsal_needs_no_word_and_a_search_engine_cannot_be_rehearsed() {
    let folder = tempfile::tempdir().unwrap();
    let output = plimsoll(folder.path(), &["rehearse", "PRESET=quick", "SEED=1"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("capacity 3"), "about 400/s: {}", text(&output.stdout));
    let refused = plimsoll(folder.path(), &["rehearse", "ENGINE=tantivy"], &[]);
    assert_eq!(refused.status.code(), Some(2), "what it costs is not known before");
    assert!(text(&refused.stderr).contains("ENGINE=tantivy"), "{}", text(&refused.stderr));
}

/// The defaults shown for the example API are its own: its source is asked.
#[test]
fn defaults_shown_for_the_example_api_are_its_own() {
    let source = include_str!("../../example-api/src/settings.rs");
    let words: String = source.split_whitespace().collect();
    for key in plimsoll::app::keys::KEYS {
        if key.takers == plimsoll::app::keys::Takers::ExampleApi {
            // A variable that is not set has no word for it.
            let default = key.fallback.to_string().replace("none", "");
            let entry = format!("(\"{}\",\"{default}\",", key.name);
            assert!(words.contains(&entry), "the example API has another default: {entry}");
        }
    }
}

#[test]
fn documents_come_as_lines_that_a_reader_may_stop_reading() {
    let folder = tempfile::tempdir().unwrap();
    let output = plimsoll(folder.path(), &["corpus", "--count", "500", "--first", "7"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 500, "one line each");
    for line in lines.lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        assert!(document["name"].is_string() && document["file_size"].is_u64(), "{line}");
    }
    let seed =
        plimsoll(folder.path(), &["corpus", "--count", "500", "--first", "7", "--seed", "2"], &[]);
    assert_ne!(text(&seed.stdout), lines, "another seed, other documents");
    let mut endless = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["corpus", "--count", "1000000000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever has read enough closes the pipe.
    drop(endless.stdout.take());
    assert_eq!(endless.wait().unwrap().code(), Some(0), "that is a normal end");
}

#[test]
fn a_listing_becomes_the_profile_of_documents() {
    let folder = tempfile::tempdir().unwrap();
    let listing: String = (1..=400)
        .map(|number| match number % 4 {
            0 => format!("{}\t/srv/plans/{number}.dwg\n", 1000 * number),
            _ => format!("{number}\t/srv/notes/{number}.md\n"),
        })
        .collect();
    fs::write(folder.path().join("listing.tsv"), listing + "nonsense\n").unwrap();
    let fitted = plimsoll(folder.path(), &["corpus", "--fit", "listing.tsv"], &[]);
    assert_eq!(fitted.status.code(), Some(0), "{}", text(&fitted.stderr));
    assert!(text(&fitted.stderr).contains("line 401"), "the bad one: {}", text(&fitted.stderr));
    fs::write(folder.path().join("site.json"), &fitted.stdout).unwrap();
    let words = ["corpus", "--count", "2000", "--sample-profile", "PROFILE_DATA=site.json"];
    let sample = plimsoll(folder.path(), &words, &[]);
    let profile: Value = serde_json::from_slice(&sample.stdout).unwrap();
    let plans = profile["extensions"]["dwg"].as_f64().unwrap() / 2000.0;
    assert!((plans - 0.25).abs() < 0.04, "{plans} of the documents are plans");
    assert!(profile["size_p99_bytes"].as_u64().unwrap() > 300_000, "and large: {profile}");
    let nothing = plimsoll(folder.path(), &["corpus", "--fit", "site.json"], &[]);
    assert_refused(&nothing, "size<TAB>path", "a file that is no listing");
}

#[test]
fn completions_know_commands_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = plimsoll(folder.path(), &["completions", shell], &[]);
        let script = text(&script.stdout);
        assert!(script.contains("rehearse") && script.contains("p99-ms"), "{shell}: {script}");
    }
    let wrong = plimsoll(folder.path(), &["completions", "cmd"], &[]);
    assert_refused(&wrong, "bash", "a shell that is not known");
}
