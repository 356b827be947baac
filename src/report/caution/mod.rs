//! Every warning about a result, and when it is due.

mod words;

use super::figure;
use super::schema::RunRecord;
use super::slo::{CAPACITY_PERCENT, DashboardSlo};

/// Beyond this share of the local ports a run is warned: at twice the rate it would have none left.
const PORTS_RATIO: f64 = 0.5;

/// Something that a reader of a result must know.
#[derive(Debug, Clone, PartialEq)]
pub enum Caution {
    /// The dashboard's queries take a tenth of the capacity or more.
    QueriesCost,
    /// The capacity was searched without the dashboard's queries, and does not hold its objective with them.
    BesideQueries {
        /// 99th percentile of indexing at 100 % of the capacity, in milliseconds.
        p99_ms: f64,
        /// `P99_MS`.
        limit_ms: f64,
    },
    /// Generator and target share a machine.
    CoLocated,
    /// The generator was at fault for the answer.
    GeneratorLimited,
    /// The generator was at fault during a level.
    VoidLevel {
        /// The level in percent of the capacity.
        load_percent: u32,
        /// Why it is void.
        reason: String,
    },
    /// Fewer connections could be opened than were asked for.
    LanesClamped {
        /// `LANES_MAX`.
        wanted: u64,
        /// Connections that the file descriptors allow.
        allowed: u32,
    },
    /// The confirmation holds by its measured values only.
    FewSamples,
    /// Too few queries a level to bound a p99.
    DashboardSamples {
        /// The fewest of any level.
        samples: u64,
        /// Whether limits of the sign-off file were left out for it.
        is_left_out: bool,
    },
    /// Settings went before other values of the sign-off file.
    SloOverridden {
        /// Each with its value and that of the file.
        settings: Vec<String>,
    },
    /// Agents were lost during the run.
    AgentsLost {
        /// Each with the trial and how that showed.
        losses: Vec<String>,
    },
    /// The bracket that an unconfirmed search had come to.
    UnconfirmedBracket {
        /// Highest rate that passed, in documents per second.
        low_rps: f64,
        /// Lowest rate that failed, in documents per second.
        high_rps: f64,
    },
    /// Levels were not measured although a capacity was certified.
    LevelsMissing {
        /// Why.
        reason: String,
    },
    /// What the target holds was not counted.
    NotCounted {
        /// Documents that it accepted.
        accepted: u64,
        /// Why not, where it can count.
        reason: Option<String>,
    },
    /// Only a total was counted, and no names.
    TotalOnly,
    /// Rates within reasons are those of requests.
    Batched {
        /// Documents of one request.
        batch: u64,
    },
    /// Any certificate of the target was taken.
    Insecure,
    /// Connections that are closed from the generator's side use its ports up.
    Ports {
        /// The most that were held.
        held: u64,
        /// How many there are.
        ports: u64,
    },
    /// Times beyond what the histograms hold.
    Overflow {
        /// How many.
        times: u64,
    },
}

/// What a reader of `run` must know, the gravest first.
#[must_use]
pub fn cautions(run: &RunRecord) -> Vec<Caution> {
    let has_flag = |name: &str| run.capacity.flags.iter().any(|flag| flag == name);
    let mut found = Vec::new();
    if run.capacity.finding == "generator_limited" {
        found.push(Caution::GeneratorLimited);
    }
    found.extend(void_levels(run));
    if let (Some(reason), true) = (&run.levels_missing, run.capacity.rps.is_some()) {
        found.push(Caution::LevelsMissing { reason: reason.clone() });
    }
    if let (None, Some(low_rps), Some(high_rps)) =
        (run.capacity.rps, run.capacity.low_rps, run.capacity.high_rps)
    {
        found.push(Caution::UnconfirmedBracket { low_rps, high_rps });
    }
    if has_flag("few_samples") {
        found.push(Caution::FewSamples);
    }
    let times = run.levels.iter().map(|level| &level.dashboard.response_ms);
    let samples = times.filter(|times| times.p99_high.is_none()).map(|times| times.samples).min();
    let is_left_out = p99_left_out(run);
    found.extend(samples.map(|samples| Caution::DashboardSamples { samples, is_left_out }));
    found.extend(slo_overridden(run));
    if has_flag("queries_cost") {
        found.push(Caution::QueriesCost);
    }
    found.extend(beside_queries(run));
    if has_flag("co_located") {
        found.push(Caution::CoLocated);
    }
    found.extend(agents_lost(run));
    found.extend(lanes_clamped(run));
    if run.setting("INSECURE") == Some("true") {
        found.push(Caution::Insecure);
    }
    found.extend(ports_short(run));
    if run.verification.found.is_none() && run.verification.accepted > 0 {
        let reason = run.verification.not_verified.clone();
        found.push(Caution::NotCounted { accepted: run.verification.accepted, reason });
    }
    if run.verification.found.is_some() && run.verification.doubled.is_none() {
        found.push(Caution::TotalOnly);
    }
    let batch = run.setting("BATCH").and_then(|text| text.parse().ok()).unwrap_or(1);
    if batch > 1 {
        found.push(Caution::Batched { batch });
    }
    if run.generator.overflow > 0 {
        found.push(Caution::Overflow { times: run.generator.overflow });
    }
    found
}

