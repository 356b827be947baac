//! The published schemas: current, true of what the tool writes, and readable for files of earlier versions.
#![allow(clippy::disallowed_methods, reason = "waiting is held against the clock of the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::tool::{journal, plimsoll, run, stderr};
use crate::support::web::serve;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plimsoll::app::schemas::Published;
use plimsoll::files::result_file;
use plimsoll::report::schema::{Outcome, SCHEMA_VERSION};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn committed(published: Published) -> PathBuf {
    root().join(format!("docs/schema/{}.schema.json", published.name()))
}

fn schema(published: Published) -> Value {
    published.schema().to_value()
}

/// Where a value breaks a schema; empty where it does not.
fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let faults = validator.iter_errors(value).take(5);
    faults.map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

fn rehearsed(words: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let arguments: Vec<&str> = ["rehearse", "--json", "PRESET=quick", "SEED=7"]
        .into_iter()
        .chain(words.iter().copied())
        .collect();
    let output = run(folder.path(), &arguments);
    serde_json::from_slice(&output.stdout).expect("a result on stdout")
}

/// With `UPDATE_SCHEMA=1` the committed files are written anew.
#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for published in Published::ALL {
        let text = serde_json::to_string_pretty(&published.schema()).unwrap() + "\n";
        let path = committed(published);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == text,
            "{} is not current: UPDATE_SCHEMA=1 cargo test --test schema writes it anew",
            path.display()
        );
    }
}

#[test]
fn the_tool_publishes_them_by_name_and_all_together() {
    let folder = tempfile::tempdir().unwrap();
    let all: Value = serde_json::from_slice(&run(folder.path(), &["schema"]).stdout).expect("JSON");
    for published in Published::ALL {
        let one = run(folder.path(), &["schema", published.name()]);
        let one: Value = serde_json::from_slice(&one.stdout).expect("JSON");
        assert_eq!(one, schema(published), "{}", published.name());
        assert_eq!(all.get(published.name()), Some(&one), "{}", published.name());
    }
    let wrong = run(folder.path(), &["schema", "resutl"]);
    assert_eq!(wrong.status.code(), Some(2), "no such schema");
}

#[test]
fn a_result_is_as_its_schema_says_and_a_spoilt_one_is_not() {
    let schema = schema(Published::Result);
    let mut result = rehearsed(&[]);
    assert_eq!(faults(&schema, &result), [""; 0], "a whole result");
    let spoil = |result: &mut Value, pointer: &str, value: Value| {
        let place = result.pointer_mut(pointer).expect("a key of the result");
        std::mem::replace(place, value)
    };
    for pointer in ["/capacity/rps", "/trials/0/streams/0/counts/accepted", "/outcome"] {
        let whole = spoil(&mut result, pointer, "a word".into());
        assert!(!faults(&schema, &result).is_empty(), "{pointer} must not be a word");
        spoil(&mut result, pointer, whole);
    }
    result.as_object_mut().unwrap().remove("levels");
    assert!(!faults(&schema, &result).is_empty(), "a key that is always there is missing");
}

#[test]
fn a_settings_file_is_as_its_schema_says_and_a_misspelt_key_is_not() {
    let schema = schema(Published::Settings);
    let faults = |text: &str| {
        let file: toml::Table = text.parse().unwrap();
        faults(&schema, &serde_json::to_value(file).unwrap())
    };
    let good = "workers = 2\np99_ms = \"250\"\nlevels = [0, 50]\n[http.index]\nmethod = \"PUT\"\n\
                path = \"/a\"\n[http.dashboard]\nmethod = \"GET\"\npath = \"/b\"\n";
    assert_eq!(faults(good), [""; 0], "settings and a section");
    assert!(!faults("wokers = 2").is_empty(), "no such key");
    assert!(!faults("[http.index]\nmethod = \"PUT\"").is_empty(), "half a section");
}

#[test]
fn results_of_earlier_versions_still_load() {
    let golden = root().join("tests/golden");
    let read = |name: &str| result_file::read(&golden.join(name)).unwrap();
    let whole = read("result-1.0.0.json");
    assert_eq!((whole.levels.len(), whole.outcome), (4, Outcome::Pass), "a whole run");
    assert_eq!(whole.capacity.confirmed_by, ["t21"], "with its soak");
    let broken_off = read("result-1.0.0-interrupted.json");
    assert!(broken_off.run.stamp.interrupted && broken_off.corpus.is_none(), "and an early one");
    for run in [&whole, &broken_off] {
        assert_ne!(run.schema_version, SCHEMA_VERSION, "they are of earlier versions");
    }
}

/// In everything that a run leaves behind, its journal and its state included, and in all that it says.
#[test]
fn no_secret_and_no_host_name_stands_in_a_result() {
    let folder = tempfile::tempdir().unwrap();
    // What the header holds after its scheme, too.
    let encoded = STANDARD.encode("user:swordfish-basic");
    let secrets = ["swordfish-basic", "swordfish-bearer", "swordfish-key", encoded.as_str()];
    let kinds = [
        ("PLIMSOLL_BASIC_AUTH", "user:swordfish-basic", encoded.as_str()),
        ("PLIMSOLL_BEARER_TOKEN", secrets[1], secrets[1]),
        ("PLIMSOLL_API_KEY", secrets[2], secrets[2]),
    ];
    let parent = folder.path();
    std::thread::scope(|scope| {
        for (name, value, sent) in kinds {
            scope.spawn(move || assert_kept(&parent.join(name), (name, value), sent, &secrets));
        }
    });
}

/// Nothing of `secrets` is to be seen anywhere of a run whose requests all hold `sent`.
fn assert_kept(folder: &Path, given: (&str, &str), sent: &str, secrets: &[&str]) {
    fs::create_dir(folder).unwrap();
    let (said, heads) = measured(folder, given);
    assert!(!heads.is_empty() && heads.iter().all(|head| head.contains(sent)), "{heads:?}");
    let mut texts = texts(folder);
    assert!(texts.len() >= 5, "all files of the run and its state: {}", texts.len());
    texts.push(("what it said".to_owned(), said));
    for (place, text) in texts {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is to be seen in {place}");
        }
    }
    let result = fs::read_to_string(folder.join("results/latest/result.json")).unwrap();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(result.contains("host_hash"), "the machine is told apart by a hash");
    assert!(!result.contains(&format!("\"{}\"", host.trim())), "and not by its name");
}

/// A run with credentials that is stopped after its first trials: what it said, and the heads of what it sent.
fn measured(folder: &Path, (name, value): (&str, &str)) -> (String, Vec<String>) {
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&heads);
    let address = serve(move |request| {
        let mut heads = seen.lock().unwrap();
        if heads.len() < 20 {
            heads.push(request.head.clone());
        }
        let answer = if request.method == "GET" { "{\"documents\":1}" } else { "\"OK\"" };
        (200, answer.to_owned())
    });
    let target = format!("TARGET=http://{address}");
    let words = ["capacity", "PRESET=quick", "CEILING_RPS=300", &target];
    let child = plimsoll(folder, &words).env(name, value).spawn().unwrap();
    let begun = Instant::now();
    while journal(folder).len() < 3 && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(50));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let said = [output.stdout, output.stderr].concat();
    let heads = heads.lock().unwrap().clone();
    (String::from_utf8_lossy(&said).into_owned(), heads)
}

/// Every file below `folder`, by its path.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (kind, path) = (entry.file_type().unwrap(), entry.path());
        if kind.is_dir() {
            found.extend(texts(&path));
        } else if kind.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
    found
}
