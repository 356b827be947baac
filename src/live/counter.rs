//! Beside a trial: how many documents does a search find? Asked now and then, on a connection of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use super::Address;
use super::clock::{now_ns, sleep_until};
use super::inquirer::Inquirer;
use crate::profile::Profile;
use crate::profile::exchange::{Answer, Exchange, Question};
use crate::trial::hidden::PERIOD_S;
use crate::units::OffsetNs;

/// An answer that takes longer is not waited for.
const TIMEOUT_MS: u64 = 2000;
/// While waiting for the next second, the end of the trial is looked for this often.
const LOOK_NS: u64 = 50_000_000;

/// What is asked of the target outside of the load.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    pub(super) address: Address,
    pub(super) profile: Arc<dyn Profile>,
    /// Whether the target can count.
    pub(super) counts: bool,
    /// Whether it tells figures of its own.
    pub(super) tells: bool,
}

impl Counter {
    /// Asks nothing.
    pub(super) const fn silent(address: Address, profile: Arc<dyn Profile>) -> Self {
        Self { address, profile, counts: false, tells: false }
    }

    /// Sends, every [`PERIOD_S`], how many documents are visible and when, until `is_over`.
    pub(super) fn watch(&self, start_ns: u64, is_over: &AtomicBool, seen: &Sender<(f64, u64)>) {
        let mut next_ns = start_ns;
        let is_done = || is_over.load(Ordering::Relaxed);
        while let Some(question) = self.profile.ask_visible().filter(|_| !is_done()) {
            let now = now_ns();
            if now < next_ns {
                sleep_until(next_ns.min(now + LOOK_NS));
                continue;
            }
            let answer = self.ask(question, &is_done);
            let visible = answer.and_then(|answer| self.profile.read_visible(&answer));
            if let Some(visible) = visible {
                let at_s = OffsetNs(now_ns().saturating_sub(start_ns)).as_s();
                if seen.send((at_s, visible)).is_err() {
                    return;
                }
            }
            next_ns = next_ns.max(now) + OffsetNs::from_s(PERIOD_S).0;
        }
    }

    /// The server's own figures now; empty where it tells none.
    pub(super) fn figures(&self) -> BTreeMap<String, f64> {
        let question = self.profile.ask_figures().filter(|_| self.tells);
        let answer = question.and_then(|question| self.ask(question, &|| false));
        answer.map_or_else(BTreeMap::new, |answer| self.profile.read_figures(&answer))
    }

    /// A connection for each question: an idle one would take a worker from a server that keeps one for each.
    fn ask(&self, question: Question, is_over: &dyn Fn() -> bool) -> Option<Answer> {
        let question = Question { timeout_ms: TIMEOUT_MS, ..question };
        Inquirer::new(self.address.clone(), is_over).ok()?.ask(&question).ok()
    }
}

/// What changed from `before` to `after`: differences of what only grows, and the rest as it is afterwards.
pub(super) fn changes(
    before: &BTreeMap<String, f64>,
    after: BTreeMap<String, f64>,
) -> BTreeMap<String, f64> {
    let changed = after.into_iter().filter_map(|(name, value)| {
        if !name.ends_with("_total") {
            return Some((name, value));
        }
        let then = before.get(&name)?;
        Some((name, value - then))
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_told_as_differences_and_the_rest_as_it_is() {
        let of =
            |pairs: [(&str, f64); 2]| pairs.map(|(name, value)| (name.to_owned(), value)).into();
        let changed = changes(
            &of([("rejected_total", 5.0), ("queue", 9.0)]),
            of([("rejected_total", 12.0), ("queue", 3.0)]),
        );
        assert_eq!(changed, of([("rejected_total", 7.0), ("queue", 3.0)]));
        assert_eq!(
            changes(&BTreeMap::new(), of([("a_total", 1.0), ("b", 2.0)])).len(),
            1,
            "no difference to nothing"
        );
    }
}
