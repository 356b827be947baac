//! One simulated agent: it obeys as a real one does, has a clock of its own, and things happen to it.

use super::load::Load;
use super::plan::{CrewPlan, Mishap, Nonsense};
use super::service::Ledger;
use crate::agents::duty::Duty;
use crate::agents::frames::Framer;
use crate::agents::wire::{Prepare, Told, read, written};
use crate::agents::{Assignment, DoneReport, Order, Report, TickReport};
use crate::trial::update::TallyUpdate;
use crate::trial::{StopCause, TrialId};
use crate::units::OffsetNs;

/// The run that all agents serve.
const RUN: &str = "simulated";

/// What an agent says.
#[derive(Debug)]
pub(super) enum Say {
    /// The answer to an order.
    Answer(Report),
    /// A frame of a report.
    Frame(Vec<u8>),
}

/// One agent.
#[derive(Debug)]
pub(super) struct SimAgent {
    /// By how much its clock is ahead of the coordinator's.
    pub(super) ahead_ns: i64,
    duty: Duty,
    mishaps: Vec<Mishap>,
    ready: Option<Assignment>,
    load: Option<Load>,
    framer: Framer,
    last_tick: Option<TickReport>,
}

impl SimAgent {
    /// An agent in the service of the run.
    pub(super) fn new(ahead_ns: i64, mishaps: Vec<Mishap>, now_ns: u64) -> Self {
        let mut agent = Self {
            ahead_ns,
            duty: Duty::default(),
            mishaps,
            ready: None,
            load: None,
            framer: Framer::new(TrialId(0)),
            last_tick: None,
        };
        // Nobody else has it, and the name of the run is a proper one.
        drop(agent.duty.enlist(RUN, agent.own_ns(now_ns)));
        agent
    }

