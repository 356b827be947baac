//! One connection: open it, send a request, read the answer to its last byte.

use std::error::Error as _;
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Address;
use super::fleet::Berth;
use super::stamped::{Stamped, Stamps};
use crate::profile::{Route, Verb};
use crate::trial::outcome::{Break, Ending, Shortage};

/// An open connection that carries one request at a time.
#[derive(Debug)]
pub(super) struct Lane {
    sender: SendRequest<Full<Bytes>>,
    stamps: Rc<Stamps>,
    berth: Berth,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct RawAnswer {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum LaneError {
    /// The connection had just closed and nothing of the request was used: it may be sent again.
    Untouched,
    /// The request is lost.
    Failed(Break),
}

impl LaneError {
    /// What it is called where the request is not sent again.
    pub(super) const fn kind(&self) -> Break {
        match self {
            Self::Untouched => Break::ClosedEarly,
            Self::Failed(kind) => *kind,
        }
    }
}

impl Lane {
    /// Opens a connection to `address`.
    ///
    /// # Errors
    /// The ending of the request that it was opened for.
    pub(super) async fn connect(
        address: &Address,
        berth: Berth,
        stamps: Rc<Stamps>,
    ) -> Result<Self, Ending> {
        let socket =
            TcpStream::connect(address.socket).await.map_err(|error| connect_ending(&error))?;
        // Without this a request of two segments may wait for an acknowledgement of the first.
        if socket.set_nodelay(true).is_err() {
            return Err(Ending::Broken(Break::ConnectFailed));
        }
        let stamped = TokioIo::new(Stamped::new(socket, Rc::clone(&stamps)));
        let (sender, connection) = Builder::new()
            .handshake(stamped)
            .await
            .map_err(|_closed| Ending::Broken(Break::ConnectFailed))?;
        tokio::task::spawn_local(async move {
            // How it ended is told to the request that it carried; an idle one may end as it likes.
            if let Err(_closed) = connection.await {}
        });
        Ok(Self { sender, stamps, berth })
    }

    pub(super) fn is_usable(&self) -> bool {
        self.sender.is_ready() && !self.sender.is_closed()
    }

    /// Closes the connection and keeps the leave to open another.
    pub(super) fn into_berth(self) -> Berth {
        self.berth
    }

    pub(super) fn stamps(&self) -> &Rc<Stamps> {
        &self.stamps
    }

    /// Waits until the connection can carry another request; false if it cannot.
    pub(super) async fn is_reusable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends `request` and reads the answer, at most `body_bytes_max` of its body.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        body_bytes_max: usize,
    ) -> Result<RawAnswer, LaneError> {
        let response = match self.sender.try_send_request(request).await {
            Ok(response) => response,
            Err(mut failed) => {
                let untouched = failed.take_message().is_some();
                return Err(if untouched {
                    LaneError::Untouched
                } else {
                    LaneError::Failed(break_of(failed.error()))
                });
            }
        };
        let status = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut incoming = response.into_body();
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| LaneError::Failed(break_of(&error)))?;
            if let Some(data) = frame.data_ref() {
                if body.len() + data.len() > body_bytes_max {
                    return Err(LaneError::Failed(Break::TooLarge));
                }
                body.extend_from_slice(data);
            }
        }
        Ok(RawAnswer { status, content_type, body })
    }
}

/// The request that `route` describes, with `body`.
pub(super) fn request_of(route: &Route, host: &HeaderValue, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = match route.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
    };
    *request.uri_mut() = Uri::from_static(route.path);
    request.headers_mut().insert(HOST, host.clone());
    if let Some(content_type) = route.content_type {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    request
}

/// The ending of a request for which no connection came about.
fn connect_ending(error: &io::Error) -> Ending {
    use nix::errno::Errno;
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRNOTAVAIL | Errno::EADDRINUSE | Errno::EMFILE | Errno::ENFILE) => {
            Ending::Unsent(Shortage::Generator)
        }
        Some(Errno::ECONNREFUSED) => Ending::Broken(Break::ConnectRefused),
        _ => Ending::Broken(Break::ConnectFailed),
    }
}

/// What a failure of the HTTP client means.
fn break_of(error: &hyper::Error) -> Break {
    if error.is_parse() || error.is_parse_too_large() {
        return Break::Garbage;
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Break::ClosedEarly;
    }
    let io_kind =
        error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    match io_kind {
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => Break::Reset,
        Some(io::ErrorKind::UnexpectedEof) => Break::ClosedEarly,
        _ => Break::Other,
    }
}
