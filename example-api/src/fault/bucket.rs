//! A token bucket: so many requests a second and no more, with a tenth of a second's worth at once.
//!
//! Kept as one instant, the time up to which the tokens are spent (as in the generic cell rate
//! algorithm), so that it is exact at any rate and needs no refilling.

use crate::clock::{MILLISECOND_NS, SECOND_NS, whole_ns};

/// How far ahead of the rate requests may run.
const AHEAD_NS: u64 = 100 * MILLISECOND_NS;

/// A bucket that begins full.
#[derive(Debug)]
pub(crate) struct Bucket {
    interval_ns: u64,
    spent_until_ns: u64,
}

impl Bucket {
    /// A bucket into which `rps` tokens fall a second; more than zero.
    pub(crate) fn new(rps: f64) -> Self {
        Self { interval_ns: whole_ns(SECOND_NS as f64 / rps), spent_until_ns: 0 }
    }

    /// Takes a token; without one, says how long it is until the next.
    pub(crate) fn take(&mut self, now_ns: u64) -> Result<(), u64> {
        let ahead_ns = self.spent_until_ns.saturating_sub(now_ns);
        if ahead_ns > AHEAD_NS {
            return Err(ahead_ns - AHEAD_NS);
        }
        self.spent_until_ns = self.spent_until_ns.max(now_ns).saturating_add(self.interval_ns);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_bucket_lets_a_tenth_of_a_second_through_at_once() {
        let mut bucket = Bucket::new(100.0);
        let taken = (0..100).filter(|_| bucket.take(SECOND_NS).is_ok()).count();
        assert_eq!(taken, 11, "a tenth of a hundred, and the one that is always there");
        assert_eq!(bucket.take(SECOND_NS), Err(10 * MILLISECOND_NS), "the next token's time");
        assert_eq!(bucket.take(SECOND_NS + 10 * MILLISECOND_NS), Ok(()), "and it is there by then");
    }

    proptest! {
        #[test]
        fn no_span_of_time_lets_more_through_than_its_rate_and_the_bucket(
            rps in 1.0_f64..5000.0,
            gaps_us in proptest::collection::vec(0_u64..5000, 1..400),
        ) {
            let mut bucket = Bucket::new(rps);
            let mut now_ns = 0;
            let mut taken_ns = Vec::new();
            for gap_us in gaps_us {
                now_ns += gap_us * 1000;
                if bucket.take(now_ns).is_ok() {
                    taken_ns.push(now_ns);
                }
            }
            for (first, from_ns) in taken_ns.iter().enumerate() {
                for (last, until_ns) in taken_ns.iter().enumerate().skip(first) {
                    let span_s = (until_ns - from_ns + AHEAD_NS) as f64 / SECOND_NS as f64;
                    // The interval is rounded to whole nanoseconds.
                    prop_assert!((last - first) as f64 <= span_s * rps * 1.000_01 + 0.001);
                }
            }
        }

        #[test]
        fn a_client_within_the_rate_is_never_refused(
            rps in 1.0_f64..5000.0, slack_us in proptest::collection::vec(0_u64..500, 1..400),
        ) {
            let mut bucket = Bucket::new(rps);
            let mut now_ns = 0;
            for slack_us in slack_us {
                prop_assert!(bucket.take(now_ns).is_ok());
                now_ns += whole_ns(SECOND_NS as f64 / rps) + slack_us * 1000;
            }
        }

        #[test]
        fn a_flood_gets_exactly_the_rate(rps in 10.0_f64..2000.0) {
            let mut bucket = Bucket::new(rps);
            let step_ns = 50_000;
            let taken = (0..200_000).filter(|step| bucket.take(step * step_ns).is_ok()).count();
            let rate = (taken as f64 - 1.0 - rps / 10.0) / 10.0;
            prop_assert!((rate / rps - 1.0).abs() < 0.02, "{rate} instead of {rps}");
        }
    }
}
