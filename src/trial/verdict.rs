//! The words of a judgement: was the rate sustained, and if not, why and whose fault was it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a trial says about its rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The target keeps up with the rate, within the objective.
    Sustained(Proof),
    /// It does not.
    Overloaded(Vec<Reason>),
    /// The generator or the environment was at fault; never moves a bound of the search.
    Void(Vec<VoidReason>),
    /// Nothing was decided: interrupted, or not judged at all.
    Undecided,
}

/// How strongly a rate is shown to be sustained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Every upper bound lies within the objective.
    Bound,
    /// The samples were too few for a bound; the measured values themselves lie within.
    PointValue,
}

/// Why a target does not sustain a rate, with the figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Requests pile up.
    Backlog {
        /// How many more are outstanding for every second.
        growth_rps: f64,
    },
    /// So many requests wait that their waiting time alone breaks the limit (Little's law).
    Queue {
        /// Outstanding requests divided by the rate.
        queue_s: f64,
        /// The limit that it is held against.
        limit_s: f64,
    },
    /// Too many responses were slow.
    Slow {
        /// Share of responses over the limit.
        share_ratio: f64,
        /// The limit of a response.
        limit_ms: u64,
    },
    /// Too many requests ended in another way than accepted.
    Errors {
        /// Their share.
        share_ratio: f64,
        /// The share that is allowed.
        limit_ratio: f64,
    },
    /// Too many dashboard queries beside it were slow.
    DashboardSlow {
        /// Share of queries over the limit.
        share_ratio: f64,
        /// The limit of a query.
        limit_ms: u64,
    },
    /// Too many dashboard queries beside it failed.
    DashboardErrors {
        /// Their share.
        share_ratio: f64,
        /// The share that is allowed.
        limit_ratio: f64,
    },
    /// More requests were outstanding than the trial allows.
    Outstanding {
        /// The bound that was hit.
        bound: u64,
    },
    /// The time was up before the growth of the backlog could be ruled out.
    Unresolved,
    /// Far fewer requests are answered than at a lower rate.
    Collapse {
        /// Accepted answers per second over the last seconds.
        accepted_rps: f64,
        /// The rate that was sustained before.
        sustained_rps: f64,
    },
    /// Documents are accepted faster than they become searchable.
    HiddenBacklog {
        /// How many more are accepted and not found for every second.
        growth_rps: f64,
    },
    /// Too many parts of a soak break the objective by themselves.
    Windows {
        /// How many do.
        broken: u64,
        /// Of so many.
        of: u64,
    },
}

impl Reason {
    /// Whether requests piled up: the service cannot keep up, whatever the objective.
    #[must_use]
    pub const fn is_backlog(&self) -> bool {
        matches!(
            self,
            Self::Backlog { .. }
                | Self::Queue { .. }
                | Self::Outstanding { .. }
                | Self::Unresolved
                | Self::Collapse { .. }
                | Self::HiddenBacklog { .. }
        )
    }

    /// Whether it says that responses took too long.
    #[must_use]
    pub const fn is_slow(&self) -> bool {
        matches!(self, Self::Slow { .. })
    }

    /// Whether it says that requests ended in another way than accepted.
    #[must_use]
    pub const fn is_errors(&self) -> bool {
        matches!(self, Self::Errors { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backlog { growth_rps } => {
                write!(f, "backlog: {growth_rps:.1} more requests outstanding every second")
            }
            Self::Queue { queue_s, limit_s } => {
                write!(f, "queue: {queue_s:.1} s of requests outstanding (limit {limit_s:.1} s)")
            }
            Self::Slow { share_ratio, limit_ms } => write!(
                f,
                "slow: {:.2} % of responses over {limit_ms} ms (1 % allowed)",
                share_ratio * 100.0
            ),
            Self::Errors { share_ratio, limit_ratio } => write!(
                f,
                "errors: {:.3} % of requests not accepted ({:.3} % allowed)",
                share_ratio * 100.0,
                limit_ratio * 100.0
            ),
            Self::DashboardSlow { share_ratio, limit_ms } => write!(
                f,
                "dashboard slow: {:.2} % of queries over {limit_ms} ms (1 % allowed)",
                share_ratio * 100.0
            ),
            Self::DashboardErrors { share_ratio, limit_ratio } => write!(
                f,
                "dashboard errors: {:.2} % of queries not answered ({:.2} % allowed)",
                share_ratio * 100.0,
                limit_ratio * 100.0
            ),
            Self::Outstanding { bound } => {
                write!(f, "outstanding: more than {bound} requests under way")
            }
            Self::Unresolved => {
                write!(f, "unresolved: growth of the backlog could not be ruled out in time")
            }
            Self::Collapse { accepted_rps, sustained_rps } => write!(
                f,
                "collapse: only {accepted_rps:.1} accepted per second; {sustained_rps:.1}/s were sustained before"
            ),
            Self::HiddenBacklog { growth_rps } => write!(
                f,
                "hidden backlog: {growth_rps:.1} more documents accepted than searches find, every second"
            ),
            Self::Windows { broken, of } => {
                write!(f, "windows: {broken} of {of} parts of the soak break the objective")
            }
        }
    }
}

/// Why a trial says nothing about its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// Requests were taken up too late.
    Lateness {
        /// Median of the lateness.
        p50_ms: f64,
        /// Its 99th percentile.
        p99_ms: f64,
        /// The limit of the 99th percentile.
        limit_ms: f64,
    },
    /// No local port or file descriptor was left.
    Shortage {
        /// Requests that were not sent for it.
        unsent: u64,
    },
    /// The generator used its core up.
    Processor {
        /// Share of one core.
        cpu_ratio: f64,
    },
    /// The generator did not get to look at the trial for so long: its machine or its clock stood still.
    Gap {
        /// The longest time between two looks, in seconds.
        longest_s: f64,
    },
    /// The generator's machine was pressed, and not by the target.
    Host {
        /// Share of the time in which a task waited for a processor.
        stalled_ratio: f64,
        /// Share of the processor time that other machines of the host got.
        stolen_ratio: f64,
    },
    /// All connections that `LANES_MAX` allows were busy while the target answered as fast as at rest.
    Lanes {
        /// `LANES_MAX`.
        lanes_max: u32,
    },
    /// One of several agents was at fault.
    Agent {
        /// Which one.
        name: String,
        /// Its fault.
        reason: Box<VoidReason>,
    },
    /// An agent was lost in the middle of the trial, or something of what it told.
    AgentLost {
        /// Which one.
        name: String,
        /// How that showed.
        why: String,
    },
}

