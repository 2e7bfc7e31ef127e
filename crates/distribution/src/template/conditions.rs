//! Conditions of a template.
//!
//! Always holds: a condition that refers to itself ends in a fault. Deliberately absent: rules, which check parameters.

use super::evaluate::{Evaluator, Spot};
use crate::value::{Kind, Value};

impl Evaluator<'_> {
    /// Whether a named condition holds; nothing when that is not known, which is reported.
    pub(super) fn condition(&self, name: &str, at: &Value, spot: Spot<'_>) -> Option<bool> {
        let conditions = self.scope(spot)?.conditions;
        let Some(condition) = conditions.and_then(|all| all.get(name)) else {
            self.unresolved(at, spot, &format!("there is no condition `{name}`"));
            return None;
        };
        self.holds(condition, spot)
    }

    /// Whether an expression holds.
    pub(super) fn holds(&self, value: &Value, spot: Spot<'_>) -> Option<bool> {
        let spot = self.deeper(value, spot).ok()?;
        let [only] = value.members() else {
            return self.truth(value, spot);
        };
        let items = only.value.items();
        match (only.key.as_str(), items) {
            ("Condition", _) => {
                let name = only.value.as_text().unwrap_or_default();
                self.condition(name, &only.value, spot)
            }
            ("Fn::Not", [one]) => self.holds(one, spot).map(|holds| !holds),
            ("Fn::And", [_, ..]) => self.all(items, spot).map(|all| !all.contains(&false)),
            ("Fn::Or", [_, ..]) => self.all(items, spot).map(|all| all.contains(&true)),
            ("Fn::Equals", [left, right]) => {
                let (left, right) = (self.resolve(left, spot), self.resolve(right, spot));
                equal(&left?, &right?)
            }
            ("Ref" | "Fn::FindInMap" | "Fn::Select" | "Fn::Sub" | "Fn::If", _) => {
                let value = self.resolve(value, spot)?;
                self.truth(&value, spot)
            }
            (name, _) => {
                let message = format!("`{name}` is no condition, or its arguments do not fit");
                self.unresolved(value, spot, &message);
                None
            }
        }
    }

    fn all(&self, items: &[Value], spot: Spot<'_>) -> Option<Vec<bool>> {
        items.iter().map(|item| self.holds(item, spot)).collect()
    }

    fn truth(&self, value: &Value, spot: Spot<'_>) -> Option<bool> {
        match value.as_text() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ if value.kind == Kind::Unresolved => None,
            _ => {
                self.unresolved(value, spot, "this is neither true nor false");
                None
            }
        }
    }
}

/// Whether two values are the same text, or lists of the same texts.
fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (&left.kind, &right.kind) {
        (Kind::Unresolved, _) | (_, Kind::Unresolved) => None,
        (Kind::Text { text: left, .. }, Kind::Text { text: right, .. }) => Some(left == right),
        (Kind::List(left), Kind::List(right)) => {
            let pairs = left.iter().zip(right);
            let same: Option<Vec<bool>> = pairs.map(|(left, right)| equal(left, right)).collect();
            Some(left.len() == right.len() && !same?.contains(&false))
        }
        _ => Some(false),
    }
}
