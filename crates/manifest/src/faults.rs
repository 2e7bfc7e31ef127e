//! The site's own rules, placed in the file.
//!
//! Always holds: a fault that only follows from a value refused before is not reported, because it would be gone with the
//! mistake; every other one is.

use crate::codes::{self, Code};
use crate::diagnostic::Sink;
use crate::nearest::nearest;
use crate::source_map::SourceMap;
use portcullis_site::{Behavior, Fault, Name, Rule, Site};

/// Reports the faults of `site`.
pub(crate) fn report(site: &Site, map: &SourceMap, sink: &mut Sink) {
    for fault in site.validate() {
        if follows(&fault, site, sink.lost()) {
            continue;
        }
        let near = fault
            .unknown
            .as_ref()
            .and_then(|(word, known)| nearest(word, known.iter().map(String::as_str)));
        let near = near.map(str::to_owned);
        sink.error(code(&fault), span(&fault, map), fault.message)
            .nearest(near)
            .help(fault.help);
    }
}

fn span(fault: &Fault, map: &SourceMap) -> crate::node::Span {
    // A list of names is one condition to the site; the file shows which of them is meant.
    let item = fault
        .unknown
        .as_ref()
        .and_then(|(word, _)| map.item(&fault.pointer, word));
    item.unwrap_or_else(|| map.span(&fault.pointer))
}

/// The code under which a broken rule is explained.
fn code(fault: &Fault) -> Code {
    match fault.rule {
        Rule::Limit => codes::LIMIT,
        Rule::Certificate => codes::CERTIFICATE,
        Rule::NoOrigin => codes::SITE,
        Rule::OriginRange => codes::ORIGIN_RANGE,
        Rule::OriginGroup => codes::ORIGIN_GROUP,
        Rule::UnknownOrigin => codes::UNKNOWN_ORIGIN,
        Rule::UnknownPolicy => codes::UNKNOWN_POLICY,
        Rule::UnknownNetwork => codes::UNKNOWN_NETWORK,
        Rule::UnknownKeyGroup => codes::UNKNOWN_KEY_GROUP,
        Rule::Guard => codes::GUARD,
        Rule::Geo => codes::GEO,
        Rule::EmptyRule => codes::EMPTY_RULE,
        Rule::KeyGroup => codes::PUBLIC_KEY,
        Rule::UnknownAllowed => codes::COUNTRY,
        Rule::Unreachable => codes::UNREACHABLE,
        Rule::DefaultBehavior => codes::DEFAULT_BEHAVIOR,
        Rule::Shadowed => codes::SHADOWED,
        Rule::TtlOrder => codes::TTL_ORDER,
        Rule::Enforcement => codes::ENFORCEMENT,
        Rule::DirectBucket => codes::DIRECT_BUCKET,
        Rule::HandOff => codes::HAND_OFF,
        Rule::Cors => codes::CORS,
        Rule::ErrorResponse => codes::ERROR_RESPONSE,
        Rule::Releases => codes::RELEASES,
    }
}

/// Whether a fault is only the echo of a value that was refused before.
fn follows(fault: &Fault, site: &Site, lost: &[Vec<String>]) -> bool {
    let pointer = fault.pointer.as_slice();
    lost.iter().any(|l| {
        let above = pointer.starts_with(l);
        let below = pointer.len() >= 2 && l.starts_with(pointer);
        above
            || below
            || undeclared(fault, l)
            || fault.unknown.is_none() && tainted(pointer, site, l)
    })
}

/// Whether something is missed because what would declare it was refused: its section, or a key that is no name.
fn undeclared(fault: &Fault, lost: &[String]) -> bool {
    let Some(section) = lost.first().map(String::as_str) else {
        return false;
    };
    let declared_in: &[&str] = match code(fault) {
        codes::UNKNOWN_ORIGIN => &["origins", "origin_groups"],
        codes::UNKNOWN_POLICY => &["policies"],
        codes::UNKNOWN_NETWORK => &["networks"],
        codes::UNKNOWN_KEY_GROUP => &["key_groups"],
        codes::DEFAULT_BEHAVIOR => &["behaviors"],
        codes::CERTIFICATE => return matches!(section, "hosts" | "certificate"),
        _ => return false,
    };
    let meant = |key: &str| {
        let word = fault.unknown.as_ref().map(|(word, _)| word.as_str());
        Name::new(key).is_err() && word.is_some_and(|word| nearest(word, [key]).is_some())
    };
    declared_in.contains(&section) && lost.get(1).is_none_or(|key| lost.len() == 2 && meant(key))
}

/// Whether a rule that looks at several parts looked at a refused one.
fn tainted(pointer: &[String], site: &Site, lost: &[String]) -> bool {
    let pointer: Vec<&str> = pointer.iter().map(String::as_str).collect();
    let lost: Vec<&str> = lost.iter().map(String::as_str).collect();
    match (pointer.as_slice(), lost.as_slice()) {
        (["policies", _, _], ["networks", ..]) | (["releases"], ["origins", ..]) => true,
        (
            [
                "behaviors",
                index,
                "enforce" | "policy" | "large_objects",
                ..,
            ],
            lost,
        ) => {
            let behavior = index
                .parse::<usize>()
                .ok()
                .and_then(|i| site.behaviors.get(i));
            behavior.is_some_and(|behavior| decides(behavior, index, lost))
        }
        _ => false,
    }
}

/// Whether the refused value is among those that decide how a behavior's policy is enforced.
fn decides(behavior: &Behavior, index: &str, lost: &[&str]) -> bool {
    match lost {
        ["policies" | "origins"] => true,
        ["policies", name, ..] => *name == behavior.policy.as_str(),
        ["origins", name, ..] => *name == behavior.origin.as_str(),
        [
            "behaviors",
            i,
            "origin" | "policy" | "enforce" | "caching" | "cache_key" | "ttl",
            ..,
        ] => *i == index,
        _ => false,
    }
}
