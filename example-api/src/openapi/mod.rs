//! The description of the interface (`OpenAPI` 3.1) and the page that shows it (Swagger UI).
//!
//! The description is written here and not derived from the handlers, because these read bodies by
//! hand and have no types that say what is allowed; a test puts the server to it instead. The page
//! is served from the program itself, asks no other host for anything, and its content policy has
//! the browser see to that. No worker spends time on either.

mod paths;
mod shapes;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::{complaint, visit_of};

const DOCUMENT_PATH: &str = "/api-docs/openapi.json";

const ABOUT: &str = "A document API with a known capacity: the system under test of Plimsoll.\n\n\
    Requests that are wrong are answered at once; all others wait for one of a fixed number of \
    workers. A path that does not exist is answered 404, a method that a path does not know 405, \
    both with an `Error`. With `FAULT` the server goes wrong on purpose.";

/// Pages name what they load by paths of this server; styles and pictures are also written into
/// them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     frame-ancestors 'none'",
);

/// The routes of the description and of the page.
pub(crate) fn pages<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // The page would have a service on the internet check the description.
    let config = Config::new([DOCUMENT_PATH]).validator_url("none");
    let page = SwaggerUi::new("/swagger-ui").url(DOCUMENT_PATH, document()).config(config);
    Router::from(page).layer(from_fn(serve))
}

async fn serve(request: Request, next: Next) -> Response {
    if let Some(visit) = visit_of(&request) {
        visit.mark_scrape();
    }
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND {
        response = complaint(StatusCode::NOT_FOUND, "there is nothing at this path");
    }
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The description.
fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("example-api")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT));
    let tag =
        |name, description| TagBuilder::new().name(name).description(Some(description)).build();
    OpenApiBuilder::new()
        .info(info)
        .tags(Some([
            tag("documents", "Documents go in here."),
            tag("queries", "What is known of them."),
            tag("server", "The server's own truth."),
        ]))
        .paths(paths::all())
        .components(Some(shapes::all()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn description() -> Value {
        serde_json::to_value(document()).expect("a description")
    }

    fn references(tree: &Value, found: &mut Vec<String>) {
        match tree {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_to_something() {
        let description = description();
        let mut found = Vec::new();
        references(&description, &mut found);
        assert!(found.len() > 10, "{found:?}");
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }

    #[test]
    fn the_description_is_openapi_3_1_and_has_every_path() {
        let description = description();
        assert_eq!(description["openapi"], "3.1.0", "the version");
        let paths: Vec<&String> =
            description["paths"].as_object().map(|paths| paths.keys().collect()).expect("paths");
        let expected = [
            "/api/index",
            "/api/query/count",
            "/api/query/dashboard",
            "/api/query/search",
            "/metrics",
        ];
        assert_eq!(paths, expected, "every path");
    }

    #[test]
    fn every_429_says_when_to_come_back() {
        let description = description();
        for path in ["/paths/~1api~1index/post", "/paths/~1api~1query~1dashboard/get"] {
            let header = format!("{path}/responses/429/headers/Retry-After/schema/type");
            assert_eq!(description.pointer(&header), Some(&json!("integer")), "{path}");
        }
    }

    #[test]
    fn the_example_of_a_document_is_one() {
        let description = description();
        let example = &description["components"]["schemas"]["Document"]["examples"][0];
        assert!(crate::document::parse(example.to_string().as_bytes()).is_ok(), "{example}");
    }
}
