//! A crew without machines: agents in virtual time, so that a thousand of them with lost messages, deaths and clocks of
//! their own take seconds.
//!
//! Behind the port [`Crew`](crate::agents::Crew) stands what stands there in earnest: reports cut into frames and
//! written as text, orders that are refused or obeyed by the same rules, bearings taken by the same four stamps. Only the
//! bus, the target and time are imagined.

mod agent;
mod event;
mod load;
pub mod plan;
mod port;
mod service;
mod way;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::agents::frames::Assembly;
use crate::agents::wire::Told;
use crate::agents::{Heard, Member, Report};
use crate::trial::{StopCause, TrialId};
use crate::units::{NS_PER_S, OffsetNs, round_to_u64};
use agent::{Say, SimAgent};
use event::{Event, What};
use plan::{CrewPlan, Mishap};
pub use service::Ledger;
use way::Ways;

/// When a crew is made, by the coordinator's clock: late enough for clocks that are behind.
const BIRTH_NS: u64 = 1_000_000 * NS_PER_S;
/// Both sides show that they are there this often.
const BEAT_NS: u64 = 250_000_000;
/// An agent looks so often for what it should do.
const LOOK_NS: u64 = 20_000_000;

/// A crew in virtual time.
#[derive(Debug)]
pub struct SimCrew {
    plan: CrewPlan,
    now_ns: u64,
    agents: Vec<SimAgent>,
    /// The agent of each member.
    seats: Vec<usize>,
    members: Vec<Member>,
    assemblies: Vec<Option<Assembly>>,
    /// What every heartbeat says to the running trial.
    word: Option<(TrialId, StopCause)>,
    events: BinaryHeap<Reverse<Event>>,
    serial: u64,
    ways: Ways,
    /// Frames that each agent has sent in the trial.
    sent: Vec<u64>,
    hurt: BTreeSet<usize>,
    target: Ledger,
    was_held_up: bool,
}

impl SimCrew {
    /// All agents of `plan`, in the service of one run; their clocks are known from the first muster on.
    #[must_use]
    pub fn new(plan: CrewPlan) -> Self {
        let ahead_most_ns = round_to_u64(plan.ahead_most_s * 1e9);
        let clocks = plan.seed.named("clocks");
        let agents = (0_u64..).zip(0..plan.agents).map(|(number, agent)| {
            let spread_ns = i64::try_from(clocks.bits_at(number) % (2 * ahead_most_ns + 1));
            let ahead_ns = spread_ns.unwrap_or(0) - i64::try_from(ahead_most_ns).unwrap_or(0);
            let own = plan.mishaps.iter().filter(|(whose, _)| *whose == agent);
            SimAgent::new(ahead_ns, own.map(|(_, mishap)| *mishap).collect(), BIRTH_NS)
        });
        let name = |agent: usize| format!("sim-{}", agent + 1);
        let members = (0..plan.agents).map(|agent| Member {
            name: name(agent),
            cores: None,
            weight: 1.0,
            clock: None,
        });
        let chance = Xoshiro256PlusPlus::seed_from_u64(plan.seed.named("ways").0);
        let mut crew = Self {
            now_ns: BIRTH_NS,
            agents: agents.collect(),
            seats: (0..plan.agents).collect(),
            members: members.collect(),
            assemblies: (0..plan.agents).map(|_| None).collect(),
            word: None,
            events: BinaryHeap::new(),
            serial: 0,
            ways: Ways::new(plan.way, plan.agents, chance),
            sent: vec![0; plan.agents],
            hurt: BTreeSet::new(),
            target: Ledger::default(),
            was_held_up: false,
            plan,
        };
        crew.push(BIRTH_NS, 0, What::Beats);
        for agent in 0..crew.agents.len() {
            crew.push(BIRTH_NS, agent, What::Sign);
        }
        crew
    }

    /// What the target was sent.
    #[must_use]
    pub const fn target(&self) -> &Ledger {
        &self.target
    }

    /// The agents of whom a frame was lost or came twice, counted from 0.
    #[must_use]
    pub const fn hurt(&self) -> &BTreeSet<usize> {
        &self.hurt
    }

    /// By how much each agent's clock really is ahead, in nanoseconds.
    #[must_use]
    pub fn ahead_ns(&self) -> Vec<i64> {
        self.agents.iter().map(|agent| agent.ahead_ns).collect()
    }

    /// Seconds since it was made.
    #[must_use]
    pub fn elapsed_s(&self) -> f64 {
        OffsetNs(self.now_ns - BIRTH_NS).as_s()
    }

    fn push(&mut self, at_ns: u64, agent: usize, what: What) {
        self.serial += 1;
        self.events.push(Reverse(Event { at_ns, serial: self.serial, agent, what }));
    }

    /// Whether one of these mishaps has come over an agent by `now_ns`.
    fn has(&self, agent: usize, now_ns: u64, is_it: impl Fn(Mishap) -> bool) -> bool {
        let elapsed_s = OffsetNs(now_ns.saturating_sub(BIRTH_NS)).as_s();
        let has_come =
            |mishap: Mishap| is_it(mishap) && mishap.at_s().is_some_and(|at_s| elapsed_s >= at_s);
        self.agents.get(agent).is_some_and(|own| own.meets(has_come))
    }

