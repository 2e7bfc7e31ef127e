//! Values of a template, with their expressions evaluated as far as they can be.
//!
//! A text is a row of pieces: what is known, references to resources, and holes. Nothing here fails; what has no value is a
//! hole that says why.

use portcullis_distribution::Place;
use portcullis_distribution::value::{Kind, Value};
use std::collections::BTreeMap;

/// The deepest nesting of expressions.
const DEPTH_MAX: usize = 64;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// Known.
    Known(String),
    /// `Ref` of a resource: its logical id.
    Ref(String),
    /// `GetAtt` of a resource: its logical id and the attribute.
    Attribute(String, String),
    /// A parameter without a value.
    Parameter {
        /// Its name.
        name: String,
        /// Whether it is never shown.
        no_echo: bool,
    },
    /// Something else without a value, and what.
    Hole(String),
}

/// A text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Piece>);

impl Text {
    fn known(text: impl Into<String>) -> Self {
        Self(vec![Piece::Known(text.into())])
    }

    /// The whole text, if all of it is known.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Known(text)] => Some(text),
            _ => None,
        }
    }

    /// The logical id of the resource that it refers to, by `Ref` or `GetAtt`.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.iter().find_map(|piece| match piece {
            Piece::Ref(id) | Piece::Attribute(id, _) => Some(id.as_str()),
            _ => None,
        })
    }

    /// What it lacks to be known, other than references to resources.
    #[must_use]
    pub fn hole(&self) -> Option<String> {
        self.0.iter().find_map(|piece| match piece {
            Piece::Hole(what) => Some(what.clone()),
            Piece::Parameter { name, .. } => Some(format!("parameter `{name}`")),
            _ => None,
        })
    }

    /// What is known of it, references as `${Id}`.
    #[must_use]
    pub fn shown(&self) -> String {
        let shown = self.0.iter().map(|piece| match piece {
            Piece::Known(text) => text.clone(),
            Piece::Ref(id) => format!("${{{id}}}"),
            Piece::Attribute(id, attribute) => format!("${{{id}.{attribute}}}"),
            Piece::Parameter { name, .. } => format!("${{{name}}}"),
            Piece::Hole(what) => format!("${{{what}}}"),
        });
        shown.collect()
    }

    fn push(&mut self, other: Self) {
        for piece in other.0 {
            match (self.0.last_mut(), piece) {
                (Some(Piece::Known(text)), Piece::Known(more)) => text.push_str(&more),
                (_, piece) => self.0.push(piece),
            }
        }
    }
}

/// An evaluated value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub at: Place,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Nothing, or `AWS::NoValue`.
    Nothing,
    /// A scalar.
    Text(Text),
    /// A list, without members that are nothing.
    List(Vec<Node>),
    /// A map, without members that are nothing.
    Map(Vec<(String, Node)>),
}

static NOTHING: Node = Node {
    at: Place::START,
    kind: NodeKind::Nothing,
};

impl Node {
    /// The value of a key; nothing where there is none.
    #[must_use]
    pub fn get(&self, key: &str) -> &Self {
        match &self.kind {
            NodeKind::Map(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map_or(&NOTHING, |(_, value)| value),
            _ => &NOTHING,
        }
    }

    /// The value at the end of several keys.
    #[must_use]
    pub fn path(&self, keys: &[&str]) -> &Self {
        keys.iter().fold(self, |node, key| node.get(key))
    }

    /// Whether there is anything.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.kind != NodeKind::Nothing
    }

