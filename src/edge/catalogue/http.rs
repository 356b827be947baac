//! HTTP: good documents in odd requests, and requests whose end is a matter of opinion.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Maker, one};
use crate::edge::Expectation::{Accept, Either, Reject};
use crate::edge::{After, Case, Expectation, Piece, Sending};

/// A target is given so long to ask for the body after `Expect: 100-continue`.
const CONTINUE_MS: u64 = 1000;
/// The pause in the middle of a request.
const PAUSE_MS: u64 = 200;
/// How far an announced length is off.
const OFF_BYTES: usize = 10;

pub(super) fn cases(maker: &mut Maker<'_>) -> Vec<Case> {
    let mut cases = heads(maker);
    cases.extend(framing(maker));
    cases.extend(unfinished(maker));
    cases
}

fn length(body: &[u8]) -> String {
    format!("content-length: {}", body.len())
}

/// A whole request with these lines besides its length.
fn with_lines(maker: &mut Maker<'_>, lines: &[&str], body: &[u8]) -> Sending {
    let length = length(body);
    let lines: Vec<&str> = lines.iter().copied().chain([length.as_str()]).collect();
    Sending::whole([maker.form.head(&lines), body.to_vec()].concat())
}

fn body(maker: &mut Maker<'_>) -> Vec<u8> {
    let draft = maker.draft();
    maker.form.body(&draft.text())
}

/// Heads that say something unusual of a good document.
fn heads(maker: &mut Maker<'_>) -> Vec<Case> {
    let kind = maker.form.content_type();
    let charset = format!("{kind}; charset=utf-8");
    let long = format!("x-long: {}", "l".repeat(64 * 1024));
    let lines: [(&str, &str, Expectation, &[&str]); 8] = [
        ("http-no-type", "no content type", Either, &[]),
        ("http-text-type", "text/plain", Either, &["content-type: text/plain"]),
        ("http-wrong-type", "a content type that is none", Either, &["content-type: ;;;"]),
        ("http-charset", "a charset with the content type", Either, &[&charset]),
        ("http-long-line", "a header line of 64 KB", Either, &[&kind, &long]),
        ("http-upper", "the content type in upper case", Accept, &[&kind.to_ascii_uppercase()]),
        (
            "http-accept",
            "asking for an answer that is not JSON",
            Either,
            &[&kind, "accept: text/html"],
        ),
        (
            "http-override",
            "a method in a header",
            Either,
            &[&kind, "x-http-method-override: DELETE"],
        ),
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (id, sent, expected, lines) in lines {
        let body = body(maker);
        cases.push(one(id, sent, expected, with_lines(maker, lines, &body)));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    drop(encoder.write_all(&body(maker)));
    let packed = encoder.finish().unwrap_or_default();
    let packed = with_lines(maker, &[&kind, "content-encoding: gzip"], &packed);
    cases.push(one("http-gzip", "a body packed with gzip", Either, packed));
    let good = body(maker);
    let old =
        maker.form.head_of(maker.form.route.verb.name(), "HTTP/1.0", &[&kind, &length(&good)]);
    cases.push(one("http-1.0", "HTTP/1.0", Either, Sending::whole([old, good].concat())));
    let head = maker.form.head_of("DELETE", "HTTP/1.1", &[]);
    cases.push(one("http-method", "another method: DELETE", Reject, Sending::whole(head)));
    cases
}

/// Requests that are whole, in unusual pieces.
fn framing(maker: &mut Maker<'_>) -> Vec<Case> {
    let kind = maker.form.content_type();
    let coded = "transfer-encoding: chunked";
    let good = body(maker);
    let (first, rest) = good.split_at(good.len() / 2);
    let chunk = |data: &[u8]| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
    let chunks = [chunk(first), chunk(rest), chunk(b"")].concat();
    let chunked = Sending::whole([maker.form.head(&[&kind, coded]), chunks.clone()].concat());
    let both = maker.form.head(&[&kind, coded, &length(&good)]);
    let both = Sending::whole([both, chunks].concat()).then(After::Close);
    let bad = [maker.form.head(&[&kind, coded]), b"zz\r\n{}\r\n0\r\n\r\n".to_vec()].concat();
    let right = length(&good);
    let twice = [kind.as_str(), &right, "content-length: 1"];
    let twice = [maker.form.head(&twice), good].concat();
    vec![
        one("http-chunked", "in two chunks", Either, chunked),
        one("http-expect", "Expect: 100-continue", Either, expecting(maker)),
        one("http-paused", "two pieces, 0.2 s apart", Accept, paused(maker)),
        one("http-length-and-chunks", "a length and chunks", Either, both),
        one(
            "http-bad-chunk",
            "a chunk without a size",
            Reject,
            Sending::whole(bad).then(After::Close),
        ),
        one(
            "http-two-lengths",
            "two lengths that differ",
            Reject,
            Sending::whole(twice).then(After::Close),
        ),
    ]
}

/// The head first; the body when the target asks for it, or after a moment.
fn expecting(maker: &mut Maker<'_>) -> Sending {
    let good = body(maker);
    let kind = maker.form.content_type();
    let head = maker.form.head(&[&kind, &length(&good), "expect: 100-continue"]);
    in_two(head, good, CONTINUE_MS)
}

fn paused(maker: &mut Maker<'_>) -> Sending {
    let good = body(maker);
    let kind = maker.form.content_type();
    let request = [maker.form.head(&[&kind, &length(&good)]), good.clone()].concat();
    let (first, rest) = request.split_at(request.len() - good.len() / 2);
    in_two(first.to_vec(), rest.to_vec(), PAUSE_MS)
}

fn in_two(first: Vec<u8>, rest: Vec<u8>, pause_ms: u64) -> Sending {
    let pieces = vec![Piece { bytes: first, pause_ms }, Piece { bytes: rest, pause_ms: 0 }];
    Sending { pieces, after: After::Keep }
}

/// Requests that promise more or less than they bring.
fn unfinished(maker: &mut Maker<'_>) -> Vec<Case> {
    let kind = maker.form.content_type();
    let good = body(maker);
    let announced = |maker: &Maker<'_>, bytes: usize, after| {
        let length = format!("content-length: {bytes}");
        let head = maker.form.head(&[&kind, &length]);
        Sending::whole([head, good.clone()].concat()).then(after)
    };
    let short = announced(maker, good.len().saturating_sub(OFF_BYTES), After::Close);
    let long = announced(maker, good.len() + OFF_BYTES, After::HangUp);
    let mut head = maker.form.head(&[&kind, "x-open: "]);
    // Without the empty line the head goes on.
    head.truncate(head.len().saturating_sub(4));
    let head = Sending::whole(head).then(After::HangUp);
    vec![
        one("http-length-short", "a length that is 10 too small", Either, short),
        one("http-length-long", "a length that is 10 too great", Either, long),
        one("http-open-head", "a head without an end", Either, head),
    ]
}
