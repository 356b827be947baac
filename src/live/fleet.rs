//! The idle connections of one stream, and how many there may be.
//!
//! A connection is opened only for a request that is due now: one idle surplus connection blocks a
//! worker of a server that serves one connection at a time. Idle connections are taken in turn, so that
//! the load spreads over all processes behind one address.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::lane::Lane;

/// The connections of one stream.
#[derive(Debug)]
pub(super) struct Fleet {
    idle: VecDeque<Lane>,
    open: Rc<Cell<u32>>,
    lanes_max: u32,
}

/// The right to hold one connection open; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Berth {
    open: Rc<Cell<u32>>,
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.open.set(self.open.get().saturating_sub(1));
    }
}

impl Fleet {
    pub(super) fn new(lanes_max: u32) -> Self {
        Self { idle: VecDeque::new(), open: Rc::new(Cell::new(0)), lanes_max }
    }

    pub(super) const fn lanes_max(&self) -> u32 {
        self.lanes_max
    }

    /// The connection that has been idle longest and is still open.
    pub(super) fn take_idle(&mut self) -> Option<Lane> {
        while let Some(lane) = self.idle.pop_front() {
            if lane.is_usable() {
                return Some(lane);
            }
        }
        None
    }

    /// Leave to open one more, unless there are as many as allowed.
    pub(super) fn take_berth(&mut self) -> Option<Berth> {
        if self.open.get() >= self.lanes_max {
            return None;
        }
        self.open.set(self.open.get() + 1);
        Some(Berth { open: Rc::clone(&self.open) })
    }

    pub(super) fn put_back(&mut self, lane: Lane) {
        self.idle.push_back(lane);
    }
}
