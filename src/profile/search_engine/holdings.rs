//! What a search engine can be asked of what it holds, and of itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::requests::{FIGURES, MAPPING};
use super::{SearchEngine, path};
use crate::profile::Verb;
use crate::profile::exchange::{Answer, Question, shown};
use crate::profile::holdings::{Holdings, Page, Step};

/// Names of one page: as many as an engine gives at once.
const PAGE_NAMES: u64 = 10_000;

/// A figure of the nodes: its name, and where it stands in a node's statistics. What ends in `_total` only grows.
const NODE_FIGURES: &[(&str, &str)] = &[
    ("write_active", "/thread_pool/write/active"),
    ("write_queue", "/thread_pool/write/queue"),
    ("write_rejected_total", "/thread_pool/write/rejected"),
    ("write_completed_total", "/thread_pool/write/completed"),
    ("search_active", "/thread_pool/search/active"),
    ("search_queue", "/thread_pool/search/queue"),
    ("search_rejected_total", "/thread_pool/search/rejected"),
    ("search_completed_total", "/thread_pool/search/completed"),
    ("indexing_pressure_bytes", "/indexing_pressure/memory/current/all_in_bytes"),
    (
        "indexing_pressure_rejections_total",
        "/indexing_pressure/memory/total/coordinating_rejections",
    ),
    (
        "indexing_pressure_primary_rejections_total",
        "/indexing_pressure/memory/total/primary_rejections",
    ),
    ("heap_used_bytes", "/jvm/mem/heap_used_in_bytes"),
    ("gc_young_total", "/jvm/gc/collectors/young/collection_count"),
    ("gc_young_ms_total", "/jvm/gc/collectors/young/collection_time_in_millis"),
    ("gc_old_total", "/jvm/gc/collectors/old/collection_count"),
    ("gc_old_ms_total", "/jvm/gc/collectors/old/collection_time_in_millis"),
    ("cpu_percent", "/os/cpu/percent"),
    ("process_cpu_ms_total", "/process/cpu/total_in_millis"),
    ("indexed_total", "/indices/indexing/index_total"),
    ("index_ms_total", "/indices/indexing/index_time_in_millis"),
    ("refresh_total", "/indices/refresh/total"),
    ("refresh_ms_total", "/indices/refresh/total_time_in_millis"),
    ("merge_total", "/indices/merges/total"),
    ("merge_ms_total", "/indices/merges/total_time_in_millis"),
    ("flush_total", "/indices/flush/total"),
    ("translog_bytes", "/indices/translog/size_in_bytes"),
];

impl Holdings for SearchEngine {
    fn preparation(&self) -> Vec<Step> {
        let question = Question::json(Verb::Put, path(""), MAPPING.as_bytes().to_vec());
        vec![Step { question, or_else: Some((400, "resource_already_exists_exception")) }]
    }

    fn ask_server(&self) -> Option<Question> {
        Some(Question::get("/_nodes/_local?filter_path=nodes.*.version"))
    }

    fn read_server(&self, answer: &Answer) -> Option<String> {
        let page = answer.json()?;
        let node = page.get("nodes")?.as_object()?.values().next()?;
        Some(format!("{} {}", self.kind.name(), shown(node.get("version")?.as_str()?, 40)))
    }

    fn ask_refresh(&self) -> Option<Question> {
        Some(Question::json(Verb::Post, path("/_refresh"), Vec::new()))
    }

    fn ask_visible(&self) -> Option<Question> {
        Some(Question::get(path("/_count")))
    }

    fn read_visible(&self, answer: &Answer) -> Option<u64> {
        answer.json()?.get("count")?.as_u64()
    }

    fn ask_names(&self, after: Option<&str>) -> Option<Question> {
        let mut composite =
            json!({"size": PAGE_NAMES, "sources": [{"name": {"terms": {"field": "name"}}}]});
        if let (Some(after), Some(fields)) = (after, composite.as_object_mut()) {
            fields.insert("after".to_owned(), json!({"name": after}));
        }
        let body = json!({"size": 0, "aggs": {"names": {"composite": composite}}});
        let path = path("/_search?request_cache=false");
        Some(Question::json(Verb::Post, path, body.to_string().into_bytes()))
    }

