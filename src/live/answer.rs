//! An HTTP/1 answer, read from whatever pieces it comes in. Pure: bytes go in, and a verdict comes out.
//!
//! Everything from a target is hostile: heads, chunk sizes and trailers are bounded, and what is not HTTP ends the
//! answer at once. Message framing as in RFC 9112, section 6.3.

use std::mem::{self, MaybeUninit};

use httparse::{Header, ParserConfig, Response, Status};

use super::chunked::{Chunk, SIZE, next_in_line};
use crate::trial::outcome::Break;
use crate::units::u64_to_usize;

/// A head is at most so long, its lines so many.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;
/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More of it must come.
    More,
    /// It is whole.
    Whole,
}

/// Where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// After so many more bytes.
    Length(u64),
    /// With a chunk of size zero and its trailers.
    Chunked(Chunk),
    /// With the connection.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Body(Framing),
    Whole,
}

/// Reads one answer after the other from a connection.
#[derive(Debug)]
pub struct AnswerReader {
    state: State,
    /// Bytes of a head that is not whole.
    head: Vec<u8>,
    body: Vec<u8>,
    body_bytes_max: usize,
    status: u16,
    /// Empty where the answer names none.
    content_type: String,
    keeps: bool,
    /// Whether any byte of the answer has come.
    begun: bool,
}

impl AnswerReader {
    /// A reader that takes at most `body_bytes_max` of a body.
    #[must_use]
    pub const fn new(body_bytes_max: usize) -> Self {
        Self {
            state: State::Head,
            head: Vec::new(),
            body: Vec::new(),
            body_bytes_max,
            status: 0,
            content_type: String::new(),
            keeps: false,
            begun: false,
        }
    }

    /// Gets ready for the next answer on the same connection.
    pub fn clear(&mut self) {
        self.state = State::Head;
        self.head.clear();
        self.body.clear();
        self.begun = false;
    }

