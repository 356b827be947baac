//! What a trial and a recovery brought, and every figure derived from them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hidden::Visible;
use super::tally::Tally;
use super::verdict::VoidReason;
use super::{StopCause, StreamPlan, TrialId, TrialPlan, Workload};

/// One stream of a finished trial.
#[derive(Debug, Clone)]
pub struct StreamResult {
    /// What was planned.
    pub plan: StreamPlan,
    /// What was counted.
    pub tally: Tally,
}

impl StreamResult {
    /// Documents accepted within the measured part, per second of it; `None` if it is empty.
    #[must_use]
    pub fn accepted_rps(&self) -> Option<f64> {
        let measured_s = self.tally.measured_s();
        (measured_s > 0.0).then(|| self.tally.accepted_in_time as f64 / measured_s)
    }

    /// The same over the second half of the measured part.
    #[must_use]
    pub fn accepted_second_half_rps(&self) -> Option<f64> {
        let half_s = self.tally.measured_s() / 2.0;
        (half_s > 0.0).then(|| self.tally.accepted_second_half as f64 / half_s)
    }

    /// Share of requests that ended in another way than accepted; `None` without requests.
    #[must_use]
    pub fn error_ratio(&self) -> Option<f64> {
        let total = self.tally.counts.total();
        (total > 0).then(|| self.tally.counts.failed() as f64 / total as f64)
    }

    /// Number of requests over the limit for a slow response.
    #[must_use]
    pub fn slow(&self) -> u64 {
        self.tally.bins.iter().map(|bin| bin.slow).sum()
    }
}

/// How the generator itself fared during a trial.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vitals {
    /// Processor time of the generator, user and system, all its threads together.
    pub cpu_s: f64,
    /// The same of the thread that used most.
    pub busiest_cpu_s: f64,
    /// Time from the first arrival to the end of the last request.
    pub wall_s: f64,
    /// Times that its threads gave their processor up to wait.
    pub sleeps: u64,
    /// Times that their processor was taken from them.
    pub preemptions: u64,
    /// Whether every connection that was allowed was busy while a request had to wait.
    pub lanes_exhausted: bool,
    /// The most connections that were allowed per stream.
    pub lanes_max: u32,
    /// Whether it never sleeps by the user's wish, so that it uses its core up whatever it does.
    pub spins: bool,
    /// The longest time from one look at the trial to the next: half a second where nothing held it up.
    pub longest_gap_s: f64,
    /// Ports and descriptors at its end.
    pub sockets: SocketUse,
    /// How pressed the machine was.
    pub host: HostLoad,
    /// Whether generator and target share the machine, so that its pressure is the target's own doing.
    pub is_shared: bool,
}

/// What connections take of the generator's system; `None` where the system does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketUse {
    /// Local ports held by connections that were closed from this side within the last minute.
    pub ports_held: u64,
    /// Local ports for outgoing connections.
    pub ports: u64,
    /// Descriptors that are open.
    pub descriptors: Option<u64>,
    /// As many as may be.
    pub descriptors_max: Option<u64>,
}

/// How pressed the machine of the generator was during a trial; `None` where its kernel does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostLoad {
    /// Share of the time in which at least one task waited for a processor (PSI, "some").
    pub stalled_ratio: Option<f64>,
    /// Share of the processor time that went to other machines of the host ("steal").
    pub stolen_ratio: Option<f64>,
}

impl Vitals {
    /// Share of its core that the busiest thread of the generator used.
    #[must_use]
    pub fn cpu_ratio(&self) -> f64 {
        if self.wall_s > 0.0 { self.busiest_cpu_s / self.wall_s } else { 0.0 }
    }

    /// How two agents fared together: what they used is added up, of what went wrong the worse counts.
    #[must_use]
    pub fn together(self, other: Self) -> Self {
        let sum = |one: Option<u64>, more: Option<u64>| match (one, more) {
            (Some(one), Some(more)) => Some(one.saturating_add(more)),
            (one, more) => one.or(more),
        };
        let worse = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        let (sockets, more) = (self.sockets, other.sockets);
        Self {
            cpu_s: self.cpu_s + other.cpu_s,
            busiest_cpu_s: self.busiest_cpu_s.max(other.busiest_cpu_s),
            wall_s: self.wall_s.max(other.wall_s),
            sleeps: self.sleeps + other.sleeps,
            preemptions: self.preemptions + other.preemptions,
            lanes_exhausted: self.lanes_exhausted || other.lanes_exhausted,
            lanes_max: self.lanes_max.saturating_add(other.lanes_max),
            spins: self.spins || other.spins,
            longest_gap_s: self.longest_gap_s.max(other.longest_gap_s),
            sockets: SocketUse {
                ports_held: sockets.ports_held + more.ports_held,
                ports: sockets.ports + more.ports,
                descriptors: sum(sockets.descriptors, more.descriptors),
                descriptors_max: sum(sockets.descriptors_max, more.descriptors_max),
            },
            host: HostLoad {
                stalled_ratio: worse(self.host.stalled_ratio, other.host.stalled_ratio),
                stolen_ratio: worse(self.host.stolen_ratio, other.host.stolen_ratio),
            },
            is_shared: self.is_shared || other.is_shared,
        }
    }
}

