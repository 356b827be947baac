//! The bytes of a request: everything that stays the same is written once.

use std::io::Write;

use super::{Address, Secret};
use crate::profile::Route;

/// Writes requests of one route.
#[derive(Debug)]
pub struct RequestWriter {
    /// Everything before the body's length.
    head: Vec<u8>,
    has_body: bool,
    body: Vec<u8>,
}

impl RequestWriter {
    /// For `route` of the server at `address`.
    #[must_use]
    pub fn new(route: &Route, address: &Address) -> Self {
        let host = &address.host;
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", route.verb.name(), route.path);
        if let Some(content_type) = route.content_type {
            head.push_str("content-type: ");
            head.push_str(content_type);
            head.push_str("\r\n");
        }
        if let Some(Secret(authorization)) = &address.authorization {
            head.push_str("authorization: ");
            head.push_str(authorization);
            head.push_str("\r\n");
        }
        let has_body = route.content_type.is_some();
        head.push_str(if has_body { "content-length: " } else { "\r\n" });
        Self { head: head.into_bytes(), has_body, body: Vec::new() }
    }

    /// Puts a request into `out`, with the body that `write_body` appends.
    pub fn write(&mut self, out: &mut Vec<u8>, write_body: impl FnOnce(&mut Vec<u8>)) {
        out.clear();
        out.extend_from_slice(&self.head);
        if self.has_body {
            self.body.clear();
            write_body(&mut self.body);
            // Writing to memory does not fail.
            drop(write!(out, "{}\r\n\r\n", self.body.len()));
            out.extend_from_slice(&self.body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Verb;

    #[test]
    fn a_request_has_its_length_and_nothing_of_the_one_before() {
        let route =
            Route { verb: Verb::Post, path: "/api/index", content_type: Some("application/json") };
        let mut address = Address::plain("127.0.0.1:80".parse().unwrap());
        let mut writer = RequestWriter::new(&route, &address);
        let mut out = Vec::new();
        for body in ["{\"n\":1}", "{}"] {
            writer.write(&mut out, |buffer| buffer.extend_from_slice(body.as_bytes()));
            let expected = format!(
                "POST /api/index HTTP/1.1\r\nhost: 127.0.0.1:80\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            assert_eq!(out, expected.as_bytes(), "{body}");
        }
        let query = Route { verb: Verb::Get, path: "/q", content_type: None };
        address.authorization = Some(Secret("Bearer t".to_owned()));
        RequestWriter::new(&query, &address).write(&mut out, |_| {});
        let expected = b"GET /q HTTP/1.1\r\nhost: 127.0.0.1:80\r\nauthorization: Bearer t\r\n\r\n";
        assert_eq!(out, expected, "a query has no body");
        assert!(!format!("{address:?}").contains("Bearer"), "and its secret is not shown");
    }
}
