//! `plimsoll edge`: the catalogue of edge documents, and what the target makes of each.

use anyhow::anyhow;

use crate::app::exit::{Exit, Failure};
use crate::app::interrupt::Interrupt;
use crate::app::profiles::ProfileChoice;
use crate::app::session::Session;
use crate::app::settings::Settings;
use crate::corpus::Numbers;
use crate::edge::catalogue::catalogue;
use crate::edge::draft::Draft;
use crate::edge::examine::{Ended, examine};
use crate::edge::form::Form;
use crate::live::raw::RawLine;
use crate::report::edge_table::{EdgeRecord, edge_line, edge_table};
use crate::term::{complain, say};
use crate::trial::Workload;
use crate::trial::outcome::Ending;

/// Each request is given so long.
const TIMEOUT_MS: u64 = 3000;
/// Documents that the catalogue and the good ones between its cases take together, at the most.
const DOCUMENTS: u64 = 2000;

/// Runs the command.
///
/// # Errors
/// When the target is not ready.
pub fn run(settings: &Settings) -> Result<Exit, Failure> {
    if matches!(settings.profile, ProfileChoice::Http(_)) {
        let error = anyhow!(
            "PROFILE=http cannot be sent edge documents: only whole documents of the example API and of search engines can"
        );
        return Err(Failure::usage(error));
    }
    let interrupt = Interrupt::listen().map_err(Failure::internal)?;
    let mut session = Session::open(settings, &[Workload::Index], &interrupt)?;
    let shape = session.ready.shape;
    let mut numbers = session.measurer.numbers_mut().reserve(DOCUMENTS).map_err(Failure::usage)?;
    let (profile, address) = (session.measurer.profile(), session.measurer.address());
    let form = Form::of(&**profile, &address.host, shape);
    let mut draft = || -> Draft {
        let mut body = Vec::new();
        // A test sees that the catalogue takes fewer.
        if let Some(number) = numbers.next() {
            profile.write_body(Workload::Index, &(number..number + 1), &mut body);
        }
        form.draft(&body)
    };
    let cases = catalogue(&form, &mut draft);
    let is_interrupted = || interrupt.is_asked();
    let mut line = RawLine::new(address.clone(), TIMEOUT_MS, &is_interrupted);
    let is_accepted = |status: u16, body: &[u8]| {
        profile.classify(Workload::Index, status, body, 1).ending == Ending::Accepted
    };
    let mut good = || form.request(&draft().text());
    let examined = examine(&cases, &mut line, &mut good, is_accepted, |row| {
        if row.verdict != crate::edge::judge::Verdict::Sound {
            complain(&format!("plimsoll: the target broke: {}", edge_line(row)));
        }
    });
    if settings.json {
        let records: Vec<EdgeRecord> = examined.rows.iter().map(EdgeRecord::new).collect();
        say(&serde_json::to_string_pretty(&records).map_err(Failure::internal)?);
    } else {
        say(&edge_table(&examined, cases.len()));
    }
    Ok(match examined.ended {
        Some(Ended::Interrupted) => Exit::Interrupted,
        Some(Ended::Gone | Ended::TooLong) => Exit::Fail,
        None if examined.failed().next().is_some() => Exit::Fail,
        None => Exit::Pass,
    })
}
