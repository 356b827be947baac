//! One trial of all agents: get ready, go, look at all of them together, stop, put together what they leave behind.
//!
//! What is lost is not made up for. A trial whose agent falls silent offers less than it says, so that it is void; it is
//! for the next one to deal the slots anew.

use super::duty::MUTE_NS;
pub use super::gather::Gathered;
use super::gather::{gather, so_far};
use super::party::{Limits, Party, Stage};
use super::{Assignment, Crew, Heard, Order, Report};
use crate::corpus::number_set::NumberSet;
use crate::trial::hidden::Visible;
use crate::trial::tally::Tally;
use crate::trial::verdict::VoidReason;
use crate::trial::{Flow, StopCause, StreamPlan, StreamView, Tick, TrialPlan, Watch, Workload};
use crate::units::{NS_PER_S, OffsetNs, ms_to_ns};

/// The user, the target and the agents are looked after this often.
const LOOK_NS: u64 = 20_000_000;
/// So many reports are taken in between two such looks, at the most.
const HEARD_TOGETHER: usize = 64;
/// Whoever did not get round to listening for so long does not know who was silent meanwhile.
const HELD_UP_NS: u64 = 250_000_000;
/// An agent that is not ready by then will not be.
const READY_NS: u64 = 10 * NS_PER_S;
/// After the last deadline an agent has so long to tell what it has counted.
const TELL_NS: u64 = 10 * NS_PER_S;

/// What happens beside the load while it runs.
pub trait Beside {
    /// The schedule starts at this instant of the coordinator's clock.
    fn starts(&mut self, start_ns: u64);
    /// False once the target is known to be gone.
    fn target_lives(&mut self) -> bool;
    /// Counts of visible documents since the last look, with their seconds since the start.
    fn counted(&mut self) -> Vec<(f64, u64)>;
}

/// Runs a trial: each member of `crew` gets the assignment at its position.
pub fn coordinate<C: Crew + ?Sized>(
    assignments: Vec<Assignment>,
    crew: &mut C,
    watch: &mut impl Watch,
    beside: &mut dyn Beside,
) -> Gathered {
    let Some(plan) = assignments.first().map(|assignment| assignment.plan.clone()) else {
        return Gathered::default();
    };
    let now_ns = crew.now_ns();
    let mut parties = Vec::new();
    for (member, assignment) in assignments.into_iter().enumerate() {
        let name = crew.members().get(member).map(|member| member.name.clone());
        crew.tell(member, &Order::Prepare(Box::new(assignment.clone())));
        parties.push(Party::new(member, name.unwrap_or_default(), assignment, now_ns));
    }
    let mut coordination = Coordination {
        plan: &plan,
        crew: &mut *crew,
        parties,
        start_ns: None,
        ready_by_ns: now_ns + READY_NS,
        over_by_ns: u64::MAX,
        listened_ns: now_ns,
        stopped: None,
        accepted: NumberSet::default(),
        visible: Vec::new(),
        lapses: Vec::new(),
    };
    coordination.run(watch, beside);
    let Coordination { parties, start_ns, stopped, accepted, visible, lapses, .. } = coordination;
    // Whoever is lost may have gone on until it missed its coordinator.
    let until =
        start_ns.map(|start_ns| OffsetNs((crew.now_ns() + MUTE_NS).saturating_sub(start_ns)));
    let put_together = gather(&plan, parties, crew.members(), until);
    let ended_ns =
        start_ns.map(|start_ns| start_ns + OffsetNs::from_s(put_together.vitals.wall_s).0);
    let merged_after_s =
        ended_ns.map(|ended_ns| OffsetNs(crew.now_ns().saturating_sub(ended_ns)).as_s());
    Gathered { accepted, visible, stopped, lapses, merged_after_s, ..put_together }
}

struct Coordination<'a, C: ?Sized> {
    plan: &'a TrialPlan,
    crew: &'a mut C,
    parties: Vec<Party>,
    /// Start of the schedule, once the order to go was given.
    start_ns: Option<u64>,
    ready_by_ns: u64,
    /// By then everybody has told everything.
    over_by_ns: u64,
    /// When it last listened.
    listened_ns: u64,
    stopped: Option<StopCause>,
    /// Documents of those who have told everything.
    accepted: NumberSet,
    visible: Vec<Visible>,
    lapses: Vec<VoidReason>,
}

