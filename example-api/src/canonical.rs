//! The one way in which the server writes a document: in its log, in its index, in its answers.

use serde_json::Value;

use crate::document::Document;

impl Document {
    /// This document as JSON, its extension with it. [`crate::document::parse`] reads it back.
    pub(crate) fn canonical(&self) -> String {
        let mut text = String::with_capacity(self.memory_bytes());
        text.push_str("{\"name\":");
        push_quoted(&mut text, &self.name);
        text.push_str(",\"directory\":");
        push_quoted(&mut text, &self.directory);
        text.push_str(",\"host\":");
        push_quoted(&mut text, &self.host);
        text.push_str(",\"ext\":");
        push_quoted(&mut text, &self.extension());
        text.push_str(",\"file_size\":");
        text.push_str(&self.file_size.to_string());
        text.push_str(",\"permissions\":{");
        for (number, (principal, right)) in self.permissions.iter().enumerate() {
            if number > 0 {
                text.push(',');
            }
            push_quoted(&mut text, principal);
            text.push_str(":\"");
            text.push_str(right.word());
            text.push('"');
        }
        text.push_str("}}");
        text
    }
}

fn push_quoted(text: &mut String, value: &str) {
    // Without a character to escape, which is nearly always, the text is its own JSON.
    if value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&Value::from(value).to_string());
    }
}
