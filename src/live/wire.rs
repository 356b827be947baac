//! What bytes pass through: a socket, and its encryption where it has one.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};

use super::Address;
use super::clock::RealTime;
use super::socket::{Scratch, begin_connect, break_of, connect_ending, receive, reset_on_close};
use super::tls::Session;
use crate::trial::outcome::{Break, Ending};

/// A socket with its encryption.
#[derive(Debug)]
pub(super) struct Wire {
    socket: TcpStream,
    session: Option<Box<Session>>,
    /// What was wrong with the encryption.
    problem: Option<Box<str>>,
}

impl Wire {
    /// Begins to open a connection to `address`.
    ///
    /// # Errors
    /// The ending of the request that it was opened for.
    pub(super) fn open(address: &Address) -> Result<Self, Ending> {
        let session = address.tls.as_ref().map(|tls| tls.session().map(Box::new)).transpose();
        let session = session.map_err(|_refused| Ending::Broken(Break::Tls))?;
        let socket = begin_connect(address.socket).map_err(connect_ending)?;
        Ok(Self { socket, session, problem: None })
    }

    /// What was wrong with its encryption, where that is why it failed.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether the other side has taken the connection.
    ///
    /// # Errors
    /// The ending of the request that it was opened for, when there will be no connection.
    pub(super) fn is_open(&self) -> Result<bool, Ending> {
        match self.socket.take_error() {
            Ok(None) => Ok(self.socket.peer_addr().is_ok()),
            Ok(Some(error)) | Err(error) => Err(connect_ending(error)),
        }
    }

    /// Goes on agreeing on the encryption; true once that is done, or where there is none.
    ///
    /// # Errors
    /// When they cannot agree, or the connection fails.
    pub(super) fn shake(&mut self, scratch: &mut Scratch, time: RealTime) -> Result<bool, Break> {
        loop {
            let Some(session) = self.session.as_mut() else { return Ok(true) };
            match session.flush(&self.socket).1.map_err(errno_of) {
                Ok(()) | Err(Errno::EAGAIN) => {}
                Err(errno) => return Err(break_of(errno)),
            }
            if !session.is_handshaking() {
                return Ok(true);
            }
            match self.receive(scratch, time) {
                Ok((0, _)) => return Err(Break::ClosedEarly),
                Ok((count, _)) => self.decrypt(count, scratch)?,
                Err(Errno::EAGAIN) => return Ok(false),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(break_of(errno)),
            }
        }
    }

    /// Whether the kernel has all that was handed over.
    pub(super) fn is_flushed(&self) -> bool {
        self.session.as_ref().is_none_or(|session| !session.has_unsent())
    }

    /// Hands `request` over from byte `written` on, to the kernel or to be encrypted; how many bytes of the request
    /// and how many of the wire were taken, and why not all.
    pub(super) fn push(
        &mut self,
        request: &[u8],
        written: usize,
    ) -> (usize, usize, Result<(), Errno>) {
        let rest = request.get(written..).unwrap_or_default();
        if let Some(session) = self.session.as_mut() {
            if let Err(error) = session.put(rest) {
                return (0, 0, Err(errno_of(error)));
            }
            let (sent, result) = session.flush(&self.socket);
            return (rest.len(), sent, result.map_err(errno_of));
        }
        let mut taken = 0;
        while let Some(rest) = rest.get(taken..).filter(|rest| !rest.is_empty()) {
            match send(self.socket.as_raw_fd(), rest, MsgFlags::MSG_NOSIGNAL) {
                Ok(count) => taken += count,
                Err(Errno::EINTR) => {}
                Err(errno) => return (taken, taken, Err(errno)),
            }
        }
        (taken, taken, Ok(()))
    }

    /// Reads once into `scratch`: how many bytes of the wire, and when the last of them came.
    ///
    /// # Errors
    /// As the system reports them; `EAGAIN` when there is nothing to read.
    pub(super) fn receive(
        &self,
        scratch: &mut Scratch,
        time: RealTime,
    ) -> Result<(usize, u64), Errno> {
        receive(&self.socket, scratch, time)
    }

    /// What the `count` bytes say that were read.
    ///
    /// # Errors
    /// When the encryption is broken.
    pub(super) fn plain<'a>(
        &mut self,
        count: usize,
        scratch: &'a mut Scratch,
    ) -> Result<&'a [u8], Break> {
        if self.session.is_some() {
            self.decrypt(count, scratch)?;
            return Ok(&scratch.plain);
        }
        Ok(scratch.bytes.get(..count).unwrap_or_default())
    }

    /// Has the close that follows reset the connection, with everything that is under way.
    pub(super) fn abort(self) {
        reset_on_close(&self.socket);
    }

    fn decrypt(&mut self, count: usize, scratch: &mut Scratch) -> Result<(), Break> {
        scratch.plain.clear();
        let (Some(session), Some(bytes)) = (self.session.as_mut(), scratch.bytes.get(..count))
        else {
            return Ok(());
        };
        let taken = session.take(bytes, &mut scratch.plain);
        // An alert to the other side, or an acknowledgement; where it does not go out, a read will say so.
        drop(session.flush(&self.socket).1);
        taken.map_err(|error| {
            self.problem = Some(error.to_string().into());
            Break::Tls
        })
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it ends here, and map_err hands it over")]
fn errno_of(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}
