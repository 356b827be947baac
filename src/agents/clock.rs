//! How late is it with an agent? Four time stamps, as NTP takes them, and a bound for what is left of the error.
//!
//! Source: Mills, "Internet time synchronization: the Network Time Protocol", IEEE Trans. Communications 39 (1991): the
//! true offset lies within half the round trip of the measured one, whatever the two ways took. The round trip that was
//! shortest says most.

use serde::{Deserialize, Serialize};

/// Clocks of machines drift apart by less than this: parts per million.
const DRIFT_PPM: u64 = 50;

/// One question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// The question left, by the asking clock.
    pub asked_ns: u64,
    /// It arrived, by the other one.
    pub received_ns: u64,
    /// The answer left, by the other one.
    pub answered_ns: u64,
    /// It arrived, by the asking clock.
    pub heard_ns: u64,
}

/// Where another clock stands against one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bearing {
    /// By how much it is ahead, in nanoseconds; negative where it is behind.
    pub ahead_ns: i64,
    /// The most that this may be wrong by.
    pub error_ns: u64,
    /// When it was taken, by one's own clock.
    pub taken_ns: u64,
}

impl Bearing {
    /// The best of what several questions tell; `None` without any that makes sense.
    #[must_use]
    pub fn of(answers: &[Stamps]) -> Option<Self> {
        answers.iter().filter_map(bearing).min_by_key(|bearing| bearing.error_ns)
    }

    /// The most that it may be wrong by at `now_ns`, when both clocks have drifted.
    #[must_use]
    pub const fn error_at_ns(&self, now_ns: u64) -> u64 {
        self.error_ns + now_ns.saturating_sub(self.taken_ns) / 1_000_000 * DRIFT_PPM
    }

    /// The better of this and an earlier one, at the instant of this.
    #[must_use]
    pub fn or_earlier(self, earlier: Option<Self>) -> Self {
        let now_ns = self.taken_ns;
        match earlier {
            Some(earlier) if earlier.error_at_ns(now_ns) < self.error_ns => {
                Self { error_ns: earlier.error_at_ns(now_ns), taken_ns: now_ns, ..earlier }
            }
            _ => self,
        }
    }

    /// An instant of one's own clock by the other one.
    #[must_use]
    pub const fn there_ns(&self, own_ns: u64) -> u64 {
        own_ns.saturating_add_signed(self.ahead_ns)
    }
}

fn bearing(stamps: &Stamps) -> Option<Bearing> {
    let Stamps { asked_ns, received_ns, answered_ns, heard_ns } = *stamps;
    let round_ns = heard_ns.checked_sub(asked_ns)?;
    let within_ns = answered_ns.checked_sub(received_ns)?;
    // Whoever answered faster than it took to ask has stamps of another clock in between.
    let way_ns = round_ns.checked_sub(within_ns)?;
    let there_ns = i128::from(received_ns) + i128::from(answered_ns);
    let here_ns = i128::from(asked_ns) + i128::from(heard_ns);
    let ahead_ns = i64::try_from((there_ns - here_ns) / 2).ok()?;
    Some(Bearing { ahead_ns, error_ns: way_ns.div_ceil(2), taken_ns: heard_ns })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamps(ahead_ns: i64, there_ns: u64, within_ns: u64, back_ns: u64) -> Stamps {
        let asked_ns = 5_000_000_000_000_u64;
        let received_ns = (asked_ns + there_ns).saturating_add_signed(ahead_ns);
        Stamps {
            asked_ns,
            received_ns,
            answered_ns: received_ns + within_ns,
            heard_ns: asked_ns + there_ns + within_ns + back_ns,
        }
    }

    proptest! {
        #[test]
        fn the_true_offset_lies_within_the_bound_whatever_the_two_ways_took(
            ahead_ns in -1_000_000_000_000_i64..1_000_000_000_000,
            ways in prop::collection::vec((0..50_000_000_u64, 0..1_000_000_u64, 0..50_000_000_u64), 1..33),
        ) {
            let answers: Vec<Stamps> =
                ways.iter().map(|(there, within, back)| stamps(ahead_ns, *there, *within, *back)).collect();
            let bearing = Bearing::of(&answers).unwrap();
            prop_assert!(bearing.ahead_ns.abs_diff(ahead_ns) <= bearing.error_ns + 1);
            let least = ways.iter().map(|(there, _, back)| there + back).min().unwrap();
            prop_assert_eq!(bearing.error_ns, least.div_ceil(2), "the shortest way counts");
        }
    }

    #[test]
    fn an_earlier_bearing_counts_as_long_as_drift_has_not_spoilt_it() {
        let at = |taken_ns, error_ns| Bearing { ahead_ns: 7, error_ns, taken_ns };
        let now = at(20_000_000_000, 3_000_000);
        let kept = now.or_earlier(Some(at(10_000_000_000, 100_000)));
        assert_eq!(kept.error_ns, 600_000, "0.1 ms, and 50 µs for each of ten seconds");
        assert_eq!(now.or_earlier(Some(at(0, 2_900_000))), now, "the old one has drifted");
    }

    #[test]
    fn stamps_that_cannot_be_are_no_bearing() {
        let good = stamps(0, 10, 10, 10);
        for bad in [
            Stamps { heard_ns: good.asked_ns - 1, ..good },
            Stamps { answered_ns: good.received_ns - 1, ..good },
            Stamps { answered_ns: good.received_ns + 1000, ..good },
            Stamps { received_ns: u64::MAX, answered_ns: u64::MAX, ..good },
        ] {
            assert_eq!(Bearing::of(&[bad]), None, "{bad:?}");
        }
    }
}
