//! One connection: opened without waiting, written, read to the last byte, stamped where the bytes pass.
//!
//! The instant of the last byte comes from the kernel, which stamps what arrives (`SO_TIMESTAMPING`). So the
//! answer may be looked at later, together with others, and is still timed to the microsecond.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;

use super::Address;
use super::answer::{AnswerReader, Progress};
use super::clock::{RealTime, now_ns};
use super::socket::{Scratch, break_of};
use super::wire::Wire;
use crate::trial::outcome::{Break, Ending};

/// An answer without end must not keep the others from being sent and heard: so many reads in a row, 1 MB.
const READS_MOST: u32 = 16;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Being opened for a request.
    Connecting,
    /// Agreeing on its encryption.
    Shaking,
    /// Carrying a request.
    Busy,
    /// Open, and waiting for one.
    Idle,
}

/// What became of a request so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is under way.
    Pending,
    /// The answer is whole.
    Answered,
    /// There will be none.
    Failed(Ending),
    /// The connection had closed before anything of the request was taken: it may be sent again.
    Untouched,
}

/// What a connection is good for after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It can carry another request.
    Idle,
    /// The target closes it.
    Closing,
    /// It is of no more use.
    Spent,
}

/// An open connection that carries one request at a time.
#[derive(Debug)]
pub(super) struct Lane {
    wire: Wire,
    phase: Phase,
    is_fresh: bool,
    /// Requests that it was given since it was last asked.
    carried: u64,
    is_closing: bool,
    /// Bytes of the request that were handed over, to the kernel or to be encrypted.
    written: usize,
    /// Bytes that the kernel took for it.
    on_wire: usize,
    opened_ns: u64,
    connected_ns: u64,
    sent_ns: Option<u64>,
    last_read_ns: u64,
    /// Whether reading was broken off for the sake of the other connections.
    has_more: bool,
    pub(super) reader: AnswerReader,
}

impl Lane {
    /// Begins to open a connection to `address`.
    ///
    /// # Errors
    /// The ending of the request that it was opened for.
    pub(super) fn open(
        address: &Address,
        body_bytes_max: usize,
        now_ns: u64,
    ) -> Result<Self, Ending> {
        Ok(Self {
            wire: Wire::open(address)?,
            phase: Phase::Connecting,
            is_fresh: true,
            carried: 1,
            is_closing: false,
            written: 0,
            on_wire: 0,
            opened_ns: now_ns,
            connected_ns: 0,
            sent_ns: None,
            last_read_ns: 0,
            has_more: false,
            reader: AnswerReader::new(body_bytes_max),
        })
    }

    /// What was wrong with its encryption, where that is why it failed.
    pub(super) fn problem(&self) -> Option<&str> {
        self.wire.problem()
    }

    /// How many requests it was given since it was last asked.
    pub(super) const fn take_carried(&mut self) -> u64 {
        std::mem::replace(&mut self.carried, 0)
    }

    /// When the first byte of the request was offered to the connected socket.
    pub(super) const fn sent_ns(&self) -> Option<u64> {
        self.sent_ns
    }

    /// When the last bytes came.
    pub(super) const fn last_read_ns(&self) -> u64 {
        self.last_read_ns
    }

    /// How long it took to open, where it was opened for the request that it carries.
    pub(super) fn connect_ns(&self) -> Option<u64> {
        self.is_fresh.then(|| self.connected_ns.saturating_sub(self.opened_ns))
    }

    /// Whether its answer has begun and is not whole: more of it may fill the kernel's buffer.
    pub(super) fn is_partly_read(&self) -> bool {
        self.phase == Phase::Busy && self.reader.has_begun()
    }

    /// Whether there is more to read that the system will not tell of again.
    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// The other side has closed its end.
    pub(super) const fn note_closing(&mut self) {
        self.is_closing = true;
    }

    /// Whether it was opened for the request that it carries.
    pub(super) const fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Begins to send `request` on an idle connection.
    pub(super) fn begin(&mut self, request: &[u8], now_ns: u64) -> Step {
        self.reader.clear();
        self.is_fresh = false;
        self.carried += 1;
        (self.written, self.on_wire) = (0, 0);
        self.sent_ns = None;
        self.phase = Phase::Busy;
        self.write(request, now_ns)
    }

    /// Makes the connection idle again after an answer, where it can carry another request.
    pub(super) fn rest(&mut self, request: &[u8]) -> Rest {
        self.phase = Phase::Idle;
        if !self.is_written(request) || self.is_closing {
            Rest::Spent
        } else if self.reader.keeps_connection() {
            Rest::Idle
        } else {
            Rest::Closing
        }
    }