/// One line for each caution.
#[must_use]
pub fn caution_lines(cautions: &[Caution]) -> String {
    cautions.iter().map(|caution| figure::entry("caution", &caution.to_string())).collect()
}

/// A search without queries answers another question than the 100 % level with them asks.
fn beside_queries(run: &RunRecord) -> Option<Caution> {
    let level = run.levels.iter().find(|level| level.load_percent == CAPACITY_PERCENT)?;
    let p99_ms = level.index.as_ref()?.response_ms.p99?;
    let limit_ms: f64 = run.setting("P99_MS")?.parse().ok()?;
    let is_without = run.setting("MIX") == Some("false");
    (is_without && p99_ms > limit_ms).then_some(Caution::BesideQueries { p99_ms, limit_ms })
}

fn void_levels(run: &RunRecord) -> impl Iterator<Item = Caution> {
    run.levels.iter().filter_map(|level| {
        let trial = run.trials.iter().find(|trial| trial.id == level.trial && trial.is_void())?;
        let reason = trial.reasons.join("; ");
        Some(Caution::VoidLevel { load_percent: level.load_percent, reason })
    })
}

fn agents_lost(run: &RunRecord) -> Option<Caution> {
    let losses = run.agents.iter().flat_map(|agent| {
        agent.lost.iter().map(|loss| {
            let (name, why) = (figure::plain(&agent.name), figure::plain(&loss.why));
            format!("{name} in {}: {why}", loss.trial)
        })
    });
    let losses: Vec<String> = losses.collect();
    (!losses.is_empty()).then_some(Caution::AgentsLost { losses })
}

fn lanes_clamped(run: &RunRecord) -> Option<Caution> {
    let wanted = run.setting("LANES_MAX")?.parse().ok()?;
    let allowed = run.generator.lanes_max?;
    // None at all were those of a trial that nobody sent.
    (allowed > 0 && u64::from(allowed) < wanted)
        .then_some(Caution::LanesClamped { wanted, allowed })
}

fn ports_short(run: &RunRecord) -> Option<Caution> {
    let (held, ports) = (run.generator.ports_held?, run.generator.ports?);
    (held as f64 > PORTS_RATIO * ports as f64).then_some(Caution::Ports { held, ports })
}

/// Whether the sign-off file has a limit of a dashboard p99 that no criterion of its own judges.
fn p99_left_out(run: &RunRecord) -> bool {
    let is_judged = |limits: &DashboardSlo| {
        let own = format!("dashboard_p99_at_{}", limits.load_percent);
        run.criteria.iter().any(|one| one.name == own)
    };
    let mut asked = run.slo.iter().flat_map(|slo| &slo.dashboard);
    asked.any(|limits| limits.p99_ms.is_some() && !is_judged(limits))
}

/// The settings that are held against other values than those of the sign-off file.
///
/// By their values, not by their origins: of a run that was gone on with, every setting was given.
fn slo_overridden(run: &RunRecord) -> Option<Caution> {
    let slo = run.slo.as_ref()?;
    let at_capacity = slo.dashboard_at(CAPACITY_PERCENT).copied().unwrap_or_default();
    let in_ms = |limit: Option<u64>| limit.map(|limit_ms| limit_ms as f64);
    let values = [
        ("GOAL_RPS", slo.goal.index_rps),
        ("HEADROOM_RATIO", slo.goal.headroom_ratio),
        ("P99_MS", in_ms(slo.index.p99_ms)),
        ("ERROR_RATIO", slo.index.error_ratio),
        ("TIMEOUT_MS", in_ms(slo.index.timeout_ms)),
        ("DASHBOARD_P99_MS", in_ms(at_capacity.p99_ms)),
        ("DASHBOARD_ERROR_RATIO", at_capacity.error_ratio),
    ];
    let settings = values.into_iter().filter_map(|(key, wanted)| {
        let (wanted, counts) = (wanted?, run.setting(key)?.parse::<f64>().ok()?);
        let is_other = counts.total_cmp(&wanted).is_ne();
        is_other.then(|| format!("{key}={counts} (the file has {wanted})"))
    });
    let settings: Vec<String> = settings.collect();
    (!settings.is_empty()).then_some(Caution::SloOverridden { settings })
}

