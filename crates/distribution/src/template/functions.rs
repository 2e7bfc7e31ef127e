//! CloudFormation's functions.
//!
//! Always holds: a function whose argument has no value has none itself and says nothing more. Deliberately absent:
//! functions whose result only AWS knows, such as `Fn::GetAZs` and `Fn::Transform`.

use super::evaluate::{Evaluator, Spot};
use crate::value::{Kind, Value};

/// What stands where a part has no value; the part was reported.
fn hole(at: &Value) -> Option<Value> {
    Some(Value {
        at: at.at,
        kind: Kind::Unresolved,
    })
}

impl Evaluator<'_> {
    /// The value of a function.
    pub(super) fn call(&self, name: &str, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        match name {
            "Ref" => self.reference(argument, spot),
            "Fn::GetAtt" => self.attribute_of(argument, spot),
            "Fn::Sub" => self.substitute(argument, spot),
            "Fn::If" => self.choose(argument, spot),
            "Fn::Join" => self.join(argument, spot).or_else(|| hole(argument)),
            "Fn::Split" => self.split(argument, spot).or_else(|| hole(argument)),
            "Fn::Select" => self.select(argument, spot).or_else(|| hole(argument)),
            "Fn::FindInMap" => self.find_in_map(argument, spot).or_else(|| hole(argument)),
            "Fn::ImportValue" => self.import(argument, spot).or_else(|| hole(argument)),
            "Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals" => {
                let holds = self.holds(&Value::single(argument.at, name, argument.clone()), spot);
                let text = holds.map(|holds| holds.to_string());
                text.map_or_else(|| hole(argument), |text| self.made(argument, spot, text))
            }
            _ => self.unresolved(argument, spot, &format!("`{name}` cannot be resolved here")),
        }
    }

    fn reference(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let Some(name) = argument.as_text() else {
            return self.unresolved(argument, spot, "`Ref` takes a name");
        };
        if name == "AWS::NoValue" {
            return None;
        }
        self.named(name, argument, spot)
    }

    /// A pseudo parameter, a parameter or a resource.
    pub(super) fn named(&self, name: &str, at: &Value, spot: Spot<'_>) -> Option<Value> {
        if let Some(text) = self.pseudo(name) {
            return self.made(at, spot, text);
        }
        if let Some(value) = self.scope(spot).and_then(|s| s.parameters.get(name)) {
            let kind = value.kind.clone();
            return Some(Value { at: at.at, kind });
        }
        match self.reference_to(name, at, spot) {
            Some(value) => Some(value),
            None => {
                let message = format!("`{name}` is no parameter and no resource of this template");
                self.unresolved(at, spot, &message)
            }
        }
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        let around = self.surroundings;
        let (region, account, stack) = (&around.region, &around.account, &around.stack);
        Some(match name {
            "AWS::Region" => region.clone(),
            "AWS::AccountId" => account.clone(),
            "AWS::StackName" => stack.clone(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackId" => {
                format!("arn:aws:cloudformation:{region}:{account}:stack/{stack}/0")
            }
            _ => return None,
        })
    }

    fn attribute_of(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let pair = match &argument.kind {
            Kind::Text { text, .. } => text
                .split_once('.')
                .map(|(id, name)| (id.to_owned(), name.to_owned())),
            _ => match argument.items() {
                [id, name] => id.as_text().map(str::to_owned).zip(self.text(name, spot)),
                _ => None,
            },
        };
        match pair {
            Some((id, name)) => self.attribute(&id, &name, argument, spot),
            None => self.unresolved(
                argument,
                spot,
                "`Fn::GetAtt` takes a resource and an attribute",
            ),
        }
    }

    fn choose(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let [condition, then, otherwise] = argument.items() else {
            return self.unresolved(argument, spot, "`Fn::If` takes a condition and two values");
        };
        let holds = condition
            .as_text()
            .and_then(|name| self.condition(name, condition, spot));
        match holds {
            Some(true) => self.resolve(then, spot),
            Some(false) => self.resolve(otherwise, spot),
            None => hole(argument),
        }
    }

    fn join(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let [separator, list] = argument.items() else {
            return self.unresolved(argument, spot, "`Fn::Join` takes a separator and a list");
        };
        let separator = self.text(separator, spot)?;
        let items = self.list(list, spot)?;
        let texts = items.iter().map(|item| self.text(item, spot));
        let texts = texts.collect::<Option<Vec<_>>>()?;
        self.made(argument, spot, texts.join(&separator))
    }

    fn split(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let [separator, text] = argument.items() else {
            return self.unresolved(argument, spot, "`Fn::Split` takes a separator and a text");
        };
        let (separator, text) = (self.text(separator, spot)?, self.text(text, spot)?);
        if separator.is_empty() {
            return self.unresolved(argument, spot, "the separator of `Fn::Split` is empty");
        }
        let parts = text.split(&separator);
        let parts = parts.map(|part| Value::text(argument.at, part));
        let kind = Kind::List(parts.collect());
        Some(Value {
            at: argument.at,
            kind,
        })
    }

    fn select(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let [index, list] = argument.items() else {
            return self.unresolved(argument, spot, "`Fn::Select` takes a number and a list");
        };
        let (index, items) = (self.text(index, spot)?, self.list(list, spot)?);
        let selected = index.parse::<usize>().ok().and_then(|at| items.get(at));
        match selected {
            Some(value) => Some(value.clone()),
            None => {
                let message = format!("the list has no item {index}; it has {}", items.len());
                self.unresolved(argument, spot, &message)
            }
        }
    }

    fn find_in_map(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let (keys, default) = match argument.items() {
            [map, first, second] => ([map, first, second], None),
            [map, first, second, more] => ([map, first, second], more.get("DefaultValue")),
            _ => {
                let message = "`Fn::FindInMap` takes a map and two keys";
                return self.unresolved(argument, spot, message);
            }
        };
        let mut found = self.scope(spot)?.mappings;
        let mut path = String::new();
        for key in keys {
            let key = self.text(key, spot)?;
            found = found.and_then(|map| map.get(&key));
            path.push_str(&format!(".{key}"));
        }
        match (found, default) {
            (Some(value), _) | (None, Some(value)) => self.resolve(value, spot),
            (None, None) => {
                let message = format!("there is no `Mappings{path}`");
                self.unresolved(argument, spot, &message)
            }
        }
    }

    fn substitute(&self, argument: &Value, spot: Spot<'_>) -> Option<Value> {
        let (text, names) = match (argument.as_text(), argument.items()) {
            (Some(text), _) => (text, None),
            (None, [text, names]) if text.as_text().is_some() => {
                (text.as_text().unwrap_or_default(), Some(names))
            }
            _ => return self.unresolved(argument, spot, "`Fn::Sub` takes a text"),
        };
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            made.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                made.push_str("${");
                rest = after;
                continue;
            };
            match name.strip_prefix('!') {
                Some(literal) => made.push_str(&format!("${{{literal}}}")),
                None => match self.substituted(name.trim(), names, argument, spot) {
                    Some(text) => made.push_str(&text),
                    None => return hole(argument),
                },
            }
            rest = behind;
        }
        made.push_str(rest);
        let made = self.resolve(&Value::text(argument.at, made), spot)?;
        let text = made.as_text()?.to_owned();
        self.made(argument, spot, text)
    }

    fn substituted(
        &self,
        name: &str,
        names: Option<&Value>,
        at: &Value,
        spot: Spot<'_>,
    ) -> Option<String> {
        if let Some(value) = names.and_then(|names| names.get(name)) {
            return self.text(value, spot);
        }
        let value = match name.split_once('.') {
            Some((id, attribute)) => self.attribute(id, attribute, at, spot)?,
            None => self.named(name, at, spot)?,
        };
        match value.kind {
            Kind::Text { text, .. } => Some(text),
            Kind::Unresolved => None,
            _ => {
                self.unresolved(at, spot, &format!("`{name}` is a list; join it first"));
                None
            }
        }
    }
}
