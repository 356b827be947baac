//! How many local ports connections hold: a connection that we close first keeps its port for a minute.

use std::collections::VecDeque;
use std::fs;

use crate::units::NS_PER_S;

/// The kernel keeps a port so long after its connection was closed from this side (`TCP_TIMEWAIT_LEN`).
const HELD_S: u64 = 60;
/// Ports for outgoing connections where the kernel does not say: those of an untouched Linux.
const PORTS_USUAL: u64 = 28_232;

/// The ports that are held by connections which were closed from this side.
#[derive(Debug, Default)]
pub(super) struct PortLedger {
    /// Second of the clock, and how many were closed in it.
    closed: VecDeque<(u64, u64)>,
}

impl PortLedger {
    /// Notes that a connection was closed before the target had closed its end.
    pub(super) fn note(&mut self, now_ns: u64) {
        let second = now_ns / NS_PER_S;
        match self.closed.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.closed.push_back((second, 1)),
        }
        self.forget(second);
    }

    /// How many ports are held now.
    pub(super) fn held(&mut self, now_ns: u64) -> u64 {
        self.forget(now_ns / NS_PER_S);
        self.closed.iter().map(|(_, count)| count).sum()
    }

    fn forget(&mut self, second: u64) {
        while self.closed.front().is_some_and(|(first, _)| first + HELD_S < second) {
            self.closed.pop_front();
        }
    }
}

/// How many local ports the system has for outgoing connections.
pub(super) fn ports() -> u64 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = range.split_whitespace().filter_map(|bound| bound.parse::<u64>().ok());
    let (low, high) = (bounds.next(), bounds.next());
    low.zip(high).map_or(PORTS_USUAL, |(low, high)| (high + 1).saturating_sub(low).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_held_for_a_minute_after_our_close() {
        let mut ledger = PortLedger::default();
        for second in 0..100 {
            for _ in 0..10 {
                ledger.note(second * NS_PER_S);
            }
        }
        assert_eq!(ledger.held(99 * NS_PER_S), 610, "those of this second and of sixty before");
        assert_eq!(ledger.held(160 * NS_PER_S), 0, "none after a minute of rest");
    }
}
