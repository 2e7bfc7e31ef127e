//! `why`: a past decision, from its line and the manifest that decided.
//!
//! Always holds: the facts are the line's, the statements are evaluated by the engine that the gateway has, and whether that
//! comes to what the line says is told.

use crate::args::Why;
use crate::exit::{Exit, Failure, Outcome};
use crate::explain::{steps::Explanation, text};
use crate::load::{Manifest, quietly};
use crate::{logs, out};
use portcullis_origin::object_path::ObjectPath;
use portcullis_policy::{
    AddressFact, Decision, Facts, KeyGroupIndex, Membership, NetworkIndex, Networks, Policy,
    SignatureFact, Signatures, decide,
};
use portcullis_signed_access::{Grant, SignatureRefusal};
use portcullis_site::{Engine, Name};
use portcullis_viewer::geo::{CountryFact, UnknownCountry};
use serde::Deserialize;
use std::io::Read as _;
use std::net::IpAddr;

/// The longest line that is read, in bytes; the gateway writes 4,096 at most.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A decision line.
#[derive(Debug, Deserialize)]
struct Line {
    kind: String,
    time: u64,
    bundle: String,
    verdict: String,
    reason: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    policy: Option<String>,
    #[serde(default)]
    statement: Option<usize>,
    #[serde(default)]
    behavior: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    proof: Proof,
    #[serde(default)]
    inputs: Option<Inputs>,
}

