//! `secret`: the steps of a rotation of the secret header, each on the condition that the state is as it was read.
//!
//! Always holds: a value is read from standard input and never printed; what is stored and shown are digests.

mod place;

use crate::args::{Secret, SecretStep};
use crate::exit::{Exit, Failure, Outcome};
use crate::out;
use place::Place;
use portcullis_origin::state::rotation::NotNow;
use portcullis_origin::state::{SecretDigest, Secrets};
use serde_json::json;
use std::io::Read as _;

/// The shortest value, in characters: 128 bits in the poorest alphabet that anybody uses.
const VALUE_CHARS_MIN: usize = 32;
/// The longest value, in characters: CloudFront's limit for a custom header's value.
const VALUE_CHARS_MAX: usize = 1_783;
/// How much of a digest is shown, in bytes.
const SHOWN: usize = 6;

pub(crate) fn run(args: &Secret) -> Outcome {
    let place = Place::open(args)?;
    let known = place.load()?;
    let secrets = known.clone().unwrap_or_default();
    let next = match args.step {
        SecretStep::Show => None,
        SecretStep::Accept => secrets.accept(&value()?).map_err(not_now)?,
        SecretStep::Promote => Some(secrets.promote().map_err(not_now)?),
        SecretStep::Retire => secrets.retire(),
    };
    let Some(next) = next else {
        told(args, &secrets)?;
        return Ok(Exit::Done.into());
    };
    told(args, &next)?;
    if args.plan {
        return Ok(Exit::Changes.into());
    }
    place.store(known.as_ref(), &next)?;
    Ok(Exit::Done.into())
}

fn not_now(why: NotNow) -> Failure {
    let failure = Failure::failed(why);
    match why {
        NotNow::AnotherPending => {
            failure.help("let the distribution send it, then `portcullis secret promote`")
        }
        NotNow::PreviousAccepted => failure.help("`portcullis secret retire` first"),
        NotNow::NothingPending => failure.help("`portcullis secret accept` first"),
        NotNow::Retiring => {
            failure.help("make a new value: one that was sent before is not used again")
        }
    }
}

/// The value on standard input, without the end of its line.
fn value() -> Result<SecretDigest, Failure> {
    let mut text = String::new();
    let limit = VALUE_CHARS_MAX as u64 + 3;
    let read = std::io::stdin().take(limit).read_to_string(&mut text);
    read.map_err(|_| Failure::failed("standard input is no text"))?;
    let value = text.trim_end_matches(['\r', '\n']);
    let length = value.chars().count();
    if !(VALUE_CHARS_MIN..=VALUE_CHARS_MAX).contains(&length) {
        return Err(Failure::usage(format!(
            "the value on standard input has {length} characters, and {VALUE_CHARS_MIN} to {VALUE_CHARS_MAX} are taken"
        )));
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage(
            "the value on standard input has characters that no header has, or spaces",
        ));
    }
    Ok(SecretDigest::of(value.as_bytes()))
}

fn told(args: &Secret, secrets: &Secrets) -> Result<(), Failure> {
    let shown = |slot: &Option<SecretDigest>| {
        let digest = slot.as_ref()?;
        let bytes = digest.as_bytes().iter().take(SHOWN);
        Some(bytes.map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    let slots = [
        ("pending", shown(&secrets.pending)),
        ("current", shown(&secrets.current)),
        ("previous", shown(&secrets.previous)),
    ];
    if args.json {
        let [pending, current, previous] = slots.map(|(_, digest)| digest);
        return out::json(&json!({
            "version": secrets.version,
            "pending": pending,
            "current": current,
            "previous": previous,
        }));
    }
    let lines = slots.map(|(name, digest)| {
        format!(
            "{name:<10}{}\n",
            digest.unwrap_or_else(|| "none".to_owned())
        )
    });
    out::text(format_args!(
        "version   {}\n{}",
        secrets.version,
        lines.concat()
    ))
}