/// The range of a bracket in words, as in the headline.
#[must_use]
pub fn bracket(low_rps: Option<f64>, high_rps: Option<f64>) -> String {
    format!("{} – {}", figure::rate(low_rps), figure::rate(high_rps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{capacity, run, setting as setting_of, terms};
    use crate::report::schema::CriterionRecord;
    use crate::report::slo::read;
    use crate::search::finding::{Finding, Flag};

    #[test]
    fn a_run_with_enough_of_everything_only_says_that_nothing_was_counted() {
        let run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        assert_eq!(cautions(&run), [Caution::NotCounted { accepted: 15_900, reason: None }]);
    }

    #[test]
    fn each_flaw_of_a_run_has_its_caution() {
        let mut capacity = capacity(Finding::Capacity, Some(400.0));
        capacity.flags = vec![Flag::FewSamples, Flag::CoLocated];
        let mut run = run(capacity, terms(), 100);
        run.trials[1].verdict = "void".to_owned();
        run.trials[1].reasons = vec!["lateness: requests left late".to_owned()];
        run.levels_missing = Some("the time was up".to_owned());
        run.generator.lanes_max = Some(1000);
        run.generator.overflow = 3;
        (run.generator.ports_held, run.generator.ports) = (Some(15_000), Some(28_232));
        let found = cautions(&run);
        for expected in [
            Caution::VoidLevel { load_percent: 0, reason: run.trials[1].reasons[0].clone() },
            Caution::LevelsMissing { reason: "the time was up".to_owned() },
            Caution::FewSamples,
            Caution::DashboardSamples { samples: 100, is_left_out: false },
            Caution::CoLocated,
            Caution::LanesClamped { wanted: 4096, allowed: 1000 },
            Caution::Overflow { times: 3 },
            Caution::Ports { held: 15_000, ports: 28_232 },
        ] {
            assert!(found.contains(&expected), "{expected:?} is not among {found:?}");
        }
    }

    #[test]
    fn a_capacity_that_the_queries_take_away_is_said_to_be_one() {
        let mut run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        let settings = [("MIX", "false"), ("P99_MS", "100")];
        run.settings.extend(settings.map(|(key, value)| (key.to_owned(), setting_of(value))));
        let lines = caution_lines(&cautions(&run)).replace("\n           ", " ");
        assert!(lines.contains("(indexing p99 118 ms, limit 100 ms); MIX=true"), "{lines}");
        run.settings.insert("P99_MS".to_owned(), setting_of("1000"));
        let lines = caution_lines(&cautions(&run));
        assert!(!lines.contains("MIX=true"), "within the limit: {lines}");
    }

    #[test]
    fn what_goes_before_the_sign_off_file_is_told() {
        let mut run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        let slo =
            "[goal]\nindex_rps = 200\n[index]\np99_ms = 250\n[dashboard.\"100%\"]\np99_ms = 900";
        run.slo = Some(read("slo.toml", slo).unwrap());
        for (key, value) in [("GOAL_RPS", "200"), ("P99_MS", "250"), ("DASHBOARD_P99_MS", "none")] {
            run.settings.insert(key.to_owned(), setting_of(value));
        }
        assert_eq!(slo_overridden(&run), None, "the file's own values");
        run.settings.insert("P99_MS".to_owned(), setting_of("2000"));
        run.settings.insert("DASHBOARD_P99_MS".to_owned(), setting_of("5000"));
        let lines = caution_lines(&cautions(&run)).replace("\n           ", " ");
        let told = "P99_MS=2000 (the file has 250), DASHBOARD_P99_MS=5000 (the file has 900)";
        assert!(lines.contains(told), "{lines}");
    }

    #[test]
    fn each_limit_of_a_dashboard_p99_is_left_out_for_itself() {
        let mut run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        let slo = "[dashboard.\"50%\"]\np99_ms = 900\n[dashboard.\"100%\"]\np99_ms = 900";
        run.slo = Some(read("slo.toml", slo).unwrap());
        let judged = run.criteria[0].clone();
        let named = |name: &str| CriterionRecord { name: name.to_owned(), ..judged.clone() };
        run.criteria.push(named("dashboard_p99_at_50"));
        assert!(p99_left_out(&run), "the one at 100 % is not judged");
        run.criteria.push(named("dashboard_p99_at_100"));
        assert!(!p99_left_out(&run), "both are");
    }

    #[test]
    fn an_unconfirmed_bracket_is_called_a_hint() {
        let mut capacity = capacity(Finding::Unconfirmed, Some(400.0));
        capacity.rps = None;
        let lines = caution_lines(&cautions(&run(capacity, terms(), 0)));
        assert!(lines.contains("400.0 – 414.0 documents/s: a hint"), "{lines}");
    }
}
