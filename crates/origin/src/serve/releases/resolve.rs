//! From a path to the file of a release, by its rules; no calls.

use crate::field::FieldValue;
use crate::object_path::ObjectPath;
use crate::serve::{Exchange, OriginFault, Target, media_type};
use portcullis_release_manifest::{FileRef, ReleaseManifest};

/// What a release has at a path.
pub(super) enum Hit<'m> {
    /// A file.
    File(FileRef<'m>),
    /// Nothing, but a directory of that name, which is there.
    Directory(FieldValue),
    /// Nothing.
    Nothing,
}

/// The name of a path in a release.
pub(super) fn name<'p>(path: &'p ObjectPath<'_>) -> &'p str {
    let decoded = path.decoded();
    decoded.strip_prefix('/').unwrap_or(decoded)
}

/// What `manifest` has at `path`. What is derived from it and another behavior governs is not looked at.
pub(super) fn path<'m, B: AsRef<[u8]>>(
    target: &Target<'_>,
    path: &ObjectPath<'_>,
    manifest: &'m ReleaseManifest<B>,
) -> Result<Hit<'m>, OriginFault> {
    let rules = manifest.rules();
    let derived = |from: &ObjectPath<'_>, suffix: &str| {
        let derived = from.with_suffix(suffix).ok();
        derived.filter(|derived| is_under_the_same_policy(target, derived))
    };
    let entry = |directory: &ObjectPath<'_>| {
        Some(rules.entry.as_str())
            .filter(|entry| !entry.is_empty())
            .and_then(|entry| derived(directory, entry))
    };
    if path.is_directory() {
        return found(manifest, entry(path));
    }
    if let Some(file) = manifest.find(name(path))? {
        return Ok(Hit::File(file));
    }
    // A name with a known type is that file or nothing: a page must never answer for a script (group R11).
    if media_type::by_name(path.file_name()).is_some() {
        return Ok(Hit::Nothing);
    }
    if rules.clean_urls
        && let Hit::File(file) = found(manifest, derived(path, ".html"))?
    {
        return Ok(Hit::File(file));
    }
    let Ok(directory) = path.with_suffix("/") else {
        return Ok(Hit::Nothing);
    };
    let location = FieldValue::new(directory.sent().as_bytes()).ok();
    match (found(manifest, entry(&directory))?, location) {
        (Hit::File(_), Some(location)) => Ok(Hit::Directory(location)),
        _ => Ok(Hit::Nothing),
    }
}

fn found<'m, B: AsRef<[u8]>>(
    manifest: &'m ReleaseManifest<B>,
    path: Option<ObjectPath<'static>>,
) -> Result<Hit<'m>, OriginFault> {
    let Some(path) = path else {
        return Ok(Hit::Nothing);
    };
    Ok(manifest.find(name(&path))?.map_or(Hit::Nothing, Hit::File))
}

/// Whether what governs `path` asks no more and no less than what governs the request.
pub(super) fn is_under_the_same_policy(target: &Target<'_>, path: &ObjectPath<'_>) -> bool {
    let governing = target.behaviors.of(path);
    governing.is_some_and(|(index, behavior)| {
        index == target.index
            || (behavior.policy == target.behavior.policy
                && behavior.origin == target.behavior.origin)
    })
}

/// Whether the viewer's browser goes to a page, as it says itself (Fetch, `Sec-Fetch-Mode`), or, where it says nothing, asks
/// for HTML by name. A path that has the name of an asset is none.
pub(super) fn is_navigation(exchange: &Exchange<'_>) -> bool {
    let headers = &exchange.request.headers;
    let goes_to_page = match headers.fetch_mode {
        Some(mode) => mode == "navigate",
        None => headers
            .accept
            .is_some_and(|accept| accept.contains("text/html")),
    };
    let by_name = media_type::by_name(exchange.target.path.file_name());
    let is_asset = by_name.is_some_and(|name| !name.as_bytes().starts_with(b"text/html"));
    goes_to_page && !is_asset
}

/// Where a redirect leads: its target with the query of the request, unless it has one of its own.
pub(super) fn location(target: &str, query: &str) -> Option<FieldValue> {
    if query.is_empty() || target.contains(['?', '#']) {
        return FieldValue::new(target.as_bytes()).ok();
    }
    FieldValue::new(format!("{target}?{query}").as_bytes()).ok()
}
