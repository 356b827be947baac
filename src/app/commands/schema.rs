//! `plimsoll schema`: the JSON Schemas of what the tool writes and reads.

use crate::app::exit::{Exit, Failure};
use crate::app::schemas::Published;
use crate::term::say;

/// Prints one schema, or all of them as an object by name.
///
/// # Errors
/// Never in practice: a schema is JSON.
pub fn run(wanted: Option<Published>) -> Result<Exit, Failure> {
    let text = if let Some(published) = wanted {
        serde_json::to_string_pretty(&published.schema())
    } else {
        let all = Published::ALL.map(|published| (published.name(), published.schema()));
        serde_json::to_string_pretty(&std::collections::BTreeMap::from(all))
    };
    say(&text.map_err(Failure::internal)?);
    Ok(Exit::Pass)
}
