//! How a document travels: the request line, the lines of the head, what stands around the document.

use super::{Sending, draft::Draft};
use crate::profile::{PermissionsShape, Profile, Route};

/// The form in which a target takes documents.
#[derive(Debug, Clone)]
pub struct Form {
    /// Method and content type of an index request.
    pub route: Route,
    /// Its path.
    pub path: String,
    /// The value of the `Host` header.
    pub host: String,
    /// The shape of `permissions` that the target takes.
    pub shape: PermissionsShape,
    /// What stands before a document in a body, such as the action line of a bulk request.
    pub before: Vec<u8>,
    /// What stands behind it.
    pub behind: Vec<u8>,
}

impl Form {
    /// The form of `profile`'s index requests, whose body is the document alone.
    #[must_use]
    pub fn of(profile: &dyn Profile, host: &str, shape: PermissionsShape) -> Self {
        let (route, path) = profile.nameless();
        Self { route, path, host: host.to_owned(), shape, before: Vec::new(), behind: Vec::new() }
    }

    /// The draft of the document in a good body.
    #[must_use]
    pub fn draft(&self, body: &[u8]) -> Draft {
        let inner = body.strip_prefix(self.before.as_slice()).unwrap_or(body);
        Draft::of(inner.strip_suffix(self.behind.as_slice()).unwrap_or(inner))
    }

    /// The body that carries `document`.
    #[must_use]
    pub fn body(&self, document: &[u8]) -> Vec<u8> {
        [&self.before, document, &self.behind].concat()
    }

    /// A head with these lines besides the request line and the host's.
    #[must_use]
    pub fn head(&self, lines: &[&str]) -> Vec<u8> {
        self.head_of(self.route.verb.name(), "HTTP/1.1", lines)
    }

    /// A head with another method or version.
    #[must_use]
    pub fn head_of(&self, method: &str, version: &str, lines: &[&str]) -> Vec<u8> {
        let mut head = format!("{method} {} {version}\r\nhost: {}\r\n", self.path, self.host);
        for line in lines {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// The line that names the content type.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!(
            "content-type: {}",
            self.route.content_type.as_deref().unwrap_or("application/json")
        )
    }

    /// The request that inserts `document`, as good as it can be.
    #[must_use]
    pub fn request(&self, document: &[u8]) -> Sending {
        let body = self.body(document);
        let length = format!("content-length: {}", body.len());
        let head = self.head(&[&self.content_type(), &length]);
        Sending::whole([head, body].concat())
    }
}
