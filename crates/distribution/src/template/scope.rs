//! The sections of one template, and its parameters with their values.
//!
//! Always holds: every parameter has a value or was reported. Deliberately absent: the rules of parameters (patterns,
//! allowed values), which CloudFormation checks.

use super::Template;
use crate::fault::{Faults, Rule};
use crate::value::{Kind, Member, Value};
use std::collections::BTreeMap;

/// One template, taken apart.
pub(super) struct Scope<'v> {
    /// What stands before logical ids; empty when there is one template.
    prefix: String,
    pub(super) parameters: BTreeMap<&'v str, Value>,
    pub(super) conditions: Option<&'v Value>,
    pub(super) mappings: Option<&'v Value>,
    pub(super) resources: &'v [Member],
    pub(super) outputs: &'v [Member],
}

impl<'v> Scope<'v> {
    pub(super) fn new(
        template: &Template<'_>,
        tree: &'v Value,
        several: bool,
        faults: &Faults,
    ) -> Self {
        let section = |name| tree.get(name).map(Value::members).unwrap_or_default();
        let prefix = match several {
            true => format!("{}/", template.name),
            false => String::new(),
        };
        if section("Resources").is_empty() {
            let message = "this is no template: it has no `Resources`";
            faults.add(&prefix, tree.at, Rule::MissingMember, message);
        }
        let parameters = section("Parameters").iter();
        let parameters = parameters.map(|member| {
            let given = template.parameters.get(&member.key);
            let value = parameter(member, given, &prefix, faults);
            (member.key.as_str(), value)
        });
        Self {
            parameters: parameters.collect(),
            conditions: tree.get("Conditions"),
            mappings: tree.get("Mappings"),
            resources: section("Resources"),
            outputs: section("Outputs"),
            prefix,
        }
    }

    /// The name a resource is known by among all templates.
    pub(super) fn key(&self, logical_id: &str) -> String {
        format!("{}{logical_id}", self.prefix)
    }

    pub(super) fn resource(&self, logical_id: &str) -> Option<&'v Value> {
        let mut resources = self.resources.iter();
        let member = resources.find(|member| member.key == logical_id)?;
        Some(&member.value)
    }
}

fn parameter(member: &Member, given: Option<&String>, prefix: &str, faults: &Faults) -> Value {
    let kind = member.value.get("Type").and_then(Value::as_text);
    let default = member.value.get("Default").and_then(Value::as_text);
    let Some(text) = given.map(String::as_str).or(default) else {
        let path = format!("{prefix}Parameters.{}", member.key);
        let message = "this parameter has no default and was given no value";
        faults.add(&path, member.at, Rule::Unresolved, message);
        return Value {
            at: member.at,
            kind: Kind::Unresolved,
        };
    };
    let lists = kind.is_some_and(|kind| kind == "CommaDelimitedList" || kind.contains("List<"));
    if !lists {
        return Value::text(member.at, text);
    }
    let items = text
        .split(',')
        .map(|item| Value::text(member.at, item.trim()));
    Value {
        at: member.at,
        kind: Kind::List(items.collect()),
    }
}
