//! Names of files: their lengths, what stands in them, and what other programs take them for. A name is opaque data:
//! the API is to store it and give it back, not to understand it.

use super::{Maker, Value, one, value};
use crate::edge::Case;
use crate::edge::Expectation::{Accept, Either, Reject};
use crate::edge::draft::quoted;

pub(super) fn cases(maker: &mut Maker<'_>) -> Vec<Case> {
    let mut cases = maker.field("name", lengths());
    let plain = CONTENTS.iter().chain(&UNICODE).chain(&GUESSES);
    let plain = plain.map(|(id, sent, name)| value(id, sent, Accept, quoted(name)));
    cases.extend(maker.field("name", plain.collect()));
    cases.extend(maker.field("name", no_names()));
    let absent = maker.draft().without("name");
    let absent = maker.request(&absent);
    cases.push(one("name-absent", "no name at all", Reject, absent));
    cases
}

fn lengths() -> Vec<Value> {
    let long = |count: usize| quoted(&format!("{}.txt", "n".repeat(count - 4)));
    vec![
        value("name-empty", "an empty name", Accept, quoted("")),
        value("name-1", "one byte", Accept, quoted("n")),
        value("name-255", "255 bytes", Accept, long(255)),
        value(
            "name-255-wide",
            "255 characters of 4 bytes",
            Accept,
            quoted(&"\u{1f4c4}".repeat(255)),
        ),
        value("name-256", "256 bytes", Either, long(256)),
        value("name-4096", "4,096 bytes", Either, long(4096)),
        value("name-32767", "32,767 bytes", Either, long(32_767)),
    ]
}

const CONTENTS: [(&str, &str, &str); 21] = [
    ("name-extension", "only an extension", ".gitignore"),
    ("name-dot-last", "a trailing dot", "report."),
    ("name-space-last", "a trailing space", "report.txt "),
    ("name-con", "CON, a device of Windows", "CON"),
    ("name-nul", "NUL.txt", "NUL.txt"),
    ("name-parent", "..", ".."),
    ("name-slash", "a slash", "a/b.txt"),
    ("name-quotes", "quotes", "the \"final\" 'draft'.txt"),
    ("name-backslash", "a backslash", "a\\b.txt"),
    ("name-tab", "a tab", "a\tb.txt"),
    ("name-newline", "a newline", "a\nb.txt"),
    ("name-u0000", "U+0000", "a\u{0}b.txt"),
    ("name-u007f", "U+007F", "a\u{7f}b.txt"),
    ("name-percent-00", "%00", "a%00b.txt"),
    ("name-percent-2e", "%2e%2e", "%2e%2e%2fetc"),
    ("name-script", "<script>", "<script>alert(1)</script>.html"),
    ("name-sql", "a quote and a command of SQL", "'; DROP TABLE files; --.txt"),
    ("name-lucene", "characters of Lucene queries", "+a -b && || ! ( ) { } [ ] ^ \" ~ * ? : \\ /"),
    ("name-wildcards", "only wildcards", "*?*"),
    ("name-template", "placeholders of templates", "{{7*7}} ${jndi:x} %s%n"),
    (
        "name-extensions",
        "40 extensions",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o",
    ),
];

const UNICODE: [(&str, &str, &str); 12] = [
    ("name-nfc", "U with diaeresis in one character", "\u{dc}bersicht.docx"),
    ("name-nfd", "the same in two characters", "U\u{308}bersicht.docx"),
    ("name-override", "right-to-left override", "photo\u{202e}gpj.exe"),
    ("name-joiner", "zero-width joiner", "a\u{200d}b.txt"),
    ("name-emoji", "an emoji with a skin tone", "\u{1f44d}\u{1f3fd}.png"),
    (
        "name-mixed",
        "Hebrew and Latin mixed",
        "\u{5d3}\u{5d5}\u{5d7} 2024 report \u{5e1}\u{5d5}\u{5e4}\u{5d9}.pdf",
    ),
    ("name-dotless", "Turkish dotless i", "\u{131}s\u{131}\u{130}.txt"),
    ("name-unassigned", "a code point without a character", "a\u{378}b.txt"),
    ("name-nonchar", "noncharacter U+FFFF", "a\u{ffff}b.txt"),
    ("name-bom", "U+FEFF inside", "a\u{feff}b.txt"),
    ("name-separator", "U+2028, a line separator", "a\u{2028}b.txt"),
    ("name-astral", "a character beyond 16 bits", "\u{20bb7}\u{91ce}\u{5c4b}.txt"),
];

/// What a fresh index may take for a date, a number or a truth, and then refuse plain names for.
const GUESSES: [(&str, &str, &str); 4] = [
    ("name-date", "a date", "2018-04-12"),
    ("name-number", "digits", "123"),
    ("name-true", "true", "true"),
    ("name-exponent", "1e5", "1e5"),
];

fn no_names() -> Vec<Value> {
    let raw_byte = [b"\"a".as_slice(), &[0xff], b"b.txt\""].concat();
    vec![
        value("name-escaped-pair", "a surrogate pair, escaped", Accept, "\"\\ud83d\\udcc4.txt\""),
        value("name-surrogate", "a lone surrogate, escaped", Reject, "\"a\\ud800b.txt\""),
        value("name-raw-byte", "a byte that is no UTF-8", Reject, raw_byte),
        value("name-raw-control", "a tab that is not escaped", Reject, "\"a\tb.txt\""),
        value("name-no-text", "a number instead", Reject, "12"),
        value("name-null", "null", Reject, "null"),
    ]
}
