//! The modules of runtime 2.0: `cloudfront` with key value stores, `crypto` with digests, and `console`.

use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use std::fmt::Write as _;

/// What stands before every function. What CloudFront does not have, a function does not find.
pub(crate) const PRELUDE: &str = r"
globalThis.console = {
  log(...parts) {
    __log(parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' '));
  },
};
globalThis.console.error = globalThis.console.log;
globalThis.eval = undefined;
globalThis.require = (name) => {
  throw new Error('module ' + name + ' is imported, not required');
};
";

pub(crate) const CLOUDFRONT: &str = r"
function kvs() {
  if (!__hasStore) throw new Error('the function has no key value store');
  return {
    async get(key, options) {
      const value = __get(String(key));
      if (value === undefined || value === null) throw new Error('KeyNotFound: ' + key);
      const format = options && options.format;
      if (format === 'json') return JSON.parse(value);
      return value;
    },
    async exists(key) {
      const value = __get(String(key));
      return value !== undefined && value !== null;
    },
  };
}
export default { kvs };
export { kvs };
";

pub(crate) const CRYPTO: &str = r"
class Digest {
  constructor(make) { this.make = make; this.text = ''; }
  update(text) { this.text += text; return this; }
  digest(encoding) {
    if (encoding !== 'hex') throw new Error('only digest(\'hex\') is known here');
    const made = this.make(this.text);
    if (made === undefined || made === null) throw new Error('the algorithm is not known here');
    return made;
  }
}
function createHash(name) { return new Digest((text) => __digest(name, text)); }
function createHmac(name, key) { return new Digest((text) => __hmac(name, key, text)); }
export default { createHash, createHmac };
export { createHash, createHmac };
";

/// A digest in hexadecimal; `None` for an algorithm that is not known.
pub(crate) fn digest(name: &str, text: &str) -> Option<String> {
    let algorithm = match name {
        "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => &SHA256,
        "sha384" => &SHA384,
        "sha512" => &SHA512,
        _ => return None,
    };
    Some(hex(digest::digest(algorithm, text.as_bytes()).as_ref()))
}

/// A keyed digest in hexadecimal.
pub(crate) fn hmac(name: &str, key: &str, text: &str) -> Option<String> {
    let algorithm = match name {
        "sha1" => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => HMAC_SHA256,
        "sha384" => HMAC_SHA384,
        "sha512" => HMAC_SHA512,
        _ => return None,
    };
    let key = hmac::Key::new(algorithm, key.as_bytes());
    Some(hex(hmac::sign(&key, text.as_bytes()).as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
