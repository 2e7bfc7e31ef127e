//! Access decisions over signed URLs and cookies: allowed or not, and CloudFront's error code.
#![allow(
    clippy::indexing_slicing,
    reason = "a vector that cannot be read must fail"
)]

use portcullis_signed_access::{
    Algorithm, Grant, KeyGroup, Profile, PublicKey, Scheme, SignatureRefusal, SignedRequest,
    VerifiedCache, authenticate, authenticate_cached,
};
use portcullis_suite::{hold_all, vector_cases, vector_file, vectors_dir};
use serde_json::Value;

/// What was asked in one case.
struct Case {
    url: String,
    cookies: Vec<String>,
    trusted: Vec<String>,
    now: u64,
    client: String,
}

impl Case {
    fn of(case: &Value) -> Option<Self> {
        let cookies = case["cookies"].as_object()?;
        Some(Self {
            url: case["request_url"].as_str()?.to_owned(),
            cookies: cookies
                .iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
                .collect(),
            trusted: case["trusted_key_ids"]
                .as_array()?
                .iter()
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect(),
            now: case["now"].as_u64()?,
            client: case["client_ip"].as_str()?.to_owned(),
        })
    }

    fn group(&self, algorithms: &[Algorithm]) -> Option<KeyGroup> {
        let files = vector_file("signed_access");
        let key = |id: &String| {
            let pem =
                std::fs::read_to_string(vectors_dir().join(files["keys"][id].as_str()?)).ok()?;
            Some((id.parse().ok()?, PublicKey::from_pem(&pem).ok()?))
        };
        KeyGroup::new(
            self.trusted.iter().map(key).collect::<Option<_>>()?,
            algorithms,
        )
        .ok()
    }

    fn with_request<T>(&self, then: impl FnOnce(&SignedRequest<'_>) -> T) -> Option<T> {
        let (scheme, rest) = self.url.split_once("://")?;
        let (host, _) = rest.split_once('/')?;
        let (raw_path, raw_query) = rest
            .strip_prefix(host)?
            .split_once('?')
            .unwrap_or((rest.strip_prefix(host)?, ""));
        let cookies: Vec<&str> = self.cookies.iter().map(String::as_str).collect();
        let scheme = if scheme == "https" {
            Scheme::Https
        } else {
            Scheme::Http
        };
        Some(then(&SignedRequest {
            scheme,
            host,
            raw_path,
            raw_query,
            cookies: &cookies,
        }))
    }

    fn admits(&self, grant: Result<Grant, SignatureRefusal>) -> Result<(), SignatureRefusal> {
        grant?.admits(self.now, self.client.parse().ok())
    }

    fn decide(
        &self,
        algorithms: &[Algorithm],
        profile: Profile,
    ) -> Option<Result<(), SignatureRefusal>> {
        let group = self.group(algorithms)?;
        self.with_request(|request| self.admits(authenticate(&group, request, profile)))
    }
}

#[test]
fn vectors_signed_access_under_cloudfronts_rules() {
    hold_all("signed_access", |value| {
        let case = Case::of(value).ok_or("unreadable")?;
        let group = case.group(&Algorithm::ALL).ok_or("no keys")?;
        let cache = VerifiedCache::new(16);
        let plain = case
            .decide(&Algorithm::ALL, Profile::CloudFront)
            .ok_or("unreadable URL")?;
        for _ in 0..2 {
            let cached = case.with_request(|request| {
                authenticate_cached(&group, request, Profile::CloudFront, &cache)
            });
            let cached = case.admits(cached.ok_or("unreadable URL")?);
            if cached != plain {
                return Err(format!("{plain:?}, but {cached:?} with the cache"));
            }
        }
        let found = match plain {
            Ok(()) => (200, None),
            Err(refusal) => (403, Some(refusal.cloudfront().code)),
        };
        let expected = (
            value["expect"].as_u64().ok_or("no status")?,
            value["error_code"].as_str(),
        );
        if found == expected {
            Ok(())
        } else {
            Err(format!("{found:?} ({plain:?})"))
        }
    });
}

/// The gateway admits nothing CloudFront would not. With every algorithm allowed it admits the same well-formed
/// requests; with SHA-256 pinned it refuses those of them that rely on CloudFront's default hash.
#[test]
fn vectors_signed_access_under_the_gateways_rules() {
    let sha256 = [Algorithm::RsaSha256, Algorithm::EcdsaSha256];
    let mut pinned_away = Vec::new();
    for value in vector_cases("signed_access") {
        let id = value["id"].as_str().unwrap();
        let case = Case::of(&value).unwrap();
        let admitted = value["expect"] == 200;
        let any = case.decide(&Algorithm::ALL, Profile::Gateway).unwrap();
        assert_eq!(any.is_ok(), admitted, "{id}: {any:?}");
        let pinned = case.decide(&sha256, Profile::Gateway).unwrap();
        if admitted {
            assert_eq!(pinned, Err(SignatureRefusal::WrongAlgorithm), "{id}");
            pinned_away.push(id.to_owned());
        } else {
            assert!(pinned.is_err(), "{id}");
        }
    }
    assert_eq!(
        pinned_away,
        [
            "ok-canned",
            "ok-canned-query",
            "ok-param-order",
            "reserved-case-sensitive"
        ]
    );
}

#[test]
fn vectors_signed_access_expire_to_the_second() {
    let value = vector_cases("signed_access")
        .into_iter()
        .find(|case| case["id"] == "ok-canned")
        .unwrap();
    for (now, expected) in [
        (1_767_290_399, Ok(())),
        (1_767_290_400, Err(SignatureRefusal::Expired)),
        (1_767_290_401, Err(SignatureRefusal::Expired)),
    ] {
        let case = Case {
            now,
            ..Case::of(&value).unwrap()
        };
        for profile in [Profile::CloudFront, Profile::Gateway] {
            assert_eq!(
                case.decide(&Algorithm::ALL, profile),
                Some(expected),
                "at {now}, {profile:?}"
            );
        }
    }
}
