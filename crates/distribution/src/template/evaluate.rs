//! Expressions of templates become values.
//!
//! Always holds: work is bounded by [`STEPS_MAX`], [`DEPTH_MAX`] and [`TEXT_MAX`], so that references in circles and
//! ones that double end in a fault; what has no value is reported once. Deliberately absent: what only AWS knows.

use super::Surroundings;
use super::scope::Scope;
use crate::fault::{Faults, Rule};
use crate::value::{Kind, Member, Value};
use std::cell::Cell;
use std::collections::BTreeMap;

/// The most expressions and values that are looked at.
const STEPS_MAX: usize = 4_000_000;
/// The deepest chain of references and nesting together.
const DEPTH_MAX: usize = 256;
/// The most bytes of text that expressions make.
const TEXT_MAX: usize = 64 * 1024 * 1024;

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Spot<'p> {
    /// The position of its template.
    pub(super) scope: usize,
    /// The property.
    pub(super) path: &'p str,
    pub(super) depth: usize,
}

/// All templates, their exports, and what has been used of the bounds.
pub(super) struct Evaluator<'v> {
    pub(super) scopes: Vec<Scope<'v>>,
    pub(super) surroundings: &'v Surroundings,
    pub(super) faults: &'v Faults,
    exports: BTreeMap<String, (usize, &'v Value)>,
    steps: Cell<usize>,
    made: Cell<usize>,
}

impl<'v> Evaluator<'v> {
    pub(super) fn new(
        scopes: Vec<Scope<'v>>,
        surroundings: &'v Surroundings,
        faults: &'v Faults,
    ) -> Self {
        let mut evaluator = Self {
            scopes,
            surroundings,
            faults,
            exports: BTreeMap::new(),
            steps: Cell::new(0),
            made: Cell::new(0),
        };
        evaluator.exports = evaluator.exported();
        evaluator
    }

    /// What the outputs of all templates export.
    fn exported(&self) -> BTreeMap<String, (usize, &'v Value)> {
        let mut exports = BTreeMap::new();
        for (at, scope) in self.scopes.iter().enumerate() {
            for output in scope.outputs {
                let name = output.value.get("Export").and_then(|e| e.get("Name"));
                let (Some(name), Some(value)) = (name, output.value.get("Value")) else {
                    continue;
                };
                let path = scope.key(&format!("Outputs.{}", output.key));
                if self.is_there(at, &output.value)
                    && let Some(name) = self.value(at, name, &path).as_text()
                {
                    exports.insert(name.to_owned(), (at, value));
                }
            }
        }
        exports
    }

    /// The value of an expression; `AWS::NoValue` is an empty map here.
    pub(super) fn value(&self, scope: usize, value: &Value, path: &str) -> Value {
        let spot = Spot {
            scope,
            path,
            depth: 0,
        };
        self.resolve(value, spot).unwrap_or_else(|| Value {
            at: value.at,
            kind: Kind::Map(Vec::new()),
        })
    }

    /// Whether a resource or an output is there: its condition holds, if it has one.
    pub(super) fn is_there(&self, scope: usize, value: &Value) -> bool {
        let Some(condition) = value.get("Condition").and_then(Value::as_text) else {
            return true;
        };
        let path = self.key(scope, "Conditions");
        let spot = Spot {
            scope,
            path: &path,
            depth: 0,
        };
        self.condition(condition, value, spot).unwrap_or(false)
    }

