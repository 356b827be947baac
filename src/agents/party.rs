//! One agent in one trial, as the coordinator sees it.

use std::collections::VecDeque;

use super::{Assignment, DoneReport, TickReport};
use crate::corpus::number_set::NumberSet;
use crate::schedule::Schedule;
use crate::trial::TrialPlan;
use crate::trial::tally::Tally;
use crate::units::{NS_PER_S, ms_to_ns};

/// No agent has more senders.
const SENDERS_MOST: usize = 64;
/// Memory that reports take which wait for those of other agents, and how many there are of them.
const PENDING_BYTES_MOST: usize = 256 << 20;
const PENDING_MOST: usize = 256;
/// An agent tells of no instant so long after the end of its trial, in seconds.
const LATE_MOST_S: f64 = 86_400.0;

/// An agent that is there and tells nothing of the running trial for so long stands still.
const STANDSTILL_NS: u64 = 5 * NS_PER_S;

/// When an agent is given up, by the coordinator's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) silence_ns: u64,
    pub(super) ready_by_ns: u64,
    pub(super) over_by_ns: u64,
    pub(super) is_stopped: bool,
}

/// How far an agent is.
#[derive(Debug)]
pub(super) enum Stage {
    /// It gets ready.
    Preparing,
    /// It waits for the order to go.
    Ready,
    /// It sends.
    Running,
    /// It has told everything; what it had accepted is passed on.
    Done(Box<DoneReport>),
    /// It will not be heard of again in this trial.
    Lost,
}

/// One agent in one trial.
#[derive(Debug)]
pub(super) struct Party {
    /// Its position among the members.
    pub(super) member: usize,
    pub(super) name: String,
    pub(super) assignment: Assignment,
    pub(super) stage: Stage,
    /// What it has counted, sender by sender, stream by stream.
    pub(super) senders: Vec<Vec<Tally>>,
    /// What it has told and that is not looked at yet.
    pending: VecDeque<TickReport>,
    pending_bytes: usize,
    /// When anything was heard of it.
    pub(super) heard_ns: u64,
    /// When it last told what it has counted.
    pub(super) told_ns: u64,
}

impl Party {
    pub(super) fn new(member: usize, name: String, assignment: Assignment, now_ns: u64) -> Self {
        Self {
            member,
            name,
            assignment,
            stage: Stage::Preparing,
            senders: Vec::new(),
            pending: VecDeque::new(),
            pending_bytes: 0,
            heard_ns: now_ns,
            told_ns: now_ns,
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Done(_) | Stage::Lost)
    }

    /// Whether there is a report to look at, or will never be one.
    pub(super) fn may_be_seen(&self) -> bool {
        !self.pending.is_empty() || self.is_over()
    }

    pub(super) fn gets_ready(&mut self) {
        if matches!(self.stage, Stage::Preparing) {
            self.stage = Stage::Ready;
        }
    }