    /// Takes what has come.
    ///
    /// # Errors
    /// `Garbage` for what is not HTTP, `TooLarge` for a head or body beyond its bound.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Progress, Break> {
        self.begun |= !bytes.is_empty();
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Head => self.take_head(rest)?,
                State::Body(framing) => self.take_body(framing, rest)?,
                // Nothing was asked for that this could answer: the connection is of no more use.
                State::Whole => {
                    self.keeps = false;
                    return Ok(Progress::Whole);
                }
            };
        }
        Ok(if self.state == State::Whole { Progress::Whole } else { Progress::More })
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// `ClosedEarly` when the answer is not whole.
    pub fn close(&mut self) -> Result<Progress, Break> {
        self.keeps = false;
        match self.state {
            State::Whole | State::Body(Framing::Close) => {
                self.state = State::Whole;
                Ok(Progress::Whole)
            }
            State::Head | State::Body(_) => Err(Break::ClosedEarly),
        }
    }

    /// Whether any byte of the answer has come.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// The status of a whole answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Its content type, where it names one.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        (!self.content_type.is_empty()).then_some(self.content_type.as_str())
    }

    /// Whether the connection can carry another request after it.
    #[must_use]
    pub const fn keeps_connection(&self) -> bool {
        self.keeps
    }

    /// Takes a part of the head; what is left is the body's.
    fn take_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Break> {
        if self.head.is_empty() {
            // Nearly every head comes in one piece: it need not be copied.
            return match self.read_head(bytes)? {
                Some(length) => Ok(bytes.get(length..).unwrap_or_default()),
                None => self.keep_head(bytes),
            };
        }
        let before = self.head.len();
        self.keep_head(bytes)?;
        let head = mem::take(&mut self.head);
        let found = self.read_head(&head);
        self.head = head;
        match found? {
            Some(length) => {
                self.head.clear();
                Ok(bytes.get(length.saturating_sub(before)..).unwrap_or_default())
            }
            None => Ok(&[]),
        }
    }

    fn keep_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Break> {
        if self.head.len() + bytes.len() > HEAD_BYTES_MAX {
            return Err(Break::TooLarge);
        }
        self.head.extend_from_slice(bytes);
        Ok(bytes.get(bytes.len()..).unwrap_or_default())
    }

    /// Reads a head; its length where it is whole.
    fn read_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Break> {
        // Room for every line, of which nearly all stays untouched: to clear it would cost more than to parse.
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
        let mut response = Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            bytes,
            &mut headers,
        );
        let length = match parsed {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Break::TooLarge),
            Err(_) => return Err(Break::Garbage),
        };
        let status = response.code.ok_or(Break::Garbage)?;
        if status == 101 || status < 100 {
            return Err(Break::Garbage);
        }
        if status < 200 {
            // An interim answer: the real one follows.
            return Ok(Some(length));
        }
        self.status = status;
        let is_modern = response.version == Some(1);
        self.open_body(response.headers, is_modern)?;
        Ok(Some(length))
    }

    /// Finds out where the body ends, and whether the connection lasts beyond.
    fn open_body(&mut self, headers: &[Header<'_>], is_modern: bool) -> Result<(), Break> {
        let mut length = None;
        let (mut is_coded, mut is_chunked) = (false, false);
        self.keeps = is_modern;
        self.content_type.clear();
        for header in headers {
            let value = header.value.trim_ascii();
            if header.name.eq_ignore_ascii_case("content-length") {
                let next = decimal(value).ok_or(Break::Garbage)?;
                if length.is_some_and(|length| length != next) {
                    return Err(Break::Garbage);
                }
                length = Some(next);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                is_coded = true;
                is_chunked = last_token(value).eq_ignore_ascii_case(b"chunked");
            } else if header.name.eq_ignore_ascii_case("connection") {
                for token in value.split(|byte| *byte == b',') {
                    let token = token.trim_ascii();
                    self.keeps |= token.eq_ignore_ascii_case(b"keep-alive") && !is_modern;
                    self.keeps &= !token.eq_ignore_ascii_case(b"close");
                }
            } else if header.name.eq_ignore_ascii_case("content-type") {
                // Two of them are a fault of the target's that nothing depends on.
                self.content_type.clear();
                self.content_type.push_str(&String::from_utf8_lossy(value));
            }
        }
        self.state = match length {
            _ if matches!(self.status, 204 | 304) => State::Whole,
            _ if is_chunked => State::Body(Framing::Chunked(SIZE)),
            _ if is_coded => State::Body(Framing::Close),
            Some(0) => State::Whole,
            Some(length) => {
                if u64_to_usize(length) > self.body_bytes_max {
                    return Err(Break::TooLarge);
                }
                State::Body(Framing::Length(length))
            }
            None => State::Body(Framing::Close),
        };
        // Both at once is how requests are smuggled: such a connection is not used again.
        self.keeps &= !(is_coded && length.is_some()) && self.state != State::Body(Framing::Close);
        Ok(())
    }

    fn take_body<'a>(&mut self, framing: Framing, bytes: &'a [u8]) -> Result<&'a [u8], Break> {
        match framing {
            Framing::Length(left) => {
                let (data, rest) = split(bytes, left);
                self.keep_body(data)?;
                let left = left - crate::units::usize_to_u64(data.len());
                self.state =
                    if left == 0 { State::Whole } else { State::Body(Framing::Length(left)) };
                Ok(rest)
            }
            Framing::Close => {
                self.keep_body(bytes)?;
                Ok(&[])
            }
            Framing::Chunked(chunk) => self.take_chunked(chunk, bytes),
        }
    }

    fn take_chunked<'a>(&mut self, chunk: Chunk, bytes: &'a [u8]) -> Result<&'a [u8], Break> {
        if let Chunk::Data(left) = chunk {
            let (data, rest) = split(bytes, left);
            self.keep_body(data)?;
            let left = left - crate::units::usize_to_u64(data.len());
            let next = if left == 0 { Chunk::DataEnd } else { Chunk::Data(left) };
            self.state = State::Body(Framing::Chunked(next));
            return Ok(rest);
        }
        let Some((byte, rest)) = bytes.split_first() else { return Ok(bytes) };
        self.state = match next_in_line(chunk, *byte)? {
            Some(chunk) => State::Body(Framing::Chunked(chunk)),
            None => State::Whole,
        };
        Ok(rest)
    }

    fn keep_body(&mut self, data: &[u8]) -> Result<(), Break> {
        if self.body.len() + data.len() > self.body_bytes_max {
            return Err(Break::TooLarge);
        }
        self.body.extend_from_slice(data);
        Ok(())
    }
}

fn split(bytes: &[u8], most: u64) -> (&[u8], &[u8]) {
    bytes.split_at_checked(u64_to_usize(most)).unwrap_or((bytes, &[]))
}

fn last_token(value: &[u8]) -> &[u8] {
    value.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii()
}

fn decimal(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
    text.parse().ok()
}
