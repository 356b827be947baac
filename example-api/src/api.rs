//! Routes and answers. What is wrong with a request is answered here, without a worker.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::connection::Visit;
use crate::document::{self, Refusal};
use crate::fault::answers::{body, instead_of_work};
use crate::openapi;
use crate::pool::{Job, Queue};
use crate::query;
use crate::worker::{Shared, Work, Worker};

/// Largest body that is read; a larger one is answered 413.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How much of a body that is too large is read and thrown away, so that its sender comes to read
/// the answer instead of finding the connection reset.
const DISCARD_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The way to the workers.
#[derive(Debug, Clone)]
pub(crate) enum Front {
    /// By a queue, to whichever of its workers is free first.
    Pool {
        /// The queue for documents.
        indexing: Arc<Queue>,
        /// The queue for queries; the same one unless queries have workers of their own.
        queries: Arc<Queue>,
    },
    /// The worker that accepted the connection. Never contended: it serves one at a time.
    Prefork(Arc<Mutex<Worker>>),
}

/// What the routes need.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    /// Clock, settings and counters.
    pub(crate) shared: Arc<Shared>,
    /// The way to the workers.
    pub(crate) front: Front,
}

/// The routes of the server.
pub(crate) fn router(api: Api) -> Router {
    Router::new()
        .route("/api/index", post(index))
        .route("/api/query/dashboard", get(dashboard))
        .route("/api/query/count", get(query::count))
        .route("/api/query/search", get(query::search))
        .route("/metrics", get(metrics))
        .merge(openapi::pages())
        .fallback(async || complaint(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            complaint(StatusCode::METHOD_NOT_ALLOWED, "this path does not know the method")
        })
        .with_state(api)
}

async fn index(State(api): State<Api>, request: Request) -> Response {
    let visit = visit_of(&request);
    let body = match read_body(request.into_body()).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let arrived_ns = api.shared.clock.now_ns();
    match document::parse(&body) {
        Ok(document) => serve(&api, Work::Index(document), visit.as_ref(), arrived_ns).await,
        Err(Refusal::Malformed(error)) => complaint(StatusCode::BAD_REQUEST, &error),
        Err(Refusal::Field { field, error }) => {
            let answer = json!({"error": error, "field": field});
            respond(StatusCode::UNPROCESSABLE_ENTITY, &answer)
        }
    }
}

async fn dashboard(State(api): State<Api>, request: Request) -> Response {
    let arrived_ns = api.shared.clock.now_ns();
    serve(&api, Work::Dashboard, visit_of(&request).as_ref(), arrived_ns).await
}

/// The counters. No service time is spent and no request counted, so looking does not change them:
/// in the pool the front answers, pre-forked the worker that happened to accept the connection.
async fn metrics(State(api): State<Api>, request: Request) -> Response {
    if let Some(visit) = visit_of(&request) {
        visit.mark_scrape();
    }
    let page = if let Some(store) = &api.shared.store {
        api.shared.metrics.render(store.accepted(), Some(&store.figures()))
    } else {
        let catalogue = api.shared.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        api.shared.metrics.render(catalogue.documents(), None)
    };
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer(StatusCode::OK, (CONTENT_TYPE, text), Body::from(page + &api.shared.faults.render()))
}

/// The connection that a request came on.
pub(crate) fn visit_of(request: &Request) -> Option<Arc<Visit>> {
    request.extensions().get::<Arc<Visit>>().map(Arc::clone)
}

/// Has a worker serve the request, and records how long the answer took.
pub(crate) async fn serve(
    api: &Api,
    work: Work,
    visit: Option<&Arc<Visit>>,
    arrived_ns: u64,
) -> Response {
    let known = visit.map(Arc::as_ref);
    if let Some(answer) = instead_of_work(&api.shared, known, arrived_ns) {
        return answer;
    }
    let endpoint = work.endpoint();
    let (reply, arrived_ns) = match &api.front {
        Front::Pool { indexing, queries } => {
            let queue = if matches!(work, Work::Index(_)) { indexing } else { queries };
            let (sender, receiver) = oneshot::channel();
            if queue.push(Job { work, arrived_ns, answer: sender }).is_err() {
                return refuse(api);
            }
            let Ok(reply) = receiver.await else {
                return complaint(StatusCode::SERVICE_UNAVAILABLE, "the server is ending");
            };
            (reply, arrived_ns)
        }
        Front::Prefork(worker) => {
            let startable_ns = known.map_or(arrived_ns, Visit::startable_ns);
            let accepted_ns = known.map_or(arrived_ns, |visit| visit.accepted_ns);
            // Blocks this worker's thread on purpose: it has nothing else to do until the answer.
            let mut worker = worker.lock().unwrap_or_else(PoisonError::into_inner);
            (worker.serve(work, startable_ns), accepted_ns)
        }
    };
    let response_ns = api.shared.clock.now_ns().saturating_sub(arrived_ns);
    api.shared.metrics.answered(endpoint, response_ns);
    answer(reply.status, (CONTENT_TYPE, JSON), body(&api.shared, visit, reply.text))
}

fn refuse(api: &Api) -> Response {
    api.shared.metrics.refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut response = complaint(StatusCode::TOO_MANY_REQUESTS, "the queue is full");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Reads a body of at most [`BODY_BYTES_MAX`]; never holds more than that in memory.
async fn read_body(mut body: Body) -> Result<Vec<u8>, Response> {
    let mut bytes = Vec::new();
    let mut total_bytes = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(complaint(StatusCode::BAD_REQUEST, "the body ended early"));
        };
        let Ok(data) = frame.into_data() else { continue };
        total_bytes = total_bytes.saturating_add(data.len());
        if total_bytes <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&data);
        } else if total_bytes > DISCARD_BYTES_MAX {
            break;
        }
    }
    if total_bytes > BODY_BYTES_MAX {
        let error = format!("the body is larger than {BODY_BYTES_MAX} bytes");
        return Err(complaint(StatusCode::PAYLOAD_TOO_LARGE, &error));
    }
    Ok(bytes)
}

/// An answer that says what is wrong.
pub(crate) fn complaint(status: StatusCode, error: &str) -> Response {
    respond(status, &json!({"error": error}))
}

/// An answer in JSON.
pub(crate) fn respond(status: StatusCode, body: &Value) -> Response {
    answer(status, (CONTENT_TYPE, JSON), Body::from(body.to_string()))
}

fn answer(status: StatusCode, header: (HeaderName, HeaderValue), body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header.0, header.1);
    response
}
