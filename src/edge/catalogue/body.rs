//! Bodies: JSON that is none, JSON that is unusual, and a great deal of it.

use std::fmt::Write;

use super::{Maker, one};
use crate::edge::Case;
use crate::edge::Expectation::{Accept, Either, Reject};
use crate::edge::draft::{Draft, quoted};
use crate::units::round_to_usize;

/// How large bodies are made: white space behind the first brace counts for nothing.
const LARGE_BYTES: [f64; 2] = [1e6, 1e7];

pub(super) fn cases(maker: &mut Maker<'_>) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |maker: &mut Maker<'_>, id, sent, expected, make: &dyn Fn(&Draft) -> Vec<u8>| {
        let document = make(&maker.draft());
        cases.push(one(id, sent, expected, maker.form.request(&document)));
    };
    let [large, huge] = LARGE_BYTES.map(round_to_usize);
    add(maker, "json-truncated", "the first half", Reject, &half);
    add(maker, "json-empty", "an empty body", Reject, &|_| Vec::new());
    add(maker, "json-array", "an array around it", Reject, &|good| around(good, b"[", b"]"));
    add(maker, "json-text", "a string instead", Reject, &|_| b"\"document\"".to_vec());
    add(maker, "json-null", "null instead", Reject, &|_| b"null".to_vec());
    add(maker, "json-two", "two documents in one body", Reject, &|good| {
        [good.text(), good.text()].concat()
    });
    // RFC 8259, section 4: what becomes of a name that stands twice is open.
    add(maker, "json-duplicate", "one key twice", Either, &|good| {
        around(good, b"{\"host\":\"other\",", b"")
    });
    add(maker, "json-unknown", "a field that nobody knows", Either, &|good| {
        good.clone().with("colour", "{\"any\":[\"thing\"]}").text()
    });
    add(maker, "json-deep", "10,000 brackets deep", Reject, &|good| {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        good.clone().with("colour", deep).text()
    });
    add(maker, "json-1mb", "1 MB, nearly all white space", Either, &|good| padded(good, large));
    add(maker, "json-10mb", "10 MB, nearly all white space", Reject, &|good| padded(good, huge));
    // RFC 8259, section 8.1: a reader may ignore the mark.
    add(maker, "json-bom", "a byte-order mark before it", Either, &|good| {
        [&[0xef, 0xbb, 0xbf], good.text().as_slice()].concat()
    });
    add(maker, "json-comment", "a comment", Reject, &|good| around(good, b"{/* good */", b""));
    add(maker, "json-comma", "a trailing comma", Reject, &|good| {
        let mut text = good.text();
        text.pop();
        [text.as_slice(), b",}"].concat()
    });
    add(maker, "json-single", "single quotes", Reject, &|good| {
        good.text().iter().map(|byte| if *byte == b'"' { b'\'' } else { *byte }).collect()
    });
    add(maker, "json-utf16", "UTF-16", Reject, &utf16);
    add(maker, "json-order", "the fields in another order", Accept, &|good| {
        good.clone().reversed().text()
    });
    add(maker, "json-pretty", "white space all over", Accept, &|good| {
        good.spaced("\r\n\t  ", " : ", " ,")
    });
    add(maker, "json-escapes", "everything but ASCII escaped", Accept, &|good| {
        good.clone().with("name", escaped("\u{dc}bung \u{5d3}\u{5d5}\u{5d7} \u{1f4c4}.txt")).text()
    });
    cases
}

fn half(good: &Draft) -> Vec<u8> {
    let mut text = good.text();
    text.truncate(text.len() / 2);
    text
}

/// The document with `open` in place of its first brace or before it, and `close` behind it.
fn around(good: &Draft, open: &[u8], close: &[u8]) -> Vec<u8> {
    let text = good.text();
    let inner = if open.starts_with(b"{") { text.get(1..).unwrap_or_default() } else { &text };
    [open, inner, close].concat()
}

fn padded(good: &Draft, length: usize) -> Vec<u8> {
    let text = good.text();
    let spaces = vec![b' '; length.saturating_sub(text.len())];
    around(good, &[b"{", spaces.as_slice()].concat(), b"")
}

fn utf16(good: &Draft) -> Vec<u8> {
    let text = String::from_utf8_lossy(&good.text()).into_owned();
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_be_bytes).collect()
}

/// A JSON string in which every character beyond ASCII is written as `\u` and four digits.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in quoted(text).chars() {
        if letter.is_ascii() {
            escaped.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            // Writing to memory does not fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_the_characters_that_they_stand_for() {
        let text = "\u{dc}b \u{1f4c4} \"q\"";
        let escaped = escaped(text);
        assert!(escaped.is_ascii(), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text, "read back");
    }
}
