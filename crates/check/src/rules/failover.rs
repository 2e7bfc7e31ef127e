//! PC006: what an origin group retries at its second origin.

use super::Site;
use crate::catalogue::Case;
use crate::distribution::Origin;
use crate::intent::Intent;
use crate::report::{Finding, Report, Where};
use crate::tree::Node;

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    for group in &site.cdn.groups {
        let members: Vec<&Origin> = group
            .members
            .iter()
            .filter_map(|id| site.cdn.origins.iter().find(|origin| origin.id == *id))
            .collect();
        let place = site
            .cdn
            .place(&["OriginGroups", "Items", &group.index.to_string()]);
        if members.iter().any(|origin| origin.is_served_by_code()) {
            codes(&group.id, &group.statuses, &place, report);
            if let [primary, secondary] = members.as_slice() {
                secondary_of(site, (&group.id, primary, secondary), report);
            }
        } else if group
            .statuses
            .iter()
            .any(|status| matches!(status, 403 | 404))
        {
            let message = format!(
                "group `{}` of two buckets fails over on {}: fine for replicas, useless for access errors",
                group.id,
                listed(&group.statuses)
            );
            report.push(Finding::new(Case::BucketGroup, place, message));
        }
    }
}

fn listed(statuses: &[u64]) -> String {
    let texts: Vec<String> = statuses.iter().map(u64::to_string).collect();
    texts.join(", ")
}

fn codes(id: &str, statuses: &[u64], place: &Where, report: &mut Report) {
    if statuses.contains(&403) {
        let message = format!(
            "group `{id}` fails over on 403: what the primary denies, the secondary is asked for"
        );
        report.push(Finding::new(Case::FailoverOnDenial, place.clone(), message));
    }
    let missing: Vec<u64> = statuses
        .iter()
        .copied()
        .filter(|s| matches!(s, 400 | 404 | 416))
        .collect();
    if !missing.is_empty() {
        let message = format!(
            "group `{id}` fails over on {}: the gateway's true answer is replaced by another origin's",
            listed(&missing)
        );
        report.push(Finding::new(
            Case::FailoverOnMissing,
            place.clone(),
            message,
        ));
    }
}

/// A restricted path whose second origin decides nothing.
fn secondary_of(
    site: &Site<'_>,
    (id, primary, secondary): (&str, &Origin, &Origin),
    report: &mut Report,
) {
    if !primary.is_gateway() || secondary.is_gateway() {
        return;
    }
    for one in &site.behaviors {
        if one.behavior.by_group && one.behavior.target == id && one.inputs().any() {
            let message = format!(
                "when the gateway of `{}` is down, `{}` answers without any decision",
                one.path(),
                secondary.id
            );
            report.push(site.finding(Case::UnguardedSecondary, one, "TargetOriginId", message));
        }
    }
}

/// The groups of a manifest, whose origins are all behind the gateway.
pub(super) fn of_manifest(intent: &Intent, report: &mut Report) {
    for (id, group) in intent.node.get("origin_groups").members() {
        let statuses = group
            .get("failover_on")
            .items()
            .iter()
            .filter_map(Node::number);
        let statuses: Vec<u64> = statuses.collect();
        codes(
            id,
            &statuses,
            &intent.place(&["origin_groups", id, "failover_on"]),
            report,
        );
    }
}
