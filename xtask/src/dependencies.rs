//! Which crate may depend on which: the architecture, as a test over `cargo metadata`.
//!
//! - A crate of the workspace depends only on those in its row of `DIRECTIONS`; a crate without a row is refused.
//! - Programs (functions, command line) and tests are depended on by tests alone.
//! - The AWS SDK is named by one crate, the Lambda runtime by functions only.
//! - No function reaches the YAML parser; functions read the compiled bundle.
//! - A pure crate's direct dependencies equal a list that is checked in, so that a new one is a decision.
//! - There is one TLS implementation.
//!
//! `deny.toml` says what it can of this a second time, for licences and sources too.

mod metadata;

pub(crate) use metadata::Metadata;

use crate::steps::Failure;
use crate::tidy::{Finding, conclude};
use crate::tree;
use metadata::{Dependency, Kind, Package};
use std::collections::BTreeSet;

/// The crates without I/O, clock, environment and randomness.
pub(crate) const PURE: &[&str] = &[
    "portcullis-access-log",
    "portcullis-check",
    "portcullis-control",
    "portcullis-diff",
    "portcullis-edge",
    "portcullis-edge-guard",
    "portcullis-field-encryption",
    "portcullis-http-semantics",
    "portcullis-policy",
    "portcullis-release-manifest",
    "portcullis-signed-access",
    "portcullis-stack",
    "portcullis-viewer",
];

/// Each crate, and the crates of the workspace it may use. Leaves first; an arrow never points down this list.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("portcullis-access-log", &[]),
    ("portcullis-field-encryption", &[]),
    ("portcullis-viewer", &[]),
    ("portcullis-signed-access", &[]),
    // What publishing writes and the gateway reads; neither knows the other.
    ("portcullis-release-manifest", &[]),
    // RFC semantics and our product change for different reasons: it and `policy` do not know each other.
    ("portcullis-http-semantics", &[]),
    (
        "portcullis-policy",
        &["portcullis-viewer", "portcullis-signed-access"],
    ),
    ("portcullis-site", SITE_AND_BELOW),
    ("portcullis-manifest", SITE_AND_BELOW),
    // Two sites, compared by the engine that decides.
    (
        "portcullis-diff",
        &[
            "portcullis-policy",
            "portcullis-signed-access",
            "portcullis-site",
            "portcullis-viewer",
        ],
    ),
    // Functions of the edge in a JavaScript engine: what the model asks for and takes back.
    (
        "portcullis-edge-functions",
        &["portcullis-edge", "portcullis-http-semantics"],
    ),
    // A policy as a function for the edge: made from the site, never by asking the gateway.
    (
        "portcullis-edge-guard",
        &["portcullis-site", "portcullis-viewer"],
    ),
    ("portcullis-release", STORED_AND_BELOW),
    // The other side of the wire: it must not know our policy or our handler.
    (
        "portcullis-edge",
        &[
            "portcullis-http-semantics",
            "portcullis-signed-access",
            "portcullis-viewer",
        ],
    ),
    // What a distribution is read from; the model knows none of these texts.
    (
        "portcullis-distribution",
        &[
            "portcullis-edge",
            "portcullis-edge-guard",
            "portcullis-field-encryption",
            "portcullis-http-semantics",
            "portcullis-policy",
            "portcullis-signed-access",
            "portcullis-site",
            "portcullis-viewer",
        ],
    ),
    // The API of what is played: configurations and invalidations, by the reader of the first and the model of the second.
    (
        "portcullis-control",
        &["portcullis-distribution", "portcullis-edge"],
    ),
    // Any template and our manifest, judged by what CloudFront does: it reads both as text, more leniently than who plays them.
    (
        "portcullis-check",
        &[
            "portcullis-distribution",
            "portcullis-edge",
            "portcullis-viewer",
        ],
    ),
    // A site as a template. Its distribution is the one that is played.
    (
        "portcullis-stack",
        &[
            "portcullis-distribution",
            "portcullis-edge",
            "portcullis-edge-guard",
            "portcullis-signed-access",
            "portcullis-site",
        ],
    ),
    // The two ends of the edge: sockets and origins, for the model between them.
    (
        "portcullis-edge-server",
        &[
            "portcullis-edge",
            "portcullis-field-encryption",
            "portcullis-http-semantics",
            "portcullis-viewer",
            // Behind a feature: a function as an origin, run as Lambda runs it.
            "portcullis-runtime-api",
        ],
    ),
    ("portcullis-origin", STORED_AND_BELOW),
    // A log under the rules of a site: the gateway's judge, asked once for each line.
    (
        "portcullis-replay",
        &[
            "portcullis-access-log",
            "portcullis-origin",
            "portcullis-policy",
            "portcullis-site",
            "portcullis-viewer",
        ],
    ),
    // Both sides of the wire at work in one process, and scenarios over them.
    (
        "portcullis-play",
        &[
            "portcullis-diff",
            "portcullis-distribution",
            "portcullis-edge",
            "portcullis-edge-functions",
            "portcullis-edge-guard",
            "portcullis-edge-server",
            "portcullis-field-encryption",
            "portcullis-http-semantics",
            "portcullis-origin",
            "portcullis-policy",
            "portcullis-signed-access",
            "portcullis-site",
            "portcullis-viewer",
        ],
    ),
    ("portcullis-aws", ORIGIN_AND_BELOW),
    ("portcullis-gateway", AWS_AND_BELOW),
    (
        "portcullis",
        &[
            "portcullis-access-log",
            "portcullis-aws",
            "portcullis-check",
            "portcullis-control",
            "portcullis-diff",
            "portcullis-distribution",
            "portcullis-edge",
            "portcullis-edge-functions",
            "portcullis-edge-server",
            "portcullis-field-encryption",
            "portcullis-http-semantics",
            "portcullis-manifest",
            "portcullis-origin",
            "portcullis-play",
            "portcullis-policy",
            "portcullis-release",
            "portcullis-release-manifest",
            "portcullis-replay",
            "portcullis-runtime-api",
            "portcullis-signed-access",
            "portcullis-site",
            "portcullis-stack",
            "portcullis-viewer",
        ],
    ),
];

