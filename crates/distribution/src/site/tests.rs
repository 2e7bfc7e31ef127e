//! The example manifest as a distribution.

use super::{Deployment, SIGNED_COOKIES, SiteError, of_site};
use portcullis_edge::distribution::{
    AccessControlOrigin, CacheSettings, Compute, Distribution, HeaderSelection, OriginKind,
    OriginProtocol, Signing, Target, Trusted, unsupported,
};
use portcullis_edge::freshness::Ttls;
use portcullis_edge::gate::{AllowedMethods, ViewerProtocolPolicy};
use portcullis_edge::headers::CustomHeaderError;
use portcullis_edge::selection::Names;
use portcullis_manifest::{Folder, compile};
use portcullis_site::{Bucket, Enforcement, KeyPrefix, Name, Site};

const DOMAIN: &str = "abc.lambda-url.eu-central-1.on.aws";

const DEPLOYMENT: Deployment<'_> = Deployment {
    secret: "s3cret",
    function_url_domain: DOMAIN,
    region: "eu-central-1",
};

fn site() -> Site {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../example");
    let source = include_str!("../../../../example/portcullis.yaml");
    let compiled = compile(source, "portcullis.yaml", &Folder(folder.into()));
    compiled.unwrap().bundle.site().clone()
}

fn example() -> Distribution {
    of_site(&site(), &DEPLOYMENT).unwrap()
}

#[test]
fn the_gateway_is_the_first_origin() {
    let read = example();
    let gateway = &read.origins[0];
    assert_eq!(
        (gateway.id.as_str(), gateway.domain.as_str()),
        ("gateway", DOMAIN)
    );
    let OriginKind::Custom(custom) = gateway.kind else {
        panic!("a custom origin");
    };
    assert_eq!(custom.protocol, OriginProtocol::HttpsOnly);
    let secret: Vec<_> = gateway.custom_headers.iter().collect();
    assert_eq!(secret, [("x-origin-verify", "s3cret")]);
    let control = gateway.access_control.unwrap();
    assert_eq!(
        (control.origin, control.signing),
        (AccessControlOrigin::Lambda, Signing::Always)
    );
    assert_eq!(gateway.shield.as_deref(), Some("eu-central-1"));
    assert_eq!(read.aliases, ["handbook.example.com"]);
    assert!(read.viewer.own_certificate && read.viewer.tls_policy == "TLSv1.2_2021");
    assert_eq!(unsupported(&read), []);
}

