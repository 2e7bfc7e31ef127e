//! Diagnostics as text for people: the place, the source line, a caret, the help.
//!
//! ```text
//! portcullis.yaml:12:5: error[PC1101]: unknown key `orgin`
//!    |
//! 12 |     orgin: handbook
//!    |     ^^^^^ did you mean `origin`?
//!    = help: …
//! ```

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use std::fmt::Write as _;

/// The SGR codes of one rendering; all empty without colour.
struct Style {
    error: &'static str,
    warning: &'static str,
    bold: &'static str,
    frame: &'static str,
    reset: &'static str,
}

const PLAIN: Style = Style {
    error: "",
    warning: "",
    bold: "",
    frame: "",
    reset: "",
};
const COLOUR: Style = Style {
    error: "\x1b[1;31m",
    warning: "\x1b[1;33m",
    bold: "\x1b[1m",
    frame: "\x1b[34m",
    reset: "\x1b[0m",
};

impl Diagnostics {
    /// All diagnostics as text with a closing count, with ANSI colours if `colour`.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let mut out = render(&self.file, &self.diagnostics, colour);
        let errors = self
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count()
            + self.left_out;
        let plural = if errors == 1 { "" } else { "s" };
        let _ = writeln!(out, "{}: {errors} error{plural}", self.file);
        out
    }
}

/// The diagnostics of `file` as text, with ANSI colours if `colour`.
#[must_use]
pub fn render(file: &str, diagnostics: &[Diagnostic], colour: bool) -> String {
    let style = if colour { &COLOUR } else { &PLAIN };
    let mut out = String::new();
    for diagnostic in diagnostics {
        // Writing to a `String` cannot fail.
        let _ = one(&mut out, file, diagnostic, style);
    }
    out
}

fn one(out: &mut String, file: &str, d: &Diagnostic, style: &Style) -> std::fmt::Result {
    let Style {
        bold, frame, reset, ..
    } = style;
    let (word, tint) = match d.severity {
        Severity::Error => ("error", style.error),
        Severity::Warning => ("warning", style.warning),
    };
    writeln!(
        out,
        "{bold}{file}:{}:{}:{reset} {tint}{word}[{}]{reset}: {}",
        d.place.line, d.place.column, d.code, d.message
    )?;
    let line = d.place.line.to_string();
    let gutter = " ".repeat(line.len());
    let cut = if d.excerpt.first_column > 1 {
        "…"
    } else {
        ""
    };
    let before = d.place.column.saturating_sub(d.excerpt.first_column);
    let length = u32::try_from(d.excerpt.text.chars().count()).unwrap_or(u32::MAX);
    let indent = " ".repeat(usize::try_from(before.min(length)).unwrap_or(0) + cut.chars().count());
    let carets =
        "^".repeat(usize::try_from(d.width.min(length.saturating_sub(before)).max(1)).unwrap_or(1));
    writeln!(out, "{gutter} {frame}|{reset}")?;
    writeln!(out, "{frame}{line} |{reset} {cut}{}", d.excerpt.text)?;
    write!(
        out,
        "{gutter} {frame}|{reset} {indent}{tint}{carets}{reset}"
    )?;
    if let Some(word) = &d.did_you_mean {
        write!(out, " {tint}did you mean `{word}`?{reset}")?;
    }
    writeln!(out)?;
    if let Some(help) = &d.help {
        writeln!(out, "{gutter} {frame}={reset} help: {help}")?;
    }
    writeln!(out)
}
