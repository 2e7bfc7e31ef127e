//! The check of a signed URL, against the bare verification by the same library.

use super::Bench;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_bench::Failure;
use portcullis_bench::counting::allocations;
use portcullis_bench::inputs::root;
use portcullis_bench::measure::{in_turn, ratio};
use portcullis_bench::table::{Goal, Row};
use portcullis_signed_access::{
    Algorithm, KeyGroup, Profile, PublicKey, Scheme, SignatureRefusal, SignedRequest,
    VerifiedCache, authenticate, authenticate_cached,
};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use serde_json::Value;
use std::hint::black_box;

const GROUP: &str = "signed";
const THEIRS: &str = "ring, bare verification";

/// A signed URL of the project's vectors, in the parts that each side takes.
struct Signed {
    group: KeyGroup,
    path: String,
    query: String,
    host: String,
    pkcs1: Vec<u8>,
    policy: String,
    signature: Vec<u8>,
    parameters: &'static RsaParameters,
}

impl Signed {
    fn read(id: &str) -> Result<Self, Failure> {
        let file: Value =
            serde_json::from_slice(&std::fs::read(root().join("tests/vectors/signing.json"))?)?;
        let cases = file["cases"].as_array().ok_or("no cases")?;
        let case = cases
            .iter()
            .find(|case| case["id"] == id)
            .ok_or("no such case")?;
        let text = |name: &str| case[name].as_str().ok_or("a field is missing");
        let key_id = text("key_pair_id")?;
        let key_file = file["keys"][key_id].as_str().ok_or("no such key")?;
        let pem = std::fs::read_to_string(root().join("tests/vectors").join(key_file))?;
        let key = PublicKey::from_pem(&pem)?;
        let url = text("signed_url")?
            .strip_prefix("https://")
            .ok_or("not https")?;
        let (host, rest) = url.split_once('/').ok_or("no path")?;
        let (path, query) = rest.split_once('?').ok_or("no query")?;
        let signature = text("signature")?
            .replace('-', "+")
            .replace('_', "=")
            .replace('~', "/");
        let (algorithm, parameters) = match text("hash")? {
            "SHA256" => (Algorithm::RsaSha256, &RSA_PKCS1_2048_8192_SHA256),
            _ => (
                Algorithm::RsaSha1,
                &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            ),
        };
        Ok(Self {
            parameters,
            // The header of an SPKI of RSA-2048 is 24 bytes; ring takes what follows.
            pkcs1: key.spki_der().get(24..).ok_or("no key")?.to_vec(),
            group: KeyGroup::new(vec![(key_id.parse()?, key)], &[algorithm])?,
            path: format!("/{path}"),
            query: query.to_owned(),
            host: host.to_owned(),
            policy: text("policy_json")?.to_owned(),
            signature: STANDARD.decode(signature)?,
        })
    }

    fn request(&self) -> SignedRequest<'_> {
        SignedRequest {
            scheme: Scheme::Https,
            host: &self.host,
            raw_path: &self.path,
            raw_query: &self.query,
            cookies: &[],
        }
    }

    fn bare(&self) -> bool {
        UnparsedPublicKey::new(self.parameters, &self.pkcs1)
            .verify(self.policy.as_bytes(), &self.signature)
            .is_ok()
    }

    fn whole(&self) -> bool {
        authenticate(&self.group, &self.request(), Profile::Gateway).is_ok()
    }

    fn again(&self, cache: &VerifiedCache) -> bool {
        authenticate_cached(&self.group, &self.request(), Profile::Gateway, cache).is_ok()
    }
}

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for (id, kind) in [
        ("canned-rsa-sha256", "canned policy, RSA-2048, SHA-256"),
        ("custom-window-ip", "custom policy, RSA-2048, SHA-1"),
    ] {
        let signed = Signed::read(id)?;
        let cache = VerifiedCache::new(256);
        check(&signed, &cache)?;
        let few = (bench.effort.operations / 256).max(1);
        let operations = few;
        let [whole, bare, again] = in_turn(
            bench.effort.rounds,
            operations,
            [
                &mut || (0..operations).for_each(|_| _ = black_box(signed.whole())),
                &mut || (0..operations).for_each(|_| _ = black_box(signed.bare())),
                &mut || (0..operations).for_each(|_| _ = black_box(signed.again(&cache))),
            ],
        );
        let (count, _) = allocations(|| signed.whole());
        let (bare_count, _) = allocations(|| signed.bare());
        let (again_count, _) = allocations(|| signed.again(&cache));
        let name = format!("signed URL ({kind}), whole check");
        let row = Row::compared(
            GROUP,
            name,
            whole.median(),
            "ns",
            (THEIRS, bare.median()),
            Goal::at_most(1.3, Some(1.1)),
        );
        rows.push(
            row.with_spread(ratio(&whole, &bare))
                .with_rounds(bench.rounds(operations))
                .with_note(format!("{count} allocations, {bare_count} of them ring's")),
        );
        let name = format!("the same signed URL again ({kind})");
        let row = Row::compared(
            GROUP,
            name,
            again.median(),
            "ns",
            (THEIRS, bare.median()),
            Goal::at_most(1.0 / 20.0, Some(1.0 / 50.0)),
        );
        rows.push(
            row.with_spread(ratio(&again, &bare))
                .with_rounds(bench.rounds(operations))
                .with_note(format!("{again_count} allocations; time and address are checked at the decision, every time")),
        );
    }
    Ok(rows)
}

/// All three admit what is signed, and refuse the same with one character changed.
fn check(signed: &Signed, cache: &VerifiedCache) -> Result<(), Failure> {
    if !(signed.bare() && signed.whole() && signed.again(cache) && signed.again(cache)) {
        return Err("the signature of the vector is refused".into());
    }
    let expires =
        authenticate_cached(&signed.group, &signed.request(), Profile::Gateway, cache)?.expires();
    let grant = authenticate_cached(&signed.group, &signed.request(), Profile::Gateway, cache)?;
    if grant.admits(expires, None) != Err(SignatureRefusal::Expired) {
        return Err("a remembered signature does not expire".into());
    }
    let mut forged = signed.request();
    let query = forged.raw_query.replacen("Signature=", "Signature=A", 1);
    forged.raw_query = &query;
    if authenticate_cached(&signed.group, &forged, Profile::Gateway, cache).is_ok() {
        return Err("a forged signature is admitted".into());
    }
    Ok(())
}
