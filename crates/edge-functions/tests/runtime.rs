//! The runtime: its modules, its globals, and what is not there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use portcullis_edge::compute::ComputeFailure;
use portcullis_edge::distribution::EventType;
use portcullis_edge_functions::{EdgeFunction, Limits, NotAFunction, Source, Store, Version};
use support::{PLACE, call, run};

/// What an expression is, as text.
fn value(version: Version, expression: &str) -> String {
    let code = format!(
        "async function handler(e) {{ console.log(String({expression})); return e.request; }}"
    );
    let source = Source {
        name: "tried",
        code: &code,
        version,
        store: None,
    };
    let function = EdgeFunction::compile(source, Limits::default()).unwrap();
    let ran = function.run_at(
        call(EventType::ViewerRequest, None),
        PLACE,
        1_700_000_000_123,
    );
    ran.log.join("\n")
}

#[test]
fn modules_do_what_nodes_do() {
    // Each as Node 20 prints it, but for what only CloudFront has.
    let rows = [
        (
            "require('crypto').createHash('md5').update('a').update('bc').digest('base64')",
            "kAFQmDzST7DWlj99KOF/cg==",
        ),
        (
            "require('crypto').createHmac('sha1', 'k').update('v').digest('base64url')",
            "lPxqL36JuBls904QeajBHrZ5pVI",
        ),
        (
            "require('crypto').createHash('sha256').update(Buffer.from([1, 2])).digest().length",
            "32",
        ),
        (
            "require('querystring').stringify({ name: 'value', abc: ['xyz', '123'], anotherName: '' })",
            "name=value&abc=xyz&abc=123&anotherName=",
        ),
        (
            "JSON.stringify(require('querystring').parse('name=value&abc=xyz&abc=123&a+b=%C3%A9'))",
            "{\"name\":\"value\",\"abc\":[\"xyz\",\"123\"],\"a b\":\"é\"}",
        ),
        (
            "JSON.stringify(require('querystring').decode('a:1;b:2', ';', ':', { maxKeys: 1 }))",
            "{\"a\":\"1\"}",
        ),
        ("require('querystring').escape('a b&c')", "a%20b%26c"),
        ("Buffer.from('héllo').toString('hex')", "68c3a96c6c6f"),
        ("Buffer.from('aGk', 'base64').toString()", "hi"),
        ("Buffer.from('-_8', 'base64url').toString('base64')", "+/8="),
        (
            "Buffer.concat([Buffer.from('ab'), Buffer.from('cd')], 3).toString()",
            "abc",
        ),
        ("Buffer.alloc(5, 'ab').toString()", "ababa"),
        (
            "Buffer.byteLength('é') + ',' + Buffer.compare(Buffer.from('a'), Buffer.from('b'))",
            "2,-1",
        ),
        (
            "Buffer.from([1, 2, 3]).readUIntBE(0, 3) + ',' + Buffer.from([255, 255]).readIntLE(0, 2)",
            "66051,-1",
        ),
        (
            "Buffer.from([0x40, 0x49, 0x0f, 0xdb]).readFloatBE(0).toFixed(5)",
            "3.14159",
        ),
        (
            "(function () { const b = Buffer.alloc(8); b.writeUInt16BE(258, 1); b.writeInt32LE(-2, 4); return b.toString('hex'); })()",
            "00010200feffffff",
        ),
        (
            "Buffer.from('01020304', 'hex').swap16().toString('hex')",
            "02010403",
        ),
        (
            "Buffer.from('hello').indexOf('l') + ',' + Buffer.from('hello').lastIndexOf('l') + ',' + Buffer.from('hello').includes('lo')",
            "2,3,true",
        ),
        (
            "JSON.stringify(Buffer.from('a'))",
            "{\"type\":\"Buffer\",\"data\":[97]}",
        ),
        (
            "Buffer.from('abcdef').subarray(1, 3).toString() + Buffer.isBuffer(Buffer.alloc(1).subarray(0))",
            "bctrue",
        ),
        ("Buffer.alloc(3).write('aé€')", "3"),
        ("btoa('\\u00ff') + ',' + atob('aGk=')", "/w==,hi"),
        (
            "new TextDecoder().decode(new TextEncoder().encode('é'))",
            "é",
        ),
        (
            "JSON.stringify(new TextEncoder().encodeInto('aé€', new Uint8Array(3)))",
            "{\"read\":2,\"written\":3}",
        ),
        (
            "Date.now() + ',' + new Date().getTime() + ',' + new Date(0).toISOString()",
            "1700000000123,1700000000123,1970-01-01T00:00:00.000Z",
        ),
        ("new Date() instanceof Date", "true"),
        ("'a-b'.replaceAll('-', '+') + 1_000 + 2 ** 3", "a+b10008"),
        (
            "await Promise.any([Promise.reject(1), Promise.resolve(2)])",
            "2",
        ),
    ];
    for (expression, expected) in rows {
        assert_eq!(value(Version::V2, expression), expected, "{expression}");
    }
}

/// Names that Node or a browser has and CloudFront's list of features has not.
#[test]
fn what_cloudfront_has_not_is_not_there() {
    let names = [
        "fetch",
        "XMLHttpRequest",
        "WebSocket",
        "setTimeout",
        "setImmediate",
        "clearTimeout",
        "setInterval",
        "queueMicrotask",
        "process",
        "global",
        "window",
        "performance",
        "navigator",
        "Map",
        "Set",
        "WeakMap",
        "WeakRef",
        "Proxy",
        "Reflect",
        "BigInt",
        "Intl",
        "URL",
        "URLSearchParams",
        "SharedArrayBuffer",
        "Atomics",
        "structuredClone",
        "Iterator",
        "std",
        "os",
        "Array.from",
        "[].flat",
        "[].flatMap",
        "[].at",
        "[].entries",
        "'a'.matchAll",
        "'a'.normalize",
        "'a'.at",
        "Object.fromEntries",
        "Object.groupBy",
        "Object.hasOwn",
        "console.error",
        "console.warn",
    ];
    for name in names {
        let (of, own) = name.rsplit_once('.').unwrap_or(("globalThis", name));
        assert_eq!(
            value(Version::V2, &format!("typeof {of}['{own}']")),
            "undefined",
            "{name}"
        );
    }
}

