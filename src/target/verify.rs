//! After a run: does the target hold what it accepted, all of it and once?
//!
//! Requests without an answer are *unknown*: their documents may be there or not. So what is found must lie between
//! what was accepted and that plus the unknown ones.

use super::census::{Census, census};
use crate::corpus::Corpus;
use crate::corpus::number_set::NumberSet;
use crate::profile::Profile;
use crate::profile::exchange::Exchange;
use crate::profile::holdings::Count;
use crate::report::verification::VerificationRecord;

/// Names that are looked up one by one until an example is found.
const LOOK_UPS_MOST: usize = 20_000;
/// Examples of each kind.
const EXAMPLES_MOST: usize = 3;
/// What was accepted and does not show up is waited for so many pauses: longer than any index takes to refresh.
const PAUSES_MOST: u32 = 130;
/// What may or may not be there is waited for until nothing more has shown up for so many; and so is everything where
/// the target was told to refresh.
const PAUSES_QUIET: u32 = 8;
/// Where names cannot be listed and some documents are unknown, so many accepted ones are looked up.
const SAMPLE: u64 = 2000;

/// What is held against the target.
#[derive(Debug)]
pub struct Expected<'a> {
    /// What it held before the run; `None` where it cannot count.
    pub before: Option<Count>,
    /// Documents that it accepted.
    pub accepted: u64,
    /// Documents of which it is not known whether it holds them.
    pub unknown: u64,
    /// Which ones it accepted, as far as that is known.
    pub numbers: &'a NumberSet,
    /// The documents.
    pub corpus: &'a Corpus,
}

impl Expected<'_> {
    /// Counts again and compares; `pause` waits half a second, and is false when the user wants to stop.
    ///
    /// `found`, `lost` and `doubled` are none where the target cannot count, or did not answer.
    pub fn verify(
        &self,
        exchange: &mut impl Exchange,
        profile: &dyn Profile,
        pause: impl FnMut() -> bool,
    ) -> VerificationRecord {
        let nothing = VerificationRecord {
            accepted: self.accepted,
            unknown: self.unknown,
            ..VerificationRecord::default()
        };
        let Some(before) = self.before else { return nothing };
        self.wait_until_visible(before, exchange, profile, pause);
        let after = match census(exchange, profile, self.corpus, self.numbers) {
            Ok(Some(after)) => after,
            Ok(None) => {
                return nothing.failed("the target did not say how many documents it holds");
            }
            Err(error) => return nothing.failed(&error.to_string()),
        };
        let mut record = self.compare(before, &after);
        let mut missing = Vec::new();
        if after.found.is_none() && self.unknown > 0 {
            missing = self.missing_of_a_sample(exchange, profile);
            record.lost = record.lost.max(Some(crate::units::usize_to_u64(missing.len())));
        }
        if record.is_clean() == Some(false) {
            record.examples = self.examples(&record, &after, missing, exchange, profile);
        }
        record
    }

    /// An index shows what it took in only after a while.
    fn wait_until_visible(
        &self,
        before: Count,
        exchange: &mut impl Exchange,
        profile: &dyn Profile,
        mut pause: impl FnMut() -> bool,
    ) {
        let (mut most, mut quiet) = (0, 0);
        for _ in 0..PAUSES_MOST {
            let refresh = profile.ask_refresh();
            let is_refreshed = refresh.is_some_and(|question| exchange.ask(&question).is_ok());
            let answer = profile.ask_visible().and_then(|question| exchange.ask(&question).ok());
            let visible = answer.and_then(|answer| profile.read_visible(&answer));
            let Some(visible) = visible else { return };
            quiet = if visible > most { 0 } else { quiet + 1 };
            most = most.max(visible);
            let expected = before.documents + self.accepted;
            let is_all = visible >= expected + self.unknown;
            let is_quiet = quiet >= PAUSES_QUIET && (visible >= expected || is_refreshed);
            if is_all || is_quiet || !pause() {
                return;
            }
        }
    }

    fn compare(&self, before: Count, after: &Census) -> VerificationRecord {
        let new_names =
            after.count.names.zip(before.names).map(|(now, then)| now.saturating_sub(then));
        let new_documents = after.count.documents.saturating_sub(before.documents);
        let found = new_names.unwrap_or(new_documents);
        let by_count = self.accepted.saturating_sub(found);
        // Unknown ones that have arrived must not make up for lost ones.
        let missing = after.found.as_ref().map_or(0, |found| {
            let missing = self.numbers.iter().filter(|number| !found.contains(*number)).count();
            crate::units::usize_to_u64(missing)
        });
        VerificationRecord {
            accepted: self.accepted,
            unknown: self.unknown,
            found: Some(found),
            lost: Some(by_count.max(missing)),
            doubled: new_names.map(|names| new_documents.saturating_sub(names)),
            surplus: Some(found.saturating_sub(self.accepted + self.unknown)),
            ..VerificationRecord::default()
        }
    }

    /// Which of a sample of accepted documents are not there: unknown ones may make up for lost ones in a total.
    fn missing_of_a_sample(
        &self,
        exchange: &mut impl Exchange,
        profile: &dyn Profile,
    ) -> Vec<String> {
        let step = crate::units::u64_to_usize(self.numbers.len() / SAMPLE + 1);
        let names = self.numbers.iter().step_by(step).map(|number| self.corpus.name_of(number));
        let asked = names.map_while(|name| Some((copies(&name, exchange, profile)?, name)));
        asked.filter(|(copies, _)| *copies == 0).map(|(_, name)| name).collect()
    }

    /// Some lost and some doubled names, where any can be shown; `missing` are known to be lost.
    fn examples(
        &self,
        record: &VerificationRecord,
        after: &Census,
        missing: Vec<String>,
        exchange: &mut impl Exchange,
        profile: &dyn Profile,
    ) -> Vec<String> {
        let mut lost = missing;
        lost.truncate(EXAMPLES_MOST);
        let mut doubled = after.doubles.clone();
        let wants_lost = record.lost.is_some_and(|lost| lost > 0) && lost.is_empty();
        let wants_doubled = record.doubled.is_some_and(|doubled| doubled > 0) && doubled.is_empty();
        if let Some(found) = &after.found {
            let missing = self.numbers.iter().filter(|number| !found.contains(*number));
            lost.extend(missing.take(EXAMPLES_MOST).map(|number| self.corpus.name_of(number)));
        } else if wants_lost || wants_doubled {
            for number in self.numbers.iter().take(LOOK_UPS_MOST) {
                let name = self.corpus.name_of(number);
                let Some(copies) = copies(&name, exchange, profile) else { break };
                match copies {
                    0 if lost.len() < EXAMPLES_MOST => lost.push(name),
                    2.. if doubled.len() < EXAMPLES_MOST => doubled.push(name),
                    _ => {}
                }
                if (!wants_lost || !lost.is_empty()) && (!wants_doubled || !doubled.is_empty()) {
                    break;
                }
            }
        }
        let lost = lost.into_iter().map(|name| format!("lost: {name}"));
        lost.chain(doubled.into_iter().map(|name| format!("doubled: {name}"))).collect()
    }
}

/// How many documents of this name there are.
fn copies(name: &str, exchange: &mut impl Exchange, profile: &dyn Profile) -> Option<u64> {
    let answer = exchange.ask(&profile.ask_name(name)?).ok()?;
    profile.read_name(name, &answer)
}
