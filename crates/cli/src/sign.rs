//! `sign`: CloudFront's signed URLs and cookies, checked against the gateway's own rules before they are printed.

use crate::args::{HashName, Sign};
use crate::exit::{Exit, Failure, Outcome};
use crate::load::load;
use crate::out;
use anstream::eprintln;
use portcullis_signed_access::sign::{Policy, PrivateKey, Signer};
use portcullis_signed_access::{Algorithm, Hash, KeyId, PublicKey};
use portcullis_site::{KeyGroup, Name, Site};
use ring::rand::SystemRandom;
use serde_json::json;
use std::io::Read as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest private key that is read, in bytes of PEM.
const KEY_BYTES_MAX: u64 = 16 * 1024;

pub(crate) fn run(args: &Sign) -> Outcome {
    let key = PrivateKey::from_pem(&read_key(&args.key)?)
        .map_err(|why| Failure::failed(format!("the private key cannot be used: {why}")))?;
    let key_id = match &args.key_id {
        Some(id) => id.parse::<KeyId>().map_err(Failure::usage)?,
        None => KeyId::of_key(key.public_key()),
    };
    let hash = match args.hash {
        HashName::Sha256 => Hash::Sha256,
        HashName::Sha1 => Hash::Sha1,
    };
    if let Some(manifest) = &args.manifest {
        let algorithm = Algorithm::of(key.public_key().kind(), hash);
        check_trusted(
            load(manifest)?.compiled.bundle.site(),
            args.key_group.as_deref(),
            &key_id,
            &key,
            algorithm,
        )?;
    }
    let expires = now()
        .checked_add(duration(&args.expires)?)
        .ok_or_else(|| Failure::usage(format!("`{}` is too long", args.expires)))?;
    if args.not_before.is_some_and(|start| start >= expires) {
        return Err(
            Failure::usage("the signature would end before it begins to be valid")
                .help("choose a longer --expires or an earlier --not-before"),
        );
    }
    let resource = args.resource.as_deref().unwrap_or(&args.url);
    let custom = args.not_before.is_some()
        || args.ip.is_some()
        || args.resource.is_some()
        || args.url.contains('*');
    let policy = if custom {
        Policy::Custom {
            resource,
            expires,
            not_before: args.not_before,
            source: args.ip,
        }
    } else {
        Policy::Canned {
            url: &args.url,
            expires,
        }
    };
    print(
        args,
        &Signer {
            key: &key,
            key_id: &key_id,
            hash,
        },
        &policy,
        expires,
    )?;
    Ok(Exit::Done.into())
}

fn print(
    args: &Sign,
    signer: &Signer<'_>,
    policy: &Policy<'_>,
    expires: u64,
) -> Result<(), Failure> {
    let random = SystemRandom::new();
    let refused = |why| Failure::failed(format!("this cannot be signed: {why}"));
    if args.cookies {
        let cookies = signer.sign_cookies(policy, &random).map_err(refused)?;
        if args.json {
            let cookies: serde_json::Map<_, _> = cookies
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            out::json(&json!({ "cookies": cookies, "expires": expires, "key_id": signer.key_id }))?;
        } else {
            for (name, value) in cookies {
                out::line(format_args!(
                    "Set-Cookie: {name}={value}; Secure; HttpOnly; SameSite=Lax; Path=/"
                ))?;
            }
        }
        return Ok(());
    }
    if args.url.contains('*') {
        return Err(
            Failure::usage("a URL with `*` can only be signed as cookies")
                .help("add --cookies, or sign one URL with --resource"),
        );
    }
    let url = signer
        .sign_url(&args.url, policy, &random)
        .map_err(refused)?;
    if args.json {
        out::json(&json!({ "url": url, "expires": expires, "key_id": signer.key_id }))?;
    } else {
        out::line(url)?;
    }
    eprintln!("signed with key {} until {expires}", signer.key_id.as_str());
    Ok(())
}

fn read_key(path: &Path) -> Result<String, Failure> {
    let mut pem = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(KEY_BYTES_MAX)
            .read_to_string(&mut pem)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(KEY_BYTES_MAX).read_to_string(&mut pem))
    };
    read.map_err(|why| {
        Failure::failed(format!(
            "the private key `{}` cannot be read: {why}",
            path.display()
        ))
    })?;
    Ok(pem)
}

/// Whether a key group of the site, `asked` or any, trusts the key under this id and for this algorithm.
fn check_trusted(
    site: &Site,
    asked: Option<&str>,
    id: &KeyId,
    key: &PrivateKey,
    algorithm: Algorithm,
) -> Result<(), Failure> {
    let spki = key.public_key().spki_der();
    let same = |pem: &str| PublicKey::from_pem(pem).is_ok_and(|key| key.spki_der() == spki);
    let trusts = |group: &KeyGroup| {
        let mut keys = group.public_keys.iter();
        keys.any(|key| key.id == *id && same(&key.pem))
    };
    let called = |name: &Name| asked.is_none_or(|asked| name.as_str() == asked);
    let groups: Vec<_> = site.key_groups.iter().filter(|(n, _)| called(n)).collect();
    let trusting: Vec<_> = groups.iter().filter(|(_, g)| trusts(g)).collect();
    let allows = |group: &KeyGroup| group.algorithms.contains(&algorithm);
    let nobody_trusts = match asked {
        Some(asked) if groups.is_empty() => {
            return Err(Failure::usage(format!(
                "the site has no key group `{asked}`"
            )));
        }
        Some(asked) => format!("key group `{asked}` does not trust"),
        None => "no key group of the site trusts".to_owned(),
    };
    match trusting.first() {
        Some(_) if trusting.iter().any(|(_, group)| allows(group)) => Ok(()),
        Some((name, _)) => Err(Failure::failed(format!(
            "key group `{name}` does not allow {algorithm}"
        ))
        .help("choose another --hash")),
        None => Err(Failure::failed(format!(
            "{nobody_trusts} this key under the id {}",
            id.as_str()
        ))
        .help("`portcullis compile` lists the keys and their ids")),
    }
}

/// A duration like those of the manifest, in seconds.
fn duration(text: &str) -> Result<u64, Failure> {
    let refused = || {
        Failure::usage(format!("`{text}` is no duration")).help("write it as 90s, 10m, 12h or 30d")
    };
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(refused()),
    };
    let digits = text.get(..text.len() - 1).unwrap_or_default();
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .filter(|s| *s > 0)
        .ok_or_else(refused)
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
