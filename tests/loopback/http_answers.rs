//! Answers of HTTP servers, well-behaved and hostile: what is made of their bytes, however these come.

use plimsoll::live::answer::{AnswerReader, Progress};
use plimsoll::trial::outcome::Break;
use proptest::prelude::*;

fn read(bytes: &[u8]) -> (AnswerReader, Result<Progress, Break>) {
    let mut reader = AnswerReader::new(1000);
    let progress = reader.take(bytes);
    (reader, progress)
}

#[test]
fn every_framing_of_the_standard_is_read_to_its_end() {
    for (text, status, body, keeps) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\"OK\"", 200, "\"OK\"", true),
        ("HTTP/1.1 201 \r\nContent-Length: 0\r\n\r\n", 201, "", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", 200, "x", false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, "x", false),
        ("HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\nx", 200, "x", true),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
            200,
            "x",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nx: y\r\n\r\n",
            200,
            "abc0123456789",
            true,
        ),
    ] {
        let (reader, progress) = read(text.as_bytes());
        assert_eq!(progress, Ok(Progress::Whole), "{text}");
        assert_eq!((reader.status(), reader.body()), (status, body.as_bytes()), "{text}");
        assert_eq!(reader.keeps_connection(), keeps, "{text}");
    }
    let (mut reader, progress) = read(b"HTTP/1.1 200 OK\r\n\r\nto the end");
    assert_eq!(progress, Ok(Progress::More), "only the connection's end tells");
    assert_eq!(reader.close(), Ok(Progress::Whole), "and it does");
    assert_eq!(reader.body(), b"to the end", "with the whole body");
}

#[test]
fn what_is_not_an_answer_says_why() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n", "y".repeat(64 * 1024));
    for (text, kind) in [
        ("SSH-2.0-OpenSSH_9.2\r\n", Break::Garbage),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", Break::Garbage),
        ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", Break::Garbage),
        ("HTTP/1.1 101 Switching\r\n\r\n", Break::Garbage),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", Break::TooLarge),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n", Break::Garbage),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Break::Garbage),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy", Break::Garbage),
        (long.as_str(), Break::TooLarge),
    ] {
        assert_eq!(read(text.as_bytes()).1, Err(kind), "{}", text.get(..60).unwrap_or(text));
    }
    let (mut reader, _) = read(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhalf");
    assert_eq!(reader.close(), Err(Break::ClosedEarly), "one byte is missing");
}

const CHUNKED: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n10;q=\"x\"\r\n0123456789abcdef\r\n0\r\nchecksum: 1\r\n\r\n";

proptest! {
    #[test]
    fn an_answer_split_at_any_bytes_is_the_same_answer(
        mut cuts in prop::collection::vec(0..CHUNKED.len(), 0..12),
    ) {
        cuts.extend([0, CHUNKED.len()]);
        cuts.sort_unstable();
        let mut reader = AnswerReader::new(1000);
        for pair in cuts.windows(2) {
            if let [from, to] = pair {
                prop_assert!(reader.take(CHUNKED.get(*from..*to).unwrap()).is_ok());
            }
        }
        prop_assert_eq!(reader.take(b""), Ok(Progress::Whole));
        prop_assert_eq!(reader.body(), b"hello0123456789abcdef");
        prop_assert_eq!(reader.content_type(), Some("text/plain"));
    }

    #[test]
    fn no_bytes_whatever_make_it_panic_or_grow_without_bound(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Just(b"transfer-encoding: chunked\r\n".to_vec()),
                Just(b"content-length: 10\r\n".to_vec()),
                Just(b"\r\n".to_vec()),
                Just(b"fffffffffffffff\r\n".to_vec()),
            ],
            0..20,
        ),
    ) {
        let mut reader = AnswerReader::new(1000);
        for piece in pieces {
            if reader.take(&piece).is_err() {
                break;
            }
        }
        prop_assert!(reader.body().len() <= 1000);
    }
}