/// All that the list of features gives to these prototypes, and nothing else.
#[test]
fn prototypes_have_what_is_listed() {
    let rows = [
        (
            "String.prototype",
            "charAt charCodeAt codePointAt concat constructor endsWith includes indexOf lastIndexOf length localeCompare \
          match padEnd padStart repeat replace replaceAll search slice split startsWith substr substring toLocaleLowerCase \
          toLocaleUpperCase toLowerCase toString toUpperCase trim trimEnd trimStart valueOf",
        ),
        (
            "Array.prototype",
            "concat constructor copyWithin every fill filter find findIndex forEach includes indexOf join lastIndexOf \
          length map pop push reduce reduceRight reverse shift slice some sort splice toLocaleString toString unshift",
        ),
        ("Array", "isArray length name of prototype"),
        (
            "Promise",
            "all allSettled any length name prototype race reject resolve",
        ),
    ];
    for (target, expected) in rows {
        let all = value(
            Version::V2,
            &format!("Object.getOwnPropertyNames({target}).sort().join(' ')"),
        );
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(all, expected.join(" "), "{target}");
    }
}

/// Every way to make code from text.
#[test]
fn code_is_not_made_from_text() {
    let rows = [
        "eval('1')",
        "(0, eval)('1')",
        "new Function('return 1')()",
        "(function () {}).constructor('return 1')()",
        "(async function () {}).constructor('return 1')()",
        "(function* () {}).constructor('yield 1')()",
        "Object.getPrototypeOf(async function () {}).constructor('return 1')",
        "import('fs')",
        "require('fs')",
        "require('os')",
    ];
    for expression in rows {
        let code =
            format!("async function handler(e) {{ await ({expression}); return e.request; }}");
        let ran = run(&code);
        assert_eq!(
            ran.outcome.map(|_| ()),
            Err(ComputeFailure::Execution),
            "{expression}"
        );
    }
}

#[test]
fn the_first_runtime_has_less() {
    for name in ["Buffer", "atob", "btoa"] {
        assert_eq!(
            value(Version::V1, &format!("typeof globalThis.{name}")),
            "undefined",
            "{name}"
        );
    }
    let digest = "require('crypto').createHash('sha256').update('abc').digest('hex').slice(0, 8)";
    assert_eq!(value(Version::V1, digest), "ba7816bf");
    assert_eq!(
        value(
            Version::V1,
            "require('crypto').createHash('md5').update('').digest().length"
        ),
        "16"
    );
    let source = Source {
        name: "tried",
        code: "import cf from 'cloudfront'; function handler(e) { return e.request; }",
        version: Version::V1,
        store: None,
    };
    let refused = EdgeFunction::compile(source, Limits::default());
    assert!(
        matches!(refused, Err(NotAFunction::Code(..))),
        "{refused:?}"
    );
}

#[test]
fn a_store_is_read_in_every_format() {
    let mut store: Store = [("text", "é"), ("json", "{\"a\":[1]}")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into_iter()
        .collect();
    store.created_ms = 1_701_385_675_765;
    let code = "import cf from 'cloudfront';
        const kvs = cf.kvs();
        async function handler(e) {
          console.log(await kvs.get('text'));
          console.log(await kvs.get('text', { format: 'string' }));
          console.log((await kvs.get('json', { format: 'json' })).a[0]);
          console.log((await kvs.get('text', { format: 'bytes' })).toString('hex'));
          console.log((await kvs.exists('text')) + ',' + (await kvs.exists('none')));
          console.log(await kvs.count());
          console.log(await kvs.meta());
          try { await kvs.get('none'); } catch (error) { console.log(error.message); }
          return e.request;
        }";
    let function = EdgeFunction::new("tried", code, Some(store)).unwrap();
    let ran = function.run(call(EventType::ViewerRequest, None), PLACE);
    let expected = [
        "é",
        "é",
        "1",
        "c3a9",
        "true,false",
        "2",
        "{\"keyCount\":2,\"creationDateTime\":\"2023-11-30T23:07:55.765Z\",\"lastUpdatedDateTime\":\"1970-01-01T00:00:00.000Z\"}",
        "KeyNotFound: the key \"none\" does not exist",
    ];
    assert_eq!(ran.log, expected);
    // Without a store it fails as soon as the store is asked for.
    assert!(matches!(
        EdgeFunction::new("tried", code, None),
        Err(NotAFunction::Code(..))
    ));
}

#[test]
fn a_store_beyond_its_limits_is_refused() {
    let rows = [
        (
            vec![("k".repeat(513), String::new())],
            "a key has 513 bytes",
        ),
        (vec![(String::new(), String::new())], "a key has 0 bytes"),
        (vec![("k".to_owned(), "v".repeat(1025))], "has 1025 bytes"),
        (
            (0..6000)
                .map(|n| (n.to_string(), "v".repeat(1024)))
                .collect(),
            "the key value store has",
        ),
    ];
    for (pairs, expected) in rows {
        let store: Store = pairs.into_iter().collect();
        let refused = EdgeFunction::new("tried", "function handler() {}", Some(store)).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
}