    fn read_names(&self, answer: &Answer) -> Option<Page> {
        let found = answer.json()?;
        let names = found.pointer("/aggregations/names")?;
        let buckets = names.get("buckets")?.as_array()?.iter().map(|bucket| {
            let name = bucket.pointer("/key/name")?.as_str()?;
            Some((name.to_owned(), bucket.get("doc_count")?.as_u64()?))
        });
        let next = names.pointer("/after_key/name").and_then(Value::as_str).map(str::to_owned);
        Some(Page { names: buckets.collect::<Option<_>>()?, next })
    }

    fn ask_name(&self, name: &str) -> Option<Question> {
        let body = json!({"size": 0, "track_total_hits": true, "query": {"term": {"name": name}}});
        let path = path("/_search?request_cache=false");
        Some(Question::json(Verb::Post, path, body.to_string().into_bytes()))
    }

    fn read_name(&self, _name: &str, answer: &Answer) -> Option<u64> {
        answer.json()?.pointer("/hits/total/value")?.as_u64()
    }

    fn ask_figures(&self) -> Option<Question> {
        Some(Question::get(FIGURES))
    }

    fn read_figures(&self, answer: &Answer) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        let page = answer.json().unwrap_or_default();
        for node in page
            .get("nodes")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|nodes| nodes.values())
        {
            for (name, pointer) in NODE_FIGURES {
                if let Some(value) = node.pointer(pointer).and_then(Value::as_f64) {
                    *figures.entry((*name).to_owned()).or_default() += value;
                }
            }
            let breakers = node.get("breakers").and_then(Value::as_object);
            let tripped: f64 = breakers
                .into_iter()
                .flat_map(|breakers| breakers.values())
                .filter_map(|breaker| breaker.get("tripped")?.as_f64())
                .sum();
            *figures.entry("breakers_tripped_total".to_owned()).or_default() += tripped;
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;
    use crate::corpus::plan::CorpusPlan;
    use crate::profile::search_engine::Kind;
    use std::sync::Arc;

    fn engine() -> SearchEngine {
        let corpus = Corpus::new(&CorpusPlan::usual(1)).unwrap();
        SearchEngine::new(Kind::Elasticsearch, Arc::new(corpus), 1, 1)
    }

    fn answer(body: &Value) -> Answer {
        Answer {
            status: 200,
            content_type: None,
            body: body.to_string().into_bytes(),
            took_ms: 1.0,
        }
    }

    #[test]
    fn a_server_is_known_by_its_version() {
        let node = json!({"nodes": {"x": {"version": "9.2.0"}}});
        assert_eq!(engine().read_server(&answer(&node)).as_deref(), Some("elasticsearch 9.2.0"));
        assert_eq!(engine().read_server(&answer(&json!({}))), None, "something else");
    }

    #[test]
    fn names_come_page_by_page() {
        let page = json!({"aggregations": {"names": {
            "after_key": {"name": "b"},
            "buckets": [{"key": {"name": "a"}, "doc_count": 2}, {"key": {"name": "b"}, "doc_count": 1}],
        }}});
        let page = engine().read_names(&answer(&page)).unwrap();
        assert_eq!(page.names, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        assert_eq!(page.next.as_deref(), Some("b"), "where the next one begins");
        let last = json!({"aggregations": {"names": {"buckets": []}}});
        assert_eq!(
            engine().read_names(&answer(&last)),
            Some(Page::default()),
            "nothing behind the last"
        );
    }

    #[test]
    fn figures_of_all_nodes_are_added_up() {
        let node = |rejected: u64| {
            json!({
                "thread_pool": {"write": {"queue": 3, "rejected": rejected}},
                "breakers": {"parent": {"tripped": 1}, "request": {"tripped": 2}},
            })
        };
        let figures =
            engine().read_figures(&answer(&json!({"nodes": {"x": node(5), "y": node(7)}})));
        let figure = |name: &str| figures.get(name).copied();
        assert_eq!(figure("write_rejected_total"), Some(12.0), "{figures:?}");
        assert_eq!(figure("breakers_tripped_total"), Some(6.0), "{figures:?}");
        assert_eq!(figure("heap_used_bytes"), None, "what is not told is left out");
    }
}