/// Pattern; minimum, default and maximum TTL; keyed headers; keyed query.
type Row = (&'static str, [u64; 3], &'static [&'static str], Names);

#[test]
fn behaviors_cache_as_the_manifest_says() {
    const DAY: u64 = 86_400;
    let read = example();
    let page = ["q", "page"].map(str::to_owned).to_vec();
    let rows: [Row; 5] = [
        ("/partners/*", [0, 0, 0], &[], Names::Nothing),
        ("/training/*", [0, 0, 0], &[], Names::Nothing),
        ("/api/search*", [0, 30, 300], &[], Names::Only(page)),
        (
            "/files/*",
            [0, DAY, 365 * DAY],
            &["CloudFront-Viewer-Country"],
            Names::Nothing,
        ),
        ("*", [0, DAY, 365 * DAY], &[], Names::Nothing),
    ];
    for (pattern, [min, default, max], headers, query) in rows {
        let mut all = 0..=read.behaviors.len();
        let index = all.find(|index| read.pattern(*index) == pattern).unwrap();
        let CacheSettings::Policy(policy) = &read.behavior(index).caching else {
            panic!("{pattern}: a cache policy");
        };
        assert_eq!(policy.ttls, Ttls { min, default, max }, "{pattern}");
        let keyed: Vec<&str> = policy.headers.iter().map(String::as_str).collect();
        // A cross-origin rule for named origins keys `origin`.
        let keyed: Vec<&str> = keyed.into_iter().filter(|name| *name != "origin").collect();
        assert_eq!(keyed, headers, "{pattern}");
        assert_eq!(policy.query, query, "{pattern}");
    }
    assert_eq!(read.behaviors.len(), 5);
}

#[test]
fn the_gateway_hears_what_it_decides_by() {
    let read = example();
    for index in 0..=read.behaviors.len() {
        let (pattern, policy) = (read.pattern(index), &read.behavior(index).origin_request);
        let Some(policy) = policy else {
            assert_eq!(pattern, "/media/*", "a bucket needs nothing");
            continue;
        };
        let HeaderSelection::Listed(headers) = &policy.headers else {
            panic!("{pattern}: a list");
        };
        for name in ["CloudFront-Viewer-Address", "CloudFront-Viewer-Country"] {
            assert!(headers.iter().any(|h| h == name), "{pattern}: {name}");
        }
        assert_eq!(
            headers.iter().any(|h| h == "origin"),
            pattern == "*",
            "{pattern}"
        );
        let signed = Names::Only(SIGNED_COOKIES.map(str::to_owned).to_vec());
        assert_eq!(
            policy.cookies == signed,
            pattern == "/training/*",
            "{pattern}"
        );
        let disabled = read.behavior(index).caching.ttls().disable_caching();
        assert_eq!(policy.query == Names::All, disabled, "{pattern}");
    }
}

#[test]
fn gates_are_those_of_the_manifest() {
    let read = example();
    assert_eq!(read.behavior(2).methods, AllowedMethods::GetHeadOptions);
    let default = &read.default_behavior;
    assert_eq!(
        default.viewer_protocol,
        ViewerProtocolPolicy::RedirectToHttps
    );
    assert_eq!(default.methods, AllowedMethods::GetHead);
    assert!(default.compress);
}

#[test]
fn neither_a_refusal_nor_a_failure_is_kept() {
    let written = example();
    let page = written.error(403).unwrap().page.as_ref().unwrap();
    assert_eq!((page.path.as_str(), page.status), ("/errors/403.html", 403));
    let mut silent = site();
    silent.errors.clear();
    let silent = of_site(&silent, &DEPLOYMENT).unwrap();
    for read in [written, silent] {
        for status in [403, 500, 502, 503, 504] {
            assert_eq!(read.error(status).unwrap().min_ttl, Some(0), "{status}");
        }
    }
}

#[test]
fn what_is_no_distribution_is_refused() {
    let mut named = site();
    named.guard.secret_header.name = "Host".to_owned();
    let forbidden = CustomHeaderError::Forbidden("Host".to_owned());
    let refused = of_site(&named, &DEPLOYMENT).unwrap_err();
    assert_eq!(refused, SiteError::SecretHeader(forbidden));
    let mut endless = site();
    endless.behaviors.pop();
    let refused = of_site(&endless, &DEPLOYMENT).unwrap_err();
    assert_eq!(refused, SiteError::NoDefault);
}

/// The example, whose bucket that CloudFront reads itself serves members too.
fn with_signed_media() -> Site {
    let mut site = site();
    let media = Name::new("media").unwrap();
    let bucket = portcullis_site::Origin::DirectBucket {
        name: Bucket::new("handbook-media").unwrap(),
        prefix: KeyPrefix::new("v1/").unwrap(),
    };
    site.origins.insert(media.clone(), bucket);
    let mut behaviors = site.behaviors.iter_mut();
    let training = behaviors.find(|one| one.path.as_str() == "/training/*");
    training.unwrap().origin = media;
    site
}

/// CloudFront reads it itself, so CloudFront has to ask for the signature.
#[test]
fn a_direct_bucket_is_an_origin_that_asks_for_the_signature() {
    let read = of_site(&with_signed_media(), &DEPLOYMENT).unwrap();
    let bucket = &read.origins[1];
    assert_eq!(bucket.id, "bucket-media");
    assert_eq!(
        bucket.domain,
        "handbook-media.s3.eu-central-1.amazonaws.com"
    );
    assert_eq!(bucket.path, "/v1");
    assert_eq!(bucket.custom_headers.iter().count(), 0, "no secret");
    let signs = bucket.access_control.unwrap();
    assert_eq!(
        (signs.origin, signs.signing),
        (AccessControlOrigin::S3, Signing::Always)
    );
    for index in 0..=read.behaviors.len() {
        let (pattern, behavior) = (read.pattern(index), read.behavior(index));
        let direct = ["/training/*", "/media/*"].contains(&pattern);
        let target = Target::Origin(usize::from(direct));
        assert_eq!(behavior.target, target, "{pattern}");
        let groups = match &behavior.trusted {
            Some(Trusted::KeyGroups(groups)) => groups.len(),
            Some(Trusted::Accounts) | None => 0,
        };
        let signed = usize::from(pattern == "/training/*");
        assert_eq!(groups, signed, "{pattern}");
    }
}

/// What is decided at the edge is decided before the cache. `/training/*` asks for a signature, which no function can verify.
#[test]
fn a_behavior_that_is_enforced_at_the_edge_has_the_guard() {
    let mut guarded = site();
    for behavior in &mut guarded.behaviors {
        behavior.enforce = match behavior.path.as_str() {
            "/files/*" | "/training/*" => Enforcement::Edge,
            _ => Enforcement::Origin,
        };
    }
    let read = of_site(&guarded, &DEPLOYMENT).unwrap();
    let guard = Compute::Function("handbook-europe-only-guard".to_owned());
    for index in 0..=read.behaviors.len() {
        let function = read.behavior(index).functions.viewer_request.as_ref();
        let expected = (read.pattern(index) == "/files/*").then_some(&guard);
        assert_eq!(function, expected, "{}", read.pattern(index));
    }
}

/// Upstream wait < function < CloudFront, whatever the origins wait for.
#[test]
fn deadlines_nest() {
    let timeouts = super::timeouts(&site());
    // A group of two servers: 3 s and 20 s, then 10 s and 30 s.
    assert_eq!((timeouts.function_s, timeouts.origin_s), (68, 75));
    let mut stores = site();
    stores
        .behaviors
        .retain(|one| one.origin.as_str() != "search-ha");
    let timeouts = super::timeouts(&stores);
    assert_eq!((timeouts.function_s, timeouts.origin_s), (15, 22));
}
