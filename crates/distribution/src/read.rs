//! Taking a tree apart by the names of its members, and collecting what does not fit.
//!
//! Always holds: a member that nobody asked for is a fault, and so is a value of the wrong type; reading goes on behind
//! it. What a template left unresolved was reported before and is passed over. Deliberately absent: what members mean.

use crate::fault::{Faults, Rule};
use crate::value::{Kind, Member, Value};
use std::cell::RefCell;
use std::ops::RangeInclusive;

/// In whose shapes a tree is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The API: lists are `{Quantity, Items}`.
    Api,
    /// CloudFormation: lists are lists, scalars may be text.
    Template,
}

/// What all cursors of one text share.
#[derive(Clone, Copy)]
pub struct Context<'v> {
    /// Where faults go.
    pub faults: &'v Faults,
    /// The dialect.
    pub dialect: Dialect,
    /// Whether a number in quotes is a mistake: in JSON it is, in YAML nobody quotes text.
    pub strict: bool,
}

/// A value, with the path that leads to it.
#[derive(Clone)]
pub struct Item<'v> {
    /// What all share.
    pub context: Context<'v>,
    /// The path.
    pub path: String,
    /// The value.
    pub value: &'v Value,
}

impl<'v> Item<'v> {
    /// Reports a fault of this value.
    pub fn fault(&self, rule: Rule, message: impl Into<String>) {
        let (faults, at) = (self.context.faults, self.value.at);
        faults.add(&self.path, at, rule, message);
    }

    fn wrong(&self, expected: &str) {
        if self.value.kind != Kind::Unresolved {
            let message = format!("expected {expected}, this is {}", self.value.describe());
            self.fault(Rule::WrongType, message);
        }
    }

    /// A text.
    pub fn text(&self) -> Option<&'v str> {
        match &self.value.kind {
            Kind::Text { text, plain } if !(*plain && self.context.strict) => Some(text),
            _ => {
                self.wrong("text");
                None
            }
        }
    }

    /// A scalar that must not be in quotes where the text is strict.
    fn bare(&self) -> Option<&'v str> {
        match &self.value.kind {
            Kind::Text { text, plain } if *plain || !self.context.strict => Some(text),
            _ => None,
        }
    }

    /// A truth value.
    pub fn boolean(&self) -> Option<bool> {
        match self.bare() {
            Some("true" | "True" | "TRUE") => Some(true),
            Some("false" | "False" | "FALSE") => Some(false),
            _ => {
                self.wrong("`true` or `false`");
                None
            }
        }
    }

    /// A finite number.
    pub fn number(&self) -> Option<f64> {
        let number = self.bare().and_then(|text| text.parse::<f64>().ok());
        if number.is_none() {
            self.wrong("a number");
        }
        number.filter(|number| number.is_finite())
    }

    /// A whole number; `rule` says what is broken when it is out of `range`.
    pub fn integer(&self, range: RangeInclusive<u64>, rule: Rule) -> Option<u64> {
        let text = self.bare();
        let Some(number) = text.and_then(|text| text.parse::<i64>().ok()) else {
            self.wrong("a whole number");
            return None;
        };
        let fits = u64::try_from(number)
            .ok()
            .filter(|number| range.contains(number));
        if fits.is_none() {
            let (from, to) = (range.start(), range.end());
            self.fault(
                rule,
                format!("{number} is out of range: expected {from} to {to}"),
            );
        }
        fits
    }

    /// The value that a table has for a text.
    pub fn one_of<T: Clone>(&self, table: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = table.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
            let message = format!("`{text}` is none of {}", names.join(", "));
            self.fault(Rule::InvalidArgument, message);
        }
        found.map(|(_, value)| value.clone())
    }

    /// A map.
    pub fn object(self) -> Option<Object<'v>> {
        if let Kind::Map(members) = &self.value.kind {
            let seen = RefCell::default();
            let item = self;
            return Some(Object {
                item,
                members,
                seen,
            });
        }
        self.wrong("a map");
        None
    }

    /// The items of a list in the dialect of the text.
    pub fn items(self) -> Vec<Self> {
        let template = self.context.dialect == Dialect::Template;
        match &self.value.kind {
            Kind::List(_) if template => self.plain_items(),
            Kind::Map(_) => self.counted(template),
            _ => {
                let list = "`Quantity` and `Items`";
                self.wrong(if template { "a list" } else { list });
                Vec::new()
            }
        }
    }

    /// The items of a list that both dialects write as a list.
    pub fn plain_items(&self) -> Vec<Self> {
        if !matches!(self.value.kind, Kind::List(_)) {
            self.wrong("a list");
        }
        let items = self.value.items().iter().enumerate();
        items
            .map(|(index, value)| Self {
                context: self.context,
                path: format!("{}[{index}]", self.path),
                value,
            })
            .collect()
    }

    fn counted(self, template: bool) -> Vec<Self> {
        let Some(object) = self.object() else {
            return Vec::new();
        };
        let counted = object.counted_items(template);
        object.end(&[]);
        counted
    }
}