    pub(super) fn scope(&self, spot: Spot<'_>) -> Option<&Scope<'v>> {
        self.scopes.get(spot.scope)
    }

    pub(super) fn key(&self, scope: usize, logical_id: &str) -> String {
        let scope = self.scopes.get(scope);
        scope.map_or_else(String::new, |scope| scope.key(logical_id))
    }

    /// Reports an expression without a value.
    pub(super) fn unresolved(&self, at: &Value, spot: Spot<'_>, message: &str) -> Option<Value> {
        self.refuse(at, spot, Rule::Unresolved, message)
    }

    fn refuse(&self, at: &Value, spot: Spot<'_>, rule: Rule, message: &str) -> Option<Value> {
        self.faults.add(spot.path, at.at, rule, message);
        Some(Value {
            at: at.at,
            kind: Kind::Unresolved,
        })
    }

    /// A text that an expression made.
    pub(super) fn made(&self, at: &Value, spot: Spot<'_>, text: String) -> Option<Value> {
        self.made.set(self.made.get().saturating_add(text.len()));
        if self.made.get() > TEXT_MAX {
            return self.refuse(at, spot, Rule::Limit, "expressions make too much text");
        }
        Some(Value::text(at.at, text))
    }

    /// One step further into an expression; `Err` is a reported fault.
    pub(super) fn deeper<'p>(&self, at: &Value, spot: Spot<'p>) -> Result<Spot<'p>, Option<Value>> {
        self.steps.set(self.steps.get().saturating_add(1));
        // Behind the bound everything ends at once; it is reported when it is met.
        let over = self.steps.get() > STEPS_MAX;
        if over && self.steps.get() > STEPS_MAX + 1 {
            return Err(Some(Value {
                at: at.at,
                kind: Kind::Unresolved,
            }));
        }
        if over || spot.depth > DEPTH_MAX {
            let message = "this refers to itself, or to more than is followed";
            return Err(self.refuse(at, spot, Rule::Limit, message));
        }
        Ok(Spot {
            depth: spot.depth + 1,
            ..spot
        })
    }

    /// The value of an expression; `None` is `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Value, spot: Spot<'_>) -> Option<Value> {
        let spot = match self.deeper(value, spot) {
            Ok(spot) => spot,
            Err(end) => return end,
        };
        match &value.kind {
            Kind::Unresolved => Some(value.clone()),
            Kind::Text { text, plain } => {
                let text = self.dynamic(text);
                Some(Value {
                    at: value.at,
                    kind: Kind::Text {
                        text,
                        plain: *plain,
                    },
                })
            }
            Kind::List(items) => {
                let items = items.iter().enumerate().filter_map(|(index, item)| {
                    let path = format!("{}[{index}]", spot.path);
                    self.resolve(
                        item,
                        Spot {
                            path: &path,
                            ..spot
                        },
                    )
                });
                let kind = Kind::List(items.collect());
                Some(Value { at: value.at, kind })
            }
            Kind::Map(members) => match members.as_slice() {
                [only] if is_function(&only.key) => self.call(&only.key, &only.value, spot),
                members => Some(self.map(value, members, spot)),
            },
        }
    }

    fn map(&self, value: &Value, members: &[Member], spot: Spot<'_>) -> Value {
        let members = members.iter().filter_map(|member| {
            let path = format!("{}.{}", spot.path, member.key);
            let value = self.resolve(
                &member.value,
                Spot {
                    path: &path,
                    ..spot
                },
            )?;
            Some(Member {
                key: member.key.clone(),
                at: member.at,
                value,
            })
        });
        let kind = Kind::Map(members.collect());
        Value { at: value.at, kind }
    }

    /// A text with its dynamic references replaced, as far as their values are given.
    fn dynamic(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if text.contains("{{resolve:") {
            for (reference, value) in &self.surroundings.dynamic {
                text = text.replace(reference, value);
            }
        }
        text
    }

    /// `Fn::ImportValue`.
    pub(super) fn import(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let name = self.text(argument, spot)?;
        if let Some((scope, value)) = self.exports.get(&name) {
            let scope = *scope;
            return self.resolve(value, Spot { scope, ..spot });
        }
        match self.surroundings.imports.get(&name) {
            Some(text) => self.made(argument, spot, text.clone()),
            None => {
                let message = format!("no template exports `{name}`, and no value was given");
                self.unresolved(argument, spot, &message)
            }
        }
    }

    /// The text of an expression; nothing when it has none, which is reported.
    pub(super) fn text(&self, value: &Value, spot: Spot<'_>) -> Option<String> {
        let resolved = self.resolve(value, spot);
        match resolved.as_ref().map(|value| &value.kind) {
            Some(Kind::Text { text, .. }) => Some(text.clone()),
            Some(Kind::Unresolved) => None,
            _ => {
                self.unresolved(value, spot, "text is expected here");
                None
            }
        }
    }

    /// The items of an expression that is a list.
    pub(super) fn list(&self, value: &Value, spot: Spot<'_>) -> Option<Vec<Value>> {
        match self.resolve(value, spot)?.kind {
            Kind::List(items) => Some(items),
            Kind::Unresolved => None,
            _ => {
                self.unresolved(value, spot, "a list is expected here");
                None
            }
        }
    }
}

fn is_function(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}
