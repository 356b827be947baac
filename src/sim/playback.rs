//! One trial in virtual time: arrivals and endings in the order in which they would happen.

use std::collections::VecDeque;
use std::iter::Peekable;

use super::World;
use crate::schedule::{Arrival, Schedule};
use crate::trial::outcome::Outcome;
use crate::trial::recovery::LossWatch;
use crate::trial::result::StreamResult;
use crate::trial::tally::Tally;
use crate::trial::{Flow, StopCause, StreamView, TICK_S, Tick, TrialPlan, Watch};
use crate::units::{OffsetNs, ms_to_ns};

/// A request whose ending is known and not yet due to be seen.
#[derive(Debug)]
struct Pending {
    stream: usize,
    outcome: Outcome,
}

/// A trial that is being played.
pub(super) struct Playback<'a> {
    plan: &'a TrialPlan,
    world: &'a mut World,
    /// Campaign time at which the schedule starts.
    start_ns: u64,
    schedules: Vec<Peekable<Schedule>>,
    tallies: Vec<Tally>,
    /// In the order of their endings. A service answers nearly in the order in which it was asked, so
    /// that a new one belongs at the end or a few places before it.
    pending: VecDeque<Pending>,
    loss: LossWatch,
    /// When the offering ends: as planned, or where it was stopped.
    end: OffsetNs,
    last_ended: OffsetNs,
}

impl<'a> Playback<'a> {
    pub(super) fn new(plan: &'a TrialPlan, world: &'a mut World, start_ns: u64) -> Self {
        let schedules = plan
            .streams
            .iter()
            .enumerate()
            .map(|(position, stream)| plan.schedule(position, stream).peekable())
            .collect();
        let tallies = plan
            .streams
            .iter()
            .map(|stream| {
                let slow_ns = stream.slow_ms.map(ms_to_ns);
                let timeout_ns = ms_to_ns(stream.timeout_ms);
                Tally::new(plan.warmup_s, plan.measure_s, timeout_ns, slow_ns)
            })
            .collect();
        Self {
            plan,
            world,
            start_ns,
            schedules,
            tallies,
            pending: VecDeque::new(),
            loss: LossWatch::default(),
            end: OffsetNs::from_s(plan.warmup_s + plan.measure_s),
            last_ended: OffsetNs(0),
        }
    }

    /// Plays the schedule to its end, or to the stop; then lets everything end that is under way.
    pub(super) fn play(
        mut self,
        watch: &mut impl Watch,
    ) -> (Vec<StreamResult>, Option<StopCause>, OffsetNs) {
        let end = self.end;
        let mut stopped = None;
        let mut tick_number = 1.0;
        while stopped.is_none() {
            let tick_at = OffsetNs::from_s(TICK_S * tick_number).min(end);
            stopped = self.play_until(tick_at);
            if stopped.is_some() || tick_at >= end {
                break;
            }
            stopped = self.look(tick_at, watch);
            tick_number += 1.0;
        }
        if stopped.is_none() {
            stopped = self.look(end, watch).filter(|cause| *cause != StopCause::Decided);
        }
        while self.end_next(OffsetNs(u64::MAX)) {}
        let streams =
            self.plan.streams.iter().cloned().zip(self.tallies).map(|(plan, mut tally)| {
                tally.close();
                StreamResult { plan, tally }
            });
        (streams.collect(), stopped, self.last_ended.max(self.end))
    }

    /// Everything up to `until`; an early end by too many outstanding requests.
    fn play_until(&mut self, until: OffsetNs) -> Option<StopCause> {
        while let Some((stream, arrival)) = self.next_arrival(until) {
            while self.end_next(arrival.due) {}
            self.take(stream, arrival);
            let outstanding = self.tallies.get(stream).map_or(0, Tally::outstanding);
            let bound = self.plan.streams.get(stream).and_then(|plan| plan.outstanding_max);
            if bound.is_some_and(|bound| outstanding > bound) {
                self.cut(arrival.due);
                return Some(StopCause::Outstanding);
            }
        }
        while self.end_next(until) {}
        None
    }

    fn look(&mut self, at: OffsetNs, watch: &mut impl Watch) -> Option<StopCause> {
        let streams = self.plan.streams.iter().zip(&self.tallies).map(|(plan, tally)| StreamView {
            plan,
            tally,
            outstanding: tally.outstanding(),
        });
        let flow = watch.tick(&Tick { at_s: at.as_s(), streams: streams.collect(), visible: &[] });
        let cause = match flow {
            _ if self.loss.is_lost() => StopCause::TargetLost,
            Flow::Stop(cause) => cause,
            Flow::Continue => return None,
        };
        self.cut(at);
        Some(cause)
    }

    fn cut(&mut self, at: OffsetNs) {
        self.end = at;
        for tally in &mut self.tallies {
            tally.cut(at);
        }
    }

    /// The next arrival of any stream that is due by `until`.
    fn next_arrival(&mut self, until: OffsetNs) -> Option<(usize, Arrival)> {
        let (stream, _) = self
            .schedules
            .iter_mut()
            .enumerate()
            .filter_map(|(stream, schedule)| Some((stream, schedule.peek()?.due)))
            .filter(|(_, due)| *due <= until)
            .min_by_key(|(_, due)| *due)?;
        Some((stream, self.schedules.get_mut(stream)?.next()?))
    }

    fn take(&mut self, stream: usize, arrival: Arrival) {
        let (Some(plan), Some(tally)) =
            (self.plan.streams.get(stream), self.tallies.get_mut(stream))
        else {
            return;
        };
        tally.arrive(arrival.due, arrival.part);
        let outcome = self.world.request(arrival, self.start_ns, ms_to_ns(plan.timeout_ms));
        let later = self.pending.iter().rev().take_while(|next| next.outcome.ended > outcome.ended);
        let position = self.pending.len() - later.count();
        self.pending.insert(position, Pending { stream, outcome });
    }

    /// Counts the next ending that happens by `until`; false when there is none.
    fn end_next(&mut self, until: OffsetNs) -> bool {
        if self.pending.front().is_none_or(|next| next.outcome.ended > until) {
            return false;
        }
        let Some(Pending { stream, outcome }) = self.pending.pop_front() else { return false };
        self.last_ended = outcome.ended;
        self.loss.observe(outcome.ended.as_s(), outcome.ending);
        if let Some(tally) = self.tallies.get_mut(stream) {
            tally.record(&outcome);
        }
        true
    }
}
