//! The paths of the description: what may be asked, and every answer that may come.

use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder};
use utoipa::openapi::path::{ParameterIn, PathItem, Paths, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    Content, HeaderBuilder, ObjectBuilder, RefOr, Required, Response, ResponseBuilder, Schema, Type,
};

use super::shapes::{named, text, typed, whole};

const JSON: &str = "application/json";

/// Every path.
pub(super) fn all() -> Paths {
    let path = |method, operation: Operation| PathItem::new(method, operation);
    PathsBuilder::new()
        .path("/api/index", path(HttpMethod::Post, index()))
        .path("/api/query/dashboard", path(HttpMethod::Get, dashboard()))
        .path("/api/query/count", path(HttpMethod::Get, count()))
        .path("/api/query/search", path(HttpMethod::Get, search()))
        .path("/metrics", path(HttpMethod::Get, metrics()))
        .build()
}

fn index() -> Operation {
    let body = RequestBodyBuilder::new()
        .description(Some("The document, of at most 1 MiB"))
        .required(Some(Required::True))
        .content(JSON, Content::new(Some(named("Document"))))
        .build();
    let operation = OperationBuilder::new()
        .tag("documents")
        .operation_id(Some("index"))
        .summary(Some("Take in a document"))
        .request_body(Some(body))
        .response("200", answer("The document is taken in", named("Accepted")))
        .response("400", complaint("The body is not JSON"))
        .response("413", complaint("The body is larger than 1 MiB"))
        .response("422", answer("A field is missing or wrong", named("FieldError")));
    of_a_worker(operation).build()
}

fn dashboard() -> Operation {
    let operation = OperationBuilder::new()
        .tag("queries")
        .operation_id(Some("dashboard"))
        .summary(Some("Figures over all documents"))
        .response("200", answer("The figures", named("DashboardAnswer")));
    of_a_worker(operation).build()
}

fn count() -> Operation {
    let distinct =
        typed(Type::Boolean, "Also count the different names").default(Some(false.into()));
    let operation = OperationBuilder::new()
        .tag("queries")
        .operation_id(Some("count"))
        .summary(Some("How many documents can be searched"))
        .parameter(parameter("distinct", distinct))
        .response("200", answer("The number", named("Count")));
    of_a_store(operation).build()
}

fn search() -> Operation {
    let about = "How many of the youngest to leave out; `from` + `size` is at most 10000";
    let from = whole(about).maximum(Some(10_000)).default(Some(0.into()));
    let about = "How many of them to return";
    let size = whole(about).maximum(Some(1000)).default(Some(10.into()));
    let operation = OperationBuilder::new()
        .tag("queries")
        .operation_id(Some("search"))
        .summary(Some("Find documents, the youngest first"))
        .parameter(parameter(
            "q",
            text("Words of name and directory, all of which must occur, or the whole name"),
        ))
        .parameter(parameter("host", text("Exactly this machine")))
        .parameter(parameter("ext", text("Exactly this extension, in lower case")))
        .parameter(parameter("from", from))
        .parameter(parameter("size", size))
        .response("200", answer("Documents that match", named("SearchAnswer")));
    of_a_store(operation).build()
}

fn metrics() -> Operation {
    let page = Content::new(Some(ObjectBuilder::new().schema_type(Type::String)));
    let page = ResponseBuilder::new()
        .description("Counters in the Prometheus text format")
        .content("text/plain", page);
    OperationBuilder::new()
        .tag("server")
        .operation_id(Some("metrics"))
        .summary(Some("The server's own counters"))
        .response("200", page)
        .build()
}

/// Answers of everything that a worker serves.
fn of_a_worker(operation: OperationBuilder) -> OperationBuilder {
    let about = "Seconds until another try makes sense";
    let wait = typed(Type::Integer, about).minimum(Some(1));
    let mut too_many = complaint("The queue is full, or FAULT lets no more through");
    let header = HeaderBuilder::new().schema(Some(wait)).description(Some(about)).build();
    too_many.headers.insert("Retry-After".to_owned(), header.into());
    operation
        .response("429", too_many)
        .response("500", complaint("The server failed, or goes wrong on purpose (FAULT)"))
        .response("503", complaint("The server is ending"))
}

/// Answers of everything that asks for stored documents.
fn of_a_store(operation: OperationBuilder) -> OperationBuilder {
    of_a_worker(operation)
        .response("404", complaint("The engine keeps no documents"))
        .response("422", answer("A parameter is wrong", named("FieldError")))
}

fn parameter(name: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .schema(Some(schema))
        .build()
}

fn answer(about: &str, schema: RefOr<Schema>) -> Response {
    ResponseBuilder::new().description(about).content(JSON, Content::new(Some(schema))).build()
}

fn complaint(about: &str) -> Response {
    answer(about, named("Error"))
}
