//! What an agent may be told, and when: the rules by which it obeys one coordinator and nobody else.
//!
//! An agent sends only what it was enlisted for, by the run that enlisted it, for a trial that it got ready for. Everything
//! else is refused with a reason, and nothing is sent.

use crate::trial::TrialId;
use crate::units::NS_PER_S;

/// An agent that hears nothing of its coordinator for so long stops sending.
pub const MUTE_NS: u64 = 1_500_000_000;
/// One that hears nothing of it for so long is free for another one: a bus that starts anew must not take so long.
pub const LEASE_NS: u64 = 30 * NS_PER_S;
/// Names of runs are no longer than this.
const NAME_MOST: usize = 80;

/// Where an agent stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duty {
    run: Option<Run>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    name: String,
    heard_ns: u64,
    trial: Trial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    None,
    Prepared(TrialId),
    Running(TrialId),
}

/// Why an order is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another coordinator has this agent.
    #[error("it works for another run")]
    Taken,
    /// It was not enlisted by whoever speaks.
    #[error("it was not enlisted by this run")]
    Stranger,
    /// A trial is running.
    #[error("it is in the middle of a trial")]
    Busy,
    /// It has not got ready for that trial.
    #[error("it is not ready for this trial")]
    NotReady,
    /// The instant to start at is over, or far away.
    #[error("the start is {0}")]
    Start(&'static str),
    /// No name of a run.
    #[error("the run has no proper name")]
    Name,
}

/// A schedule starts within so long after the order to go.
const START_MOST_NS: u64 = 10 * NS_PER_S;

impl Duty {
    /// Enters the service of `run`; whatever it did for that run before is forgotten.
    ///
    /// # Errors
    /// When another coordinator has it, or a trial is running.
    pub fn enlist(&mut self, run: &str, now_ns: u64) -> Result<(), Refusal> {
        let is_name = (1..=NAME_MOST).contains(&run.len())
            && run.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_name {
            return Err(Refusal::Name);
        }
        if let Some(own) = &self.run {
            if matches!(own.trial, Trial::Running(_)) {
                return Err(Refusal::Busy);
            }
            if own.name != run && now_ns.saturating_sub(own.heard_ns) <= LEASE_NS {
                return Err(Refusal::Taken);
            }
        }
        self.run = Some(Run { name: run.to_owned(), heard_ns: now_ns, trial: Trial::None });
        Ok(())
    }

    /// Gets ready for a trial.
    ///
    /// # Errors
    /// When somebody else speaks, or a trial is running.
    pub fn prepare(&mut self, run: &str, trial: TrialId, now_ns: u64) -> Result<(), Refusal> {
        let own = self.of(run, now_ns)?;
        if matches!(own.trial, Trial::Running(_)) {
            return Err(Refusal::Busy);
        }
        own.trial = Trial::Prepared(trial);
        Ok(())
    }

    /// Starts a trial at `start_ns`.
    ///
    /// # Errors
    /// When it is not ready for that one, somebody else speaks, or it is too late.
    pub fn go(
        &mut self,
        run: &str,
        trial: TrialId,
        start_ns: u64,
        now_ns: u64,
    ) -> Result<(), Refusal> {
        let own = self.of(run, now_ns)?;
        if own.trial != Trial::Prepared(trial) {
            return Err(Refusal::NotReady);
        }
        if start_ns < now_ns {
            own.trial = Trial::None;
            return Err(Refusal::Start("over already"));
        }
        if start_ns - now_ns > START_MOST_NS {
            return Err(Refusal::Start("too far away"));
        }
        own.trial = Trial::Running(trial);
        Ok(())
    }

    /// Stops a trial.
    ///
    /// # Errors
    /// When it is not this one that runs, or somebody else speaks.
    pub fn stop(&mut self, run: &str, trial: TrialId, now_ns: u64) -> Result<(), Refusal> {
        let own = self.of(run, now_ns)?;
        match own.trial {
            Trial::Running(own) if own == trial => Ok(()),
            Trial::Prepared(prepared) if prepared == trial => {
                own.trial = Trial::None;
                Ok(())
            }
            _ => Err(Refusal::NotReady),
        }
    }

    /// The running trial has ended.
    pub const fn ended(&mut self) {
        if let Some(own) = &mut self.run {
            own.trial = Trial::None;
        }
    }

    /// A sign of life of the coordinator of `run`.
    pub fn beat(&mut self, run: &str, now_ns: u64) {
        if let Ok(own) = self.of(run, now_ns) {
            own.heard_ns = now_ns;
        }
    }

    /// Leaves the service of `run`.
    ///
    /// # Errors
    /// When somebody else speaks, or a trial is running.
    pub fn release(&mut self, run: &str, now_ns: u64) -> Result<(), Refusal> {
        if matches!(self.of(run, now_ns)?.trial, Trial::Running(_)) {
            return Err(Refusal::Busy);
        }
        self.run = None;
        Ok(())
    }

