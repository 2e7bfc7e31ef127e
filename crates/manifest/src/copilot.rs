//! AWS Copilot's environment manifest becomes ours: `portcullis init --from-copilot`.
//!
//! Always holds: what Copilot itself would refuse is refused here with the reason; every setting either has an effect in
//! the new manifest or stands in the notes. Source: aws/copilot-cli, manifest/environment and validate_env.go.
//! Deliberately absent: service manifests, from which Copilot collects aliases and paths.

mod read;
mod write;

use crate::diagnostic::{Diagnostics, Place, Sink};
use crate::yaml;
use ipnet::IpNet;
use portcullis_site::{Bucket, Host, PathPattern};
use serde::Serialize;

/// A manifest made from Copilot's.
#[derive(Debug, Clone, Serialize)]
pub struct Import {
    /// The text of our manifest; it compiles.
    pub manifest: String,
    /// What has no counterpart, or another meaning, in the order of the file.
    pub notes: Vec<Note>,
}

/// A setting that did not carry over as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where it stands in Copilot's manifest.
    #[serde(flatten)]
    pub place: Place,
    /// The setting, such as `http.public.ssl_policy`.
    pub key: String,
    /// What became of it.
    pub text: String,
}

/// What an environment manifest asks for, as far as it has a counterpart.
#[derive(Debug, Default)]
struct Environment {
    name: Option<String>,
    /// Whether Copilot puts a distribution in front at all.
    cdn: bool,
    certificate: Option<String>,
    terminate_tls: bool,
    static_assets: Option<StaticAssets>,
    /// `http.public.ingress.source_ips`.
    source_ips: Vec<IpNet>,
}

#[derive(Debug)]
struct StaticAssets {
    /// `None` where the location names no bucket that could exist.
    bucket: Option<Bucket>,
    alias: Host,
    path: PathPattern,
}

/// Reads an environment manifest and writes ours. `file_name` is only shown in diagnostics.
///
/// # Errors
/// Everything for which Copilot would refuse it.
pub fn from_environment_manifest(source: &str, file_name: &str) -> Result<Import, Diagnostics> {
    let mut sink = Sink::new(source);
    let root = yaml::parse(source, &mut sink);
    let (environment, mut notes) = root
        .as_ref()
        .map(|root| read::environment(root, &mut sink))
        .unwrap_or_default();
    sink.finish(file_name)?;
    notes.sort_by(|a, b| (a.place, &a.key).cmp(&(b.place, &b.key)));
    Ok(Import {
        manifest: write::manifest(&environment),
        notes,
    })
}

#[cfg(test)]
mod tests;
