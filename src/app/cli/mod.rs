//! The command line, made from the table of settings.
//!
//! Every command knows every flag, but shows only its own: so a flag of another command is refused in
//! the same words as a `KEY=VALUE` word of another command.

mod corpus;
pub mod finished;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches};
use clap_complete::Shell;

use finished::Finished;

use super::commands::corpus::Wanted;
use super::keys::{self, Command, KEYS};
use super::schemas::Published;
use super::settings::Talk;
use super::sources::{FILE_NAME, Given, shorten};

const WORDS: &str = "KEY=VALUE";
const JSON: &str = "json";
const QUIET: &str = "quiet";
const RESUME: &str = "resume";
const SCHEMA: &str = "schema";
const COMPLETIONS: &str = "completions";
const SHELL: &str = "SHELL";

/// What the user typed.
#[derive(Debug)]
pub enum Typed {
    /// A command; `given` has its flags and words.
    Command {
        /// Which one.
        command: Command,
        /// Flags and words, not checked yet.
        given: Given,
        /// Whether `--json` was among them.
        json: bool,
        /// Whether `--quiet` was among them.
        talk: Talk,
        /// The folder of a broken run to go on with.
        resume: Option<PathBuf>,
    },
    /// A command about runs that are there already.
    Finished(Finished),
    /// `corpus`, with what is wanted of it.
    Corpus {
        /// Flags and words, not checked yet.
        given: Given,
        /// What is wanted.
        wanted: Wanted,
    },
    /// `schema`: one of the schemas, or all of them.
    Schema(Option<Published>),
    /// A question for `--help`, `--version` or `completions`, with its answer.
    Answered(String),
    /// No command at all; the help to be shown.
    Nothing(String),
    /// Something that is no command line.
    Wrong(anyhow::Error),
}

/// Takes the command line apart.
#[must_use]
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Typed {
    let matches = match grammar().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return answer(&error),
    };
    let commands = [
        Command::Capacity,
        Command::Scale,
        Command::Rehearse,
        Command::Load,
        Command::Config,
        Command::Corpus,
        Command::Edge,
        Command::Agent,
    ];
    let found = matches.subcommand().and_then(|(name, matches)| {
        commands.into_iter().find(|command| command.name() == name).zip(Some(matches))
    });
    match found {
        Some((Command::Corpus, matches)) => corpus::typed(matches),
        Some((command, matches)) => Typed::Command {
            command,
            given: given(matches),
            json: matches.get_flag(JSON),
            talk: if matches.get_flag(QUIET) { Talk::Quiet } else { Talk::Usual },
            resume: matches.try_get_one::<PathBuf>(RESUME).ok().flatten().cloned(),
        },
        None => without_settings(&matches),
    }
}

/// The commands that take no settings.
fn without_settings(matches: &ArgMatches) -> Typed {
    let nothing = || Typed::Nothing(grammar().render_help().to_string());
    match matches.subcommand() {
        Some((SCHEMA, matches)) => {
            let wanted = matches.get_one::<String>(SCHEMA);
            let published = Published::ALL.into_iter();
            Typed::Schema(wanted.and_then(|name| published.clone().find(|one| one.name() == name)))
        }
        Some((COMPLETIONS, matches)) => {
            matches.get_one::<Shell>(COMPLETIONS).map_or_else(nothing, |shell| {
                let mut script = Vec::new();
                clap_complete::generate(*shell, &mut grammar(), "plimsoll", &mut script);
                Typed::Answered(String::from_utf8_lossy(&script).into_owned())
            })
        }
        Some((name, matches)) => {
            finished::typed(name, matches).map_or_else(nothing, Typed::Finished)
        }
        None => nothing(),
    }
}

fn given(matches: &ArgMatches) -> Given {
    let flags = KEYS.iter().filter_map(|key| {
        let value = matches.try_get_one::<String>(key.name).ok().flatten()?;
        Some((key.name, value.clone()))
    });
    let words = matches.try_get_many::<String>(WORDS).ok().flatten().unwrap_or_default().cloned();
    Given { flags: flags.collect(), words: words.collect(), ..Given::default() }
}

