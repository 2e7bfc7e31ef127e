//! The files of the page, which are part of the program.

use super::{answer, said};
use portcullis_edge_server::body::Body;
use portcullis_edge_server::listen::Answer;
use serde_json::json;

const FILES: [(&str, &str, &str); 5] = [
    ("icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    (
        "",
        "text/html; charset=utf-8",
        include_str!("page/index.html"),
    ),
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("page/style.css"),
    ),
    (
        "page.js",
        "text/javascript; charset=utf-8",
        include_str!("page/page.js"),
    ),
    (
        "world.js",
        "text/javascript; charset=utf-8",
        include_str!("page/world.js"),
    ),
];

/// A file of the page.
pub(super) fn asset(name: &str) -> Answer {
    match FILES.iter().find(|(own, ..)| *own == name) {
        Some((_, kind, text)) => answer(200, kind, Body::from(text.as_bytes().to_vec())),
        None => said(
            404,
            &json!({ "error": format!("the inspector has no `{name}`") }),
        ),
    }
}
