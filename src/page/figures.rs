//! The figures of a run so far, as they are put down twice a second.

use crate::report::recent::StreamNow;
use crate::search::Standing;
use crate::trial::counts::EndingCounts;
use crate::trial::latency::LatencyLog;
use crate::trial::tally::Tally;
use crate::trial::{StreamPlan, TrialPlan, Workload};
use crate::units::Rps;

/// Upper ends of the buckets of response times, in seconds: six to a power of ten.
pub(super) const BUCKETS_S: [f64; 29] = [
    0.001, 0.0015, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2,
    0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 30.0, 60.0, 120.0,
];

/// Everything that is exported.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Figures {
    /// The trial under way, or the last one.
    pub(super) trial: Option<TrialFigure>,
    /// Trials that have ended, by their verdicts.
    pub(super) trials: Vec<(String, u64)>,
    /// What was offered so far.
    pub(super) streams: Vec<StreamFigures>,
    pub(super) low_rps: Option<f64>,
    pub(super) high_rps: Option<f64>,
    pub(super) believed_rps: Option<f64>,
    pub(super) capacity_rps: Option<f64>,
    /// The generator's own lateness in the last trial that has ended, of its latest stream.
    pub(super) lateness_p99_s: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrialFigure {
    pub(super) id: String,
    pub(super) purpose: String,
    /// `running` until it is judged.
    pub(super) verdict: String,
}

/// One workload over the whole run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StreamFigures {
    pub(super) workload: Workload,
    pub(super) offered_rps: f64,
    pub(super) accepted_rps: f64,
    pub(super) in_flight: u64,
    /// Of the trials that have ended.
    ended: Sums,
    /// Of the one under way.
    running: Sums,
}

/// What adds up over trials.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sums {
    /// Requests of the warm-ups and of the measured parts.
    pub(super) requests: [EndingCounts; 2],
    /// Their documents.
    pub(super) documents: [EndingCounts; 2],
    pub(super) response: Buckets,
}

/// Response times by bucket; the last one is without an end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Buckets {
    pub(super) counts: [u64; BUCKETS_S.len() + 1],
    pub(super) sum_s: f64,
}

impl Figures {
    pub(super) fn begins(&mut self, plan: &TrialPlan) {
        self.trial = Some(TrialFigure {
            id: plan.id.to_string(),
            purpose: plan.purpose.name(),
            verdict: "running".to_owned(),
        });
        for planned in &plan.streams {
            self.stream(planned).offered_rps = planned.documents_rps();
        }
    }

    pub(super) fn stands(&mut self, standing: &Standing) {
        self.low_rps = standing.low.map(Rps::get);
        self.high_rps = standing.high.map(Rps::get);
        self.believed_rps = standing.believed_rps;
        self.capacity_rps = standing.confirmed.map(Rps::get);
    }

    pub(super) fn looks(&mut self, plan: &StreamPlan, tally: &Tally, now: &StreamNow) {
        let stream = self.stream(plan);
        stream.accepted_rps = now.accepted_rps.unwrap_or_default();
        stream.in_flight = now.in_flight;
        stream.running = Sums::of(tally);
    }

    /// A stream of the trial under way is over.
    pub(super) fn ends(&mut self, plan: &StreamPlan, tally: &Tally) {
        let stream = self.stream(plan);
        stream.ended.add(&Sums::of(tally));
        stream.running = Sums::default();
        (stream.offered_rps, stream.accepted_rps, stream.in_flight) = (0.0, 0.0, 0);
    }

    pub(super) fn judged(&mut self, verdict: &str) {
        if let Some(trial) = &mut self.trial {
            verdict.clone_into(&mut trial.verdict);
        }
        match self.trials.iter_mut().find(|(known, _)| known == verdict) {
            Some((_, count)) => *count += 1,
            None => self.trials.push((verdict.to_owned(), 1)),
        }
    }