    fn is_dead(&self, agent: usize, now_ns: u64) -> bool {
        self.has(agent, now_ns, |mishap| matches!(mishap, Mishap::Dies { .. }))
    }

    fn is_deaf(&self, agent: usize, now_ns: u64) -> bool {
        self.has(agent, now_ns, |mishap| matches!(mishap, Mishap::FallsDeaf { .. }))
    }

    /// Something happens; what the coordinator hears of it.
    fn happen(&mut self, event: Event) -> Option<Heard> {
        let Event { at_ns, agent, what, .. } = event;
        match what {
            What::Beats => {
                for agent in 0..self.agents.len() {
                    if let Some(at_ns) = self.ways.out(agent, at_ns, false) {
                        self.push(at_ns, agent, What::Beat(self.word));
                    }
                }
                self.push(at_ns + BEAT_NS, 0, What::Beats);
                None
            }
            What::Said(report) => Some(Heard::From(self.seat_of(agent)?, report)),
            What::Frame(frame) => {
                self.now_ns += round_to_u64(self.plan.handling_us * 1e3);
                self.assemble(agent, &frame)
            }
            _ if self.is_dead(agent, at_ns) => None,
            What::Sign => {
                self.say(agent, at_ns, vec![Say::Answer(Report::Beat)]);
                self.push(at_ns + BEAT_NS, agent, What::Sign);
                None
            }
            What::Beat(_) | What::Order(_) if self.is_deaf(agent, at_ns) => None,
            What::Beat(word) => {
                let (own, target) = (self.agents.get_mut(agent)?, &mut self.target);
                own.catch_up(target, at_ns);
                own.beat(word, at_ns);
                None
            }
            What::Order(order) => {
                let (own, target) = (self.agents.get_mut(agent)?, &mut self.target);
                own.catch_up(target, at_ns);
                let (says, starts_ns) = own.obey(&order, &self.plan, at_ns);
                if starts_ns.is_some() {
                    self.push(at_ns + LOOK_NS, agent, What::Step);
                }
                self.say(agent, at_ns, says);
                None
            }
            What::Step => {
                let is_stopped =
                    self.has(agent, at_ns, |mishap| matches!(mishap, Mishap::IsStopped { .. }));
                let (own, target) = (self.agents.get_mut(agent)?, &mut self.target);
                let says = own.step(target, is_stopped, at_ns);
                if own.is_sending() {
                    self.push(at_ns + LOOK_NS, agent, What::Step);
                }
                self.say(agent, at_ns, says);
                None
            }
        }
    }

    /// Sends what an agent says on its way.
    fn say(&mut self, agent: usize, at_ns: u64, says: Vec<Say>) {
        let is_silent =
            self.has(agent, at_ns, |mishap| matches!(mishap, Mishap::FallsSilent { .. }));
        let tells_nothing =
            self.has(agent, at_ns, |mishap| matches!(mishap, Mishap::ReportsNothing { .. }));
        for say in says {
            let what = match say {
                Say::Answer(report) => What::Said(report),
                Say::Frame(frame) => What::Frame(frame),
            };
            let arrives_ns = self.ways.back(agent, at_ns, what.is_unanswered());
            let arrives_ns = arrives_ns.filter(|_| !is_silent);
            if let What::Frame(frame) = what {
                let copies = self.copies(agent);
                let arrives_ns = arrives_ns.filter(|_| !tells_nothing && copies > 0);
                if arrives_ns.is_none() || copies > 1 {
                    self.hurt.insert(agent);
                }
                let Some(arrives_ns) = arrives_ns else { continue };
                for _ in 0..copies {
                    self.push(arrives_ns, agent, What::Frame(frame.clone()));
                }
            } else if let Some(arrives_ns) = arrives_ns {
                self.push(arrives_ns, agent, what);
            }
        }
    }

    /// How often the next frame of an agent goes on its way.
    fn copies(&mut self, agent: usize) -> u32 {
        let (Some(sent), Some(own)) = (self.sent.get_mut(agent), self.agents.get(agent)) else {
            return 0;
        };
        let serial = std::mem::replace(sent, *sent + 1);
        if own.meets(|mishap| mishap == Mishap::LosesFrame { serial }) {
            0
        } else if own.meets(|mishap| mishap == Mishap::RepeatsFrame { serial }) {
            2
        } else {
            1
        }
    }

    fn seat_of(&self, agent: usize) -> Option<usize> {
        // Seats are in the order of agents: some have left, none has come.
        self.seats.binary_search(&agent).ok()
    }

    /// What a frame tells, with those before it.
    fn assemble(&mut self, agent: usize, frame: &[u8]) -> Option<Heard> {
        let position = self.seat_of(agent)?;
        let slot = self.assemblies.get_mut(agent)?;
        let assembly = slot.as_mut()?;
        let trial = assembly.trial();
        let report = match assembly.take(frame) {
            Ok(None) => Report::Beat,
            Ok(Some(Told::Tick(tick))) => Report::Tick(tick),
            Ok(Some(Told::Stopped { cause })) => Report::Stopped { trial, cause },
            Ok(Some(Told::Refused { why })) => Report::Refused { trial, why },
            Ok(Some(Told::Done(done))) => Report::Done(done),
            Err(malformed) => {
                *slot = None;
                return Some(Heard::Lost(position, malformed.to_string()));
            }
        };
        Some(Heard::From(position, report))
    }
}
