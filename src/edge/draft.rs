//! A document as its fields, each the text of a JSON value that need not be one.

use serde_json::{Map, Value};

/// The fields of a document, in the order in which they are sent.
pub const FIELDS: [&str; 5] = ["name", "directory", "host", "file_size", "permissions"];

/// A document that can be spoilt field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    fields: Vec<(&'static str, Vec<u8>)>,
}

impl Draft {
    /// The draft of a good document; a field that it lacks is `null`.
    #[must_use]
    pub fn of(document: &[u8]) -> Self {
        let tree: Map<String, Value> = serde_json::from_slice(document).unwrap_or_default();
        let text = |name: &str| tree.get(name).unwrap_or(&Value::Null).to_string().into_bytes();
        Self { fields: FIELDS.iter().map(|name| (*name, text(name))).collect() }
    }

    /// With `value` in place of a field's, or as one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        let value = value.into();
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name, value)),
        }
        self
    }

    /// Without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| *known != name);
        self
    }

    /// With the fields in the opposite order.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.fields.reverse();
        self
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> &[u8] {
        let found = self.fields.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, value)| value)
    }

    /// The document, without white space.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        self.spaced("", ":", ",")
    }

    /// The document with `open` before each field, `colon` behind its name and `comma` between two.
    #[must_use]
    pub fn spaced(&self, open: &str, colon: &str, comma: &str) -> Vec<u8> {
        let mut text = vec![b'{'];
        for (place, (name, value)) in self.fields.iter().enumerate() {
            if place > 0 {
                text.extend_from_slice(comma.as_bytes());
            }
            text.extend_from_slice(open.as_bytes());
            text.extend_from_slice(format!("\"{name}\"{colon}").as_bytes());
            text.extend_from_slice(value);
        }
        text.push(b'}');
        text
    }
}

/// `text` as a JSON string: control characters escaped, all others as they are.
#[must_use]
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_the_document_that_it_was_made_of() {
        let document = br#"{"name":"a \"b\".txt","directory":"/d/","host":"h","file_size":7,"permissions":{"u":"READ"}}"#;
        assert_eq!(Draft::of(document).text(), document, "byte for byte");
    }

    #[test]
    fn one_field_changes_and_no_other() {
        let draft = Draft::of(br#"{"name":"n","directory":"d","host":"h","file_size":7}"#);
        assert_eq!(draft.value("permissions"), b"null", "what is not there");
        let text = draft.with("file_size", "-1").without("host").with("extra", "[]").text();
        let expected =
            br#"{"name":"n","directory":"d","file_size":-1,"permissions":null,"extra":[]}"#;
        assert_eq!(text, expected, "changed, left out, added");
    }
}
