//! OpenSearch and Elasticsearch: documents one by one under a name of their own, or in bulk; the dashboard as a search
//! with aggregations that nothing caches.
//!
//! Every document is *created* under an id of its own (`_create`), so that the engine itself refuses a second one of
//! the same id with 409. In bulk the status of the whole says nothing: each document has its own in the body.

mod answers;
mod holdings;
mod requests;

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use super::{PermissionsShape, Profile, Reading, Route, Verb};
use crate::corpus::{Corpus, extension_in};
use crate::trial::Workload;
use crate::trial::outcome::Ending;
use requests::{DASHBOARD, INDEX};

/// Which of the two it is; they are spoken to alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// OpenSearch.
    OpenSearch,
    /// Elasticsearch.
    Elasticsearch,
}

impl Kind {
    /// The name in settings and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenSearch => "opensearch",
            Self::Elasticsearch => "elasticsearch",
        }
    }
}

/// The profile of a search engine.
#[derive(Debug, Clone)]
pub struct SearchEngine {
    kind: Kind,
    corpus: Arc<Corpus>,
    /// What the ids of the documents begin with: those of another corpus must not be in their way.
    corpus_seed: u64,
    /// Documents of one request; 1 for single ones.
    batch: u64,
}

impl SearchEngine {
    /// Sends documents of `corpus`, whose seed is `corpus_seed`, `batch` in one request.
    #[must_use]
    pub const fn new(kind: Kind, corpus: Arc<Corpus>, corpus_seed: u64, batch: u64) -> Self {
        Self { kind, corpus, corpus_seed, batch }
    }

    const fn is_bulk(&self) -> bool {
        self.batch > 1
    }

    fn write_id(&self, number: u64, out: &mut Vec<u8>) {
        // Writing to memory does not fail.
        drop(write!(out, "{}-{number}", self.corpus_seed));
    }

    /// Appends a document with its extension as a field of its own, which no engine finds by itself.
    fn write_document(&self, number: u64, out: &mut Vec<u8>) {
        let start = out.len();
        self.corpus.write_json(number, PermissionsShape::Pairs, out);
        let extension = extension_in(out.get(start..).unwrap_or_default());
        out.pop();
        out.extend_from_slice(b",\"ext\":\"");
        out.extend_from_within(start + extension.start..start + extension.end);
        out.extend_from_slice(b"\"}");
    }
}

impl Profile for SearchEngine {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn route(&self, workload: Workload) -> Route {
        match workload {
            Workload::Index if self.is_bulk() => Route {
                content_type: Some("application/x-ndjson".to_owned()),
                ..Route::json(Verb::Post)
            },
            Workload::Index => Route::json(Verb::Put),
            Workload::Dashboard => Route::json(Verb::Post),
        }
    }

    fn write_path(&self, workload: Workload, numbers: &Range<u64>, out: &mut Vec<u8>) {
        match workload {
            Workload::Index if self.is_bulk() => {
                // What each document came to, and nothing else of it.
                out.extend_from_slice(b"/plimsoll/_bulk?filter_path=errors,items.*.status");
            }
            Workload::Index => {
                out.extend_from_slice(b"/plimsoll/_create/");
                self.write_id(numbers.start, out);
                out.extend_from_slice(b"?filter_path=result");
            }
            Workload::Dashboard => {
                out.extend_from_slice(b"/plimsoll/_search?size=0&request_cache=false");
            }
        }
    }

    fn write_body(&self, workload: Workload, numbers: &Range<u64>, out: &mut Vec<u8>) {
        if workload == Workload::Dashboard {
            out.extend_from_slice(DASHBOARD.as_bytes());
            return;
        }
        for number in numbers.clone() {
            if self.is_bulk() {
                out.extend_from_slice(b"{\"create\":{\"_id\":\"");
                self.write_id(number, out);
                out.extend_from_slice(b"\"}}\n");
            }
            self.write_document(number, out);
            if self.is_bulk() {
                out.push(b'\n');
            }
        }
    }

    /// The engine names it.
    fn nameless(&self) -> (Route, String) {
        (Route::json(Verb::Post), path("/_doc?filter_path=result"))
    }

