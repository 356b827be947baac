//! The lines between the chunks of an HTTP/1.1 body: sizes, ends, trailers. RFC 9112, section 7.1.

use crate::trial::outcome::Break;

/// The trailers of a chunked answer are at most so long, and so is the line of a chunk's size.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// A chunk's size has at most so many digits: 2^60 is more than anybody sends.
const SIZE_DIGITS_MAX: u32 = 15;

/// Where in a chunked body we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the line of a size, with so many digits read; extensions are skipped.
    Size { size: u64, digits: u32, skips: bool, length: usize },
    /// In the data, with so many bytes to come.
    Data(u64),
    /// In the line end after the data.
    DataEnd,
    /// In the trailers: length of the line, and of all.
    Trailer { line: usize, total: usize },
}

/// At the beginning of the next chunk.
pub(super) const SIZE: Chunk = Chunk::Size { size: 0, digits: 0, skips: false, length: 0 };

/// The place after one byte of a chunk's line; `None` at the end of the body.
pub(super) fn next_in_line(chunk: Chunk, byte: u8) -> Result<Option<Chunk>, Break> {
    let next = match chunk {
        Chunk::Data(_) => chunk,
        Chunk::Size { digits: 0, .. } if byte == b'\n' => return Err(Break::Garbage),
        Chunk::Size { size: 0, .. } if byte == b'\n' => Chunk::Trailer { line: 0, total: 0 },
        Chunk::Size { size, .. } if byte == b'\n' => Chunk::Data(size),
        Chunk::Size { length: LINE_BYTES_MAX, .. } => return Err(Break::TooLarge),
        Chunk::Size { size, digits, skips, length } => {
            let digit = char::from(byte).to_digit(16).filter(|_| !skips);
            let ends = matches!(byte, b';' | b'\r' | b' ' | b'\t');
            match digit {
                Some(digit) if digits < SIZE_DIGITS_MAX => Chunk::Size {
                    size: size * 16 + u64::from(digit),
                    digits: digits + 1,
                    skips,
                    length: length + 1,
                },
                None if skips || (ends && digits > 0) => {
                    Chunk::Size { size, digits, skips: true, length: length + 1 }
                }
                _ => return Err(Break::Garbage),
            }
        }
        Chunk::DataEnd if byte == b'\n' => SIZE,
        Chunk::DataEnd if byte == b'\r' => chunk,
        Chunk::DataEnd => return Err(Break::Garbage),
        Chunk::Trailer { line: 0, .. } if byte == b'\n' => return Ok(None),
        Chunk::Trailer { total: LINE_BYTES_MAX, .. } => return Err(Break::TooLarge),
        Chunk::Trailer { total, .. } if byte == b'\n' => {
            Chunk::Trailer { line: 0, total: total + 1 }
        }
        Chunk::Trailer { line, total } => {
            let counts = usize::from(byte != b'\r');
            Chunk::Trailer { line: line + counts, total: total + 1 }
        }
    };
    Ok(Some(next))
}
