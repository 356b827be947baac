//! The port of a simulated crew: time goes on while the coordinator listens.

use std::cmp::Reverse;

use super::SimCrew;
use super::event::What;
use super::plan::Mishap;
use crate::agents::clock::{Bearing, Stamps};
use crate::agents::frames::Assembly;
use crate::agents::{Crew, Heard, Member, Order};
use crate::units::{NS_PER_S, OffsetNs};

/// Silence for so long is a loss.
const SILENCE_NS: u64 = NS_PER_S;
/// An order to go reaches everybody within this, and four of the longest ways.
const LEAD_NS: u64 = 60_000_000;
/// Questions for the time, of which the fastest counts.
const CLOCK_QUESTIONS: usize = 32;

impl SimCrew {
    /// Where the clock of an agent stands, by questions that take their time.
    fn bearing(&mut self, agent: usize) -> Option<Bearing> {
        let ahead_ns = self.agents.get(agent)?.ahead_ns;
        let mut asked_ns = self.now_ns;
        let questions = (0..CLOCK_QUESTIONS).map(|_| {
            let received_ns = asked_ns + self.ways.takes_ns();
            let heard_ns = received_ns + self.ways.takes_ns();
            let there_ns = received_ns.saturating_add_signed(ahead_ns);
            let stamps =
                Stamps { asked_ns, received_ns: there_ns, answered_ns: there_ns, heard_ns };
            asked_ns = heard_ns;
            stamps
        });
        let questions: Vec<Stamps> = questions.collect();
        Bearing::of(&questions)
    }
}

impl Crew for SimCrew {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn muster(&mut self) -> Vec<String> {
        self.word = None;
        let (mut lost, mut seats, mut members) = (Vec::new(), Vec::new(), Vec::new());
        let asked = std::mem::take(&mut self.seats).into_iter();
        for (agent, mut member) in asked.zip(std::mem::take(&mut self.members)) {
            let now_ns = self.now_ns;
            let is_gone = self.is_dead(agent, now_ns)
                || self.has(agent, now_ns, |mishap| matches!(mishap, Mishap::FallsSilent { .. }))
                || self.is_deaf(agent, now_ns);
            match self.bearing(agent).filter(|_| !is_gone) {
                None => lost.push(member.name),
                Some(bearing) => {
                    member.clock = Some(bearing.or_earlier(member.clock));
                    seats.push(agent);
                    members.push(member);
                }
            }
        }
        (self.seats, self.members) = (seats, members);
        lost
    }

    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn lead_ns(&self) -> u64 {
        let clocks = self.members.iter().filter_map(|member| member.clock);
        LEAD_NS + 8 * clocks.map(|clock| clock.error_ns).max().unwrap_or_default()
    }

    fn silence_ns(&self) -> Option<u64> {
        Some(SILENCE_NS)
    }

    fn tell(&mut self, member: usize, order: &Order) {
        let Some(agent) = self.seats.get(member).copied() else { return };
        let clock = self.members.get(member).and_then(|member| member.clock);
        let mut order = order.clone();
        match &mut order {
            Order::Prepare(assignment) => {
                if let (Some(assembly), Some(sent)) =
                    (self.assemblies.get_mut(agent), self.sent.get_mut(agent))
                {
                    *assembly = Some(Assembly::new(assignment.plan.id));
                    *sent = 0;
                }
            }
            Order::Go { start_ns, .. } => {
                *start_ns = clock.map_or(*start_ns, |clock| clock.there_ns(*start_ns));
            }
            Order::Stop { trial, cause } => self.word = Some((*trial, *cause)),
        }
        if let Some(at_ns) = self.ways.out(agent, self.now_ns, true) {
            self.push(at_ns, agent, What::Order(order));
        }
    }

    fn hear(&mut self, wait_ns: u64) -> Option<Heard> {
        if let Some((at_s, for_s)) = self.plan.held_up
            && !self.was_held_up
            && self.elapsed_s() >= at_s
        {
            self.was_held_up = true;
            self.now_ns += OffsetNs::from_s(for_s).0;
        }
        let until_ns = self.now_ns + wait_ns;
        while self.events.peek().is_some_and(|Reverse(event)| event.at_ns <= until_ns) {
            let Some(Reverse(event)) = self.events.pop() else { break };
            self.now_ns = self.now_ns.max(event.at_ns);
            if let Some(heard) = self.happen(event) {
                return Some(heard);
            }
        }
        self.now_ns = self.now_ns.max(until_ns);
        None
    }
}
