//! Texts with places for the fields of a document, such as `{"title": {name}}`.
//!
//! A place is a known word in braces; any other use of braces is left as it is, so that JSON can be written as JSON.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;

use crate::corpus::extension_in;

/// The words that stand for something, as they are shown to a user.
pub const FIELDS: [&str; 8] =
    ["document", "name", "directory", "host", "file_size", "permissions", "extension", "number"];

/// Where a template is filled in, which says how values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a JSON text: strings with their quotes.
    Json,
    /// In a path: bare, and encoded.
    Path,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(&'static str),
}

/// A text with places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

/// A word in braces that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{{{0}}}` is no field of a document; there are {fields}", fields = FIELDS.join(", "))]
pub struct UnknownField(pub String);

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When a word in braces is not among [`FIELDS`].
    pub fn new(text: &str) -> Result<Self, UnknownField> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, from_brace) = rest.split_at(open);
            plain.push_str(before);
            let Some(word) = word_in_braces(from_brace) else {
                plain.push('{');
                rest = from_brace.get(1..).unwrap_or_default();
                continue;
            };
            let field = FIELDS.iter().find(|field| **field == word);
            let field = field.ok_or_else(|| UnknownField(word.to_owned()))?;
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Field(field));
            rest = from_brace.get(word.len() + 2..).unwrap_or_default();
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    /// Whether anything but the number is to be filled in.
    #[must_use]
    pub fn needs_document(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Field(field) if *field != "number"))
    }

    /// Whether nothing is to be filled in.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// Appends the text with the fields of `document`, the JSON of document `number`; of an empty one they stay empty.
    pub fn fill(&self, place: Place, number: u64, document: &[u8], out: &mut Vec<u8>) {
        let fields: BTreeMap<&str, &RawValue> = if self.needs_document() {
            serde_json::from_slice(document).unwrap_or_default()
        } else {
            BTreeMap::new()
        };
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Field("number") => out.extend_from_slice(number.to_string().as_bytes()),
                Piece::Field("document") => put(place, &String::from_utf8_lossy(document), out),
                Piece::Field("extension") => {
                    let extension = document.get(extension_in(document)).unwrap_or_default();
                    put(place, &format!("\"{}\"", String::from_utf8_lossy(extension)), out);
                }
                Piece::Field(field) => {
                    put(place, fields.get(field).map_or("", |value| value.get()), out);
                }
            }
        }
    }
}

/// Appends a JSON value as its place wants it.
fn put(place: Place, json: &str, out: &mut Vec<u8>) {
    match place {
        Place::Json => out.extend_from_slice(json.as_bytes()),
        Place::Path => {
            let bare = serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned());
            out.extend_from_slice(
                utf8_percent_encode(&bare, NON_ALPHANUMERIC).to_string().as_bytes(),
            );
        }
    }
}

/// The word of `{word}` at the beginning of `text`, if it is one.
fn word_in_braces(text: &str) -> Option<&str> {
    let (word, _) = text.strip_prefix('{')?.split_once('}')?;
    let is_word =
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_word.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOCUMENT: &[u8] = br#"{"name":"a b.pdf","directory":"/x","host":"h","file_size":7,"permissions":{"u":"READ"}}"#;

    fn filled(template: &str, place: Place) -> String {
        let mut out = Vec::new();
        Template::new(template).unwrap().fill(place, 9, DOCUMENT, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_as_their_place_wants_them() {
        let body = filled(
            r#"{"t":{name},"s":{file_size},"e":{extension},"n":{"x":{number}}}"#,
            Place::Json,
        );
        assert_eq!(body, r#"{"t":"a b.pdf","s":7,"e":"pdf","n":{"x":9}}"#, "in JSON");
        assert_eq!(
            filled("/{name}/{file_size}-{number}", Place::Path),
            "/a%20b%2Epdf/7-9",
            "in a path"
        );
    }

    #[test]
    fn a_word_that_stands_for_nothing_is_refused_and_other_braces_are_not() {
        let error = Template::new("{nmae}").unwrap_err().to_string();
        assert!(error.contains("`{nmae}`") && error.contains("name"), "{error}");
        for text in ["{}", "{{}}", "{\"a\": {}}", "{ name }", "{", "}{"] {
            assert_eq!(filled(text, Place::Json), text, "left as it is");
        }
    }

    proptest! {
        #[test]
        fn a_text_without_fields_is_itself(text in "[^{]*") {
            prop_assert_eq!(filled(&text, Place::Json), text);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[{}a-z_ \"é]{0,40}") {
            drop(Template::new(&text));
        }
    }
}
