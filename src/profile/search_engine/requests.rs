//! The index and the dashboard's search, as a search engine is sent them.

/// The index that is made and measured.
pub(super) const INDEX: &str = "plimsoll";

/// One shard without a replica, refreshed every second whether somebody searches or not: the default refreshes only
/// what was searched of late, so that the dashboard's queries would change what indexing costs. No field is made from
/// a key of a document, and one that the mapping does not know is an error.
pub(super) const MAPPING: &str = r#"{
  "settings": {"index": {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "1s"}},
  "mappings": {
    "dynamic": "strict",
    "properties": {
      "name": {"type": "keyword"},
      "directory": {"type": "keyword"},
      "host": {"type": "keyword"},
      "ext": {"type": "keyword"},
      "file_size": {"type": "long"},
      "permissions": {
        "type": "nested",
        "dynamic": "strict",
        "properties": {"principal": {"type": "keyword"}, "access": {"type": "keyword"}}
      }
    }
  }
}"#;

/// What a dashboard shows, over all documents.
pub(super) const DASHBOARD: &str = r#"{"size":0,"track_total_hits":true,"query":{"match_all":{}},"aggs":{
"hosts":{"terms":{"field":"host","size":10}},
"extensions":{"terms":{"field":"ext","size":10}},
"principals":{"nested":{"path":"permissions"},"aggs":{"principal":{"terms":{"field":"permissions.principal","size":10},"aggs":{"access":{"terms":{"field":"permissions.access","size":2}}}}}},
"file_size":{"stats":{"field":"file_size"}},
"file_size_percentiles":{"percentiles":{"field":"file_size","percents":[50,90,99]}},
"file_size_histogram":{"range":{"field":"file_size","ranges":[{"to":1e3},{"from":1e3,"to":1e4},{"from":1e4,"to":1e5},{"from":1e5,"to":1e6},{"from":1e6,"to":1e7},{"from":1e7,"to":1e8},{"from":1e8,"to":1e9},{"from":1e9}]}}
}}"#;

/// The server's own figures: one page, and of it only what is read.
pub(super) const FIGURES: &str = "/_nodes/stats/indices,thread_pool,indexing_pressure,breaker,jvm,os,process?filter_path=nodes.*.indices.refresh,nodes.*.indices.merges,nodes.*.indices.indexing,nodes.*.indices.flush,nodes.*.indices.translog,nodes.*.thread_pool.write,nodes.*.thread_pool.search,nodes.*.indexing_pressure,nodes.*.breakers,nodes.*.jvm.mem,nodes.*.jvm.gc,nodes.*.os.cpu,nodes.*.process";
