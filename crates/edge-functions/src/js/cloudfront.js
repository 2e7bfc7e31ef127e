// `cloudfront`: key value stores and the choice of an origin.
(function (host) {
  'use strict';
  function handle() {
    const value = (key) => {
      const found = host.pair(String(key));
      if (found === undefined) throw new Error('KeyNotFound: the key "' + key + '" does not exist');
      return found;
    };
    return {
      async get(key, options) {
        const found = value(key);
        const format = options === undefined || options === null ? undefined : options.format;
        switch (format) {
          case undefined:
          case 'string':
            return found;
          case 'json':
            return JSON.parse(found);
          case 'bytes':
            return Buffer.from(found, 'utf8');
          default:
            throw new TypeError('unknown format "' + format + '"');
        }
      },
      async exists(key) {
        return host.pair(String(key)) !== undefined;
      },
      async count() {
        return host.pairs().keyCount;
      },
      async meta() {
        return host.pairs();
      },
    };
  }
  const choose = (how, what) => {
    if (!host.mayChoose) throw new Error(how + ' is for viewer-request functions');
    host.choose(JSON.stringify({ how, what }));
  };
  return {
    kvs() {
      if (!host.hasStore) throw new Error('no key value store is associated with the function');
      return handle();
    },
    updateRequestOrigin(properties) {
      choose('updateRequestOrigin', properties);
    },
    selectRequestOriginById(id, overrides) {
      choose('selectRequestOriginById', { originId: id, originOverrides: overrides });
    },
    createRequestOriginGroup(properties) {
      choose('createRequestOriginGroup', properties);
    },
  };
})
