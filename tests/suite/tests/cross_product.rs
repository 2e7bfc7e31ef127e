//! The whole gateway against a reference that a person can check by eye, over the full cross product of
//! proof (5) × geography (5) × network (4) × signature (8) × method (8) × behavior (6) = 38,400 requests.
//!
//! The reference knows the six policies in words. It shares no code with the gateway.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on must fail, and JSON is passed as it is written"
)]

mod gateway;

use gateway::{NOW, SECRET, TestGateway};
use portcullis_origin::request::{Front, Headers, Principal, Request};
use portcullis_origin::response::Body;
use portcullis_signed_access::sign::{Policy as SignedPolicy, PrivateKey, Signer};
use portcullis_signed_access::{Hash, KeyId};
use ring::rand::SystemRandom;
use serde_json::{Value, json};

const CANARY: &str = "canary-9b1d";

const PROOFS: [&str; 5] = [
    "genuine",
    "wrong-front",
    "no-principal",
    "secret-wrong",
    "edge-outside",
];
const COUNTRIES: [Option<&str>; 5] = [Some("DE"), Some("FR"), Some("US"), Some("XX"), None];
const NETWORKS: [(&str, &str); 4] = [
    ("office", "198.51.100.9:443"),
    ("abuse", "192.0.2.9:443"),
    ("partners", "203.0.113.9:443"),
    ("unknown", "garbage"),
];
const SIGNATURES: [&str; 8] = [
    "absent",
    "valid",
    "expired",
    "not-yet",
    "tampered",
    "other-key",
    "other-path",
    "elsewhere",
];
const METHODS: [&str; 8] = [
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "get", "TRACE",
];
const BEHAVIORS: [&str; 6] = [
    "everyone",
    "countries",
    "strangers",
    "partners",
    "members",
    "reported",
];

/// What the site says, in its compiled form.
fn site(keys: &Keys) -> Value {
    let mut site = portcullis_suite::small_site_json();
    let key = |id: &KeyId, pem: &str| json!({ "id": id.as_str(), "file": "made-for-this-test.pem", "pem": pem });
    site["key_groups"] = json!({ "members": { "public_keys": [key(&keys.id, &keys.pem)], "algorithms": ["ECDSA-SHA256"] } });
    let when = |networks: Value, countries: Value, unknown: bool, signed_by: Value| json!({ "networks": networks, "countries": countries, "unknown_country": unknown, "countries_written": [], "signed_by": signed_by });
    let say = |effect: &str, when: Value| json!({ "effect": effect, "when": when, "reason": null });
    let policy = |mode: &str, statements: Value| json!({ "mode": mode, "statements": statements });
    let nothing = || Value::Null;
    site["policies"] = json!({
        "everyone": policy("enforce", json!([say("allow", nothing())])),
        "countries": policy("enforce", json!([
            say("deny", when(json!(["abuse"]), nothing(), false, nothing())),
            say("allow", when(json!(["office"]), nothing(), false, nothing())),
            say("allow", when(nothing(), json!(["DE", "FR"]), false, nothing())),
            say("deny", when(nothing(), nothing(), true, nothing())),
        ])),
        "strangers": policy("enforce", json!([
            say("deny", when(nothing(), json!(["US"]), false, nothing())),
            say("allow", nothing()),
        ])),
        "partners": policy("enforce", json!([say("allow", when(json!(["office", "partners"]), nothing(), false, nothing()))])),
        "members": policy("enforce", json!([say("allow", when(nothing(), json!(["DE"]), false, json!("members")))])),
        "reported": policy("report", json!([say("allow", when(nothing(), json!(["DE"]), false, nothing()))])),
    });
    let default = site["behaviors"][0].clone();
    let behaviors = BEHAVIORS.iter().map(|name| {
        let mut behavior = default.clone();
        behavior["path"] = json!(format!("/{name}/*"));
        behavior["policy"] = json!(name);
        behavior["methods"] = json!(if *name == "everyone" {
            "get-head-options"
        } else {
            "get-head"
        });
        behavior
    });
    let mut behaviors: Vec<Value> = behaviors.collect();
    behaviors.push(json!({ "policy": "everyone" }));
    let last = behaviors.len() - 1;
    behaviors[last] = default;
    behaviors[last]["policy"] = json!("everyone");
    site["behaviors"] = json!(behaviors);
    site
}

