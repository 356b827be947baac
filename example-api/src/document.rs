//! A document as the clients send it: parsed and checked, or refused with the field at fault.
//!
//! The body is read as a JSON tree and checked by hand rather than derived, because the answer must
//! name the field (`permissions.alice`), whichever of two shapes `permissions` has.

use serde_json::{Map, Value};

/// Longest text of the client's own that an error message repeats, in characters.
const QUOTED_CHARS_MAX: usize = 100;

/// Largest file size: what a signed number of 64 bits holds, as in the engines that others use.
const FILE_SIZE_MAX: u64 = i64::MAX as u64;

/// What a document and each of its permissions take in memory beside their texts, in bytes.
const DOCUMENT_BYTES: usize = 200;
const PERMISSION_BYTES: usize = 48;

/// A document, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// Name of the file; any text.
    pub(crate) name: String,
    /// The directory that it stands in; any text.
    pub(crate) directory: String,
    /// The machine that holds the file; any text.
    pub(crate) host: String,
    /// Size of the file in bytes, at most 2^63 - 1.
    pub(crate) file_size: u64,
    /// Who may do what: sorted by principal, each of them once.
    pub(crate) permissions: Vec<(String, Right)>,
}

/// What a principal may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// Read it.
    Read,
    /// Read and write it.
    ReadWrite,
}

impl Right {
    /// The word of the interface.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::ReadWrite => "READ_WRITE",
        }
    }

    fn of(word: &Value) -> Option<Self> {
        [Self::Read, Self::ReadWrite].into_iter().find(|right| word.as_str() == Some(right.word()))
    }
}

impl Document {
    /// Principals with this right.
    pub(crate) fn count(&self, right: Right) -> u64 {
        self.permissions.iter().filter(|(_, own)| *own == right).count() as u64
    }

    /// What stands behind the last dot of the name, in lower case; empty without such a dot, and
    /// where the only dot begins the name (`.profile` is a name, not an extension).
    pub(crate) fn extension(&self) -> String {
        match self.name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension.to_lowercase(),
            _ => String::new(),
        }
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let principals: usize =
            self.permissions.iter().map(|(principal, _)| principal.len() + PERMISSION_BYTES).sum();
        DOCUMENT_BYTES + self.name.len() + self.directory.len() + self.host.len() + principals
    }
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
    let Value::Object(mut fields) = tree else {
        return Err(refuse("body", "must be a JSON object"));
    };
    let name = text(&mut fields, "name")?;
    let directory = text(&mut fields, "directory")?;
    let host = text(&mut fields, "host")?;
    let file_size = whole(&present(&mut fields, "file_size")?)
        .filter(|size| *size <= FILE_SIZE_MAX)
        .ok_or_else(|| refuse("file_size", "must be a whole number from 0 to 2^63 - 1"))?;
    let permissions = permissions_of(present(&mut fields, "permissions")?)?;
    Ok(Document { name, directory, host, file_size, permissions })
}

fn present(fields: &mut Map<String, Value>, name: &str) -> Result<Value, Refusal> {
    fields.remove(name).ok_or_else(|| refuse(name, "is missing"))
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<String, Refusal> {
    match present(fields, name)? {
        Value::String(text) => Ok(text),
        _ => Err(refuse(name, "must be a string")),
    }
}

/// A whole number, also one that is written as 12.0 or 1e3: to JSON they are the same.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        // Zero is added because there is a negative one.
        format!("{:.0}", number + 0.0).parse().ok()
    })
}

/// Both shapes mean the same: a principal's last right counts, as in any JSON object.
fn permissions_of(tree: Value) -> Result<Vec<(String, Right)>, Refusal> {
    let mut permissions = match tree {
        Value::Object(users) => {
            users.into_iter().map(permission).collect::<Result<Vec<_>, Refusal>>()?
        }
        Value::Array(items) => {
            let one_user = |(index, item)| match item {
                Value::Object(users) if users.len() == 1 => Ok(users),
                _ => {
                    Err(refuse(&format!("permissions[{index}]"), "must be an object with one user"))
                }
            };
            let mut permissions = Vec::with_capacity(items.len());
            for item in items.into_iter().enumerate() {
                permissions.extend(
                    one_user(item)?.into_iter().map(permission).collect::<Result<Vec<_>, _>>()?,
                );
            }
            permissions
        }
        _ => return Err(refuse("permissions", "must be an object or a list of objects")),
    };
    // The sort is stable; reversed, the last right of a principal comes first and stays.
    permissions.reverse();
    permissions.sort_by(|a, b| a.0.cmp(&b.0));
    permissions.dedup_by(|later, kept| later.0 == kept.0);
    Ok(permissions)
}

fn permission((user, right): (String, Value)) -> Result<(String, Right), Refusal> {
    if let Some(right) = Right::of(&right) {
        return Ok((user, right));
    }
    let user: String = user.chars().take(QUOTED_CHARS_MAX).collect();
    Err(refuse(&format!("permissions.{user}"), "must be READ or READ_WRITE"))
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
        let counts = [Right::Read, Right::ReadWrite].map(|right| document.count(right));
        assert_eq!(counts, [1, 1], "rights are counted");
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
        let largest = FILE_SIZE_MAX.to_string();
        for (text, size) in [
            ("12.0", 12),
            ("1.2e1", 12),
            ("0.0", 0),
            ("-0", 0),
            ("-0.0", 0),
            (largest.as_str(), FILE_SIZE_MAX),
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
    fn the_last_right_of_a_principal_counts() {
        let mut tree = sample();
        tree["permissions"] = json!([{"bob": "READ"}, {"al": "READ"}, {"bob": "READ_WRITE"}]);
        let document = parse(tree.to_string().as_bytes()).expect("a document");
        let expected = [("al".to_owned(), Right::Read), ("bob".to_owned(), Right::ReadWrite)];
        assert_eq!(document.permissions, expected, "sorted, each principal once");
    }

    #[test]
    fn the_extension_stands_behind_the_last_dot_in_lower_case() {
        for (name, extension) in [
            ("plan.TXT", "txt"),
            ("a.tar.gz", "gz"),
            (".profile", ""),
            ("..x", "x"),
            ("plain", ""),
            ("end.", ""),
            ("", ""),
            (".", ""),
        ] {
            let mut tree = sample();
            tree["name"] = json!(name);
            let document = parse(tree.to_string().as_bytes()).expect("a document");
            assert_eq!(document.extension(), extension, "{name:?}");
        }
    }

    #[test]
    fn the_largest_file_size_is_that_of_a_signed_number() {
        let mut tree = sample();
        tree["file_size"] = json!(FILE_SIZE_MAX);
        assert!(parse(tree.to_string().as_bytes()).is_ok(), "2^63 - 1");
        tree["file_size"] = json!(FILE_SIZE_MAX + 1);
        assert_eq!(field_of(&tree), "file_size", "2^63");
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let mut tree = sample();
        tree["colour"] = json!({"any": ["thing"]});
        assert!(parse(tree.to_string().as_bytes()).is_ok(), "one field more");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_it_was(
            name in any::<String>(), directory in any::<String>(), host in any::<String>(),
            file_size in 0..=FILE_SIZE_MAX,
            users in proptest::collection::btree_map(any::<String>(), any::<bool>(), 0..5),
        ) {
            let right = |writes| if writes { Right::ReadWrite } else { Right::Read };
            let permissions = users.into_iter().map(|(user, writes)| (user, right(writes)));
            let permissions = permissions.collect();
            let document = Document { name, directory, host, file_size, permissions };
            prop_assert_eq!(parse(document.canonical().as_bytes()), Ok(document));
        }

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
