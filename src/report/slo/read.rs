//! From the text of a sign-off file to its values, all of them checked; every complaint names file and line.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{DashboardSlo, GoalSlo, IndexSlo, OverloadSlo, RegressionSlo, SloRecord};
use crate::units::{LIMIT_MOST_MS, LoadPercent, RPS_MOST, SPAN_MOST_S};

/// Below this likeness a suggestion confuses more than it helps, as for settings.
const LIKENESS_LEAST: f64 = 0.8;
const SECTIONS: [&str; 5] = ["goal", "index", "dashboard", "overload", "regression"];

/// What is wrong with a sign-off file, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {problem}")]
pub struct SloError {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, and the cure.
    pub problem: String,
}

/// Reads `text`, the content of `file`.
///
/// # Errors
/// When it is no TOML, a section or key is unknown, a value is none that its key can have, or nothing is asked.
pub fn read(file: &str, text: &str) -> Result<SloRecord, SloError> {
    let root = DeTable::parse(text).map_err(|error| {
        let problem = format!("this is not TOML: {}", one_line(error.message()));
        at(file, text, error.span().unwrap_or_default(), problem)
    })?;
    let root = Section { file, text, name: String::new(), table: root.get_ref(), span: 0..0 };
    root.refuse_unknown(&SECTIONS)?;
    let slo = SloRecord {
        file: file.to_owned(),
        goal: root.section("goal")?.map(|section| goal(&section)).transpose()?.unwrap_or_default(),
        index: root
            .section("index")?
            .map(|section| index(&section))
            .transpose()?
            .unwrap_or_default(),
        dashboard: root
            .section("dashboard")?
            .map(|section| dashboard(&section))
            .transpose()?
            .unwrap_or_default(),
        overload: root
            .section("overload")?
            .map(|section| overload(&section))
            .transpose()?
            .unwrap_or_default(),
        regression: root.section("regression")?.map(|section| regression(&section)).transpose()?,
    };
    if !slo.asks() {
        let problem = "nothing is asked; give a section such as [goal] with index_rps = 200";
        return Err(root.wrong(0..0, problem.to_owned()));
    }
    Ok(slo)
}

fn goal(section: &Section<'_>) -> Result<GoalSlo, SloError> {
    section.refuse_unknown(&["index_rps", "headroom_ratio"])?;
    let rate = |rps: f64| rps > 0.0 && rps <= RPS_MOST;
    let share = |ratio: f64| (0.0..=1e6).contains(&ratio);
    Ok(GoalSlo {
        index_rps: section.number("index_rps", "a rate per second over 0, up to 10000000", rate)?,
        headroom_ratio: section.number(
            "headroom_ratio",
            "a share of at least 0, such as 0.2",
            share,
        )?,
    })
}

fn index(section: &Section<'_>) -> Result<IndexSlo, SloError> {
    section.refuse_unknown(&["p99_ms", "error_ratio", "timeout_ms"])?;
    Ok(IndexSlo {
        p99_ms: section.whole_ms("p99_ms")?,
        error_ratio: section.share("error_ratio")?,
        timeout_ms: section.whole_ms("timeout_ms")?,
    })
}

fn dashboard(section: &Section<'_>) -> Result<Vec<DashboardSlo>, SloError> {
    let mut levels = Vec::new();
    for (key, _) in section.table {
        let name = key.get_ref().as_ref();
        let percent = name.strip_suffix('%').and_then(|digits| digits.parse::<u32>().ok());
        // `+5%` and `050%` would name a level twice.
        let percent = percent
            .filter(|percent| *percent <= LoadPercent::MOST && format!("{percent}%") == name)
            .ok_or_else(|| {
                let problem = format!(
                    "`{}` is no level; write [dashboard.\"100%\"] with a whole percentage from 0 to {}",
                    short(name),
                    LoadPercent::MOST
                );
                section.wrong(key.span(), problem)
            })?;
        let Some(limits) = section.section(name)? else { continue };
        limits.refuse_unknown(&["p99_ms", "error_ratio", "timeout_ratio"])?;
        levels.push(DashboardSlo {
            load_percent: percent,
            p99_ms: limits.whole_ms("p99_ms")?,
            error_ratio: limits.share("error_ratio")?,
            timeout_ratio: limits.share("timeout_ratio")?,
        });
    }
    levels.sort_by_key(|limits| limits.load_percent);
    Ok(levels)
}

fn overload(section: &Section<'_>) -> Result<OverloadSlo, SloError> {
    section.refuse_unknown(&["min_goodput_ratio", "recovery_s"])?;
    let share = |ratio: f64| ratio > 0.0 && ratio <= 1.0;
    let span = |span_s: f64| span_s > 0.0 && span_s <= SPAN_MOST_S;
    Ok(OverloadSlo {
        min_goodput_ratio: section.number(
            "min_goodput_ratio",
            "a share over 0, up to 1, such as 0.8",
            share,
        )?,
        recovery_s: section.number(
            "recovery_s",
            "a number of seconds over 0, up to 604800",
            span,
        )?,
    })
}

