// `crypto`: digests and keyed digests. Algorithms are md5, sha1 and sha256; encodings hex, base64 and base64url.
(function (host, require, version) {
  'use strict';
  const known = ['md5', 'sha1', 'sha256'];
  const bytes = (data) => {
    if (typeof data === 'string') return host.binary(host.decode(data, 'utf8'));
    if (ArrayBuffer.isView(data)) return host.binary(data);
    throw new TypeError('data is not a string or Buffer-like object');
  };
  class Digest {
    constructor(algorithm, finish) {
      const name = String(algorithm).toLowerCase();
      if (known.indexOf(name) < 0) throw new TypeError('not supported algorithm: "' + algorithm + '"');
      let parts = '';
      Object.defineProperty(this, 'update', {
        value: (data) => {
          if (parts === null) throw new Error('Digest already called');
          parts += bytes(data);
          return this;
        },
      });
      Object.defineProperty(this, 'digest', {
        value: (encoding) => {
          if (parts === null) throw new Error('Digest already called');
          const made = finish(name, parts);
          parts = null;
          if (encoding === undefined) {
            return version === 1 ? host.binary(made) : require('buffer').Buffer.from(made);
          }
          const text = encoding === 'utf8' ? undefined : host.encode(made, String(encoding));
          if (text === undefined) throw new TypeError('Unknown digest encoding: "' + encoding + '"');
          return text;
        },
      });
    }
  }
  return {
    createHash: (algorithm) => new Digest(algorithm, (name, data) => host.digest(name, data)),
    createHmac: (algorithm, key) => {
      const secret = bytes(key);
      return new Digest(algorithm, (name, data) => host.hmac(name, secret, data));
    },
  };
})
