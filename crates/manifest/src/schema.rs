//! The JSON Schema of the manifest, for editors: made from the same declarations that check a file.
//!
//! Always holds: what the check accepts the schema accepts too, so an editor never marks a right manifest. Deliberately
//! absent: rules between keys and references to names, which JSON Schema cannot express well.

use crate::keys::MANIFEST;
use crate::shape::{Key, Record, Shape, Text, Word};
use serde_json::{Map, Value, json};

/// The file that the first line of a new manifest names. `portcullis init` writes it beside the manifest, so that an editor
/// completes with the schema of the program that compiles, offline too.
pub const SCHEMA_FILE: &str = "portcullis.schema.json";

/// The schema as text (draft 2020-12), ending in a line feed; the same on every machine.
#[must_use]
pub fn json_schema() -> String {
    let mut definitions = Map::new();
    let mut schema = Writer(&mut definitions).shape(&MANIFEST);
    insert(
        &mut schema,
        "$schema",
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    insert(&mut schema, "$id", json!("urn:portcullis:manifest:1"));
    insert(&mut schema, "title", json!("Portcullis manifest"));
    insert(
        &mut schema,
        "description",
        json!("One site: its distribution, its policies and how its content is released."),
    );
    insert(&mut schema, "$defs", Value::Object(definitions));
    format!("{schema:#}\n")
}

fn insert(schema: &mut Value, key: &str, value: Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(key.to_owned(), value);
    }
}

/// Writes shapes; what stands in several places is written once, into the definitions.
struct Writer<'d>(&'d mut Map<String, Value>);

impl Writer<'_> {
    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Text(kind) => self.defined(kind.name, |_| text(kind)),
            Shape::Word(words) => word(words),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Number { min, max } if min == max => json!({ "const": min }),
            Shape::Number { min, max } => {
                json!({ "type": "integer", "minimum": min, "maximum": max })
            }
            Shape::List(items) => {
                json!({ "type": "array", "items": self.shape(items), "minItems": 1 })
            }
            Shape::Named { names, values } => json!({
                "type": "object",
                "propertyNames": self.defined(names.name, |_| text(names)),
                "additionalProperties": self.shape(values),
            }),
            Shape::Record(keys) if keys.name.is_empty() => self.record(keys),
            Shape::Record(keys) => self.defined(keys.name, |writer| writer.record(keys)),
            Shape::Either(shapes) => {
                json!({ "anyOf": shapes.iter().map(|shape| self.shape(shape)).collect::<Vec<_>>() })
            }
        }
    }

    fn defined(&mut self, name: &str, write: impl FnOnce(&mut Writer) -> Value) -> Value {
        let name = name.to_lowercase();
        if !self.0.contains_key(&name) {
            let schema = write(&mut Writer(self.0));
            self.0.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    fn record(&mut self, record: &Record) -> Value {
        let properties: Map<String, Value> = record
            .keys
            .iter()
            .map(|key| (key.name.to_owned(), self.property(key)))
            .collect();
        let required: Vec<&str> = record
            .keys
            .iter()
            .filter(|key| key.required)
            .map(|key| key.name)
            .collect();
        let mut schema =
            json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if !required.is_empty() {
            insert(&mut schema, "required", json!(required));
        }
        if !record.one_of.is_empty() {
            let choice: Vec<Value> = record
                .one_of
                .iter()
                .map(|name| json!({ "required": [name] }))
                .collect();
            insert(&mut schema, "oneOf", json!(choice));
        }
        schema
    }

    /// The key's own description, followed by that of its words.
    fn property(&mut self, key: &Key) -> Value {
        let mut schema = self.shape(&key.shape);
        let words = schema
            .get("description")
            .and_then(Value::as_str)
            .map(|words| format!(" {words}"))
            .unwrap_or_default();
        let about = json!(format!("{}{words}", key.about));
        insert(&mut schema, "description", about);
        schema
    }
}

fn text(kind: &Text) -> Value {
    let about = format!("{}.", capital(kind.expected));
    let words = (kind.words)();
    if words.is_empty() {
        return json!({ "type": "string", "pattern": kind.pattern, "description": about });
    }
    if kind.pattern.is_empty() {
        return json!({ "enum": words, "description": about });
    }
    let free = json!({ "type": "string", "pattern": kind.pattern });
    json!({ "anyOf": [{ "enum": words }, free], "description": about })
}

fn word(words: &[Word]) -> Value {
    let list: Vec<&str> = words.iter().map(|w| w.word).collect();
    let about: Vec<String> = words
        .iter()
        .map(|w| format!("`{}`: {}.", w.word, w.about))
        .collect();
    json!({ "enum": list, "description": about.join(" ") })
}

fn capital(phrase: &str) -> String {
    let mut letters = phrase.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
