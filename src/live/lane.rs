//! One connection: opened without waiting, written, read to the last byte, stamped where the bytes pass.
//!
//! The instant of the last byte comes from the kernel, which stamps what arrives (`SO_TIMESTAMPING`). So the
//! answer may be looked at later, together with others, and is still timed to the microsecond.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, SockaddrStorage,
    TimestampingFlag, connect, recvmsg, send, setsockopt, socket, sockopt,
};

use super::answer::{AnswerReader, Progress};
use super::clock::{RealTime, now_ns};
use crate::trial::outcome::{Break, Ending, Shortage};

/// An answer without end must not keep the others from being sent and heard: so many reads in a row, 1 MB.
const READS_MOST: u32 = 16;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Being opened for a request.
    Connecting,
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

/// What is read into, shared by all connections.
#[derive(Debug)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
    control: Vec<u8>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        let control = nix::cmsg_space!(nix::sys::socket::Timestamps);
        Self { bytes: vec![0; 64 * 1024], control }
    }
}

/// An open connection that carries one request at a time.
#[derive(Debug)]
pub(super) struct Lane {
    socket: TcpStream,
    phase: Phase,
    is_fresh: bool,
    is_closing: bool,
    /// Bytes of the request that were written.
    written: usize,
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
        address: SocketAddr,
        body_bytes_max: usize,
        now_ns: u64,
    ) -> Result<Self, Ending> {
        let socket = begin_connect(address).map_err(connect_ending)?;
        Ok(Self {
            socket,
            phase: Phase::Connecting,
            is_fresh: true,
            is_closing: false,
            written: 0,
            opened_ns: now_ns,
            connected_ns: 0,
            sent_ns: None,
            last_read_ns: 0,
            has_more: false,
            reader: AnswerReader::new(body_bytes_max),
        })
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
        self.written = 0;
        self.sent_ns = None;
        self.phase = Phase::Busy;
        self.write(request, now_ns)
    }

    /// Makes the connection idle again after an answer, where it can carry another request.
    pub(super) fn rest(&mut self, request: &[u8]) -> Rest {
        self.phase = Phase::Idle;
        if self.written < request.len() || self.is_closing {
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
            match self.socket.take_error() {
                Ok(None) => {}
                Ok(Some(error)) | Err(error) => return Step::Failed(connect_ending(error)),
            }
            if self.socket.peer_addr().is_err() {
                return Step::Pending;
            }
            self.phase = Phase::Busy;
            self.connected_ns = now_ns();
        }
        if self.written < request.len() {
            match self.write(request, now_ns()) {
                Step::Pending => {}
                // What the server said before it closed may still be an answer.
                failed if self.written == 0 => return failed,
                _ => {}
            }
        }
        self.read(scratch, time)
    }

    fn write(&mut self, request: &[u8], now_ns: u64) -> Step {
        let sent_before = self.sent_ns;
        self.sent_ns.get_or_insert(now_ns);
        while let Some(rest) = request.get(self.written..).filter(|rest| !rest.is_empty()) {
            match send(self.socket.as_raw_fd(), rest, MsgFlags::MSG_NOSIGNAL) {
                Ok(written) => self.written += written,
                Err(Errno::EAGAIN) => return Step::Pending,
                Err(Errno::EINTR) => {}
                Err(_) if self.written == 0 && !self.is_fresh => {
                    self.sent_ns = sent_before;
                    return Step::Untouched;
                }
                Err(Errno::EPIPE) => return Step::Failed(Ending::Broken(Break::ClosedEarly)),
                Err(errno) => return Step::Failed(Ending::Broken(break_of(errno))),
            }
        }
        Step::Pending
    }

    fn read(&mut self, scratch: &mut Scratch, time: RealTime) -> Step {
        self.has_more = false;
        for _ in 0..READS_MOST {
            let (count, stamp_ns) = match receive(&self.socket, scratch, time) {
                Ok(received) => received,
                Err(Errno::EAGAIN) => return Step::Pending,
                Err(Errno::EINTR) => continue,
                Err(errno) => return self.end_with(break_of(errno)),
            };
            let Some(bytes) = scratch.bytes.get(..count) else { return Step::Pending };
            self.is_closing |= count == 0;
            let progress = if count == 0 { self.reader.close() } else { self.reader.take(bytes) };
            if count > 0 {
                // A stamp from before the request means that the clock of stamps was set meanwhile.
                let is_sound = self.sent_ns.is_none_or(|sent_ns| sent_ns <= stamp_ns);
                self.last_read_ns = if is_sound { stamp_ns } else { time.now_ns };
            }
            match progress {
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

    /// After an error of the socket: what was read before may be a whole answer.
    fn end_with(&mut self, kind: Break) -> Step {
        self.is_closing = true;
        match self.reader.close() {
            Ok(_) if self.reader.has_begun() => Step::Answered,
            _ => Step::Failed(Ending::Broken(kind)),
        }
    }

    /// Takes what an idle connection has to say: nothing good. True when it is still of use.
    pub(super) fn is_quiet(&mut self, scratch: &mut Scratch, time: RealTime) -> bool {
        !self.is_closing && matches!(receive(&self.socket, scratch, time), Err(Errno::EAGAIN))
    }

    /// Closes the connection at once, with what is under way: the request was given up.
    pub(super) fn abort(self) {
        let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        // Where that is refused the connection closes in the usual way.
        let _ = setsockopt(&self.socket, sockopt::Linger, &linger);
    }
}

impl AsFd for Lane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Reads once: how many bytes, and when the last of them came.
fn receive(
    socket: &TcpStream,
    scratch: &mut Scratch,
    time: RealTime,
) -> Result<(usize, u64), Errno> {
    let mut slices = [IoSliceMut::new(&mut scratch.bytes)];
    let control = Some(scratch.control.as_mut_slice());
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut slices, control, MsgFlags::MSG_DONTWAIT)?;
    let stamps = message.cmsgs().into_iter().flatten();
    let stamp_ns = stamps.filter_map(|stamp| match stamp {
        ControlMessageOwned::ScmTimestampsns(stamps) => time.monotonic_ns(stamps.system),
        _ => None,
    });
    Ok((message.bytes, stamp_ns.last().unwrap_or(time.now_ns)))
}

fn begin_connect(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = TcpStream::from(socket(family, SockType::Stream, flags, None)?);
    // Without this a request of two segments may wait for an acknowledgement of the first.
    socket.set_nodelay(true)?;
    let stamping = TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE;
    // Where the kernel does not stamp, the instant of reading stands in.
    let _ = setsockopt(&socket, sockopt::Timestamping, &stamping);
    match connect(socket.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(socket),
        Err(errno) => Err(errno.into()),
    }
}

/// The ending of a request for which no connection came about.
#[allow(clippy::needless_pass_by_value, reason = "it ends here, and map_err hands it over")]
fn connect_ending(error: io::Error) -> Ending {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRNOTAVAIL | Errno::EADDRINUSE | Errno::EMFILE | Errno::ENFILE) => {
            Ending::Unsent(Shortage::Generator)
        }
        Some(Errno::ECONNREFUSED) => Ending::Broken(Break::ConnectRefused),
        _ => Ending::Broken(Break::ConnectFailed),
    }
}

const fn break_of(errno: Errno) -> Break {
    match errno {
        Errno::ECONNRESET | Errno::EPIPE => Break::Reset,
        _ => Break::Other,
    }
}