fn grammar() -> clap::Command {
    clap::Command::new("plimsoll")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Finds the highest rate that an HTTP service sustains, and what its users feel then")
        .disable_help_subcommand(true)
        .subcommand(
            subcommand(
                Command::Capacity,
                "Find the capacity, measure the dashboard at several loads, write the results",
            )
            .arg(
                Arg::new(RESUME)
                    .long("resume")
                    .value_name(finished::RUN_DIR)
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("go on with what the journal of a broken run holds"),
            ),
        )
        .subcommand(subcommand(
            Command::Scale,
            "The capacity of several numbers of workers, the law of its growth, and workers needed for the goal",
        ))
        .subcommand(subcommand(
            Command::Rehearse,
            "The same campaign in virtual time: what would it take and find? Needs no server",
        ))
        .subcommand(subcommand(Command::Load, "Offer one fixed rate and show what becomes of it"))
        .subcommand(subcommand(
            Command::Config,
            "Print every setting and where its value came from",
        ))
        .subcommands(finished::commands())
        .subcommand(corpus::command())
        .subcommand(subcommand(
            Command::Edge,
            "Send edge documents and odd requests, and show what the target makes of each",
        ))
        .subcommand(subcommand(
            Command::Agent,
            "Send from this machine for a run whose coordinator (`capacity AGENTS=N`) is elsewhere",
        ))
        .subcommand(
            clap::Command::new(SCHEMA)
                .about("Print the JSON Schema of result.json, scale.json or plimsoll.toml; without a name, all")
                .arg(Arg::new(SCHEMA).value_name("NAME").value_parser(Published::ALL.map(Published::name))),
        )
        .subcommand(
            clap::Command::new(COMPLETIONS)
                .about("Print a script that completes commands and flags in a shell")
                .arg(
                    Arg::new(COMPLETIONS)
                        .value_name(SHELL)
                        .required(true)
                        .value_parser(clap::value_parser!(Shell)),
                ),
        )
}

fn subcommand(command: Command, about: &'static str) -> clap::Command {
    let words = Arg::new(WORDS)
        .num_args(0..)
        .action(ArgAction::Append)
        .help("settings as words, such as WORKERS=4 P99_MS=250");
    let json = Arg::new(JSON).long(JSON).action(ArgAction::SetTrue).help("JSON on stdout");
    let quiet = Arg::new(QUIET)
        .long(QUIET)
        .action(ArgAction::SetTrue)
        .hide(!command.measures())
        .help("no progress and no notes on stderr; cautions and errors stay");
    // `corpus --seed` is the seed of its documents.
    let keys = KEYS.iter().filter(|key| command != Command::Corpus || key.name != "SEED");
    let flags = keys.map(|key| {
        Arg::new(key.name)
            .long(key.flag())
            .value_name(key.name)
            .help(format!("{} [default: {}]", key.help, key.fallback_of(command)))
            .hide(!key.is_taken_by(command))
            .allow_negative_numbers(true)
            .help_heading("Settings")
    });
    clap::Command::new(command.name()).about(about).args([words, json, quiet]).args(flags).after_help(
        format!(
            "A setting has the same name in four forms, the first given counts: --p99-ms 250, \
             P99_MS=250,\nPLIMSOLL_P99_MS=250 in the environment, p99_ms = 250 in {FILE_NAME} of the \
             current folder."
        ),
    )
}

/// clap's long complaints in at most two lines.
fn answer(error: &clap::Error) -> Typed {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return Typed::Answered(text),
        ErrorKind::UnknownArgument => {
            if let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) {
                return Typed::Wrong(unknown_flag(flag));
            }
        }
        ErrorKind::MissingRequiredArgument => {
            return Typed::Wrong(missing(error));
        }
        _ => {}
    }
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| {
            ["error:", "tip:", "[possible values"].iter().any(|start| line.starts_with(start))
        })
        .map(|line| line.trim_start_matches("error: "))
        .collect();
    Typed::Wrong(anyhow!("{}; see `plimsoll --help`", lines.join("; ")))
}

/// What is missing, and an example of it.
fn missing(error: &clap::Error) -> anyhow::Error {
    if wants(error, finished::RUN) {
        anyhow!(
            "give two runs: what is held against, and the run, such as results/before results/latest"
        )
    } else if wants(error, finished::RUN_DIR) {
        anyhow!("give the folder of a run, such as results/latest")
    } else if wants(error, SHELL) {
        anyhow!("give a shell, such as bash")
    } else {
        anyhow!("give the sign-off file, as in --slo slo.toml")
    }
}

/// Whether the argument called `name` is among those that are missing.
fn wants(error: &clap::Error, name: &str) -> bool {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.as_slice(),
        _ => &[],
    };
    missing.iter().any(|argument| argument.trim_matches(['<', '>']) == name)
}

fn unknown_flag(flag: &str) -> anyhow::Error {
    let shown = shorten(flag);
    match keys::nearest(flag) {
        Some(key) => anyhow!("unknown flag `{shown}`; did you mean `--{}`?", key.flag()),
        None => anyhow!("unknown flag `{shown}`; `plimsoll capacity --help` lists them"),
    }
}
