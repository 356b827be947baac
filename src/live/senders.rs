//! The senders of a trial: a thread each, one schedule dealt among them, and one look at all of them together.
//!
//! Whoever judges and shows the trial does so on the thread that asked for it, and never keeps a sender from sending.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::clock::{make_waits_precise, now_ns};
use super::counter::Counter;
use super::dispatch::{Dispatch, Finished, Share};
use super::lanes::Lanes;
use super::source::RequestSource;
use crate::profile::Profile;
use crate::trial::hidden::Visible;
use crate::trial::tally::Tally;
use crate::trial::{Flow, StopCause, StreamPlan, StreamView, Tick, TrialPlan, Watch, Workload};
use crate::units::usize_to_u64;

/// From the start of the threads, which prepare their first requests, to the start of the schedule.
const LEAD_NS: u64 = 4_000_000;
/// The user and the target are looked after this often.
const LOOK: Duration = Duration::from_millis(50);

/// What all senders of a trial are told: to stop, and why. A harder order replaces a softer one.
#[derive(Debug, Default)]
pub(super) struct Orders(AtomicU8);

/// From the softest to the hardest.
const CAUSES: [StopCause; 4] =
    [StopCause::Decided, StopCause::Outstanding, StopCause::Interrupted, StopCause::TargetLost];

impl Orders {
    pub(super) fn stop(&self, cause: StopCause) {
        let rank = (1..).zip(CAUSES).find(|(_, known)| *known == cause).map_or(0, |(rank, _)| rank);
        self.0.fetch_max(rank, Ordering::Relaxed);
    }

    pub(super) fn stopped(&self) -> Option<StopCause> {
        let rank = usize::from(self.0.load(Ordering::Relaxed));
        CAUSES.get(rank.checked_sub(1)?).copied()
    }
}

/// What a sender has counted so far.
#[derive(Debug)]
pub(super) struct Glance {
    pub(super) sender: usize,
    pub(super) at_s: f64,
    pub(super) tallies: Vec<Tally>,
}

/// A trial for its senders.
pub(super) struct Senders<'a> {
    pub(super) plan: &'a TrialPlan,
    pub(super) profile: &'a dyn Profile,
    /// The connections of each sender.
    pub(super) lanes: &'a mut [Lanes],
    /// The requests of each, stream by stream.
    pub(super) sources: Vec<Vec<RequestSource>>,
    /// Asks beside them how many documents are visible, where the target can count.
    pub(super) counter: Option<&'a Counter>,
}

impl Senders<'_> {
    /// Runs the trial until nothing of it is under way.
    pub(super) fn run(
        self,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Finished {
        let Self { plan, profile, lanes, sources, counter } = self;
        let ((counts, counted), is_over) = (channel(), AtomicBool::new(false));
        let (orders, (glances, seen)) = (Orders::default(), channel());
        let start_ns = now_ns() + LEAD_NS;
        let of = lanes.len();
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for (number, (lanes, sources)) in lanes.iter_mut().zip(sources).enumerate() {
                let share = Share { number, of, start_ns };
                let link = Link { orders: &orders, glances: glances.clone() };
                threads.push(scope.spawn(move || {
                    make_waits_precise();
                    Dispatch::new(plan, profile, lanes, share, link, sources).run()
                }));
            }
            if let Some(counter) = counter {
                let is_over = &is_over;
                scope.spawn(move || counter.watch(start_ns, is_over, &counts));
            }
            // The senders hold the only ends now: the last one to finish ends the watch.
            drop(glances);
            let pending = (0..of).map(|_| VecDeque::new()).collect();
            let mut overseer =
                Overseer { plan, orders: &orders, pending, counted, visible: Vec::new() };
            overseer.oversee(&seen, watch, target_lives);
            is_over.store(true, Ordering::Relaxed);
            let finished = threads.into_iter().map(|thread| match thread.join() {
                Ok(finished) => finished,
                Err(panic) => resume_unwind(panic),
            });
            let finished = finished.reduce(Finished::merge).unwrap_or_default();
            Finished { visible: overseer.visible, ..finished }
        })
    }
}

/// What connects a sender with the others.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) orders: &'a Orders,
    glances: Sender<Glance>,
}

