// `querystring`: texts of queries to objects and back.
(function (host) {
  'use strict';
  const escape = (text) => encodeURIComponent(String(text));
  const unescape = (text) => host.unescape(String(text));
  const option = (options, name, otherwise) =>
    options && typeof options[name] === 'function' ? options[name] : otherwise;
  function parse(text, separator, equal, options) {
    const found = {};
    if (typeof text !== 'string' || text === '') return found;
    const between = separator === undefined || separator === null || separator === '' ? '&' : String(separator);
    const sign = equal === undefined || equal === null || equal === '' ? '=' : String(equal);
    const decode = option(options, 'decodeURIComponent', querystring.unescape);
    const most = options && options.maxKeys !== undefined ? Number(options.maxKeys) : 1000;
    let pairs = text.split(between);
    if (most > 0) pairs = pairs.slice(0, most);
    for (const pair of pairs) {
      if (pair === '') continue;
      const at = pair.indexOf(sign);
      const name = decode((at < 0 ? pair : pair.slice(0, at)).replace(/\+/g, ' '));
      const value = at < 0 ? '' : decode(pair.slice(at + sign.length).replace(/\+/g, ' '));
      if (!Object.prototype.hasOwnProperty.call(found, name)) {
        Object.defineProperty(found, name, { value, writable: true, enumerable: true, configurable: true });
      } else if (Array.isArray(found[name])) {
        found[name].push(value);
      } else {
        found[name] = [found[name], value];
      }
    }
    return found;
  }
  const text = (value) =>
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && isFinite(value))
      ? String(value)
      : '';
  function stringify(object, separator, equal, options) {
    if (object === null || typeof object !== 'object') return '';
    const between = separator === undefined || separator === null ? '&' : String(separator);
    const sign = equal === undefined || equal === null ? '=' : String(equal);
    const encode = option(options, 'encodeURIComponent', querystring.escape);
    const pairs = [];
    for (const name of Object.keys(object)) {
      const values = Array.isArray(object[name]) ? object[name] : [object[name]];
      for (const value of values) pairs.push(encode(name) + sign + encode(text(value)));
    }
    return pairs.join(between);
  }
  const querystring = { parse, decode: parse, stringify, encode: stringify, escape, unescape };
  return querystring;
})
