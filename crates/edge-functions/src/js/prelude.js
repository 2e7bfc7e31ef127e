// What stands before every function: the globals of the runtime, less what CloudFront does not have.
// A function expression; it is called with the host's functions and what differs between the runtimes.
(function (host, source, version, now) {
  'use strict';
  const define = (target, name, value) =>
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });

  // The host takes bytes as strings of letters below U+0100.
  const binary = (view) => {
    const whole = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    let letters = '';
    for (let at = 0; at < whole.length; at += 4096) {
      letters += String.fromCharCode.apply(null, whole.subarray(at, at + 4096));
    }
    return letters;
  };
  const raw = host;
  host = Object.assign({}, raw, {
    encode: (view, name) => raw.encode(binary(view), name),
    utf8: (view) => raw.utf8(binary(view)),
    digest: (name, view) => raw.digest(name, binary(view)),
    hmac: (name, key, view) => raw.hmac(name, binary(key), binary(view)),
  });

  // Modules are made when they are first asked for, once in a run.
  const made = Object.create(null);
  const names = version === 1 ? ['crypto', 'querystring'] : ['buffer', 'cloudfront', 'crypto', 'querystring'];
  function require(name) {
    const wanted = String(name);
    if (names.indexOf(wanted) < 0 && !(version === 1 && wanted === 'buffer' && inside)) {
      throw new Error('Cannot find module "' + wanted + '"');
    }
    if (!made[wanted]) {
      const before = inside;
      inside = true;
      try {
        made[wanted] = source(wanted)(host, require, version);
      } finally {
        inside = before;
      }
    }
    return made[wanted];
  }
  let inside = false;
  define(globalThis, 'require', require);

  const shown = (part) => {
    if (typeof part === 'string') return part;
    const text = JSON.stringify(part);
    return text === undefined ? String(part) : text;
  };
  define(globalThis, 'console', {
    log(...parts) {
      host.log(parts.map(shown).join(' '));
    },
  });

  if (version !== 1) {
    Object.defineProperty(globalThis, 'Buffer', {
      configurable: true,
      enumerable: false,
      get: () => require('buffer').Buffer,
      set: (value) => define(globalThis, 'Buffer', value),
    });
    define(globalThis, 'btoa', function btoa(text) {
      const units = String(text);
      const bytes = new Uint8Array(units.length);
      for (let i = 0; i < units.length; i++) {
        const unit = units.charCodeAt(i);
        if (unit > 255) throw new TypeError('invalid character (>= U+00FF)');
        bytes[i] = unit;
      }
      return host.encode(bytes, 'base64');
    });
    define(globalThis, 'atob', function atob(text) {
      const packed = String(text).replace(/[\t\n\f\r ]/g, '');
      if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(packed)) {
        throw new TypeError('the string to be decoded is not correctly encoded');
      }
      return String.fromCharCode.apply(null, host.decode(packed, 'base64'));
    });
  }

  define(globalThis, 'TextEncoder', class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text) {
      return host.decode(text === undefined ? '' : String(text), 'utf8');
    }
    encodeInto(text, target) {
      let read = 0;
      let written = 0;
      for (const letter of String(text)) {
        const bytes = host.decode(letter, 'utf8');
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        written += bytes.length;
        read += letter.length;
      }
      return { read, written };
    }
  });
  define(globalThis, 'TextDecoder', class TextDecoder {
    constructor(label, options) {
      const name = label === undefined ? 'utf-8' : String(label).toLowerCase();
      if (name !== 'utf-8' && name !== 'utf8') throw new RangeError('The "' + label + '" encoding is not supported');
      define(this, 'encoding', 'utf-8');
      define(this, 'fatal', Boolean(options && options.fatal));
      define(this, 'ignoreBOM', Boolean(options && options.ignoreBOM));
    }
    decode(data) {
      if (data === undefined) return '';
      const view = ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : new Uint8Array(data);
      const text = this.fatal ? host.utf8(view) : host.encode(view, 'utf8');
      if (text === undefined) throw new TypeError('The encoded data was not valid');
      return !this.ignoreBOM && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }
  });

  // Time stands still during a run (restricted features).
  const Clock = Date;
  function Frozen(...parts) {
    if (!new.target) return new Clock(now).toString();
    return Reflected(parts.length === 0 ? [now] : parts);
  }
  const Reflected = (parts) => new Clock(...parts);
  Frozen.prototype = Clock.prototype;
  define(Frozen, 'now', () => now);
  define(Frozen, 'parse', Clock.parse);
  define(Frozen, 'UTC', Clock.UTC);
  define(Frozen, 'length', 7);
  define(Frozen, 'name', 'Date');
  define(Clock.prototype, 'constructor', Frozen);
  define(globalThis, 'Date', Frozen);

  // No code is made from text: not by name, nor by the constructor of any function.
  const refuse = (name) =>
    function () {
      throw new TypeError(name + ' is not allowed: code cannot be made from text');
    };
  define(globalThis, 'eval', refuse('eval'));
  const refused = refuse('Function');
  refused.prototype = Function.prototype;
  define(globalThis, 'Function', refused);
  for (const one of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    define(Object.getPrototypeOf(one), 'constructor', refused);
  }

  // What the engine has beyond CloudFront's list of features is taken away, so that a function that needs it fails here too.
  const trim = (target, names) => {
    for (const name of names.split(' ')) delete target[name];
  };
  trim(globalThis, 'AggregateError AsyncDisposableStack BigInt BigInt64Array BigUint64Array DisposableStack FinalizationRegistry '
    + 'Float16Array Iterator Proxy Reflect SharedArrayBuffer Atomics SuppressedError WeakRef Map Set WeakMap WeakSet '
    + 'escape unescape navigator performance queueMicrotask DOMException gc print');
  trim(Object, 'fromEntries groupBy hasOwn getOwnPropertySymbols');
  trim(Object.prototype, '__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__');
  trim(Array, 'from fromAsync');
  trim(Array.prototype, 'at entries findLast findLastIndex flat flatMap keys toReversed toSorted toSpliced values with');
  trim(String, 'raw');
  trim(String.prototype, 'at anchor big blink bold fixed fontcolor fontsize italics link small strike sub sup isWellFormed '
    + 'matchAll normalize toWellFormed trimLeft trimRight');
  trim(Math, 'f16round sumPrecise');
  trim(Promise, 'try withResolvers');
  trim(RegExp, 'escape');
  trim(Error, 'captureStackTrace isError prepareStackTrace stackTraceLimit');
  trim(ArrayBuffer.prototype, 'resize transfer transferToFixedLength transferToImmutable sliceToImmutable');
  trim(DataView.prototype, 'getBigInt64 getBigUint64 getFloat16 setBigInt64 setBigUint64 setFloat16');
  trim(Uint8Array, 'fromBase64 fromHex');
  trim(Uint8Array.prototype, 'setFromBase64 setFromHex toBase64 toHex');
  trim(Object.getPrototypeOf(Uint8Array.prototype), 'at findLast findLastIndex toLocaleString toReversed toSorted with');
})
