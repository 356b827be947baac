//! The example API: `POST /api/index` and `GET /api/query/dashboard`, embedded or as published.

use std::sync::Arc;

use serde::de::IgnoredAny;

use super::{PermissionsShape, Profile, Route, Verb};
use crate::corpus::Corpus;
use crate::trial::Workload;
use crate::trial::outcome::{Break, Ending};

/// What an accepted document is answered with, but for white space around it.
const OK: &[u8] = b"\"OK\"";

/// The profile of the example API.
#[derive(Debug, Clone)]
pub struct ExampleApi {
    corpus: Arc<Corpus>,
    shape: PermissionsShape,
}

impl ExampleApi {
    /// Sends documents of `corpus` with `permissions` in `shape`.
    #[must_use]
    pub const fn new(corpus: Arc<Corpus>, shape: PermissionsShape) -> Self {
        Self { corpus, shape }
    }
}

impl Profile for ExampleApi {
    fn route(&self, workload: Workload) -> Route {
        match workload {
            Workload::Index => Route {
                verb: Verb::Post,
                path: "/api/index",
                content_type: Some("application/json"),
            },
            Workload::Dashboard => {
                Route { verb: Verb::Get, path: "/api/query/dashboard", content_type: None }
            }
        }
    }

    fn write_index_body(&self, number: u64, out: &mut Vec<u8>) {
        self.corpus.write_json(number, self.shape, out);
    }

    fn classify(&self, workload: Workload, status: u16, body: &[u8]) -> Ending {
        if !(200..300).contains(&status) {
            return Ending::Refused;
        }
        let text = body.trim_ascii();
        let expected = match workload {
            Workload::Index => text == OK,
            // The published server misspells its key: any whole object is an answer.
            Workload::Dashboard => {
                text.first() == Some(&b'{') && serde_json::from_slice::<IgnoredAny>(text).is_ok()
            }
        };
        if expected { Ending::Accepted } else { Ending::Broken(Break::WrongBody) }
    }

    fn body_bytes_max(&self, workload: Workload) -> usize {
        match workload {
            Workload::Index => 1 << 16,
            Workload::Dashboard => 1 << 24,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_expected_body_of_a_2xx_answer_is_accepted() {
        let corpus = Corpus::new(&crate::corpus::plan::CorpusPlan::usual(1)).unwrap();
        let api = ExampleApi::new(Arc::new(corpus), PermissionsShape::Object);
        let wrong = Ending::Broken(Break::WrongBody);
        for (workload, status, body, ending) in [
            (Workload::Index, 200, "\"OK\"\n", Ending::Accepted),
            (Workload::Index, 201, "\"OK\"", Ending::Accepted),
            (Workload::Index, 200, "OK", wrong),
            (Workload::Index, 200, "", wrong),
            (Workload::Index, 429, "\"OK\"", Ending::Refused),
            (Workload::Index, 302, "\"OK\"", Ending::Refused),
            (Workload::Dashboard, 200, "{\"dasbhoard\": 1}", Ending::Accepted),
            (Workload::Dashboard, 200, "{\"dashboard\": ", wrong),
            (Workload::Dashboard, 200, "<html>", wrong),
            (Workload::Dashboard, 500, "{}", Ending::Refused),
        ] {
            assert_eq!(api.classify(workload, status, body.as_bytes()), ending, "{status} {body}");
        }
    }
}
