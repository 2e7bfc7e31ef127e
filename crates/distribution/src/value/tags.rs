//! CloudFormation's short tags, written out: `!Ref A` is `{Ref: A}`, `!GetAtt A.B` is `{Fn::GetAtt: [A, B]}`.
//!
//! Always holds: what comes out means what the tag meant. Deliberately absent: evaluation.

use super::{Kind, Value};

/// The functions that are written `Fn::NAME`, by the tag `!NAME`.
const FUNCTIONS: [&str; 21] = [
    "And",
    "Base64",
    "Cidr",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "Equals",
    "FindInMap",
    "GetAZs",
    "GetAtt",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
];

/// The value that a tag stands for.
///
/// # Errors
/// The tag, if it is not known.
pub(super) fn written_out(tag: &str, value: Value) -> Result<Value, String> {
    let at = value.at;
    match tag.strip_prefix('!') {
        Some("") => Ok(value),
        Some(name @ ("Ref" | "Condition")) => Ok(Value::single(at, name, value)),
        Some("GetAtt") => Ok(Value::single(at, "Fn::GetAtt", dotted(value))),
        Some(name) if FUNCTIONS.contains(&name) => {
            Ok(Value::single(at, &format!("Fn::{name}"), value))
        }
        _ => match (tag, value.kind) {
            ("tag:yaml.org,2002:str", Kind::Text { text, .. }) => Ok(Value::text(at, text)),
            (tag, _) => Err(tag.to_owned()),
        },
    }
}

/// `A.B.C` as the list `[A, B.C]`.
fn dotted(value: Value) -> Value {
    let Some((id, attribute)) = value.as_text().and_then(|text| text.split_once('.')) else {
        return value;
    };
    let both = [id, attribute].map(|text| Value::text(value.at, text));
    Value {
        at: value.at,
        kind: Kind::List(both.into()),
    }
}
