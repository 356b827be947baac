//! What a running trial did in its last second, from the looks at it: for whoever shows it live.

use std::collections::{BTreeMap, VecDeque};

use super::record::TrialRecord;
use super::schema::RUNNING;
use crate::trial::evidence::Evidence;
use crate::trial::latency::LatencyLog;
use crate::trial::result::{StreamResult, TrialResult, Vitals};
use crate::trial::{StreamView, Tick, TrialPlan, Workload};
use crate::units::{OffsetNs, round_to_u64};

/// Length of the look back, in seconds.
const BACK_S: f64 = 1.0;
/// A rate over less than this says nothing.
const LEAST_S: f64 = 0.4;

/// One stream of a running trial, as it is now; rates and counts are in documents (or queries).
#[derive(Debug, Clone, PartialEq)]
pub struct StreamNow {
    /// Which one.
    pub workload: Workload,
    /// The rate that is scheduled.
    pub offered_rps: f64,
    /// The rate that was accepted over the last second; `None` at the very beginning.
    pub accepted_rps: Option<f64>,
    /// What ended otherwise since the trial began.
    pub failed: u64,
    /// What was due and has not ended.
    pub in_flight: u64,
    /// Of the requests that ended in the last second, the time that 99 % did not exceed; the longest where they are
    /// fewer than 100. `None` where none ended, and during the warm-up.
    pub p99_ms: Option<f64>,
    /// The limit that a response time is held against, where there is one.
    pub limit_ms: Option<u64>,
}

/// The looks of the last second.
#[derive(Debug, Default)]
pub struct Recent {
    looks: VecDeque<Look>,
}

#[derive(Debug)]
struct Look {
    at_s: f64,
    /// Accepted documents and response times, stream by stream.
    streams: Vec<(u64, LatencyLog)>,
}

impl Recent {
    /// Another trial begins.
    pub fn begins(&mut self) {
        self.looks.clear();
    }

    /// Takes a look at a trial: each of its streams as it is now.
    pub fn look(&mut self, tick: &Tick<'_>) -> Vec<StreamNow> {
        // The youngest that is old enough stays to be compared with.
        let is_old = |look: &Look| tick.at_s - look.at_s >= BACK_S - 1e-9;
        while self.looks.get(1).is_some_and(is_old) {
            self.looks.pop_front();
        }
        let earlier = self.looks.front();
        let now = tick.streams.iter().enumerate().map(|(position, view)| {
            let before = earlier.and_then(|look| look.streams.get(position));
            let since_s = tick.at_s - earlier.map_or(0.0, |look| look.at_s);
            stream_now(view, before, since_s)
        });
        let now = now.collect();
        let kept = tick.streams.iter().map(|view| (accepted(view), view.tally.response.clone()));
        self.looks.push_back(Look { at_s: tick.at_s, streams: kept.collect() });
        now
    }
}

/// The record of a trial that is under way since `started_s`, cut at what was seen of it; its verdict is
/// [`RUNNING`]. `None` during its warm-up.
#[must_use]
pub fn under_way(plan: &TrialPlan, tick: &Tick<'_>, started_s: f64) -> Option<TrialRecord> {
    let measure_s = (tick.at_s - plan.warmup_s).min(plan.measure_s);
    if measure_s <= 0.0 {
        return None;
    }
    let streams = tick.streams.iter().map(|view| {
        let mut tally = view.tally.clone();
        tally.cut(OffsetNs::from_s(tick.at_s));
        StreamResult { plan: view.plan.clone(), tally }
    });
    let result = TrialResult {
        plan: TrialPlan { measure_s, ..plan.clone() },
        streams: streams.collect(),
        stopped: None,
        started_s,
        vitals: Vitals::default(),
        visible: tick.visible.to_vec(),
        server: BTreeMap::new(),
        agents: Vec::new(),
        lapses: Vec::new(),
        merged_after_s: None,
    };
    let mut record = TrialRecord::new(&result, &Evidence::nothing_yet());
    RUNNING.clone_into(&mut record.verdict);
    Some(record)
}

