//! PC000: what cannot be decided.

use super::{Site, is_error_page};
use crate::catalogue::Case;
use crate::distribution::Missing;
use crate::report::{Finding, Report};

/// Options of a behavior that no rule looks at.
const UNSUPPORTED: [&str; 2] = ["FieldLevelEncryptionId", "GrpcConfig"];

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    unmatched(site, report);
    missing(site, report);
    unsupported(site, report);
}

fn unmatched(site: &Site<'_>, report: &mut Report) {
    let Some(intent) = site.intent else { return };
    for one in &site.behaviors {
        if one.planned.is_none() && !is_error_page(intent, site.cdn, one.behavior) {
            let message = format!(
                "the template has a behavior for `{}`, the manifest has none",
                one.path()
            );
            report.push(site.finding(Case::Unmatched, one, "PathPattern", message));
        }
    }
    for planned in &intent.behaviors {
        let found = site
            .behaviors
            .iter()
            .any(|one| one.behavior.pattern == planned.pattern);
        if !found {
            let path = planned.pattern.as_str();
            let place = intent.place(&["behaviors", &planned.index.to_string(), "path"]);
            let message =
                format!("the manifest has a behavior for `{path}`, the template has none");
            report.push(Finding::new(Case::Unmatched, place, message).about(path));
        }
    }
}

fn missing(site: &Site<'_>, report: &mut Report) {
    for (at, property, missing) in &site.cdn.missing {
        let Some(one) = site.behaviors.get(*at) else {
            continue;
        };
        let finding = match missing {
            Missing::Unknown(id) => {
                let message = format!(
                    "policy id {id} is neither in the template nor a managed policy that is known here"
                );
                site.finding(Case::UnknownPolicy, one, property, message)
            }
            Missing::Unresolved(why) => {
                let message = format!(
                    "{property} depends on {why}; PC001 to PC005 and PC018 to PC020 could not be decided for `{}`",
                    one.path()
                );
                site.finding(Case::Unresolved, one, property, message)
            }
        };
        report.push(finding);
    }
}

fn unsupported(site: &Site<'_>, report: &mut Report) {
    for one in &site.behaviors {
        for option in UNSUPPORTED {
            if one.behavior.node.get(option).is_there() {
                let message = format!(
                    "{option} of `{}` is not modelled; the rules say nothing about it",
                    one.path()
                );
                report.push(site.finding(Case::Unsupported, one, option, message));
            }
        }
    }
    if site
        .cdn
        .config()
        .get("ContinuousDeploymentPolicyId")
        .is_there()
    {
        let place = site.cdn.place(&["ContinuousDeploymentPolicyId"]);
        let message = "ContinuousDeploymentPolicyId is not modelled; the rules look at this distribution alone";
        report.push(Finding::new(Case::Unsupported, place, message));
    }
}
