//! Documents: what the target accepted over a run, what it holds, and what that means for the run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::criterion::{CriterionRecord, Limit, Outcome};

/// Documents: what was accepted over the whole run, and what the target holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct VerificationRecord {
    /// Documents that the target accepted, warm-ups and probes included.
    pub accepted: u64,
    /// Documents of which it is not known whether the target holds them.
    pub unknown: u64,
    /// Documents of the run that the target holds, each name once; null where it cannot count.
    pub found: Option<u64>,
    /// Accepted documents that it does not hold.
    pub lost: Option<u64>,
    /// Documents that it holds beside another of the same name; null where it can count no names.
    pub doubled: Option<u64>,
    /// Documents that it holds and had neither accepted nor left without an answer.
    #[serde(default)]
    pub surplus: Option<u64>,
    /// Why nothing was counted although the target can; null where it was, or where the target cannot.
    #[serde(default)]
    pub not_verified: Option<String>,
    /// Whether the target can count and did not when it was asked.
    #[serde(default)]
    pub count_failed: bool,
    /// Some of the lost and doubled ones.
    pub examples: Vec<String>,
}

impl VerificationRecord {
    /// The same, of a target that can count and did not when it was asked.
    #[must_use]
    pub fn failed(self, reason: &str) -> Self {
        Self { not_verified: Some(reason.to_owned()), count_failed: true, ..self }
    }

    /// Whether the target holds what it accepted, once; `None` where it cannot count.
    #[must_use]
    pub fn is_clean(&self) -> Option<bool> {
        self.found.map(|_| self.wrong() == 0)
    }

    /// Documents that are lost, doubled or there without anybody having accepted them, as far as they were counted.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        let counts = [self.lost, self.doubled, self.surplus];
        counts.into_iter().flatten().fold(0, u64::saturating_add)
    }

    /// A target that cannot count is not judged by it.
    #[must_use]
    pub fn criterion(&self) -> Option<CriterionRecord> {
        if self.count_failed {
            let reason = self.not_verified.clone().unwrap_or_default();
            return Some(criterion(None, Outcome::Invalid, reason));
        }
        let (is_clean, found) = (self.is_clean()?, self.found?);
        let Self { accepted, unknown, .. } = self;
        let mut reason = format!("{accepted} documents accepted, {found} found");
        let faults =
            [("lost", self.lost), ("doubled", self.doubled), ("nobody accepted", self.surplus)];
        let mut parts: Vec<String> = Vec::new();
        if *unknown > 0 {
            parts.push(format!("{unknown} without an answer"));
        }
        for (fault, count) in faults {
            parts.extend(count.filter(|count| *count > 0).map(|count| format!("{count} {fault}")));
        }
        parts.extend(self.examples.first().map(|example| format!("for instance {example}")));
        if !parts.is_empty() {
            reason = format!("{reason}; {}", parts.join("; "));
        }
        let outcome = if is_clean { Outcome::Pass } else { Outcome::Fail };
        Some(criterion(Some(self.wrong() as f64), outcome, reason))
    }
}

fn criterion(measured: Option<f64>, outcome: Outcome, reason: String) -> CriterionRecord {
    let none = Limit::AtMost(0.0);
    CriterionRecord::new("verification", "documents", measured, none, (outcome, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(found: u64, lost: u64, doubled: Option<u64>, surplus: u64) -> VerificationRecord {
        VerificationRecord {
            accepted: 100,
            unknown: 5,
            found: Some(found),
            lost: Some(lost),
            doubled,
            surplus: Some(surplus),
            not_verified: None,
            count_failed: false,
            examples: vec!["lost: a.txt".to_owned()],
        }
    }

    #[test]
    fn only_a_target_that_holds_everything_once_passes() {
        let outcome =
            |record: VerificationRecord| record.criterion().map(|criterion| criterion.outcome);
        assert_eq!(outcome(record(100, 0, Some(0), 0)), Some(Outcome::Pass), "all of it");
        assert_eq!(
            outcome(record(104, 0, None, 0)),
            Some(Outcome::Pass),
            "and some unknown ones, no names counted"
        );
        for faulty in
            [record(99, 1, Some(0), 0), record(100, 0, Some(1), 0), record(106, 0, Some(0), 1)]
        {
            assert_eq!(outcome(faulty.clone()), Some(Outcome::Fail), "{faulty:?}");
        }
        assert_eq!(
            outcome(VerificationRecord { accepted: 100, ..VerificationRecord::default() }),
            None,
            "cannot count"
        );
    }

    #[test]
    fn a_fault_is_told_with_its_example() {
        let told = record(99, 1, Some(0), 0).criterion().unwrap().reason;
        insta::assert_snapshot!(told, @"100 documents accepted, 99 found; 5 without an answer; 1 lost; for instance lost: a.txt");
    }
}
