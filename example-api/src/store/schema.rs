//! How a document stands in the index.
//!
//! | field | for |
//! |---|---|
//! | `words` | words of name and directory, in lower case: every word of a search must be among them |
//! | `name` | the whole name as one term: exact search, and the count of distinct names |
//! | `host`, `ext` | whole, as a term and as a column |
//! | `access` | principal and right, a column with many values |
//! | `file_size`, `accepted_unix_ms`, `sequence` | columns of numbers |
//! | `document` | the document as JSON, for answers |
//!
//! No field keeps frequencies, positions or lengths: answers are ordered by age, not by score.

use std::borrow::Cow;

use tantivy::TantivyDocument;
use tantivy::schema::{FAST, Field, IndexRecordOption, STORED, Schema};
use tantivy::schema::{TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{LowerCaser, SimpleTokenizer, TextAnalyzer};

use crate::document::Document;

/// The tokenizer of `words`.
pub(super) const WORDS_TOKENIZER: &str = "words";

/// Longest name that stands as it is in the index; the index drops terms of over 65,530 bytes.
const NAME_KEY_BYTES_MAX: usize = 65_000;

/// Longest host, extension or principal that stands as it is in the index. The dashboard holds
/// thousands of them at a time, so they must be short.
const SHORT_KEY_BYTES_MAX: usize = 500;

/// Stands between a principal and its right. It may occur in the principal too: the right, in
/// which it does not occur, is what stands behind the last one.
const ACCESS_SEPARATOR: char = '\u{1f}';

/// The fields of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) words: Field,
    pub(super) name: Field,
    pub(super) host: Field,
    pub(super) ext: Field,
    access: Field,
    file_size: Field,
    accepted_unix_ms: Field,
    sequence: Field,
    pub(super) document: Field,
}

/// A document on its way into the index.
#[derive(Debug)]
pub(super) struct Accepted {
    /// Number of the document, from 1 on without a gap.
    pub(super) sequence: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub(super) unix_ms: u64,
    /// The document.
    pub(super) document: Document,
    /// The document as JSON.
    pub(super) canonical: String,
}

impl Accepted {
    /// About how much memory it takes, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.document.memory_bytes().saturating_add(self.canonical.len())
    }
}

impl Fields {
    /// The fields, and the schema that they are the fields of.
    pub(super) fn new() -> (Self, Schema) {
        let mut schema = Schema::builder();
        let terms = |tokenizer| {
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_index_option(IndexRecordOption::Basic)
                .set_fieldnorms(false);
            TextOptions::default().set_indexing_options(indexing)
        };
        let fields = Self {
            words: schema.add_text_field("words", terms(WORDS_TOKENIZER)),
            name: schema.add_text_field("name", terms("raw")),
            host: schema.add_text_field("host", terms("raw").set_fast("raw")),
            ext: schema.add_text_field("ext", terms("raw").set_fast("raw")),
            access: schema.add_text_field("access", TextOptions::default().set_fast("raw")),
            file_size: schema.add_u64_field("file_size", FAST),
            accepted_unix_ms: schema.add_u64_field("accepted_unix_ms", FAST),
            sequence: schema.add_u64_field("sequence", FAST),
            document: schema.add_text_field("document", STORED),
        };
        (fields, schema.build())
    }

    /// The document as the index takes it.
    pub(super) fn index_form(&self, accepted: &Accepted) -> TantivyDocument {
        let document = &accepted.document;
        let mut form = TantivyDocument::new();
        form.add_text(self.words, &document.name);
        form.add_text(self.words, &document.directory);
        form.add_text(self.name, name_key(&document.name));
        form.add_text(self.host, short_key(&document.host));
        form.add_text(self.ext, short_key(&document.extension()));
        for (principal, right) in &document.permissions {
            let principal = short_key(principal);
            let right = right.word();
            form.add_text(self.access, format!("{principal}{ACCESS_SEPARATOR}{right}"));
        }
        form.add_u64(self.file_size, document.file_size);
        form.add_u64(self.accepted_unix_ms, accepted.unix_ms);
        form.add_u64(self.sequence, accepted.sequence);
        form.add_text(self.document, &accepted.canonical);
        form
    }
}

/// Splits text into words of letters and digits, in lower case.
pub(super) fn words_tokenizer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default()).filter(LowerCaser).build()
}

/// The term of a name.
pub(super) fn name_key(name: &str) -> Cow<'_, str> {
    key(name, NAME_KEY_BYTES_MAX)
}

/// The term of a host, an extension or a principal.
pub(super) fn short_key(text: &str) -> Cow<'_, str> {
    key(text, SHORT_KEY_BYTES_MAX)
}

/// Principal and right of an entry of the column `access`.
pub(super) fn split_access(entry: &str) -> (&str, &str) {
    entry.rsplit_once(ACCESS_SEPARATOR).unwrap_or((entry, ""))
}

/// The text, or, of a text that is too long, its beginning and a sum over all of it: different
/// texts stay different terms.
fn key(text: &str, most_bytes: usize) -> Cow<'_, str> {
    if text.len() <= most_bytes {
        return Cow::Borrowed(text);
    }
    let kept = (0..=most_bytes).rev().find_map(|end| text.get(..end)).unwrap_or_default();
    Cow::Owned(format!("{kept}\u{0}{:032x}", sum_of(text)))
}

/// FNV-1a with 128 bits: stays the same for ever, since it stands in indexes that are kept.
fn sum_of(text: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(BASIS, |sum, byte| (sum ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_have_short_terms_and_stay_different() {
        let [one, other] = ["a", "b"].map(|end| format!("{}{end}", "ä".repeat(100_000)));
        for long in [&one, &other] {
            assert!(name_key(long).len() < 65_530, "the index would drop a longer term");
            assert!(short_key(long).len() < 600, "a short one");
        }
        assert_ne!(short_key(&one), short_key(&other), "the difference is far behind the cut");
        assert_eq!(short_key("h1"), "h1", "a short text is its own term");
    }

    #[test]
    fn a_principal_may_hold_the_separator() {
        assert_eq!(split_access("a\u{1f}b\u{1f}READ"), ("a\u{1f}b", "READ"), "the last one counts");
    }
}
