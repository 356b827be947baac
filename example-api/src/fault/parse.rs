//! The text of `FAULT`: a list of `name:value` items with commas between them.

use super::share::Share;
use super::{Plan, Recycle};
use crate::clock::{MILLISECOND_NS, SECOND_NS, whole_ns};
use crate::source::{SettingError, Source, complaint};
use crate::stall::Stalls;

/// Longest text of the user's own that an error message repeats, in characters.
const QUOTED_CHARS_MAX: usize = 60;

/// One kind of fault: its name, the form of an item, and an example.
type Kind = (&'static str, &'static str, &'static str);

/// Every kind of fault. The place in the list is its salt, so new ones go to the end.
const KINDS: &[Kind] = &[
    ("error", "error:SHARE with SHARE from 0 to 1", "error:0.01"),
    (
        "stall",
        "stall:EVERY_MS/FOR_MS with FOR_MS less than EVERY_MS and EVERY_MS up to 3600000",
        "stall:5000/500",
    ),
    ("reset", "reset:SHARE with SHARE from 0 to 1", "reset:0.001"),
    (
        "slow_body",
        "slow_body:SHARE/MS with SHARE from 0 to 1 and MS from 0 to 60000",
        "slow_body:0.01/2000",
    ),
    ("reject_above", "reject_above:RPS with RPS from 0.001 to 1000000", "reject_above:200"),
    ("leak", "leak:US with US from 0 to 1000000", "leak:5"),
    ("warm_up", "warm_up:S/FACTOR with S from 0 to 3600 and FACTOR from 1 to 1000", "warm_up:20/5"),
    (
        "recycle",
        "recycle:REQUESTS/MS with REQUESTS from 1 to 1000000000 and MS from 0 to 60000",
        "recycle:2000/300",
    ),
    ("lose", "lose:SHARE with SHARE from 0 to 1", "lose:0.001"),
    ("double", "double:SHARE with SHARE from 0 to 1", "double:0.001"),
];

impl Plan {
    /// Reads the setting.
    pub(crate) fn read(
        source: &Source<impl Fn(&str) -> Option<String>>,
    ) -> Result<Self, SettingError> {
        Self::parse(&source.text("FAULT")).map_err(|fault| complaint("FAULT", &fault))
    }

    /// When all workers stand still, where settings of their own say `own`.
    pub(crate) fn stalls_beside(&self, own: Stalls) -> Result<Stalls, SettingError> {
        if self.stalls == Stalls::default() {
            return Ok(own);
        }
        if own != Stalls::default() {
            return Err(complaint("FAULT", "must not have a stall item beside STALL_MS"));
        }
        Ok(self.stalls)
    }

    /// Reads a list of faults. The error says in one line what to write instead.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut plan = Self::default();
        let mut given = Vec::new();
        if text.is_empty() {
            return Ok(plan);
        }
        for item in text.split(',').map(str::trim) {
            let (name, value) = item.split_once(':').unwrap_or((item, ""));
            let Some(&(name, form, example)) = KINDS.iter().find(|(known, ..)| *known == name)
            else {
                return Err(unknown(item));
            };
            if given.contains(&name) {
                return Err(format!("must name {name} only once"));
            }
            given.push(name);
            let values: Vec<&str> = value.split('/').collect();
            plan.set(name, &values)
                .ok_or_else(|| format!("item {} must be {form}, as in {example}", quoted(item)))?;
        }
        Ok(plan)
    }

    fn set(&mut self, name: &str, values: &[&str]) -> Option<()> {
        match (name, values) {
            ("error", [ratio]) => self.error = share(name, ratio)?,
            ("reset", [ratio]) => self.reset = share(name, ratio)?,
            ("lose", [ratio]) => self.lose = share(name, ratio)?,
            ("double", [ratio]) => self.double = share(name, ratio)?,
            ("slow_body", [ratio, length]) => {
                self.slow_body = share(name, ratio)?;
                self.slow_body_ns = whole(length, 0, 60_000)? * MILLISECOND_NS;
            }
            ("stall", [every, length]) => {
                let every_ns = whole(every, 1, 3_600_000)? * MILLISECOND_NS;
                let length_ns = whole(length, 0, 3_600_000)? * MILLISECOND_NS;
                self.stalls = Stalls::new(length_ns, every_ns)?;
            }
            ("reject_above", [rps]) => {
                self.reject_above_rps = Some(number(rps, 0.001, 1_000_000.0)?);
            }
            ("leak", [extra]) => self.leak_ns = whole_ns(number(extra, 0.0, 1e6)? * 1e3),
            ("warm_up", [length, factor]) => {
                self.warm_up_ns = whole_ns(number(length, 0.0, 3600.0)? * SECOND_NS as f64);
                self.warm_up_factor = number(factor, 1.0, 1000.0)?;
            }
            ("recycle", [requests, pause]) => {
                let requests = whole(requests, 1, 1_000_000_000)?;
                let pause_ns = whole(pause, 0, 60_000)? * MILLISECOND_NS;
                self.recycle = Some(Recycle { requests, pause_ns });
            }
            _ => return None,
        }
        Some(())
    }
}

