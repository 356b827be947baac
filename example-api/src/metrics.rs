//! The server's own truth, as Prometheus text: what the tool's findings are checked against.
//!
//! `requests_total / busy_seconds_total x workers` is the true capacity, without guessing. Busy
//! seconds are the service times drawn (model) or the wall time spent (other engines); stalls and the
//! replacement of workers are not in them.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::{CreationError, Histogram};

use crate::clock::SECOND_NS;
use crate::store::Figures;

const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];
const MICROSECOND_NS: u64 = 1000;
/// One hour: longer response times are recorded as this.
const RESPONSE_US_MAX: u64 = 3_600_000_000;

/// The kinds of requests that workers serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `POST /api/index`.
    Index,
    /// `GET /api/query/dashboard`.
    Dashboard,
    /// `GET /api/query/search`.
    Search,
    /// `GET /api/query/count` with the number of distinct names.
    Count,
}

impl Endpoint {
    const ALL: [Self; 4] = [Self::Index, Self::Dashboard, Self::Search, Self::Count];

    fn label(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Dashboard => "dashboard",
            Self::Search => "search",
            Self::Count => "count",
        }
    }
}

/// All counters of the server.
#[derive(Debug)]
pub(crate) struct Metrics {
    workers: Vec<WorkerCounters>,
    query_workers: Vec<WorkerCounters>,
    /// By endpoint, in the order of [`Endpoint::ALL`].
    responses: [Mutex<Responses>; 4],
    /// Connections accepted.
    pub(crate) connections_opened: AtomicU64,
    /// Connections closed before they carried a request.
    pub(crate) connections_without_request: AtomicU64,
    /// Requests answered 429 because the queue was full.
    pub(crate) refused: AtomicU64,
}

#[derive(Debug, Default)]
struct WorkerCounters {
    busy_ns: AtomicU64,
    requests: AtomicU64,
}

#[derive(Debug)]
struct Responses {
    histogram: Histogram<u64>,
    sum_ns: u64,
}

