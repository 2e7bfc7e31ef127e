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
    binary,
  });

  // Modules are made when they are first asked for, once in a run.
  const made = Object.create(null);
  const names = version === 1 ? ['crypto', 'querystring'] : ['buffer', 'cloudfront', 'crypto', 'querystring'];
  function require(name) {
    const wanted = String(name);
    if (names.indexOf(wanted) < 0) throw new Error('Cannot find module "' + wanted + '"');
    if (!made[wanted]) made[wanted] = source(wanted)(host, require, version);
    return made[wanted];
  }
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

  // Globals that few functions need are made when they are first used.
  const lazy = (name, module) =>
    Object.defineProperty(globalThis, name, {
      configurable: true,
      enumerable: false,
      get: () => {
        if (!made[module]) made[module] = source(module)(host, require, version);
        const value = made[module][name];
        define(globalThis, name, value);
        return value;
      },
      set: (value) => define(globalThis, name, value),
    });
  lazy('TextEncoder', 'text');
  lazy('TextDecoder', 'text');
  if (version !== 1) {
    lazy('Buffer', 'buffer');
    lazy('atob', 'text');
    lazy('btoa', 'text');
  }

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
