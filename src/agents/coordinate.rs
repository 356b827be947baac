//! One trial of all agents: get ready, go, look at all of them together, stop, put together what they leave behind.
//!
//! What is lost is not made up for. A trial whose agent falls silent offers less than it says, so that it is void; it is
//! for the next one to deal the slots anew.

use super::party::{Party, Stage, books};
use super::{Assignment, Crew, Heard, Order, Report};
use crate::corpus::number_set::NumberSet;
use crate::trial::hidden::Visible;
use crate::trial::result::{AgentResult, AgentStream, Vitals};
use crate::trial::tally::Tally;
use crate::trial::verdict::VoidReason;
use crate::trial::{
    Flow, StopCause, StreamPlan, StreamView, Tick, TrialId, TrialPlan, Watch, Workload,
};
use crate::units::{NS_PER_S, OffsetNs, ms_to_ns};

/// The user, the target and the agents are looked after this often.
const LOOK_NS: u64 = 20_000_000;
/// An agent that is not ready by then will not be.
const READY_NS: u64 = 10 * NS_PER_S;
/// An agent that is there and tells nothing of the running trial for so long stands still.
const STANDSTILL_NS: u64 = 5 * NS_PER_S;
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

/// What a trial of all agents came to.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What all have counted together, stream by stream.
    pub tallies: Vec<Tally>,
    /// Documents that were accepted.
    pub accepted: NumberSet,
    /// What searches found meanwhile.
    pub visible: Vec<Visible>,
    /// Why it ended before its plan did.
    pub stopped: Option<StopCause>,
    /// How all agents fared together.
    pub vitals: Vitals,
    /// Each agent's part.
    pub agents: Vec<AgentResult>,
    /// What makes the trial void, whatever its figures say.
    pub lapses: Vec<VoidReason>,
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
        crew,
        parties,
        start_ns: None,
        began_ns: now_ns,
        stopped: None,
        visible: Vec::new(),
        lapses: Vec::new(),
    };
    coordination.run(watch, beside);
    coordination.gathered()
}

struct Coordination<'a, C: ?Sized> {
    plan: &'a TrialPlan,
    crew: &'a mut C,
    parties: Vec<Party>,
    /// Start of the schedule, once the order to go was given.
    start_ns: Option<u64>,
    began_ns: u64,
    stopped: Option<StopCause>,
    visible: Vec<Visible>,
    lapses: Vec<VoidReason>,
}

