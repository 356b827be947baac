//! The senders of an agent: a thread each, one schedule dealt among them, and one report of all of them together.
//!
//! Whoever reports does so on the thread that asked for it, and never keeps a sender from sending.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

use super::clock::make_waits_precise;
use super::dispatch::{Dispatch, Finished, Share};
use super::lanes::Lanes;
use super::source::RequestSource;
use crate::agents::TickReport;
use crate::profile::Profile;
use crate::schedule::deal;
use crate::trial::update::TallyUpdate;
use crate::trial::{StopCause, TrialId, TrialPlan};
use crate::units::usize_to_u64;

/// What all senders of a trial are told: to stop, and why. A harder order replaces a softer one.
#[derive(Debug, Default)]
pub(super) struct Orders(AtomicU8);

/// From the softest to the hardest.
const CAUSES: [StopCause; 5] = [
    StopCause::Decided,
    StopCause::Outstanding,
    StopCause::AgentLost,
    StopCause::Interrupted,
    StopCause::TargetLost,
];

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

/// What a sender has counted since its last look.
#[derive(Debug)]
pub(super) struct Glance {
    pub(super) sender: usize,
    pub(super) at_s: f64,
    pub(super) updates: Vec<TallyUpdate>,
}

/// A trial for its senders.
pub(super) struct Senders<'a> {
    pub(super) plan: &'a TrialPlan,
    /// The agent's part of it.
    pub(super) share: deal::Share,
    pub(super) profile: &'a dyn Profile,
    /// The connections of each sender.
    pub(super) lanes: &'a mut [Lanes],
    /// The requests of each, stream by stream.
    pub(super) sources: Vec<Vec<RequestSource>>,
    /// When the schedule starts.
    pub(super) start_ns: u64,
}

impl Senders<'_> {
    /// Runs the trial until nothing of it is under way; `oversee` sees to it meanwhile, and returns once nobody holds
    /// the other end of `glances` any more.
    pub(super) fn run(self, glances: Sender<Glance>, oversee: impl FnOnce(&Orders)) -> Finished {
        let Self { plan, share, profile, lanes, sources, start_ns } = self;
        let orders = Orders::default();
        let of = lanes.len();
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for (number, (lanes, sources)) in lanes.iter_mut().zip(sources).enumerate() {
                let share = Share { sender: deal::Sender { share, number, of }, start_ns };
                let link = Link { orders: &orders, glances: glances.clone() };
                threads.push(scope.spawn(move || {
                    make_waits_precise();
                    Dispatch::new(plan, profile, lanes, share, link, sources).run()
                }));
            }
            // The senders hold the only ends now: the last one to finish ends the watch.
            drop(glances);
            oversee(&orders);
            let finished = threads.into_iter().map(|thread| match thread.join() {
                Ok(finished) => finished,
                Err(panic) => resume_unwind(panic),
            });
            finished.reduce(Finished::merge).unwrap_or_default()
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

/// Puts together what the senders show: a report as soon as every one has been heard of the same instant.
#[derive(Debug)]
pub(super) struct Lookout {
    trial: TrialId,
    pending: Vec<VecDeque<Glance>>,
}

impl Lookout {
    pub(super) fn new(trial: TrialId, senders: usize) -> Self {
        Self { trial, pending: (0..senders).map(|_| VecDeque::new()).collect() }
    }

    pub(super) fn take(&mut self, glance: Glance) -> Option<TickReport> {
        if let Some(pending) = self.pending.get_mut(glance.sender) {
            pending.push_back(glance);
        }
        if self.pending.iter().any(VecDeque::is_empty) {
            return None;
        }
        let glances: Vec<Glance> =
            self.pending.iter_mut().filter_map(VecDeque::pop_front).collect();
        Some(TickReport {
            trial: self.trial.0,
            at_s: glances.iter().map(|glance| glance.at_s).fold(0.0, f64::max),
            senders: glances.into_iter().map(|glance| glance.updates).collect(),
        })
    }
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
