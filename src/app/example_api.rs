//! The settings that are handed to the embedded example API.
//!
//! It checks them again itself; here they are checked so that a bad one is refused by name before
//! anything is started.

use anyhow::{Result, bail};

use super::keys::{Command, KEYS, Takers};
use super::target::Target;
use super::values::Values;

/// The environment variables of the embedded example API: the number of workers, and what was given.
///
/// Defaults are not handed over, so that the server's own stay the only ones.
pub(super) fn variables(
    values: &Values<'_>,
    target: &Target,
    workers: u32,
    command: Command,
) -> Result<Vec<(String, String)>> {
    check(values, target, command)?;
    let mut variables = vec![("WORKERS".to_owned(), workers.to_string())];
    for key in KEYS.iter().filter(|key| key.takers == Takers::ExampleApi) {
        let Some((text, _)) = values.text(key.name).filter(|_| values.is_given(key.name)) else {
            continue;
        };
        let (other, cause) = match target {
            // For the server that is no value but the lack of one.
            Target::Embedded if text == "none" => continue,
            Target::Embedded => {
                variables.push((key.name.to_owned(), text.to_owned()));
                continue;
            }
            Target::Url(url) => (url.text.as_str(), "TARGET"),
            Target::Docker { image } => (image.as_str(), "TARGET"),
            Target::Command(_) => ("what LAUNCH starts", "LAUNCH"),
        };
        bail!(
            "{} is a setting of the embedded example API and cannot change {other}; leave it out, or \
             leave {cause} out",
            key.name
        );
    }
    Ok(variables)
}

/// What only workers that sleep have.
const OF_THE_MODEL: [&str; 4] = ["SERVICE_MS", "SERVICE_LAW", "STALL_MS", "STALL_EVERY_MS"];
/// What only an engine that keeps documents has.
const OF_TANTIVY: [&str; 4] = ["ACK_MS", "REFRESH_MS", "DURABILITY", "DATA"];

/// The engine that nobody named, where something else asks for one: a setting of the model asks for the model, and only
/// the model can be rehearsed.
pub(super) fn implied_engine(values: &Values<'_>, command: Command) -> Option<&'static str> {
    let is_asked_for =
        command == Command::Rehearse || OF_THE_MODEL.iter().any(|key| values.is_given(key));
    (!values.is_given("ENGINE") && is_asked_for).then_some("model")
}

fn check(values: &Values<'_>, target: &Target, command: Command) -> Result<()> {
    let engines = ["tantivy", "model", "compat"];
    let named = values.one_of("ENGINE", &engines.map(|engine| (engine, engine)))?;
    let engine = implied_engine(values, command).unwrap_or(named);
    let is_compat = engine == "compat";
    let (foreign, cure) = match engine {
        "tantivy" => (&OF_THE_MODEL, "ENGINE=model"),
        _ => (&OF_TANTIVY, "ENGINE=tantivy"),
    };
    let foreign = foreign.iter().find(|key| values.is_given(key));
    if let (Some(key), Target::Embedded) = (foreign, target) {
        bail!("{key} has no meaning with ENGINE={engine}; leave it out, or use {cure}");
    }
    values.one_of("FRONT", &[("pool", ()), ("prefork", ())])?;
    // The least is one nanosecond, as in the example API.
    let wanted = "a number of milliseconds over 0, up to 60000";
    values.number("SERVICE_MS", wanted, 0.000_001, 60_000.0)?;
    let is_spread =
        values.one_of("SERVICE_LAW", &[("const", false), ("exp", true), ("lognormal", true)])?;
    values.number("ACK_MS", "a number of milliseconds from 0 to 60000", 0.0, 60_000.0)?;
    values.whole("REFRESH_MS", 10, 60_000)?;
    values.one_of("DURABILITY", &[("request", ()), ("async", ())])?;
    values.whole("QUERY_WORKERS", 0, 1024)?;
    values.whole("QUEUE", 0, 1_000_000)?;
    values.whole("BACKLOG", 1, 65_535)?;
    values.whole("MAX_REQUESTS", 0, 1_000_000_000)?;
    values.whole("RESTART_MS", 0, 60_000)?;
    let stall_ms = values.whole("STALL_MS", 0, 3_600_000)?;
    let every_ms = values.whole("STALL_EVERY_MS", 0, 3_600_000)?;
    if stall_ms > 0 && every_ms <= stall_ms {
        bail!("STALL_EVERY_MS must be more than STALL_MS={stall_ms}, not {every_ms}");
    }
    if is_compat && is_spread {
        bail!("SERVICE_LAW must be const with ENGINE=compat, which burns the same CPU each time");
    }
    if is_compat && stall_ms > 0 {
        bail!("STALL_MS must be 0 with ENGINE=compat; use ENGINE=model for standstills");
    }
    Ok(())
}
