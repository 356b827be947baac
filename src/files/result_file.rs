//! `result.json`, read back.

use std::path::Path;

use serde::de::Error;
use serde_json::Value;

use super::reading::{ReadError, bytes, check_version};
use crate::report::artifacts::RESULT_FILE;
use crate::report::schema::RunRecord;

/// The greatest whole number that all readers of JSON agree on.
const COUNT_MOST: u64 = 1 << 53;

/// Reads the result in the folder of a run, or the result itself where its file is named.
///
/// # Errors
/// When it is not there, cannot be read, is not of this tool, or of another major version of it.
pub fn read(place: &Path) -> Result<RunRecord, ReadError> {
    let path = if place.is_file() { place.to_owned() } else { place.join(RESULT_FILE) };
    let bytes = bytes(&path)?;
    let damaged = |source| ReadError::Damaged { path: path.clone(), source };
    let value: Value = serde_json::from_slice(&bytes).map_err(damaged)?;
    // The version first: a file of another major version would only be told to be damaged.
    if let Some(version) = value.get("schema_version").and_then(Value::as_str) {
        check_version(&path, version)?;
    }
    if let Some(name) = beyond(&value, "") {
        let odd = format!("`{name}` is a number that no run counts up to");
        return Err(damaged(serde_json::Error::custom(odd)));
    }
    serde_json::from_slice(&bytes).map_err(damaged)
}

/// The name of a count that is greater than any of a run; sums of such would run over.
fn beyond<'a>(value: &'a Value, name: &'a str) -> Option<&'a str> {
    match value {
        // Any number is a seed.
        Value::Number(number) if name != "seed" => {
            number.as_u64().filter(|count| *count > COUNT_MOST).map(|_| name)
        }
        Value::Array(items) => items.iter().find_map(|item| beyond(item, name)),
        Value::Object(fields) => fields.iter().find_map(|(name, field)| beyond(field, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn told(text: Option<&str>) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(text) = text {
            fs::write(folder.path().join(RESULT_FILE), text).expect("a file");
        }
        let error = read(folder.path()).expect_err("no result");
        error.to_string().replace(&folder.path().display().to_string(), "RUN")
    }

    #[test]
    fn a_result_that_cannot_be_used_is_told_in_one_line_with_its_file() {
        assert!(told(None).contains("RUN/result.json is not there"), "{}", told(None));
        assert!(told(Some("{")).contains("damaged or not a result"), "{}", told(Some("{")));
        let vast =
            r#"{"run": {"seed": 18446744073709551615}, "trials": [{"lost": 9007199254740993}]}"#;
        assert!(told(Some(vast)).contains("`lost` is a number"), "{}", told(Some(vast)));
        let newer = r#"{"schema_version": "9.1.0"}"#;
        assert!(told(Some(newer)).contains("version 9.1.0"), "{}", told(Some(newer)));
    }
}
