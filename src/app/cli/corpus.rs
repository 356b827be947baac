//! The command line of `corpus`.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches};

use super::{JSON, Typed, given, subcommand};
use crate::app::commands::corpus::Wanted;
use crate::app::keys::Command;

/// `corpus` has flags of its own, and its seed is that of the documents.
pub(super) fn typed(matches: &ArgMatches) -> Typed {
    let mut given = given(matches);
    let seed = matches.get_one::<u64>(CORPUS_SEED_FLAG);
    given.flags.extend(seed.map(|seed| ("CORPUS_SEED", seed.to_string())));
    let first = matches.get_one::<u64>(FIRST).copied().unwrap_or(0);
    let count = matches.get_one::<u64>(COUNT).copied();
    let listing = matches.get_one::<PathBuf>(FIT).cloned();
    let wanted = match (listing, count) {
        (Some(listing), _) => Wanted::Fit { listing },
        (None, Some(count)) if matches.get_flag(PROFILE) => Wanted::Profile { count, first },
        (None, Some(count)) => Wanted::Documents { count, first },
        (None, None) => {
            return Typed::Wrong(anyhow!("give --count N for documents, or --fit LISTING.tsv"));
        }
    };
    Typed::Corpus { given, wanted }
}

const COUNT: &str = "count";
const FIRST: &str = "first";
const PROFILE: &str = "sample-profile";
const FIT: &str = "fit";
/// `--seed`, apart from the setting SEED.
const CORPUS_SEED_FLAG: &str = "seed";

pub(super) fn command() -> clap::Command {
    let number = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .value_parser(clap::value_parser!(u64))
            .help(help)
    };
    subcommand(
        Command::Corpus,
        "Documents as JSON lines, the profile of a sample, or a profile from a listing",
    )
    .mut_arg(JSON, |json| json.hide(true))
    .arg(number(COUNT, "N", "so many documents"))
    .arg(number(FIRST, "I", "from this number on [default: 0]"))
    .arg(number(CORPUS_SEED_FLAG, "S", "the same as CORPUS_SEED=S"))
    .arg(
        Arg::new(PROFILE)
            .long(PROFILE)
            .action(ArgAction::SetTrue)
            .help("what these documents look like, instead of themselves"),
    )
    .arg(
        Arg::new(FIT)
            .long(FIT)
            .value_name("LISTING.tsv")
            .value_parser(clap::value_parser!(PathBuf))
            .conflicts_with_all([COUNT, FIRST, PROFILE])
            .help("a profile for PROFILE_DATA from a tree's listing (`find -type f -printf '%s\\t%p\\n'`); - for stdin"),
    )
}
