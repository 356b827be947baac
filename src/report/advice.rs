//! Findings in words, and what to do next: for people who have to act on them.

/// A finding explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What it means.
    pub meaning: &'static str,
    /// What to do next; empty where nothing needs to be done.
    pub next: &'static str,
}

/// The explanation of the finding called `finding`.
#[must_use]
pub fn advice(finding: &str) -> Advice {
    let (meaning, next) = match finding {
        "capacity" => ("the highest rate that was confirmed", ""),
        "at_ceiling" => (
            "the ceiling itself is sustained; the capacity lies at or above it",
            "raise CEILING_RPS to find where it ends",
        ),
        "below_floor" => (
            "not even the lowest rate of the search is sustained",
            "see whether the target works at all; else lower FLOOR_RPS or raise P99_MS",
        ),
        "unconfirmed" => (
            "rates passed short trials, and none of them held a soak",
            "run again with a greater BUDGET_S; if it stays, the target's speed drifts or stalls",
        ),
        "metastable" => (
            "the target did not come back after an overload",
            "look at its queues and retries; restart it before the next run",
        ),
        "generator_limited" => (
            "the load generator was at fault too often to say anything about the target",
            "give it a machine or cores of its own, more file descriptors, or more LANES_MAX",
        ),
        "out_of_budget" => {
            ("the time was up before a rate was confirmed", "raise BUDGET_S, or use PRESET=quick")
        }
        "running" => ("the run is not over", ""),
        "interrupted" => ("the run was stopped before a rate was confirmed", "run it again"),
        "target_lost" => (
            "the target was lost before a rate was confirmed",
            "read the target's log; it crashed, was stopped, or the network failed",
        ),
        "agent_lost" => (
            "an agent was lost, and a run that is to be signed off goes on with all or none",
            "read the agent's log, start it again, and run again",
        ),
        "agents_lost" => (
            "all agents were lost before a rate was confirmed",
            "see whether the bus and the agents are there, start them again, and run again",
        ),
        _ => ("a finding that this version does not know", "use the version that wrote it"),
    };
    Advice { meaning, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::finding::Finding;

    #[test]
    fn every_finding_without_an_answer_says_what_to_do_next() {
        for finding in [
            Finding::AtCeiling,
            Finding::BelowFloor,
            Finding::Unconfirmed,
            Finding::Metastable,
            Finding::GeneratorLimited,
            Finding::OutOfBudget,
            Finding::Interrupted,
            Finding::TargetLost,
            Finding::AgentLost,
            Finding::AgentsLost,
        ] {
            let advice = advice(finding.name());
            assert!(!advice.next.is_empty(), "{} leaves the reader alone", finding.name());
            assert!(!advice.meaning.contains("does not know"), "{} is known", finding.name());
        }
    }
}
