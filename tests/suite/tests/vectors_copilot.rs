//! Copilot environment manifests: the valid ones become manifests that compile, the others are refused with a reason.

use portcullis_manifest::copilot::from_environment_manifest;
use portcullis_site::{Caching, Origin, Requirement, ViewerProtocol};
use portcullis_suite::hold_all;
use serde_json::Value;
use std::collections::BTreeMap;

fn check(case: &Value) -> Result<(), String> {
    let yaml = case["yaml"].as_str().ok_or("no yaml")?;
    let imported = from_environment_manifest(yaml, "manifest.yml");
    match (case["valid"].as_bool(), imported) {
        (Some(false), Err(refusal)) => {
            let reasoned = refusal
                .diagnostics
                .iter()
                .all(|d| d.code.to_string() == "PC1601" && !d.message.is_empty());
            if reasoned {
                Ok(())
            } else {
                Err(format!("refused for another reason:\n{refusal}"))
            }
        }
        (Some(true), Ok(import)) => {
            let compiled =
                portcullis_manifest::compile(&import.manifest, "portcullis.yaml", &BTreeMap::new());
            let compiled = compiled.map_err(|d| format!("does not compile: {d}"))?;
            effect(
                case["id"].as_str().unwrap_or_default(),
                compiled.bundle.site(),
                &import.notes,
            )
        }
        (Some(false), Ok(_)) => Err("imported, should be refused".to_owned()),
        (Some(true), Err(refusal)) => Err(format!("refused, should be imported:\n{refusal}")),
        (None, _) => Err("the case does not say whether it is valid".to_owned()),
    }
}

/// What the case says Copilot makes of it, in our terms.
fn effect(
    id: &str,
    site: &portcullis_site::Site,
    notes: &[portcullis_manifest::copilot::Note],
) -> Result<(), String> {
    let default = site.behaviors.last().ok_or("no behavior")?;
    let holds = match id {
        "cdn-true" => {
            default.caching == Caching::Disabled
                && default.viewer_protocol == ViewerProtocol::AllowAll
        }
        "ingress" => {
            site.guard.edges.mode == Requirement::Required
                && notes.iter().any(|n| n.key == "http.public.ingress.cdn")
        }
        "static-assets" => {
            let direct = site
                .behaviors
                .first()
                .and_then(|b| site.origins.get(&b.origin));
            matches!(direct, Some(Origin::DirectBucket { .. }))
                && site
                    .behaviors
                    .first()
                    .is_some_and(|b| matches!(b.caching, Caching::Enabled { .. }))
        }
        "source-ips" => {
            site.networks.len() == 1
                && site
                    .policies
                    .get(&default.policy)
                    .is_some_and(|p| p.statements.len() == 1)
        }
        _ => return Err(format!("no effect is known for the valid case `{id}`")),
    };
    if holds {
        Ok(())
    } else {
        Err(format!("the effect does not hold: {site:#?}"))
    }
}

#[test]
fn copilot_vectors_hold() {
    hold_all("copilot", check);
}
