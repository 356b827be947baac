//! A socket that never waits, and whose kernel stamps what arrives.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, SockaddrStorage,
    TimestampingFlag, connect, recvmsg, setsockopt, socket, sockopt,
};

use super::clock::RealTime;
use crate::trial::outcome::{Break, Ending, Shortage};

/// What is read into, shared by all connections.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) bytes: Vec<u8>,
    /// What was encrypted in `bytes`.
    pub(super) plain: Vec<u8>,
    control: Vec<u8>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        let control = nix::cmsg_space!(nix::sys::socket::Timestamps);
        Self { bytes: vec![0; 64 * 1024], plain: Vec::new(), control }
    }
}

/// Begins to open a connection to `address`; it is ready to be written to once it is open.
///
/// # Errors
/// When the system has no descriptor or port left, or no way to the address.
pub(super) fn begin_connect(address: SocketAddr) -> io::Result<TcpStream> {
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

/// Reads once into `scratch`: how many bytes, and when the last of them came.
///
/// # Errors
/// As the system reports them; `EAGAIN` when there is nothing to read.
pub(super) fn receive(
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

/// Has the next close of `socket` reset the connection, with everything that is under way.
pub(super) fn reset_on_close(socket: &TcpStream) {
    let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    // Where that is refused the connection closes in the usual way.
    let _ = setsockopt(socket, sockopt::Linger, &linger);
}

/// The ending of a request for which no connection came about.
#[allow(clippy::needless_pass_by_value, reason = "it ends here, and map_err hands it over")]
pub(super) fn connect_ending(error: io::Error) -> Ending {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRNOTAVAIL | Errno::EADDRINUSE | Errno::EMFILE | Errno::ENFILE) => {
            Ending::Unsent(Shortage::Generator)
        }
        Some(Errno::ECONNREFUSED) => Ending::Broken(Break::ConnectRefused),
        _ => Ending::Broken(Break::ConnectFailed),
    }
}

/// How a connection has failed that was open.
pub(super) const fn break_of(errno: Errno) -> Break {
    match errno {
        Errno::ECONNRESET => Break::Reset,
        Errno::EPIPE => Break::ClosedEarly,
        _ => Break::Other,
    }
}