    /// The items of a list; a single value counts as a list of one.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            NodeKind::List(items) => items,
            NodeKind::Nothing => &[],
            NodeKind::Text(_) | NodeKind::Map(_) => std::slice::from_ref(self),
        }
    }

    /// The members of a map.
    #[must_use]
    pub fn members(&self) -> &[(String, Self)] {
        match &self.kind {
            NodeKind::Map(members) => members,
            _ => &[],
        }
    }

    /// The scalar.
    #[must_use]
    pub fn text(&self) -> Option<&Text> {
        match &self.kind {
            NodeKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The scalar, if all of it is known.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        self.text().and_then(Text::literal)
    }

    /// The resource that a scalar refers to.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.text().and_then(Text::resource)
    }

    /// A number.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.literal()?.parse().ok()
    }

    /// Whether it says `true`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.literal()
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Whether it says `false`.
    #[must_use]
    pub fn is_false(&self) -> bool {
        self.literal()
            .is_some_and(|text| text.eq_ignore_ascii_case("false"))
    }

    /// The known texts of a list.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let known = self.items().iter().filter_map(Self::literal);
        known.map(str::to_owned).collect()
    }

    /// Whether a key stands anywhere in it.
    #[must_use]
    pub fn holds_key(&self, key: &str) -> bool {
        match &self.kind {
            NodeKind::Map(members) => members
                .iter()
                .any(|(name, value)| name == key || value.holds_key(key)),
            NodeKind::List(items) => items.iter().any(|item| item.holds_key(key)),
            NodeKind::Nothing | NodeKind::Text(_) => false,
        }
    }
}

/// What expressions are evaluated against.
#[derive(Debug)]
pub struct Scope<'a> {
    /// Values of parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// Parameters without a value, and whether they are never shown.
    pub open: &'a BTreeMap<String, bool>,
    /// `Mappings`.
    pub mappings: Option<&'a Value>,
    /// Which conditions hold.
    pub conditions: &'a BTreeMap<String, bool>,
}

impl Scope<'_> {
    /// The value of a part of the template.
    #[must_use]
    pub fn evaluate(&self, value: &Value) -> Node {
        self.at_depth(value, 0)
    }

    fn at_depth(&self, value: &Value, depth: usize) -> Node {
        let at = value.at;
        if depth > DEPTH_MAX {
            return hole(at, "an expression that is nested too deeply");
        }
        let kind = match &value.kind {
            _ if value.is_null() => NodeKind::Nothing,
            Kind::Text { text, .. } => NodeKind::Text(Text::known(text)),
            Kind::Unresolved => NodeKind::Text(Text(vec![Piece::Hole("an expression".to_owned())])),
            Kind::List(items) => {
                let items = items.iter().map(|item| self.at_depth(item, depth + 1));
                NodeKind::List(items.filter(Node::is_there).collect())
            }
            Kind::Map(members) => match members.as_slice() {
                [only] if is_function(&only.key) => {
                    return self.function(&only.key, &only.value, at, depth);
                }
                members => {
                    let members = members.iter().map(|member| {
                        let value = self.at_depth(&member.value, depth + 1);
                        (member.key.clone(), value)
                    });
                    NodeKind::Map(members.filter(|(_, value)| value.is_there()).collect())
                }
            },
        };
        Node { at, kind }
    }

    fn function(&self, name: &str, value: &Value, at: Place, depth: usize) -> Node {
        let argument = |index: usize| {
            let item = value.items().get(index);
            item.map_or_else(|| NOTHING.clone(), |item| self.at_depth(item, depth + 1))
        };
        match name {
            "Ref" => self.reference(value.as_text().unwrap_or_default(), at),
            "Fn::GetAtt" => attribute(value, at),
            "Fn::If" => {
                let named = value.items().first().and_then(Value::as_text);
                let holds = named.and_then(|name| self.conditions.get(name));
                argument(if holds.copied().unwrap_or(true) { 1 } else { 2 })
            }
            "Fn::Join" => join(&argument(0), &argument(1), at),
            "Fn::Sub" => self.substitute(value, at, depth),
            "Fn::Split" => split(&argument(0), &argument(1), at),
            "Fn::Select" => select(&argument(0), &argument(1), at),
            "Fn::FindInMap" => self.find_in_map(&argument(0), &argument(1), &argument(2), at),
            "Fn::Base64" | "Fn::Transform" | "Fn::Cidr" | "Fn::GetAZs" | "Fn::ImportValue" => {
                hole(at, name)
            }
            other => hole(at, other),
        }
    }

    fn reference(&self, name: &str, at: Place) -> Node {
        let piece = match name {
            "AWS::NoValue" => {
                return Node {
                    at,
                    kind: NodeKind::Nothing,
                };
            }
            "AWS::Partition" => Piece::Known("aws".to_owned()),
            "AWS::URLSuffix" => Piece::Known("amazonaws.com".to_owned()),
            pseudo if pseudo.starts_with("AWS::") => Piece::Known(format!("${{{pseudo}}}")),
            name => match (self.parameters.get(name), self.open.get(name)) {
                (Some(value), _) => Piece::Known(value.clone()),
                (None, Some(no_echo)) => Piece::Parameter {
                    name: name.to_owned(),
                    no_echo: *no_echo,
                },
                (None, None) => Piece::Ref(name.to_owned()),
            },
        };
        Node {
            at,
            kind: NodeKind::Text(Text(vec![piece])),
        }
    }

    /// `Fn::Sub`, a text or a text with its own names.
    fn substitute(&self, value: &Value, at: Place, depth: usize) -> Node {
        let text = value
            .as_text()
            .or_else(|| value.items().first().and_then(Value::as_text));
        let own = value.items().get(1);
        let mut out = Text::default();
        let mut rest = text.unwrap_or_default();
        while let Some((before, after)) = rest.split_once("${") {
            out.push(Text::known(before));
            let Some((name, after)) = after.split_once('}') else {
                out.push(Text::known("${"));
                rest = after;
                continue;
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                out.push(Text::known(format!("${{{literal}}}")));
                continue;
            }
            let named = own.and_then(|own| own.get(name));
            let node = match (named, name.split_once('.')) {
                (Some(value), _) => self.at_depth(value, depth + 1),
                (None, Some((id, attribute))) => Node {
                    at,
                    kind: NodeKind::Text(Text(vec![Piece::Attribute(
                        id.to_owned(),
                        attribute.to_owned(),
                    )])),
                },
                (None, None) => self.reference(name, at),
            };
            out.push(node.text().cloned().unwrap_or_default());
        }
        out.push(Text::known(rest));
        Node {
            at,
            kind: NodeKind::Text(out),
        }
    }

    fn find_in_map(&self, map: &Node, first: &Node, second: &Node, at: Place) -> Node {
        let found = self.mappings.and_then(|mappings| {
            let first_level = mappings.get(map.literal()?)?.get(first.literal()?)?;
            first_level.get(second.literal()?)
        });
        found.map_or_else(
            || hole(at, "Fn::FindInMap"),
            |value| self.at_depth(value, DEPTH_MAX / 2),
        )
    }
}

