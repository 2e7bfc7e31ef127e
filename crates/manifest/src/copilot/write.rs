//! The text of our manifest, commented where something has to be filled in.

use super::{Environment, StaticAssets};
use crate::schema::SCHEMA_FILE;
use crate::template::quoted;

/// Writes the manifest.
pub(super) fn manifest(environment: &Environment) -> String {
    let name = environment.name.as_deref().unwrap_or("environment");
    let assets = environment.static_assets.as_ref();
    let sections = [
        format!(
            "# yaml-language-server: $schema={SCHEMA_FILE}\n\
             # Made from a Copilot environment manifest. CHANGE marks what Copilot did not say.\n\
             version: 1\nsite: {}\n",
            quoted(name)
        ),
        domain(environment, assets),
        origins(assets),
        networks(environment),
        policies(environment),
        behaviors(environment, assets),
    ];
    sections.concat()
}

fn domain(environment: &Environment, assets: Option<&StaticAssets>) -> String {
    let mut out =
        String::from("\n# Copilot collects the aliases of its services; name them here.\n");
    let alias = assets.map_or("www.example.com", |assets| assets.alias.as_str());
    match (&environment.certificate, assets) {
        (Some(certificate), Some(_)) => {
            out.push_str(&format!("hosts: [{alias}]\ncertificate: {certificate}\n"));
        }
        (Some(certificate), None) => {
            out.push_str(&format!("# hosts: [{alias}]\ncertificate: {certificate}\n"));
        }
        (None, _) => out.push_str(&format!(
            "# hosts: [{alias}]                      # CHANGE: hosts need a certificate\n\
             # certificate: arn:aws:acm:us-east-1:ACCOUNT:certificate/ID\n"
        )),
    }
    out
}

fn origins(assets: Option<&StaticAssets>) -> String {
    let mut out = String::from(
        "\norigins:\n  load-balancer:\n    http: { url: https://load-balancer.example.com }   # CHANGE: its name, reached over https\n",
    );
    if let Some(assets) = assets {
        let bucket = assets
            .bucket
            .as_ref()
            .map(|bucket| format!("{{ name: \"{bucket}\" }}"));
        let bucket = bucket.unwrap_or_else(|| {
            "{ name: static-assets }             # CHANGE: the bucket's name".to_owned()
        });
        out.push_str(&format!("  static-assets:                              # CloudFront reads it through origin access control\n    direct_bucket: {bucket}\n"));
    }
    out
}

fn networks(environment: &Environment) -> String {
    if environment.source_ips.is_empty() {
        return String::new();
    }
    let list: Vec<String> = environment
        .source_ips
        .iter()
        .map(|network| format!("\"{network}\""))
        .collect();
    format!("\nnetworks:\n  source-ips: [{}]\n", list.join(", "))
}

fn policies(environment: &Environment) -> String {
    let mut out = String::from("\npolicies:\n");
    if environment.source_ips.is_empty() || environment.static_assets.is_some() {
        out.push_str("  everyone:\n    - { allow: any }\n");
    }
    if !environment.source_ips.is_empty() {
        out.push_str("  source-ips-only:\n    - { allow: { networks: [source-ips] } }\n");
    }
    out
}

fn behaviors(environment: &Environment, assets: Option<&StaticAssets>) -> String {
    let mut out = String::from("\nbehaviors:\n");
    if let Some(assets) = assets {
        let path = serde_json::Value::from(assets.path.as_str());
        out.push_str(&format!(
            "  - path: {path}                           # cached as CachingOptimized does, but `no-store` holds\n    \
             origin: static-assets\n    policy: everyone\n    viewer_protocol: allow-all\n"
        ));
    }
    let policy = if environment.source_ips.is_empty() {
        "everyone"
    } else {
        "source-ips-only"
    };
    let protocol = if environment.terminate_tls {
        "redirect-to-https"
    } else {
        "allow-all"
    };
    out.push_str(&format!(
        "  - path: \"*\"\n    origin: load-balancer\n    policy: {policy}\n    \
         caching: disabled                         # as Copilot does: nothing is kept\n    \
         methods: [GET, HEAD, OPTIONS]             # the gateway is read-only\n    viewer_protocol: {protocol}\n"
    ));
    out
}
