//! YAML text becomes a tree of spanned values, within stated limits.
//!
//! Always holds: work and memory are bounded by [`MANIFEST_BYTES_MAX`], [`DEPTH_MAX`] and [`NODES_MAX`]; anchors, aliases
//! and tags are refused by name, so no text can grow into more than it says. Deliberately absent: YAML's implicit types.

use crate::codes;
use crate::diagnostic::{Place, Sink};
use crate::node::{Entry, Kind, Node, Span};
use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError};

/// The largest manifest that is read, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 1024 * 1024;
/// The deepest nesting of lists and maps.
pub const DEPTH_MAX: usize = 24;
/// The most values in one manifest, keys not counted.
pub const NODES_MAX: usize = 200_000;

/// Reads one document. What cannot be read is reported to `sink`; `None` means that nothing could.
pub(crate) fn parse(source: &str, sink: &mut Sink) -> Option<Node> {
    if source.len() > MANIFEST_BYTES_MAX {
        let message = format!(
            "the manifest has {} bytes, at most {MANIFEST_BYTES_MAX} are read",
            source.len()
        );
        sink.error(codes::TOO_LARGE, Span::START, message)
            .help("split the site in two");
        return None;
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX
    };
    let parser = Parser::new_from_str_with_options(source, options);
    let mut builder = Builder {
        parser,
        sink,
        nodes: 0,
    };
    match builder.document() {
        Ok(node) => node,
        Err(stop) => {
            builder.report(&stop);
            None
        }
    }
}

/// Why reading ends early.
enum Stop {
    Syntax(Box<ScanError>),
    /// Already reported.
    Reported,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Syntax(Box::new(error))
    }
}

struct Builder<'s, 'd, P> {
    parser: P,
    sink: &'d mut Sink<'s>,
    nodes: usize,
}

type Spanned<'s> = (Event<'s>, granit_parser::Span);

impl<'s, P: Iterator<Item = Result<Spanned<'s>, ScanError>>> Builder<'_, '_, P> {
    fn next(&mut self) -> Result<Option<Spanned<'s>>, Stop> {
        Ok(self.parser.next().transpose()?)
    }

    /// The first document, and an error if there is none or another one.
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        while let Some((event, at)) = self.next()? {
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    self.sink
                        .error(codes::DOCUMENTS, span(&at), "a second YAML document begins here")
                        .help("a manifest is one document: remove the `---` or put the other site in a file of its own");
                    return Ok(root);
                }
                Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(..)
                | Event::DocumentEnd => {}
                event => root = Some(self.value(event, &at, 0)?),
            }
        }
        if root.is_none() {
            self.sink
                .error(codes::EMPTY, Span::START, "the manifest is empty")
                .help("`portcullis init` writes one to begin with");
        }
        Ok(root)
    }

    fn value(
        &mut self,
        event: Event<'s>,
        at: &granit_parser::Span,
        depth: usize,
    ) -> Result<Node, Stop> {
        self.count(at, depth)?;
        let here = span(at);
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                (
                    Kind::Scalar {
                        text: text.into_owned(),
                        plain,
                    },
                    anchor,
                    tag,
                )
            }
            Event::SequenceStart(_, anchor, tag) => (self.sequence(depth)?, anchor, tag),
            Event::MappingStart(_, anchor, tag) => (self.mapping(depth)?, anchor, tag),
            _ => {
                self.alias(here);
                return Ok(Node {
                    span: here,
                    kind: Kind::Refused,
                });
            }
        };
        if anchor != 0 {
            self.sink
                .error(codes::ANCHOR, here, "YAML anchors (`&name`) are not supported")
                .help("write the value out where it is needed; names of networks, policies and groups serve the same purpose");
        }
        if let Some(tag) = tag {
            let place = at.tag_start().map_or(here, |start| Span {
                place: place(&start),
                width: 1,
            });
            self.sink
                .error(
                    codes::TAG,
                    place,
                    format!("YAML tags such as `{tag}` are not supported"),
                )
                .help("every value has one meaning here; remove the tag");
            return Ok(Node {
                span: here,
                kind: Kind::Refused,
            });
        }
        Ok(Node { span: here, kind })
    }

    fn sequence(&mut self, depth: usize) -> Result<Kind, Stop> {
        let mut items = Vec::new();
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.value(event, &at, depth + 1)?);
        }
        Ok(Kind::Seq(items))
    }

    fn mapping(&mut self, depth: usize) -> Result<Kind, Stop> {
        let mut entries = Vec::new();
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.value(event, &at, depth + 1)?;
            let Some((event, at)) = self.next()? else {
                break;
            };
            let value = self.value(event, &at, depth + 1)?;
            match key.kind {
                Kind::Scalar { text, .. } => entries.push(Entry {
                    key: text,
                    span: key.span,
                    value,
                }),
                Kind::Refused => {}
                Kind::Seq(_) | Kind::Map(_) => {
                    self.sink
                        .error(
                            codes::KEY_NOT_TEXT,
                            key.span,
                            format!("a key is a single word, this one is {}", key.describe()),
                        )
                        .help("write `key: value`");
                }
            }
        }
        Ok(Kind::Map(entries))
    }

    fn alias(&mut self, here: Span) {
        self.sink
            .error(codes::ANCHOR, here, "YAML aliases (`*name`) are not supported")
            .help("if a pattern was meant, quote it, as in `path: \"*.jpg\"`; else write the value out");
    }

    fn count(&mut self, at: &granit_parser::Span, depth: usize) -> Result<(), Stop> {
        self.nodes += 1;
        let (message, help) = if depth > DEPTH_MAX {
            (
                format!("lists and maps are nested more than {DEPTH_MAX} deep"),
                "no key of a manifest needs that",
            )
        } else if self.nodes > NODES_MAX {
            (
                format!("the manifest has more than {NODES_MAX} values"),
                "split the site, or use prefix lists for long networks",
            )
        } else {
            return Ok(());
        };
        self.sink
            .error(codes::TOO_DEEP, span(at), message)
            .help(help);
        Err(Stop::Reported)
    }

    fn report(&mut self, stop: &Stop) {
        let Stop::Syntax(error) = stop else { return };
        let at = Span {
            place: place(error.marker()),
            width: 1,
        };
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            self.sink
                .error(
                    codes::TOO_DEEP,
                    at,
                    format!("lists and maps are nested more than {DEPTH_MAX} deep"),
                )
                .help("no key of a manifest needs that");
            return;
        }
        self.sink
            .error(
                codes::SYNTAX,
                at,
                format!("this is not YAML: {}", error.kind()),
            )
            .help(syntax_help(error.kind()));
    }
}

fn syntax_help(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::MissingAnchorOrAliasName => {
            "a value that begins with `*` or `&` must be quoted, as in `path: \"*\"`"
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation => "indent with spaces",
        ErrorKind::DirectiveDisallowed => "remove the line that begins with `%`",
        ErrorKind::UnclosedQuotedScalar => "close the quote",
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator => {
            "check that every `[` and `{` is closed and that commas stand between items"
        }
        _ => "check the indentation and that a space follows every `:` and `-`",
    }
}

fn span(at: &granit_parser::Span) -> Span {
    let same_line = at.end.line() == at.start.line();
    let width = if same_line {
        at.end.col().saturating_sub(at.start.col())
    } else {
        1
    };
    Span {
        place: place(&at.start),
        width: number(width).max(1),
    }
}

fn place(marker: &Marker) -> Place {
    Place {
        line: number(marker.line()).max(1),
        column: number(marker.col()).saturating_add(1),
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
