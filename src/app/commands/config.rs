//! `plimsoll config`: every setting with its value and where the value came from.

use serde_json::{Map, Value, json};

use crate::app::exit::Exit;
use crate::app::settings::Settings;
use crate::term;

/// Prints the settings.
#[must_use]
pub fn run(settings: &Settings) -> Exit {
    term::say(&if settings.json { as_json(settings) } else { as_lines(settings) });
    Exit::Pass
}

fn as_lines(settings: &Settings) -> String {
    let resolved = &settings.resolved;
    let key_width = resolved.iter().map(|item| item.key.len()).max().unwrap_or(0);
    let value_width = resolved.iter().map(|item| item.value.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = resolved
        .iter()
        .map(|item| {
            let origin = item.origin.name();
            format!("{:key_width$}  {:value_width$}  {origin}", item.key, item.value)
        })
        .collect();
    lines.join("\n")
}

fn as_json(settings: &Settings) -> String {
    let items = settings.resolved.iter().map(|item| {
        let value = json!({ "value": item.value, "origin": item.origin.name() });
        (item.key.to_owned(), value)
    });
    let object: Map<String, Value> = items.collect();
    format!("{:#}", Value::Object(object))
}
