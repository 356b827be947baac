//! The shapes of bodies in the description.

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ComponentsBuilder, SchemaType};
use utoipa::openapi::{
    ArrayBuilder, Components, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type,
};

/// All shapes that have a name.
pub(super) fn all() -> Components {
    ComponentsBuilder::new()
        .schema("Document", document())
        .schema("Right", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(RIGHTS)))
        .schema("Permissions", rights_by_user())
        .schema("Accepted", accepted())
        .schema("DashboardAnswer", dashboard_answer())
        .schema("Dashboard", dashboard())
        .schema("Count", count())
        .schema("SearchAnswer", search_answer())
        .schema("FoundDocument", found_document())
        .schema("Error", error())
        .schema("FieldError", field_error())
        .build()
}

const RIGHTS: [&str; 2] = ["READ", "READ_WRITE"];

/// A reference to the shape of this name.
pub(super) fn named(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

/// A text.
pub(super) fn text(about: &str) -> ObjectBuilder {
    typed(Type::String, about)
}

/// A whole number that is not negative.
pub(super) fn whole(about: &str) -> ObjectBuilder {
    typed(Type::Integer, about).minimum(Some(0))
}

/// A value of a simple type.
pub(super) fn typed(kind: Type, about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(kind)).description(Some(about))
}

fn document() -> ObjectBuilder {
    let lists = rights_by_user().min_properties(Some(1)).max_properties(Some(1));
    let permissions = OneOfBuilder::new()
        .item(named("Permissions"))
        .item(ArrayBuilder::new().items(lists))
        .description(Some(
            "Rights by user: as one object, or as a list of objects of one user each",
        ));
    ObjectBuilder::new()
        .description(Some("A file on a file server. Fields that are not listed are ignored."))
        .property("name", text("Name of the file"))
        .required("name")
        .property("directory", text("Where it lies"))
        .required("directory")
        .property("host", text("The machine that holds it"))
        .required("host")
        .property("file_size", whole("Its size in bytes").maximum(Some(i64::MAX)))
        .required("file_size")
        .property("permissions", permissions)
        .required("permissions")
        .examples([json!({
            "name": "plan.txt",
            "directory": "/home/alice",
            "host": "h1",
            "file_size": 12,
            "permissions": {"alice": "READ_WRITE", "bob": "READ"},
        })])
}

fn rights_by_user() -> ObjectBuilder {
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::RefOr(named("Right"))))
}

fn accepted() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["OK"]))
}

fn dashboard_answer() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("dashboard", named("Dashboard"))
        .property("dasbhoard", named("Dashboard"))
        .min_properties(Some(1))
        .max_properties(Some(1))
        .description(Some(
            "The figures, under `dasbhoard` with ENGINE=compat: the published server spells it so",
        ))
}

fn dashboard() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some("Figures over all documents; which ones depends on the engine"))
        .property("documents", whole("Documents that are stored"))
        .required("documents")
}

fn count() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("documents", whole("Documents that can be searched"))
        .required("documents")
        .property("distinct_names", whole("Different names among them, with `distinct=true` only"))
}

fn search_answer() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("total", whole("Documents that match"))
        .required("total")
        .property("documents", ArrayBuilder::new().items(named("FoundDocument")))
        .required("documents")
}

fn found_document() -> ObjectBuilder {
    ["name", "directory", "host", "ext"]
        .into_iter()
        .fold(ObjectBuilder::new(), |object, field| {
            object.property(field, ObjectBuilder::new().schema_type(Type::String)).required(field)
        })
        .property("file_size", whole("Its size in bytes"))
        .required("file_size")
        .property("permissions", named("Permissions"))
        .required("permissions")
}

fn error() -> ObjectBuilder {
    ObjectBuilder::new().property("error", text("What is wrong")).required("error")
}

fn field_error() -> ObjectBuilder {
    error().property("field", text("The field or parameter at fault")).required("field")
}