fn share(name: &str, text: &str) -> Option<Share> {
    let salt = KINDS.iter().position(|(known, ..)| *known == name)?;
    Some(Share::new(number(text, 0.0, 1.0)?, salt as u64))
}

fn number(text: &str, least: f64, most: f64) -> Option<f64> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

fn whole(text: &str, least: u64, most: u64) -> Option<u64> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

fn unknown(item: &str) -> String {
    let names: Vec<&str> = KINDS.iter().map(|(name, ..)| *name).collect();
    format!(
        "item {} must begin with one of {} and a colon, as in error:0.01,stall:5000/500",
        quoted(item),
        names.join(", ")
    )
}

fn quoted(text: &str) -> String {
    // As in source text, so that line breaks in the value keep the message on one line.
    let shown: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_example_can_be_used_alone_and_with_all_others() {
        assert_eq!(Plan::parse(""), Ok(Plan::default()), "no faults");
        for (name, _, example) in KINDS {
            let plan = Plan::parse(example);
            assert!(plan.is_ok_and(|plan| plan != Plan::default()), "{name}: {example}");
        }
        let all: Vec<&str> = KINDS.iter().map(|(.., example)| *example).collect();
        assert!(Plan::parse(&all.join(",")).is_ok(), "together");
        assert_eq!(Plan::parse(&all.join(", ")), Plan::parse(&all.join(",")), "spaces are nothing");
    }

    #[test]
    fn a_bad_item_is_refused_with_its_form_and_an_example() {
        let bad = [
            ("error", &["2", "-0.1", "x", "", "NaN", "0.1/5"][..]),
            ("stall", &["5000", "500/500", "500/5000", "0/0", "3600001/5", "a/b", "5000/500/1"]),
            ("reset", &["1.5"]),
            ("slow_body", &["0.5", "0.5/-1", "0.5/60001", "2/5"]),
            ("reject_above", &["0", "-1", "inf", "NaN", "1e7"]),
            ("leak", &["-1", "1e7", "x"]),
            ("warm_up", &["5", "5/0.5", "5/1001", "-1/2", "3601/2"]),
            ("recycle", &["0/5", "5", "5/60001", "1.5/5"]),
            ("lose", &["1.0001"]),
            ("double", &["-1"]),
        ];
        assert_eq!(bad.len(), KINDS.len(), "every kind is tried");
        for (name, values) in bad {
            for value in values {
                let error = Plan::parse(&format!("error:0,{name}:{value}")).expect_err(value);
                assert!(error.contains(name) && !error.contains('\n'), "{name}:{value}: {error}");
            }
            let example = KINDS.iter().find(|(known, ..)| *known == name).map(|kind| kind.2);
            let error = Plan::parse(name).expect_err(name);
            assert!(error.ends_with(example.expect("an example")), "{name}: {error}");
        }
    }

    #[test]
    fn an_unknown_kind_is_refused_with_all_that_there_are() {
        for text in ["fire:1", "ERROR:0.1", ",", "error:0.1,", ":", "0.1", "err\nor:1"] {
            let error = Plan::parse(text).expect_err(text);
            assert!(error.contains("recycle") && !error.contains('\n'), "{text}: {error}");
        }
    }

    #[test]
    fn stalls_come_from_one_place_only() {
        let stalls = |for_ms| Stalls::new(for_ms * MILLISECOND_NS, 9 * MILLISECOND_NS);
        let (own, none) = (stalls(3).expect("stalls"), Stalls::default());
        let plan = Plan::parse("stall:9/4").expect("a plan");
        assert_eq!(plan.stalls_beside(none).ok(), stalls(4), "those of FAULT");
        assert_eq!(Plan::default().stalls_beside(own).ok(), Some(own), "those of their own");
        let error = plan.stalls_beside(own).expect_err("both").to_string();
        assert!(error.starts_with("FAULT") && error.contains("STALL_MS"), "{error}");
    }

    #[test]
    fn a_kind_that_is_named_twice_is_refused() {
        let error = Plan::parse("lose:0.1,lose:0.2").expect_err("twice");
        assert!(error.contains("lose") && error.contains("once"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_or_write_two_lines(text in "\\PC{0,80}") {
            if let Err(error) = Plan::parse(&text) {
                prop_assert_eq!(error.lines().count(), 1);
            }
        }

        #[test]
        fn nearly_right_text_neither_panics_nor_passes_unchecked(
            text in "(error|stall|reset|leak|warm_up|recycle):[-0-9.eE/]{0,12}(,lose:[0-9.]{0,4})?",
        ) {
            if let Ok(plan) = Plan::parse(&text) {
                prop_assert!(plan.service_ns(1000, 0, 1) <= 1_000_000 + 1_000_000_000 + 1000);
            }
        }
    }
}
