//! A socket that notes when the first byte of a request was offered to it and the last byte of the
//! answer was there.
//!
//! Taken here, the instants do not depend on when the runtime gets round to the task that waits.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::clock::now_ns;

/// The instants of the request that a connection carries now; zero: not yet.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    first_write_ns: Cell<u64>,
    last_read_ns: Cell<u64>,
}

impl Stamps {
    /// Forgets the last request.
    pub(super) fn clear(&self) {
        self.first_write_ns.set(0);
        self.last_read_ns.set(0);
    }

    /// When the first byte of the request was offered to the socket.
    pub(super) fn first_write_ns(&self) -> Option<u64> {
        Some(self.first_write_ns.get()).filter(|at_ns| *at_ns > 0)
    }

    /// When the last bytes came.
    pub(super) fn last_read_ns(&self) -> Option<u64> {
        Some(self.last_read_ns.get()).filter(|at_ns| *at_ns > 0)
    }
}

/// The socket of one connection.
#[derive(Debug)]
pub(super) struct Stamped {
    socket: TcpStream,
    stamps: Rc<Stamps>,
}

impl Stamped {
    pub(super) const fn new(socket: TcpStream, stamps: Rc<Stamps>) -> Self {
        Self { socket, stamps }
    }

    fn note_write(&self) {
        if self.stamps.first_write_ns.get() == 0 {
            self.stamps.first_write_ns.set(now_ns());
        }
    }
}

impl AsyncRead for Stamped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.stamps.last_read_ns.set(now_ns());
        }
        polled
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.note_write();
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.note_write();
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }
}