const SITE_AND_BELOW: &[&str] = &[
    "portcullis-http-semantics",
    "portcullis-policy",
    "portcullis-signed-access",
    "portcullis-site",
    "portcullis-viewer",
];
const STORED_AND_BELOW: &[&str] = &[
    "portcullis-http-semantics",
    "portcullis-policy",
    "portcullis-release-manifest",
    "portcullis-signed-access",
    "portcullis-site",
    "portcullis-viewer",
];
const ORIGIN_AND_BELOW: &[&str] = &[
    "portcullis-http-semantics",
    "portcullis-origin",
    "portcullis-policy",
    "portcullis-release",
    "portcullis-release-manifest",
    "portcullis-signed-access",
    "portcullis-site",
    "portcullis-viewer",
];
const AWS_AND_BELOW: &[&str] = &[
    "portcullis-aws",
    "portcullis-http-semantics",
    "portcullis-origin",
    "portcullis-policy",
    "portcullis-release",
    "portcullis-release-manifest",
    "portcullis-signed-access",
    "portcullis-site",
    "portcullis-viewer",
];

/// The YAML parser and its parts.
const YAML: &[&str] = &["saphyr", "saphyr-parser", "serde-saphyr"];
/// TLS implementations that are not ours (rustls with ring).
const OTHER_TLS: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
];
/// The checked-in list of what pure crates depend on.
const PURE_LIST: &str = "xtask/pure-dependencies.txt";

/// Every rule over the workspace.
pub(crate) fn check() -> Result<String, Failure> {
    let metadata = Metadata::read()?;
    let mut findings = Vec::new();
    for package in metadata.members() {
        findings.extend(directions(package));
        findings.extend(who_may_name(package));
    }
    findings.extend(functions_without_yaml(&metadata));
    findings.extend(one_tls(&metadata));
    let listed = tree::read_text(PURE_LIST)?;
    findings.extend(pure_list(&listed, &pure_dependencies(&metadata)));
    conclude(&findings, format!("{} crates", metadata.members().count()))
}

