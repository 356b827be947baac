//! A server that knows to the microsecond when each request came and when it was answered.
//!
//! A thread for each connection; arrivals are stamped by the kernel, as the tool's answers are.

use std::io::{IoSliceMut, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, TimestampingFlag, recvmsg, setsockopt, sockopt,
};
use nix::time::{ClockId, clock_gettime};

/// When a request is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// At once.
    Plain,
    /// So long after it came.
    After { delay_ns: u64 },
    /// At once, but for a freeze at the start of every period.
    Frozen { freeze_ns: u64, period_ns: u64 },
}

/// One request, in nanoseconds of the real clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) arrived_ns: u64,
    pub(crate) answered_ns: u64,
}

impl Seen {
    /// How long the server took for it.
    pub(crate) fn took_ms(self) -> f64 {
        self.answered_ns.saturating_sub(self.arrived_ns) as f64 / 1e6
    }
}

/// A running server; its threads end with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let began_ns = now_ns();
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                thread::spawn(move || serve(&socket, manner, began_ns, &log));
            }
        });
        Self { address, seen }
    }

    /// Everything that came, in the order of its arrival; forgets it.
    pub(crate) fn take(&self) -> Vec<Seen> {
        let mut seen = std::mem::take(&mut *self.seen.lock().expect("no panic"));
        seen.sort_by_key(|one| one.arrived_ns);
        seen
    }
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_REALTIME).expect("a clock");
    u64::try_from(Duration::from(now).as_nanos()).expect("this century")
}

fn sleep_until(at_ns: u64) {
    // Sleeping wakes some tens of microseconds late; the rest is waited out awake.
    let rest_ns = at_ns.saturating_sub(now_ns());
    thread::sleep(Duration::from_nanos(rest_ns.saturating_sub(200_000)));
    while now_ns() < at_ns {
        std::hint::spin_loop();
    }
}

fn serve(socket: &TcpStream, manner: Manner, began_ns: u64, log: &Mutex<Vec<Seen>>) {
    socket.set_nodelay(true).expect("a live socket");
    let stamping = TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE;
    setsockopt(socket, sockopt::Timestamping, &stamping).expect("a kernel that stamps");
    let mut writer = socket;
    while let Some(arrived_ns) = read_request(socket) {
        match manner {
            Manner::Plain => {}
            Manner::After { delay_ns } => sleep_until(arrived_ns + delay_ns),
            Manner::Frozen { freeze_ns, period_ns } => {
                let phase_ns = arrived_ns.saturating_sub(began_ns) % period_ns;
                if phase_ns < freeze_ns {
                    sleep_until(arrived_ns - phase_ns + freeze_ns);
                }
            }
        }
        let answered_ns = now_ns();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\"OK\"";
        if writer.write_all(answer).is_err() {
            return;
        }
        log.lock().expect("no panic").push(Seen { arrived_ns, answered_ns });
    }
}

/// Reads one request, which comes in one piece: the tool writes it with one call. When it came.
fn read_request(socket: &TcpStream) -> Option<u64> {
    let mut bytes = [0; 16 * 1024];
    let mut control = nix::cmsg_space!(nix::sys::socket::Timestamps);
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let message =
        recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::empty())
            .ok()?;
    let stamp = message.cmsgs().ok()?.find_map(|stamp| match stamp {
        ControlMessageOwned::ScmTimestampsns(stamps) => Some(Duration::from(stamps.system)),
        _ => None,
    });
    let arrived_ns =
        stamp.map_or_else(now_ns, |stamp| u64::try_from(stamp.as_nanos()).expect("this century"));
    (message.bytes > 0).then_some(arrived_ns)
}
