//! What the tests of mistakes share: the example, its errors, and the check of one mistake.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test whose input is not as it must be must fail"
)]

use portcullis_manifest::{Diagnostics, Folder, compile};

pub(crate) const EXAMPLE: &str = include_str!("../../../../example/portcullis.yaml");

pub(crate) fn folder() -> Folder {
    Folder(concat!(env!("CARGO_MANIFEST_DIR"), "/../../example").into())
}

pub(crate) fn errors(source: &str) -> Option<Diagnostics> {
    compile(source, "portcullis.yaml", &folder()).err()
}

/// Replaces `right` in the example by `wrong` and expects exactly one error: its code, the text it underlines, and the
/// word it proposes (empty for none).
#[track_caller]
pub(crate) fn check(right: &str, wrong: &str, code: &str, underlined: &str, proposed: &str) {
    assert!(EXAMPLE.contains(right), "`{right}` is in the example");
    check_source(
        &EXAMPLE.replacen(right, wrong, 1),
        code,
        underlined,
        proposed,
    );
}

#[track_caller]
pub(crate) fn check_source(source: &str, code: &str, underlined: &str, proposed: &str) {
    let found = errors(source).expect("an error");
    let [only] = found.diagnostics.as_slice() else {
        panic!("not exactly one error:\n{found}")
    };
    let line = source
        .lines()
        .nth(only.place.line as usize - 1)
        .unwrap_or_default();
    let text: String = line
        .chars()
        .skip(only.place.column as usize - 1)
        .take(only.width as usize)
        .collect();
    let proposal = only.did_you_mean.clone().unwrap_or_default();
    assert_eq!(
        (
            only.code.to_string().as_str(),
            text.as_str(),
            proposal.as_str()
        ),
        (code, underlined, proposed),
        "\n{found}"
    );
    assert!(
        only.help.as_ref().is_some_and(|help| !help.is_empty()),
        "no help:\n{found}"
    );
}
