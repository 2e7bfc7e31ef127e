//! PC015, PC016, PC017: which behavior a path meets, and which it was meant for.

use super::{Judged, Site};
use crate::catalogue::{Case, Severity};
use crate::pattern::{Pattern, contains, overlap};
use crate::report::Report;
use crate::strictness::is_at_least_as_strict;

/// The longest pattern that CloudFront takes, in characters.
const LENGTH_MAX: usize = 255;

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    for (later, one) in site.behaviors.iter().enumerate() {
        let before = site.behaviors.get(..later).unwrap_or_default();
        reach(site, before, one, report);
        order(site, before, one, report);
        spelling(site, one, report);
        bare_directory(site, one, report);
        siblings(site, later, one, report);
        letter_case(site, later, one, report);
    }
}

/// Whether `a` certainly lets in nobody whom `b` does not. Without policies, only signatures and edge functions tell.
fn is_as_strict(site: &Site<'_>, a: &Judged<'_>, b: &Judged<'_>) -> bool {
    match (site.intent, &a.policy, &b.policy) {
        (Some(intent), Some(a), Some(b)) => is_at_least_as_strict(a, b, &intent.cells),
        _ => {
            let signed = a.behavior.is_signed() || !b.behavior.is_signed();
            let decided =
                a.behavior.viewer_request().is_some() || b.behavior.viewer_request().is_none();
            signed && decided
        }
    }
}

fn reach(site: &Site<'_>, before: &[Judged<'_>], one: &Judged<'_>, report: &mut Report) {
    for earlier in before {
        let (a, b) = (&earlier.behavior.pattern, &one.behavior.pattern);
        let finding = if a == b {
            let message = format!(
                "`{}` is the same pattern as `{}`",
                one.path(),
                earlier.path()
            );
            site.finding(Case::Duplicate, one, "PathPattern", message)
        } else if contains(a, b) == Ok(true) {
            let message = format!(
                "`{}` never applies: `{}` before it matches everything it matches",
                one.path(),
                earlier.path()
            );
            site.finding(Case::Shadowed, one, "PathPattern", message)
        } else {
            continue;
        };
        report.push(finding);
        return;
    }
}

fn order(site: &Site<'_>, before: &[Judged<'_>], one: &Judged<'_>, report: &mut Report) {
    for earlier in before {
        let (a, b) = (&earlier.behavior.pattern, &one.behavior.pattern);
        let nested = contains(a, b) != Ok(false) || contains(b, a) != Ok(false);
        if nested || is_as_strict(site, earlier, one) {
            continue;
        }
        let Ok(Some(witness)) = overlap(a, b) else {
            continue;
        };
        let policy = |judged: &Judged<'_>| {
            judged
                .planned
                .map_or_else(|| "no policy".to_owned(), |planned| planned.policy.clone())
        };
        let message = format!(
            "`{witness}` belongs under `{}` ({}) but `{}` ({}) matches first",
            one.path(),
            policy(one),
            earlier.path(),
            policy(earlier)
        );
        report.push(
            site.finding(Case::WeakerFirst, earlier, "PathPattern", message)
                .witnessed(witness),
        );
    }
}

