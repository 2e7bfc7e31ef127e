//! Origins, origin groups, releases and error responses.

use super::{DAY, named, stand_in};
use crate::view::View;
use portcullis_site::{
    Bucket, Class, ErrorResponse, Fallback, HttpOrigin, Keep, KeyPrefix, Name, Origin, OriginGroup,
    OriginUrl, Releases, Seconds,
};
use std::collections::BTreeMap;

pub(super) fn origins(view: View) -> BTreeMap<Name, Origin> {
    named(view, |_, origin| {
        origin_of(origin).unwrap_or_else(refused_origin)
    })
}

fn origin_of(view: View) -> Option<Origin> {
    let (releases, bucket, direct, http) = (
        view.get("releases"),
        view.get("bucket"),
        view.get("direct_bucket"),
        view.get("http"),
    );
    if releases.is_present() {
        Some(Origin::Releases {
            bucket: releases.get("bucket").parse(Bucket::new)?,
        })
    } else if bucket.is_present() {
        Some(Origin::Bucket {
            name: bucket.get("name").parse(Bucket::new)?,
            prefix: prefix(bucket)?,
            index: bucket.get("index").text().map(str::to_owned),
            clean_urls: bucket.get("clean_urls").flag().unwrap_or(false),
            precompressed: bucket.get("precompressed").flag().unwrap_or(false),
            uploads: bucket.get("uploads").flag().unwrap_or(false),
        })
    } else if direct.is_present() {
        Some(Origin::DirectBucket {
            name: direct.get("name").parse(Bucket::new)?,
            prefix: prefix(direct)?,
        })
    } else {
        Some(Origin::Http(HttpOrigin {
            url: http.get("url").parse(OriginUrl::new)?,
            connect_timeout: http.get("connect_timeout").seconds_or(10),
            response_timeout: http.get("response_timeout").seconds_or(30),
            attempts: http.get("attempts").number().unwrap_or(3),
            private_addresses: http.get("private_addresses").flag().unwrap_or(false),
        }))
    }
}

fn prefix(bucket: View) -> Option<KeyPrefix> {
    KeyPrefix::new(bucket.get("prefix").text().unwrap_or_default()).ok()
}

/// In place of an origin that was refused: a kind that may stand in a group.
fn refused_origin() -> Origin {
    #[expect(
        clippy::expect_used,
        reason = "the constant is a URL; a test would fail otherwise"
    )]
    let url = OriginUrl::new("https://refused.invalid").expect("a constant URL");
    let (connect_timeout, response_timeout) = (Seconds::of(10), Seconds::of(30));
    Origin::Http(HttpOrigin {
        url,
        connect_timeout,
        response_timeout,
        attempts: 3,
        private_addresses: false,
    })
}

pub(super) fn origin_groups(view: View) -> BTreeMap<Name, OriginGroup> {
    named(view, |_, group| OriginGroup {
        primary: group
            .get("primary")
            .parse(Name::new)
            .unwrap_or_else(stand_in),
        secondary: group
            .get("secondary")
            .parse(Name::new)
            .unwrap_or_else(stand_in),
        failover_on: group.get("failover_on").list(View::number),
    })
}

/// The section's settings, or the defaults if there is a release store and no section.
pub(super) fn releases(view: View, origins: &BTreeMap<Name, Origin>) -> Option<Releases> {
    let wanted = origins
        .values()
        .any(|origin| matches!(origin, Origin::Releases { .. }));
    if !wanted && !view.is_present() {
        return None;
    }
    let text = |key| view.get(key).text().map(str::to_owned);
    let fallback = view.get("fallback").get("document").text();
    let classes = view.get("classes");
    let keep = view.get("keep");
    Some(Releases {
        entry: text("entry").unwrap_or_else(|| "index.html".to_owned()),
        clean_urls: view.get("clean_urls").flag().unwrap_or(false),
        fallback: fallback.map(|document| Fallback {
            document: document.to_owned(),
            only_for_navigation: true,
        }),
        not_found: text("not_found"),
        classes: if classes.is_present() {
            classes.list(class)
        } else {
            vec![cautious_class()]
        },
        keep: Keep {
            releases: keep.get("releases").number().unwrap_or(10),
            min_age: keep.get("for").seconds_or(30 * DAY),
        },
    })
}

fn class(view: View) -> Option<Class> {
    Some(Class {
        glob: view.get("match").text()?.to_owned(),
        browser: view.get("browser").seconds()?,
        edge: view.get("edge").seconds()?,
        stale_while_revalidate: view.get("stale_while_revalidate").seconds(),
        stale_if_error: view.get("stale_if_error").seconds(),
    })
}

/// What holds where a manifest has no classes: browsers ask every time, the edge keeps five minutes.
fn cautious_class() -> Class {
    Class {
        glob: "**".to_owned(),
        browser: Seconds::of(0),
        edge: Seconds::of(300),
        stale_while_revalidate: None,
        stale_if_error: None,
    }
}

pub(super) fn errors(view: View) -> BTreeMap<u16, ErrorResponse> {
    let mut all = BTreeMap::new();
    for (key, response) in view.entries() {
        if let Ok(status) = key.parse::<u16>() {
            all.entry(status).or_insert_with(|| ErrorResponse {
                document: response.get("document").text().map(str::to_owned),
                status: response.get("status").number(),
                min_ttl: response.get("min_ttl").seconds_or(0),
            });
        }
    }
    all
}
