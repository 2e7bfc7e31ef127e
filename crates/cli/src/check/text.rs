//! Findings for people: where, what happens, what to do, with the line it stands on.

use super::Texts;
use anstyle::{AnsiColor, Style};
use portcullis_check::catalogue::Severity;
use portcullis_check::{Finding, Report};
use std::fmt::Write as _;

/// The longest line that is shown, in characters.
const LINE_MAX: usize = 120;

/// What no template says.
const FOOTER: &str = "\
Not known from templates: the pricing plan, live drift, WAF rules attached elsewhere, sizes of objects, names of certificates
that are not in them.";

pub(super) fn render(report: &Report, texts: &Texts) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let _ = one(&mut out, finding, texts);
    }
    let count = |severity| report.count(severity);
    let _ = writeln!(
        out,
        "{} errors, {} warnings, {} notes. {FOOTER}",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note)
    );
    out
}

fn one(out: &mut String, finding: &Finding, texts: &Texts) -> std::fmt::Result {
    let color = match finding.severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Note => AnsiColor::Cyan,
    };
    let style = Style::new().bold().fg_color(Some(color.into()));
    let (word, name) = (finding.severity.name(), finding.case.name());
    writeln!(out, "{style}{word}[{name}]{style:#}: {}", finding.message)?;
    let place = &finding.place;
    let (line, column) = place.at;
    let resource = match place.resource.as_str() {
        "" => String::new(),
        resource => format!("  {resource}"),
    };
    writeln!(
        out,
        "  --> {}:{line}:{column}{resource}{}",
        place.file, place.pointer
    )?;
    if let Some(text) = line_of(texts, &place.file, line) {
        writeln!(out, "   | {text}")?;
    }
    if let Some(evidence) = &finding.evidence {
        writeln!(out, "  for example: {evidence}")?;
    }
    match &finding.waived {
        Some(reason) => writeln!(out, "  waived: {reason}\n"),
        None => writeln!(out, "  help: {}\n", finding.case.fix()),
    }
}

fn line_of(texts: &Texts, file: &str, line: u32) -> Option<String> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let text = texts.get(file)?.lines().nth(index)?.trim();
    let shown: String = text.chars().take(LINE_MAX).collect();
    Some(shown).filter(|shown| !shown.is_empty())
}
