//! The resources of templates.

use crate::report::Where;
use crate::tree::{Node, Scope};
use portcullis_distribution::Place;
use portcullis_distribution::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One resource.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its logical id.
    pub id: String,
    /// Its type, as `AWS::S3::Bucket`.
    pub kind: String,
    /// Its properties.
    pub properties: Node,
    /// Its metadata.
    pub metadata: Node,
    /// Its file.
    pub file: String,
    /// Where it stands.
    pub at: Place,
}

impl Resource {
    /// A place in it, by keys and numbers from its properties on.
    #[must_use]
    pub fn place(&self, pointer: &[&str]) -> Where {
        let mut node = &self.properties;
        let mut at = self.at;
        for key in pointer {
            node = match key.parse::<usize>() {
                Ok(index) if node.members().is_empty() => match node.items().get(index) {
                    Some(item) => item,
                    None => break,
                },
                _ => node.get(key),
            };
            if !node.is_there() {
                break;
            }
            at = node.at;
        }
        let pointer: String = pointer.iter().map(|key| format!("/{key}")).collect();
        Where::new(&self.file, &self.id, format!("/Properties{pointer}"), at)
    }
}

/// All resources of some templates, by logical id.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    all: BTreeMap<String, Resource>,
}

impl Resources {
    /// Adds the resources of a template, with `conditions` as they are assumed.
    pub fn add(
        &mut self,
        file: &str,
        template: &Value,
        parameters: &BTreeMap<String, String>,
        conditions: &BTreeMap<String, bool>,
    ) {
        let (parameters, open) = parameters_of(template, parameters);
        let scope = Scope {
            parameters: &parameters,
            open: &open,
            mappings: template.get("Mappings"),
            conditions,
        };
        let Some(resources) = template.get("Resources") else {
            return;
        };
        for member in resources.members() {
            let condition = member.value.get("Condition").and_then(Value::as_text);
            let holds = condition.and_then(|name| conditions.get(name));
            if holds == Some(&false) {
                continue;
            }
            let part = |name: &str| {
                let value = member.value.get(name);
                value.map_or_else(
                    || Node {
                        at: member.at,
                        kind: crate::tree::NodeKind::Nothing,
                    },
                    |value| scope.evaluate(value),
                )
            };
            let kind = part("Type").literal().unwrap_or_default().to_owned();
            let resource = Resource {
                id: member.key.clone(),
                kind,
                properties: part("Properties"),
                metadata: part("Metadata"),
                file: file.to_owned(),
                at: member.at,
            };
            self.all.insert(member.key.clone(), resource);
        }
    }

    /// Adds one resource.
    pub fn insert(&mut self, resource: Resource) {
        self.all.insert(resource.id.clone(), resource);
    }

    /// The resource with a logical id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Resource> {
        self.all.get(id)
    }

    /// All resources in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.all.values()
    }

    /// The resources of a type.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.all.values().filter(move |one| one.kind == kind)
    }
}

/// The names of conditions that a template's expressions and resources depend on, at most the first ones by name.
#[must_use]
pub fn conditions_of(template: &Value) -> BTreeSet<String> {
    let declared = template.get("Conditions").map_or(&[][..], Value::members);
    declared.iter().map(|member| member.key.clone()).collect()
}

/// Values of parameters, given or by default, and those without one.
fn parameters_of(
    template: &Value,
    given: &BTreeMap<String, String>,
) -> (BTreeMap<String, String>, BTreeMap<String, bool>) {
    let (mut values, mut open) = (BTreeMap::new(), BTreeMap::new());
    let declared = template.get("Parameters").map_or(&[][..], Value::members);
    for parameter in declared {
        let no_echo = parameter.value.get("NoEcho").and_then(Value::as_text) == Some("true");
        let default = parameter.value.get("Default").and_then(Value::as_text);
        let value = given.get(&parameter.key).map(String::as_str).or(default);
        match value {
            Some(value) if !no_echo => {
                values.insert(parameter.key.clone(), value.to_owned());
            }
            _ => {
                open.insert(parameter.key.clone(), no_echo);
            }
        }
    }
    (values, open)
}
