//! `compile`: the manifest's mistakes, or its digest and bundle.

use crate::args::Compile;
use crate::exit::{Exit, Failure, Outcome};
use crate::load::{LoadError, Manifest, load, quietly};
use crate::out;
use anstream::eprintln;
use portcullis_site::{Bundle, Caching, Enforcement, Site};
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
                write(path, bundle)?;
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
                write(path, &manifest.compiled.bundle)?;
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

fn write(path: &Path, bundle: &Bundle) -> Result<(), Failure> {
    let fail = |why: std::io::Error| {
        Failure::failed(format!("`{}` cannot be written: {why}", path.display()))
    };
    // A device or a pipe is written to; renaming a file over it would take it away from everyone.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return std::fs::write(path, bundle.bytes()).map_err(fail);
    }
    // A reader sees the old bundle or the new one, never half of either.
    let half = path.with_extension("json.new");
    std::fs::write(&half, bundle.bytes()).map_err(fail)?;
    std::fs::rename(&half, path).map_err(fail)
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
