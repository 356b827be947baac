//! Who sent which part of the load, where several machines did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{TrialRecord, cpu_us_per_request};
use super::times::LatenessRecord;
use crate::trial::result::AgentResult;
use crate::trial::verdict::{Verdict, VoidReason};

/// One agent's part of one trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialAgentRecord {
    /// What it is called.
    pub name: String,
    /// Processors of its machine; null where unknown.
    pub cores: Option<u32>,
    /// The highest rate that it offered in time against a server that does nothing, before the run.
    pub calibrated_rps: Option<f64>,
    /// Its part of the schedule, from 0 to 1.
    pub share_ratio: f64,
    /// Requests that it was to send in the measured part, of all streams.
    pub offered: u64,
    /// Of them, those that were accepted.
    pub accepted: u64,
    /// Requests that it lacked ports or file descriptors for.
    pub unsent: u64,
    /// Its lateness in the stream where it was latest.
    pub lateness_ms: LatenessRecord,
    /// Share of one core that its busiest sender used.
    pub cpu_ratio: f64,
    /// Its processor time per request in microseconds; null without requests.
    pub cpu_us_per_request: Option<f64>,
    /// By how much its clock was ahead of the coordinator's, in milliseconds; negative where it was behind.
    pub clock_ahead_ms: Option<f64>,
    /// The most that this may be wrong by, in milliseconds: half the shortest round trip.
    pub clock_error_ms: Option<f64>,
}

impl TrialAgentRecord {
    /// The record of one agent's part.
    #[must_use]
    pub fn new(agent: &AgentResult) -> Self {
        let streams = &agent.streams;
        let late = |place: usize| {
            let values = streams
                .iter()
                .filter_map(|stream| stream.lateness_ms.get(place).copied().flatten());
            values.reduce(f64::max)
        };
        let requests = streams.iter().map(|stream| stream.scheduled + stream.warm_up).sum();
        Self {
            name: agent.name.clone(),
            cores: agent.cores,
            calibrated_rps: agent.calibrated_rps,
            share_ratio: agent.share_ratio,
            offered: streams.iter().map(|stream| stream.scheduled).sum(),
            accepted: streams.iter().map(|stream| stream.accepted).sum(),
            unsent: streams.iter().map(|stream| stream.unsent_generator).sum(),
            lateness_ms: LatenessRecord { p50: late(0), p99: late(1), max: late(2) },
            cpu_ratio: agent.vitals.cpu_ratio(),
            cpu_us_per_request: cpu_us_per_request(agent.vitals.cpu_s, requests),
            clock_ahead_ms: agent.clock_ahead_ns.map(|ahead_ns| ahead_ns as f64 / 1e6),
            clock_error_ms: agent.clock_error_ns.map(|error_ns| error_ns as f64 / 1e6),
        }
    }
}

/// One agent over the whole run: sums, and of what went wrong the worst trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRecord {
    /// What it is called.
    pub name: String,
    /// Processors of its machine; null where unknown.
    pub cores: Option<u32>,
    /// The highest rate that it offered in time against a server that does nothing, before the run.
    pub calibrated_rps: Option<f64>,
    /// Trials to whose end it sent.
    pub trials: u64,
    /// Its part of the schedule in the last of them, from 0 to 1.
    pub share_ratio: f64,
    /// Requests that it was to send in measured parts.
    pub offered: u64,
    /// Of them, those that were accepted.
    pub accepted: u64,
    /// Requests that it lacked ports or file descriptors for.
    pub unsent: u64,
    /// The greatest of each of its figures of lateness.
    pub lateness_ms: LatenessRecord,
    /// The greatest share of one core that its busiest sender used.
    pub cpu_ratio: f64,
    /// By how much its clock was ahead of the coordinator's at last, in milliseconds.
    pub clock_ahead_ms: Option<f64>,
    /// The most that this was ever unsure by, in milliseconds.
    pub clock_error_ms: Option<f64>,
    /// Trials in which it was lost, with how that showed.
    pub lost: Vec<LossRecord>,
}

/// An agent was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LossRecord {
    /// In this trial, which is void.
    pub trial: String,
    /// How that showed.
    pub why: String,
}

