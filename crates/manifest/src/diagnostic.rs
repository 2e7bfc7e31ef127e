//! What is wrong with a manifest: each mistake with its code, its place, what was expected and the nearest right word.
//!
//! Always holds: a run's diagnostics are sorted by place and none stands twice; no control character of the input reaches
//! a terminal. Deliberately absent: the decision to stop. Readers report and go on, so one run shows everything.

use crate::codes::{self, Code};
use crate::node::Span;
use serde::Serialize;
use std::fmt;

/// The most diagnostics of one run; what comes after is counted and not kept.
pub const DIAGNOSTICS_MAX: usize = 200;
/// The most diagnostics kept while reading, before they are sorted and cut.
const FOUND_MAX: usize = 4 * DIAGNOSTICS_MAX;
/// The longest excerpt of a source line, in characters.
const EXCERPT_MAX: usize = 160;

/// A position in the manifest, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing is compiled.
    Error,
    /// It compiles and is probably not meant.
    Warning,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Its code, explained by `portcullis help CODE`.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// How many characters are meant, at least 1.
    pub width: u32,
    /// What is wrong: lower case, no full stop, the input in backticks.
    pub message: String,
    /// The nearest right word or value, if there is one.
    pub did_you_mean: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// The source line, cut to what fits.
    #[serde(skip)]
    pub(crate) excerpt: Excerpt,
}

/// A piece of a source line and the column at which it begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Excerpt {
    pub(crate) text: String,
    pub(crate) first_column: u32,
}

impl Diagnostic {
    /// Adds what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(printable(&help.into()));
        self
    }

    /// Adds the nearest right word.
    pub(crate) fn nearest(&mut self, word: Option<impl Into<String>>) -> &mut Self {
        self.did_you_mean = word.map(Into::into);
        self
    }
}

/// Everything that is wrong with one file, sorted by place; at least one entry is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostics {
    /// The file, as it was named.
    pub file: String,
    /// The mistakes.
    pub diagnostics: Vec<Diagnostic>,
    /// How many more there are beyond [`DIAGNOSTICS_MAX`].
    pub left_out: usize,
}

impl Diagnostics {
    /// One diagnostic for a manifest that is wrong in a way no rule names.
    pub(crate) fn unreadable(file: &str) -> Self {
        let mut sink = Sink::new("");
        sink.error(codes::SITE, Span::START, "the manifest cannot be compiled");
        sink.finish(file).err().unwrap_or_else(|| Self {
            file: file.to_owned(),
            diagnostics: Vec::new(),
            left_out: 1,
        })
    }
}

impl fmt::Display for Diagnostics {
    /// As [`Diagnostics::render`] without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// Collects diagnostics while a manifest is read.
#[derive(Debug)]
pub(crate) struct Sink<'s> {
    lines: Vec<&'s str>,
    found: Vec<Diagnostic>,
    /// The one that may still get help.
    latest: Option<Diagnostic>,
    left_out: usize,
    /// Where a value was refused, in the manifest's structure; what follows from it is not reported again.
    lost: Vec<Vec<String>>,
}

impl<'s> Sink<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        Self {
            lines: lines(source),
            found: Vec::new(),
            latest: None,
            left_out: 0,
            lost: Vec::new(),
        }
    }

    /// Reports an error; the result takes help and the nearest word.
    pub(crate) fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Error, code, span, &message.into())
    }

    /// Reports a warning.
    pub(crate) fn warning(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, code, span, &message.into())
    }

    fn add(
        &mut self,
        severity: Severity,
        code: Code,
        span: Span,
        message: &str,
    ) -> &mut Diagnostic {
        let excerpt = self.excerpt(span.place);
        if let Some(full) = self.latest.take() {
            self.keep(full);
        }
        self.latest.insert(Diagnostic {
            code,
            severity,
            place: span.place,
            width: span.width,
            message: printable(message),
            did_you_mean: None,
            help: None,
            excerpt,
        })
    }

    fn keep(&mut self, diagnostic: Diagnostic) {
        if self.found.len() < FOUND_MAX {
            self.found.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// Marks the value at `pointer` as refused.
    pub(crate) fn lose(&mut self, pointer: &[String]) {
        if self.lost.len() < FOUND_MAX {
            self.lost.push(pointer.to_vec());
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found
            .iter()
            .chain(&self.latest)
            .any(|d| d.severity == Severity::Error)
    }

    /// The pointers of all refused values.
    pub(crate) fn lost(&self) -> &[Vec<String>] {
        &self.lost
    }

    fn excerpt(&self, place: Place) -> Excerpt {
        let index = usize::try_from(place.line)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let line = self.lines.get(index).copied().unwrap_or_default();
        let column = usize::try_from(place.column).unwrap_or(1);
        let first = if column > EXCERPT_MAX - 40 {
            column - 40
        } else {
            1
        };
        let text: String = line
            .chars()
            .skip(first - 1)
            .take(EXCERPT_MAX)
            .map(visible)
            .collect();
        Excerpt {
            text,
            first_column: u32::try_from(first).unwrap_or(1),
        }
    }

    /// The warnings if there is no error, else everything; both sorted.
    pub(crate) fn finish(mut self, file: &str) -> Result<Vec<Diagnostic>, Diagnostics> {
        if let Some(latest) = self.latest.take() {
            self.keep(latest);
        }
        self.found
            .sort_by(|a, b| (a.place, a.code, &a.message).cmp(&(b.place, b.code, &b.message)));
        self.found
            .dedup_by(|a, b| (a.place, a.code, &a.message) == (b.place, b.code, &b.message));
        let beyond = self.found.len().saturating_sub(DIAGNOSTICS_MAX);
        let errors = self.found.iter().any(|d| d.severity == Severity::Error);
        self.found.truncate(DIAGNOSTICS_MAX);
        if errors {
            Err(Diagnostics {
                file: printable(file),
                diagnostics: self.found,
                left_out: self.left_out + beyond,
            })
        } else {
            Ok(self.found)
        }
    }
}

/// The lines of a text as YAML counts them: LF, CR and CR LF each end one.
fn lines(source: &str) -> Vec<&str> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    source
        .split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
        .collect()
}

/// The text without control characters, which could move a terminal's cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

fn visible(c: char) -> char {
    // Bidirectional controls reorder what is read (CVE-2021-42574).
    let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match c {
        '\t' => ' ',
        _ if c.is_control() || reorders => '\u{fffd}',
        _ => c,
    }
}
