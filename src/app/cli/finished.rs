//! The command lines of what is done with runs that are there already.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches};

use super::{JSON, WORDS, given, subcommand};
use crate::app::keys::Command;
use crate::app::sources::Given;

/// The first folder of a run.
pub(super) const RUN_DIR: &str = "RUN_DIR";

const EXPLAIN: &str = "explain";
const COMPARE: &str = "compare";
const HTML: &str = "html";
/// What another run is held against.
const BASELINE: &str = "BASELINE";
/// The run that is held against it.
pub(super) const RUN: &str = "RUN";
const REPORT: &str = "report";
const OPEN: &str = "open";
const SIGNOFF: &str = "signoff";
const SLO: &str = "slo";

/// A command about runs that are there already; it measures nothing.
#[derive(Debug)]
pub enum Finished {
    /// Retell the search.
    Explain {
        /// The folder of the run.
        run_dir: PathBuf,
    },
    /// Is this run worse than that one?
    Compare {
        /// Folder or result of what is held against.
        baseline: PathBuf,
        /// Folder or result of the run.
        run: PathBuf,
        /// Where the page goes, if one is wanted.
        html: Option<PathBuf>,
        /// Whether stdout carries JSON.
        json: bool,
    },
    /// Other criteria over the trials.
    Rejudge {
        /// The folder of the run.
        run_dir: PathBuf,
        /// The other criteria, not checked yet.
        given: Given,
        /// Whether stdout carries JSON.
        json: bool,
    },
    /// Everything that is made of the result, made again.
    Report {
        /// The folder of the run.
        run_dir: PathBuf,
    },
    /// Show the page.
    Open {
        /// The folder of the run.
        run_dir: PathBuf,
    },
    /// Judge the result once more.
    Signoff {
        /// The folder of the run, or its result.
        run_dir: PathBuf,
        /// The sign-off file.
        slo: PathBuf,
        /// Whether stdout carries JSON.
        json: bool,
    },
}

/// The grammar of all of them.
pub(super) fn commands() -> Vec<clap::Command> {
    vec![
        subcommand(Command::Rejudge, "Other criteria over the trials of a finished run")
            .mut_arg(WORDS, |words| words.index(2))
            .arg(run_dir()),
        clap::Command::new(EXPLAIN)
            .about("The search of a finished run retold in words, trial by trial")
            .arg(run_dir()),
        clap::Command::new(COMPARE)
            .about("Is this run worse than that one? With intervals; exit code 1 on a regression")
            .arg(place(BASELINE, 1, "folder or result.json of what the run is held against"))
            .arg(place(RUN, 2, "folder or result.json of the run"))
            .arg(Arg::new(JSON).long(JSON).action(ArgAction::SetTrue).help("JSON on stdout"))
            .arg(
                Arg::new(HTML)
                    .long(HTML)
                    .value_name("FILE")
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("also write a page with the curves of both runs"),
            ),
        clap::Command::new(REPORT)
            .about("Write report.html, summary.md and junit.xml of a run again from its result")
            .arg(run_dir()),
        clap::Command::new(OPEN)
            .about("Print the path of a run's page, and open it where there is a desktop")
            .arg(run_dir()),
        clap::Command::new(SIGNOFF)
            .about("Judge a finished run by a sign-off file, without measuring")
            .arg(run_dir())
            .arg(
                Arg::new(SLO)
                    .long(SLO)
                    .value_name("FILE")
                    .required(true)
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("sign-off file, such as slo.toml"),
            )
            .arg(Arg::new(JSON).long(JSON).action(ArgAction::SetTrue).help("JSON on stdout")),
    ]
}

/// What was typed; `None` when `name` is none of them.
pub(super) fn typed(name: &str, matches: &ArgMatches) -> Option<Finished> {
    // clap has seen to it that the folder is there.
    let run_dir = || matches.get_one::<PathBuf>(RUN_DIR).cloned();
    let place = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    match name {
        COMPARE => Some(Finished::Compare {
            baseline: place(BASELINE)?,
            run: place(RUN)?,
            html: place(HTML),
            json: matches.get_flag(JSON),
        }),
        EXPLAIN => Some(Finished::Explain { run_dir: run_dir()? }),
        REPORT => Some(Finished::Report { run_dir: run_dir()? }),
        OPEN => Some(Finished::Open { run_dir: run_dir()? }),
        name if name == Command::Rejudge.name() => Some(Finished::Rejudge {
            run_dir: run_dir()?,
            given: given(matches),
            json: matches.get_flag(JSON),
        }),
        SIGNOFF => Some(Finished::Signoff {
            run_dir: run_dir()?,
            slo: matches.get_one::<PathBuf>(SLO).cloned()?,
            json: matches.get_flag(JSON),
        }),
        _ => None,
    }
}

fn run_dir() -> Arg {
    place(RUN_DIR, 1, "folder of a run, such as results/latest")
}

fn place(name: &'static str, index: usize, help: &'static str) -> Arg {
    Arg::new(name).index(index).required(true).value_parser(clap::value_parser!(PathBuf)).help(help)
}