fn spelling(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let written = &one.behavior.written;
    if one.behavior.index.is_none() {
        return;
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.*$/~\"'@:+&?".contains(c);
    let what = if written.chars().count() > LENGTH_MAX {
        Some(format!("more than {LENGTH_MAX} characters"))
    } else if let Some(c) = written.chars().find(|c| !is_allowed(*c)) {
        Some(format!("`{c}`"))
    } else {
        let normalised = ["//", "/../", "/./"];
        normalised
            .iter()
            .find(|part| written.contains(**part))
            .map(|part| format!("`{part}`"))
    };
    if let Some(what) = what {
        let message = format!(
            "`{written}` contains {what}: CloudFront normalises paths before matching, or refuses the character; it will never match"
        );
        report.push(site.finding(Case::NeverMatches, one, "PathPattern", message));
    }
    if !written.starts_with(['/', '*']) {
        let message =
            format!("`{written}` means `/{written}`; invalidations and logs need the slash");
        report.push(site.finding(Case::NoLeadingSlash, one, "PathPattern", message));
    }
}

fn bare_directory(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let Some(bare) = one
        .path()
        .strip_suffix("/*")
        .filter(|bare| !bare.is_empty() && !bare.contains(['*', '?']))
    else {
        return;
    };
    let other = site
        .behaviors
        .iter()
        .find(|other| other.behavior.pattern.matches(bare));
    let Some(other) = other else { return };
    let restricted = one.is_restricted() || other.is_restricted();
    if !restricted || is_as_strict(site, other, one) {
        return;
    }
    let severity = match site.reaches_gateway(other) {
        true => Severity::Note,
        false => Severity::Warning,
    };
    let message = format!(
        "`{bare}` is not matched by `{}` and falls to `{}`, which is less strict",
        one.path(),
        other.path()
    );
    report.push(
        site.finding(Case::BareDirectory, one, "PathPattern", message)
            .rated(severity)
            .witnessed(bare),
    );
}

fn siblings(site: &Site<'_>, at: usize, one: &Judged<'_>, report: &mut Report) {
    let Some(stem) = one
        .path()
        .strip_suffix('*')
        .filter(|stem| !stem.contains(['*', '?']))
    else {
        return;
    };
    if !stem.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return;
    }
    let witness = format!("{stem}-x");
    let others = site
        .behaviors
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at);
    let other = others
        .map(|(_, other)| other)
        .find(|other| other.behavior.pattern.matches(&witness));
    if let Some(other) = other.filter(|other| !is_as_strict(site, one, other)) {
        let message = format!(
            "`{}` also opens `{witness}`, which `{}` would restrict",
            one.path(),
            other.path()
        );
        report.push(
            site.finding(Case::PrefixSiblings, one, "PathPattern", message)
                .witnessed(witness),
        );
    }
}

fn letter_case(site: &Site<'_>, at: usize, one: &Judged<'_>, report: &mut Report) {
    let before = site.behaviors.get(..at).unwrap_or_default();
    for earlier in before {
        if earlier.path() != one.path() && earlier.path().eq_ignore_ascii_case(one.path()) {
            let message = format!(
                "`{}` and `{}` differ in letter case only; patterns are case-sensitive, and the origin may not be",
                earlier.path(),
                one.path()
            );
            report.push(site.finding(Case::LetterCase, one, "PathPattern", message));
        }
    }
    other_spelling(site, at, one, report);
}

/// A restricted path on a server that may not mind letter case, whose other spelling meets a weaker policy.
fn other_spelling(site: &Site<'_>, at: usize, one: &Judged<'_>, report: &mut Report) {
    let Some((intent, planned)) = site.intent.zip(one.planned) else {
        return;
    };
    if !one.inputs().any() || intent.origin_kind(&planned.origin) != "http" {
        return;
    }
    let sample: String = one
        .path()
        .chars()
        .map(|c| if matches!(c, '*' | '?') { 'x' } else { c })
        .collect();
    let swapped = |c: char| {
        if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    let other: String = sample.chars().map(swapped).collect();
    let met = site
        .behaviors
        .iter()
        .enumerate()
        .find(|(_, other_one)| other_one.behavior.pattern.matches(&other));
    let Some((met_at, met)) = met else { return };
    let same_origin = met
        .planned
        .is_some_and(|other| other.origin == planned.origin);
    if met_at != at && other != sample && same_origin && !is_as_strict(site, met, one) {
        let message = format!(
            "`{other}` and `{sample}` differ in letter case only; the first meets `{}`, and the origin may not tell them apart",
            met.path()
        );
        report.push(
            site.finding(Case::LetterCase, one, "PathPattern", message)
                .witnessed(other),
        );
    }
}

/// Whether two patterns have a path in common; where that cannot be told, they have.
pub(super) fn meet(a: &Pattern, b: &Pattern) -> bool {
    !matches!(overlap(a, b), Ok(None))
}
