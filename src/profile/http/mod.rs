//! Any HTTP service, described by templates: which requests insert and query, and which answers are good.

pub mod template;

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::exchange::{Answer, Question};
use super::holdings::{Count, Holdings};
use super::{PermissionsShape, Profile, Reading, Route};
use crate::corpus::Corpus;
use crate::trial::Workload;
use crate::trial::outcome::{Break, Ending};
use template::{Place, Template};

/// A body that a check needs is read so far.
const BODY_BYTES_MAX: usize = 1 << 24;

/// One endpoint of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Everything that stays the same.
    pub route: Route,
    /// The path, with a leading slash.
    pub path: Template,
    /// The body; sent where the route has a content type.
    pub body: Template,
    /// Statuses of a good answer; empty: every 2xx.
    pub good: Vec<u16>,
    /// What the body of a good answer must hold.
    pub check: Option<Check>,
}

/// A place in a JSON answer, and what must stand there.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// A JSON pointer (RFC 6901).
    pub pointer: String,
    /// The value; `None`: anything.
    pub equals: Option<Value>,
}

/// Where the number of documents can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counting {
    /// A path that is asked with GET.
    pub path: String,
    /// The place of the number in its JSON answer.
    pub pointer: String,
}

/// A service in templates.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpPlan {
    /// Inserts a document.
    pub index: Endpoint,
    /// The user's query.
    pub dashboard: Endpoint,
    /// How many documents there are; `None` where it cannot be asked.
    pub count: Option<Counting>,
}

/// The profile of a service in templates.
#[derive(Debug, Clone)]
pub struct Http {
    plan: Arc<HttpPlan>,
    corpus: Arc<Corpus>,
    shape: PermissionsShape,
}

impl Http {
    /// Sends documents of `corpus` as `plan` says, with `permissions` in `shape`.
    #[must_use]
    pub const fn new(plan: Arc<HttpPlan>, corpus: Arc<Corpus>, shape: PermissionsShape) -> Self {
        Self { plan, corpus, shape }
    }

    fn endpoint(&self, workload: Workload) -> &Endpoint {
        match workload {
            Workload::Index => &self.plan.index,
            Workload::Dashboard => &self.plan.dashboard,
        }
    }

    fn fill(&self, template: &Template, place: Place, numbers: &Range<u64>, out: &mut Vec<u8>) {
        let mut document = Vec::new();
        if template.needs_document() && !numbers.is_empty() {
            self.corpus.write_json(numbers.start, self.shape, &mut document);
        }
        template.fill(place, numbers.start, &document, out);
    }
}

impl Profile for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn route(&self, workload: Workload) -> Route {
        self.endpoint(workload).route.clone()
    }

    fn write_path(&self, workload: Workload, numbers: &Range<u64>, out: &mut Vec<u8>) {
        self.fill(&self.endpoint(workload).path, Place::Path, numbers, out);
    }

    fn write_body(&self, workload: Workload, numbers: &Range<u64>, out: &mut Vec<u8>) {
        self.fill(&self.endpoint(workload).body, Place::Json, numbers, out);
    }

    fn classify(&self, workload: Workload, status: u16, body: &[u8], _documents: u64) -> Reading {
        let Endpoint { good, check, .. } = self.endpoint(workload);
        let is_good =
            if good.is_empty() { (200..300).contains(&status) } else { good.contains(&status) };
        let Some(check) = check.as_ref().filter(|_| is_good) else {
            return if is_good { Ending::Accepted.into() } else { Ending::Refused.into() };
        };
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let found = answer.pointer(&check.pointer);
        let is_met = match &check.equals {
            Some(wanted) => found == Some(wanted),
            None => found.is_some(),
        };
        if is_met { Ending::Accepted.into() } else { Ending::Broken(Break::WrongBody).into() }
    }

    fn body_bytes_max(&self, _workload: Workload) -> usize {
        BODY_BYTES_MAX
    }

    fn expected(&self, workload: Workload) -> String {
        let Endpoint { good, check, .. } = self.endpoint(workload);
        let statuses: Vec<String> = good.iter().map(u16::to_string).collect();
        let mut text =
            if good.is_empty() { "a status of 2xx".to_owned() } else { statuses.join(" or ") };
        if let Some(Check { pointer, equals }) = check {
            let value = equals.as_ref().map_or_else(|| "a value".to_owned(), Value::to_string);
            text = format!("{text} with {value} at {pointer}");
        }
        text
    }

    fn accepted_answer(&self, _documents: u64) -> (u16, Vec<u8>) {
        let Endpoint { good, check, .. } = self.endpoint(Workload::Index);
        let status = good.first().copied().unwrap_or(200);
        let body = check.as_ref().map_or_else(Value::default, |check| {
            let leaf = check.equals.clone().unwrap_or(Value::Bool(true));
            let steps = check
                .pointer
                .split('/')
                .skip(1)
                .map(|step| step.replace("~1", "/").replace("~0", "~"));
            steps
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .fold(leaf, |inner, step| Value::Object([(step, inner)].into_iter().collect()))
        });
        (status, body.to_string().into_bytes())
    }
}

