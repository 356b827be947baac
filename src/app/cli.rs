//! The command line as it is typed, made from the table of settings.

use clap::{Arg, ArgAction, ArgMatches, Command as Clap};

use super::keys::{Command, KEYS};

/// What was typed.
#[derive(Debug, Clone)]
pub struct Typed {
    /// The command.
    pub command: Command,
    /// Flags by the name of their setting.
    pub flags: Vec<(String, String)>,
    /// The words behind the command.
    pub words: Vec<String>,
    /// Only JSON on stdout.
    pub json: bool,
}

const COMMANDS: [(Command, &str, &str); 3] = [
    (
        Command::Capacity,
        "capacity",
        "Find the highest indexing rate that is sustained, then measure the dashboard at shares of it",
    ),
    (Command::Load, "load", "Run one open-model trial at a fixed rate"),
    (Command::Config, "config", "Show every setting, its value and where that comes from"),
];

/// The whole command line.
#[must_use]
pub fn definition() -> Clap {
    let commands = COMMANDS.map(|(command, name, about)| {
        let flags = KEYS.iter().filter(|key| key.is_taken_by(command)).map(|key| {
            Arg::new(key.name)
                .long(key.flag())
                .value_name("VALUE")
                .allow_hyphen_values(true)
                .help(format!("{} [{}; default: {}]", key.help, key.name, key.fallback_text()))
        });
        Clap::new(name)
            .about(about)
            .args(flags)
            .arg(
                Arg::new("json")
                    .long("json")
                    .action(ArgAction::SetTrue)
                    .help("Write only JSON to stdout"),
            )
            .arg(
                Arg::new("words")
                    .value_name("KEY=VALUE")
                    .num_args(0..)
                    .help("Settings, as in WORKERS=4 P99_MS=250"),
            )
    });
    Clap::new("plimsoll")
        .version(env!("CARGO_PKG_VERSION"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .after_help(
            "Settings: --p99-ms 250, P99_MS=250, PLIMSOLL_P99_MS=250 in the environment, or \
             p99_ms = 250 in plimsoll.toml; in this order.\n\
             Exit codes: 0 pass, 1 fail, 2 usage, 3 invalid, 4 target, 5 results, 70 internal, \
             130 interrupted.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands)
}

/// Reads the command line.
///
/// # Errors
/// clap's own report: wrong usage, or a request for help or the version.
pub fn read(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Typed, clap::Error> {
    let matches = definition().try_get_matches_from(arguments)?;
    let (name, of_command) = matches.subcommand().ok_or_else(|| {
        clap::Error::raw(clap::error::ErrorKind::MissingSubcommand, "a command is missing\n")
    })?;
    let command = COMMANDS
        .iter()
        .find(|(_, known, _)| *known == name)
        .map_or(Command::Config, |(command, _, _)| *command);
    Ok(Typed {
        command,
        flags: flags(command, of_command),
        words: of_command
            .get_many::<String>("words")
            .map(|words| words.cloned().collect())
            .unwrap_or_default(),
        json: of_command.get_flag("json"),
    })
}

fn flags(command: Command, matches: &ArgMatches) -> Vec<(String, String)> {
    KEYS.iter()
        .filter(|key| key.is_taken_by(command))
        .filter_map(|key| {
            let value = matches.get_one::<String>(key.name)?;
            Some((key.name.to_owned(), value.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        definition().debug_assert();
    }

    #[test]
    fn flags_and_words_are_told_apart() {
        let words = ["plimsoll", "capacity", "WORKERS=4", "--p99-ms", "250", "--json"];
        let typed = read(words.map(Into::into)).unwrap();
        assert_eq!(typed.words, ["WORKERS=4"], "a word");
        assert_eq!(typed.flags, [("P99_MS".to_owned(), "250".to_owned())], "a flag");
        assert!(typed.json && typed.command == Command::Capacity, "and a switch");
    }
}
