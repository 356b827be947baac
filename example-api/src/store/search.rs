//! Searches, and the count of distinct names.

use tantivy::collector::{Count, TopDocs};
use tantivy::query::{AllQuery, BooleanQuery, ConstScoreQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::termdict::TermMerger;
use tantivy::{DocAddress, Order, Searcher, TantivyDocument, TantivyError, Term};

use super::schema::{name_key, short_key, words_tokenizer};
use super::{Store, one_line};

/// Most documents of one answer.
pub(crate) const SIZE_MAX: usize = 1000;

/// The last document that an answer may reach to.
pub(crate) const REACH_MAX: usize = 10_000;

/// Most words of one search.
const WORDS_MAX: usize = 100;

/// Largest answer: a thousand documents may be a megabyte each.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is searched for; what is `None` does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Search {
    /// Words that must all occur in name or directory, or the exact whole name.
    pub(crate) q: Option<String>,
    /// The exact host.
    pub(crate) host: Option<String>,
    /// The exact extension.
    pub(crate) ext: Option<String>,
    /// How many of the youngest documents are left out.
    pub(crate) from: usize,
    /// How many documents are answered.
    pub(crate) size: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SearchError {
    /// A parameter asks for too much.
    Parameter {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        error: String,
    },
    /// The index could not be read; one line.
    Failed(String),
}

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        Self::Failed(one_line(&format!("the index could not be read: {error}")))
    }
}

impl From<std::io::Error> for SearchError {
    fn from(error: std::io::Error) -> Self {
        TantivyError::from(error).into()
    }
}

impl Store {
    /// Answers a search, the youngest documents first, as JSON.
    pub(crate) fn search(&self, search: &Search) -> Result<String, SearchError> {
        let searcher = self.reader.searcher();
        let query = self.query(search)?;
        let (total, documents) = if search.size == 0 {
            (searcher.search(&query, &Count)?, Vec::new())
        } else {
            let newest = TopDocs::with_limit(search.size).and_offset(search.from);
            let newest = newest.order_by_u64_field("sequence", Order::Desc);
            searcher.search(&query, &(Count, newest))?
        };
        let mut answer = format!("{{\"total\":{total},\"documents\":[");
        for (number, (_, address)) in documents.into_iter().enumerate() {
            if number > 0 {
                answer.push(',');
            }
            answer.push_str(&self.document(&searcher, address)?);
            if answer.len() > ANSWER_BYTES_MAX {
                let error = format!("size asks for an answer of over {ANSWER_BYTES_MAX} bytes");
                return Err(SearchError::Parameter { field: "size", error });
            }
        }
        answer.push_str("]}");
        Ok(answer)
    }

    /// The JSON of a document.
    pub(super) fn document(
        &self,
        searcher: &Searcher,
        address: DocAddress,
    ) -> Result<String, TantivyError> {
        let stored: TantivyDocument = searcher.doc(address)?;
        let text = stored.get_first(self.fields.document);
        Ok(text.and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default())
    }

    fn query(&self, search: &Search) -> Result<Box<dyn Query>, SearchError> {
        let mut all: Vec<Box<dyn Query>> = Vec::new();
        if let Some(host) = &search.host {
            all.push(term(self.fields.host, &short_key(host)));
        }
        if let Some(ext) = &search.ext {
            all.push(term(self.fields.ext, &short_key(ext)));
        }
        if let Some(q) = search.q.as_deref().filter(|q| !q.is_empty()) {
            all.push(self.text_query(q)?);
        }
        let query: Box<dyn Query> = if all.is_empty() {
            Box::new(AllQuery)
        } else {
            Box::new(BooleanQuery::intersection(all))
        };
        // Nothing is ordered by score, so none is computed.
        Ok(Box::new(ConstScoreQuery::new(query, 1.0)))
    }

    fn text_query(&self, q: &str) -> Result<Box<dyn Query>, SearchError> {
        let exact = term(self.fields.name, &name_key(q));
        let mut words: Vec<Box<dyn Query>> = Vec::new();
        let mut analyzer = words_tokenizer();
        let mut tokens = analyzer.token_stream(q);
        while let Some(token) = tokens.next() {
            if words.len() == WORDS_MAX {
                let error = format!("q must have at most {WORDS_MAX} words");
                return Err(SearchError::Parameter { field: "q", error });
            }
            words.push(term(self.fields.words, &token.text));
        }
        if words.is_empty() {
            return Ok(exact);
        }
        let words: Box<dyn Query> = Box::new(BooleanQuery::intersection(words));
        Ok(Box::new(BooleanQuery::union(vec![exact, words])))
    }

    /// How many documents can be searched, and how many different names they have. Exact: the
    /// sorted lists of names of all segments are walked through side by side.
    pub(crate) fn distinct_names(&self) -> Result<(u64, u64), SearchError> {
        let searcher = self.reader.searcher();
        let mut readers = Vec::new();
        for segment in searcher.segment_readers() {
            readers.push(segment.inverted_index(self.fields.name)?);
        }
        if let [only] = readers.as_slice() {
            return Ok((searcher.num_docs(), only.terms().num_terms() as u64));
        }
        let mut streams = Vec::new();
        for reader in &readers {
            streams.push(reader.terms().stream()?);
        }
        let mut merged = TermMerger::new(streams);
        let mut names = 0;
        while merged.advance() {
            names += 1;
        }
        Ok((searcher.num_docs(), names))
    }
}

fn term(field: Field, text: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
}