fn regression(section: &Section<'_>) -> Result<RegressionSlo, SloError> {
    section.refuse_unknown(&["baseline", "max_capacity_drop_pct", "alpha"])?;
    let percent = |percent: f64| (0.0..100.0).contains(&percent);
    let drop_pct = section.number(
        "max_capacity_drop_pct",
        "a percentage from 0 to below 100, such as 5",
        percent,
    )?;
    let baseline = section.words("baseline")?.ok_or_else(|| {
        let problem = "baseline is missing in [regression]; name the result.json to compare with";
        section.wrong(section.span.clone(), problem.to_owned())
    })?;
    Ok(RegressionSlo {
        baseline,
        max_capacity_drop_pct: drop_pct.unwrap_or(5.0),
        alpha: section.share("alpha")?.unwrap_or(0.05),
    })
}

/// A section of the file, or the file itself.
struct Section<'a> {
    file: &'a str,
    text: &'a str,
    /// As in brackets; empty for the file itself.
    name: String,
    table: &'a DeTable<'a>,
    span: Range<usize>,
}

impl<'a> Section<'a> {
    fn wrong(&self, span: Range<usize>, problem: String) -> SloError {
        at(self.file, self.text, span, problem)
    }

    /// The value of `name` with its place.
    fn value(&self, name: &str) -> Option<(&'a DeValue<'a>, Range<usize>)> {
        let found = self.table.iter().find(|(key, _)| key.get_ref() == name);
        found.map(|(_, value)| (value.get_ref(), value.span()))
    }

    fn refuse_unknown(&self, known: &[&str]) -> Result<(), SloError> {
        let unknown = self.table.iter().find(|(key, _)| !known.contains(&key.get_ref().as_ref()));
        let Some((key, _)) = unknown else { return Ok(()) };
        let (given, is_file) = (key.get_ref().as_ref(), self.name.is_empty());
        let bracketed =
            |name: &str| if is_file { format!("[{name}]") } else { format!("`{name}`") };
        let kind = if is_file { "section".to_owned() } else { format!("key in [{}]", self.name) };
        let all = || known.iter().map(|name| bracketed(name)).collect::<Vec<_>>().join(", ");
        let cure = nearest(given, known).map_or_else(
            || format!("known are {}", all()),
            |name| format!("did you mean {}?", bracketed(name)),
        );
        let problem = format!("unknown {kind} `{}`; {cure}", short(given));
        Err(self.wrong(key.span(), problem))
    }

    fn section(&self, name: &str) -> Result<Option<Section<'a>>, SloError> {
        let Some((value, span)) = self.value(name) else { return Ok(None) };
        // A level is quoted: a bare % is no TOML.
        let shown = if name.ends_with('%') { format!("\"{name}\"") } else { name.to_owned() };
        let full = if self.name.is_empty() { shown } else { format!("{}.{shown}", self.name) };
        let DeValue::Table(table) = value else {
            let problem = format!("{full} must be a section: write [{full}]");
            return Err(self.wrong(span, problem));
        };
        Ok(Some(Section { file: self.file, text: self.text, name: full, table, span }))
    }

    /// The value of `name` where it is given; `wanted` says what it must be.
    fn parse<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) -> Result<Option<T>, SloError> {
        let Some((value, span)) = self.value(name) else { return Ok(None) };
        let given = self.text.get(span.clone()).unwrap_or_default();
        read(value).map(Some).ok_or_else(|| {
            let problem =
                format!("{name} in [{}] must be {wanted}, not {}", self.name, short(given));
            self.wrong(span, problem)
        })
    }

    fn number(
        &self,
        name: &str,
        wanted: &str,
        is_good: impl Fn(f64) -> bool,
    ) -> Result<Option<f64>, SloError> {
        // NaN is outside of any bounds.
        self.parse(name, wanted, |value| {
            number(value).filter(|number| number.is_finite() && is_good(*number))
        })
    }

    fn share(&self, name: &str) -> Result<Option<f64>, SloError> {
        let wanted = "a share between 0 and 1, such as 0.001";
        self.number(name, wanted, |share| share > 0.0 && share < 1.0)
    }

    fn whole_ms(&self, name: &str) -> Result<Option<u64>, SloError> {
        let wanted = format!("a whole number of milliseconds from 1 to {LIMIT_MOST_MS}");
        self.parse(name, &wanted, |value| {
            let DeValue::Integer(digits) = value else { return None };
            let whole = u64::from_str_radix(digits.as_str(), digits.radix()).ok();
            whole.filter(|ms| (1..=LIMIT_MOST_MS).contains(ms))
        })
    }

    fn words(&self, name: &str) -> Result<Option<String>, SloError> {
        self.parse(name, "a text that is not empty", |value| match value {
            DeValue::String(text) if !text.trim().is_empty() => Some(text.to_string()),
            _ => None,
        })
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(digits) if digits.radix() == 10 => digits.as_str().parse().ok(),
        DeValue::Float(digits) => digits.as_str().parse().ok(),
        _ => None,
    }
}

fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(&given.to_ascii_lowercase(), name), *name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_LEAST)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}

fn at(file: &str, text: &str, span: Range<usize>, problem: String) -> SloError {
    let before = text.get(..span.start).unwrap_or(text);
    // What is missing at the very end is missing in the last line, not in one that is not there.
    let last = text.lines().count().max(1);
    let line = (before.matches('\n').count() + 1).min(last);
    SloError { file: file.to_owned(), line, problem }
}

/// Enough of a text to know it again, on one line.
fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
