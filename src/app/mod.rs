//! Wires everything: what was typed becomes settings, settings become a run, a run becomes an exit code.

pub mod cli;
pub mod commands;
pub mod conduct;
pub mod exit;
pub mod interrupt;
pub mod keys;
pub mod session;
pub mod settings;
pub mod sources;
mod values;
pub mod witness;

use std::path::Path;

use exit::{Exit, Failure};
use keys::Command;
use settings::Settings;
use sources::Sources;

/// Runs the program with the arguments that it was started with.
///
/// # Errors
/// Everything that ends it without a result.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Exit, Failure> {
    let typed = match cli::read(arguments) {
        Ok(typed) => typed,
        Err(report) => return show(&report),
    };
    let sources = Sources::gather(typed.flags, typed.words, Path::new("."))?;
    let settings = Settings::new(typed.command, &sources, typed.json)?;
    match (typed.command, &settings.load) {
        (Command::Capacity, _) => commands::capacity::run(&settings),
        (Command::Load, Some(load)) => commands::load::run(&settings, load),
        (Command::Load, None) | (Command::Config, _) => commands::config::run(&settings),
    }
}

/// Help and version go to stdout and are no error; wrong usage is one line.
fn show(report: &clap::Error) -> Result<Exit, Failure> {
    use clap::error::ErrorKind;
    match report.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            crate::term::say(&report.to_string());
            Ok(Exit::Pass)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            crate::term::complain(report.to_string().trim_end());
            Ok(Exit::Usage)
        }
        _ => {
            let text = report.to_string();
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let kept: Vec<&str> = lines
                .filter(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
                .collect();
            Err(Failure::usage(kept.join("; ").trim_start_matches("error: ")))
        }
    }
}
