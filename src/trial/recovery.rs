//! When has a target recovered, and when is it lost? The rules; who sends the probes is another matter.

use super::outcome::{Ending, Outcome};
use super::result::Recovery;
use super::{RecoverPlan, StopCause};

/// A target that refuses every connect for so long is lost.
const LOST_AFTER_S: f64 = 3.0;
/// Whether the service is as fast as at rest is asked of so many probes first.
const TYPICAL_PROBES: u32 = 11;
/// Pause after a probe that was not good, so that probing is no load.
const PAUSE_S: f64 = 0.1;

/// Notices that a target can no longer be reached.
///
/// Only connects that a due request or a probe needed are looked at: no connection is ever opened just
/// to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct LossWatch {
    refused_since_s: Option<f64>,
    refused_last_s: f64,
}

impl LossWatch {
    /// Takes what became of a request at `at_s` seconds.
    pub fn observe(&mut self, at_s: f64, ending: Ending) {
        match ending {
            Ending::Broken(kind) if kind.is_connect() => {
                self.refused_since_s.get_or_insert(at_s);
                self.refused_last_s = at_s;
            }
            Ending::Unsent(_) => {}
            _ => self.refused_since_s = None,
        }
    }

    /// Whether every connect has been refused, and for long enough.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.refused_since_s.is_some_and(|since_s| self.refused_last_s - since_s >= LOST_AFTER_S)
    }
}

/// Whether the median of the probes is what it is at rest.
///
/// A block of probes that is too slow is followed by one of twice the length: a service that stays slow
/// would otherwise be lucky some day.
#[derive(Debug, Clone, Copy)]
struct Typical {
    is_shown: bool,
    probes: u32,
    seen: u32,
    slow: u32,
}

impl Typical {
    fn take(&mut self, is_slow: bool) {
        self.seen += 1;
        self.slow += u32::from(is_slow);
        if self.seen == self.probes {
            self.is_shown |= 2 * self.slow < self.probes;
            *self = Self { probes: 2 * self.probes, seen: 0, slow: 0, ..*self };
        }
    }
}

/// Follows the probes of one recovery. Times are seconds since its start.
#[derive(Debug)]
pub struct RecoveryWatch {
    plan: RecoverPlan,
    recovery: Recovery,
    loss: LossWatch,
    good_in_a_row: u32,
    first_good_s: f64,
    typical: Typical,
}

impl RecoveryWatch {
    /// Before the first probe.
    #[must_use]
    pub fn new(plan: RecoverPlan) -> Self {
        let recovery = Recovery {
            id: plan.id,
            recovered_s: None,
            wall_s: 0.0,
            probes: 0,
            accepted: 0,
            unknown: 0,
            stopped: None,
        };
        let loss = LossWatch { refused_since_s: None, refused_last_s: 0.0 };
        Self {
            plan,
            recovery,
            loss,
            good_in_a_row: 0,
            first_good_s: 0.0,
            typical: Typical { is_shown: false, probes: TYPICAL_PROBES, seen: 0, slow: 0 },
        }
    }

    /// Takes a probe whose instants count from the start of the recovery; returns the pause in seconds
    /// before the next one.
    pub fn observe(&mut self, probe: &Outcome) -> f64 {
        let ended_s = probe.ended.as_s();
        self.recovery.probes += 1;
        self.recovery.accepted += probe.accepted();
        self.recovery.unknown += probe.unknown();
        self.loss.observe(ended_s, probe.ending);
        if self.loss.is_lost() {
            self.recovery.stopped = Some(StopCause::TargetLost);
        }
        let took_ms = probe.ended.since_ns(probe.due) as f64 / 1e6;
        let accepted = probe.ending == Ending::Accepted;
        let is_late = self.plan.typical_ms.is_some_and(|typical_ms| took_ms > typical_ms);
        self.typical.take(!accepted || is_late);
        if !accepted || took_ms > self.plan.good_ms {
            self.good_in_a_row = 0;
            return PAUSE_S;
        }
        if self.good_in_a_row == 0 {
            self.first_good_s = ended_s;
        }
        self.good_in_a_row += 1;
        let is_typical = self.plan.typical_ms.is_none() || self.typical.is_shown;
        if self.good_in_a_row >= self.plan.good_in_a_row && is_typical {
            self.recovery.recovered_s = Some(self.first_good_s);
        }
        0.0
    }