    /// The run that it serves.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        self.run.as_ref().map(|run| run.name.as_str())
    }

    /// Whether it has heard nothing of its coordinator for so long that it may not go on sending.
    #[must_use]
    pub fn is_mute(&self, now_ns: u64) -> bool {
        self.run.as_ref().is_none_or(|run| now_ns.saturating_sub(run.heard_ns) > MUTE_NS)
    }

    /// Forgets a coordinator that has not been heard of for long; true when it did.
    pub fn forget(&mut self, now_ns: u64) -> bool {
        let is_gone = self.run.as_ref().is_some_and(|run| {
            now_ns.saturating_sub(run.heard_ns) > LEASE_NS
                && !matches!(run.trial, Trial::Running(_))
        });
        if is_gone {
            self.run = None;
        }
        is_gone
    }

    fn of(&mut self, run: &str, now_ns: u64) -> Result<&mut Run, Refusal> {
        let own = self.run.as_mut().filter(|own| own.name == run).ok_or(Refusal::Stranger)?;
        own.heard_ns = own.heard_ns.max(now_ns);
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Said {
        Enlist(u8),
        Prepare(u8, u32),
        Go(u8, u32, u64),
        Stop(u8, u32),
        Beat(u8),
        Release(u8),
        Ended,
        Wait(u64),
    }

    fn said() -> impl Strategy<Value = Said> {
        let (run, trial) = (0..3_u8, 0..3_u32);
        prop_oneof![
            run.clone().prop_map(Said::Enlist),
            (run.clone(), trial.clone()).prop_map(|(run, trial)| Said::Prepare(run, trial)),
            (run.clone(), trial.clone(), 0..20_000_000_000_u64)
                .prop_map(|(run, trial, at)| Said::Go(run, trial, at)),
            (run.clone(), trial).prop_map(|(run, trial)| Said::Stop(run, trial)),
            run.clone().prop_map(Said::Beat),
            run.prop_map(Said::Release),
            Just(Said::Ended),
            (0..40_000_000_000_u64).prop_map(Said::Wait),
        ]
    }

    proptest! {
        #[test]
        fn it_sends_only_for_the_run_that_has_it_and_what_that_run_prepared(
            orders in prop::collection::vec(said(), 1..60),
        ) {
            let (mut duty, mut now_ns) = (Duty::default(), 1_u64);
            // What an observer knows: who has it, what is ready.
            let (mut owner, mut ready): (Option<u8>, Option<u32>) = (None, None);
            let name = |run: u8| format!("run-{run}");
            for order in orders {
                match order {
                    Said::Wait(span_ns) => now_ns += span_ns,
                    Said::Beat(run) => duty.beat(&name(run), now_ns),
                    Said::Ended => duty.ended(),
                    Said::Enlist(run) => if duty.enlist(&name(run), now_ns).is_ok() {
                        (owner, ready) = (Some(run), None);
                    },
                    Said::Prepare(run, trial) => if duty.prepare(&name(run), TrialId(trial), now_ns).is_ok() {
                        prop_assert_eq!(owner, Some(run), "a stranger prepares nothing");
                        ready = Some(trial);
                    },
                    Said::Go(run, trial, at_ns) => {
                        if duty.go(&name(run), TrialId(trial), at_ns, now_ns).is_ok() {
                            prop_assert_eq!(owner, Some(run), "a stranger starts nothing");
                            prop_assert_eq!(ready, Some(trial), "nothing starts that was not prepared");
                            prop_assert!(at_ns >= now_ns, "nothing starts in the past");
                            ready = None;
                        }
                    }
                    Said::Stop(run, trial) => if duty.stop(&name(run), TrialId(trial), now_ns).is_ok() {
                        prop_assert_eq!(owner, Some(run), "a stranger stops nothing");
                    },
                    Said::Release(run) => if duty.release(&name(run), now_ns).is_ok() {
                        prop_assert_eq!(owner, Some(run), "a stranger releases nobody");
                        (owner, ready) = (None, None);
                    },
                }
            }
        }
    }

    #[test]
    fn who_has_it_keeps_it_until_nothing_was_heard_for_long() {
        let mut duty = Duty::default();
        duty.enlist("a", 0).unwrap();
        assert_eq!(duty.enlist("b", LEASE_NS), Err(Refusal::Taken), "not yet");
        duty.beat("a", LEASE_NS);
        assert_eq!(duty.enlist("b", LEASE_NS + 1), Err(Refusal::Taken), "it was heard of");
        assert!(!duty.forget(2 * LEASE_NS), "not yet");
        assert!(duty.forget(2 * LEASE_NS + 1), "now");
        assert_eq!(duty.enlist("b", 2 * LEASE_NS + 2), Ok(()), "free again");
    }

    #[test]
    fn it_stops_within_two_seconds_of_the_last_sign_of_life() {
        let mut duty = Duty::default();
        duty.enlist("a", 0).unwrap();
        duty.prepare("a", TrialId(1), 0).unwrap();
        duty.go("a", TrialId(1), 5, 1).unwrap();
        duty.beat("a", 1000);
        duty.beat("b", NS_PER_S);
        assert!(!duty.is_mute(1000 + MUTE_NS) && duty.is_mute(1001 + MUTE_NS), "b does not count");
        const { assert!(MUTE_NS < 2 * NS_PER_S, "with half a second to spare") };
    }

    #[test]
    fn a_name_that_could_be_a_subject_of_the_bus_is_none() {
        let long = "x".repeat(81);
        for bad in ["", "a.b", "a b", "*", ">", "a\n", long.as_str()] {
            assert_eq!(Duty::default().enlist(bad, 0), Err(Refusal::Name), "{bad:?}");
        }
    }
}