/// A map whose members are asked for by name.
pub struct Object<'v> {
    item: Item<'v>,
    members: &'v [Member],
    seen: RefCell<Vec<&'v str>>,
}

impl<'v> Object<'v> {
    /// Whether the text is a template.
    pub fn is_template(&self) -> bool {
        self.item.context.dialect == Dialect::Template
    }

    /// A fault of the whole map.
    pub fn fault(&self, rule: Rule, message: impl Into<String>) {
        self.item.fault(rule, message);
    }

    /// A fault of one member; of the map where the member is not there.
    pub fn fault_at(&self, name: &str, rule: Rule, message: impl Into<String>) {
        let member = self.members.iter().find(|member| member.key == name);
        let at = member.map_or(self.item.value.at, |member| member.value.at);
        let (faults, path) = (self.item.context.faults, self.path_of(name));
        faults.add(&path, at, rule, message);
    }

    fn path_of(&self, name: &str) -> String {
        match self.item.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    /// A member; one that is nothing is not there.
    pub fn get(&self, name: &str) -> Option<Item<'v>> {
        let member = self.members.iter().find(|member| member.key == name)?;
        self.seen.borrow_mut().push(&member.key);
        (!member.value.is_null()).then(|| Item {
            context: self.item.context,
            path: self.path_of(name),
            value: &member.value,
        })
    }

    /// A member whose name differs between the dialects.
    pub fn named(&self, api: &str, template: &str) -> Option<Item<'v>> {
        self.get(if self.is_template() { template } else { api })
    }

    /// A member that must be there.
    pub fn required(&self, name: &str) -> Option<Item<'v>> {
        let item = self.get(name);
        if item.is_none() {
            let message = format!("`{name}` is missing");
            self.fault_at(name, Rule::MissingMember, message);
        }
        item
    }

    /// A text; an empty one is not there.
    pub fn text(&self, name: &str) -> Option<&'v str> {
        let text = self.get(name)?.text()?;
        (!text.is_empty()).then_some(text)
    }

    /// A text that must be there.
    pub fn required_text(&self, name: &str) -> Option<&'v str> {
        self.required(name)?.text()
    }

    /// A truth value; one that is not there is false.
    pub fn boolean(&self, name: &str) -> bool {
        self.get(name)
            .and_then(|item| item.boolean())
            .unwrap_or(false)
    }

    /// A whole number in a range.
    pub fn integer(&self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.get(name)?.integer(range, Rule::InvalidArgument)
    }

    /// A map.
    pub fn object(&self, name: &str) -> Option<Self> {
        self.get(name)?.object()
    }

    /// The items of a list.
    pub fn items(&self, name: &str) -> Vec<Item<'v>> {
        self.get(name).map(Item::items).unwrap_or_default()
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.get(name).map(texts).unwrap_or_default()
    }

    /// `Items` of this map, counted by `Quantity`.
    pub fn counted_items(&self, quantity_optional: bool) -> Vec<Item<'v>> {
        let items = self.get("Items").map(|items| items.plain_items());
        let items = items.unwrap_or_default();
        let quantity = match quantity_optional {
            true => self.get("Quantity"),
            false => self.required("Quantity"),
        };
        let any = 0..=u64::from(u32::MAX);
        let quantity = quantity.and_then(|q| q.integer(any, Rule::InvalidArgument));
        if quantity.is_some_and(|quantity| usize::try_from(quantity) != Ok(items.len())) {
            let message = format!(
                "`Quantity` and the number of items, {}, differ",
                items.len()
            );
            self.fault_at("Quantity", Rule::InconsistentQuantities, message);
        }
        items
    }

    /// Reports the members nobody asked for; `passed_over` are known and change no answer.
    pub fn end(&self, passed_over: &[&str]) {
        let seen = self.seen.borrow();
        for member in self.members {
            let key = member.key.as_str();
            if !seen.contains(&key) && !passed_over.contains(&key) {
                let (faults, path) = (self.item.context.faults, self.path_of(key));
                let message = format!("`{key}` is not known here");
                faults.add(&path, member.at, Rule::UnknownMember, message);
            }
        }
    }
}

/// The texts of a list.
pub fn texts(item: Item<'_>) -> Vec<String> {
    let items = item.items();
    let texts = items.iter().filter_map(Item::text);
    texts.map(str::to_owned).collect()
}

/// A cursor at the root of a tree.
pub fn root<'v>(faults: &'v Faults, dialect: Dialect, strict: bool, value: &'v Value) -> Item<'v> {
    let context = Context {
        faults,
        dialect,
        strict,
    };
    Item {
        context,
        path: String::new(),
        value,
    }
}

/// Whether a text is JSON, where text is always in quotes and numbers never are.
pub fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}
