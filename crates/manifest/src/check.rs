//! The check of a file's structure against the declared shapes: keys, types, words and single values.
//!
//! Always holds: every mistake is reported where it stands; what is refused is taken out of the tree, so that no reader
//! can use it, and its pointer is marked as lost, so that what follows from it is not reported again. Deliberately absent: any conversion; readers convert what passed.

use crate::codes;
use crate::diagnostic::Sink;
use crate::nearest::nearest;
use crate::node::{Entry, Kind, Node, Span};
use crate::shape::{Key, Mistake, Record, Shape, Text, Word};
use crate::text::implicit_type;
use std::collections::HashMap;

/// Checks `root` against `shape`, and takes out of it what is refused.
pub(crate) fn check(root: &mut Node, shape: &Shape, sink: &mut Sink) {
    let owner = root.span;
    Check {
        sink,
        pointer: Vec::new(),
    }
    .value(root, owner, shape);
}

/// What a check says of one value.
type Verdict = Result<(), Refused>;

/// The value cannot be used; why has been reported.
struct Refused;

struct Check<'s, 'd> {
    sink: &'d mut Sink<'s>,
    pointer: Vec<String>,
}

impl Check<'_, '_> {
    /// `owner` is the key a value belongs to, which is where a missing value is reported.
    fn value(&mut self, node: &mut Node, owner: Span, shape: &Shape) {
        if self.judge(node, owner, shape).is_err() {
            node.kind = Kind::Refused;
            self.sink.lose(&self.pointer);
        }
    }

    fn judge(&mut self, node: &mut Node, owner: Span, shape: &Shape) -> Verdict {
        if node.is_null() {
            self.sink
                .error(
                    codes::NO_VALUE,
                    owner,
                    format!("a value is missing, expected {}", expected(shape)),
                )
                .help("write the value, or leave the key out to get its default");
            return Err(Refused);
        }
        let span = node.span;
        match (shape, &mut node.kind) {
            (_, Kind::Refused) => Err(Refused),
            (Shape::Either(shapes), kind) => match shapes.iter().find(|shape| fits(shape, kind)) {
                Some(shape) => self.judge(node, owner, shape),
                None => self.wrong_type(node, shape),
            },
            (Shape::Text(kind), Kind::Scalar { text, plain }) => {
                self.text(text, *plain, span, kind)
            }
            (Shape::Word(words), Kind::Scalar { text, .. }) => self.word(text, span, words),
            (Shape::Flag, Kind::Scalar { text, plain }) => self.flag(text, *plain, span),
            (Shape::Number { min, max }, Kind::Scalar { text, .. }) => {
                self.number(text, span, *min, *max)
            }
            (Shape::List(items), Kind::Seq(nodes)) => self.list(nodes, owner, items),
            (Shape::Named { names, values }, Kind::Map(entries)) => {
                self.named(entries, names, values);
                Ok(())
            }
            (Shape::Record(record), Kind::Map(entries)) => self.record(entries, owner, record),
            _ => self.wrong_type(node, shape),
        }
    }

    fn at(&mut self, step: impl Into<String>, go: impl FnOnce(&mut Self)) {
        self.pointer.push(step.into());
        go(self);
        self.pointer.pop();
    }

    fn wrong_type(&mut self, node: &Node, shape: &Shape) -> Verdict {
        let help = match shape {
            Shape::List(_) => "write a list, as in `[one, two]`",
            Shape::Named { .. } | Shape::Record(_) => "write a map, as in `{ key: value }`",
            Shape::Either(_) => "write it in one of these forms",
            Shape::Text(_) | Shape::Word(_) | Shape::Flag | Shape::Number { .. } => {
                "write a single value"
            }
        };
        let message = format!("expected {}, found {}", expected(shape), node.describe());
        self.sink
            .error(codes::WRONG_TYPE, node.span, message)
            .help(help);
        Err(Refused)
    }