fn stream_now(
    view: &StreamView<'_>,
    before: Option<&(u64, LatencyLog)>,
    since_s: f64,
) -> StreamNow {
    let (plan, tally) = (view.plan, view.tally);
    let came = accepted(view).saturating_sub(before.map_or(0, |(accepted, _)| *accepted));
    let ended = before.map_or_else(|| tally.response.clone(), |(_, log)| tally.response.since(log));
    let rank = round_to_u64((ended.samples() as f64 * 0.99).ceil());
    StreamNow {
        workload: plan.workload,
        offered_rps: plan.documents_rps(),
        accepted_rps: (since_s >= LEAST_S).then(|| came as f64 / since_s),
        failed: tally.documents.failed() + tally.warm_up.documents.failed(),
        in_flight: view.outstanding * plan.batch,
        p99_ms: ended.rank_ms(rank),
        limit_ms: plan.slow_ms,
    }
}

/// Documents that were accepted so far, warm-up included.
const fn accepted(view: &StreamView<'_>) -> u64 {
    view.tally.documents.accepted + view.tally.warm_up.documents.accepted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{stream_result, trial_result};
    use crate::schedule::Part;
    use crate::trial::Purpose;
    use crate::trial::outcome::{Documents, Ending, Outcome};
    use crate::trial::tally::Tally;

    /// Looks at a trial of 400/s whose requests are recorded until each of these instants.
    fn looks(counts: &[(f64, u32)]) -> Vec<StreamNow> {
        looks_of(&mut Recent::default(), counts)
    }

    fn looks_of(recent: &mut Recent, counts: &[(f64, u32)]) -> Vec<StreamNow> {
        counts
            .iter()
            .map(|(at_s, count)| {
                let stream = stream_result(Workload::Index, 400.0, *count, 0);
                let view = StreamView { plan: &stream.plan, tally: &stream.tally, outstanding: 3 };
                recent.look(&Tick { at_s: *at_s, streams: vec![view], visible: &[] }).remove(0)
            })
            .collect()
    }

    #[test]
    fn the_accepted_rate_is_that_of_the_last_second() {
        let seen = looks(&[(0.5, 100), (1.0, 200), (1.5, 500), (2.0, 900)]);
        let rates: Vec<f64> = seen.iter().filter_map(|now| now.accepted_rps).collect();
        // At 2.0 s the look at 1.0 s is compared with.
        assert_eq!(
            rates.iter().map(|rate| rate.round()).collect::<Vec<_>>(),
            [200.0, 200.0, 400.0, 700.0]
        );
    }

    #[test]
    fn a_new_trial_is_not_held_against_the_one_before() {
        let mut recent = Recent::default();
        // One that was over before the first look at the next.
        looks_of(&mut recent, &[(0.3, 2000)]);
        recent.begins();
        let seen = looks_of(&mut recent, &[(0.5, 100)]);
        assert_eq!(seen[0].accepted_rps.map(f64::round), Some(200.0), "100 in half a second");
    }

    #[test]
    fn a_trial_under_way_has_the_rates_of_what_was_seen_of_it() {
        let stream = stream_result(Workload::Index, 400.0, 4000, 0);
        let trial = trial_result(3, Purpose::Soak, vec![stream]);
        let mut tally = Tally::new(0.0, 10.0, 5_000_000_000, None);
        for number in 0..100_u32 {
            let at = OffsetNs::from_s(f64::from(number) / 100.0);
            tally.arrive(at, Part::Measured);
            tally.record(&Outcome {
                due: at,
                taken: at,
                sent: Some(at),
                ended: at,
                status: Some(200),
                ending: Ending::Accepted,
                documents: Documents::ONE,
                part: Part::Measured,
            });
        }
        let view = StreamView { plan: &trial.plan.streams[0], tally: &tally, outstanding: 0 };
        let tick = Tick { at_s: 2.0, streams: vec![view], visible: &[] };
        let record = under_way(&trial.plan, &tick, 7.0).unwrap();
        assert_eq!((record.verdict.as_str(), record.id.as_str()), ("running", "t3"));
        let accepted_rps = record.streams[0].accepted_rps.map(f64::round);
        assert_eq!(accepted_rps, Some(50.0), "100 in 2 s, not in the 10 s of the plan");
        let early = Tick { at_s: 0.0, streams: Vec::new(), visible: &[] };
        assert!(under_way(&trial.plan, &early, 7.0).is_none(), "nothing to tell yet");
    }

    #[test]
    fn nothing_that_ended_has_no_time() {
        let seen = looks(&[(0.5, 100), (1.0, 100)]);
        assert!(seen[0].p99_ms.is_some_and(|p99_ms| p99_ms > 100.0), "{:?}", seen[0]);
        let later = looks(&[(0.5, 100), (1.5, 100), (2.0, 100)]);
        assert_eq!(later[2].p99_ms, None, "nothing ended in the last second: {:?}", later[2]);
    }
}