impl Metrics {
    /// Counters at zero for `workers` workers and further `query_workers` for queries alone.
    pub(crate) fn new(workers: usize, query_workers: usize) -> Result<Self, CreationError> {
        let responses = || Responses::new().map(Mutex::new);
        Ok(Self {
            workers: (0..workers).map(|_| WorkerCounters::default()).collect(),
            query_workers: (0..query_workers).map(|_| WorkerCounters::default()).collect(),
            responses: [responses()?, responses()?, responses()?, responses()?],
            connections_opened: AtomicU64::new(0),
            connections_without_request: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// Counts one request that `worker` served in `busy_ns`; those for queries alone have the
    /// numbers behind the others.
    pub(crate) fn served(&self, worker: usize, busy_ns: u64) {
        if let Some(counters) = self.workers.iter().chain(&self.query_workers).nth(worker) {
            counters.busy_ns.fetch_add(busy_ns, Ordering::Relaxed);
            counters.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records the time from a request's arrival to its answer.
    pub(crate) fn answered(&self, endpoint: Endpoint, response_ns: u64) {
        let own = Endpoint::ALL.into_iter().zip(&self.responses).find(|(own, _)| *own == endpoint);
        let Some((_, responses)) = own else { return };
        let mut responses = responses.lock().unwrap_or_else(PoisonError::into_inner);
        responses.sum_ns = responses.sum_ns.saturating_add(response_ns);
        let rounded_us = response_ns.saturating_add(MICROSECOND_NS / 2) / MICROSECOND_NS;
        responses.histogram.saturating_record(rounded_us.clamp(1, RESPONSE_US_MAX));
    }

    /// All counters as Prometheus text; `documents` is the number of accepted documents, `store`
    /// the figures of an engine that keeps them.
    pub(crate) fn render(&self, documents: u64, store: Option<&Figures>) -> String {
        let mut page = Page(String::new());
        page.family("example_api_workers", "gauge", "Workers of this server.");
        page.line("example_api_workers", self.workers.len() as f64);
        let help = "Workers for queries alone.";
        page.family("example_api_query_workers", "gauge", help);
        page.line("example_api_query_workers", self.query_workers.len() as f64);
        page.family("example_api_documents_total", "counter", "Documents accepted.");
        page.line("example_api_documents_total", documents as f64);
        self.render_counters(&mut page);
        if let Some(figures) = store {
            render_store(&mut page, figures);
        }
        self.render_workers(&mut page);
        let help = "Time from a request's arrival to its answer.";
        page.family("example_api_request_seconds", "summary", help);
        for (endpoint, responses) in Endpoint::ALL.into_iter().zip(&self.responses) {
            render_responses(&mut page, responses, endpoint.label());
        }
        page.0
    }

    fn render_workers(&self, page: &mut Page) {
        let labelled = || {
            let numbered = self.workers.iter().enumerate();
            let for_queries = self.query_workers.iter().enumerate();
            numbered
                .map(|(number, worker)| (number.to_string(), worker))
                .chain(for_queries.map(|(number, worker)| (format!("query-{number}"), worker)))
        };
        let busy = "example_api_worker_busy_seconds_total";
        page.family(busy, "counter", "Service time spent, by worker.");
        for (label, worker) in labelled() {
            let busy_s = seconds(worker.busy_ns.load(Ordering::Relaxed));
            page.line(&format!("{busy}{{worker=\"{label}\"}}"), busy_s);
        }
        let requests = "example_api_worker_requests_total";
        page.family(requests, "counter", "Requests served, by worker.");
        for (label, worker) in labelled() {
            let served = worker.requests.load(Ordering::Relaxed);
            page.line(&format!("{requests}{{worker=\"{label}\"}}"), served as f64);
        }
    }

    fn render_counters(&self, page: &mut Page) {
        let counters = [
            (
                "example_api_refused_total",
                "Requests answered 429: the queue was full.",
                &self.refused,
            ),
            (
                "example_api_connections_opened_total",
                "Connections accepted.",
                &self.connections_opened,
            ),
            (
                "example_api_connections_without_request_total",
                "Connections closed before they carried a request.",
                &self.connections_without_request,
            ),
        ];
        for (name, help, counter) in counters {
            page.family(name, "counter", help);
            page.line(name, counter.load(Ordering::Relaxed) as f64);
        }
    }
}

impl Responses {
    fn new() -> Result<Self, CreationError> {
        Ok(Self { histogram: Histogram::new_with_bounds(1, RESPONSE_US_MAX, 3)?, sum_ns: 0 })
    }
}

fn render_responses(page: &mut Page, responses: &Mutex<Responses>, label: &str) {
    let name = "example_api_request_seconds";
    let responses = responses.lock().unwrap_or_else(PoisonError::into_inner);
    for quantile in QUANTILES {
        // No samples, no quantile: Prometheus writes that as NaN.
        let value_s = if responses.histogram.is_empty() {
            f64::NAN
        } else {
            seconds(responses.histogram.value_at_quantile(quantile) * MICROSECOND_NS)
        };
        let labels = format!("endpoint=\"{label}\",quantile=\"{quantile}\"");
        page.line(&format!("{name}{{{labels}}}"), value_s);
    }
    page.line(&format!("{name}_sum{{endpoint=\"{label}\"}}"), seconds(responses.sum_ns));
    let count = responses.histogram.len() as f64;
    page.line(&format!("{name}_count{{endpoint=\"{label}\"}}"), count);
}

fn render_store(page: &mut Page, figures: &Figures) {
    for (name, kind, help, value) in [
        (
            "example_api_searchable_documents",
            "gauge",
            "Documents that can be searched, those of earlier runs included.",
            figures.searchable_documents,
        ),
        (
            "example_api_pending_documents",
            "gauge",
            "Documents in the log that cannot be searched yet.",
            figures.pending_documents,
        ),
        (
            "example_api_segments",
            "gauge",
            "Segments of the index that a search looks at.",
            figures.segments,
        ),
        (
            "example_api_refreshes_total",
            "counter",
            "Refreshes: documents became searchable.",
            figures.refreshes,
        ),
        (
            "example_api_log_syncs_total",
            "counter",
            "Syncs of the log; one may carry many documents.",
            figures.log_syncs,
        ),
        ("example_api_log_bytes_total", "counter", "Bytes written to the log.", figures.log_bytes),
    ] {
        page.family(name, kind, help);
        page.line(name, value as f64);
    }
}

/// A page in the Prometheus text format.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn line(&mut self, series: &str, value: f64) {
        self.write(format_args!("{series} {value}\n"));
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(text);
    }
}

fn seconds(time_ns: u64) -> f64 {
    time_ns as f64 / SECOND_NS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_requests_has_no_quantiles() {
        let page = Metrics::new(1, 0).expect("metrics").render(0, None);
        let line = "example_api_request_seconds{endpoint=\"index\",quantile=\"0.5\"} NaN\n";
        assert!(page.contains(line), "{page}");
    }

    #[test]
    fn busy_seconds_and_requests_stand_by_worker() {
        let metrics = Metrics::new(2, 1).expect("metrics");
        metrics.served(1, SECOND_NS / 2);
        metrics.served(1, SECOND_NS);
        metrics.served(2, SECOND_NS / 4);
        metrics.served(7, SECOND_NS);
        let page = metrics.render(3, None);
        assert!(page.contains("busy_seconds_total{worker=\"0\"} 0\n"), "{page}");
        assert!(page.contains("busy_seconds_total{worker=\"1\"} 1.5\n"), "{page}");
        assert!(page.contains("busy_seconds_total{worker=\"query-0\"} 0.25\n"), "{page}");
        assert!(page.contains("requests_total{worker=\"1\"} 2\n"), "{page}");
        assert!(page.contains("example_api_documents_total 3\n"), "{page}");
    }

    #[test]
    fn a_response_longer_than_the_histogram_is_counted() {
        let metrics = Metrics::new(1, 0).expect("metrics");
        metrics.answered(Endpoint::Dashboard, u64::MAX);
        metrics.answered(Endpoint::Dashboard, 0);
        let page = metrics.render(0, None);
        assert!(page.contains("seconds_count{endpoint=\"dashboard\"} 2\n"), "{page}");
    }
}
