//! The connections of one workload: how many are open, which are idle, which only wait for the target to close them.

use std::collections::VecDeque;

use super::Reuse;
use super::lanes::LaneId;

/// A target that has said that it closes a connection is left this long to do so: whoever closes first keeps the
/// port for a minute.
const CLOSING_MOST_NS: u64 = 1_000_000_000;

/// The connections of one workload.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// Idle ones, the longest idle first, and some that have closed meanwhile.
    idle: VecDeque<LaneId>,
    /// How many of those have closed.
    stale: usize,
    /// Ones that the target is to close, and until when it may; some have closed.
    closing: VecDeque<(u64, LaneId)>,
    /// Open ones, busy, idle or closing.
    pub(super) open: u32,
}

impl Fleet {
    /// Whether one is idle; may be wrong when none is.
    pub(super) fn has_idle(&self) -> bool {
        self.idle.len() > self.stale
    }

    /// How many are idle.
    pub(super) fn idle_count(&self) -> usize {
        self.idle.len().saturating_sub(self.stale)
    }

    /// An idle one that `is_open` still.
    pub(super) fn take_idle(
        &mut self,
        reuse: Reuse,
        is_open: impl Fn(LaneId) -> bool,
    ) -> Option<LaneId> {
        loop {
            let id = match reuse {
                Reuse::Spread => self.idle.pop_front(),
                Reuse::LastUsed => self.idle.pop_back(),
            }?;
            if is_open(id) {
                return Some(id);
            }
            self.stale = self.stale.saturating_sub(1);
        }
    }

    pub(super) fn put_idle(&mut self, id: LaneId) {
        self.idle.push_back(id);
    }

    /// Notes that an idle one has closed.
    pub(super) fn note_stale(&mut self, is_open: impl Fn(LaneId) -> bool) {
        self.stale += 1;
        // One pass now and then, so that many that close at once do not cost one each.
        if self.stale > self.idle.len() / 2 {
            self.idle.retain(|id| is_open(*id));
            self.stale = 0;
        }
    }

    /// Leaves one to the target to close.
    pub(super) fn let_close(&mut self, id: LaneId, now_ns: u64) {
        self.closing.push_back((now_ns + CLOSING_MOST_NS, id));
    }

    /// The next one that the target was to close and has not by `now_ns`.
    pub(super) fn take_overdue(&mut self, now_ns: u64) -> Option<LaneId> {
        let is_overdue = self.closing.front().is_some_and(|(until_ns, _)| *until_ns <= now_ns);
        is_overdue.then(|| self.closing.pop_front())?.map(|(_, id)| id)
    }

    /// The next one that the target was to close, overdue or not.
    pub(super) fn take_closing(&mut self) -> Option<LaneId> {
        self.closing.pop_front().map(|(_, id)| id)
    }
}