#[derive(Debug, Default, Deserialize)]
struct Proof {
    access_control: Option<String>,
    secret: Option<String>,
    edge: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Inputs {
    address: Option<IpAddr>,
    #[serde(default)]
    networks: Vec<String>,
    #[serde(default)]
    networks_unknown: Vec<String>,
    country: Option<Country>,
    #[serde(default)]
    signatures: Vec<Signature>,
}

#[derive(Debug, Deserialize)]
struct Country {
    code: Option<String>,
    unknown: Option<String>,
    given_by: Option<String>,
    database: Option<String>,
    header: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Signature {
    key_group: String,
    result: String,
    key: Option<String>,
    expires: Option<u64>,
}

pub(crate) fn run(args: &Why) -> Outcome {
    let line = line(args)?;
    let manifest = quietly(&args.manifest)?;
    let digest = manifest.compiled.bundle.digest().to_string();
    if line.bundle != digest && !args.other_bundle {
        return Err(Failure::failed(format!(
            "`{}` has the bundle {digest}, and {} decided",
            manifest.name, line.bundle
        ))
        .help(
            "check out the manifest of that time, or say --other-bundle to see what this one says",
        ));
    }
    let explanation = explain(&manifest, &line)?;
    if args.json {
        out::json(&explanation)?;
    } else {
        out::text(text::render(&explanation))?;
    }
    Ok(if explanation.admitted {
        Exit::Done.into()
    } else {
        Exit::Refused.into()
    })
}

/// The line that is meant.
fn line(args: &Why) -> Result<Line, Failure> {
    let text = match args.what.as_str() {
        "-" => {
            let mut text = String::new();
            let mut input = std::io::stdin().take(LINE_BYTES_MAX);
            let read = input.read_to_string(&mut text);
            read.map_err(|why| Failure::failed(format!("standard input cannot be read: {why}")))?;
            text
        }
        line if line.trim_start().starts_with('{') => line.to_owned(),
        id => find(args, id)?,
    };
    let line: Line = serde_json::from_str(text.trim()).map_err(|why| {
        Failure::usage(format!("this is no decision line: {why}"))
            .help("docs/decision-line.md says what one has")
    })?;
    if line.kind != "decision" {
        let kind = &line.kind;
        return Err(Failure::usage(format!(
            "this is no decision line, it is a `{kind}`"
        )));
    }
    Ok(line)
}

/// The decision line with an id.
fn find(args: &Why, id: &str) -> Result<String, Failure> {
    if args.log.is_empty() {
        return Err(Failure::usage(format!(
            "`{id}` is no decision line, and there is no log to look for it as an id"
        ))
        .help("`--log FILE` says where the line is"));
    }
    #[derive(Deserialize)]
    struct Ids<'a> {
        #[serde(borrow, default)]
        id: Option<std::borrow::Cow<'a, str>>,
        #[serde(borrow, default)]
        cloudfront_id: Option<std::borrow::Cow<'a, str>>,
    }
    let mut found = None;
    for file in logs::files(&args.log)? {
        logs::lines(&file, |line, _| {
            let text = std::str::from_utf8(line).unwrap_or_default();
            if text.contains(id)
                && let Ok(ids) = serde_json::from_str::<Ids<'_>>(text)
                && [ids.id, ids.cloudfront_id]
                    .iter()
                    .flatten()
                    .any(|own| own == id)
            {
                found = Some(text.to_owned());
            }
            found.is_none()
        })?;
        if found.is_some() {
            break;
        }
    }
    found.ok_or_else(|| {
        Failure::failed(format!("no decision line has the id `{id}`")).help(
            "a request that was answered from the cache has none, nor has one of many that were unproven",
        )
    })
}

fn explain(manifest: &Manifest, line: &Line) -> Result<Explanation, Failure> {
    let method = line.method.as_deref().unwrap_or("(not in the line)");
    let path = line.path.as_deref().unwrap_or("(not in the line)");
    let mut explanation = Explanation::new(manifest, method, path, line.time);
    proof(&mut explanation, line);
    explanation.reason.clone_from(&line.reason);
    let Some(name) = &line.policy else {
        explanation.step("decision", &line.verdict, &line.reason, None);
        return Ok(explanation);
    };
    let Some(inputs) = &line.inputs else {
        let lost = match line.label.as_deref() {
            Some("line-too-long") => "the line was too long and lost `inputs`, `path` and `method`",
            _ => "the line has no `inputs`",
        };
        return Err(
            Failure::failed(format!("the decision cannot be reproduced: {lost}")).help(format!(
                "it was {} by {} of policy `{name}`: {}",
                line.verdict,
                line.statement.map_or_else(
                    || "no statement".to_owned(),
                    |number| format!("statement {number}")
                ),
                line.reason
            )),
        );
    };
    path_and_behavior(&mut explanation, manifest, line);
    let unknown = || Failure::failed(format!("the manifest has no policy `{name}`"));
    let name = Name::new(name).map_err(|_| unknown())?;
    let engine = Engine::new(manifest.compiled.bundle.site()).map_err(Failure::failed)?;
    let policy = engine.policy(&name).ok_or_else(unknown)?;
    let facts = facts(&engine, line, inputs)?;
    shown(&mut explanation, policy, inputs);
    explanation.statements(manifest, &name, policy, &facts, line.time);
    let decision = decide(policy, &facts, line.time);
    explanation.verdict(manifest, &name, &decision);
    compare(&mut explanation, line, &decision);
    Ok(explanation)
}

fn proof(explanation: &mut Explanation, line: &Line) {
    let layers = [
        ("access control", &line.proof.access_control),
        ("secret header", &line.proof.secret),
        ("edge address", &line.proof.edge),
    ];
    for (name, result) in layers {
        if let Some(result) = result {
            explanation.step(name, result, "as the line has it", None);
        }
    }
}

fn path_and_behavior(explanation: &mut Explanation, manifest: &Manifest, line: &Line) {
    if let Some(Ok(path)) = line.path.as_deref().map(ObjectPath::parse) {
        let input = "the one canonical spelling of the path in the line";
        explanation.step("path", path.decoded(), input, None);
    }
    if let Some(pattern) = &line.behavior {
        let mut behaviors = manifest.compiled.bundle.site().behaviors.iter();
        let at = behaviors.position(|behavior| behavior.path.as_str() == pattern);
        let place = at.and_then(|at| manifest.compiled.source_map.behavior(at));
        explanation.step("behavior", pattern, "as the line has it", place);
    }
}

/// The facts that the decision took.
fn facts(engine: &Engine, line: &Line, inputs: &Inputs) -> Result<Facts, Failure> {
    let known = |name: &String| {
        let mut networks = engine.networks().iter();
        let at = networks.position(|(own, _)| own.as_str() == name);
        at.and_then(NetworkIndex::new)
            .ok_or_else(|| Failure::failed(format!("the manifest has no network `{name}`")))
    };
    let set = |names: &[String]| {
        let mut names = names.iter();
        names.try_fold(Networks::NONE, |set, name| {
            known(name).map(|index| set.with(index))
        })
    };
    let unknown = set(&inputs.networks_unknown)?;
    let address = inputs
        .address
        .map_or(AddressFact::Unknown, AddressFact::Known);
    Ok(Facts {
        address,
        networks: Membership {
            inside: set(&inputs.networks)?,
            unknown,
            // With an address that is known, the list is what nobody could ask.
            stale: if inputs.address.is_some() {
                unknown
            } else {
                Networks::NONE
            },
        },
        country: country(inputs.country.as_ref())?,
        signatures: signatures(engine, line, inputs)?,
    })
}

fn country(country: Option<&Country>) -> Result<CountryFact, Failure> {
    let code = country.and_then(|country| country.code.as_deref());
    match code {
        // To a policy all reasons for not knowing are one.
        None => Ok(CountryFact::Unknown(UnknownCountry::NotInDatabase)),
        Some(code) => code
            .parse()
            .map(CountryFact::Known)
            .map_err(|_| Failure::failed(format!("`{code}` in the line is no country code"))),
    }
}

fn signatures(engine: &Engine, line: &Line, inputs: &Inputs) -> Result<Signatures, Failure> {
    let mut signatures = Signatures::default();
    for signature in &inputs.signatures {
        let name = &signature.key_group;
        let mut groups = engine.key_groups().iter();
        let at = groups.position(|(own, _)| own.as_str() == name);
        let group = at.and_then(KeyGroupIndex::new);
        let group = group
            .ok_or_else(|| Failure::failed(format!("the manifest has no key group `{name}`")))?;
        let fact = signature_fact(line, signature)?;
        let set = signatures.set(group, fact);
        set.map_err(|_| Failure::failed("the line has more key groups than a policy can ask for"))?;
    }
    Ok(signatures)
}

fn signature_fact(line: &Line, signature: &Signature) -> Result<SignatureFact, Failure> {
    if let Some(refusal) = SignatureRefusal::from_code(&signature.result) {
        return Ok(SignatureFact::Refused(refusal));
    }
    let unreadable = || {
        let result = &signature.result;
        Failure::failed(format!(
            "the result `{result}` of a signature in the line is none"
        ))
    };
    // Time and address are looked at after the signature; where they refused, the line's reason says so.
    let later = SignatureRefusal::from_code(&line.reason);
    let later = later.filter(|refusal| {
        matches!(
            refusal,
            SignatureRefusal::NotYetValid | SignatureRefusal::WrongAddress
        )
    });
    match (
        signature.result.as_str(),
        &signature.key,
        signature.expires,
        later,
    ) {
        ("verified", _, _, Some(refusal)) => Ok(SignatureFact::Refused(refusal)),
        ("verified", Some(key), Some(expires), None) => {
            let key = key.parse().map_err(|_| unreadable())?;
            Ok(SignatureFact::Verified(Grant::recorded(key, expires)))
        }
        _ => Err(unreadable()),
    }
}

fn shown(explanation: &mut Explanation, policy: &Policy, inputs: &Inputs) {
    let asked = policy.inputs();
    let address = inputs.address.map(|address| address.to_string());
    let address = address.as_deref().unwrap_or("unknown");
    explanation.step("viewer address", address, "as the line has it", None);
    if !asked.networks.is_empty() {
        let list = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        let (inside, unknown) = (list(&inputs.networks), list(&inputs.networks_unknown));
        let result = format!("in {inside}; unknown for {unknown}");
        explanation.step("networks", &result, "as the line has it", None);
    }
    if let Some(country) = &inputs.country {
        let result = country.code.as_ref().or(country.unknown.as_ref());
        let source = |name: &str, said: &Option<String>| {
            said.as_ref().map(|said| format!("{name} said {said}"))
        };
        let parts = [
            source("database", &country.database),
            source("CloudFront-Viewer-Country", &country.header),
            country.given_by.as_ref().map(|by| format!("given by {by}")),
        ];
        let input: Vec<String> = parts.into_iter().flatten().collect();
        let result = result.map_or("unknown", String::as_str);
        explanation.step("country", result, &input.join("; "), None);
    }
    for signature in &inputs.signatures {
        let until = signature.expires.map(|time| format!(", until {time}"));
        let result = format!("{}{}", signature.result, until.unwrap_or_default());
        let step = format!("signature of {}", signature.key_group);
        explanation.step(&step, &result, "as the line has it", None);
    }
}

/// Whether it came to what the line says.
fn compare(explanation: &mut Explanation, line: &Line, decision: &Decision) {
    let verdict = match decision {
        Decision::Admitted(admitted) if admitted.reported().is_some() => "reported",
        Decision::Admitted(_) => "admitted",
        Decision::Refused(_) => "refused",
    };
    let same = verdict == line.verdict
        && explanation.reason == line.reason
        && explanation.statement == line.statement;
    let was = format!(
        "the line says {} ({}{})",
        line.verdict,
        line.reason,
        line.statement
            .map(|number| format!(", statement {number}"))
            .unwrap_or_default()
    );
    let result = if same { "reproduced" } else { "DIFFERS" };
    explanation.step("the line", result, &was, None);
}
