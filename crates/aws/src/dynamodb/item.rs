//! An item and the state's JSON form: the same values in other types.

use super::KEY;
use aws_sdk_dynamodb::types::AttributeValue;
use portcullis_origin::state::{SiteState, StateError};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// How deep the values of an item may lie in each other; a state's lie four deep.
pub(super) const DEPTH_MAX: usize = 8;

/// The item's attributes.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The state that an item holds.
pub(super) fn state(mut item: Item) -> Result<SiteState, StateError> {
    item.remove(KEY);
    let json = object(item, DEPTH_MAX).map_err(|what| StateError::Malformed(what.to_owned()))?;
    let text =
        serde_json::to_vec(&json).map_err(|error| StateError::Malformed(error.to_string()))?;
    SiteState::from_json(&text)
}

/// The attribute that holds `value`, a part of a state. `None` if it lies too deep.
pub(crate) fn attribute(value: Value) -> Option<AttributeValue> {
    of_value(value, DEPTH_MAX)
}

fn object(members: Item, depth: usize) -> Result<Value, &'static str> {
    let depth = depth.checked_sub(1).ok_or("it is nested too deep")?;
    let members = members
        .into_iter()
        .map(|(name, value)| Ok((name, of_attribute(value, depth)?)));
    members.collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

pub(super) fn of_attribute(attribute: AttributeValue, depth: usize) -> Result<Value, &'static str> {
    match attribute {
        AttributeValue::S(text) => Ok(Value::String(text)),
        AttributeValue::N(digits) => digits
            .parse()
            .map(Value::Number)
            .map_err(|_| "a number is none"),
        AttributeValue::Bool(value) => Ok(Value::Bool(value)),
        AttributeValue::Null(_) => Ok(Value::Null),
        AttributeValue::M(members) => object(members, depth),
        AttributeValue::L(elements) => {
            let depth = depth.checked_sub(1).ok_or("it is nested too deep")?;
            let elements = elements
                .into_iter()
                .map(|element| of_attribute(element, depth));
            Ok(Value::Array(elements.collect::<Result<_, _>>()?))
        }
        _ => Err("it holds a set or bytes, which no state has"),
    }
}

fn of_value(value: Value, depth: usize) -> Option<AttributeValue> {
    let deeper = depth.checked_sub(1)?;
    Some(match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(value),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(elements) => {
            let elements = elements
                .into_iter()
                .map(|element| of_value(element, deeper));
            AttributeValue::L(elements.collect::<Option<_>>()?)
        }
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| Some((name, of_value(value, deeper)?)));
            AttributeValue::M(members.collect::<Option<_>>()?)
        }
    })
}