impl AgentRecord {
    fn nobody(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cores: None,
            calibrated_rps: None,
            trials: 0,
            share_ratio: 0.0,
            offered: 0,
            accepted: 0,
            unsent: 0,
            lateness_ms: LatenessRecord::default(),
            cpu_ratio: 0.0,
            clock_ahead_ms: None,
            clock_error_ms: None,
            lost: Vec::new(),
        }
    }

    fn add(&mut self, part: &TrialAgentRecord) {
        let worse = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        let (late, more) = (self.lateness_ms, part.lateness_ms);
        self.cores = part.cores.or(self.cores);
        self.calibrated_rps = part.calibrated_rps.or(self.calibrated_rps);
        self.trials += 1;
        self.share_ratio = part.share_ratio;
        self.offered = self.offered.saturating_add(part.offered);
        self.accepted = self.accepted.saturating_add(part.accepted);
        self.unsent = self.unsent.saturating_add(part.unsent);
        self.lateness_ms = LatenessRecord {
            p50: worse(late.p50, more.p50),
            p99: worse(late.p99, more.p99),
            max: worse(late.max, more.max),
        };
        self.cpu_ratio = self.cpu_ratio.max(part.cpu_ratio);
        self.clock_ahead_ms = part.clock_ahead_ms.or(self.clock_ahead_ms);
        self.clock_error_ms = worse(self.clock_error_ms, part.clock_error_ms);
    }
}

/// The agents of a run, by name; empty where its own machine sent.
#[must_use]
pub fn agents(trials: &[TrialRecord]) -> Vec<AgentRecord> {
    let mut agents: Vec<AgentRecord> = Vec::new();
    for trial in trials {
        for part in &trial.agents {
            of(&mut agents, &part.name).add(part);
        }
        let Verdict::Void(reasons) = &trial.evidence.verdict else { continue };
        for reason in reasons {
            if let VoidReason::AgentLost { name, why } = reason {
                let loss = LossRecord { trial: trial.id.clone(), why: why.clone() };
                of(&mut agents, name).lost.push(loss);
            }
        }
    }
    agents.sort_by(|one, other| one.name.cmp(&other.name));
    agents
}

#[allow(
    clippy::indexing_slicing,
    reason = "the position was just found, or is that of what was just put there"
)]
fn of<'a>(agents: &'a mut Vec<AgentRecord>, name: &str) -> &'a mut AgentRecord {
    let found = agents.iter().position(|agent| agent.name == name);
    let position = found.unwrap_or_else(|| {
        agents.push(AgentRecord::nobody(name));
        agents.len() - 1
    });
    &mut agents[position]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{evidence, trial_result};
    use crate::trial::Purpose;
    use crate::trial::result::{AgentStream, Vitals};

    fn part(name: &str, scheduled: u64, p99_ms: f64) -> AgentResult {
        AgentResult {
            name: name.to_owned(),
            cores: Some(4),
            calibrated_rps: Some(8000.0),
            share_ratio: 0.5,
            clock_ahead_ns: Some(-2_000_000),
            clock_error_ns: Some(150_000),
            streams: vec![AgentStream {
                scheduled,
                accepted: scheduled - 1,
                unsent_generator: 0,
                warm_up: 0,
                lateness_ms: [Some(0.1), Some(p99_ms), Some(9.0)],
            }],
            vitals: Vitals::default(),
        }
    }

    #[test]
    fn an_agent_is_told_with_its_sums_its_worst_and_where_it_was_lost() {
        let mut first = trial_result(1, Purpose::Search, Vec::new());
        first.agents = vec![part("a", 100, 0.4), part("b", 50, 0.3)];
        let mut second = trial_result(3, Purpose::Search, Vec::new());
        second.agents = vec![part("a", 200, 0.2)];
        let lost = VoidReason::AgentLost { name: "b".to_owned(), why: "it fell silent".to_owned() };
        let trials = [
            TrialRecord::new(&first, &evidence(Verdict::Undecided)),
            TrialRecord::new(&second, &evidence(Verdict::Void(vec![lost]))),
        ];
        let agents = agents(&trials);
        let [a, b] = agents.as_slice() else { panic!("two agents, not {agents:?}") };
        assert_eq!((a.trials, a.offered, a.accepted), (2, 300, 298), "sums");
        assert_eq!((a.lateness_ms.p99, a.clock_ahead_ms), (Some(0.4), Some(-2.0)), "the worst");
        assert!(a.lost.is_empty(), "it was there all the time");
        assert_eq!((b.trials, b.lost.len()), (1, 1), "lost in the second");
        assert_eq!(b.lost[0].trial, "t3", "which is told");
    }
}