    fn text(&mut self, text: &str, plain: bool, span: Span, kind: &Text) -> Verdict {
        let help = format!("expected {}", kind.expected);
        if let Err(Mistake { message, nearest }) = (kind.check)(text) {
            let message = message.unwrap_or_else(|| format!("`{text}` is not what is needed here"));
            self.sink
                .error(kind.code, span, message)
                .nearest(nearest)
                .help(help);
            return Err(Refused);
        }
        let Some(other) = implicit_type(text).filter(|_| plain) else {
            return Ok(());
        };
        self.sink
            .error(
                codes::WRONG_TYPE,
                span,
                format!("`{text}` is a YAML {other} where text is needed"),
            )
            .nearest(Some(format!("\"{text}\"")))
            .help(help);
        Err(Refused)
    }

    fn word(&mut self, text: &str, span: Span, words: &'static [Word]) -> Verdict {
        let list: Vec<&str> = words.iter().map(|w| w.word).collect();
        if list.contains(&text) {
            return Ok(());
        }
        self.sink
            .error(codes::WORD, span, format!("unknown word `{text}`"))
            .nearest(nearest(text, list.iter().copied()))
            .help(format!("expected {}", one_of(&list)));
        Err(Refused)
    }

    fn flag(&mut self, text: &str, plain: bool, span: Span) -> Verdict {
        if plain && matches!(text, "true" | "false") {
            return Ok(());
        }
        let meant = match text.to_lowercase().as_str() {
            "yes" | "on" | "y" | "true" | "1" => Some("true"),
            "no" | "off" | "n" | "false" | "0" => Some("false"),
            _ => None,
        };
        self.sink
            .error(
                codes::WRONG_TYPE,
                span,
                format!("expected `true` or `false`, found `{text}`"),
            )
            .nearest(meant)
            .help("without quotes and in small letters");
        Err(Refused)
    }

    fn number(&mut self, text: &str, span: Span, min: u64, max: u64) -> Verdict {
        if number(text).is_some_and(|n| (min..=max).contains(&n)) {
            return Ok(());
        }
        let help = if min == max {
            format!("expected {min}")
        } else {
            format!("expected a whole number from {min} to {max}")
        };
        self.sink
            .error(codes::NUMBER, span, format!("`{text}` is not in range"))
            .help(help);
        Err(Refused)
    }

    fn list(&mut self, nodes: &mut [Node], owner: Span, items: &'static Shape) -> Verdict {
        if nodes.is_empty() {
            self.sink
                .error(codes::EMPTY_LIST, owner, "the list is empty")
                .help("name at least one item, or leave the key out");
            return Err(Refused);
        }
        for (i, node) in nodes.iter_mut().enumerate() {
            let span = node.span;
            self.at(i.to_string(), |check| check.value(node, span, items));
        }
        Ok(())
    }

    fn named(&mut self, entries: &mut [Entry], names: &'static Text, values: &'static Shape) {
        self.duplicates(entries);
        for entry in entries {
            self.at(entry.key.clone(), |check| {
                if check.text(&entry.key, false, entry.span, names).is_err() {
                    check.sink.lose(&check.pointer);
                }
                check.value(&mut entry.value, entry.span, values);
            });
        }
    }

    fn record(&mut self, entries: &mut [Entry], owner: Span, record: &'static Record) -> Verdict {
        self.duplicates(entries);
        self.unknown_keys(entries, record);
        for key in record
            .keys
            .iter()
            .filter(|key| key.required && !has(entries, key.name))
        {
            self.missing(key, entries, owner, record);
        }
        for entry in entries.iter_mut() {
            if let Some(key) = record.key(&entry.key) {
                self.at(key.name, |check| {
                    check.value(&mut entry.value, entry.span, &key.shape);
                });
            }
        }
        self.one_of(entries, owner, record.one_of)
    }

    fn unknown_keys(&mut self, entries: &[Entry], record: &'static Record) {
        let all: Vec<&str> = record.keys.iter().map(|key| key.name).collect();
        for entry in entries
            .iter()
            .filter(|entry| !all.contains(&entry.key.as_str()))
        {
            let free = all.iter().copied().filter(|name| !has(entries, name));
            self.sink
                .error(
                    codes::UNKNOWN_KEY,
                    entry.span,
                    format!("unknown key `{}`", entry.key),
                )
                .nearest(nearest(&entry.key, free))
                .help(format!("expected {}", one_of(&all)));
        }
    }