impl<C: Crew + ?Sized> Coordination<'_, C> {
    fn run(&mut self, watch: &mut impl Watch, beside: &mut dyn Beside) {
        while !self.parties.iter().all(Party::is_over) {
            if let Some(heard) = self.crew.hear(LOOK_NS) {
                self.take(heard);
                self.go_when_ready(beside);
                self.look(watch, beside);
            }
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
            self.miss_the_silent();
        }
    }

    fn take(&mut self, heard: Heard) {
        let now_ns = self.crew.now_ns();
        let (member, report) = match heard {
            Heard::From(member, report) => (member, report),
            Heard::Lost(member, why) => return self.lose(member, &why),
        };
        let Some(party) = self.parties.iter_mut().find(|party| party.member == member) else {
            return;
        };
        party.heard_ns = now_ns;
        let id = self.plan.id;
        match report {
            Report::Ready { trial } if trial == id => {
                if matches!(party.stage, Stage::Preparing) {
                    party.stage = Stage::Ready;
                }
            }
            Report::Refused { trial, why } if trial == id => self.lose(member, &why),
            Report::Tick(tick) if TrialId(tick.trial) == id => {
                if let Err(why) = party.tells(tick, now_ns) {
                    self.lose(member, &why);
                }
            }
            Report::Stopped { trial, cause } if trial == id => self.stop(cause),
            Report::Done(done) if TrialId(done.trial) == id => {
                let cause = done.stopped;
                if let Err(why) = party.finish(done) {
                    return self.lose(member, &why);
                }
                self.crew.ended(member, true);
                if let Some(cause) = cause {
                    self.stop(cause);
                }
            }
            // Of another trial, or a mere sign of life.
            _ => {}
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
                self.plan.streams.iter().zip(self.together(false)).collect();
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

    /// What all have counted, stream by stream.
    fn together(&self, is_over: bool) -> Vec<Tally> {
        let mut all = books(self.plan);
        let parties = self.parties.iter().filter(|party| {
            // What was lost in the middle is no part of anything.
            if is_over { matches!(party.stage, Stage::Done(_)) } else { true }
        });
        for party in parties {
            for tallies in &party.senders {
                for (whole, tally) in all.iter_mut().zip(tallies) {
                    if is_over { whole.merge(tally) } else { whole.add_view(tally) }
                }
            }
        }
        all
    }

    /// Tells everybody to stop; a harder cause replaces a softer one.
    fn stop(&mut self, cause: StopCause) {
        if self.stopped.is_some_and(|stopped| stopped >= cause) {
            return;
        }
        self.stopped = Some(cause);
        let trial = self.plan.id;
        for party in self.parties.iter().filter(|party| !party.is_over()) {
            self.crew.tell(party.member, &Order::Stop { trial, cause });
        }
    }

    fn miss_the_silent(&mut self) {
        let now_ns = self.crew.now_ns();
        let late = |since_ns: u64, span_ns: u64| now_ns.saturating_sub(since_ns) > span_ns;
        let over_ns = self.start_ns.map(|start_ns| start_ns + self.most_ns());
        let Some(silence_ns) = self.crew.silence_ns() else { return };
        let mut missed = Vec::new();
        for party in self.parties.iter().filter(|party| !party.is_over()) {
            let why = match party.stage {
                _ if late(party.heard_ns, silence_ns) => "it fell silent",
                Stage::Preparing if late(self.began_ns, READY_NS) => "it did not get ready",
                Stage::Running if over_ns.is_some_and(|over_ns| now_ns > over_ns) => {
                    "it did not tell what it has counted"
                }
                Stage::Running if self.stopped.is_none() && late(party.told_ns, STANDSTILL_NS) => {
                    "it stands still"
                }
                _ => continue,
            };
            missed.push((party.member, why));
        }
        for (member, why) in missed {
            self.lose(member, why);
        }
    }

    /// From the start of the schedule until nothing can be under way any more.
    fn most_ns(&self) -> u64 {
        let timeouts = self.plan.streams.iter().map(|stream| ms_to_ns(stream.timeout_ms));
        OffsetNs::from_s(self.plan.warmup_s + self.plan.measure_s).0
            + timeouts.max().unwrap_or_default()
            + TELL_NS
    }

    /// Goes on without a member; the trial is void.
    fn lose(&mut self, member: usize, why: &str) {
        let Some(party) = self.parties.iter_mut().find(|party| party.member == member) else {
            return;
        };
        if matches!(party.stage, Stage::Lost) {
            return;
        }
        party.stage = Stage::Lost;
        self.crew.ended(member, false);
        let name = party.name.clone();
        self.lapses.push(VoidReason::AgentLost { name, why: why.to_owned() });
        self.stop(StopCause::AgentLost);
    }

    fn gathered(mut self) -> Gathered {
        let mut tallies = self.together(true);
        self.count_unknown(&mut tallies);
        let mut gathered = Gathered { tallies, ..Gathered::default() };
        for party in std::mem::take(&mut self.parties) {
            let parts = party.together(true);
            let Stage::Done(done) = party.stage else { continue };
            let clock = self.crew.members().get(party.member).and_then(|member| member.clock);
            gathered.accepted = std::mem::take(&mut gathered.accepted).merged(done.accepted);
            gathered.vitals = gathered.vitals.together(done.vitals);
            gathered.agents.push(AgentResult {
                name: party.name,
                share_ratio: party.assignment.share.ratio(),
                clock_ahead_ns: clock.map(|clock| clock.ahead_ns),
                clock_error_ns: clock.map(|clock| clock.error_ns),
                streams: parts.iter().map(AgentStream::of).collect(),
                vitals: done.vitals,
            });
        }
        Gathered { visible: self.visible, stopped: self.stopped, lapses: self.lapses, ..gathered }
    }

    /// Of what a lost agent may have sent, nobody knows whether the target holds it.
    fn count_unknown(&self, tallies: &mut [Tally]) {
        if self.start_ns.is_none() {
            return;
        }
        for party in self.parties.iter().filter(|party| matches!(party.stage, Stage::Lost)) {
            for (position, (stream, tally)) in
                self.plan.streams.iter().zip(&mut *tallies).enumerate()
            {
                if stream.workload == Workload::Index {
                    let sender = crate::schedule::deal::Sender {
                        share: party.assignment.share,
                        number: 0,
                        of: 1,
                    };
                    let (_, numbers) = self.plan.course(position, stream).dealt(sender);
                    tally.unknown += crate::units::usize_to_u64(numbers.count()) * stream.batch;
                }
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