impl Link<'_> {
    /// Shows what was counted so far.
    pub(super) fn show(&self, glance: Glance) {
        // Whoever looks outlives the senders.
        drop(self.glances.send(glance));
    }
}

/// Puts together what the senders show.
struct Overseer<'a> {
    plan: &'a TrialPlan,
    orders: &'a Orders,
    pending: Vec<VecDeque<Glance>>,
    /// Counts of visible documents, with their instants.
    counted: Receiver<(f64, u64)>,
    visible: Vec<Visible>,
}

impl Overseer<'_> {
    fn oversee(
        &mut self,
        seen: &Receiver<Glance>,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) {
        loop {
            match seen.recv_timeout(LOOK) {
                Ok(glance) => {
                    if let Some(pending) = self.pending.get_mut(glance.sender) {
                        pending.push_back(glance);
                    }
                    self.look(watch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if watch.interrupted() {
                self.orders.stop(StopCause::Interrupted);
            }
            if !target_lives() {
                self.orders.stop(StopCause::TargetLost);
            }
        }
    }

    /// Shows the trial to `watch` as soon as every sender has been heard of the same instant.
    fn look(&mut self, watch: &mut impl Watch) {
        while self.pending.iter().all(|pending| !pending.is_empty()) {
            let glances: Vec<Glance> =
                self.pending.iter_mut().filter_map(VecDeque::pop_front).collect();
            if self.orders.stopped().is_some() {
                continue;
            }
            let at_s = glances.iter().map(|glance| glance.at_s).fold(0.0, f64::max);
            let streams: Vec<(&StreamPlan, Tally)> = self
                .plan
                .streams
                .iter()
                .zip(together(glances.into_iter().map(|glance| glance.tallies)))
                .collect();
            let accepted = streams.iter().map(|(plan, tally)| accepted(plan, tally)).sum();
            let counts = self.counted.try_iter();
            self.visible.extend(counts.map(|(t_s, visible)| Visible { t_s, accepted, visible }));
            let views = streams.iter().map(|(plan, tally)| StreamView {
                plan,
                tally,
                outstanding: tally.outstanding(),
            });
            let tick = Tick { at_s, streams: views.collect(), visible: &self.visible };
            if let Flow::Stop(cause) = watch.tick(&tick) {
                self.orders.stop(cause);
            }
        }
    }
}

/// Documents of an indexing stream that were accepted so far.
const fn accepted(plan: &StreamPlan, tally: &Tally) -> u64 {
    match plan.workload {
        Workload::Index => tally.documents.accepted + tally.warm_up.documents.accepted,
        Workload::Dashboard => 0,
    }
}

/// The tallies of all senders, stream by stream.
pub(super) fn together(senders: impl Iterator<Item = Vec<Tally>>) -> Vec<Tally> {
    let merged = senders.reduce(|mut all, more| {
        for (tally, more) in all.iter_mut().zip(&more) {
            tally.merge(more);
        }
        all
    });
    merged.unwrap_or_default()
}

/// The part of `whole` that falls to sender `number` of `of`, as even as it can be.
pub(super) fn part_of(whole: u64, number: usize, of: usize) -> u64 {
    let (number, of) = (usize_to_u64(number), usize_to_u64(of).max(1));
    whole / of + u64::from(number < whole % of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_harder_order_replaces_a_softer_one_and_never_the_other_way() {
        assert!(CAUSES.is_sorted(), "as causes themselves are ordered");
        let orders = Orders::default();
        assert_eq!(orders.stopped(), None, "nobody has said anything");
        for cause in CAUSES {
            orders.stop(cause);
            orders.stop(StopCause::Decided);
            assert_eq!(orders.stopped(), Some(cause), "the hardest so far");
        }
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole(whole in 0..100_000_u64, of in 1..65_usize) {
            let parts: Vec<u64> = (0..of).map(|number| part_of(whole, number, of)).collect();
            prop_assert_eq!(parts.iter().sum::<u64>(), whole);
            let (least, most) = (parts.iter().min(), parts.iter().max());
            prop_assert!(most.unwrap() - least.unwrap() <= 1, "{:?}", parts);
        }
    }
}
