//! One agent in one trial, as the coordinator sees it.

use std::collections::VecDeque;

use super::{Assignment, DoneReport, TickReport};
use crate::corpus::number_set::NumberSet;
use crate::trial::TrialPlan;
use crate::trial::tally::Tally;
use crate::units::{NS_PER_S, ms_to_ns};

/// No agent has more senders.
const SENDERS_MOST: usize = 64;

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

    pub(super) fn tells(&mut self, report: TickReport, now_ns: u64) {
        self.told_ns = now_ns;
        self.pending.push_back(report);
    }

    /// Looks at its next report; the instant of it.
    ///
    /// # Errors
    /// In words, when it makes no sense.
    pub(super) fn look(&mut self) -> Result<Option<f64>, String> {
        let Some(report) = self.pending.pop_front() else { return Ok(None) };
        if !report.at_s.is_finite() {
            return Err("it tells of no instant".to_owned());
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
        let accepted = std::mem::take(&mut report.accepted);
        self.stage = Stage::Done(report);
        Ok(accepted)
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
