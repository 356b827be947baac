//! How many events fell into the last five seconds, in constant memory.
//!
//! Time is cut into slots of 50 ms; an event leaves the window between 4.95 and 5 s after it came.
//! Keeping every instant instead would let a fast client grow the memory without bound.

use crate::clock::MILLISECOND_NS;

/// Length of the window in seconds.
pub(crate) const WINDOW_S: f64 = 5.0;

const SLOTS: usize = 100;
const SLOT_NS: u64 = 50 * MILLISECOND_NS;

/// A count over the last five seconds.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Events by slot, the newest last.
    counts: std::collections::VecDeque<u64>,
    /// Number of the newest slot, counted from the start of the server.
    newest_slot: u64,
}

impl Window {
    /// An empty window.
    pub(crate) fn new() -> Self {
        Self { counts: std::iter::repeat_n(0, SLOTS).collect(), newest_slot: 0 }
    }

    /// Counts one event at `at_ns`; one that is older than the newest counts with the newest.
    pub(crate) fn add(&mut self, at_ns: u64) {
        self.advance(at_ns);
        if let Some(newest) = self.counts.back_mut() {
            *newest += 1;
        }
    }

    /// Events in the five seconds before `now_ns`.
    pub(crate) fn count(&mut self, now_ns: u64) -> u64 {
        self.advance(now_ns);
        self.counts.iter().sum()
    }

    fn advance(&mut self, now_ns: u64) {
        let slot = now_ns / SLOT_NS;
        let passed = slot.saturating_sub(self.newest_slot);
        for _ in 0..passed.min(SLOTS as u64) {
            self.counts.pop_front();
            self.counts.push_back(0);
        }
        self.newest_slot = self.newest_slot.max(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;

    #[test]
    fn an_event_counts_for_five_seconds_and_no_longer() {
        let mut window = Window::new();
        window.add(SECOND_NS);
        assert_eq!(window.count(SECOND_NS), 1, "at once");
        assert_eq!(window.count(SECOND_NS * 59 / 10), 1, "4.9 s later");
        assert_eq!(window.count(SECOND_NS * 6), 0, "5 s later");
    }

    #[test]
    fn a_long_silence_empties_the_window() {
        let mut window = Window::new();
        window.add(0);
        assert_eq!(window.count(u64::MAX), 0, "centuries later");
    }

    #[test]
    fn events_of_several_slots_are_added_up() {
        let mut window = Window::new();
        for tenth in 0..40 {
            window.add(tenth * SECOND_NS / 10);
        }
        assert_eq!(window.count(4 * SECOND_NS), 40, "all within four seconds");
    }
}
