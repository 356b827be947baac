//! The JSON Schemas that the tool publishes.
//!
//! The result's comes from the types that write it. The settings' comes from the table of keys: the file takes what a
//! word takes, so that a number may also stand there as text.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::keys::{Fallback, KEYS, Key};
use super::profiles::HttpSection;
use crate::report::scale::ScaleRecord;
use crate::report::schema::RunRecord;

/// A schema that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// Of `result.json`.
    Result,
    /// Of `scale.json`.
    Scale,
    /// Of `plimsoll.toml`.
    Settings,
}

impl Published {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Result, Self::Scale, Self::Settings];

    /// As it is asked for.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Scale => "scale",
            Self::Settings => "settings",
        }
    }

    /// The schema, draft 2020-12.
    #[must_use]
    pub fn schema(self) -> Schema {
        match self {
            Self::Result => written::<RunRecord>("result.json of plimsoll"),
            Self::Scale => written::<ScaleRecord>("scale.json of plimsoll"),
            Self::Settings => settings(),
        }
    }
}

/// What a run writes: keys that it always writes are required, and others may stand beside them.
fn written<T: JsonSchema>(title: &str) -> Schema {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}

fn settings() -> Schema {
    let keys = KEYS.iter().filter(|key| key.name != "HTTP");
    let mut properties: Map<String, Value> =
        keys.map(|key| (key.file_key(), property(key))).collect();
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let http = generator.subschema_for::<HttpSection>();
    properties.insert("http".to_owned(), http.to_value());
    let definitions = generator.take_definitions(true);
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plimsoll.toml",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn property(key: &Key) -> Value {
    let default = match key.fallback {
        // A number as it is written, so that 4 stays 4.
        Fallback::Text(text) => {
            serde_json::from_str(text).map_or_else(|_| json!(text), Value::Number)
        }
        Fallback::ByPreset | Fallback::Random | Fallback::Required => Value::Null,
    };
    let mut property = json!({
        "description": key.help,
        "type": ["string", "number", "boolean", "array"],
        "items": {"type": ["string", "number"]},
    });
    if let (Some(property), false) = (property.as_object_mut(), default.is_null()) {
        property.insert("default".to_owned(), default);
    }
    property
}