/// Agents at fault are named up to so many in a trial.
const AGENTS_TOLD: usize = 3;

impl fmt::Display for VoidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lateness { p50_ms, p99_ms, limit_ms } => write!(
                f,
                "lateness: requests left late (p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms; limits 0.50 ms, {limit_ms:.2} ms)"
            ),
            Self::Shortage { unsent } => {
                write!(f, "shortage: {unsent} requests lacked a local port or file descriptor")
            }
            Self::Processor { cpu_ratio } => {
                write!(f, "processor: the generator used {:.0} % of its core", cpu_ratio * 100.0)
            }
            Self::Gap { longest_s } => {
                write!(f, "gap: the generator stood still for {longest_s:.1} s")
            }
            Self::Host { stalled_ratio, stolen_ratio } => write!(
                f,
                "host: the generator's machine is pressed (tasks waited for a processor {:.0} % of the time, limit 20 %; {:.0} % was stolen, limit 5 %)",
                stalled_ratio * 100.0,
                stolen_ratio * 100.0
            ),
            Self::Lanes { lanes_max } => write!(
                f,
                "lanes: all {lanes_max} connections were busy while the target was fast; raise LANES_MAX"
            ),
            Self::Agent { name, reason } => write!(f, "agent {name}: {reason}"),
            Self::AgentLost { name, why } => write!(f, "agent {name} was lost: {why}"),
        }
    }
}

impl Verdict {
    /// The verdict's name in results.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sustained(_) => "sustained",
            Self::Overloaded(_) => "overloaded",
            Self::Void(_) => "void",
            Self::Undecided => "undecided",
        }
    }

    /// The reasons in words.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Self::Sustained(Proof::Bound) | Self::Undecided => Vec::new(),
            Self::Sustained(Proof::PointValue) => {
                vec![
                    "few_samples: the measured values hold, their bounds need more requests".into(),
                ]
            }
            Self::Overloaded(reasons) => reasons.iter().map(ToString::to_string).collect(),
            Self::Void(reasons) => told(reasons),
        }
    }
}

/// What voids a trial, in words: of agents at fault the first few, since a pressed host presses all of its guests.
fn told(reasons: &[VoidReason]) -> Vec<String> {
    let is_of_agent = |reason: &&VoidReason| matches!(reason, VoidReason::Agent { .. });
    let (of_agents, others): (Vec<_>, Vec<_>) = reasons.iter().partition(is_of_agent);
    let shown = others.iter().chain(of_agents.iter().take(AGENTS_TOLD));
    let mut words: Vec<String> = shown.map(ToString::to_string).collect();
    let untold = of_agents.len().saturating_sub(AGENTS_TOLD);
    if untold > 0 {
        words.push(format!("agents: {untold} more faults like these"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_agents_at_fault_some_are_named_and_the_others_counted() {
        let agent = |number: u32| VoidReason::Agent {
            name: format!("a{number}"),
            reason: Box::new(VoidReason::Processor { cpu_ratio: 0.9 }),
        };
        let mut reasons: Vec<VoidReason> = (0..1000).map(agent).collect();
        reasons.push(VoidReason::Lanes { lanes_max: 8 });
        let words = Verdict::Void(reasons.clone()).reasons();
        assert_eq!(words.len(), 5, "{words:?}");
        assert!(words[0].starts_with("lanes") && words[1].starts_with("agent a0: processor"));
        assert!(words[4].starts_with("agents: 997 more"), "{}", words[4]);
        let few = Verdict::Void(reasons.drain(..3).collect()).reasons();
        assert_eq!(few.len(), 3, "so few are all named: {few:?}");
    }
}
