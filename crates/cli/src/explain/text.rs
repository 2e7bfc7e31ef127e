//! An explanation as text: steps in order, aligned, each with the place of its rule.

use super::steps::{Explanation, Step};
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;

/// The explanation for a terminal.
pub(crate) fn render(explanation: &Explanation) -> String {
    let mut out = String::new();
    let _never_fails = write(&mut out, explanation);
    out
}

fn write(out: &mut String, explanation: &Explanation) -> std::fmt::Result {
    writeln!(out, "{} {}", explanation.method, explanation.path)?;
    let widths = (
        width(explanation, |s| &s.step),
        width(explanation, |s| &s.result),
    );
    for (number, step) in explanation.steps.iter().enumerate() {
        let place = step
            .place
            .map(|p| format!("  [{}:{}:{}]", explanation.manifest, p.line, p.column))
            .unwrap_or_default();
        writeln!(
            out,
            "{:>3}  {:<w0$}  {:<w1$}  {}{place}",
            number + 1,
            step.step,
            step.result,
            step.input,
            w0 = widths.0,
            w1 = widths.1
        )?;
    }
    verdict(out, explanation)?;
    let Some(answer) = &explanation.answer else {
        return Ok(());
    };
    let outcome = answer.outcome.as_deref().map(|o| format!(" {o}"));
    writeln!(
        out,
        "\nanswer  {}{}",
        answer.status,
        outcome.unwrap_or_default()
    )?;
    for (name, value) in &answer.headers {
        writeln!(out, "        {name}: {value}")?;
    }
    match answer.edge.ttl_s {
        Some(seconds) => writeln!(
            out,
            "edge    keeps it for {seconds} s ({}) under: {}",
            in_words(&answer.edge.rule),
            answer.edge.key.join(" + ")
        ),
        None => writeln!(
            out,
            "edge    does not keep it ({})",
            in_words(&answer.edge.rule)
        ),
    }?;
    match &answer.edge.error_page {
        Some(page) => writeln!(
            out,
            "        and answers with {} instead, status {}",
            page.document, page.status
        ),
        None => Ok(()),
    }
}

/// The rule of a lifetime, which the JSON form names by its code.
fn in_words(rule: &str) -> &str {
    match rule {
        "caching-disabled" => "caching is off",
        "origin-directive" => "the answer forbids it",
        "default" => "the default TTL",
        "min-ttl-overrides" => "the minimum TTL beats what the answer says",
        "always" => "CloudFront keeps every error of this status",
        "conditional" => "the answer names a lifetime",
        "ecm-only" => {
            "the error caching minimum TTL; the worse of two readings of the documentation"
        }
        "needs-max-age" => "this status is kept only with a lifetime",
        "416-never" => "416 is never kept",
        "status-not-listed" => "CloudFront keeps no error of this status",
        named => named,
    }
}

fn verdict(out: &mut String, explanation: &Explanation) -> std::fmt::Result {
    let colour = if explanation.admitted {
        AnsiColor::Green
    } else {
        AnsiColor::Red
    };
    let style = Style::new().bold().fg_color(Some(colour.into()));
    let word = match (explanation.admitted, explanation.report_only) {
        (true, false) => "ADMITTED",
        (true, true) => "ADMITTED (report only: it would be refused)",
        (false, _) => "REFUSED",
    };
    write!(
        out,
        "\n{style}{word}{style:#}  reason {}",
        explanation.reason
    )?;
    if let Some(label) = &explanation.label {
        write!(out, " ({label})")?;
    }
    if let Some(statement) = explanation.statement {
        write!(out, ", statement {statement}")?;
    }
    match explanation.decided_at {
        Some(place) => writeln!(
            out,
            " at {}:{}:{}",
            explanation.manifest, place.line, place.column
        ),
        None => writeln!(out),
    }
}

fn width(explanation: &Explanation, part: fn(&Step) -> &String) -> usize {
    explanation
        .steps
        .iter()
        .map(|s| part(s).chars().count())
        .max()
        .unwrap_or_default()
        .min(44)
}
