//! One thing that a run is judged by: what was measured, what is held against it, and by how much it is met.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figure::{self, MISSING};

/// One thing that the run was judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CriterionRecord {
    /// Its name.
    pub name: String,
    /// What was measured.
    pub measured: Option<f64>,
    /// What is held against it.
    pub limit: Option<f64>,
    /// Unit of both.
    pub unit: String,
    /// Share of the limit by which the measured value meets it, negative where it misses it: 0.2 is a fifth of the
    /// limit to spare. Null where one of the two is not known or the limit is zero, and in results of earlier versions.
    #[serde(default)]
    pub margin: Option<f64>,
    /// The judgement.
    pub outcome: Outcome,
    /// Why, in words.
    pub reason: String,
}

/// The judgement of a criterion or of a run; the later, the worse.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Shown to be met.
    Pass,
    /// Shown to be missed.
    Fail,
    /// Neither can be said.
    Invalid,
}

impl Outcome {
    /// The outcome's name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// On which side of a limit a measured value is good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Nothing is held against it.
    None,
    /// Good at or below it.
    AtMost(f64),
    /// Good at or above it.
    AtLeast(f64),
}

impl Limit {
    const fn value(self) -> Option<f64> {
        match self {
            Self::None => None,
            Self::AtMost(limit) | Self::AtLeast(limit) => Some(limit),
        }
    }

    /// Share of the limit by which `measured` meets it.
    fn margin(self, measured: f64) -> Option<f64> {
        let (spare, limit) = match self {
            Self::None => return None,
            Self::AtMost(limit) => (limit - measured, limit),
            Self::AtLeast(limit) => (measured - limit, limit),
        };
        (limit > 0.0).then(|| spare / limit)
    }
}

impl CriterionRecord {
    /// The criterion `name`: `measured` held against `limit`, both in `unit`, and how that was `judged`.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        unit: &str,
        measured: Option<f64>,
        limit: Limit,
        judged: (Outcome, String),
    ) -> Self {
        let (outcome, reason) = judged;
        Self {
            name: name.into(),
            measured,
            limit: limit.value(),
            unit: unit.to_owned(),
            margin: measured.and_then(|measured| limit.margin(measured)),
            outcome,
            reason,
        }
    }

    /// The measured value as a person reads it, with its unit.
    #[must_use]
    pub fn shown_measured(&self) -> String {
        self.measured.map_or_else(|| MISSING.to_owned(), |value| self.shown(value))
    }

    /// The limit as a person reads it, with its unit; not rounded, for somebody has written it.
    #[must_use]
    pub fn shown_limit(&self) -> String {
        match (self.limit, self.unit.as_str()) {
            (None, _) => MISSING.to_owned(),
            (Some(limit), "rps") => format!("{}/s", figure::exact(limit, 0)),
            (Some(limit), "ms") => format!("{} ms", figure::exact(limit, 0)),
            (Some(limit), "s") => format!("{} s", figure::exact(limit, 1)),
            (Some(limit), "ratio") => format!("{} %", figure::exact(limit * 100.0, 3)),
            (Some(limit), _) => figure::exact(limit, 0),
        }
    }

    fn shown(&self, value: f64) -> String {
        match self.unit.as_str() {
            "rps" => format!("{}/s", figure::short_rate(value)),
            "ms" => format!("{} ms", figure::ms(Some(value))),
            "s" => figure::span(value),
            "ratio" => format!("{:.3} %", value * 100.0),
            _ => figure::short_rate(value),
        }
    }

    /// The margin in percent of the limit, with its sign.
    #[must_use]
    pub fn shown_margin(&self) -> String {
        self.margin.map_or_else(|| MISSING.to_owned(), |margin| format!("{:+.1} %", margin * 100.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn criterion(measured: f64, limit: Limit) -> CriterionRecord {
        let judged = (Outcome::Pass, String::new());
        CriterionRecord::new("any", "ms", Some(measured), limit, judged)
    }

    proptest! {
        #[test]
        fn a_margin_is_negative_exactly_where_the_limit_is_missed(
            measured in 0.0_f64..1e6,
            limit in 1e-6_f64..1e6,
        ) {
            let at_most = criterion(measured, Limit::AtMost(limit)).margin.unwrap();
            let at_least = criterion(measured, Limit::AtLeast(limit)).margin.unwrap();
            prop_assert_eq!(at_most < 0.0, measured > limit, "at most {}", limit);
            prop_assert_eq!(at_least < 0.0, measured < limit, "at least {}", limit);
        }
    }

    #[test]
    fn a_limit_is_shown_as_somebody_has_written_it() {
        let shown = |limit, unit| {
            let judged = (Outcome::Pass, String::new());
            CriterionRecord::new("any", unit, None, Limit::AtMost(limit), judged).shown_limit()
        };
        assert_eq!(shown(0.000_001, "ratio"), "0.0001 %", "a tiny share is not nothing");
        assert_eq!(shown(0.07, "ratio"), "7.000 %", "without what the machine adds");
        assert_eq!(shown(200.0 + 200.0 * 0.3, "rps"), "260/s", "a goal with headroom");
        assert_eq!(shown(0.05, "rps"), "0.05/s", "one document in twenty seconds");
        assert_eq!((shown(118.3, "ms"), shown(30.0, "s")), ("118.3 ms".into(), "30.0 s".into()));
        assert_eq!(shown(90.25, "s"), "90.25 s", "not rounded to seconds");
    }

    #[test]
    fn a_margin_is_a_share_of_the_limit_and_nothing_has_none() {
        let quarter = criterion(150.0, Limit::AtMost(200.0));
        assert_eq!((quarter.margin, quarter.shown_margin()), (Some(0.25), "+25.0 %".to_owned()));
        let half = criterion(100.0, Limit::AtLeast(200.0));
        assert_eq!((half.margin, half.shown_margin()), (Some(-0.5), "-50.0 %".to_owned()));
        let zero = criterion(1.0, Limit::AtMost(0.0));
        assert_eq!((zero.margin, zero.shown_margin()), (None, "–".to_owned()), "no share of zero");
        assert_eq!(criterion(1.0, Limit::None).limit, None, "nothing is held against it");
    }
}
