//! What the server remembers of accepted documents: counters, and no document.
//!
//! Memory stays bounded whatever is sent: at most [`HOSTS_MAX`] host names have a counter of their
//! own, further ones share one, and of a host name only a bounded length is kept.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::document::{Document, Right};
use crate::window::{WINDOW_S, Window};

const HOSTS_MAX: usize = 1000;
/// Longest host name that is kept, in characters; the rest of a longer one is dropped.
const HOST_CHARS_MAX: usize = 200;
const HOSTS_SHOWN: usize = 10;

/// Counters over all accepted documents.
#[derive(Debug)]
pub(crate) struct Catalogue {
    documents: u64,
    file_bytes: u64,
    readers: u64,
    writers: u64,
    recent: Window,
    by_host: HashMap<String, u64>,
    other_hosts: u64,
}

impl Catalogue {
    /// A catalogue of no documents.
    pub(crate) fn new() -> Self {
        Self {
            documents: 0,
            file_bytes: 0,
            readers: 0,
            writers: 0,
            recent: Window::new(),
            by_host: HashMap::new(),
            other_hosts: 0,
        }
    }

    /// Counts a document that was accepted at `at_ns`.
    pub(crate) fn accept(&mut self, document: &Document, at_ns: u64) {
        self.documents += 1;
        // Sizes come from outside: two files of 2^64 - 1 bytes must not end the server.
        self.file_bytes = self.file_bytes.saturating_add(document.file_size);
        self.readers = self.readers.saturating_add(document.count(Right::Read));
        self.writers = self.writers.saturating_add(document.count(Right::ReadWrite));
        self.recent.add(at_ns);
        let end = document.host.char_indices().nth(HOST_CHARS_MAX);
        let kept = end.map_or(document.host.len(), |(at, _)| at);
        let host = document.host.get(..kept).unwrap_or_default();
        if let Some(count) = self.by_host.get_mut(host) {
            *count += 1;
        } else if self.by_host.len() < HOSTS_MAX {
            self.by_host.insert(host.to_owned(), 1);
        } else {
            self.other_hosts += 1;
        }
    }

    /// Documents accepted since the start of the server.
    pub(crate) fn documents(&self) -> u64 {
        self.documents
    }

    /// The figures of the dashboard at `now_ns`.
    pub(crate) fn dashboard(&mut self, now_ns: u64) -> Value {
        let mut hosts: Vec<_> = self.by_host.iter().collect();
        // By name within equal counts, so that the same state always gives the same answer.
        hosts.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let top: Vec<Value> = hosts
            .iter()
            .take(HOSTS_SHOWN)
            .map(|(host, documents)| json!({"host": host, "documents": documents}))
            .collect();
        json!({
            "documents": self.documents,
            "documents_per_second": self.recent.count(now_ns) as f64 / WINDOW_S,
            "file_bytes": self.file_bytes,
            "permissions": {"READ": self.readers, "READ_WRITE": self.writers},
            "hosts": top,
            "hosts_counted": self.by_host.len(),
            "documents_of_further_hosts": self.other_hosts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;

    fn document(host: &str) -> Document {
        Document {
            name: String::new(),
            directory: String::new(),
            host: host.to_owned(),
            file_size: u64::MAX,
            permissions: vec![("a".to_owned(), Right::Read), ("b".to_owned(), Right::ReadWrite)],
        }
    }

    #[test]
    fn the_host_with_most_documents_comes_first() {
        let mut catalogue = Catalogue::new();
        for host in ["b", "a", "b", "c"] {
            catalogue.accept(&document(host), SECOND_NS);
        }
        let dashboard = catalogue.dashboard(SECOND_NS);
        assert_eq!(dashboard["documents"], 4, "all documents");
        assert_eq!(dashboard["documents_per_second"], 0.8, "four in five seconds");
        assert_eq!(dashboard["hosts"][0], json!({"host": "b", "documents": 2}), "the busiest");
        assert_eq!(dashboard["hosts"][1]["host"], "a", "then by name");
    }

    #[test]
    fn a_long_host_name_is_cut() {
        let mut catalogue = Catalogue::new();
        catalogue.accept(&document(&"ä".repeat(100_000)), 0);
        let kept = catalogue.by_host.keys().next().expect("a host");
        assert_eq!(kept.chars().count(), HOST_CHARS_MAX, "characters kept");
    }

    #[test]
    fn memory_is_bounded_whatever_is_sent() {
        let mut catalogue = Catalogue::new();
        for number in 0..HOSTS_MAX + 500 {
            catalogue.accept(&document(&number.to_string()), 0);
        }
        assert_eq!(catalogue.by_host.len(), HOSTS_MAX, "hosts with a counter of their own");
        assert_eq!(catalogue.other_hosts, 500, "the rest share one");
    }
}
