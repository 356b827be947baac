//! The example API: `POST /api/index` and `GET /api/query/dashboard`, embedded or as published.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::exchange::{Answer, Question};
use super::holdings::{Count, Holdings};
use super::{PermissionsShape, Profile, Reading, Route, Verb};
use crate::corpus::Corpus;
use crate::trial::Workload;
use crate::trial::outcome::{Break, Ending};

/// What an accepted document is answered with, but for white space around it.
const OK: &[u8] = b"\"OK\"";
/// A page of figures is read so far: it comes from a stranger.
const FIGURES_MOST: usize = 100;
/// Longest name of a figure.
const NAME_BYTES_MOST: usize = 100;
/// Documents of one name that are asked for: more than any fault makes of one.
const NAMES_MOST: u32 = 100;

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
    fn name(&self) -> &'static str {
        "example-api"
    }

    fn route(&self, workload: Workload) -> Route {
        match workload {
            Workload::Index => Route::json(Verb::Post),
            Workload::Dashboard => Route::get(),
        }
    }

    fn write_path(&self, workload: Workload, _numbers: &Range<u64>, out: &mut Vec<u8>) {
        out.extend_from_slice(match workload {
            Workload::Index => b"/api/index",
            Workload::Dashboard => b"/api/query/dashboard",
        });
    }

    fn write_body(&self, _workload: Workload, numbers: &Range<u64>, out: &mut Vec<u8>) {
        for number in numbers.clone() {
            self.corpus.write_json(number, self.shape, out);
        }
    }

    fn classify(&self, workload: Workload, status: u16, body: &[u8], _documents: u64) -> Reading {
        if !(200..300).contains(&status) {
            return Ending::Refused.into();
        }
        let text = body.trim_ascii();
        let expected = match workload {
            Workload::Index => text == OK,
            // The published server misspells its key: any whole object is an answer.
            Workload::Dashboard => {
                text.first() == Some(&b'{') && serde_json::from_slice::<IgnoredAny>(text).is_ok()
            }
        };
        if expected { Ending::Accepted.into() } else { Ending::Broken(Break::WrongBody).into() }
    }

    fn body_bytes_max(&self, workload: Workload) -> usize {
        match workload {
            Workload::Index => 1 << 16,
            Workload::Dashboard => 1 << 24,
        }
    }

    fn expected(&self, workload: Workload) -> String {
        match workload {
            Workload::Index => "200 with \"OK\"".to_owned(),
            Workload::Dashboard => "200 with a JSON object".to_owned(),
        }
    }

    fn accepted_answer(&self, _documents: u64) -> (u16, Vec<u8>) {
        (200, OK.to_vec())
    }
}

/// Only an engine that keeps documents can be asked; the others answer 404, as the published server does.
impl Holdings for ExampleApi {
    fn ask_visible(&self) -> Option<Question> {
        Some(Question::get("/api/query/count"))
    }

    fn read_visible(&self, answer: &Answer) -> Option<u64> {
        answer.json()?.get("documents")?.as_u64()
    }

    fn ask_count(&self) -> Option<Question> {
        Some(Question::get("/api/query/count?distinct=true"))
    }

    fn read_count(&self, answer: &Answer) -> Option<Count> {
        let count = answer.json()?;
        let names = count.get("distinct_names").and_then(Value::as_u64);
        Some(Count { documents: count.get("documents")?.as_u64()?, names })
    }

    fn ask_name(&self, name: &str) -> Option<Question> {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        Some(Question::get(format!("/api/query/search?q={name}&size={NAMES_MOST}")))
    }

    fn read_name(&self, name: &str, answer: &Answer) -> Option<u64> {
        let found = answer.json()?;
        let is_same =
            |document: &&Value| document.get("name").and_then(Value::as_str) == Some(name);
        let same = found.get("documents")?.as_array()?.iter().filter(is_same).count();
        Some(crate::units::usize_to_u64(same))
    }

    fn ask_figures(&self) -> Option<Question> {
        Some(Question::get("/metrics"))
    }

    fn read_figures(&self, answer: &Answer) -> BTreeMap<String, f64> {
        let text = String::from_utf8_lossy(&answer.body);
        let lines =
            text.lines().filter(|line| answer.is_good() && line.starts_with("example_api_"));
        // Only plain series: those with labels would fill the result.
        let pairs =
            lines.filter_map(|line| line.split_once(' ')).filter(|(name, _)| !name.contains('{'));
        let pairs = pairs.filter(|(name, _)| name.len() <= NAME_BYTES_MOST).take(FIGURES_MOST);
        let figures = pairs.filter_map(|(name, value)| {
            let value = value.trim().parse::<f64>().ok().filter(|value| value.is_finite())?;
            Some((name.trim_start_matches("example_api_").to_owned(), value))
        });
        figures.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api() -> ExampleApi {
        let corpus = Corpus::new(&crate::corpus::plan::CorpusPlan::usual(1)).unwrap();
        ExampleApi::new(Arc::new(corpus), PermissionsShape::Object)
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, content_type: None, body: body.as_bytes().to_vec(), took_ms: 1.0 }
    }

    #[test]
    fn only_the_expected_body_of_a_2xx_answer_is_accepted() {
        let api = api();
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
            let reading = api.classify(workload, status, body.as_bytes(), 1);
            assert_eq!(reading, ending.into(), "{status} {body}");
        }
    }

    #[test]
    fn what_it_holds_is_read_and_an_engine_that_keeps_nothing_says_nothing() {
        let api = api();
        let count = answer(200, r#"{"documents": 7, "distinct_names": 6}"#);
        assert_eq!(api.read_count(&count), Some(Count { documents: 7, names: Some(6) }), "both");
        assert_eq!(api.read_visible(&count), Some(7), "the total");
        let none = answer(404, r#"{"error": "this engine keeps no documents"}"#);
        assert_eq!((api.read_count(&none), api.read_visible(&none)), (None, None), "nothing");
        let found = answer(
            200,
            r#"{"total": 3, "documents": [{"name":"a b"}, {"name":"a b c"}, {"name":"a b"}]}"#,
        );
        assert_eq!(api.read_name("a b", &found), Some(2), "the whole name, not a part of it");
        assert_eq!(
            api.ask_name("a b&c").unwrap().path,
            "/api/query/search?q=a%20b%26c&size=100",
            "encoded"
        );
    }

    #[test]
    fn figures_are_the_plain_series_of_its_metrics() {
        let page = "# HELP x\nexample_api_documents_total 12\nexample_api_x{worker=\"0\"} 3\nexample_api_y NaN\n";
        let figures = api().read_figures(&answer(200, page));
        assert_eq!(
            figures.into_iter().collect::<Vec<_>>(),
            [("documents_total".to_owned(), 12.0)],
            "{page}"
        );
    }
}
