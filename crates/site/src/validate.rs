//! What must hold between the parts of a site: references, orders, limits, reachability.
//!
//! One set of rules for both readers: the manifest crate places each fault in the file, the bundle reader refuses the
//! bundle. A fault's pointer speaks the manifest's structure (`behaviors/3/ttl`); the longest prefix that exists is the
//! place.

mod behaviors;
mod policies;

use crate::{Network, Origin, Site};
use std::collections::BTreeSet;
use std::fmt;

/// The rules between the parts of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A size is over its limit.
    Limit,
    /// Hosts, their certificate and their zone belong together.
    Certificate,
    /// There is an origin.
    NoOrigin,
    /// A number of an origin is in CloudFront's range.
    OriginRange,
    /// The members and statuses of an origin group are possible.
    OriginGroup,
    /// An origin that is named is declared.
    UnknownOrigin,
    /// A policy that is named is declared.
    UnknownPolicy,
    /// A network that is named is declared.
    UnknownNetwork,
    /// A key group that is named is declared.
    UnknownKeyGroup,
    /// The guard can do its work.
    Guard,
    /// The sources of the country are there.
    Geo,
    /// Nothing that decides is empty.
    EmptyRule,
    /// Keys and algorithms of a group fit.
    KeyGroup,
    /// An unknown country is never allowed.
    UnknownAllowed,
    /// Every statement can be reached.
    Unreachable,
    /// The last behavior matches everything.
    DefaultBehavior,
    /// Every behavior can be reached.
    Shadowed,
    /// TTLs are in order.
    TtlOrder,
    /// What the gateway decides, no cache undoes.
    Enforcement,
    /// What CloudFront serves itself, it can decide itself.
    DirectBucket,
    /// A hand-off has somewhere to go.
    HandOff,
    /// Cross-origin access is an exact list.
    Cors,
    /// A custom error response is possible.
    ErrorResponse,
    /// Release settings have a release store.
    Releases,
}

/// Something in a site that cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The rule that is broken.
    pub rule: Rule,
    /// Where, in the manifest's structure.
    pub pointer: Vec<String>,
    /// What is wrong, in lower case without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The word that was not found and the words that would have been, for a "did you mean".
    pub unknown: Option<(String, Vec<String>)>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer.join("."), self.message)
    }
}

/// The sizes a site may have; the first four are what one decision is built for, the rest bound the work of a reader.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Named networks.
    pub networks: usize,
    /// Addresses in one network, and in all of them.
    pub addresses: usize,
    /// Key groups.
    pub key_groups: usize,
    /// Statements in one policy.
    pub statements: usize,
    /// Behaviors. CloudFront allows 75; `portcullis serve` can use more.
    pub behaviors: usize,
    /// Origins and groups.
    pub origins: usize,
    /// Policies.
    pub policies: usize,
    /// Alternate domain names (CloudFront's limit).
    pub hosts: usize,
}

/// The limits in force.
pub const LIMITS: Limits = Limits {
    networks: portcullis_policy::NETWORKS_MAX,
    addresses: 20_000,
    key_groups: portcullis_policy::KEY_GROUPS_MAX,
    statements: portcullis_policy::STATEMENTS_MAX,
    behaviors: 2_000,
    origins: 100,
    policies: 500,
    hosts: 100,
};

/// Collects faults as the rules run.
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    fn add(
        &mut self,
        rule: Rule,
        pointer: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.0.push(Fault {
            rule,
            pointer: pointer.iter().map(ToString::to_string).collect(),
            message: message.into(),
            help: help.into(),
            unknown: None,
        });
    }

    fn unknown<'a>(
        &mut self,
        rule: Rule,
        pointer: &[&str],
        kind: &str,
        word: &str,
        known: impl Iterator<Item = &'a str>,
    ) {
        let known: Vec<String> = known.map(str::to_owned).collect();
        let help = if known.is_empty() {
            format!("no {kind} is declared")
        } else {
            format!("declared are: {}", known.join(", "))
        };
        self.0.push(Fault {
            rule,
            pointer: pointer.iter().map(ToString::to_string).collect(),
            message: format!("unknown {kind} `{word}`"),
            help,
            unknown: Some((word.to_owned(), known)),
        });
    }

    fn limit(&mut self, pointer: &[&str], what: &str, count: usize, max: usize) {
        if count > max {
            self.add(
                Rule::Limit,
                pointer,
                format!("{count} {what}, at most {max} are supported"),
                "split the site or merge entries",
            );
        }
    }
}