    /// An instant of the coordinator's clock by its own one.
    pub(super) const fn own_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_add_signed(self.ahead_ns)
    }

    pub(super) fn meets(&self, is_it: impl Fn(Mishap) -> bool) -> bool {
        self.mishaps.iter().any(|mishap| is_it(*mishap))
    }

    /// Whether it is in the middle of a trial.
    pub(super) const fn is_sending(&self) -> bool {
        self.load.is_some()
    }

    /// Does what it is told; when its schedule starts by the coordinator's clock, where that follows.
    pub(super) fn obey(
        &mut self,
        order: &Order,
        plan: &CrewPlan,
        now_ns: u64,
    ) -> (Vec<Say>, Option<u64>) {
        let own_ns = self.own_ns(now_ns);
        match order {
            Order::Prepare(assignment) => (self.prepare(assignment, plan, own_ns), None),
            Order::Go { trial, start_ns } => {
                let taken = self.duty.go(RUN, *trial, *start_ns, own_ns);
                let starts_ns = start_ns.saturating_add_signed(-self.ahead_ns);
                match (taken, self.ready.take()) {
                    (Ok(()), Some(assignment)) => {
                        let load = Load::new(&assignment, plan.senders, plan.service, starts_ns);
                        self.load = Some(load);
                        (vec![Say::Answer(Report::Beat)], Some(starts_ns))
                    }
                    (Err(refusal), _) => (vec![refused(*trial, &refusal)], None),
                    (Ok(()), None) => (Vec::new(), None),
                }
            }
            Order::Stop { trial, cause } => {
                self.stop(*trial, *cause, now_ns);
                (Vec::new(), None)
            }
        }
    }

    fn prepare(&mut self, assignment: &Assignment, plan: &CrewPlan, own_ns: u64) -> Vec<Say> {
        let trial = assignment.plan.id;
        if self.meets(|mishap| mishap == Mishap::NeverReady) {
            return Vec::new();
        }
        if self.meets(|mishap| mishap == Mishap::Refuses) {
            return vec![refused(trial, &"it will not")];
        }
        let bytes = written(&Prepare::new(RUN, assignment));
        let arrived = read::<Prepare>(&bytes).and_then(|prepare| prepare.assignment());
        let arrived = match arrived {
            Ok(arrived) => arrived,
            Err(malformed) => return vec![refused(trial, &malformed)],
        };
        if let Err(refusal) = self.duty.prepare(RUN, trial, own_ns) {
            return vec![refused(trial, &refusal)];
        }
        self.framer = Framer::new(trial);
        self.last_tick = None;
        let mut says = vec![Say::Answer(Report::Ready { trial })];
        says.extend(self.speak_early(&arrived, plan));
        self.ready = Some(arrived);
        says
    }

    /// A sign of life of the coordinator, and what it says to the running trial.
    pub(super) fn beat(&mut self, word: Option<(TrialId, StopCause)>, now_ns: u64) {
        self.duty.beat(RUN, self.own_ns(now_ns));
        if let Some((trial, cause)) = word {
            self.stop(trial, cause, now_ns);
        }
    }

    fn stop(&mut self, trial: TrialId, cause: StopCause, now_ns: u64) {
        if self.duty.stop(RUN, trial, self.own_ns(now_ns)).is_ok()
            && let Some(load) = &mut self.load
        {
            load.stop(cause);
        }
    }

    /// Everything until `now_ns`, and what there is to tell of it. `is_stopped`: its owner wants to have it back.
    pub(super) fn step(&mut self, target: &mut Ledger, is_stopped: bool, now_ns: u64) -> Vec<Say> {
        let is_mute = self.duty.is_mute(self.own_ns(now_ns));
        let Some(load) = &mut self.load else { return Vec::new() };
        load.advance(now_ns, target);
        let tick = load.tick();
        if is_stopped || is_mute {
            load.stop(StopCause::Interrupted);
        }
        let done = load.done();
        let mut says = Vec::new();
        if let Some(tick) = tick {
            says.extend(self.tell_tick(tick));
        }
        if let Some(done) = done {
            says.extend(self.tell_done(done));
            self.load = None;
            self.duty.ended();
        }
        says
    }

    /// Everything until the instant of an order or of its death, without a word.
    pub(super) fn catch_up(&mut self, target: &mut Ledger, now_ns: u64) {
        if let Some(load) = &mut self.load {
            load.advance(now_ns, target);
        }
    }

    fn tells(&self, nonsense: Nonsense) -> bool {
        self.meets(|mishap| mishap == Mishap::Tells(nonsense))
    }

    fn speak_early(&mut self, assignment: &Assignment, plan: &CrewPlan) -> Vec<Say> {
        let mut load = Load::new(assignment, plan.senders, plan.service, 0);
        if self.tells(Nonsense::EarlyTick) {
            load.advance(OffsetNs::from_s(0.5).0, &mut Ledger::default());
            return load.tick().map(|tick| self.frames(&Told::Tick(tick))).unwrap_or_default();
        }
        if self.tells(Nonsense::EarlyDone) {
            load.stop(StopCause::Decided);
            return load.done().map(|done| self.frames(&Told::Done(done))).unwrap_or_default();
        }
        if self.tells(Nonsense::EarlyStop) {
            return self.frames(&Told::Stopped { cause: StopCause::Outstanding });
        }
        Vec::new()
    }

    fn tell_tick(&mut self, mut tick: TickReport) -> Vec<Say> {
        if self.tells(Nonsense::Bytes) {
            return vec![Say::Frame(b"{}".to_vec())];
        }
        if self.tells(Nonsense::NoTime) {
            tick.at_s = f64::INFINITY;
        }
        if self.tells(Nonsense::Senders) && tick.at_s > 0.9 {
            tick.senders.push(vec![TallyUpdate::default()]);
        }
        if self.tells(Nonsense::Streams)
            && let Some(streams) = tick.senders.first_mut()
        {
            streams.push(TallyUpdate::default());
        }
        self.last_tick = Some(tick.clone());
        self.frames(&Told::Tick(tick))
    }

    fn tell_done(&mut self, mut done: Box<DoneReport>) -> Vec<Say> {
        if self.tells(Nonsense::Documents) {
            done.accepted.insert(u64::from(u32::MAX)..u64::from(u32::MAX) + 1);
        }
        if self.tells(Nonsense::Totals) {
            for (update, _) in done.senders.iter_mut().flatten() {
                *update = TallyUpdate::default();
            }
        }
        let mut says = self.frames(&Told::Done(done));
        if let Some(tick) = self.last_tick.take().filter(|_| self.tells(Nonsense::TickAfterDone)) {
            says.extend(self.frames(&Told::Tick(tick)));
        }
        says
    }

    fn frames(&mut self, told: &Told) -> Vec<Say> {
        self.framer.frames(told).into_iter().map(Say::Frame).collect()
    }
}

fn refused(trial: TrialId, why: &impl ToString) -> Say {
    Say::Answer(Report::Refused { trial, why: why.to_string() })
}