    fn classify(&self, workload: Workload, status: u16, body: &[u8], documents: u64) -> Reading {
        if !(200..300).contains(&status) {
            return Ending::Refused.into();
        }
        match workload {
            Workload::Dashboard => answers::search(body),
            Workload::Index if self.is_bulk() => answers::bulk(body, documents),
            Workload::Index => answers::created(body),
        }
    }

    fn body_bytes_max(&self, workload: Workload) -> usize {
        match workload {
            Workload::Index => 1 << 20,
            Workload::Dashboard => 1 << 24,
        }
    }

    fn expected(&self, workload: Workload) -> String {
        match workload {
            Workload::Index if self.is_bulk() => {
                format!("200 with the status 201 for each of {} documents", self.batch)
            }
            Workload::Index => "201 with \"result\":\"created\"".to_owned(),
            Workload::Dashboard => "200 with the whole answer of every shard".to_owned(),
        }
    }

    fn accepted_answer(&self, documents: u64) -> (u16, Vec<u8>) {
        if !self.is_bulk() {
            return (201, b"{\"result\":\"created\"}".to_vec());
        }
        let items: Vec<&str> = (0..documents).map(|_| "{\"create\":{\"status\":201}}").collect();
        (200, format!("{{\"errors\":false,\"items\":[{}]}}", items.join(",")).into_bytes())
    }
}

/// The path of something in the index.
fn path(rest: &str) -> String {
    format!("/{INDEX}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::plan::CorpusPlan;
    use crate::profile::holdings::Holdings;
    use serde_json::Value;

    fn engine(batch: u64) -> SearchEngine {
        let corpus = Corpus::new(&CorpusPlan::usual(1)).unwrap();
        SearchEngine::new(Kind::OpenSearch, Arc::new(corpus), 1, batch)
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_single_document_is_created_under_its_own_id() {
        let engine = engine(1);
        assert_eq!(
            text(|out| engine.write_path(Workload::Index, &(7..8), out)),
            "/plimsoll/_create/1-7?filter_path=result"
        );
        let body: Value =
            serde_json::from_str(&text(|out| engine.write_body(Workload::Index, &(7..8), out)))
                .unwrap();
        let name = body["name"].as_str().unwrap();
        assert_eq!(body["ext"].as_str(), name.rsplit_once('.').map(|(_, ext)| ext), "{body}");
        let first = &body["permissions"][0];
        assert!(
            first["principal"].is_string() && first["access"].is_string(),
            "no key is a name: {body}"
        );
    }

    #[test]
    fn a_batch_has_two_lines_for_each_document() {
        let engine = engine(3);
        let body = text(|out| engine.write_body(Workload::Index, &(10..13), out));
        let lines: Vec<Value> =
            body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), body.ends_with('\n')), (6, true), "{body}");
        assert_eq!(lines[2]["create"]["_id"], "1-11", "the second one's id");
        assert!(lines[3]["name"].is_string(), "and the document itself");
    }

    #[test]
    fn every_request_body_and_every_question_is_json() {
        let engine = engine(1);
        let dashboard = text(|out| engine.write_body(Workload::Dashboard, &(0..0), out));
        assert!(
            serde_json::from_str::<Value>(&dashboard).unwrap()["aggs"].is_object(),
            "{dashboard}"
        );
        let questions =
            [engine.ask_names(None), engine.ask_names(Some("a \"b\"")), engine.ask_name("a \"b\"")];
        for question in questions
            .into_iter()
            .chain(engine.preparation().into_iter().map(|step| Some(step.question)))
        {
            let body = question.unwrap().body;
            assert!(
                serde_json::from_slice::<Value>(&body).is_ok(),
                "{}",
                String::from_utf8_lossy(&body)
            );
        }
    }

    #[test]
    fn what_a_server_that_does_nothing_answers_is_accepted() {
        for batch in [1, 5] {
            let engine = engine(batch);
            let (status, body) = engine.accepted_answer(batch);
            let reading = engine.classify(Workload::Index, status, &body, batch);
            assert_eq!(reading.ending, Ending::Accepted, "{batch}");
        }
    }
}
