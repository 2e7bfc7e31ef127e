//! What compiles and is probably not meant: names nothing refers to, protection that is turned down.

use crate::codes;
use crate::diagnostic::Sink;
use crate::source_map::SourceMap;
use portcullis_site::{LargeObjects, Methods, Mode, Name, Requirement, Site};
use std::collections::BTreeSet;

/// The security policies for viewers that still allow obsolete protocols or ciphers.
const OLD_TLS: [&str; 5] = [
    "TLSv1",
    "TLSv1_2016",
    "TLSv1.1_2016",
    "TLSv1.2_2018",
    "TLSv1.2_2019",
];

/// Reports the warnings about `site`.
pub(crate) fn report(site: &Site, map: &SourceMap, sink: &mut Sink) {
    unused(site, map, sink);
    weakened(site, map, sink);
    preflights(site, map, sink);
}

fn unused(site: &Site, map: &SourceMap, sink: &mut Sink) {
    let conditions = || {
        site.policies
            .values()
            .flat_map(|p| &p.statements)
            .filter_map(|s| s.when.as_ref())
    };
    let hand_offs = site
        .behaviors
        .iter()
        .filter_map(|b| match &b.large_objects {
            LargeObjects::HandOff { key_group, .. } => Some(key_group),
            LargeObjects::Refuse | LargeObjects::Stream => None,
        });
    let targets: BTreeSet<&Name> = site.behaviors.iter().map(|b| &b.origin).collect();
    let members = site
        .origin_groups
        .values()
        .flat_map(|group| [&group.primary, &group.secondary]);
    let origins = targets.iter().copied().chain(members).collect();
    let candidates = site.policies.values().filter_map(|p| p.candidate.as_ref());
    let governing = site.behaviors.iter().map(|b| &b.policy);
    let policies = governing.chain(candidates).collect();
    let networks = conditions()
        .filter_map(|c| c.networks.as_ref())
        .flatten()
        .collect();
    let key_groups = conditions()
        .filter_map(|c| c.signed_by.as_ref())
        .chain(hand_offs)
        .collect();
    let sections: [(&str, &str, Vec<&Name>, BTreeSet<&Name>); 5] = [
        ("origin", "origins", site.origins.keys().collect(), origins),
        (
            "origin group",
            "origin_groups",
            site.origin_groups.keys().collect(),
            targets,
        ),
        (
            "policy",
            "policies",
            site.policies.keys().collect(),
            policies,
        ),
        (
            "network",
            "networks",
            site.networks.keys().collect(),
            networks,
        ),
        (
            "key group",
            "key_groups",
            site.key_groups.keys().collect(),
            key_groups,
        ),
    ];
    for (kind, section, declared, used) in sections {
        for name in declared.into_iter().filter(|name| !used.contains(name)) {
            sink.warning(
                codes::UNUSED,
                map.span(&[section, name.as_str()]),
                format!("{kind} `{name}` is not used"),
            )
            .help("remove it, or name it where it was meant");
        }
    }
}

fn weakened(site: &Site, map: &SourceMap, sink: &mut Sink) {
    let guard = &site.guard;
    let layers = [
        ("access_control", guard.access_control.mode),
        ("secret_header", guard.secret_header.mode),
        ("edges", guard.edges.mode),
    ];
    for (layer, _) in layers
        .into_iter()
        .filter(|(_, mode)| *mode != Requirement::Required)
    {
        sink.warning(
            codes::WEAKENED,
            map.span(&["guard", layer]),
            format!("`{layer}` does not refuse requests without its proof"),
        )
        .help("set it to `required` once the log shows that every genuine request has the proof");
    }
    for (name, _) in site
        .policies
        .iter()
        .filter(|(_, policy)| policy.mode == Mode::Report)
    {
        sink.warning(
            codes::WEAKENED,
            map.span(&["policies", name.as_str(), "mode"]),
            format!("policy `{name}` refuses nobody"),
        )
        .help("set `mode: enforce` once the log shows what it would have refused");
    }
    if OLD_TLS.contains(&site.viewer_tls.as_str()) {
        let message = format!(
            "`{}` still allows protocols or ciphers below TLSv1.2_2021",
            site.viewer_tls
        );
        sink.warning(codes::WEAKENED, map.span(&["viewer_tls"]), message)
            .help("use TLSv1.2_2021 or newer");
    }
}

fn preflights(site: &Site, map: &SourceMap, sink: &mut Sink) {
    for (i, behavior) in site.behaviors.iter().enumerate() {
        let asks = behavior
            .response_headers
            .cors
            .as_ref()
            .is_some_and(|cors| !cors.allow_headers.is_empty());
        if asks && behavior.methods == Methods::GetHead {
            let place = [
                "behaviors",
                &i.to_string(),
                "response_headers",
                "cors",
                "allow_headers",
            ];
            sink.warning(
                codes::PREFLIGHT,
                map.span(&place),
                "no preflight that asks for these headers is ever answered",
            )
            .help("add `methods: [GET, HEAD, OPTIONS]`");
        }
    }
}