impl Site {
    /// Every fault of the site, in the manifest's order of sections; empty means valid.
    #[must_use]
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        self.limits(&mut faults);
        self.hosts_and_tls(&mut faults);
        self.origins(&mut faults);
        self.guard_and_geo(&mut faults);
        self.networks(&mut faults);
        policies::validate(self, &mut faults);
        behaviors::validate(self, &mut faults);
        self.error_responses(&mut faults);
        faults.0
    }

    fn limits(&self, faults: &mut Faults) {
        faults.limit(
            &["networks"],
            "networks",
            self.networks.len(),
            LIMITS.networks,
        );
        faults.limit(
            &["key_groups"],
            "key groups",
            self.key_groups.len(),
            LIMITS.key_groups,
        );
        faults.limit(
            &["behaviors"],
            "behaviors",
            self.behaviors.len(),
            LIMITS.behaviors,
        );
        faults.limit(
            &["origins"],
            "origins",
            self.origins.len() + self.origin_groups.len(),
            LIMITS.origins,
        );
        faults.limit(
            &["policies"],
            "policies",
            self.policies.len(),
            LIMITS.policies,
        );
        faults.limit(&["hosts"], "hosts", self.hosts.len(), LIMITS.hosts);
    }

    fn hosts_and_tls(&self, faults: &mut Faults) {
        if !self.hosts.is_empty() && self.certificate.is_none() {
            faults.add(Rule::Certificate,
                &["hosts"],
                "alternate domain names need a certificate",
                "add `certificate:` with the ARN of an ACM certificate in us-east-1 that covers every host",
            );
        }
        if let Some(arn) = &self.certificate
            && !is_certificate_arn(arn)
        {
            faults.add(Rule::Certificate,
                &["certificate"],
                format!("`{arn}` is not the ARN of an ACM certificate in us-east-1"),
                "CloudFront takes viewer certificates from us-east-1 only, as `arn:aws:acm:us-east-1:ACCOUNT:certificate/ID`",
            );
        }
        let mut seen = BTreeSet::new();
        for (i, host) in self.hosts.iter().enumerate() {
            if !seen.insert(host) {
                faults.add(
                    Rule::Certificate,
                    &["hosts", &i.to_string()],
                    format!("host `{host}` stands twice"),
                    "remove one of them",
                );
            }
        }
        if self.hosted_zone.is_some() && self.hosts.is_empty() {
            faults.add(
                Rule::Certificate,
                &["dns"],
                "alias records need hosts",
                "add `hosts:` or remove `dns:`",
            );
        }
    }

    fn origins(&self, faults: &mut Faults) {
        if self.origins.is_empty() {
            faults.add(
                Rule::NoOrigin,
                &["origins"],
                "at least one origin is needed",
                "declare where content comes from under `origins:`",
            );
        }
        for (name, group) in &self.origin_groups {
            self.origin_group(name.as_str(), group, faults);
        }
        let wants_releases = self
            .origins
            .values()
            .any(|o| matches!(o, Origin::Releases { .. }));
        if self.releases.is_some() && !wants_releases {
            faults.add(
                Rule::Releases,
                &["releases"],
                "no origin is a release store",
                "add an origin with `releases:` or remove this section",
            );
        }
        for (name, origin) in &self.origins {
            if let Origin::Http(http) = origin {
                let place = ["origins", name.as_str(), "http"];
                range(
                    faults,
                    &place,
                    "connect_timeout",
                    http.connect_timeout.get(),
                    1,
                    10,
                );
                range(
                    faults,
                    &place,
                    "response_timeout",
                    http.response_timeout.get(),
                    1,
                    120,
                );
                range(faults, &place, "attempts", u64::from(http.attempts), 1, 3);
            }
        }
    }

    fn origin_group(&self, name: &str, group: &crate::OriginGroup, faults: &mut Faults) {
        if self.origins.keys().any(|o| o.as_str() == name) {
            faults.add(
                Rule::OriginGroup,
                &["origin_groups", name],
                format!("`{name}` is an origin too"),
                "rename one of them",
            );
        }
        for (role, member) in [("primary", &group.primary), ("secondary", &group.secondary)] {
            let place = ["origin_groups", name, role];
            match self.origins.get(member) {
                None => faults.unknown(
                    Rule::UnknownOrigin,
                    &place,
                    "origin",
                    member.as_str(),
                    self.origins.keys().map(crate::Name::as_str),
                ),
                Some(Origin::Http(_) | Origin::Bucket { .. }) => {}
                Some(_) => faults.add(
                    Rule::OriginGroup,
                    &place,
                    format!("origin `{member}` cannot be in a group"),
                    "a group is made of custom origins (`http`) or plain buckets (`bucket`)",
                ),
            }
        }
        if group.primary == group.secondary {
            faults.add(
                Rule::OriginGroup,
                &["origin_groups", name, "secondary"],
                "both members are the same origin",
                "name another origin",
            );
        }
        const SELECTABLE: [u16; 9] = [400, 403, 404, 416, 429, 500, 502, 503, 504];
        if group.failover_on.is_empty() {
            faults.add(
                Rule::OriginGroup,
                &["origin_groups", name, "failover_on"],
                "the list is empty",
                "name at least one status, such as 503",
            );
        }
        for (i, status) in group.failover_on.iter().enumerate() {
            if !SELECTABLE.contains(status) {
                faults.add(
                    Rule::OriginGroup,
                    &["origin_groups", name, "failover_on", &i.to_string()],
                    format!("CloudFront does not fail over on {status}"),
                    "it can on 400, 403, 404, 416, 429, 500, 502, 503 and 504",
                );
            }
        }
    }

    fn guard_and_geo(&self, faults: &mut Faults) {
        let header = &self.guard.secret_header.name;
        let token = !header.is_empty()
            && header.len() <= 256
            && header
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        const FORBIDDEN: [&str; 10] = [
            "host",
            "cookie",
            "authorization",
            "range",
            "via",
            "origin",
            "connection",
            "te",
            "trailer",
            "upgrade",
        ];
        let taken = FORBIDDEN.contains(&header.as_str())
            || [
                "x-amz-",
                "x-edge-",
                "x-forwarded-",
                "cloudfront-",
                "if-",
                "content-",
                "proxy-",
            ]
            .iter()
            .any(|p| header.starts_with(p));
        if !token || taken {
            faults.add(Rule::Guard,
                &["guard", "secret_header", "name"],
                format!("`{header}` cannot carry the secret"),
                "use a name of your own in lower-case letters, digits and `-`, such as `x-origin-verify`",
            );
        }
        if self.guard.edges.prefix_lists.is_empty() {
            faults.add(
                Rule::Guard,
                &["guard", "edges", "prefix_lists"],
                "the list is empty",
                "name CloudFront's managed prefix lists, or set `mode: off`",
            );
        }
        if self.geo.source != portcullis_viewer::geo::GeoSource::CloudFront
            && self.geo.database.is_none()
        {
            faults.add(
                Rule::Geo,
                &["geo", "source"],
                "this source needs a database",
                "add `database: { file: … }` or use `source: cloudfront`",
            );
        }
        for (name, group) in &self.geo.groups {
            if group.members.is_empty() {
                faults.add(
                    Rule::EmptyRule,
                    &["geo", "groups", name.as_str()],
                    "the group is empty",
                    "name at least one country, or remove the group",
                );
            }
        }
    }

    fn networks(&self, faults: &mut Faults) {
        let mut total = 0;
        for (name, network) in &self.networks {
            if let Network::Addresses(list) = network {
                total += list.len();
                if list.is_empty() {
                    faults.add(Rule::EmptyRule,
                        &["networks", name.as_str()],
                        "the network is empty",
                        "an empty list admits nobody; name at least one address range, or remove the network",
                    );
                }
            }
        }
        faults.limit(&["networks"], "address ranges", total, LIMITS.addresses);
    }

    fn error_responses(&self, faults: &mut Faults) {
        const CODES: [u16; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
        for (status, response) in &self.errors {
            let key = status.to_string();
            if !CODES.contains(status) {
                faults.add(
                    Rule::ErrorResponse,
                    &["errors", &key],
                    format!("CloudFront has no custom error response for {status}"),
                    "it has for 400, 403, 404, 405, 414, 416 and 500 to 504",
                );
            }
            if response
                .document
                .as_ref()
                .is_some_and(|d| !d.starts_with('/'))
            {
                faults.add(
                    Rule::ErrorResponse,
                    &["errors", &key, "document"],
                    "the path must begin with `/`",
                    "write it as `/errors/503.html`",
                );
            }
            if response
                .status
                .is_some_and(|s| s != 200 && !CODES.contains(&s))
            {
                faults.add(
                    Rule::ErrorResponse,
                    &["errors", &key, "status"],
                    "CloudFront cannot send this status",
                    "use 200 or one of the error codes",
                );
            }
            if *status == 403 && response.status.is_some_and(|s| s < 400) {
                faults.add(
                    Rule::ErrorResponse,
                    &["errors", &key, "status"],
                    "a refusal must not become a success",
                    "leave `status` out, so that a refused viewer sees 403",
                );
            }
        }
    }
}

fn range(faults: &mut Faults, place: &[&str; 3], key: &str, value: u64, min: u64, max: u64) {
    if !(min..=max).contains(&value) {
        faults.add(
            Rule::OriginRange,
            &[place[0], place[1], place[2], key],
            format!("{key} is {value}, CloudFront's range is {min} to {max}"),
            "choose a value in the range",
        );
    }
}

fn is_certificate_arn(arn: &str) -> bool {
    let mut parts = arn.split(':');
    parts.next() == Some("arn")
        && parts
            .next()
            .is_some_and(|p| matches!(p, "aws" | "aws-cn" | "aws-us-gov"))
        && parts.next() == Some("acm")
        && parts.next() == Some("us-east-1")
        && parts.next().is_some_and(|account| {
            account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())
        })
        && parts.next().is_some_and(|r| {
            r.strip_prefix("certificate/")
                .is_some_and(|id| !id.is_empty())
        })
        && parts.next().is_none()
}
