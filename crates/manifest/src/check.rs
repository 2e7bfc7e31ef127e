//! The check of a file's structure against the declared shapes: keys, types, words and single values.
//!
//! Always holds: every mistake is reported where it stands, and its pointer is marked as lost, so that what follows from
//! it is not reported again. Deliberately absent: any conversion; readers convert what passed.

use crate::codes;
use crate::diagnostic::Sink;
use crate::nearest::nearest;
use crate::node::{Entry, Kind, Node, Span};
use crate::shape::{Key, Mistake, Record, Shape, Text, Word};
use crate::text::implicit_type;
use std::collections::HashMap;

/// Checks `root` against `shape`.
pub(crate) fn check(root: &Node, shape: &Shape, sink: &mut Sink) {
    Check {
        sink,
        pointer: Vec::new(),
    }
    .value(root, root.span, shape);
}

struct Check<'s, 'd> {
    sink: &'d mut Sink<'s>,
    pointer: Vec<String>,
}

impl Check<'_, '_> {
    /// `owner` is the key a value belongs to, which is where a missing value is reported.
    fn value(&mut self, node: &Node, owner: Span, shape: &Shape) {
        if matches!(node.kind, Kind::Refused) {
            return self.sink.lose(&self.pointer);
        }
        if node.is_null() && !matches!(shape, Shape::Either(_)) {
            self.sink
                .error(
                    codes::NO_VALUE,
                    owner,
                    format!("a value is missing, expected {}", expected(shape)),
                )
                .help("write the value, or leave the key out to get its default");
            return self.sink.lose(&self.pointer);
        }
        match (shape, &node.kind) {
            (Shape::Either(shapes), _) => self.either(node, owner, shapes),
            (Shape::Text(kind), Kind::Scalar { text, plain }) => {
                self.text(text, *plain, node.span, kind)
            }
            (Shape::Word(words), Kind::Scalar { text, .. }) => self.word(text, node.span, words),
            (Shape::Flag, Kind::Scalar { text, plain }) => self.flag(text, *plain, node.span),
            (Shape::Number { min, max }, Kind::Scalar { text, .. }) => {
                self.number(text, node.span, *min, *max)
            }
            (Shape::List(items), Kind::Seq(nodes)) => self.list(nodes, owner, items),
            (Shape::Named { names, values }, Kind::Map(entries)) => {
                self.named(entries, names, values)
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

    fn wrong_type(&mut self, node: &Node, shape: &Shape) {
        self.sink.error(
            codes::WRONG_TYPE,
            node.span,
            format!("expected {}, found {}", expected(shape), node.describe()),
        );
        self.sink.lose(&self.pointer);
    }

    fn either(&mut self, node: &Node, owner: Span, shapes: &'static [Shape]) {
        let fits = |shape: &&Shape| match node.kind {
            _ if node.is_null() => false,
            Kind::Seq(_) => matches!(shape, Shape::List(_)),
            Kind::Map(_) => matches!(shape, Shape::Named { .. } | Shape::Record(_)),
            _ => !matches!(
                shape,
                Shape::List(_) | Shape::Named { .. } | Shape::Record(_)
            ),
        };
        match shapes.iter().find(fits) {
            Some(shape) => self.value(node, owner, shape),
            None => {
                let wanted: Vec<String> = shapes.iter().map(expected).collect();
                let message = format!(
                    "expected {}, found {}",
                    wanted.join(", or "),
                    node.describe()
                );
                self.sink.error(
                    codes::WRONG_TYPE,
                    if node.is_null() { owner } else { node.span },
                    message,
                );
                self.sink.lose(&self.pointer);
            }
        }
    }

    fn text(&mut self, text: &str, plain: bool, span: Span, kind: &Text) {
        if let Some(other) = implicit_type(text).filter(|_| plain) {
            self.sink
                .error(
                    codes::WRONG_TYPE,
                    span,
                    format!("`{text}` is a YAML {other} where text is needed"),
                )
                .nearest(Some(format!("\"{text}\"")).filter(|_| (kind.check)(text).is_ok()))
                .help(format!("expected {}", kind.expected));
            return self.sink.lose(&self.pointer);
        }
        if let Err(Mistake { message, nearest }) = (kind.check)(text) {
            let message = message.unwrap_or_else(|| format!("`{text}` is not what is needed here"));
            self.sink
                .error(kind.code, span, message)
                .nearest(nearest)
                .help(format!("expected {}", kind.expected));
            self.sink.lose(&self.pointer);
        }
    }

    fn word(&mut self, text: &str, span: Span, words: &'static [Word]) {
        if words.iter().any(|w| w.word == text) {
            return;
        }
        let list: Vec<&str> = words.iter().map(|w| w.word).collect();
        self.sink
            .error(codes::WORD, span, format!("unknown word `{text}`"))
            .nearest(nearest(text, list.iter().copied()))
            .help(format!("expected {}", one_of(&list)));
        self.sink.lose(&self.pointer);
    }

    fn flag(&mut self, text: &str, plain: bool, span: Span) {
        if plain && matches!(text, "true" | "false") {
            return;
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
        self.sink.lose(&self.pointer);
    }

    fn number(&mut self, text: &str, span: Span, min: u64, max: u64) {
        if number(text).is_some_and(|n| (min..=max).contains(&n)) {
            return;
        }
        let help = if min == max {
            format!("expected {min}")
        } else {
            format!("expected a whole number from {min} to {max}")
        };
        self.sink
            .error(codes::NUMBER, span, format!("`{text}` is not in range"))
            .help(help);
        self.sink.lose(&self.pointer);
    }

    fn list(&mut self, nodes: &[Node], owner: Span, items: &'static Shape) {
        if nodes.is_empty() {
            self.sink
                .error(codes::EMPTY_LIST, owner, "the list is empty")
                .help("name at least one item, or leave the key out");
            self.sink.lose(&self.pointer);
        }
        for (i, node) in nodes.iter().enumerate() {
            self.at(i.to_string(), |check| check.value(node, node.span, items));
        }
    }

    fn named(&mut self, entries: &[Entry], names: &'static Text, values: &'static Shape) {
        self.duplicates(entries);
        for entry in entries {
            self.at(entry.key.clone(), |check| {
                check.text(&entry.key, false, entry.span, names);
                check.value(&entry.value, entry.span, values);
            });
        }
    }

    fn record(&mut self, entries: &[Entry], owner: Span, record: &'static Record) {
        self.duplicates(entries);
        for entry in entries {
            match record.key(&entry.key) {
                Some(key) => self.at(key.name, |check| {
                    check.value(&entry.value, entry.span, &key.shape)
                }),
                None => self.unknown_key(entry, entries, record),
            }
        }
        for key in record
            .keys
            .iter()
            .filter(|key| key.required && !has(entries, key.name))
        {
            self.missing(key, entries, owner, record);
        }
        self.one_of(entries, owner, record.one_of);
    }

    fn unknown_key(&mut self, entry: &Entry, entries: &[Entry], record: &'static Record) {
        let free = record
            .keys
            .iter()
            .map(|key| key.name)
            .filter(|name| !has(entries, name));
        let all: Vec<&str> = record.keys.iter().map(|key| key.name).collect();
        self.sink
            .error(
                codes::UNKNOWN_KEY,
                entry.span,
                format!("unknown key `{}`", entry.key),
            )
            .nearest(nearest(&entry.key, free))
            .help(format!("expected {}", one_of(&all)));
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

    fn one_of(&mut self, entries: &[Entry], owner: Span, choice: &[&'static str]) {
        let present: Vec<&Entry> = entries
            .iter()
            .filter(|entry| choice.contains(&entry.key.as_str()))
            .collect();
        match present.as_slice() {
            _ if choice.is_empty() => {}
            [_] => {}
            [] => {
                let mistyped = entries
                    .iter()
                    .any(|entry| nearest(&entry.key, choice.iter().copied()).is_some());
                if !mistyped {
                    self.sink.error(
                        codes::CHOICE_OF_KEYS,
                        owner,
                        format!("expected one of the keys {}", one_of(choice)),
                    );
                }
                self.sink.lose(&self.pointer);
            }
            [first, rest @ ..] => {
                for entry in rest.iter().filter(|entry| entry.key != first.key) {
                    let message = format!("`{}` cannot stand beside `{}`", entry.key, first.key);
                    self.sink
                        .error(codes::CHOICE_OF_KEYS, entry.span, message)
                        .help(format!("write only one of {}", one_of(choice)));
                }
                self.sink.lose(&self.pointer);
            }
        }
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
