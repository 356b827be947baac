//! The figures of a run for Prometheus: put down by whoever looks at its trials, read by whoever asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use super::exposition::Format;
use super::exposition::exposition;
use super::figures::Figures;
use crate::report::recent::StreamNow;
use crate::search::Standing;
use crate::trial::result::TrialResult;
use crate::trial::{Tick, TrialPlan};

/// The figures of one run, shared between the thread that measures and the one that serves.
///
/// Counters begin at zero with the process, as Prometheus expects it: a run that is gone on with counts anew.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    figures: Arc<Mutex<Figures>>,
}

impl Metrics {
    /// A trial begins.
    pub fn begins(&self, plan: &TrialPlan) {
        self.figures().begins(plan);
    }

    /// Where the search stands, in documents.
    pub fn stands(&self, standing: &Standing) {
        self.figures().stands(standing);
    }

    /// A look at the running trial, and what `now` says of the last second of each of its streams.
    pub fn looks(&self, tick: &Tick<'_>, now: &[StreamNow]) {
        let mut figures = self.figures();
        for (view, now) in tick.streams.iter().zip(now) {
            figures.looks(view.plan, view.tally, now);
        }
    }

    /// A trial has ended and is judged.
    pub fn finished(&self, result: &TrialResult, verdict: &str) {
        let mut figures = self.figures();
        for stream in &result.streams {
            figures.ends(&stream.plan, &stream.tally);
        }
        // Each stream is held against the limit by itself.
        let late_ms = result.streams.iter().filter_map(|it| it.tally.lateness.quantile_ms(0.99));
        figures.lateness_p99_s = late_ms.max_by(f64::total_cmp).map(|late_ms| late_ms / 1000.0);
        figures.judged(verdict);
    }

    /// All figures as text; empty where they cannot be written.
    #[must_use]
    pub fn text(&self, format: Format) -> String {
        // A copy: whoever measures must not wait while text is written.
        let figures = self.figures().clone();
        exposition(figures, format).unwrap_or_default()
    }

    fn figures(&self) -> MutexGuard<'_, Figures> {
        // Figures are plain numbers: whatever another thread left is worth showing.
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{stream_result, trial_result};
    use crate::schedule::Part;
    use crate::trial::outcome::{Documents, Ending, Outcome};
    use crate::trial::tally::Tally;
    use crate::trial::{Purpose, Workload};
    use crate::units::{OffsetNs, Rps};

    fn full() -> Metrics {
        let metrics = Metrics::default();
        let stream = stream_result(Workload::Index, 400.0, 4000, 40);
        let trial = trial_result(9, Purpose::Soak, vec![stream]);
        metrics.begins(&trial.plan);
        metrics.stands(&Standing {
            low: Rps::new(375.0),
            high: None,
            believed_rps: Some(398.5),
            deviation_ratio: None,
            confirmed: Rps::new(397.2),
            aim: "soak",
        });
        metrics.finished(&trial, "sustained");
        metrics
    }

