//! Permissions: their shapes, the keys of principals, and principals without end.

use std::fmt::Write;

use super::{Maker, Value, one, value};
use crate::edge::Expectation::{self, Accept, Either, Reject};
use crate::edge::draft::quoted;
use crate::edge::{Case, Sending};
use crate::profile::PermissionsShape;

/// New principals in all, and how many documents bring them.
pub const GROWTHS: [(usize, usize); 2] = [(600, 60), (5000, 100)];

pub(super) fn cases(maker: &mut Maker<'_>) -> Vec<Case> {
    let absent = maker.draft().without("permissions");
    let absent = maker.request(&absent);
    let mut cases = maker.field("permissions", shapes(maker.form.shape));
    cases.push(one("permissions-absent", "no permissions at all", Either, absent));
    let keys = KEYS.iter().map(|(id, sent, key)| {
        value(id, sent, Either, list(maker.form.shape, [((*key).to_owned(), "READ")]))
    });
    let long = list(maker.form.shape, [("k".repeat(255), "READ")]);
    let keys = keys.chain([value("key-255", "a key of 255 bytes", Either, long)]).collect();
    cases.extend(maker.field("permissions", keys));
    let [few, many] = GROWTHS;
    cases.push(growth(maker, "growth-600", "600 new principals, 10 a document", few));
    cases.push(growth(maker, "growth-5000", "5,000 new principals, 50 a document", many));
    cases
}

const KEYS: [(&str, &str, &str); 9] = [
    ("key-dot", "a key with a dot", "first.last"),
    ("key-dot-first", "a key that begins with a dot", ".hidden"),
    ("key-dot-last", "a key that ends with a dot", "user."),
    ("key-empty", "an empty key", ""),
    ("key-domain", "DOMAIN\\user", "DOMAIN\\user"),
    ("key-spaces", "a key with spaces", " Jane van der Berg "),
    ("key-hebrew", "a Hebrew key", "\u{5d3}\u{5e0}\u{5d4}"),
    ("key-proto", "__proto__", "__proto__"),
    ("key-id", "_id", "_id"),
];

fn shapes(taken: PermissionsShape) -> Vec<Value> {
    let two = || [("alice".to_owned(), "READ"), ("bob".to_owned(), "READ_WRITE")];
    let many = |count: usize| {
        list(taken, (0..count).map(|number| (format!("edge-reader-{}", number % 400), "READ")))
    };
    let unique = |count: usize| list(taken, (0..count).map(|n| (format!("edge-{n}"), "READ")));
    vec![
        value(
            "permissions-object",
            "the documented object",
            Accept,
            list(PermissionsShape::Object, two()),
        ),
        value(
            "permissions-list",
            "a list of objects, one key each",
            Either,
            list(PermissionsShape::List, two()),
        ),
        value("permissions-empty", "{}", Either, "{}"),
        value("permissions-empty-list", "[]", Either, "[]"),
        value("permissions-null", "null", Either, "null"),
        value("permissions-strings", "a list of strings", Reject, "[\"alice\",\"bob\"]"),
        value("permissions-text", "a string", Reject, "\"alice: READ\""),
        value(
            "permissions-nested",
            "objects in the object",
            Either,
            "{\"alice\":{\"of\":\"READ\"}}",
        ),
        value(
            "permissions-right",
            "a right that is none: WRITE",
            Reject,
            list(taken, [("alice".to_owned(), "WRITE")]),
        ),
        value("permissions-repeated", "1,000 entries, keys repeated", Either, many(1000)),
        value("permissions-1000", "1,000 principals", Either, unique(1000)),
        value("permissions-10000", "10,000 principals", Either, unique(10_000)),
    ]
}

/// Permissions in a shape.
fn list(
    shape: PermissionsShape,
    entries: impl IntoIterator<Item = (String, &'static str)>,
) -> String {
    let mut text = String::new();
    for (key, right) in entries {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to memory does not fail.
        let _ = match shape {
            PermissionsShape::Object => write!(text, "{comma}{}:\"{right}\"", quoted(&key)),
            PermissionsShape::List => write!(text, "{comma}{{{}:\"{right}\"}}", quoted(&key)),
            PermissionsShape::Pairs => {
                write!(text, "{comma}{{\"principal\":{},\"access\":\"{right}\"}}", quoted(&key))
            }
        };
    }
    match shape {
        PermissionsShape::Object => format!("{{{text}}}"),
        PermissionsShape::List | PermissionsShape::Pairs => format!("[{text}]"),
    }
}

/// Principals that the target has never seen, over consecutive documents: an index that makes a field of each has a
/// limit somewhere.
fn growth(
    maker: &mut Maker<'_>,
    id: &'static str,
    sent: &'static str,
    (principals, documents): (usize, usize),
) -> Case {
    let each = principals / documents;
    let expected: Expectation = Accept;
    let sendings = (0..documents).map(|document| {
        let draft = maker.draft();
        // The numbers of documents are new each time, and so are names that hold one.
        let stamp: String = String::from_utf8_lossy(draft.value("name"))
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let entries = (0..each).map(|n| (format!("{id}-{document}-{n}-{stamp}"), "READ"));
        let permissions = list(maker.form.shape, entries);
        maker.request(&draft.with("permissions", permissions))
    });
    let sendings: Vec<Sending> = sendings.collect();
    Case { id, sent, expected, sendings }
}
