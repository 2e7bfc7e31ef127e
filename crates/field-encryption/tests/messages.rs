//! What is encrypted here is opened here and by nobody else; what was changed is not opened.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use portcullis_field_encryption::config::ConfigError;
use portcullis_field_encryption::message::{MessageError, Opener, encrypt};
use portcullis_field_encryption::{FieldPattern, Profile, Recipient, Status, form};
use proptest::prelude::*;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use std::sync::{Arc, LazyLock};

struct Pair {
    public: String,
    private: String,
}

/// Two keys made for this run.
static KEYS: LazyLock<[Pair; 2]> = LazyLock::new(|| {
    [(); 2].map(|()| {
        let key = rsa::PrivateKey::new(&mut SysRng, 2048).unwrap();
        let public = rsa::PublicKey::from(&key);
        Pair {
            public: public.to_public_key_pem(LineEnding::LF).unwrap(),
            private: key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
        }
    })
});

fn recipient() -> Recipient {
    Recipient::new("DEMO", "DEMOKEY", &KEYS[0].public).unwrap()
}

fn opener() -> Opener {
    Opener::new("DEMO", "DEMOKEY", &KEYS[0].private).unwrap()
}

fn message(plaintext: &[u8]) -> Vec<u8> {
    encrypt(&recipient(), plaintext, &mut SysRng).unwrap()
}

#[test]
fn every_length_around_a_frame_comes_back() {
    for length in [0, 1, 15, 16, 17, 4095, 4096, 4097, 8191, 8192, 16384] {
        let plaintext: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let opened = opener().open(&message(&plaintext), &mut SysRng);
        assert_eq!(*opened.unwrap(), plaintext, "{length}");
    }
}

#[test]
fn only_whom_it_is_for_opens_it() {
    let message = message(b"4111 1111 1111 1111");
    let others = [
        ("DEMO", "DEMOKEY", &KEYS[1].private),
        ("OTHER", "DEMOKEY", &KEYS[0].private),
        ("DEMO", "OTHER", &KEYS[0].private),
    ];
    for (provider, key_name, pem) in others {
        let opener = Opener::new(provider, key_name, pem).unwrap();
        let refused = opener.open(&message, &mut SysRng);
        assert_eq!(refused.unwrap_err(), MessageError::NotForThisKey);
    }
}

#[test]
fn a_message_that_was_changed_anywhere_is_not_opened() {
    let whole = message(b"4111 1111 1111 1111");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(opener().open(&changed, &mut SysRng).is_err(), "byte {at}");
    }
    for length in 0..whole.len() {
        assert!(
            opener().open(&whole[..length], &mut SysRng).is_err(),
            "{length} bytes"
        );
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(opener().open(&longer, &mut SysRng).is_err());
}

fn profile(patterns: &[&str]) -> Result<Profile, ConfigError> {
    let recipient = Arc::new(recipient());
    let fields = patterns
        .iter()
        .map(|pattern| Ok((FieldPattern::parse(pattern)?, Arc::clone(&recipient))));
    Profile::new(fields.collect::<Result<_, _>>()?)
}

#[test]
fn a_form_keeps_what_is_not_encrypted_byte_for_byte() {
    let body = b"a=1&card=4111+1111%2F1&&b=%7e+&card2&c";
    let encrypted = profile(&["card*"])
        .unwrap()
        .encrypt(body, &mut SysRng)
        .unwrap();
    let text = String::from_utf8(encrypted.body).unwrap();
    let pairs: Vec<&str> = text.split('&').collect();
    assert_eq!(encrypted.fields, 2);
    assert_eq!(
        (pairs[0], pairs[2], pairs[3], pairs[5]),
        ("a=1", "", "b=%7e+", "c")
    );
    for (at, name, plaintext) in [(1, "card", "4111 1111/1"), (4, "card2", "")] {
        let (found, value) = pairs[at].split_once('=').unwrap();
        assert_eq!(found, name);
        let value = value
            .replace("%2B", "+")
            .replace("%2F", "/")
            .replace("%3D", "=");
        let opened = opener().open(&STANDARD.decode(value).unwrap(), &mut SysRng);
        assert_eq!(*opened.unwrap(), plaintext.as_bytes());
    }
}

#[test]
fn a_name_that_is_escaped_is_the_same_name() {
    let profile = profile(&["card"]).unwrap();
    let encrypted = profile.encrypt(b"%63ard=1&Card=1", &mut SysRng).unwrap();
    assert_eq!(encrypted.fields, 1);
    assert!(
        encrypted.body.starts_with(b"%63ard=A"),
        "it keeps its spelling"
    );
    assert!(encrypted.body.ends_with(b"&Card=1"), "case matters");
}

#[test]
fn what_is_no_form_or_too_much_is_refused() {
    let long = |length: usize| [b"card=".as_slice(), &vec![b'x'; length]].concat();
    let ten = b"a&b&c&d&e&f&g&h&i&j".as_slice();
    let cases: [(&str, Vec<u8>, Option<Status>); 8] = [
        (
            "a percent sign in a value to encrypt",
            b"card=100%".to_vec(),
            Some(Status::MalformedInputClientError),
        ),
        (
            "a percent sign in a name",
            b"a%zz=1".to_vec(),
            Some(Status::MalformedInputClientError),
        ),
        (
            "a value as long as may be",
            long(form::FIELD_BYTES_MAX),
            None,
        ),
        (
            "a longer one",
            long(form::FIELD_BYTES_MAX + 1),
            Some(Status::FieldLengthLimitClientError),
        ),
        ("ten fields", ten.to_vec(), None),
        (
            "eleven",
            [ten, b"&k"].concat(),
            Some(Status::FieldNumberLimitClientError),
        ),
        (
            "a body as long as may be",
            vec![b'x'; form::BODY_BYTES_MAX],
            None,
        ),
        (
            "a longer one",
            vec![b'x'; form::BODY_BYTES_MAX + 1],
            Some(Status::RequestLengthLimitClientError),
        ),
    ];
    let profile = profile(&["card"]).unwrap();
    for (what, body, refused) in cases {
        assert_eq!(profile.encrypt(&body, &mut SysRng).err(), refused, "{what}");
    }
}

#[test]
fn patterns_that_match_the_same_field_are_refused() {
    let cases: [(&[&str], bool); 8] = [
        (&["ABC*", "AB*"], false),
        (&["AB*", "ABC"], false),
        (&["AB", "AB*"], false),
        (&["AB", "AB"], false),
        (&["*", "x"], false),
        (&["AB", "ABC*"], true),
        (&["AB", "ab"], true),
        (&["A[0].x_y-z", "B*"], true),
    ];
    for (patterns, stands) in cases {
        assert_eq!(profile(patterns).is_ok(), stands, "{patterns:?}");
    }
    for pattern in ["", "a b", "a*b", "**", "ä", "a=b", &"x".repeat(129)] {
        assert!(FieldPattern::parse(pattern).is_err(), "{pattern:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(opener().open(&bytes, &mut SysRng).is_err());
    }

    #[test]
    fn any_form_is_encrypted_or_refused(body in "[a-c=&%+0-9]{0,40}") {
        let profile = profile(&["a*"]).unwrap();
        let expected = body.split('&').filter(|pair| pair.starts_with('a')).count();
        if let Ok(encrypted) = profile.encrypt(body.as_bytes(), &mut SysRng) {
            prop_assert!(encrypted.fields >= expected);
            let text = String::from_utf8(encrypted.body).unwrap();
            prop_assert_eq!(text.split('&').count(), body.split('&').count());
        }
    }
}
