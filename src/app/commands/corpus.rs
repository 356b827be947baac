//! `plimsoll corpus`: documents as JSON lines, the profile of a sample, or a profile from a listing.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::app::exit::{Exit, Failure};
use crate::app::settings::Settings;
use crate::corpus::fit::{Fitted, fit};
use crate::corpus::plan::CorpusPlan;
use crate::corpus::sample::SampleProfile;
use crate::corpus::{Corpus, PermissionsShape};
use crate::term::{complain, say};
use crate::units::usize_to_u64;

/// What is wanted of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// So many documents, from a number on.
    Documents {
        /// How many.
        count: u64,
        /// The first one.
        first: u64,
    },
    /// The profile of so many documents.
    Profile {
        /// How many.
        count: u64,
        /// The first one.
        first: u64,
    },
    /// A profile from a listing of a file tree.
    Fit {
        /// Its file; `-` for stdin.
        listing: PathBuf,
    },
}

/// Memory for documents that are written together.
const BUFFER_BYTES: usize = 1 << 18;

/// Runs the command.
///
/// # Errors
/// When there is no such corpus, the listing cannot be read, or nothing can be written.
pub fn run(settings: &Settings, wanted: &Wanted) -> Result<Exit, Failure> {
    match wanted {
        Wanted::Fit { listing } => fit_listing(listing),
        Wanted::Documents { count, first } => {
            let corpus = corpus(&settings.corpus, *count, *first)?;
            let shape = settings.permissions.unwrap_or(PermissionsShape::Object);
            write_documents(&corpus, shape, *first, *count)
        }
        Wanted::Profile { count, first } => {
            let corpus = corpus(&settings.corpus, *count, *first)?;
            let profile = SampleProfile::of(&corpus, *first, *count).map_err(Failure::internal)?;
            say(&serde_json::to_string_pretty(&profile).map_err(Failure::internal)?);
            Ok(Exit::Pass)
        }
    }
}

fn corpus(plan: &CorpusPlan, count: u64, first: u64) -> Result<Corpus, Failure> {
    let corpus = Corpus::new(plan).map_err(Failure::usage)?;
    if first.checked_add(count).is_none_or(|end| end > corpus.numbers()) {
        let most = corpus.numbers();
        return Err(Failure::usage(anyhow!(
            "--first {first} and --count {count} go beyond the corpus, which has {most} documents; a larger DOMAIN has more"
        )));
    }
    Ok(corpus)
}

/// Whoever reads may have had enough: that is no failure.
fn write_documents(
    corpus: &Corpus,
    shape: PermissionsShape,
    first: u64,
    count: u64,
) -> Result<Exit, Failure> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    let mut line = Vec::new();
    for number in first..first + count {
        line.clear();
        corpus.write_json(number, shape, &mut line);
        line.push(b'\n');
        if let Err(error) = out.write_all(&line) {
            return ended(error);
        }
    }
    out.flush().map_or_else(ended, |()| Ok(Exit::Pass))
}

#[allow(clippy::needless_pass_by_value, reason = "it ends here")]
fn ended(error: io::Error) -> Result<Exit, Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(Exit::Pass);
    }
    Err(Failure::new(Exit::Results, anyhow!("stdout: {error}")))
}

fn fit_listing(listing: &Path) -> Result<Exit, Failure> {
    let shown = listing.display();
    let unreadable = |error: io::Error| {
        Failure::usage(anyhow!(
            "--fit {shown}: {error}; give a listing as `find -printf '%s\\t%p\\n'` prints it"
        ))
    };
    let reader: Box<dyn BufRead> = if listing.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(listing).map_err(unreadable)?))
    };
    let mut failed = None;
    let lines = reader.split(b'\n').map_while(|line| match line {
        Ok(line) => Some(line),
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    let fitted = fit(lines);
    if let Some(error) = failed {
        return Err(unreadable(error));
    }
    complain(&summary(&fitted));
    if fitted.profile.kinds.is_empty() {
        return Err(Failure::usage(anyhow!(
            "--fit {shown}: no line is `size<TAB>path` of a file that is not empty; make it with `find -type f -printf '%s\\t%p\\n'`"
        )));
    }
    say(&serde_json::to_string_pretty(&fitted.profile).map_err(Failure::internal)?);
    Ok(Exit::Pass)
}

fn summary(fitted: &Fitted) -> String {
    let kinds = usize_to_u64(fitted.profile.kinds.len());
    let mut parts =
        vec![format!("{} of {}", counted(fitted.files, "file"), counted(kinds, "kind"))];
    if fitted.left_out > 0 {
        parts.push(format!("{} of rare kinds left out", fitted.left_out));
    }
    if fitted.bad > 0 {
        let named: Vec<String> = fitted.bad_lines.iter().map(ToString::to_string).collect();
        let more = if fitted.bad > usize_to_u64(named.len()) { " …" } else { "" };
        let (bad, lines) = (counted(fitted.bad, "bad line"), named.join(", "));
        parts.push(format!("caution: {bad} left out, no `size<TAB>path`: line {lines}{more}"));
    }
    parts.join("; ")
}

/// A count with its noun.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
