//! `PROFILE`: how to speak to the target, and the templates of one that is described in the settings file.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::sources::shorten;
use super::target::Target;
use super::values::Values;
use crate::corpus::Corpus;
use crate::profile::example_api::ExampleApi;
use crate::profile::http::template::Template;
use crate::profile::http::{Check, Counting, Endpoint, Http, HttpPlan};
use crate::profile::search_engine::{Kind, SearchEngine};
use crate::profile::{PermissionsShape, Profile, Route, Verb};

/// What stands in the name of a header that holds a secret: it would stand in the result.
const SECRETS: [&str; 6] = ["auth", "cookie", "key", "password", "secret", "token"];
/// Headers that are the tool's own.
const FORBIDDEN_HEADERS: [&str; 5] =
    ["host", "content-length", "content-type", "transfer-encoding", "connection"];

/// How to speak to the target.
#[derive(Debug, Clone, PartialEq)]
pub enum ProfileChoice {
    /// As to the example API.
    ExampleApi,
    /// As to a search engine.
    SearchEngine(Kind),
    /// As the settings file says.
    Http(Arc<HttpPlan>),
}

impl ProfileChoice {
    /// The name in settings and results.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ExampleApi => "example-api",
            Self::SearchEngine(kind) => kind.name(),
            Self::Http(_) => "http",
        }
    }

    /// The shape of `permissions`, where there is nothing to be found out; `given` is what the user asks for.
    #[must_use]
    pub const fn shape(&self, given: Option<PermissionsShape>) -> Option<PermissionsShape> {
        match (self, given) {
            (Self::SearchEngine(_), _) => Some(PermissionsShape::Pairs),
            (Self::Http(_), None) => Some(PermissionsShape::Object),
            (Self::ExampleApi | Self::Http(_), given) => given,
        }
    }

    /// The profile for documents of `corpus`, whose seed is `corpus_seed`.
    #[must_use]
    pub fn profile(
        &self,
        corpus: &Arc<Corpus>,
        corpus_seed: u64,
        batch: u64,
        shape: PermissionsShape,
    ) -> Arc<dyn Profile> {
        let corpus = Arc::clone(corpus);
        match self {
            Self::ExampleApi => Arc::new(ExampleApi::new(corpus, shape)),
            Self::SearchEngine(kind) => {
                Arc::new(SearchEngine::new(*kind, corpus, corpus_seed, batch))
            }
            Self::Http(plan) => Arc::new(Http::new(Arc::clone(plan), corpus, shape)),
        }
    }
}

/// Reads `PROFILE` and what belongs to it; also the documents of one request.
pub(super) fn profile(values: &Values<'_>, target: &Target) -> Result<(ProfileChoice, u64)> {
    let names = ["example-api", "opensearch", "elasticsearch", "http"];
    let name = values.one_of("PROFILE", &names.map(|name| (name, name)))?;
    if name != "example-api" && *target == Target::Embedded {
        bail!(
            "PROFILE={name} needs the address of the service, such as TARGET=http://127.0.0.1:9200"
        );
    }
    let choice = match name {
        "opensearch" => ProfileChoice::SearchEngine(Kind::OpenSearch),
        "elasticsearch" => ProfileChoice::SearchEngine(Kind::Elasticsearch),
        "http" => ProfileChoice::Http(Arc::new(http(values)?)),
        _ => ProfileChoice::ExampleApi,
    };
    let is_search_engine = matches!(choice, ProfileChoice::SearchEngine(_));
    if is_search_engine && values.is_given("PERMISSIONS") {
        bail!("PERMISSIONS cannot be chosen with PROFILE={}; leave it out", choice.name());
    }
    let batch = values.whole("BATCH", 1, 10_000)?;
    if batch > 1 && !is_search_engine {
        bail!("BATCH={batch} needs PROFILE=opensearch or PROFILE=elasticsearch; leave it out");
    }
    Ok((choice, batch))
}