struct Keys {
    private: PrivateKey,
    other: PrivateKey,
    id: KeyId,
    pem: String,
}

fn keys() -> Keys {
    let make = || {
        let algorithm = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 =
            ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        PrivateKey::from_pem(&pem("PRIVATE KEY", pkcs8.as_ref())).unwrap()
    };
    let private = make();
    let pem = pem("PUBLIC KEY", private.public_key().spki_der());
    Keys {
        id: KeyId::of_key(private.public_key()),
        other: make(),
        private,
        pem,
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// The query that carries a signature of the named kind for a path.
fn signed_query(keys: &Keys, kind: &str, path: &str) -> String {
    let url = format!("https://small.example.com{path}");
    let hour = 3_600;
    let (expires, not_before, source, resource) = match kind {
        "expired" => (NOW, None, None, url.clone()),
        "not-yet" => (NOW + hour, Some(NOW), None, url.clone()),
        "elsewhere" => (
            NOW + hour,
            None,
            Some("203.0.112.0/24".parse().unwrap()),
            url.clone(),
        ),
        "other-path" => (NOW + hour, None, None, format!("{url}.other")),
        _ => (NOW + hour, None, None, url.clone()),
    };
    let key = if kind == "other-key" {
        &keys.other
    } else {
        &keys.private
    };
    let signer = Signer {
        key,
        key_id: &keys.id,
        hash: Hash::Sha256,
    };
    let signed = |expires| {
        let policy = SignedPolicy::Custom {
            resource: &resource,
            expires,
            not_before,
            source,
        };
        let signed = signer
            .sign_url(&resource, &policy, &SystemRandom::new())
            .unwrap();
        signed.split_once('?').unwrap().1.to_owned()
    };
    let query = signed(expires);
    if kind == "tampered" {
        graft(&signed(expires + hour), &query)
    } else {
        query
    }
}

/// The policy of one signed query under the signature of another.
fn graft(policy: &str, signature: &str) -> String {
    let part = |query: &str, name: &str| {
        query
            .split('&')
            .find(|p| p.starts_with(name))
            .unwrap()
            .to_owned()
    };
    signature.replace(&part(signature, "Policy="), &part(policy, "Policy="))
}

/// One case, in words.
#[derive(Debug, Clone, Copy)]
struct Case {
    proof: &'static str,
    country: Option<&'static str>,
    network: (&'static str, &'static str),
    signature: &'static str,
    method: &'static str,
    behavior: &'static str,
}

/// Status and reason that the case must have.
fn reference(case: Case) -> (u16, &'static str) {
    if case.proof != "genuine" {
        return (403, case.proof);
    }
    let country = case.country.filter(|c| *c != "XX");
    let network = case.network.0;
    let refusal = match case.behavior {
        "everyone" => None,
        "countries" => match (network, country) {
            ("abuse", _) => Some("denied"),
            ("unknown", _) => Some("denied-address-unknown"),
            ("office", _) => None,
            (_, Some("DE" | "FR")) => None,
            (_, Some(_)) => Some("no-match"),
            (_, None) => Some("denied-country-unknown"),
        },
        "strangers" => match country {
            Some("US") => Some("denied"),
            Some(_) => None,
            None => Some("denied-country-unknown"),
        },
        "partners" => match network {
            "office" | "partners" => None,
            "unknown" => Some("address-unknown"),
            _ => Some("no-match"),
        },
        "members" => match (country, case.signature) {
            (Some("DE"), "valid") => None,
            (Some("DE"), signature) => Some(signature_code(signature)),
            (Some(_), _) => Some("no-match"),
            (None, _) => Some("country-unknown"),
        },
        "reported" => match country {
            Some("DE") => None,
            Some(_) => return served(case, "no-match"),
            None => return served(case, "country-unknown"),
        },
        other => panic!("no such behavior: {other}"),
    };
    match refusal {
        Some(reason) => (403, reason),
        None => served(case, "admitted"),
    }
}

fn served(case: Case, reason: &'static str) -> (u16, &'static str) {
    match (case.method, case.behavior) {
        ("GET" | "HEAD", _) => (200, reason),
        ("OPTIONS", "everyone") => (204, reason),
        _ => (405, reason),
    }
}

fn signature_code(kind: &str) -> &'static str {
    use portcullis_signed_access::SignatureRefusal as R;
    match kind {
        "absent" => R::Absent.code(),
        "expired" => R::Expired.code(),
        "not-yet" => R::NotYetValid.code(),
        "tampered" | "other-key" => R::BadSignature.code(),
        "other-path" => R::WrongResource.code(),
        "elsewhere" => R::WrongAddress.code(),
        other => panic!("no such signature: {other}"),
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for proof in PROOFS {
        for country in COUNTRIES {
            for network in NETWORKS {
                for signature in SIGNATURES {
                    for method in METHODS {
                        for behavior in BEHAVIORS {
                            cases.push(Case {
                                proof,
                                country,
                                network,
                                signature,
                                method,
                                behavior,
                            });
                        }
                    }
                }
            }
        }
    }
    cases
}

fn request<'a>(case: Case, path: &'a str, query: &'a str) -> Request<'a> {
    Request {
        front: Front::Domain(if case.proof == "wrong-front" {
            "x.execute-api.eu-west-1.amazonaws.com"
        } else {
            "u.lambda-url.eu-west-1.on.aws"
        }),
        principal: (case.proof != "no-principal").then_some(Principal { arn: None }),
        peer: Some(if case.proof == "edge-outside" {
            "203.0.113.9"
        } else {
            "130.176.1.1"
        }),
        method: case.method,
        raw_path: path,
        raw_query: query,
        headers: Headers {
            secret: Some(if case.proof == "secret-wrong" {
                "another"
            } else {
                SECRET
            }),
            viewer_address: Some(case.network.1),
            viewer_country: case.country,
            ..Headers::default()
        },
        cookies: &[],
        id: "0123456789abcdef",
    }
}

#[tokio::test(flavor = "current_thread")]
async fn every_combination_is_answered_as_the_reference_says() {
    let keys = keys();
    let gateway = TestGateway::of(site(&keys));
    for name in BEHAVIORS {
        gateway.put(&format!("{name}/page.html"), CANARY);
    }
    let queries: Vec<(String, String)> = BEHAVIORS
        .iter()
        .flat_map(|b| SIGNATURES.iter().map(move |s| (*b, *s)))
        .map(|(b, s)| {
            (
                format!("{b} {s}"),
                if s == "absent" {
                    String::new()
                } else {
                    signed_query(&keys, s, &format!("/{b}/page.html"))
                },
            )
        })
        .collect();

    let (mut admitted, mut refused) = (0, 0);
    for case in cases() {
        let path = format!("/{}/page.html", case.behavior);
        let name = format!("{} {}", case.behavior, case.signature);
        let query = &queries.iter().find(|(n, _)| *n == name).unwrap().1;
        let calls_before = gateway.store.count();
        let request = request(case, &path, query);
        let answer = gateway.ask(&request).await;
        let (status, reason) = reference(case);
        assert_eq!(answer.response.status, status, "{case:?}");
        if let Some(record) = &answer.record {
            assert_eq!(record.reason, reason, "{case:?}");
            assert!(
                !record.line().contains(SECRET) && !record.line().contains("Signature"),
                "{case:?}"
            );
        }
        let has_canary = matches!(&answer.response.body, Body::Whole(bytes) if bytes == CANARY);
        assert_eq!(
            has_canary,
            status == 200 && case.method == "GET",
            "{case:?}"
        );
        if status != 200 {
            assert_eq!(
                gateway.store.count(),
                calls_before,
                "a refusal calls nothing: {case:?}"
            );
            let kept = answer
                .response
                .header("cache-control")
                .map(|v| v.as_bytes().to_vec());
            assert!(
                status == 204 || kept.as_deref() == Some(b"no-store"),
                "{case:?}"
            );
            assert!(
                answer.response.header("etag").is_none()
                    && answer.response.header("last-modified").is_none(),
                "{case:?}"
            );
            refused += 1;
        } else {
            admitted += 1;
        }
    }
    assert_eq!(admitted + refused, 38_400);
    println!("cross product: 38400 requests, {admitted} served, {refused} refused, 0 differences");
}
