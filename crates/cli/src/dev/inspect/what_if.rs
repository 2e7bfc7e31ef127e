//! "What if somebody asked for this": the answer of `explain`, without a request.

use crate::args::{Dev, Explain};
use crate::explain::{explain, steps::Explanation};
use crate::load::quietly;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::Path;

/// Who asks for what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// A URL or a path.
    pub(super) url: String,
    method: Option<String>,
    viewer: Option<IpAddr>,
    country: Option<String>,
    #[serde(default)]
    headers: Vec<String>,
}

/// The explanation, by the manifest that is at work.
pub(super) fn explained(asked: &Asked, args: &Dev, manifest: &Path) -> Result<Explanation, String> {
    let loaded = quietly(manifest).map_err(|why| why.to_string())?;
    let arguments = Explain {
        url: asked.url.clone(),
        manifest: manifest.to_owned(),
        viewer: asked.viewer,
        country: asked.country.clone(),
        header: asked.headers.clone(),
        method: asked.method.clone().unwrap_or_else(|| "GET".to_owned()),
        at: None,
        no_proof: false,
        state: None,
        local: args.local.clone(),
        // Notes are for a terminal.
        json: true,
    };
    explain(&arguments, &loaded).map_err(|why| why.to_string())
}