    /// Whether closing it now keeps its port for a minute: it was opened, and the other side has not closed it.
    pub(super) fn would_hold_port(&self) -> bool {
        self.phase != Phase::Connecting && !self.is_closing
    }

    /// Goes on after the system has said that the connection is ready.
    pub(super) fn advance(
        &mut self,
        request: &[u8],
        scratch: &mut Scratch,
        time: RealTime,
    ) -> Step {
        if self.phase == Phase::Connecting {
            match self.wire.is_open() {
                Ok(true) => self.phase = Phase::Shaking,
                Ok(false) => return Step::Pending,
                Err(ending) => return Step::Failed(ending),
            }
        }
        if self.phase == Phase::Shaking {
            match self.wire.shake(scratch, time) {
                Ok(true) => self.phase = Phase::Busy,
                Ok(false) => return Step::Pending,
                Err(kind) => return Step::Failed(Ending::Broken(kind)),
            }
            self.connected_ns = now_ns();
        }
        if !self.is_written(request) {
            match self.write(request, now_ns()) {
                Step::Pending => {}
                // What the server said before it closed may still be an answer.
                failed if self.on_wire == 0 => return failed,
                _ => {}
            }
        }
        self.read(scratch, time)
    }

    /// Whether the kernel has the whole of `request`.
    fn is_written(&self, request: &[u8]) -> bool {
        self.written == request.len() && self.wire.is_flushed()
    }

    fn write(&mut self, request: &[u8], now_ns: u64) -> Step {
        let sent_before = self.sent_ns;
        self.sent_ns.get_or_insert(now_ns);
        let (taken, sent, result) = self.wire.push(request, self.written);
        self.written += taken;
        self.on_wire += sent;
        match result {
            Ok(()) | Err(Errno::EAGAIN) => Step::Pending,
            Err(_) if self.on_wire == 0 && !self.is_fresh => {
                self.sent_ns = sent_before;
                Step::Untouched
            }
            Err(errno) => Step::Failed(Ending::Broken(break_of(errno))),
        }
    }

    fn read(&mut self, scratch: &mut Scratch, time: RealTime) -> Step {
        self.has_more = false;
        for _ in 0..READS_MOST {
            let (count, stamp_ns) = match self.wire.receive(scratch, time) {
                Ok(received) => received,
                Err(Errno::EAGAIN) => return Step::Pending,
                Err(Errno::EINTR) => continue,
                Err(errno) => return self.end_with(break_of(errno)),
            };
            self.is_closing |= count == 0;
            if count > 0 {
                // A stamp from before the request means that the clock of stamps was set meanwhile.
                let is_sound = self.sent_ns.is_none_or(|sent_ns| sent_ns <= stamp_ns);
                self.last_read_ns = if is_sound { stamp_ns } else { time.now_ns };
            }
            match self.take(count, scratch) {
                Ok(Progress::Whole) => return Step::Answered,
                Err(kind) => return Step::Failed(Ending::Broken(kind)),
                // A read that did not fill the buffer has emptied the kernel's.
                Ok(Progress::More) if count < scratch.bytes.len() && !self.is_closing => {
                    return Step::Pending;
                }
                Ok(Progress::More) => {}
            }
        }
        self.has_more = true;
        Step::Pending
    }

    /// Takes the `count` bytes that were read, none at the end of the connection.
    fn take(&mut self, count: usize, scratch: &mut Scratch) -> Result<Progress, Break> {
        if count == 0 {
            return self.reader.close();
        }
        self.reader.take(self.wire.plain(count, scratch)?)
    }

    /// After an error of the socket: what was read before may be a whole answer.
    fn end_with(&mut self, kind: Break) -> Step {
        self.is_closing = true;
        match self.reader.close() {
            Ok(_) if self.reader.has_begun() => Step::Answered,
            _ => Step::Failed(Ending::Broken(kind)),
        }
    }

    /// Takes what an idle connection has to say: nothing good, but for the small talk of its encryption. True when it
    /// is still of use.
    pub(super) fn is_quiet(&mut self, scratch: &mut Scratch, time: RealTime) -> bool {
        while !self.is_closing {
            match self.wire.receive(scratch, time) {
                Err(Errno::EAGAIN) => return true,
                Ok((count, _)) if count > 0 => {
                    if self.wire.plain(count, scratch).is_ok_and(<[u8]>::is_empty) {
                        continue;
                    }
                    return false;
                }
                _ => return false,
            }
        }
        false
    }

    /// Closes the connection at once, with what is under way: the request was given up.
    pub(super) fn abort(self) {
        self.wire.abort();
    }
}

impl AsFd for Lane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}
