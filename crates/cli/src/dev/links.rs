//! What there is to open on a running site: for each behavior an object that is there, and what will happen.

use super::system::System;
use portcullis_edge::headers::Headers;
use portcullis_edge::identity::{EdgeHost, REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_origin::judge::Judgement;
use portcullis_play::heard::{Arrived, Viewer};
use portcullis_policy::Decision;
use portcullis_site::{Behavior, Name, Origin};
use serde::Serialize;
use std::path::Path;

/// How many files of a folder are looked at for one to open.
const FILES_MAX: usize = 1_000;
/// How long a link is signed for, in seconds.
const SIGNED_FOR: u64 = 86_400;

/// A link to open and what will happen there.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    url: String,
    verdict: &'static str,
    why: String,
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<9} {}  ({})", self.verdict, self.url, self.why)
    }
}

/// One link for each behavior, and one more for each that asks for a signature.
pub(super) fn links(system: &System, base: &str, viewer: Viewer) -> Vec<Link> {
    let mut links = Vec::new();
    for behavior in &system.site().behaviors {
        let (path, nothing) = sample(system, behavior);
        let (verdict, why) = foretell(system, viewer, &path);
        links.push(Link {
            url: format!("{base}{path}"),
            verdict,
            why: why + nothing,
        });
        links.extend(signed(system, behavior, base, viewer, &path));
    }
    links
}

fn signed(
    system: &System,
    behavior: &Behavior,
    base: &str,
    viewer: Viewer,
    path: &str,
) -> Option<Link> {
    let policy = system.site().policies.get(&behavior.policy)?;
    let group: &Name = policy
        .statements
        .iter()
        .find_map(|statement| statement.when.as_ref()?.signed_by.as_ref())?;
    let url = format!("https://{}{path}", system.site().hosts.first()?);
    let signed = system.sign(group, &url, system.now() + SIGNED_FOR)?;
    let target = format!("{path}?{}", signed.split_once('?')?.1);
    let (verdict, why) = foretell(system, viewer, &target);
    Some(Link {
        url: format!("{base}{target}"),
        verdict,
        why: format!("signed for a day; {why}"),
    })
}

/// A path that a behavior governs, and what to say if nothing is there.
fn sample(system: &System, behavior: &Behavior) -> (String, &'static str) {
    let pattern = behavior.path.as_str();
    let literal = behavior.path.literal_prefix();
    let folder = literal.rfind('/').and_then(|end| literal.get(..=end));
    let folder = folder.unwrap_or("/").to_owned();
    match system.site().origins.get(&behavior.origin) {
        Some(Origin::Releases { .. }) => (folder, "; 503 until a release is published"),
        Some(Origin::Bucket {
            name,
            prefix,
            index,
            ..
        }) => {
            let below = system.bucket(name).join(prefix.as_str());
            object(system, pattern, &folder, &below, index.as_deref())
        }
        Some(Origin::DirectBucket { name, prefix }) => {
            let below = system.bucket(name).join(prefix.as_str());
            object(system, pattern, &folder, &below, None)
        }
        Some(Origin::Http(_)) | None => (folder, ""),
    }
}

/// The object to open in `folder`: its index, else the first file by name that the same behavior governs.
fn object(
    system: &System,
    pattern: &str,
    folder: &str,
    below: &Path,
    index: Option<&str>,
) -> (String, &'static str) {
    let directory = below.join(folder.trim_start_matches('/'));
    if index.is_some_and(|index| directory.join(index).is_file()) {
        return (folder.to_owned(), "");
    }
    let governed = |path: &String| {
        system
            .behavior(path)
            .is_some_and(|(_, governing)| governing.path.as_str() == pattern)
    };
    let found = std::fs::read_dir(&directory)
        .into_iter()
        .flatten()
        .take(FILES_MAX)
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| needs_no_escape(name) && !is_variant(name))
        .map(|name| format!("{folder}{name}"))
        .filter(governed)
        .min();
    found.map_or_else(
        || (folder.to_owned(), "; nothing is there"),
        |path| (path, ""),
    )
}

fn needs_no_escape(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    name.bytes().all(plain) && !name.starts_with('.')
}

/// Whether a file is the compressed twin of another.
fn is_variant(name: &str) -> bool {
    [".br", ".gz", ".zst"].iter().any(|end| name.ends_with(end))
}

/// What would become of a request for `target`, in a word and with the reason.
fn foretell(system: &System, viewer: Viewer, target: &str) -> (&'static str, String) {
    let Some((at, behavior)) = system.behavior(target) else {
        return ("refused", "no behavior governs it".to_owned());
    };
    let (headers, id, edge) = (
        Headers::default(),
        RequestId::new([0; REQUEST_ID_RANDOM_BYTES]),
        EdgeHost::new([0; 16]),
    );
    let arrived = Arrived {
        viewer,
        method: "GET",
        target,
        headers: &headers,
    };
    let heard = system.sender(&edge, &id).send(&arrived, at);
    let request = heard.request(&[]);
    let gateway = system.decider(behavior);
    let state = gateway.live().current();
    let judged = gateway.judge().judge(&request, state.state(), system.now());
    verdict(&judged, &behavior.policy)
}

fn verdict(judged: &Judgement<'_>, policy: &Name) -> (&'static str, String) {
    match judged {
        Judgement::Unproven(failure) => ("unproven", failure.code().to_owned()),
        Judgement::Rejected(_, rejection) => ("rejected", rejection.code().to_owned()),
        Judgement::Decided(decided) => match &decided.decision {
            Decision::Admitted(admitted) if admitted.reported().is_some() => {
                ("reported", format!("policy {policy} only reports"))
            }
            Decision::Admitted(_) => ("admitted", format!("policy {policy}")),
            Decision::Refused(refusal) => (
                "refused",
                format!("policy {policy}: {}", refusal.reason.code()),
            ),
        },
    }
}