/// One agent's part of a finished trial.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentResult {
    /// What it is called.
    pub name: String,
    /// Processors of its machine; `None` where unknown.
    pub cores: Option<u32>,
    /// What it reached when it was calibrated.
    pub calibrated_rps: Option<f64>,
    /// Its part of all slots.
    pub share_ratio: f64,
    /// By how much its clock is ahead of the coordinator's; `None` where both are one.
    pub clock_ahead_ns: Option<i64>,
    /// The most that this may be wrong by.
    pub clock_error_ns: Option<u64>,
    /// What it sent, stream by stream.
    pub streams: Vec<AgentStream>,
    /// How it fared.
    pub vitals: Vitals,
}

/// One stream of one agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgentStream {
    /// Requests of the measured part that were due.
    pub scheduled: u64,
    /// Of them, those that were accepted.
    pub accepted: u64,
    /// Requests that it lacked ports or file descriptors for.
    pub unsent_generator: u64,
    /// Requests of the warm-up.
    pub warm_up: u64,
    /// Its lateness in milliseconds: median and 99th percentile, where there are samples enough, and the greatest.
    pub lateness_ms: [Option<f64>; 3],
}

impl AgentStream {
    /// That of `tally`.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        let late = &tally.lateness;
        Self {
            scheduled: tally.scheduled,
            accepted: tally.counts.accepted,
            unsent_generator: tally.unsent_generator,
            warm_up: tally.warm_up.scheduled,
            lateness_ms: [late.quantile_ms(0.5), late.quantile_ms(0.99), late.max_ms()],
        }
    }
}

/// A finished trial.
#[derive(Debug, Clone)]
pub struct TrialResult {
    /// What was planned.
    pub plan: TrialPlan,
    /// Its streams, in the plan's order.
    pub streams: Vec<StreamResult>,
    /// Why it ended before its plan did; `None` when it ran to its end.
    pub stopped: Option<StopCause>,
    /// Campaign time at which it started.
    pub started_s: f64,
    /// How the generator fared.
    pub vitals: Vitals,
    /// What searches found meanwhile; empty where the target cannot count.
    pub visible: Vec<Visible>,
    /// What the server tells of itself: what happened during the trial (`_total`), and how it stands afterwards.
    pub server: BTreeMap<String, f64>,
    /// Who sent which part of it.
    pub agents: Vec<AgentResult>,
    /// What makes it void, whatever its figures say.
    pub lapses: Vec<VoidReason>,
    /// Seconds from the end of its last request to this result; `None` in virtual time.
    pub merged_after_s: Option<f64>,
}

impl TrialResult {
    /// The stream of `workload`, where the trial has one.
    #[must_use]
    pub fn stream(&self, workload: Workload) -> Option<&StreamResult> {
        self.streams.iter().find(|stream| stream.plan.workload == workload)
    }

    /// Seconds from the last planned due time to the end of the last request; 0 when it was cut short.
    #[must_use]
    pub fn drained_s(&self) -> f64 {
        (self.vitals.wall_s - self.plan.warmup_s - self.plan.measure_s).max(0.0)
    }

    /// Requests of all streams, warm-up included, whatever they carried.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.streams
            .iter()
            .map(|stream| stream.tally.scheduled + stream.tally.warm_up.scheduled)
            .sum()
    }
}

/// How the wait after a trial went.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// Its name.
    pub id: TrialId,
    /// Seconds from its start to the first of the good probes in a row; `None` when the cap came first.
    pub recovered_s: Option<f64>,
    /// Seconds that it took in all.
    pub wall_s: f64,
    /// Probes sent.
    pub probes: u64,
    /// Probes that were accepted: documents that the target holds.
    pub accepted: u64,
    /// Probes of which it is not known whether the target holds their document.
    pub unknown: u64,
    /// Why it ended before its cap without a recovery.
    pub stopped: Option<StopCause>,
}
