//! A release store: pointer, manifest, versioned key, object.
//!
//! The order in which a path is answered, all in the one release that [`select`] chose but the third:
//! 1. a forced redirect or rewrite of the site;
//! 2. the file of that path; for `/dir/` its entry document; with clean URLs `/guide.html` for `/guide`; `/dir` is redirected
//!    to `/dir/` if that has an entry document;
//! 3. a redirect or rewrite; else a versioned name of another release that is kept, the newest first;
//! 4. the fallback document, for a navigation;
//! 5. 404, with the site's document.
//!
//! Always holds: everything but the bytes of a file comes from memory, so what has no bytes (404, 304, 412, 416, a redirect,
//! HEAD) makes no call; what another behavior governs by another policy is never served under the request's path, the
//! fallback document, which the site names for every path, excepted.

mod answer;
mod read;
mod resolve;
mod select;

use super::calls::Calls;
use super::outcome::{OriginFault, Outcome};
use super::reply::Reply;
use super::{Exchange, Ports};
use crate::object_path::ObjectPath;
use crate::releases::{Opened, Snapshot};
use crate::request::Method;
use answer::Page;
use portcullis_release_manifest::redirects::{Action, Redirect};
use portcullis_site::Bucket;
use read::ManifestReader;
use resolve::Hit;

/// Answers a GET, HEAD or OPTIONS that is no preflight.
pub(super) async fn ask<P: Ports>(
    calls: &Calls<'_, P>,
    exchange: &Exchange<'_>,
    bucket: &Bucket,
) -> Result<Reply, OriginFault> {
    if exchange.method == Method::Options {
        let options = super::decorate::options(exchange.target.behavior);
        return Ok(Reply::of(Outcome::Preflight, options));
    }
    let published = exchange.target.releases.ok_or(OriginFault::NoRelease)?;
    let reader = ManifestReader { calls, bucket };
    let snapshot = published
        .releases
        .snapshot(published.serving, &reader)
        .await?;
    let asked = select::asked(exchange);
    let Some(stored) = snapshot.serving().answering(asked) else {
        return match asked.preview {
            Some(_) => Ok(Reply::missing()),
            None => Err(OriginFault::NoRelease),
        };
    };
    let opened = snapshot.open(stored, &reader).await?;
    let page = Page {
        calls,
        exchange,
        bucket,
        opened: &opened,
    };
    path(&page, &snapshot, &reader).await
}

async fn path<P: Ports>(
    page: &Page<'_, P>,
    snapshot: &Snapshot,
    reader: &ManifestReader<'_, P>,
) -> Result<Reply, OriginFault> {
    let exchange = page.exchange;
    let asked = exchange.target.path;
    let manifest = &page.opened.manifest;
    let hit = resolve::path(&exchange.target, asked, manifest)?;
    let exists = !matches!(hit, Hit::Nothing);
    if let Some((rule, target)) = manifest.redirect(asked.decoded(), exists)
        && let Some(reply) = ruled(page, rule, &target).await?
    {
        return Ok(reply);
    }
    match hit {
        Hit::File(file) => return page.file(&file, false).await,
        Hit::Directory(location) => return Ok(page.redirect(308, location)),
        Hit::Nothing => {}
    }
    if let Some(opened) = kept(page, snapshot, reader).await? {
        let name = resolve::name(asked);
        if let Some(file) = opened.manifest.find(name)? {
            return page.of(&opened).file(&file, false).await;
        }
    }
    let fallback = manifest.rules().fallback.as_deref();
    if let Some(document) = fallback.filter(|_| resolve::is_navigation(exchange))
        && let Some(file) = manifest.find(document)?
    {
        return page.file(&file, true).await;
    }
    Ok(page.missing())
}

/// The newest of the other releases that has the path under a versioned name.
async fn kept<P: Ports>(
    page: &Page<'_, P>,
    snapshot: &Snapshot,
    reader: &ManifestReader<'_, P>,
) -> Result<Option<std::sync::Arc<Opened>>, OriginFault> {
    let name = resolve::name(page.exchange.target.path);
    let mut passing = None;
    for other in snapshot.serving().others(page.opened.stored) {
        let opened = match snapshot.open(other, reader).await {
            Ok(opened) => opened,
            // Whether the name is there may be known in a moment. A manifest that is lost says nothing any more.
            Err(fault) => {
                passing = passing.or(Some(fault).filter(|fault| fault.is_passing()));
                continue;
            }
        };
        if opened
            .manifest
            .find(name)?
            .is_some_and(|file| file.versioned)
        {
            return Ok(Some(opened));
        }
    }
    passing.map_or(Ok(None), Err)
}

/// What a rule of the site answers; `None` if it leads nowhere.
async fn ruled<P: Ports>(
    page: &Page<'_, P>,
    rule: &Redirect,
    target: &str,
) -> Result<Option<Reply>, OriginFault> {
    let exchange = page.exchange;
    match rule.action() {
        Action::Redirect(status) => {
            let location = resolve::location(target, exchange.request.raw_query);
            Ok(location.map(|location| page.redirect(status, location)))
        }
        Action::Rewrite => match document(page, target)? {
            Some(file) => page.file(&file, false).await.map(Some),
            None => Ok(None),
        },
        Action::Gone(status) => match document(page, target)? {
            Some(file) => page.gone(status, &file).await.map(Some),
            None => Ok(None),
        },
    }
}

/// The file at the target of a rule, if the same policy governs it.
fn document<'a, P: Ports>(
    page: &Page<'a, P>,
    target: &str,
) -> Result<Option<portcullis_release_manifest::FileRef<'a>>, OriginFault> {
    let Ok(path) = ObjectPath::parse(target) else {
        return Ok(None);
    };
    if !resolve::is_under_the_same_policy(&page.exchange.target, &path) {
        return Ok(None);
    }
    match resolve::path(&page.exchange.target, &path, &page.opened.manifest)? {
        Hit::File(file) => Ok(Some(file)),
        Hit::Directory(_) | Hit::Nothing => Ok(None),
    }
}