    /// Why it will not be heard of any more, where that is certain at `now_ns`.
    pub(super) fn misses(&self, limits: &Limits, now_ns: u64) -> Option<&'static str> {
        let late = |since_ns: u64, span_ns: u64| now_ns.saturating_sub(since_ns) > span_ns;
        match self.stage {
            Stage::Done(_) | Stage::Lost => None,
            _ if late(self.heard_ns, limits.silence_ns) => Some("it fell silent"),
            Stage::Preparing if now_ns > limits.ready_by_ns => Some("it did not get ready"),
            Stage::Running if now_ns > limits.over_by_ns => {
                Some("it did not tell what it has counted")
            }
            Stage::Running if !limits.is_stopped && late(self.told_ns, STANDSTILL_NS) => {
                Some("it stands still")
            }
            _ => None,
        }
    }

    /// Keeps a report until those of the others are there.
    ///
    /// # Errors
    /// In words, when it tells more than two agents can be apart.
    pub(super) fn tells(&mut self, report: TickReport, now_ns: u64) -> Result<(), String> {
        self.told_ns = now_ns;
        self.pending_bytes += report.weight_bytes();
        self.pending.push_back(report);
        if self.pending.len() > PENDING_MOST || self.pending_bytes > PENDING_BYTES_MOST {
            return Err("it tells more than can have happened".to_owned());
        }
        Ok(())
    }

    /// Looks at its next report; the instant of it.
    ///
    /// # Errors
    /// In words, when it makes no sense.
    pub(super) fn look(&mut self) -> Result<Option<f64>, String> {
        let Some(report) = self.pending.pop_front() else { return Ok(None) };
        self.pending_bytes = self.pending_bytes.saturating_sub(report.weight_bytes());
        let plan = &self.assignment.plan;
        if !(0.0..=plan.warmup_s + plan.measure_s + LATE_MOST_S).contains(&report.at_s) {
            return Err("it tells of no instant of the trial".to_owned());
        }
        self.seat(report.senders.len())?;
        for (tallies, updates) in self.senders.iter_mut().zip(report.senders) {
            if tallies.len() != updates.len() {
                return Err("it tells of streams that are none".to_owned());
            }
            for (tally, update) in tallies.iter_mut().zip(updates) {
                tally.apply(update).map_err(|untold| untold.to_string())?;
            }
        }
        self.hold_against_the_plan()?;
        Ok(Some(report.at_s))
    }

    /// Takes over everything that it has told in the end; the documents that it had accepted.
    ///
    /// # Errors
    /// In words, when something is missing.
    pub(super) fn finish(&mut self, mut report: Box<DoneReport>) -> Result<NumberSet, String> {
        while self.look()?.is_some() {}
        if !report.accepted.is_within(&self.assignment.numbers) {
            return Err("it tells of documents that are none of the trial".to_owned());
        }
        if !report.vitals.is_credible() {
            return Err("it tells of itself what cannot be".to_owned());
        }
        self.seat(report.senders.len())?;
        for (tallies, ends) in self.senders.iter_mut().zip(std::mem::take(&mut report.senders)) {
            if tallies.len() != ends.len() {
                return Err("it tells of streams that are none".to_owned());
            }
            for (tally, (update, times)) in tallies.iter_mut().zip(ends) {
                tally.apply(update).map_err(|untold| untold.to_string())?;
                tally.complete(times).map_err(|untold| untold.to_string())?;
            }
        }
        self.hold_against_the_plan()?;
        let accepted = std::mem::take(&mut report.accepted);
        self.stage = Stage::Done(report);
        Ok(accepted)
    }

    /// All its senders together have no more arrivals than the trial.
    fn hold_against_the_plan(&self) -> Result<(), String> {
        let plan = &self.assignment.plan;
        for (position, stream) in plan.streams.iter().enumerate() {
            let most = Schedule::total(stream.offered, plan.warmup_s, plan.measure_s);
            let tallies = self.senders.iter().filter_map(|tallies| tallies.get(position));
            let due: u64 = tallies.map(|tally| tally.scheduled + tally.warm_up.scheduled).sum();
            if due > most {
                return Err("it tells of more requests than the trial has".to_owned());
            }
        }
        Ok(())
    }

    /// Books for so many senders, from the first report on.
    fn seat(&mut self, senders: usize) -> Result<(), String> {
        if self.senders.is_empty() && (1..=SENDERS_MOST).contains(&senders) {
            self.senders = vec![books(&self.assignment.plan); senders];
        }
        if self.senders.len() == senders {
            Ok(())
        } else {
            Err(format!("it tells of {senders} senders"))
        }
    }

    /// Adds the tallies of all its senders to `whole`, stream by stream.
    pub(super) fn add_to(&self, whole: &mut [Tally], add: impl Fn(&mut Tally, &Tally)) {
        for tallies in &self.senders {
            for (whole, tally) in whole.iter_mut().zip(tallies) {
                add(whole, tally);
            }
        }
    }
}

/// Empty books of every stream of a trial.
pub(super) fn books(plan: &TrialPlan) -> Vec<Tally> {
    let streams = plan.streams.iter().map(|stream| {
        let timeout_ns = ms_to_ns(stream.timeout_ms);
        let tally =
            Tally::new(plan.warmup_s, plan.measure_s, timeout_ns, stream.slow_ms.map(ms_to_ns));
        Tally::empty_like(&tally)
    });
    streams.collect()
}
