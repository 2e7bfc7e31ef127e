//! A whole decision as the gateway takes it, and a request for every way it can end.
//!
//! One decision here is: the proof (front, principal, three digests compared, edge address read and found among 49
//! networks), the method, the behavior among 22 patterns, the facts (the viewer's address read and looked up in 225
//! networks and in the country table) and the policy. The path is parsed before; the hash of the secret is subtracted.

use crate::Failure;
use crate::inputs::{Inputs, NOW};
use crate::networks;
use ipnet::IpNet;
use memmap2::Mmap;
use portcullis_origin::behaviors::Behaviors;
use portcullis_origin::countries::Countries;
use portcullis_origin::facts::{Sources, gather};
use portcullis_origin::object_path::ObjectPath;
use portcullis_origin::proof::{ProofFailure, prove};
use portcullis_origin::request::{Front, Headers, Method, Principal, Request};
use portcullis_origin::state::{SecretDigest, Secrets, SiteState};
use portcullis_policy::{Decision, decide};
use portcullis_signed_access::VerifiedCache;
use portcullis_site::{Engine, Site};
use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use portcullis_viewer::table::CountryTable;
use serde_json::{Value, json};
use std::fs::File;

/// The accepted value of the secret header: 64 bytes, as long as the rotation makes them.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const FRONT: &str = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws";
const LISTS: [&str; 2] = [
    "com.amazonaws.global.cloudfront.origin-facing",
    "com.amazonaws.global.ipv6.cloudfront.origin-facing",
];

/// How large the site is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Networks of viewers, in one policy.
    pub networks: usize,
    /// Behaviors, the default one among them.
    pub behaviors: usize,
}

/// 49 networks of edges and 225 of viewers are the 274 of the goal.
pub const STANDARD: Size = Size {
    networks: 225,
    behaviors: 22,
};

/// A site, its state and its country table.
pub struct Subject {
    /// The site.
    pub site: Site,
    engine: Engine,
    behaviors: Behaviors,
    /// Its state.
    pub state: SiteState,
    countries: Countries,
    verified: VerifiedCache,
    /// A viewer's network that is denied, one that is allowed, and one of the prefix list.
    denied: IpNet,
    allowed: IpNet,
}

/// What came of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It was not proven to come from the distribution.
    Unproven(ProofFailure),
    /// It cannot be served with this method.
    Method,
    /// The policy decided.
    Decided(Decision),
}

impl Outcome {
    /// The stable code of the outcome.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unproven(failure) => failure.code(),
            Self::Method => "method",
            Self::Decided(Decision::Admitted(_)) => "admitted",
            Self::Decided(Decision::Refused(refusal)) => refusal.reason.code(),
        }
    }
}

impl Subject {
    /// A site of that size.
    ///
    /// # Errors
    /// The inputs cannot be read.
    pub fn new(size: Size, inputs: &Inputs) -> Result<Self, Failure> {
        let (denied, allowed): (Vec<IpNet>, Vec<IpNet>) = {
            let mut all = networks::apart(size.networks.saturating_sub(1), 7);
            let half = all.split_off(all.len() / 2);
            (all, half)
        };
        let site: Site = serde_json::from_value(site(size.behaviors, &denied, &allowed))?;
        let table = File::open(inputs.country_table())?;
        // SAFETY: the file was written by this benchmark, which changes it no more.
        let table = CountryTable::open(unsafe { Mmap::map(&table)? })?;
        let rule = site
            .geo
            .database
            .as_ref()
            .ok_or("the site has no database")?;
        Ok(Self {
            countries: Countries::table(table, rule),
            engine: Engine::new(&site)?,
            behaviors: Behaviors::new(&site.behaviors),
            state: state_at(NOW)?,
            verified: VerifiedCache::new(256),
            denied: *denied.first().ok_or("no denied network")?,
            allowed: *allowed.first().ok_or("no allowed network")?,
            site,
        })
    }

    /// Decides one request, whose path was parsed before.
    #[inline(never)]
    pub fn decide(&self, request: &Request<'_>, path: &ObjectPath<'_>) -> Outcome {
        let proven = match prove(&self.site.guard, &self.state, request, NOW) {
            Ok(proven) => proven,
            Err(failure) => return Outcome::Unproven(failure),
        };
        if Method::parse(request.method).is_none() {
            return Outcome::Method;
        }
        let Some((_, behavior)) = self.behaviors.of(path) else {
            return Outcome::Method;
        };
        let Some(policy) = self.engine.policy(&behavior.policy) else {
            return Outcome::Method;
        };
        let sources = Sources {
            site: &self.site,
            engine: &self.engine,
            state: &self.state,
            countries: &self.countries,
            verified: &self.verified,
        };
        let gathered = gather(sources, policy, request, &proven, NOW);
        Outcome::Decided(decide(policy, &gathered.facts, NOW))
    }

    /// Values of `CloudFront-Viewer-Address` for a denied and an allowed viewer.
    #[must_use]
    pub fn viewers(&self) -> (String, String) {
        let value = |network: IpNet| format!("{}:40123", network.network());
        (value(self.denied), value(self.allowed))
    }
}

/// A genuine request of an allowed country.
#[must_use]
pub fn genuine<'a>(path: &'a str, viewer: &'a str) -> Request<'a> {
    Request {
        front: Front::Domain(FRONT),
        principal: Some(Principal {
            arn: Some("arn:aws:sts::123456789012:assumed-role/cloudfront/E2EXAMPLE"),
        }),
        peer: Some("130.176.88.9"),
        method: "GET",
        raw_path: path,
        raw_query: "",
        headers: Headers {
            secret: Some(SECRET),
            viewer_address: Some(viewer),
            ..Headers::default()
        },
        cookies: &[],
        id: "0123456789abcdef",
    }
}

