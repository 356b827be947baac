//! Whatever a target answers, in whatever pieces: no panic, bounded memory, and the same result as in one piece.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll::live::answer::{AnswerReader, Progress};
use plimsoll::trial::outcome::Break;

const BODY_BYTES_MAX: usize = 1000;

/// Status, body and whether the connection may be kept, or why there is no answer.
type Outcome = Result<(u16, Vec<u8>, bool), Break>;

fn read(pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> Outcome {
    let mut reader = AnswerReader::new(BODY_BYTES_MAX);
    let mut progress = Progress::More;
    for piece in pieces {
        if progress == Progress::More {
            progress = reader.take(piece.as_ref())?;
        }
        assert!(reader.body().len() <= BODY_BYTES_MAX, "a body beyond its bound");
    }
    if progress == Progress::More {
        reader.close()?;
    }
    Ok((reader.status(), reader.body().to_vec(), reader.keeps_connection()))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = read(std::iter::once(bytes));
    let parts = read(bytes.chunks(usize::from(size).max(1)));
    match (whole, parts) {
        // What follows an answer in the same piece costs the connection; in a piece of its own it comes too late.
        (Ok(whole), Ok(parts)) => assert_eq!((whole.0, whole.1), (parts.0, parts.1)),
        (Err(_), Err(_)) => {}
        (whole, parts) => panic!("{whole:?} in one piece, {parts:?} in pieces of {size}"),
    }
});
