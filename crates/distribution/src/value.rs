//! JSON and YAML as one tree of values that know where they stand.
//!
//! Always holds: work and memory are bounded by [`BYTES_MAX`], [`DEPTH_MAX`] and [`NODES_MAX`]; aliases are refused, so no
//! text grows into more than it says; no key is there twice in one map; CloudFormation's short tags are written out as
//! `Fn::` members. Deliberately absent: types. A scalar is text, and says only whether it was quoted.

mod tags;

use crate::fault::{Faults, Place, Rule};
use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError};
use std::collections::BTreeSet;

/// The largest text that is read, in bytes.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;
/// The deepest nesting of lists and maps.
pub const DEPTH_MAX: usize = 128;
/// The most values in one text, keys among them.
pub const NODES_MAX: usize = 500_000;

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Where it begins.
    pub at: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A scalar.
    Text {
        /// As written, escapes resolved.
        text: String,
        /// Whether it stood without quotes: only then is it a number, a truth value or nothing.
        plain: bool,
    },
    /// A list.
    List(Vec<Value>),
    /// A map, in its order.
    Map(Vec<Member>),
    /// An expression of a template without a value; it was reported where that was found.
    Unresolved,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub at: Place,
    /// The value.
    pub value: Value,
}

impl Value {
    /// A text in quotes.
    #[must_use]
    pub fn text(at: Place, text: impl Into<String>) -> Self {
        let (text, plain) = (text.into(), false);
        Self {
            at,
            kind: Kind::Text { text, plain },
        }
    }

    /// A map of one member.
    #[must_use]
    pub fn single(at: Place, key: &str, value: Self) -> Self {
        let key = key.to_owned();
        Self {
            at,
            kind: Kind::Map(vec![Member { key, at, value }]),
        }
    }

    /// The text of a scalar.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The members of a map; of anything else none.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Map(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; of anything else none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let mut members = self.members().iter();
        members.find(|m| m.key == key).map(|member| &member.value)
    }

    /// Whether it is nothing: `null`, `~` or left empty.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Text { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What a message calls it.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            _ if self.is_null() => "nothing",
            Kind::Text { .. } => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Unresolved => "unresolved",
        }
    }
}

/// Reads one document, JSON or YAML.
///
/// # Errors
/// What is wrong with the text, and where.
pub fn read(bytes: &[u8]) -> Result<Value, Vec<crate::Fault>> {
    let faults = Faults::default();
    let read = parse(bytes, &faults);
    faults.end(read)
}

/// Reads one document; what is wrong goes to `faults`.
pub(crate) fn parse(bytes: &[u8], faults: &Faults) -> Option<Value> {
    if bytes.len() > BYTES_MAX {
        let message = format!("{} bytes; at most {BYTES_MAX} are read", bytes.len());
        faults.add("", Place::START, Rule::Limit, message);
        return None;
    }
    let Ok(source) = std::str::from_utf8(bytes) else {
        faults.add("", Place::START, Rule::Syntax, "the text is not UTF-8");
        return None;
    };
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX
    };
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let parser = Parser::new_from_str_with_options(source, options);
    let mut builder = Builder { parser, nodes: 0 };
    match builder.document() {
        Ok(value) => Some(value),
        Err(stop) => {
            faults.add("", stop.at, stop.rule, stop.message);
            None
        }
    }
}

/// Why reading ends.
struct Stop {
    at: Place,
    rule: Rule,
    message: String,
}

impl Stop {
    fn syntax(at: Place, message: impl Into<String>) -> Self {
        let (rule, message) = (Rule::Syntax, message.into());
        Self { at, rule, message }
    }
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        let deep = *error.kind() == granit_parser::ErrorKind::RecursionLimitExceeded;
        Self {
            at: place(error.marker()),
            rule: if deep { Rule::Limit } else { Rule::Syntax },
            message: error.kind().to_string(),
        }
    }
}

struct Builder<P> {
    parser: P,
    nodes: usize,
}

type Spanned<'s> = (Event<'s>, granit_parser::Span);

impl<'s, P: Iterator<Item = Result<Spanned<'s>, ScanError>>> Builder<P> {
    fn next(&mut self) -> Result<Option<Spanned<'s>>, Stop> {
        Ok(self.parser.next().transpose()?)
    }

    fn document(&mut self) -> Result<Value, Stop> {
        let mut root = None;
        while let Some((event, at)) = self.next()? {
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    let message = "a second document begins here";
                    return Err(Stop::syntax(place(&at.start), message));
                }
                Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(..)
                | Event::DocumentEnd => {}
                event => root = Some(self.value(event, &at, 0)?),
            }
        }
        root.ok_or_else(|| Stop::syntax(Place::START, "the text is empty"))
    }

    fn value(
        &mut self,
        event: Event<'s>,
        span: &granit_parser::Span,
        depth: usize,
    ) -> Result<Value, Stop> {
        let at = place(&span.start);
        self.count(at, depth)?;
        let (kind, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                let (text, plain) = (text.into_owned(), style == ScalarStyle::Plain);
                (Kind::Text { text, plain }, tag)
            }
            Event::SequenceStart(_, _, tag) => (self.list(depth)?, tag),
            Event::MappingStart(_, _, tag) => (self.map(depth)?, tag),
            _ => return Err(Stop::syntax(at, "aliases (`*name`) are not read")),
        };
        let value = Value { at, kind };
        match tag {
            None => Ok(value),
            Some(tag) => tags::written_out(&tag.to_string(), value).map_err(|tag| {
                Stop::syntax(
                    at,
                    format!("the tag `{tag}` is none of CloudFormation's functions"),
                )
            }),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Stop> {
        let mut items = Vec::new();
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.value(event, &at, depth + 1)?);
        }
        Ok(Kind::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Stop> {
        let (mut members, mut known) = (Vec::new(), BTreeSet::new());
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.value(event, &at, depth + 1)?;
            let Kind::Text { text, .. } = key.kind else {
                return Err(Stop::syntax(key.at, "a key is a single word"));
            };
            if !known.insert(text.clone()) {
                return Err(Stop::syntax(key.at, format!("`{text}` is there twice")));
            }
            let Some((event, at)) = self.next()? else {
                break;
            };
            let value = self.value(event, &at, depth + 1)?;
            let (key, at) = (text, key.at);
            members.push(Member { key, at, value });
        }
        Ok(Kind::Map(members))
    }

    fn count(&mut self, at: Place, depth: usize) -> Result<(), Stop> {
        self.nodes += 1;
        let message = if depth > DEPTH_MAX {
            format!("lists and maps are nested more than {DEPTH_MAX} deep")
        } else if self.nodes > NODES_MAX {
            format!("more than {NODES_MAX} values")
        } else {
            return Ok(());
        };
        let rule = Rule::Limit;
        Err(Stop { at, rule, message })
    }
}

fn place(marker: &Marker) -> Place {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Place {
        line: number(marker.line()).max(1),
        column: number(marker.col()).saturating_add(1),
    }
}

#[cfg(test)]
mod tests;
