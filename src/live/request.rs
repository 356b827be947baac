//! The bytes of a request: everything that stays the same is written once.

use std::io::Write;

use super::{Address, Secret};
use crate::profile::Route;

/// Writes requests of one route.
#[derive(Debug)]
pub struct RequestWriter {
    /// The method, and the space before the path.
    verb: Vec<u8>,
    /// Everything between the path and the body's length.
    head: Vec<u8>,
    has_body: bool,
    body: Vec<u8>,
}

impl RequestWriter {
    /// For `route` of the server at `address`.
    #[must_use]
    pub fn new(route: &Route, address: &Address) -> Self {
        let mut head = String::from(" HTTP/1.1\r\n");
        let mut line = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                head.push_str(part);
            }
        };
        line("host", &address.host);
        if let Some(content_type) = &route.content_type {
            line("content-type", content_type);
        }
        for (name, value) in &route.headers {
            line(name, value);
        }
        if let Some(Secret(authorization)) = &address.authorization {
            line("authorization", authorization);
        }
        let has_body = route.content_type.is_some();
        head.push_str(if has_body { "content-length: " } else { "\r\n" });
        let verb = format!("{} ", route.verb.name()).into_bytes();
        Self { verb, head: head.into_bytes(), has_body, body: Vec::new() }
    }

    /// Puts a request into `out`, with the path that `write_path` appends and the body that `write_body` does.
    pub fn write(
        &mut self,
        out: &mut Vec<u8>,
        write_path: impl FnOnce(&mut Vec<u8>),
        write_body: impl FnOnce(&mut Vec<u8>),
    ) {
        out.clear();
        out.extend_from_slice(&self.verb);
        write_path(out);
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
        let mut route = Route::json(Verb::Post);
        route.headers.push(("x-tenant".to_owned(), "7".to_owned()));
        let mut address = Address::plain("127.0.0.1:80".parse().unwrap());
        let mut writer = RequestWriter::new(&route, &address);
        let mut out = Vec::new();
        for (path, body) in [("/api/index", "{\"n\":1}"), ("/i", "{}")] {
            let put = |text: &'static str| {
                move |out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes())
            };
            writer.write(&mut out, put(path), put(body));
            let expected = format!(
                "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:80\r\ncontent-type: application/json\r\nx-tenant: 7\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            assert_eq!(out, expected.as_bytes(), "{body}");
        }
        address.authorization = Some(Secret("Bearer t".to_owned()));
        let mut query = RequestWriter::new(&Route::get(), &address);
        query.write(&mut out, |path| path.extend_from_slice(b"/q"), |_| {});
        let expected = b"GET /q HTTP/1.1\r\nhost: 127.0.0.1:80\r\nauthorization: Bearer t\r\n\r\n";
        assert_eq!(out, expected, "a query has no body");
        assert!(!format!("{address:?}").contains("Bearer"), "and its secret is not shown");
    }
}
