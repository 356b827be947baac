//! Wires everything: command line, settings, dispatch, exit code.

mod bus_settings;
mod choices;
pub mod cli;
pub mod commands;
pub mod conduct;
pub mod counts;
mod credentials;
#[cfg(feature = "nats")]
mod crew;
pub mod drawing;
mod example_api;
pub mod exit;
mod fault;
pub mod interrupt;
pub mod keys;
pub mod later;
pub mod live_view;
mod opening;
pub mod past;
pub mod profiles;
pub mod run;
pub mod schemas;
pub mod session;
pub mod settings;
pub mod slo;
pub mod sources;
mod step_summary;
pub mod system;
pub mod target;
mod values;
pub mod witness;
#[cfg(feature = "nats")]
mod worker;

use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use anyhow::anyhow;

use cli::Typed;
use cli::finished::Finished;
use commands::corpus::Wanted;
use counts::Counts;
use exit::{Exit, Failure};
use keys::Command;
use past::PastRun;
use settings::{Settings, Talk};
use sources::{FILE_NAME, Given, Texts};

use crate::report::slo::SloRecord;

/// The whole process: reads its arguments, environment and file, runs the command, says what failed.
#[must_use]
pub fn run() -> ExitCode {
    fault::end_on_panic();
    let arguments: Vec<OsString> = env::args_os().collect();
    if let Some(code) = commands::guard::asked(&arguments) {
        return ExitCode::from(code);
    }
    let exit = match cli::parse(arguments) {
        Typed::Command { command, given, json, talk, resume } => {
            run_command(command, given, (json, talk), resume.as_deref())
                .unwrap_or_else(|failure| complain(&failure))
        }
        Typed::Finished(finished) => {
            run_finished(finished).unwrap_or_else(|failure| complain(&failure))
        }
        Typed::Corpus { given, wanted } => {
            run_corpus(given, &wanted).unwrap_or_else(|failure| complain(&failure))
        }
        Typed::Schema(wanted) => {
            commands::schema::run(wanted).unwrap_or_else(|failure| complain(&failure))
        }
        Typed::Answered(text) => {
            crate::term::say(text.trim_end());
            Exit::Pass
        }
        Typed::Wrong(error) => complain(&Failure::usage(error)),
        Typed::Nothing(help) => {
            crate::term::complain(help.trim_end());
            Exit::Usage
        }
    };
    ExitCode::from(exit.code())
}

fn run_corpus(given: Given, wanted: &Wanted) -> Result<Exit, Failure> {
    let settings = resolve(Command::Corpus, given, false)?;
    commands::corpus::run(&settings, wanted)
}

/// Settings from everything that is given.
fn resolve(command: Command, given: Given, json: bool) -> Result<Settings, Failure> {
    let (texts, slo) = gather(command, given)?;
    let settings = Settings::resolve(command, &texts, draw_seed(), json).map_err(Failure::usage)?;
    settings.with_slo(slo).map_err(Failure::usage)
}

/// The texts of the settings, and the sign-off file that they name and that adds to them.
fn gather(command: Command, given: Given) -> Result<(Texts, Option<SloRecord>), Failure> {
    let file = read_file().map_err(Failure::usage)?;
    let given = Given { environment: env::vars_os().collect(), file, ..given };
    let mut texts = Texts::gather(command, &given).map_err(Failure::usage)?;
    let slo = slo::named(&texts).map_err(Failure::usage)?;
    slo::fill_in(slo.as_ref(), &mut texts);
    Ok((texts, slo))
}

fn run_command(
    command: Command,
    given: Given,
    (json, talk): (bool, Talk),
    resume: Option<&Path>,
) -> Result<Exit, Failure> {
    if let Some(folder) = resume {
        // A run of the past brings its own settings; environment and file are about new ones.
        let past = PastRun::read(folder)?;
        let settings = Settings { talk, ..past.settings(&given, json)? };
        let settings = settings.with_baseline().map_err(Failure::usage)?;
        return commands::capacity::run(&settings, Some(past));
    }
    if command == Command::Scale {
        let (texts, slo) = gather(command, given)?;
        let counts = Counts::resolve(&texts, slo.as_ref(), draw_seed(), json);
        let counts = counts.map_err(Failure::usage)?.talking(talk);
        return commands::scale::run(&counts);
    }
    let settings = Settings { talk, ..resolve(command, given, json)? };
    match (command, settings.load) {
        (Command::Capacity, _) => {
            let settings = settings.with_baseline().map_err(Failure::usage)?;
            commands::capacity::run(&settings, None)
        }
        (Command::Rehearse, _) => commands::rehearse::run(&settings),
        (Command::Load, Some(load)) => commands::load::run(&settings, &load),
        (Command::Edge, _) => commands::edge::run(&settings),
        #[cfg(feature = "nats")]
        (Command::Agent, _) => commands::agent::run(&settings),
        #[cfg(not(feature = "nats"))]
        (Command::Agent, _) => Ok(Exit::Usage),
        (Command::Load, None)
        | (Command::Config | Command::Rejudge | Command::Corpus | Command::Scale, _) => {
            Ok(commands::config::run(&settings))
        }
    }
}

fn run_finished(finished: Finished) -> Result<Exit, Failure> {
    match finished {
        Finished::Explain { run_dir } => commands::explain::run(&run_dir),
        Finished::Compare { baseline, run, html, json } => {
            commands::compare::run(&baseline, &run, html.as_deref(), json)
        }
        Finished::Rejudge { run_dir, given, json } => {
            commands::rejudge::run(&run_dir, &given, json)
        }
        Finished::Report { run_dir } => commands::report::run(&run_dir),
        Finished::Open { run_dir } => commands::open::run(&run_dir),
        Finished::Signoff { run_dir, slo, json } => commands::signoff::run(&run_dir, &slo, json),
    }
}

fn complain(failure: &Failure) -> Exit {
    crate::term::complain(&format!("plimsoll: {:#}", failure.error));
    failure.exit
}

fn read_file() -> anyhow::Result<Option<String>> {
    match fs::read_to_string(FILE_NAME) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow!("{FILE_NAME} in the current folder cannot be read: {error}")),
    }
}

/// The standard library keys its hash maps from the system's randomness; that is all that is needed.
///
/// 53 bits, so that every reader of JSON keeps the number whole.
fn draw_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 11
}
