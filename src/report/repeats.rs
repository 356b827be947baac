//! What each of a run's searches came to, as it stands in the result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figure::rate;
use super::schema::RunRecord;
use crate::search::finding::{Capacity, Flag};
use crate::units::Rps;

/// One search of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepeatRecord {
    /// How it ended, such as `capacity` or `unconfirmed`.
    pub finding: String,
    /// The rate that it confirmed, in documents per second.
    pub rps: Option<f64>,
    /// Lower end of its interval, or the highest rate that passed.
    pub low_rps: Option<f64>,
    /// Upper end of its interval, or the lowest rate that failed.
    pub high_rps: Option<f64>,
    /// What must be known beside the number.
    pub flags: Vec<String>,
    /// The soaks that confirmed its rate.
    pub confirmed_by: Vec<String>,
}

impl RepeatRecord {
    /// The record of a search that came to `capacity`, `batch` documents in a request.
    #[must_use]
    pub fn new(capacity: &Capacity, batch: u64) -> Self {
        let documents_rps = |rate: Rps| rate.get() * batch as f64;
        Self {
            finding: capacity.finding.name().to_owned(),
            rps: capacity.rps.map(documents_rps),
            low_rps: capacity.low.map(documents_rps),
            high_rps: capacity.high.map(documents_rps),
            flags: capacity.flags.iter().copied().map(Flag::name).map(str::to_owned).collect(),
            confirmed_by: capacity.confirmed_by.iter().map(ToString::to_string).collect(),
        }
    }
}

impl RunRecord {
    /// The searches of the run; of a result from before there were repeats, its only one.
    #[must_use]
    pub fn searches(&self) -> Vec<RepeatRecord> {
        if !self.repeats.is_empty() {
            return self.repeats.clone();
        }
        let capacity = &self.capacity;
        vec![RepeatRecord {
            finding: capacity.finding.clone(),
            rps: capacity.rps,
            low_rps: capacity.low_rps,
            high_rps: capacity.high_rps,
            flags: capacity.flags.clone(),
            confirmed_by: capacity.confirmed_by.clone(),
        }]
    }
}

/// What the two ends of the capacity are, in words.
#[must_use]
pub fn ends_words(run: &RunRecord) -> String {
    match (run.repeats.len(), run.capacity.interval.as_deref()) {
        (repeats @ 2.., _) => format!("lowest and highest end of {repeats} searches"),
        (_, Some("posterior")) => "95 % interval".to_owned(),
        _ => "bracket".to_owned(),
    }
}

/// Each search in a few words, where there were several; empty otherwise.
#[must_use]
pub fn repeats_told(repeats: &[RepeatRecord]) -> String {
    if repeats.len() < 2 {
        return String::new();
    }
    let found = |repeat: &RepeatRecord| {
        repeat.rps.map_or_else(|| repeat.finding.clone(), |rps| rate(Some(rps)))
    };
    repeats.iter().map(found).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{capacity, run, terms};
    use crate::report::summary::summary;
    use crate::search::finding::Finding;

    #[test]
    fn several_searches_are_told_and_a_single_one_is_not() {
        let mut record = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        assert_eq!(record.repeats.len(), 1, "the only search stands there too");
        assert_eq!(repeats_told(&record.repeats), "", "but needs no line of its own");
        let lost = RepeatRecord::new(&capacity(Finding::TargetLost, None), 1);
        record.repeats.push(RepeatRecord { rps: Some(390.0), ..record.searches()[0].clone() });
        record.repeats.push(lost);
        let text = summary(&record, &[], "here");
        assert!(text.contains("searches   400.0, 390.0, target_lost\n"), "{text}");
        assert!(text.contains("lowest and highest end of 3 searches 400.0 – 414.0"), "{text}");
    }

    #[test]
    fn rates_of_searches_are_in_documents() {
        let record = RepeatRecord::new(&capacity(Finding::Capacity, Some(40.0)), 100);
        assert_eq!(record.rps, Some(4000.0), "40 requests of 100 documents");
    }
}
