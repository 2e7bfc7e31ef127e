// `buffer`: bytes with encodings.
(function (host) {
  'use strict';
  const ENCODINGS = ['utf8', 'hex', 'base64', 'base64url'];
  const encodingOf = (encoding) => {
    if (encoding === undefined || encoding === null) return 'utf8';
    const name = String(encoding).toLowerCase();
    const known = name === 'utf-8' ? 'utf8' : name;
    if (ENCODINGS.indexOf(known) < 0) throw new TypeError('"' + encoding + '" encoding is not supported');
    return known;
  };
  const bytesOf = (text, encoding) => host.decode(String(text), encodingOf(encoding));
  const viewOf = (value) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const position = (value, otherwise, most) => {
    if (value === undefined) return otherwise;
    const at = Math.trunc(Number(value)) || 0;
    return at < 0 ? 0 : Math.min(at, most);
  };
  const order = (one, other) => {
    const length = Math.min(one.length, other.length);
    for (let i = 0; i < length; i++) {
      if (one[i] !== other[i]) return one[i] < other[i] ? -1 : 1;
    }
    return one.length === other.length ? 0 : one.length < other.length ? -1 : 1;
  };
  const needle = (value, encoding) => {
    if (typeof value === 'number') return new Uint8Array([value & 255]);
    return typeof value === 'string' ? bytesOf(value, encoding) : viewOf(value);
  };
  const inRange = (buffer, offset, length) => {
    const at = offset === undefined ? 0 : offset;
    if (typeof at !== 'number' || at % 1 !== 0) throw new TypeError('offset is not an integer');
    if (at < 0 || at + length > buffer.length) throw new RangeError('index ' + at + ' is outside the bound of the buffer');
    return at;
  };
  const swapped = (buffer, size) => {
    if (buffer.length % size !== 0) throw new RangeError('Buffer size must be a multiple of ' + size * 8 + '-bits');
    for (let at = 0; at < buffer.length; at += size) new Uint8Array(buffer.buffer, buffer.byteOffset + at, size).reverse();
    return buffer;
  };
  const lengthOf = (length) => {
    if (!(length >= 1 && length <= 6)) throw new RangeError('byteLength must be from 1 to 6');
    return length;
  };

  class Buffer extends Uint8Array {
    static alloc(size, fill, encoding) {
      const made = new Buffer(size);
      return fill === undefined || fill === 0 ? made : made.fill(fill, 0, made.length, encoding);
    }
    static allocUnsafe(size) {
      return new Buffer(size);
    }
    static byteLength(value, encoding) {
      return typeof value === 'string' ? bytesOf(value, encoding).length : value.byteLength;
    }
    static compare(one, other) {
      return order(one, other);
    }
    static concat(list, total) {
      let length = total;
      if (length === undefined) {
        length = 0;
        for (const one of list) length += one.length;
      }
      const made = new Buffer(length);
      let at = 0;
      for (const one of list) {
        if (at >= length) break;
        const part = at + one.length > length ? one.subarray(0, length - at) : one;
        made.set(part, at);
        at += part.length;
      }
      return made;
    }
    static from(value, second, third) {
      if (typeof value === 'string') {
        const bytes = bytesOf(value, second);
        return new Buffer(bytes.buffer, bytes.byteOffset, bytes.length);
      }
      if (value instanceof ArrayBuffer) return new Buffer(value, second, third);
      if (ArrayBuffer.isView(value) || Array.isArray(value)) {
        const made = new Buffer(value.length);
        made.set(value);
        return made;
      }
      if (value !== null && typeof value === 'object') {
        if (value.type === 'Buffer' && Array.isArray(value.data)) return Buffer.from(value.data);
        const inner = value.valueOf();
        if (inner !== value && inner !== null && inner !== undefined) return Buffer.from(inner, second, third);
      }
      throw new TypeError('first argument is not a string or Buffer-like object');
    }
    static isBuffer(value) {
      return value instanceof Buffer;
    }
    static isEncoding(name) {
      const text = String(name).toLowerCase();
      return text === 'utf-8' || ENCODINGS.indexOf(text) >= 0;
    }
    compare(target, targetStart, targetEnd, sourceStart, sourceEnd) {
      const own = this.subarray(position(sourceStart, 0, this.length), position(sourceEnd, this.length, this.length));
      const end = position(targetEnd, target.length, target.length);
      return order(own, target.subarray(position(targetStart, 0, target.length), end));
    }
    copy(target, targetStart, sourceStart, sourceEnd) {
      const at = position(targetStart, 0, target.length);
      const start = position(sourceStart, 0, this.length);
      const end = Math.min(position(sourceEnd, this.length, this.length), start + target.length - at);
      if (end <= start) return 0;
      target.set(this.subarray(start, end), at);
      return end - start;
    }
    equals(other) {
      return order(this, other) === 0;
    }
    fill(value, offset, end, encoding) {
      if (typeof offset === 'string') return this.fill(value, 0, this.length, offset);
      const from = position(offset, 0, this.length);
      const to = position(end, this.length, this.length);
      if (typeof value === 'number') {
        super.fill(value, from, to);
        return this;
      }
      const bytes = needle(value, encoding);
      for (let i = from; i < to; i++) this[i] = bytes.length === 0 ? 0 : bytes[(i - from) % bytes.length];
      return this;
    }
    includes(value, offset, encoding) {
      return this.indexOf(value, offset, encoding) >= 0;
    }
    indexOf(value, offset, encoding) {
      if (typeof offset === 'string') return this.indexOf(value, 0, offset);
      const bytes = needle(value, encoding);
      let start = Math.trunc(Number(offset)) || 0;
      if (start < 0) start = Math.max(0, this.length + start);
      for (let at = start; at + bytes.length <= this.length; at++) {
        let same = 0;
        while (same < bytes.length && this[at + same] === bytes[same]) same++;
        if (same === bytes.length) return at;
      }
      return -1;
    }
    lastIndexOf(value, offset, encoding) {
      if (typeof offset === 'string') return this.lastIndexOf(value, undefined, offset);
      const bytes = needle(value, encoding);
      let start = offset === undefined ? this.length : Math.trunc(Number(offset)) || 0;
      if (start < 0) start += this.length;
      for (let at = Math.min(start, this.length - bytes.length); at >= 0; at--) {
        let same = 0;
        while (same < bytes.length && this[at + same] === bytes[same]) same++;
        if (same === bytes.length) return at;
      }
      return -1;
    }
    subarray(start, end) {
      const part = new Uint8Array(this.buffer, this.byteOffset, this.length).subarray(start, end);
      return new Buffer(part.buffer, part.byteOffset, part.length);
    }
    swap16() {
      return swapped(this, 2);
    }
    swap32() {
      return swapped(this, 4);
    }
    swap64() {
      return swapped(this, 8);
    }
    toJSON() {
      return { type: 'Buffer', data: Array.prototype.slice.call(this) };
    }
    toString(encoding, start, end) {
      const part = this.subarray(position(start, 0, this.length), position(end, this.length, this.length));
      return host.encode(part, encodingOf(encoding));
    }
    write(text, offset, length, encoding) {
      if (typeof offset === 'string') return this.write(text, 0, this.length, offset);
      if (typeof length === 'string') return this.write(text, offset, undefined, length);
      const at = position(offset, 0, this.length);
      let room = Math.min(position(length, this.length, this.length), this.length - at);
      const bytes = bytesOf(text, encoding);
      if (room >= bytes.length) room = bytes.length;
      // No letter is cut in two.
      else if (encodingOf(encoding) === 'utf8') while (room > 0 && (bytes[room] & 0xc0) === 0x80) room--;
      this.set(bytes.subarray(0, room), at);
      return room;
    }
    readIntBE(offset, length) {
      const value = this.readUIntBE(offset, length);
      const most = Math.pow(2, 8 * length - 1);
      return value >= most ? value - 2 * most : value;
    }
    readIntLE(offset, length) {
      const value = this.readUIntLE(offset, length);
      const most = Math.pow(2, 8 * length - 1);
      return value >= most ? value - 2 * most : value;
    }
    readUIntBE(offset, length) {
      const at = inRange(this, offset, lengthOf(length));
      let value = 0;
      for (let i = 0; i < length; i++) value = value * 256 + this[at + i];
      return value;
    }
    readUIntLE(offset, length) {
      const at = inRange(this, offset, lengthOf(length));
      let value = 0;
      for (let i = length - 1; i >= 0; i--) value = value * 256 + this[at + i];
      return value;
    }
    writeUIntBE(value, offset, length) {
      const at = inRange(this, offset, lengthOf(length));
      let left = Number(value);
      for (let i = length - 1; i >= 0; i--) {
        this[at + i] = ((left % 256) + 256) % 256;
        left = Math.floor(left / 256);
      }
      return at + length;
    }
    writeUIntLE(value, offset, length) {
      const at = inRange(this, offset, lengthOf(length));
      let left = Number(value);
      for (let i = 0; i < length; i++) {
        this[at + i] = ((left % 256) + 256) % 256;
        left = Math.floor(left / 256);
      }
      return at + length;
    }
    writeIntBE(value, offset, length) {
      return this.writeUIntBE(value, offset, length);
    }
    writeIntLE(value, offset, length) {
      return this.writeUIntLE(value, offset, length);
    }
  }

  const method = (name, value) =>
    Object.defineProperty(Buffer.prototype, name, { value, writable: true, configurable: true, enumerable: false });
  const number = (name, kind, size, little) => {
    method('read' + name, function (offset) {
      const at = inRange(this, offset, size);
      return new DataView(this.buffer, this.byteOffset, this.length)['get' + kind](at, little);
    });
    method('write' + name, function (value, offset) {
      const at = inRange(this, offset, size);
      new DataView(this.buffer, this.byteOffset, this.length)['set' + kind](at, value, little);
      return at + size;
    });
  };
  number('Int8', 'Int8', 1, true);
  number('UInt8', 'Uint8', 1, true);
  const sized = [['Int16', 'Int16', 2], ['Int32', 'Int32', 4], ['UInt16', 'Uint16', 2], ['UInt32', 'Uint32', 4],
    ['Float', 'Float32', 4], ['Double', 'Float64', 8]];
  for (const [name, kind, size] of sized) {
    number(name + 'LE', kind, size, true);
    number(name + 'BE', kind, size, false);
  }
  return { Buffer };
})
