//! `compile`: the manifest's mistakes, or its digest and bundle.

use crate::args::Compile;
use crate::exit::{Exit, Failure, Outcome};
use crate::load::{LoadError, Manifest, load, quietly};
use crate::out;
use anstream::eprintln;
use portcullis_site::{Caching, Enforcement, Site};
use portcullis_viewer::country::Country;
use serde_json::json;
use std::path::Path;

pub(crate) fn run(args: &Compile) -> Outcome {
    if args.json {
        return as_json(args);
    }
    let manifest = load(&args.manifest)?;
    let bundle = &manifest.compiled.bundle;
    summary(bundle.site());
    match &args.output {
        Some(path) if path == Path::new("-") => {
            out::text(String::from_utf8_lossy(bundle.bytes()))?;
            eprintln!("{}", bundle.digest());
        }
        output => {
            if let Some(path) = output {
                out::file(path, bundle.bytes())?;
            }
            out::line(bundle.digest())?;
        }
    }
    Ok(Exit::Done.into())
}

fn as_json(args: &Compile) -> Outcome {
    if args.output.as_deref() == Some(Path::new("-")) {
        return Err(
            Failure::usage("the result as JSON and the bundle cannot both go to stdout")
                .help("write the bundle to a file, or leave out --json"),
        );
    }
    match quietly(&args.manifest) {
        Ok(manifest) => {
            if let Some(path) = &args.output {
                out::file(path, manifest.compiled.bundle.bytes())?;
            }
            out::json(&success(&manifest))?;
            Ok(Exit::Done.into())
        }
        Err(LoadError::Mistakes(diagnostics)) => {
            out::json(
                &json!({ "digest": null, "file": diagnostics.file, "diagnostics": diagnostics.diagnostics, "left_out": diagnostics.left_out }),
            )?;
            Ok(Exit::Findings.into())
        }
        Err(LoadError::Unreadable(failure)) => Err(failure),
    }
}

fn success(manifest: &Manifest) -> serde_json::Value {
    let bundle = &manifest.compiled.bundle;
    json!({
        "digest": bundle.digest().to_string(),
        "file": manifest.name,
        "site": bundle.site().site,
        "bytes": bundle.bytes().len(),
        "diagnostics": manifest.compiled.warnings,
        "left_out": 0
    })
}

/// What a reviewer wants to see at a glance; groups are expanded, because `EU` is not a country.
fn summary(site: &Site) {
    eprintln!(
        "site {}: {} behaviors, {} policies",
        site.site,
        site.behaviors.len(),
        site.policies.len()
    );
    for behavior in &site.behaviors {
        let caching = match &behavior.caching {
            Caching::Disabled => "not cached".to_owned(),
            Caching::Enabled { ttl, .. } => format!("cached {} to {}", ttl.min, ttl.max),
        };
        let enforced = match behavior.enforce {
            Enforcement::Edge => "edge and origin",
            Enforcement::Origin => "origin",
        };
        eprintln!(
            "  {:<24} {:<18} from {:<18} {caching}, decided at {enforced}",
            behavior.path.as_str(),
            behavior.policy.as_str(),
            behavior.origin.as_str()
        );
    }
    for (name, group) in &site.geo.groups {
        let members: Vec<&str> = group.members.iter().map(Country::as_str).collect();
        let date = group
            .as_of
            .as_ref()
            .map(|date| format!(" as of {date}"))
            .unwrap_or_default();
        eprintln!("  {name}{date}: {}", members.join(" "));
    }
    for (name, group) in &site.key_groups {
        for key in &group.public_keys {
            eprintln!("  key {} of {name}: {}", key.id, key.file);
        }
    }
}