    /// A key that is missing because it is mistyped is reported once, as the unknown key it is.
    fn missing(&mut self, key: &Key, entries: &[Entry], owner: Span, record: &'static Record) {
        let unknown = |entry: &&Entry| record.key(&entry.key).is_none();
        let mistyped = entries
            .iter()
            .filter(unknown)
            .any(|entry| nearest(&entry.key, [key.name]).is_some());
        if !mistyped {
            let span = if self.pointer.is_empty() {
                Span::START
            } else {
                owner
            };
            self.sink
                .error(
                    codes::MISSING_KEY,
                    span,
                    format!("the key `{}` is missing", key.name),
                )
                .help(format!("{}: {}", key.name, key.about));
        }
        self.at(key.name, |check| check.sink.lose(&check.pointer));
    }

    fn one_of(&mut self, entries: &[Entry], owner: Span, choice: &[&'static str]) -> Verdict {
        if choice.is_empty() {
            return Ok(());
        }
        let mut present = entries
            .iter()
            .filter(|entry| choice.contains(&entry.key.as_str()));
        let Some(first) = present.next() else {
            let mistyped = entries
                .iter()
                .any(|entry| nearest(&entry.key, choice.iter().copied()).is_some());
            if !mistyped {
                self.sink
                    .error(
                        codes::CHOICE_OF_KEYS,
                        owner,
                        format!("expected one of the keys {}", one_of(choice)),
                    )
                    .help("exactly one of them is needed");
            }
            return Err(Refused);
        };
        let mut verdict = Ok(());
        for entry in present.filter(|entry| entry.key != first.key) {
            let message = format!("`{}` cannot stand beside `{}`", entry.key, first.key);
            self.sink
                .error(codes::CHOICE_OF_KEYS, entry.span, message)
                .help(format!("write only one of {}", one_of(choice)));
            verdict = Err(Refused);
        }
        verdict
    }

    fn duplicates(&mut self, entries: &[Entry]) {
        let mut first: HashMap<&str, u32> = HashMap::new();
        for entry in entries {
            if let Some(line) = first.get(entry.key.as_str()) {
                self.sink
                    .error(
                        codes::DUPLICATE_KEY,
                        entry.span,
                        format!("the key `{}` stands twice", entry.key),
                    )
                    .help(format!(
                        "it stands in line {line} already; remove one of them or merge their values"
                    ));
            } else {
                first.insert(&entry.key, entry.span.place.line);
            }
        }
    }
}

/// Whether a shape is for this kind of value: a single value, a list or a map.
fn fits(shape: &Shape, kind: &Kind) -> bool {
    match kind {
        Kind::Scalar { .. } => !matches!(
            shape,
            Shape::List(_) | Shape::Named { .. } | Shape::Record(_)
        ),
        Kind::Seq(_) => matches!(shape, Shape::List(_)),
        Kind::Map(_) => matches!(shape, Shape::Named { .. } | Shape::Record(_)),
        Kind::Refused => false,
    }
}

/// A whole number in its shortest decimal form.
pub(crate) fn number(text: &str) -> Option<u64> {
    let shortest = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| shortest && digits)
}

fn has(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| entry.key == name)
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Text(kind) => kind.expected.to_owned(),
        Shape::Word(words) => one_of(&words.iter().map(|w| w.word).collect::<Vec<_>>()),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::Number { min, max } => format!("a whole number from {min} to {max}"),
        Shape::List(_) => "a list".to_owned(),
        Shape::Named { .. } => "a map of names".to_owned(),
        Shape::Record(record) => format!(
            "a map with the keys {}",
            one_of(&record.keys.iter().map(|key| key.name).collect::<Vec<_>>())
        ),
        Shape::Either(shapes) => shapes
            .iter()
            .map(expected)
            .collect::<Vec<_>>()
            .join(", or "),
    }
}
