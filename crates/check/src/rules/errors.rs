//! PC003, PC007, PC008: errors that are kept, errors that are hidden, and pages that run into the same denial.

use super::Site;
use crate::catalogue::Case;
use crate::report::{Finding, Report, Where};
use crate::tree::Node;

/// Errors of a server.
const SERVER: [u64; 4] = [500, 502, 503, 504];
/// For how long a 404 may be kept, in seconds.
const NOT_FOUND_MAX: u64 = 10;

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    lifetimes(site, report);
    for (status, (index, node)) in site.cdn.errors() {
        mapping(site, status, index, node, report);
        page(site, status, index, node, report);
    }
}

fn place(site: &Site<'_>, index: usize, property: &str) -> Where {
    site.cdn
        .place(&["CustomErrorResponses", &index.to_string(), property])
}

fn lifetimes(site: &Site<'_>, report: &mut Report) {
    let at = |status: u64| match site.cdn.errors().get(&status) {
        Some((index, _)) => place(site, *index, "ErrorCachingMinTTL"),
        None => site.cdn.place(&["CustomErrorResponses"]),
    };
    let decided = site
        .behaviors
        .iter()
        .find(|one| one.behavior.caches() && site.reaches_gateway(one) && one.inputs().any());
    let ttl = site.cdn.error_ttl(403);
    if let Some(one) = decided.filter(|_| ttl > 0) {
        let message = format!(
            "a 403 from `{}` may be cached for {ttl} s and locks allowed viewers out",
            one.path()
        );
        report.push(Finding::new(Case::Denial, at(403), message).about(one.path()));
    }
    if !site
        .cdn
        .origins
        .iter()
        .any(super::super::distribution::Origin::is_served_by_code)
    {
        return;
    }
    for status in SERVER {
        let ttl = site.cdn.error_ttl(status);
        if ttl > 1 {
            let message = format!("a {status} is kept {ttl} s after the origin has recovered");
            report.push(Finding::new(Case::ServerError, at(status), message));
        }
    }
    let ttl = site.cdn.error_ttl(404);
    if ttl > NOT_FOUND_MAX {
        let message =
            format!("a 404 seen during a deployment is kept {ttl} s: the new asset looks missing");
        report.push(Finding::new(Case::NotFound, at(404), message));
    }
}

fn mapping(site: &Site<'_>, status: u64, index: usize, node: &Node, report: &mut Report) {
    let Some(code) = node.get("ResponseCode").number() else {
        return;
    };
    let shown = node.get("ResponsePagePath").literal().unwrap_or("a page");
    let success = (200..400).contains(&code);
    let (case, message) = match (status, code) {
        (400 | 403 | 405, _) if success => (
            Case::DenialAsSuccess,
            format!(
                "every {status}, WAF and geo denials included, becomes {code} with `{shown}`: denials look like success and are cached as such"
            ),
        ),
        (403, 404) => (
            Case::Cloak,
            "403 is shown as 404: monitoring, WAF and users can no longer tell denied from missing"
                .to_owned(),
        ),
        (404, 200..=299) => (
            Case::AssetAsPage,
            format!(
                "a missing script or style sheet becomes `{shown}` with {code}: open tabs break after a deployment"
            ),
        ),
        (500..=599, _) if success => (
            Case::FailureAsSuccess,
            format!("a {status} becomes {code}: clients and caches take it for content"),
        ),
        _ => return,
    };
    report.push(Finding::new(
        case,
        place(site, index, "ResponseCode"),
        message,
    ));
}

fn page(site: &Site<'_>, status: u64, index: usize, node: &Node, report: &mut Report) {
    let Some(path) = node.get("ResponsePagePath").literal() else {
        return;
    };
    let governing = site
        .behaviors
        .iter()
        .find(|one| one.behavior.pattern.matches(path));
    let Some(one) = governing else { return };
    let at = || place(site, index, "ResponsePagePath");
    let documents = site
        .intent
        .is_some_and(|intent| intent.documents.contains(path));
    let policy = one.planned.map_or("", |planned| planned.policy.as_str());
    if one.inputs().any() && !documents {
        let message = format!(
            "the page for {status}, `{path}`, falls under policy `{policy}` of `{}`: the denied viewer is denied the page too",
            one.path()
        );
        report.push(Finding::new(Case::PageGuarded, at(), message).about(one.path()));
    }
    if one.behavior.is_signed() {
        let message = format!(
            "the page for {status}, `{path}`, lies under `{}`, which has trusted key groups",
            one.path()
        );
        report.push(Finding::new(Case::PageSigned, at(), message).about(one.path()));
    }
    let from_code = site
        .cdn
        .origins_of(one.behavior)
        .any(super::super::distribution::Origin::is_served_by_code);
    if status >= 500 && from_code {
        let message = format!(
            "the page for {status}, `{path}`, comes from the origin whose failure it explains"
        );
        report.push(Finding::new(Case::PageSelf, at(), message).about(one.path()));
    }
}