fn directions(package: &Package) -> Vec<Finding> {
    let named = package.dependencies.iter().filter(|used| used.is_ours());
    let named = named.filter(|used| !allowed(package, used));
    named
        .map(|used| {
            let what = format!("may not depend on `{}` ({})", used.name, used.kind.word());
            Finding::new(&package.name, what)
        })
        .chain(without_row(package))
        .collect()
}

fn allowed(package: &Package, used: &Dependency) -> bool {
    let row = row(&package.name).unwrap_or_default();
    let is_test_code = package.is_under("tests/") || package.is_under("xtask");
    // What a test of a crate uses says nothing about the crate; but a program is no library even there.
    let in_own_tests =
        used.kind == Kind::Dev && (row_of_library(&used.name) || used.is_under("tests/"));
    is_test_code || in_own_tests || row.contains(&used.name.as_str())
}

fn without_row(package: &Package) -> Option<Finding> {
    let needs_row = package.is_under("crates/") || package.is_under("functions/");
    (needs_row && row(&package.name).is_none())
        .then(|| Finding::new(&package.name, "has no row in the table of directions"))
}

fn row(name: &str) -> Option<&'static [&'static str]> {
    DIRECTIONS
        .iter()
        .find(|(package, _)| *package == name)
        .map(|(_, may_use)| *may_use)
}

/// Whether some crate of the workspace may be built on it.
fn row_of_library(name: &str) -> bool {
    DIRECTIONS
        .iter()
        .any(|(_, may_use)| may_use.contains(&name))
}

fn who_may_name(package: &Package) -> Vec<Finding> {
    let names = package.dependencies.iter().map(|used| used.name.as_str());
    names
        .filter_map(|name| {
            let (holds, owner) = if name.starts_with("aws-") {
                (package.name == "portcullis-aws", "`portcullis-aws`")
            } else if name.starts_with("lambda_") || name.starts_with("lambda-") {
                let may = package.is_under("functions/") || package.is_under("tests/");
                (may, "a function")
            } else {
                (true, "")
            };
            (!holds).then(|| Finding::new(&package.name, format!("only {owner} may name `{name}`")))
        })
        .collect()
}

fn functions_without_yaml(metadata: &Metadata) -> Vec<Finding> {
    let functions = metadata
        .members()
        .filter(|package| package.is_under("functions/"));
    functions
        .flat_map(|function| {
            let reached = metadata.reached_by(function);
            let yaml = reached.into_iter().filter(|name| YAML.contains(name));
            yaml.map(|name| {
                Finding::new(&function.name, format!("reaches the YAML parser `{name}`"))
            })
            .collect::<Vec<_>>()
        })
        .collect()
}

fn one_tls(metadata: &Metadata) -> Vec<Finding> {
    metadata
        .resolved()
        .filter(|name| OTHER_TLS.contains(name))
        .map(|name| {
            Finding::new(
                "Cargo.lock",
                format!("`{name}` is a second TLS implementation"),
            )
        })
        .collect()
}

/// Lines `crate dependency` of the direct normal and build dependencies of pure crates.
fn pure_dependencies(metadata: &Metadata) -> BTreeSet<String> {
    metadata
        .members()
        .filter(|package| PURE.contains(&package.name.as_str()))
        .flat_map(|package| {
            let used = package
                .dependencies
                .iter()
                .filter(|used| used.kind != Kind::Dev);
            used.map(|used| format!("{} {}", package.name, used.name))
        })
        .collect()
}

fn pure_list(listed: &str, found: &BTreeSet<String>) -> Vec<Finding> {
    let lines = listed
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let listed: BTreeSet<String> = lines.map(str::to_owned).collect();
    let unlisted = found
        .difference(&listed)
        .map(|line| (line, "is used and not listed"));
    let unused = listed
        .difference(found)
        .map(|line| (line, "is listed and not used"));
    unlisted
        .chain(unused)
        .map(|(line, what)| Finding::new(PURE_LIST, format!("`{line}` {what}")))
        .collect()
}

#[cfg(test)]
mod tests;
