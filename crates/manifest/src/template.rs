//! The manifest that `portcullis init` writes: small, commented, compiling.

use crate::schema::SCHEMA_FILE;
use crate::text::implicit_type;
use portcullis_site::Name;

/// A new manifest for a site of that name, which serves the objects in a bucket named after it to everyone.
#[must_use]
pub fn init_template(site: &Name) -> String {
    let bucket = bucket_name(site.as_str(), "pages");
    format!(
        r#"# yaml-language-server: $schema={SCHEMA_FILE}
# One site. `portcullis compile` proves it, `portcullis dev` runs it here, `portcullis explain URL` says who may see what.
version: 1
site: {site}

# hosts: [www.example.com]            # alternate domain names; they need the certificate
# certificate: arn:aws:acm:us-east-1:ACCOUNT:certificate/ID

origins:
  site:                               # a bucket that the gateway reads; here it is the folder buckets/{bucket}
    bucket: {{ name: {bucket}, index: index.html, clean_urls: true }}

# networks:
#   office: [198.51.100.0/24]

policies:                             # the first matching statement wins; no match is a refusal
  everyone:
    - {{ allow: any }}
  # europe-only:
  #   - {{ allow: {{ countries: [EU, CH] }} }}

behaviors:                            # the first matching path wins; the last one is "*"
  - path: "*"
    origin: site
    policy: everyone
    response_headers: {{ security: basic }}
"#,
        site = quoted(site.as_str()),
    )
}

/// The first scenario of a site that [`init_template`] describes.
#[must_use]
pub fn init_scenario(site: &Name) -> String {
    let bucket = bucket_name(site.as_str(), "pages");
    format!(
        r#"# `portcullis test` plays this. One file for each behavior that must not change; docs/scenarios.md has every key.
scenario: Everybody reads the pages, and the cache answers the second time.
objects:
  {bucket}:
    index.html: <h1>Hello</h1>
steps:
  - {{ get: /, from: DE, expect: {{ verdict: admitted, status: 200, result: Miss, contains: Hello }} }}
  - {{ get: /, from: US, expect: {{ verdict: admitted, status: 200, result: Hit, origin-requests: 0 }} }}
  - {{ get: /nothing, from: US, expect: {{ status: 404 }} }}
"#
    )
}

/// The name as YAML reads it back, quoted where it would look like something else.
pub(crate) fn quoted(name: &str) -> String {
    let doubtful = implicit_type(name).is_some()
        || matches!(
            name.to_lowercase().as_str(),
            "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    let plain = !doubtful && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

/// A bucket name made of a site's name and what the bucket holds.
pub(crate) fn bucket_name(site: &str, holds: &str) -> String {
    let letters: String = site
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(50)
        .collect();
    format!("{}-{holds}", letters.trim_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::init_template;
    use crate::compile;
    use portcullis_site::Name;
    use std::collections::BTreeMap;

    #[test]
    fn the_template_compiles_for_every_name() {
        for name in [
            "handbook",
            "true",
            "No",
            "1",
            "0x10",
            "a.b_c-D",
            "x-",
            &"z".repeat(64),
        ] {
            let text = init_template(&Name::new(name).unwrap());
            assert!(text.starts_with("# yaml-language-server: $schema="));
            let compiled = compile(&text, "portcullis.yaml", &BTreeMap::new())
                .unwrap_or_else(|d| panic!("{d}"));
            assert_eq!(compiled.bundle.site().site.as_str(), name);
            assert_eq!(compiled.warnings, []);
        }
    }
}
