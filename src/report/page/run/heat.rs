//! The response times of a whole run, second by second, sorted into the fields of a heat map.

use std::collections::BTreeMap;

use crate::report::page::chart::Cells;
use crate::report::record::TrialRecord;
use crate::trial::Workload;
use crate::trial::latency::LatencyLog;
use crate::units::{round_to_u64, usize_to_u64};

/// Columns of a heat map, at most: one is a few pixels wide.
const COLUMNS_MAX: f64 = 180.0;
/// Rows for each tenfold of the response time.
const ROWS_PER_DECADE: f64 = 8.0;
/// Times below it are as good as none, in milliseconds.
const SHORTEST_MS: f64 = 0.1;
/// Shares of a column's responses at which a field gets its next depth of colour.
const DEPTHS: [f64; 5] = [0.003, 0.01, 0.03, 0.1, 0.3];

/// The fields of `workload` over a run of `run_s` seconds; `None` where no second tells its response times.
pub(super) fn cells(trials: &[TrialRecord], workload: Workload, run_s: f64) -> Option<Cells> {
    let x_step = (run_s / COLUMNS_MAX).max(1.0);
    let mut counted: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for trial in trials {
        let seconds = trial.stream(workload).map(|stream| stream.seconds.as_slice());
        for second in seconds.unwrap_or_default() {
            let Some(log) = second.hdr.as_deref().and_then(LatencyLog::decoded) else { continue };
            let at_s = trial.started_s + trial.warmup_s + second.t_s as f64;
            let column = round_to_u64((at_s / x_step).floor());
            for step in log.histogram_us().iter_recorded() {
                let span_ms = step.value_iterated_to() as f64 / 1000.0;
                let field = counted.entry((column, row(span_ms))).or_default();
                *field += u64::from(step.count_at_value());
            }
        }
    }
    let lowest = counted.keys().map(|(_, row)| *row).min()?;
    let y_ratio = 10_f64.powf(1.0 / ROWS_PER_DECADE);
    let mut totals: BTreeMap<u64, u64> = BTreeMap::new();
    for ((column, _), count) in &counted {
        *totals.entry(*column).or_default() += count;
    }
    let filled = counted.into_iter().map(|((column, row), count)| {
        let total = totals.get(&column).copied().unwrap_or(count);
        [column, row - lowest, depth(count as f64 / total as f64), count]
    });
    Some(Cells {
        x_low: 0.0,
        x_step,
        y_low: SHORTEST_MS * y_ratio.powf(lowest as f64),
        y_ratio,
        filled: filled.collect(),
        depths: ["share of its moment: up to 0.3 %", "1 %", "3 %", "10 %", "30 %", "more"]
            .map(str::to_owned)
            .to_vec(),
    })
}

fn row(span_ms: f64) -> u64 {
    round_to_u64(((span_ms / SHORTEST_MS).log10() * ROWS_PER_DECADE).floor())
}

/// From 1, the palest, to [`Cells::DEPTHS`].
fn depth(share_ratio: f64) -> u64 {
    1 + usize_to_u64(DEPTHS.iter().filter(|limit| share_ratio > **limit).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{capacity, run, terms};
    use crate::search::finding::Finding;

    #[test]
    fn no_response_is_lost_between_the_seconds_and_the_fields() {
        let run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        for workload in [Workload::Index, Workload::Dashboard] {
            let cells = cells(&run.trials, workload, 200.0).unwrap();
            let shown: u64 = cells.filled.iter().map(|[.., count]| count).sum();
            let streams = run.trials.iter().filter_map(|trial| trial.stream(workload));
            let measured: u64 = streams.map(|stream| stream.response_ms.samples).sum();
            assert_eq!(shown, measured, "{workload:?}");
            let is_depth = |cell: &[u64; 4]| (1..=Cells::DEPTHS).contains(&cell[2]);
            assert!(cells.filled.iter().all(is_depth), "every depth has a colour");
        }
    }

    #[test]
    fn a_run_of_hours_has_no_more_columns_than_one_of_minutes() {
        let run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        let cells = cells(&run.trials, Workload::Index, 7200.0).unwrap();
        assert!((cells.x_step - 40.0).abs() < 1e-9, "40 s a column, not {}", cells.x_step);
    }

    #[test]
    fn results_of_earlier_versions_have_no_fields() {
        let mut run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        for stream in run.trials.iter_mut().flat_map(|trial| &mut trial.streams) {
            stream.seconds.iter_mut().for_each(|second| second.hdr = None);
        }
        assert_eq!(cells(&run.trials, Workload::Index, 200.0), None, "no times, no fields");
    }
}