impl Holdings for Http {
    fn ask_visible(&self) -> Option<Question> {
        Some(Question::get(self.plan.count.as_ref()?.path.clone()))
    }

    fn read_visible(&self, answer: &Answer) -> Option<u64> {
        answer.json()?.pointer(&self.plan.count.as_ref()?.pointer)?.as_u64()
    }

    fn ask_count(&self) -> Option<Question> {
        self.ask_visible()
    }

    fn read_count(&self, answer: &Answer) -> Option<Count> {
        Some(Count { documents: self.read_visible(answer)?, names: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::plan::CorpusPlan;
    use crate::profile::Verb;
    use serde_json::json;

    fn service(good: Vec<u16>, check: Option<Check>) -> Http {
        let index = Endpoint {
            route: Route::json(Verb::Put),
            path: Template::new("/files/{number}/{name}").unwrap(),
            body: Template::new(r#"{"title": {name}, "acl": {permissions}, "whole": {document}}"#)
                .unwrap(),
            good,
            check,
        };
        let dashboard = Endpoint {
            route: Route::get(),
            path: Template::new("/stats").unwrap(),
            body: Template::new("").unwrap(),
            good: Vec::new(),
            check: None,
        };
        let plan = Arc::new(HttpPlan { index, dashboard, count: None });
        let corpus = Corpus::new(&CorpusPlan::usual(1)).unwrap();
        Http::new(plan, Arc::new(corpus), PermissionsShape::Object)
    }

    #[test]
    fn a_template_takes_the_fields_of_the_document_over() {
        let service = service(Vec::new(), None);
        let (mut path, mut body) = (Vec::new(), Vec::new());
        service.write_path(Workload::Index, &(7..8), &mut path);
        service.write_body(Workload::Index, &(7..8), &mut body);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["title"], body["whole"]["name"], "the name: {body}");
        assert_eq!(body["acl"], body["whole"]["permissions"], "the permissions: {body}");
        let path = String::from_utf8(path).unwrap();
        assert!(path.starts_with("/files/7/") && !path.contains([' ', '"']), "encoded: {path}");
    }

    #[test]
    fn an_answer_is_judged_by_its_status_and_the_place_that_is_checked() {
        let check = Check { pointer: "/state/done".to_owned(), equals: Some(json!("yes")) };
        let service = service(vec![202], Some(check));
        let of = |status, body: &str| {
            service.classify(Workload::Index, status, body.as_bytes(), 1).ending
        };
        assert_eq!(of(202, r#"{"state":{"done":"yes"}}"#), Ending::Accepted, "as it should be");
        assert_eq!(
            of(202, r#"{"state":{"done":"no"}}"#),
            Ending::Broken(Break::WrongBody),
            "another value"
        );
        assert_eq!(of(202, "<html>"), Ending::Broken(Break::WrongBody), "no JSON");
        assert_eq!(of(200, r#"{"state":{"done":"yes"}}"#), Ending::Refused, "another status");
        let (status, body) = service.accepted_answer(1);
        assert_eq!(
            of(status, &String::from_utf8(body).unwrap()),
            Ending::Accepted,
            "its own example"
        );
    }
}