    #[test]
    fn the_text_names_every_figure_with_its_meaning() {
        let text = full().text(Format::Classic);
        let without_buckets: Vec<&str> =
            text.lines().filter(|line| !line.contains("_bucket{")).collect();
        insta::assert_snapshot!(without_buckets.join("\n"), @r#"
        # HELP plimsoll_offered_rps Documents or queries per second that are scheduled now; 0 between trials
        # TYPE plimsoll_offered_rps gauge
        plimsoll_offered_rps{workload="index"} 0.0
        # HELP plimsoll_accepted_rps Documents or queries per second that were accepted over the last second of a trial
        # TYPE plimsoll_accepted_rps gauge
        plimsoll_accepted_rps{workload="index"} 0.0
        # HELP plimsoll_in_flight Documents or queries that were due and have not ended
        # TYPE plimsoll_in_flight gauge
        plimsoll_in_flight{workload="index"} 0.0
        # HELP plimsoll_requests_total HTTP requests by how they ended; probes between trials are not among them
        # TYPE plimsoll_requests_total counter
        plimsoll_requests_total{workload="index",part="warm_up",ending="accepted"} 0
        plimsoll_requests_total{workload="index",part="warm_up",ending="refused"} 0
        plimsoll_requests_total{workload="index",part="warm_up",ending="timed_out"} 0
        plimsoll_requests_total{workload="index",part="warm_up",ending="broken"} 0
        plimsoll_requests_total{workload="index",part="warm_up",ending="unsent"} 0
        plimsoll_requests_total{workload="index",part="measured",ending="accepted"} 3960
        plimsoll_requests_total{workload="index",part="measured",ending="refused"} 0
        plimsoll_requests_total{workload="index",part="measured",ending="timed_out"} 40
        plimsoll_requests_total{workload="index",part="measured",ending="broken"} 0
        plimsoll_requests_total{workload="index",part="measured",ending="unsent"} 0
        # HELP plimsoll_documents_total Documents or queries by how their request ended, as result.json counts them
        # TYPE plimsoll_documents_total counter
        plimsoll_documents_total{workload="index",part="warm_up",ending="accepted"} 0
        plimsoll_documents_total{workload="index",part="warm_up",ending="refused"} 0
        plimsoll_documents_total{workload="index",part="warm_up",ending="timed_out"} 0
        plimsoll_documents_total{workload="index",part="warm_up",ending="broken"} 0
        plimsoll_documents_total{workload="index",part="warm_up",ending="unsent"} 0
        plimsoll_documents_total{workload="index",part="measured",ending="accepted"} 3960
        plimsoll_documents_total{workload="index",part="measured",ending="refused"} 0
        plimsoll_documents_total{workload="index",part="measured",ending="timed_out"} 40
        plimsoll_documents_total{workload="index",part="measured",ending="broken"} 0
        plimsoll_documents_total{workload="index",part="measured",ending="unsent"} 0
        # HELP plimsoll_response_seconds Time from when a request was due to the end of its answer, warm-ups apart; one that never answered counts with at least its time-out
        # TYPE plimsoll_response_seconds histogram
        plimsoll_response_seconds_sum{workload="index"} 475.39361599999998
        plimsoll_response_seconds_count{workload="index"} 4000
        # HELP plimsoll_search_low_rps The highest rate that holds so far, in documents per second
        # TYPE plimsoll_search_low_rps gauge
        plimsoll_search_low_rps 375.0
        # HELP plimsoll_search_believed_rps Where all trials together place the capacity, in documents per second
        # TYPE plimsoll_search_believed_rps gauge
        plimsoll_search_believed_rps 398.5
        # HELP plimsoll_capacity_rps The rate that a soak has confirmed, in documents per second
        # TYPE plimsoll_capacity_rps gauge
        plimsoll_capacity_rps 397.2
        # HELP plimsoll_generator_lateness_p99_seconds Time by which the generator itself took requests up late, 99th percentile of the last trial that has ended, of its latest stream
        # TYPE plimsoll_generator_lateness_p99_seconds gauge
        plimsoll_generator_lateness_p99_seconds 0.00005
        # HELP plimsoll_trials_total Trials that have ended, by verdict
        # TYPE plimsoll_trials_total counter
        plimsoll_trials_total{verdict="sustained"} 1
        # HELP plimsoll_trial_info The trial under way, or the last one; its verdict is `running` until it is judged
        # TYPE plimsoll_trial_info gauge
        plimsoll_trial_info{trial="t9",purpose="soak",verdict="sustained"} 1.0
        "#);
    }

    #[test]
    fn a_request_counts_once_and_each_of_its_documents_too() {
        let mut stream = stream_result(Workload::Index, 100.0, 100, 0);
        stream.plan.batch = 10;
        stream.tally = Tally::new(0.0, 1.0, 5_000_000_000, None);
        for number in 0..100_u32 {
            let due = OffsetNs::from_s(f64::from(number) / 100.0);
            stream.tally.arrive(due, Part::Measured);
            stream.tally.record(&outcome(due, due, Documents::all_alike(10)));
        }
        let metrics = Metrics::default();
        metrics.finished(&trial_result(1, Purpose::Soak, vec![stream]), "sustained");
        let text = metrics.text(Format::Classic);
        for (name, count) in [("requests", 100), ("documents", 1000)] {
            let labels = "{workload=\"index\",part=\"measured\",ending=\"accepted\"}";
            let sample = format!("plimsoll_{name}_total{labels} {count}\n");
            assert!(text.contains(&sample), "{sample} is not in {text}");
        }
    }

    #[test]
    fn the_lateness_is_that_of_the_latest_stream() {
        let punctual = stream_result(Workload::Index, 1000.0, 20_000, 0);
        let mut late = stream_result(Workload::Dashboard, 5.0, 100, 0);
        late.tally = Tally::new(0.0, 20.0, 5_000_000_000, None);
        for number in 0..100_u32 {
            let due = OffsetNs::from_s(f64::from(number) / 5.0);
            late.tally.arrive(due, Part::Measured);
            late.tally.record(&outcome(due, due.plus_ns(30_000_000), Documents::ONE));
        }
        let metrics = Metrics::default();
        let streams = vec![punctual, late];
        metrics.finished(&trial_result(1, Purpose::Soak, streams), "void");
        let late_s = metrics.figures().lateness_p99_s.unwrap();
        assert!((late_s - 0.03).abs() < 0.001, "{late_s} s, whatever the other stream sends");
    }

    fn outcome(due: OffsetNs, taken: OffsetNs, documents: Documents) -> Outcome {
        Outcome {
            due,
            taken,
            sent: Some(taken),
            ended: taken,
            status: Some(200),
            ending: Ending::Accepted,
            documents,
            part: Part::Measured,
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let text = full().text(Format::Classic);
        assert!(!text.contains("plimsoll_search_high_rps"), "nothing has failed yet: {text}");
        assert_eq!(Metrics::default().text(Format::Classic), "", "nothing has begun");
    }

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        let asked = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
        assert_eq!(Format::of(asked), Format::Open, "as Prometheus asks");
        assert_eq!(Format::of("*/*"), Format::Classic, "as curl asks");
        let text = full().text(Format::Open);
        assert!(text.ends_with("# EOF\n"), "{text}");
        assert!(text.contains("# UNIT plimsoll_response_seconds seconds\n"), "{text}");
    }
}
