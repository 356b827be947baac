//! Bytes sent as they are, over one connection: what no client of good manners would send.
//!
//! A target may answer before it has all of a request, or close while a large one is under way: what it says is read
//! while the request is still being written.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::answer::{AnswerReader, Progress};
use super::clock::{RealTime, now_ns};
use super::socket::{Scratch, break_of};
use super::wire::Wire;
use super::{Address, Secret};
use crate::edge::{After, Came, Heard, RawExchange, Sending};
use crate::trial::outcome::{Break, Ending};
use crate::units::{ms_to_ns, ns_to_ms};

/// A request that is not whole is listened to for so long before we hang up.
const PATIENCE_MS: u64 = 1000;
/// While waiting, the user is asked this often whether to go on.
const ASK_MS: u16 = 50;
/// So much of an answer is read at the most.
const BODY_BYTES_MAX: usize = 1 << 20;
/// A target that closes while a request of this size is under way refuses it.
const LARGE_BYTES: usize = 500_000;

/// One connection after the other to a target.
pub struct RawLine<'a> {
    address: Address,
    timeout_ms: u64,
    is_interrupted: &'a dyn Fn() -> bool,
    /// The connection in use.
    wire: Option<Wire>,
    scratch: Scratch,
}

impl std::fmt::Debug for RawLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawLine").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<'a> RawLine<'a> {
    /// A line to the target at `address`; a request gets `timeout_ms`.
    #[must_use]
    pub fn new(address: Address, timeout_ms: u64, is_interrupted: &'a dyn Fn() -> bool) -> Self {
        Self { address, timeout_ms, is_interrupted, wire: None, scratch: Scratch::new() }
    }

    fn exchange(&mut self, sending: &Sending) -> Heard {
        let began_ns = now_ns();
        let mut wire = match self.wire.take().map_or_else(|| Wire::open(&self.address), Ok) {
            Ok(wire) => wire,
            Err(ending) => return Heard::Broken(named(ending)),
        };
        let mut talk = Talk {
            sending,
            until_ns: began_ns + ms_to_ns(self.timeout_ms),
            is_interrupted: self.is_interrupted,
            wire: &mut wire,
            scratch: &mut self.scratch,
            reader: AnswerReader::new(BODY_BYTES_MAX),
            is_cut: false,
        };
        match talk.run(self.address.authorization.as_ref()) {
            Ok(()) => {
                let (status, body) = (talk.reader.status(), talk.reader.body().to_vec());
                let is_cut = talk.is_cut;
                if talk.reader.keeps_connection() && sending.after == After::Keep && !is_cut {
                    self.wire = Some(wire);
                }
                Heard::Answer { status, body }
            }
            Err(heard) => {
                if heard == Heard::Silence {
                    wire.abort();
                }
                heard
            }
        }
    }
}

impl RawExchange for RawLine<'_> {
    fn renew(&mut self) {
        self.wire = None;
    }

    fn send(&mut self, sending: &Sending) -> Came {
        let is_reused = self.wire.is_some();
        let began_ns = now_ns();
        let heard = self.exchange(sending);
        Came { heard, is_reused, took_ms: ns_to_ms(now_ns() - began_ns) }
    }
}

/// One request and its answer.
struct Talk<'a> {
    sending: &'a Sending,
    until_ns: u64,
    is_interrupted: &'a dyn Fn() -> bool,
    wire: &'a mut Wire,
    scratch: &'a mut Scratch,
    reader: AnswerReader,
    /// Whether the request was not sent to its end.
    is_cut: bool,
}

