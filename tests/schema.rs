//! The published schemas: current, true of what the tool writes, and readable for files of earlier versions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code fails loudly"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll::app::schemas::Published;
use plimsoll::files::result_file;
use plimsoll::report::schema::{Outcome, SCHEMA_VERSION};
use serde_json::Value;
use support::tool::run;

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

#[test]
fn no_secret_and_no_host_name_stands_in_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let mut command =
        support::tool::plimsoll(folder.path(), &["rehearse", "--json", "PRESET=quick", "SEED=7"]);
    let secrets = ["swordfish-basic", "swordfish-bearer", "swordfish-key"];
    command.env("PLIMSOLL_BASIC_AUTH", format!("user:{}", secrets[0]));
    command.env("PLIMSOLL_BEARER_TOKEN", secrets[1]).env("PLIMSOLL_API_KEY", secrets[2]);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(text.contains("host_hash"), "the machine is told apart by a hash");
    assert!(!text.contains(&format!("\"{}\"", name.trim())), "and not by its name");
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is to be seen");
    }
}