/// The section `[http]` of plimsoll.toml.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpSection {
    index: EndpointSection,
    dashboard: EndpointSection,
    count: Option<CountSection>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EndpointSection {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    content_type: Option<String>,
    body: Option<String>,
    #[serde(default)]
    good: Vec<u16>,
    check: Option<String>,
    equals: Option<Value>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CountSection {
    path: String,
    pointer: String,
}

fn http(values: &Values<'_>) -> Result<HttpPlan> {
    let text = values.text("HTTP").map_or("none", |(text, _)| text);
    if text == "none" {
        bail!(
            "PROFILE=http needs the sections [http.index] and [http.dashboard] in plimsoll.toml; \
             docs/targets.md has examples"
        );
    }
    let section: HttpSection =
        serde_json::from_str(text).map_err(|error| anyhow!("[http] in plimsoll.toml: {error}"))?;
    let count = section.count.map(counting).transpose()?;
    let plan = HttpPlan {
        index: endpoint("http.index", section.index)?,
        dashboard: endpoint("http.dashboard", section.dashboard)?,
        count,
    };
    if !(plan.dashboard.path.is_constant() && plan.dashboard.body.is_constant()) {
        bail!(
            "[http.dashboard] in plimsoll.toml: a query has no document whose fields could be filled in"
        );
    }
    Ok(plan)
}

fn counting(section: CountSection) -> Result<Counting> {
    check_path("http.count", &section.path)?;
    check_pointer("http.count", "pointer", &section.pointer)?;
    Ok(Counting { path: section.path, pointer: section.pointer })
}

fn endpoint(name: &str, section: EndpointSection) -> Result<Endpoint> {
    let wrong = |what: String| anyhow!("[{name}] in plimsoll.toml: {what}");
    let verb = Verb::ALL.into_iter().find(|verb| verb.name() == section.method);
    let verb = verb.ok_or_else(|| {
        let known = Verb::ALL.map(Verb::name).join(", ");
        wrong(format!("method must be one of {known}, not \"{}\"", shorten(&section.method)))
    })?;
    check_path(name, &section.path)?;
    for (header, value) in &section.headers {
        check_header(header, value).map_err(|what| wrong(what.to_string()))?;
    }
    if let Some(bad) = section.good.iter().find(|status| !(200..600).contains(*status)) {
        return Err(wrong(format!("good must be statuses from 200 to 599, not {bad}")));
    }
    if section.equals.is_some() && section.check.is_none() {
        return Err(wrong("equals needs check, the JSON pointer of what must be equal".to_owned()));
    }
    if let Some(pointer) = &section.check {
        check_pointer(name, "check", pointer)?;
    }
    // A GET with a body is legal and useful (searches); any other method has one even if it is empty.
    let has_body = section.body.is_some() || verb != Verb::Get;
    let content_type = section.content_type.unwrap_or_else(|| "application/json".to_owned());
    check_value(&content_type).map_err(|what| wrong(format!("content_type {what}")))?;
    let template = |text: &str| Template::new(text).map_err(|error| wrong(error.to_string()));
    Ok(Endpoint {
        route: Route {
            verb,
            content_type: has_body.then_some(content_type),
            headers: section.headers.into_iter().collect(),
        },
        path: template(&section.path)?,
        body: template(section.body.as_deref().unwrap_or_default())?,
        good: section.good,
        check: section.check.map(|pointer| Check { pointer, equals: section.equals }),
    })
}

fn check_path(name: &str, path: &str) -> Result<()> {
    if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    bail!(
        "[{name}] in plimsoll.toml: path must begin with / and hold no spaces, not \"{}\"; other characters as %XX",
        shorten(path)
    )
}

fn check_pointer(name: &str, key: &str, pointer: &str) -> Result<()> {
    if pointer.starts_with('/') {
        return Ok(());
    }
    bail!(
        "[{name}] in plimsoll.toml: {key} must be a JSON pointer such as /result, not \"{}\"",
        shorten(pointer)
    )
}

fn check_header(name: &str, value: &str) -> Result<()> {
    let is_token = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !is_token {
        bail!("\"{}\" is no name of a header", shorten(name));
    }
    let small = name.to_ascii_lowercase();
    let is_secret = SECRETS.iter().any(|word| small.contains(word));
    if is_secret || FORBIDDEN_HEADERS.contains(&small.as_str()) {
        bail!(
            "the header {name} cannot be set here; credentials come from the environment \
             (PLIMSOLL_BEARER_TOKEN and others), the rest is the tool's own"
        );
    }
    check_value(value).map_err(|what| anyhow!("the header {name} {what}"))
}

fn check_value(value: &str) -> Result<()> {
    if value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Ok(());
    }
    bail!("must be plain ASCII on one line, not \"{}\"", shorten(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(index: &str) -> Result<Endpoint> {
        endpoint(
            "http.index",
            toml::from_str(index).map_err(|error| anyhow!("{}", error.message()))?,
        )
    }

    #[test]
    fn an_endpoint_has_what_was_written_and_sensible_defaults() {
        let put =
            plan("method = \"PUT\"\npath = \"/d/{number}\"\nbody = '{document}'\ngood = [201]")
                .unwrap();
        assert_eq!(put.route, Route::json(Verb::Put), "JSON unless something else is said");
        assert_eq!(put.good, [201], "the only good status");
        let get = plan("method = \"GET\"\npath = \"/q\"").unwrap();
        assert_eq!(get.route, Route::get(), "no body, no type");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        for (text, word) in [
            ("method = \"FETCH\"\npath = \"/\"", "method"),
            ("method = \"GET\"\npath = \"q\"", "path"),
            ("method = \"GET\"\npath = \"/a b\"", "path"),
            ("method = \"GET\"\npath = \"/{nmae}\"", "nmae"),
            ("method = \"GET\"\npath = \"/\"\ngood = [99]", "good"),
            ("method = \"GET\"\npath = \"/\"\nequals = 1", "check"),
            ("method = \"GET\"\npath = \"/\"\ncheck = \"result\"", "check"),
            ("method = \"GET\"\npath = \"/\"\ncolour = 1", "colour"),
            ("method = \"GET\"\npath = \"/\"\nheaders = { Authorization = \"x\" }", "environment"),
            ("method = \"GET\"\npath = \"/\"\nheaders = { X-Api-Key = \"x\" }", "environment"),
            ("method = \"GET\"\npath = \"/\"\nheaders = { \"x y\" = \"x\" }", "x y"),
            ("method = \"GET\"\npath = \"/\"\nheaders = { x = \"a\\r\\nb: c\" }", "one line"),
        ] {
            let error = plan(text).expect_err(text).to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
