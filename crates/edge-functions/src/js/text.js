// Globals that turn texts into bytes and back.
(function (host) {
  'use strict';
  return {
    btoa: function btoa(text) {
      const units = String(text);
      const bytes = new Uint8Array(units.length);
      for (let i = 0; i < units.length; i++) {
        const unit = units.charCodeAt(i);
        if (unit > 255) throw new TypeError('invalid character (>= U+00FF)');
        bytes[i] = unit;
      }
      return host.encode(bytes, 'base64');
    },
    atob: function atob(text) {
      const packed = String(text).replace(/[\t\n\f\r ]/g, '');
      if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(packed)) {
        throw new TypeError('the string to be decoded is not correctly encoded');
      }
      return String.fromCharCode.apply(null, host.decode(packed, 'base64'));
    },
    TextEncoder: class TextEncoder {
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
    },
    TextDecoder: class TextDecoder {
      constructor(label, options) {
        const name = label === undefined ? 'utf-8' : String(label).toLowerCase();
        if (name !== 'utf-8' && name !== 'utf8') throw new RangeError('The "' + label + '" encoding is not supported');
        Object.defineProperty(this, 'encoding', { value: 'utf-8' });
        Object.defineProperty(this, 'fatal', { value: Boolean(options && options.fatal) });
        Object.defineProperty(this, 'ignoreBOM', { value: Boolean(options && options.ignoreBOM) });
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
    },
  };
})