fn is_function(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}

fn hole(at: Place, what: &str) -> Node {
    Node {
        at,
        kind: NodeKind::Text(Text(vec![Piece::Hole(what.to_owned())])),
    }
}

fn attribute(value: &Value, at: Place) -> Node {
    let (id, attribute) = match (value.as_text(), value.items()) {
        (Some(text), _) => text.split_once('.').unwrap_or((text, "")),
        (None, [id, attribute]) => (
            id.as_text().unwrap_or_default(),
            attribute.as_text().unwrap_or_default(),
        ),
        _ => return hole(at, "Fn::GetAtt"),
    };
    Node {
        at,
        kind: NodeKind::Text(Text(vec![Piece::Attribute(
            id.to_owned(),
            attribute.to_owned(),
        )])),
    }
}

fn join(separator: &Node, items: &Node, at: Place) -> Node {
    let separator = separator.literal().unwrap_or_default();
    let mut out = Text::default();
    for (index, item) in items.items().iter().enumerate() {
        if index > 0 {
            out.push(Text::known(separator));
        }
        out.push(item.text().cloned().unwrap_or_default());
    }
    Node {
        at,
        kind: NodeKind::Text(out),
    }
}

/// The parts of a known text; of any other text, the text itself in every place.
fn split(separator: &Node, text: &Node, at: Place) -> Node {
    let kind = match (separator.literal(), text.literal()) {
        (Some(separator), Some(text)) if !separator.is_empty() => {
            let parts = text.split(separator).map(|part| Node {
                at,
                kind: NodeKind::Text(Text::known(part)),
            });
            NodeKind::List(parts.collect())
        }
        _ => text.kind.clone(),
    };
    Node { at, kind }
}

fn select(index: &Node, list: &Node, at: Place) -> Node {
    match (&list.kind, index.number()) {
        (NodeKind::List(items), Some(index)) => {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            items
                .get(index)
                .cloned()
                .unwrap_or_else(|| hole(at, "Fn::Select"))
        }
        (NodeKind::Text(_), _) => Node {
            at,
            kind: list.kind.clone(),
        },
        _ => hole(at, "Fn::Select"),
    }
}
