//! Runs in virtual time to make pages of, and the same runs told by somebody hostile.
#![allow(
    dead_code,
    clippy::indexing_slicing,
    reason = "every test crate uses its own part, and fails loudly"
)]

use std::path::Path;

use plimsoll::report::schema::RunRecord;
use serde_json::Value;

use super::tool;

/// What every text of a hostile run ends with.
pub(crate) const POISON: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)></script><!--";

/// The result of a rehearsal: a whole run, with everything but documents.
pub(crate) fn rehearsed(folder: &Path, settings: &[&str]) -> Value {
    let fixed = ["rehearse", "--json", "WORKERS=4", "SERVICE_MS=10", "SEED=11"];
    let output = tool::run(folder, &[&fixed[..], settings].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", tool::stderr(&output)))
}

pub(crate) fn record(value: &Value) -> RunRecord {
    serde_json::from_value(value.clone()).expect("a result")
}

/// Every text that somebody else may have written is poisoned; what the tool itself decides on stays.
pub(crate) fn poisoned(mut value: Value) -> Value {
    poison(&mut value, "");
    let server = serde_json::json!({ POISON: 1.5, format!("documents{POISON}"): 2.0 });
    for trial in value["trials"].as_array_mut().expect("trials") {
        trial["server"] = server.clone();
        for stream in trial["streams"].as_array_mut().expect("streams") {
            stream["statuses"][POISON] = 3.into();
            stream["broken"][POISON] = 4.into();
        }
    }
    value["settings"][POISON] = serde_json::json!({ "value": POISON, "origin": POISON });
    value["verification"]["examples"] = serde_json::json!([POISON]);
    value["verification"]["not_verified"] = POISON.into();
    value["target"]["server"] = POISON.into();
    value["target"]["command"] = POISON.into();
    value["levels_missing"] = POISON.into();
    value["capacity"]["reasons"] = serde_json::json!([POISON]);
    value["capacity"]["flags"] = serde_json::json!([POISON]);
    value
}

fn poison(value: &mut Value, key: &str) {
    const OWN: [&str; 9] = [
        "outcome",
        "evidence",
        "hdr",
        "workload",
        "verdict",
        "interval",
        "finding",
        "purpose",
        "schema_version",
    ];
    match value {
        _ if OWN.contains(&key) => {}
        Value::String(text) => text.push_str(POISON),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, "")),
        Value::Object(fields) => {
            for (name, field) in fields {
                poison(field, name);
            }
        }
        _ => {}
    }
}
