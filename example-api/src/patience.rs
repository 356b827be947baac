//! A socket that notes when its client let the server wait.
//!
//! A pre-forked worker that waits for its client's bytes is occupied but does no work, and that
//! time must not be made up for. Waiting for tokio to notice bytes that are already there is the
//! server's own overhead and must not count; so the kernel is asked before a wait is believed.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::clock::Clock;
use crate::connection::{Breakable, Visit};

/// A connection that reports waiting times to its [`Visit`].
#[derive(Debug)]
pub(crate) struct Patient {
    io: TokioIo<tokio::net::TcpStream>,
    visit: Arc<Visit>,
    clock: Clock,
    reading_waits: bool,
    writing_waits: bool,
    /// The answer has begun. From then on hyper reads only to notice that the client has gone.
    answers: bool,
}

impl Patient {
    /// Wraps a connection that was just accepted. Must be called inside the worker's runtime.
    pub(crate) fn new(stream: TcpStream, visit: Arc<Visit>, clock: Clock) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(tokio::net::TcpStream::from_std(stream)?);
        let (reading_waits, writing_waits, answers) = (false, false, false);
        Ok(Self { io, visit, clock, reading_waits, writing_waits, answers })
    }

    fn note_read<T>(&mut self, outcome: &Poll<T>) {
        if self.answers {
            return;
        }
        if outcome.is_pending() {
            self.reading_waits |= self.kernel_has_no(PollFlags::POLLIN);
        } else if std::mem::take(&mut self.reading_waits) {
            self.visit.waited_until(self.clock.now_ns());
        }
    }

    fn note_write<T>(&mut self, outcome: &Poll<T>) {
        self.answers = true;
        if outcome.is_pending() {
            self.writing_waits |= self.kernel_has_no(PollFlags::POLLOUT);
        } else if std::mem::take(&mut self.writing_waits) {
            self.visit.waited_until(self.clock.now_ns());
        }
    }

    fn kernel_has_no(&self, wanted: PollFlags) -> bool {
        let mut sockets = [PollFd::new(self.io.inner().as_fd(), wanted)];
        poll(&mut sockets, PollTimeout::ZERO) == Ok(0)
    }
}

impl Breakable for Patient {
    fn break_off(self) {
        self.io.break_off();
    }
}

impl Read for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_read(context, buffer);
        self.note_read(&outcome);
        outcome
    }
}

impl Write for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write(context, bytes);
        self.note_write(&outcome);
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.note_write(&outcome);
        outcome
    }
}
