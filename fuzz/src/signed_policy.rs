//! Signed access: nothing is accepted that CloudFront would refuse, and nothing without a signature.
//!
//! An input that begins with `{` is the text of a custom policy, put into an otherwise complete query. Any other input is
//! a request target (path and query), and after it, each on a line of its own, values of the `Cookie` field. Targets are
//! of the host and keys that the project's test vectors use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_signed_access::{
    Algorithm, KeyGroup, Profile, PublicKey, Scheme, SignedRequest, VerifiedCache, authenticate,
    authenticate_cached,
};
use std::sync::LazyLock;

/// The host that the vectors' URLs name.
const HOST: &str = "d111111abcdef8.cloudfront.net";
/// The cookies read from one input; more lines than that are left unread.
const COOKIES_MAX: usize = 8;

static GROUP: LazyLock<KeyGroup> = LazyLock::new(group);

/// Holds for any input.
pub fn hold(input: &[u8]) {
    if input.starts_with(b"{") {
        unsigned_policy(input);
    } else if let Ok(text) = std::str::from_utf8(input) {
        target(text);
    }
}

/// A policy whose signature is not one is refused, whatever it says.
fn unsigned_policy(policy: &[u8]) {
    let policy = STANDARD
        .encode(policy)
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~");
    let query = format!("Policy={policy}&Signature=AAAA&Key-Pair-Id=KTESTRSA1EXAMPLE");
    let request = request("/", &query, &[]);
    for profile in [Profile::CloudFront, Profile::Gateway] {
        assert!(authenticate(&GROUP, &request, profile).is_err());
    }
}

fn target(text: &str) {
    let mut lines = text.split('\n');
    let target = lines.next().unwrap_or_default();
    let cookies: Vec<&str> = lines.take(COOKIES_MAX).collect();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = request(path, query, &cookies);
    let gateway = authenticate(&GROUP, &request, Profile::Gateway);
    if gateway.is_ok() {
        let cloudfront = authenticate(&GROUP, &request, Profile::CloudFront);
        assert_eq!(
            gateway, cloudfront,
            "the gateway accepts what CloudFront refuses"
        );
    }
    let cache = VerifiedCache::new(4);
    for _ in ["cold", "warm"] {
        let cached = authenticate_cached(&GROUP, &request, Profile::Gateway, &cache);
        assert_eq!(
            cached, gateway,
            "remembering a signature changed the answer"
        );
    }
}

fn request<'a>(raw_path: &'a str, raw_query: &'a str, cookies: &'a [&'a str]) -> SignedRequest<'a> {
    SignedRequest {
        scheme: Scheme::Https,
        host: HOST,
        raw_path,
        raw_query,
        cookies,
    }
}

#[expect(
    clippy::expect_used,
    reason = "without its keys this target would hold for everything"
)]
fn group() -> KeyGroup {
    let key = |id: &str, pem| {
        let id = id.parse().expect("a key id");
        (id, PublicKey::from_pem(pem).expect("a public key"))
    };
    let keys = vec![
        key(
            "KTESTRSA1EXAMPLE",
            include_str!("../../tests/vectors/keys/rsa1.pub.pem"),
        ),
        key(
            "KTESTEC01EXAMPLE",
            include_str!("../../tests/vectors/keys/ec1.pub.pem"),
        ),
    ];
    KeyGroup::new(keys, &Algorithm::ALL).expect("a key group")
}
