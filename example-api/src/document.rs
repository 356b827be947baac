//! A document as the clients send it: parsed and checked, or refused with the field at fault.
//!
//! The body is read as a JSON tree and checked by hand rather than derived, because the answer must
//! name the field (`permissions.alice`), whichever of two shapes `permissions` has.

use serde_json::{Map, Value};

/// Longest text of the client's own that an error message repeats, in characters.
const QUOTED_CHARS_MAX: usize = 100;

/// Longest host name that is kept, in characters; the rest of a longer one is dropped, so that
/// waiting documents and counters take bounded memory.
const HOST_CHARS_MAX: usize = 200;

/// What the server keeps of an accepted document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// The machine that holds the file, its name cut to a bounded length.
    pub(crate) host: String,
    /// Size of the file in bytes.
    pub(crate) file_size: u64,
    /// Users that may read the file.
    pub(crate) readers: u64,
    /// Users that may read and write the file.
    pub(crate) writers: u64,
}

/// Why a body is not a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not JSON at all.
    Malformed(String),
    /// JSON, but a field is missing or has the wrong type.
    Field {
        /// The field at fault; `body` for the document as a whole.
        field: String,
        /// What is wrong with it.
        error: String,
    },
}

/// Reads a document. Fields that it does not know are ignored.
pub(crate) fn parse(body: &[u8]) -> Result<Document, Refusal> {
    let tree: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::Malformed(format!("the body is not JSON: {error}")))?;
    let Value::Object(fields) = &tree else {
        return Err(refuse("body", "must be a JSON object"));
    };
    text(fields, "name")?;
    text(fields, "directory")?;
    let host = text(fields, "host")?.chars().take(HOST_CHARS_MAX).collect();
    let file_size = whole(present(fields, "file_size")?)
        .ok_or_else(|| refuse("file_size", "must be a whole number from 0 to 2^64 - 1"))?;
    let mut document = Document { host, file_size, readers: 0, writers: 0 };
    count_permissions(present(fields, "permissions")?, &mut document)?;
    Ok(document)
}

fn present<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Refusal> {
    fields.get(name).ok_or_else(|| refuse(name, "is missing"))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    present(fields, name)?.as_str().ok_or_else(|| refuse(name, "must be a string"))
}

/// A whole number, also one that is written as 12.0 or 1e3: to JSON they are the same.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        // Zero is added because there is a negative one.
        format!("{:.0}", number + 0.0).parse().ok()
    })
}

fn count_permissions(permissions: &Value, document: &mut Document) -> Result<(), Refusal> {
    match permissions {
        Value::Object(users) => {
            users.iter().try_for_each(|(user, right)| count_right(user, right, document))
        }
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            let one_user = item.as_object().filter(|users| users.len() == 1);
            let (user, right) =
                one_user.and_then(|users| users.iter().next()).ok_or_else(|| {
                    refuse(&format!("permissions[{index}]"), "must be an object with one user")
                })?;
            count_right(user, right, document)
        }),
        _ => Err(refuse("permissions", "must be an object or a list of objects")),
    }
}

fn count_right(user: &str, right: &Value, document: &mut Document) -> Result<(), Refusal> {
    match right.as_str() {
        Some("READ") => document.readers += 1,
        Some("READ_WRITE") => document.writers += 1,
        _ => {
            let user: String = user.chars().take(QUOTED_CHARS_MAX).collect();
            return Err(refuse(&format!("permissions.{user}"), "must be READ or READ_WRITE"));
        }
    }
    Ok(())
}

fn refuse(field: &str, fault: &str) -> Refusal {
    Refusal::Field { field: field.to_owned(), error: format!("{field} {fault}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn sample() -> Value {
        json!({
            "name": "plan.txt", "directory": "/home/alice", "host": "h1", "file_size": 12,
            "permissions": {"alice": "READ_WRITE", "bob": "READ"},
        })
    }

    fn field_of(tree: &Value) -> String {
        match parse(tree.to_string().as_bytes()) {
            Err(Refusal::Field { field, .. }) => field,
            other => panic!("expected a field at fault, got {other:?}"),
        }
    }

    #[test]
    fn both_shapes_of_permissions_mean_the_same() {
        let as_object = parse(sample().to_string().as_bytes());
        let mut tree = sample();
        tree["permissions"] = json!([{"alice": "READ_WRITE"}, {"bob": "READ"}]);
        assert_eq!(parse(tree.to_string().as_bytes()), as_object, "list and object");
        let document = as_object.expect("the sample is a document");
        assert_eq!((document.readers, document.writers), (1, 1), "rights are counted");
    }

    #[test]
    fn a_missing_field_is_named() {
        for field in ["name", "directory", "host", "file_size", "permissions"] {
            let mut tree = sample();
            tree.as_object_mut().expect("an object").remove(field);
            assert_eq!(field_of(&tree), field, "the field that is missing");
        }
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        let wrong = [
            ("name", json!(1)),
            ("directory", json!(null)),
            ("host", json!([])),
            ("file_size", json!("12")),
            ("file_size", json!(-1)),
            ("file_size", json!(1.5)),
            ("file_size", json!(1e30)),
            ("permissions", json!("READ")),
        ];
        for (field, value) in wrong {
            let mut tree = sample();
            tree[field] = value;
            assert_eq!(field_of(&tree), field, "the field with the wrong type");
        }
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let largest = format!("{}", u64::MAX);
        for (text, size) in [
            ("12.0", 12),
            ("1.2e1", 12),
            ("0.0", 0),
            ("-0", 0),
            ("-0.0", 0),
            (largest.as_str(), u64::MAX),
        ] {
            let body = sample().to_string().replace("12,", &format!("{text},"));
            let document = parse(body.as_bytes()).expect(text);
            assert_eq!(document.file_size, size, "{text}");
        }
    }

    #[test]
    fn a_wrong_right_is_named_with_its_user() {
        let mut tree = sample();
        tree["permissions"] = json!({"alice": "WRITE"});
        assert_eq!(field_of(&tree), "permissions.alice", "in an object");
        tree["permissions"] = json!([{"bob": "READ"}, {"alice": 3}]);
        assert_eq!(field_of(&tree), "permissions.alice", "in a list");
        tree["permissions"] = json!([{"bob": "READ"}, {}]);
        assert_eq!(field_of(&tree), "permissions[1]", "a list item without a user");
        tree["permissions"] = json!({"x".repeat(100_000): 1});
        assert!(field_of(&tree).len() < 200, "a long name is cut");
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_as_a_whole() {
        assert_eq!(field_of(&json!([])), "body", "a list");
    }

    #[test]
    fn deep_nesting_is_malformed_and_not_a_crash() {
        let deep = "[".repeat(1_000_000);
        assert!(matches!(parse(deep.as_bytes()), Err(Refusal::Malformed(_))), "too deep");
    }

    #[test]
    fn a_long_host_name_is_cut_and_not_refused() {
        let mut tree = sample();
        tree["host"] = json!("ä".repeat(100_000));
        let document = parse(tree.to_string().as_bytes()).expect("long, but a string");
        assert_eq!(document.host.chars().count(), HOST_CHARS_MAX, "characters kept");
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let mut tree = sample();
        tree["colour"] = json!({"any": ["thing"]});
        assert!(parse(tree.to_string().as_bytes()).is_ok(), "one field more");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(parse(&bytes));
        }

        #[test]
        fn no_damage_to_a_document_makes_the_parser_panic(
            at in 0_usize..140, byte in any::<u8>(), keep in 0_usize..160,
        ) {
            let mut bytes = sample().to_string().into_bytes();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(keep);
            drop(parse(&bytes));
        }
    }
}
