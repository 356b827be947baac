//! `plimsoll config`: every setting, its value and where that comes from.

use std::collections::BTreeMap;

use crate::app::exit::{Exit, Failure};
use crate::app::settings::Settings;
use crate::report::schema::SettingRecord;
use crate::term::say;

/// Runs the command.
///
/// # Errors
/// Never for checked settings.
pub fn run(settings: &Settings) -> Result<Exit, Failure> {
    let text = if settings.json { json(settings)? } else { table(settings) };
    say(&text);
    Ok(Exit::Pass)
}

fn json(settings: &Settings) -> Result<String, Failure> {
    let records: BTreeMap<&str, SettingRecord> = settings
        .resolved
        .iter()
        .map(|setting| (setting.key, SettingRecord::from(setting)))
        .collect();
    let mut text = serde_json::to_string_pretty(&records).map_err(Failure::internal)?;
    text.push('\n');
    Ok(text)
}

fn table(settings: &Settings) -> String {
    let rows = settings.resolved.iter().map(|setting| {
        format!("{:<22} {:<24} {}\n", setting.key, setting.value, setting.origin.name())
    });
    rows.collect()
}