/// A secret: `right`, or wrong in its `first` or `last` byte.
#[must_use]
pub fn secret_variant(which: &str) -> Option<String> {
    let wrong_at = |at: usize| {
        let mut bytes = SECRET.as_bytes().to_vec();
        *bytes.get_mut(at)? = b'x';
        String::from_utf8(bytes).ok()
    };
    match which {
        "right" => Some(SECRET.to_owned()),
        "first" => wrong_at(0),
        "last" => wrong_at(SECRET.len() - 1),
        _ => None,
    }
}

/// The state of the site, its lists fetched an hour before `now`.
///
/// # Errors
/// AWS's list cannot be read.
pub fn state_at(now: u64) -> Result<SiteState, Failure> {
    let digest = |value: &str| Some(SecretDigest::of(value.as_bytes()));
    let all = networks::of_service(Some("CLOUDFRONT_ORIGIN_FACING"))?;
    let (v4, v6): (Vec<IpNet>, Vec<IpNet>) = all
        .into_iter()
        .partition(|network| matches!(network, IpNet::V4(_)));
    let snapshot = |name: &str, networks, guards| -> Result<_, Failure> {
        let snapshot = PrefixSnapshot::new(name, 1, now - 3_600, networks, guards)?;
        Ok((name.to_owned(), snapshot))
    };
    let partners = vec!["203.0.113.0/24".parse()?];
    Ok(SiteState {
        secrets: Secrets {
            version: 3,
            pending: digest("pending"),
            current: digest(SECRET),
            previous: digest("previous"),
        },
        edge_lists: [
            snapshot(LISTS[0], v4, Guards::Edges)?,
            snapshot(LISTS[1], v6, Guards::Edges)?,
        ]
        .into(),
        prefix_lists: [snapshot("pl-0a1b2c3d", partners, Guards::Viewers)?].into(),
        release: None,
    })
}

/// The site in the form of its bundle.
#[must_use]
pub fn site(behaviors: usize, denied: &[IpNet], allowed: &[IpNet]) -> Value {
    let when = |networks: Value, countries: Value, unknown: bool| json!({ "networks": networks, "countries": countries, "unknown_country": unknown, "countries_written": [], "signed_by": null });
    let say = |effect: &str, when: Value| json!({ "effect": effect, "when": when, "reason": null });
    let behavior = |path: String, policy: &str| {
        json!({
            "path": path, "origin": "files", "policy": policy, "enforce": "origin", "caching": "disabled",
            "methods": "get-head", "viewer_protocol": "redirect-to-https", "compress": false,
            "response_headers": { "security": "none", "cors": null }, "large_objects": "refuse"
        })
    };
    let mut list = vec![
        behavior("/partners/*".to_owned(), "partners"),
        behavior("/strangers/*".to_owned(), "strangers"),
        behavior("/far/*".to_owned(), "far"),
        behavior("/shut/*".to_owned(), "shut"),
    ];
    // Every fourth has a wildcard inside, as in /section-3/*.pdf.
    list.extend((0..behaviors.saturating_sub(5)).map(|at| {
        let rest = if at % 4 == 3 { "*.pdf" } else { "*" };
        behavior(format!("/section-{at}/{rest}"), "countries")
    }));
    list.push(behavior("*".to_owned(), "countries"));
    json!({
        "site": "bench", "hosts": ["bench.example.com"],
        "certificate": "arn:aws:acm:us-east-1:111122223333:certificate/0f3c1d9e", "hosted_zone": null,
        "viewer_tls": "TLSv1.2_2021", "origin_shield": null,
        "origins": { "files": { "bucket": {
            "name": "bench-files", "prefix": "", "index": null, "clean_urls": false, "precompressed": false, "uploads": false
        } } },
        "origin_groups": {},
        "guard": {
            "fronts": [], "access_control": { "mode": "required", "principals": [] },
            "secret_header": { "mode": "required", "name": "x-origin-verify", "rotate_every": 2_592_000, "overlap": 3_600 },
            "edges": { "mode": "required", "prefix_lists": LISTS, "max_age": 1_209_600, "when_stale": "deny" }
        },
        "geo": {
            "source": "database",
            "database": { "file": "country.table", "max_age": 315_360_000, "when_stale": "deny", "paths": ["country.iso_code", "country_code"], "allow_demonstration": true },
            "on_disagreement": "deny", "groups": {}
        },
        "networks": {
            "abuse": { "addresses": denied },
            "office": { "addresses": allowed },
            "partners": { "prefix_list": { "id": "pl-0a1b2c3d", "max_age": 86_400 } }
        },
        "key_groups": {},
        "policies": {
            "countries": { "mode": "enforce", "statements": [
                say("deny", when(json!(["abuse"]), Value::Null, false)),
                say("allow", when(json!(["office", "partners"]), Value::Null, false)),
                say("allow", when(Value::Null, json!(["DE", "FR", "NL", "CH", "US"]), false)),
            ] },
            "partners": { "mode": "enforce", "statements": [ say("allow", when(json!(["partners"]), Value::Null, false)) ] },
            "far": { "mode": "enforce", "statements": [ say("allow", when(Value::Null, json!(["AQ"]), false)) ] },
            "shut": { "mode": "enforce", "statements": [
                say("deny", when(json!(["partners"]), Value::Null, false)),
                say("allow", Value::Null),
            ] },
            "strangers": { "mode": "enforce", "statements": [
                say("deny", when(Value::Null, Value::Null, true)),
                say("allow", Value::Null),
            ] },
        },
        "behaviors": list,
        "releases": null, "errors": {}
    })
}