    #[allow(clippy::indexing_slicing, reason = "it was just found or put at the end")]
    fn stream(&mut self, plan: &StreamPlan) -> &mut StreamFigures {
        let known = self.streams.iter().position(|stream| stream.workload == plan.workload);
        let position = known.unwrap_or_else(|| {
            self.streams.push(StreamFigures {
                workload: plan.workload,
                offered_rps: 0.0,
                accepted_rps: 0.0,
                in_flight: 0,
                ended: Sums::default(),
                running: Sums::default(),
            });
            self.streams.len() - 1
        });
        &mut self.streams[position]
    }
}

impl StreamFigures {
    /// Of all trials, the one under way included.
    pub(super) fn sums(&self) -> Sums {
        let mut sums = self.ended.clone();
        sums.add(&self.running);
        sums
    }
}

impl Sums {
    fn of(tally: &Tally) -> Self {
        Self {
            requests: [tally.warm_up.counts, tally.counts],
            documents: [tally.warm_up.documents, tally.documents],
            response: Buckets::of(&tally.response),
        }
    }

    fn add(&mut self, other: &Self) {
        let own = self.requests.iter_mut().chain(&mut self.documents);
        for (own, more) in own.zip(other.requests.iter().chain(&other.documents)) {
            own.merge(*more);
        }
        for (own, more) in self.response.counts.iter_mut().zip(&other.response.counts) {
            *own += more;
        }
        self.response.sum_s += other.response.sum_s;
    }
}

impl Buckets {
    fn of(log: &LatencyLog) -> Self {
        let mut buckets = Self::default();
        for step in log.histogram_us().iter_recorded() {
            let (time_s, count) = (step.value_iterated_to() as f64 / 1e6, step.count_at_value());
            let position = BUCKETS_S.partition_point(|end_s| *end_s < time_s);
            if let Some(bucket) = buckets.counts.get_mut(position) {
                *bucket += u64::from(count);
            }
            buckets.sum_s += time_s * f64::from(count);
        }
        buckets
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::stream_result;

    #[test]
    fn a_trial_counts_the_same_while_it_runs_and_when_it_has_ended() {
        let stream = stream_result(Workload::Index, 100.0, 1000, 30);
        let now = StreamNow {
            workload: Workload::Index,
            offered_rps: 100.0,
            accepted_rps: Some(97.0),
            failed: 30,
            in_flight: 2,
            p99_ms: None,
            limit_ms: None,
        };
        let mut figures = Figures::default();
        for _ in 0..2 {
            figures.looks(&stream.plan, &stream.tally, &now);
            let running = figures.streams[0].sums();
            figures.ends(&stream.plan, &stream.tally);
            assert_eq!(figures.streams[0].sums(), running, "nothing is lost or counted twice");
        }
        let sums = figures.streams[0].sums();
        assert_eq!((sums.documents[1].accepted, sums.documents[1].timed_out), (1940, 60));
        assert_eq!(sums.response.total(), 2000, "every ending has a response time");
        assert_eq!(figures.streams[0].in_flight, 0, "and nothing is under way");
    }

    #[test]
    fn times_lie_in_the_bucket_that_ends_at_or_above_them() {
        let stream = stream_result(Workload::Index, 100.0, 1000, 10);
        let buckets = Buckets::of(&stream.tally.response);
        let up_to = |end_s: f64| -> u64 {
            let ends = BUCKETS_S.iter().zip(&buckets.counts);
            ends.take_while(|(own_s, _)| **own_s <= end_s).map(|(_, count)| count).sum()
        };
        // Answers take 20 to 119 ms, ten each; the last ten never come and count as 5 s.
        assert_eq!(up_to(0.015), 0, "none is that fast");
        assert_eq!(up_to(0.15), 990, "all that were answered");
        assert_eq!(up_to(7.0), 1000, "and the time-outs");
        assert!((buckets.sum_s - 990.0 * 0.0695 - 50.0).abs() < 1.0, "{} s", buckets.sum_s);
    }
}