impl<C: Crew + ?Sized> Coordination<'_, C> {
    fn run(&mut self, watch: &mut impl Watch, beside: &mut dyn Beside) {
        while !self.parties.iter().all(Party::is_over) {
            let is_all_heard = self.hear(watch, beside);
            if watch.interrupted() {
                self.stop(StopCause::Interrupted);
            }
            if !beside.target_lives() {
                self.stop(StopCause::TargetLost);
            }
            if self.start_ns.is_none() && self.stopped.is_some() {
                // Nobody has sent anything.
                return;
            }
            self.miss_the_silent(is_all_heard);
        }
    }

    /// Takes in what waits to be heard; false when there may be more.
    fn hear(&mut self, watch: &mut impl Watch, beside: &mut dyn Beside) -> bool {
        let mut wait_ns = LOOK_NS;
        for _ in 0..HEARD_TOGETHER {
            let Some(heard) = self.crew.hear(wait_ns) else { return true };
            self.take(heard);
            self.go_when_ready(beside);
            self.look(watch, beside);
            wait_ns = 0;
        }
        false
    }

    fn take(&mut self, heard: Heard) {
        let now_ns = self.crew.now_ns();
        let (member, report) = match heard {
            Heard::From(member, report) => (member, report),
            Heard::Lost(member, why) => return self.lose(member, &why),
        };
        let found = self.parties.iter_mut().find(|party| party.member == member);
        // Whoever has told everything has nothing to add.
        let Some(party) = found.filter(|party| !party.is_over()) else { return };
        party.heard_ns = now_ns;
        if report.trial() != Some(self.plan.id) {
            // Of another trial, or a mere sign of life.
            return;
        }
        let has_begun = matches!(party.stage, Stage::Running);
        match report {
            Report::Ready { .. } => party.gets_ready(),
            Report::Refused { why, .. } => self.lose(member, &why),
            _ if !has_begun => self.lose(member, "it tells of a trial that has not begun"),
            Report::Tick(tick) => {
                if let Err(why) = party.tells(tick, now_ns) {
                    self.lose(member, &why);
                }
            }
            Report::Stopped { cause, .. } => self.stop_for(member, cause),
            Report::Done(done) => {
                let cause = done.stopped;
                match party.finish(done) {
                    Ok(accepted) => {
                        self.accepted = std::mem::take(&mut self.accepted).merged(accepted);
                        self.crew.ended(member, true);
                    }
                    Err(why) => return self.lose(member, &why),
                }
                if let Some(cause) = cause {
                    self.stop_for(member, cause);
                }
            }
            Report::Beat => {}
        }
    }

    /// Stops for the reason that a member stopped for.
    fn stop_for(&mut self, member: usize, cause: StopCause) {
        // Only the coordinator knows what the user wants: an agent that stops unasked is taken away from the run.
        if cause == StopCause::Interrupted && self.stopped < Some(cause) {
            self.lapse(member, "it stopped before its part was sent");
        } else {
            self.stop(cause);
        }
    }

    /// Gives the order to go once everybody is ready.
    fn go_when_ready(&mut self, beside: &mut dyn Beside) {
        let is_ready = |party: &Party| matches!(party.stage, Stage::Ready | Stage::Lost);
        if self.start_ns.is_some() || self.stopped.is_some() || !self.parties.iter().all(is_ready) {
            return;
        }
        let start_ns = self.crew.now_ns() + self.crew.lead_ns();
        let trial = self.plan.id;
        for party in self.parties.iter_mut().filter(|party| matches!(party.stage, Stage::Ready)) {
            self.crew.tell(party.member, &Order::Go { trial, start_ns });
            party.stage = Stage::Running;
            party.told_ns = start_ns;
        }
        self.start_ns = Some(start_ns);
        self.over_by_ns = start_ns + self.offering_ns() + self.ending_ns();
        beside.starts(start_ns);
    }

    /// Shows the trial to `watch` as soon as every agent has been heard of the same instant.
    fn look(&mut self, watch: &mut impl Watch, beside: &mut dyn Beside) {
        while self.parties.iter().all(Party::may_be_seen)
            && !self.parties.iter().all(Party::is_over)
        {
            let (mut at_s, mut nonsense) = (None, Vec::new());
            for party in &mut self.parties {
                match party.look() {
                    Ok(seen_s) => at_s = at_s.max(seen_s.map(OffsetNs::from_s)),
                    Err(why) => nonsense.push((party.member, why)),
                }
            }
            for (member, why) in nonsense {
                self.lose(member, &why);
            }
            let Some(at_s) = at_s.map(OffsetNs::as_s) else { return };
            if self.stopped.is_some() {
                continue;
            }
            let streams: Vec<(&StreamPlan, Tally)> =
                self.plan.streams.iter().zip(so_far(self.plan, &self.parties)).collect();
            let accepted = streams.iter().map(|(plan, tally)| accepted(plan, tally)).sum();
            let counts = beside.counted().into_iter();
            self.visible.extend(counts.map(|(t_s, visible)| Visible { t_s, accepted, visible }));
            let views = streams.iter().map(|(plan, tally)| StreamView {
                plan,
                tally,
                outstanding: tally.outstanding(),
            });
            let tick = Tick { at_s, streams: views.collect(), visible: &self.visible };
            if let Flow::Stop(cause) = watch.tick(&tick) {
                self.stop(cause);
            }
        }
    }

    /// Tells everybody to stop; a harder cause replaces a softer one.
    fn stop(&mut self, cause: StopCause) {
        if self.stopped.is_some_and(|stopped| stopped >= cause) {
            return;
        }
        self.stopped = Some(cause);
        self.over_by_ns = self.over_by_ns.min(self.crew.now_ns() + self.ending_ns());
        let trial = self.plan.id;
        for party in self.parties.iter().filter(|party| !party.is_over()) {
            self.crew.tell(party.member, &Order::Stop { trial, cause });
        }
    }

    /// Gives those up who will not be heard of any more, as far as that is known.
    fn miss_the_silent(&mut self, is_all_heard: bool) {
        let now_ns = self.crew.now_ns();
        let held_up_ns = now_ns.saturating_sub(self.listened_ns);
        self.listened_ns = now_ns;
        if held_up_ns > HELD_UP_NS {
            for party in &mut self.parties {
                party.heard_ns = now_ns.min(party.heard_ns + held_up_ns);
            }
        }
        // What was said and not heard yet may be of anybody.
        let Some(silence_ns) = self.crew.silence_ns().filter(|_| is_all_heard) else { return };
        let limits = Limits {
            silence_ns,
            ready_by_ns: self.ready_by_ns,
            over_by_ns: self.over_by_ns,
            is_stopped: self.stopped.is_some(),
        };
        let missed = self
            .parties
            .iter()
            .filter_map(|party| Some((party.member, party.misses(&limits, now_ns)?)));
        for (member, why) in missed.collect::<Vec<_>>() {
            self.lose(member, why);
        }
    }

    fn offering_ns(&self) -> u64 {
        OffsetNs::from_s(self.plan.warmup_s + self.plan.measure_s).0
    }

    /// From the last arrival until nothing can be under way any more, and is told.
    fn ending_ns(&self) -> u64 {
        let timeouts = self.plan.streams.iter().map(|stream| ms_to_ns(stream.timeout_ms));
        timeouts.max().unwrap_or_default() + TELL_NS
    }

    /// Goes on without a member; the trial is void.
    fn lose(&mut self, member: usize, why: &str) {
        let found = self.parties.iter_mut().find(|party| party.member == member);
        let Some(party) = found.filter(|party| !party.is_over()) else { return };
        party.stage = Stage::Lost;
        // It may be there all the same, and must not go on.
        let order = Order::Stop { trial: self.plan.id, cause: StopCause::AgentLost };
        self.crew.tell(member, &order);
        self.crew.ended(member, false);
        self.lapse(member, why);
    }

    /// What a member did makes the trial void.
    fn lapse(&mut self, member: usize, why: &str) {
        let found = self.parties.iter().find(|party| party.member == member);
        let name = found.map(|party| party.name.clone()).unwrap_or_default();
        let is_known = |known: &VoidReason| matches!(known, VoidReason::AgentLost { name: own, .. } if *own == name);
        if !self.lapses.iter().any(is_known) {
            self.lapses.push(VoidReason::AgentLost { name, why: why.to_owned() });
        }
        self.stop(StopCause::AgentLost);
    }
}

/// Documents of an indexing stream that were accepted so far.
const fn accepted(plan: &StreamPlan, tally: &Tally) -> u64 {
    match plan.workload {
        Workload::Index => tally.documents.accepted + tally.warm_up.documents.accepted,
        Workload::Dashboard => 0,
    }
}
