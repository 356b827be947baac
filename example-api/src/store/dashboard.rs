//! The dashboard: figures over all searchable documents, computed anew at each request.

use std::sync::PoisonError;

use serde_json::{Value, json};
use tantivy::Order;
use tantivy::aggregation::agg_req::Aggregations;
use tantivy::aggregation::{AggContextParams, AggregationCollector, AggregationLimitsGuard};
use tantivy::collector::TopDocs;
use tantivy::query::AllQuery;

use super::Store;
use super::schema::split_access;
use super::search::SearchError;
use crate::window::WINDOW_S;

/// Hosts, extensions and so on that are shown.
const SHOWN: usize = 10;

/// Entries that are compared for it, so that equal counts are ordered by name.
const COMPARED: usize = 100;

/// Entries that each segment tells; with no more in a column the counts are exact.
const SEGMENT_ENTRIES: usize = 10_000;

/// Memory that one dashboard may take, in bytes.
const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;

const PERCENTILES: [(f64, &str); 3] = [(50.0, "p50"), (90.0, "p90"), (99.0, "p99")];

impl Store {
    /// The figures of the dashboard at `now_ns`.
    pub(crate) fn dashboard(&self, now_ns: u64) -> Result<Value, SearchError> {
        let failed = |error: serde_json::Error| SearchError::Failed(error.to_string());
        let searcher = self.reader.searcher();
        let request: Aggregations = serde_json::from_value(request()).map_err(failed)?;
        let limits = AggregationLimitsGuard::new(Some(MEMORY_BYTES_MAX), None);
        let tokenizers = searcher.index().tokenizers().clone();
        let figures =
            AggregationCollector::from_aggs(request, AggContextParams::new(limits, tokenizers));
        let newest = TopDocs::with_limit(SHOWN).order_by_u64_field("sequence", Order::Desc);
        let (figures, newest) = searcher.search(&AllQuery, &(figures, newest))?;
        let figures = serde_json::to_value(figures).map_err(failed)?;
        let newest = newest.into_iter().map(|(_, address)| {
            let document: Value =
                serde_json::from_str(&self.document(&searcher, address)?).map_err(failed)?;
            let shown = ["name", "directory", "host", "file_size"].into_iter();
            let mut shown: serde_json::Map<String, Value> =
                shown.map(|key| (key.to_owned(), field(&document, key).clone())).collect();
            let segment = searcher.segment_reader(address.segment_ord);
            let accepted = segment.fast_fields().u64("accepted_unix_ms")?.first(address.doc_id);
            shown.insert("accepted_unix_ms".to_owned(), json!(accepted));
            Ok(Value::Object(shown))
        });
        let newest = newest.collect::<Result<Vec<Value>, SearchError>>()?;
        let recent = {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.count(now_ns)
        };
        let principals: Vec<Value> = most_frequent(&figures, "access")
            .into_iter()
            .map(|(entry, documents)| {
                let (principal, access) = split_access(entry);
                json!({"principal": principal, "access": access, "documents": documents})
            })
            .collect();
        Ok(json!({
            "documents": searcher.num_docs(),
            "documents_per_second": recent as f64 / WINDOW_S,
            "hosts": named(&figures, "host"),
            "extensions": named(&figures, "extension"),
            "principals": principals,
            "file_size": {
                "histogram": histogram(&figures),
                "percentiles": percentiles(&figures, searcher.num_docs()),
            },
            "newest": newest,
        }))
    }
}

/// What the index is asked, in the words of Elasticsearch.
fn request() -> Value {
    let terms = |field: &str| json!({"terms": {"field": field, "size": COMPARED, "segment_size": SEGMENT_ENTRIES}});
    // Each range is named by its lower end: 0, then powers of ten.
    let mut ranges = vec![json!({"key": "0", "to": 1})];
    ranges.extend((0..19_u32).map(|power| {
        let from = 10_u64.pow(power);
        match from.checked_mul(10).filter(|to| i64::try_from(*to).is_ok()) {
            Some(to) => json!({"key": from.to_string(), "from": from, "to": to}),
            None => json!({"key": from.to_string(), "from": from}),
        }
    }));
    let percents = PERCENTILES.map(|(percent, _)| percent);
    json!({
        "host": terms("host"),
        "extension": terms("ext"),
        "access": terms("access"),
        "sizes": {"range": {"field": "file_size", "ranges": ranges}},
        "percentiles": {"percentiles": {"field": "file_size", "percents": percents, "keyed": false}},
    })
}

fn field<'a>(tree: &'a Value, key: &str) -> &'a Value {
    tree.get(key).unwrap_or(&Value::Null)
}

fn buckets<'a>(figures: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, u64)> {
    let buckets = field(field(figures, name), "buckets").as_array();
    buckets.into_iter().flatten().filter_map(|bucket| {
        Some((field(bucket, "key").as_str()?, field(bucket, "doc_count").as_u64()?))
    })
}

/// The most frequent entries of a column; by name within equal counts.
fn most_frequent<'a>(figures: &'a Value, name: &str) -> Vec<(&'a str, u64)> {
    let mut entries: Vec<_> = buckets(figures, name).collect();
    entries.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    entries.truncate(SHOWN);
    entries
}

fn named(figures: &Value, name: &str) -> Vec<Value> {
    let entries = most_frequent(figures, name).into_iter();
    entries.map(|(entry, documents)| json!({name: entry, "documents": documents})).collect()
}

/// Sizes by powers of ten, without the empty ranges.
fn histogram(figures: &Value) -> Vec<Value> {
    let mut ranges: Vec<(u64, u64)> = buckets(figures, "sizes")
        .filter(|(_, documents)| *documents > 0)
        .filter_map(|(from, documents)| Some((from.parse().ok()?, documents)))
        .collect();
    ranges.sort_unstable();
    let shown = |(from, documents): (u64, u64)| json!({"from_bytes": from, "documents": documents});
    ranges.into_iter().map(shown).collect()
}

/// Percentiles of the sizes, within 1 %; null where there are no documents.
fn percentiles(figures: &Value, documents: u64) -> Value {
    let values = field(field(figures, "percentiles"), "values").as_array();
    let entries = PERCENTILES.iter().enumerate().map(|(number, (_, name))| {
        let value = values.and_then(|values| values.get(number)).filter(|_| documents > 0);
        let value = value.and_then(|entry| field(entry, "value").as_f64());
        ((*name).to_owned(), value.map_or(Value::Null, |value| json!(value.round())))
    });
    Value::Object(entries.collect())
}