    /// Ends the recovery from outside.
    pub fn stop(&mut self, cause: StopCause) {
        self.recovery.stopped = Some(cause);
    }

    /// Whether nothing more is to be probed `at_s` seconds after the start.
    #[must_use]
    pub fn is_over(&self, at_s: f64) -> bool {
        self.recovery.recovered_s.is_some()
            || self.recovery.stopped.is_some()
            || at_s >= self.plan.cap_s
    }

    /// The recovery, over after `wall_s` seconds.
    #[must_use]
    pub fn finish(mut self, wall_s: f64) -> Recovery {
        self.recovery.wall_s = wall_s;
        self.recovery
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Part;
    use crate::trial::TrialId;
    use crate::trial::outcome::Break;
    use crate::trial::outcome::Documents;
    use crate::units::OffsetNs;

    fn watch() -> RecoveryWatch {
        RecoveryWatch::new(RecoverPlan {
            id: TrialId(2),
            after: TrialId(1),
            good_ms: 40.0,
            typical_ms: None,
            good_in_a_row: 3,
            batch: 1,
            timeout_ms: 5000,
            cap_s: 60.0,
        })
    }

    fn probe(sent_s: f64, took_s: f64, ending: Ending) -> Outcome {
        let due = OffsetNs::from_s(sent_s);
        let ended = OffsetNs::from_s(sent_s + took_s);
        Outcome {
            due,
            taken: due,
            sent: Some(due),
            ended,
            status: None,
            ending,
            documents: Documents::ONE,
            part: Part::Measured,
        }
    }

    #[test]
    fn a_recovery_begins_with_the_first_of_three_good_probes_in_a_row() {
        let mut watch = watch();
        watch.observe(&probe(0.0, 0.01, Ending::Accepted));
        watch.observe(&probe(0.1, 0.50, Ending::Accepted));
        for sent_s in [1.0, 2.0, 3.0] {
            assert!(!watch.is_over(sent_s), "not before the third");
            watch.observe(&probe(sent_s, 0.01, Ending::Accepted));
        }
        let recovery = watch.finish(3.01);
        assert!((recovery.recovered_s.unwrap() - 1.01).abs() < 1e-9, "the slow one broke the row");
        assert_eq!(
            recovery.accepted, 5,
            "every accepted probe is a document that the target holds"
        );
    }

    #[test]
    fn a_target_that_refuses_every_connect_for_three_seconds_is_lost() {
        let mut watch = watch();
        let refused = Ending::Broken(Break::ConnectRefused);
        watch.observe(&probe(0.0, 0.0, refused));
        watch.observe(&probe(2.9, 0.0, refused));
        assert!(!watch.is_over(2.9), "not yet");
        watch.observe(&probe(3.0, 0.0, refused));
        assert_eq!(watch.finish(3.0).stopped, Some(StopCause::TargetLost), "now");
    }

    #[test]
    fn silence_is_no_loss_but_ends_at_the_cap() {
        let mut watch = watch();
        for round in 0..12 {
            watch.observe(&probe(f64::from(round) * 5.0, 5.0, Ending::TimedOut));
        }
        assert!(watch.is_over(60.0), "the cap");
        let recovery = watch.finish(60.0);
        assert_eq!((recovery.recovered_s, recovery.stopped), (None, None), "neither");
        assert_eq!(recovery.unknown, 12, "a timed-out probe may have been stored");
    }
}
