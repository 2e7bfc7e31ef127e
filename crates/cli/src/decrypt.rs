//! `decrypt`: fields that field-level encryption encrypted, opened with the private key.
//!
//! Always holds: a plaintext is printed only after the whole of its message proved authentic.

use crate::args::Decrypt;
use crate::exit::{Exit, Failure, Outcome};
use crate::out;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use percent_encoding::percent_decode_str;
use portcullis_field_encryption::message::Opener;
use serde_json::json;
use std::io::{BufRead as _, Read as _, Write as _};

/// The longest line, in bytes: a message of 1 MiB in base64, with some of it escaped.
const LINE_BYTES_MAX: u64 = 2 << 20;

pub(crate) fn run(args: &Decrypt) -> Outcome {
    let pem = std::fs::read_to_string(&args.key).map_err(|why| {
        Failure::failed(format!("`{}` cannot be read: {why}", args.key.display()))
    })?;
    let opener = Opener::new(&args.provider, &args.key_name, &pem).ok_or_else(|| {
        Failure::usage(format!(
            "`{}` holds no RSA private key in PEM (PKCS #8 or PKCS #1)",
            args.key.display()
        ))
    })?;
    let mut input = std::io::stdin().lock();
    for number in 1_u64.. {
        let mut line = String::new();
        let read = input.by_ref().take(LINE_BYTES_MAX).read_line(&mut line);
        match read {
            Ok(0) => break,
            Ok(bytes) if bytes as u64 == LINE_BYTES_MAX => {
                return Err(at(number, &"it is longer than 2 MiB"));
            }
            Ok(_) => opened(args, &opener, line.trim()).map_err(|why| at(number, &why))?,
            Err(why) => return Err(at(number, &why)),
        }
    }
    Ok(Exit::Done.into())
}

fn at(number: u64, why: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("standard input, line {number}: {why}"))
}

fn opened(args: &Decrypt, opener: &Opener, line: &str) -> Result<(), String> {
    if line.is_empty() {
        return Ok(());
    }
    let escaped: Vec<u8> = percent_decode_str(line).collect();
    let message = STANDARD.decode(escaped);
    let message =
        message.map_err(|_| "this is no base64, as CloudFront writes a field".to_owned())?;
    let plaintext = opener.open(&message, &mut SysRng).map_err(|why| {
        format!(
            "{why} (provider `{}`, key `{}`)",
            args.provider, args.key_name
        )
    })?;
    let written = if args.json {
        let text = std::str::from_utf8(&plaintext);
        let text = text.map_err(|_| "the plaintext is no text; leave `--json` out".to_owned())?;
        return out::json(&json!({ "plaintext": text }))
            .map_err(|_| "standard output is closed".to_owned());
    } else {
        let mut output = std::io::stdout().lock();
        output
            .write_all(&plaintext)
            .and_then(|()| output.write_all(b"\n"))
    };
    written.map_err(|why| why.to_string())
}