impl Talk<'_> {
    /// Sends everything and reads the answer to its end.
    fn run(&mut self, secret: Option<&Secret>) -> Result<(), Heard> {
        self.open()?;
        for (place, piece) in self.sending.pieces.iter().enumerate() {
            let signed = secret.filter(|_| place == 0).map(|secret| signed(&piece.bytes, secret));
            if self.write(signed.as_deref().unwrap_or(&piece.bytes))? {
                return Ok(());
            }
            let pause_until_ns = (now_ns() + ms_to_ns(piece.pause_ms)).min(self.until_ns);
            while piece.pause_ms > 0 && now_ns() < pause_until_ns && !self.reader.has_begun() {
                if self.read()? {
                    // What was not sent yet would be taken for the next request's.
                    self.is_cut |= place + 1 < self.sending.pieces.len();
                    return Ok(());
                }
                self.wait(PollFlags::POLLIN)?;
            }
        }
        let patience_until_ns = now_ns() + ms_to_ns(PATIENCE_MS);
        while !self.read()? {
            let is_unfinished = self.sending.after == After::HangUp && !self.reader.has_begun();
            if is_unfinished && now_ns() >= patience_until_ns {
                return Err(Heard::Waits);
            }
            self.wait(PollFlags::POLLIN)?;
        }
        Ok(())
    }

    /// Waits until the connection is open, and its encryption agreed upon.
    fn open(&mut self) -> Result<(), Heard> {
        let failed = |ending| Heard::Broken(named(ending));
        while !self.wire.is_open().map_err(failed)? {
            self.wait(PollFlags::POLLOUT)?;
        }
        loop {
            match self.wire.shake(self.scratch, RealTime::now()) {
                Ok(true) => return Ok(()),
                Ok(false) => self.wait(PollFlags::POLLIN)?,
                Err(kind) => return Err(failed(Ending::Broken(kind))),
            }
        }
    }

    /// Sends `bytes`; true when the answer was whole before that.
    fn write(&mut self, bytes: &[u8]) -> Result<bool, Heard> {
        let mut written = 0;
        while !self.is_cut {
            let (taken, _, result) = self.wire.push(bytes, written);
            written += taken;
            match result {
                Ok(()) if written == bytes.len() && self.wire.is_flushed() => return Ok(false),
                Ok(()) | Err(Errno::EAGAIN) => {}
                // What the target said before it closed may still be an answer.
                Err(_) => self.is_cut = true,
            }
            if self.read()? {
                self.is_cut = true;
                return Ok(true);
            }
            self.wait(PollFlags::POLLIN | PollFlags::POLLOUT)?;
        }
        Ok(false)
    }

    /// Takes what has come; true when the answer is whole.
    fn read(&mut self) -> Result<bool, Heard> {
        loop {
            let taken = match self.wire.receive(self.scratch, RealTime::now()) {
                Ok((0, _)) => self.reader.close(),
                Ok((count, _)) => {
                    let plain = self.wire.plain(count, self.scratch);
                    plain.and_then(|plain| self.reader.take(plain))
                }
                Err(Errno::EAGAIN) => return Ok(false),
                Err(Errno::EINTR) => continue,
                Err(errno) => match self.reader.close() {
                    Ok(whole) if self.reader.has_begun() => Ok(whole),
                    _ => Err(break_of(errno)),
                },
            };
            match taken {
                Ok(Progress::Whole) => return Ok(true),
                Ok(Progress::More) => {}
                Err(kind) => return Err(self.broken(kind)),
            }
        }
    }

    fn broken(&self, kind: Break) -> Heard {
        let is_closed = matches!(kind, Break::ClosedEarly | Break::Reset | Break::Other);
        let is_large = self.sending.length() >= LARGE_BYTES;
        if is_closed && is_large && !self.reader.has_begun() {
            return Heard::CutOff;
        }
        Heard::Broken(named(Ending::Broken(kind)))
    }

    /// Waits a moment for the connection, or ends the talk.
    fn wait(&self, wanted: PollFlags) -> Result<(), Heard> {
        if (self.is_interrupted)() {
            return Err(Heard::Interrupted);
        }
        if now_ns() >= self.until_ns {
            return Err(Heard::Silence);
        }
        let mut sockets = [PollFd::new(self.wire.as_fd(), wanted)];
        match poll(&mut sockets, PollTimeout::from(ASK_MS)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Heard::Broken(io::Error::from(errno).to_string())),
        }
    }
}

/// The request with who we are behind its first line.
fn signed(bytes: &[u8], Secret(secret): &Secret) -> Vec<u8> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").map_or(0, |place| place + 2);
    let (line, rest) = bytes.split_at(end);
    [line, b"authorization: ", secret.as_bytes(), b"\r\n", rest].concat()
}

fn named(ending: Ending) -> String {
    match ending {
        Ending::Broken(kind) => kind.name().replace('_', " "),
        _ => "no port or file descriptor left".to_owned(),
    }
}
