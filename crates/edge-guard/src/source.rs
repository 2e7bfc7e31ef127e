//! The text of a function: a fixed program and the policy as its data.
//!
//! The data is a list of statements, each `[allows, countries, networks]`: `countries` is a text of two-letter codes, or
//! `null`; `networks` numbers into the list of networks, or is `null`. A network is a list of prefixes, each a family digit and
//! hexadecimal digits with the number of bits that count.

use ipnet::IpNet;
use portcullis_site::{Conditions, Effect, Name, Network, Site, Statement};
use portcullis_viewer::country::Country;
use serde_json::{Value, json};
use std::net::IpAddr;

/// What decides. `S`, `N` and `C` stand before it: the statements, the networks, every country code there is.
///
/// A condition is true, false or unknown (`null`); an unknown satisfies no `allow` and every `deny` that asks for it.
const PROGRAM: &str = r"
function hex(n, width) {
  var text = n.toString(16);
  while (text.length < width) text = '0' + text;
  return text;
}
function v4(text) {
  var parts = text.split('.');
  if (parts.length !== 4) return null;
  var out = '';
  for (var i = 0; i < 4; i++) {
    if (!/^[0-9]{1,3}$/.test(parts[i]) || parts[i] > 255) return null;
    out += hex(Number(parts[i]), 2);
  }
  return out;
}
function groups(text) {
  if (text === '') return [];
  var parts = text.split(':');
  var out = [];
  for (var i = 0; i < parts.length; i++) {
    if (i === parts.length - 1 && parts[i].indexOf('.') >= 0) {
      var tail = v4(parts[i]);
      if (tail === null) return null;
      out.push(tail.slice(0, 4), tail.slice(4));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(parts[i])) return null;
      out.push(hex(parseInt(parts[i], 16), 4));
    }
  }
  return out;
}
function address(text) {
  if (text.indexOf(':') < 0) {
    var four = v4(text);
    return four === null ? null : '4' + four;
  }
  var halves = text.split('::');
  if (halves.length > 2) return null;
  var head = groups(halves[0]);
  var tail = halves.length === 2 ? groups(halves[1]) : [];
  if (head === null || tail === null) return null;
  var missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  while (missing-- > 0) head.push('0000');
  var all = head.concat(tail).join('');
  return all.slice(0, 24) === '00000000000000000000ffff' ? '4' + all.slice(24) : '6' + all;
}
function inside(at, prefixes) {
  for (var i = 0; i < prefixes.length; i++) {
    var prefix = prefixes[i][0], bits = prefixes[i][1], whole = 1 + (bits >> 2), rest = bits & 3;
    if (at.slice(0, whole) !== prefix.slice(0, whole)) continue;
    if (rest === 0) return true;
    if (parseInt(at.charAt(whole), 16) >> (4 - rest) === parseInt(prefix.charAt(whole), 16) >> (4 - rest)) return true;
  }
  return false;
}
function among(code, codes) {
  for (var i = 0; i < codes.length; i += 2) if (codes.substr(i, 2) === code) return true;
  return false;
}
function decide(ip, code) {
  var at = address(ip), near = null;
  var known = code !== null && among(code, C);
  for (var i = 0; i < S.length; i++) {
    var allows = S[i][0], countries = S[i][1], networks = S[i][2];
    var holds = true, unknown = null;
    if (networks !== null) {
      if (at === null) {
        unknown = 'address';
      } else {
        holds = false;
        for (var n = 0; n < networks.length && !holds; n++) holds = inside(at, N[networks[n]]);
      }
    }
    if (holds && countries !== null) {
      if (!known) unknown = unknown === null ? 'country' : unknown;
      else holds = among(code, countries);
    }
    if (!holds) continue;
    if (allows) {
      if (unknown === null) return null;
      if (near === null) near = unknown + '-unknown';
    } else {
      return unknown === null ? 'denied' : 'denied-' + unknown + '-unknown';
    }
  }
  return near === null ? 'no-match' : near;
}
function handler(event) {
  var header = event.request.headers['cloudfront-viewer-country'];
  var reason = decide(event.viewer.ip, header ? header.value : null);
  if (reason === null || !E) return event.request;
  return {
    statusCode: 403,
    statusDescription: 'Forbidden',
    headers: {
      'content-type': { value: 'text/plain; charset=utf-8' },
      'cache-control': { value: 'no-store' },
      'x-portcullis-reason': { value: reason }
    },
    body: 'Access denied.\n'
  };
}
";

pub(crate) fn of(site: &Site, policy: &Name, statements: &[Statement], enforces: bool) -> String {
    let mut named: Vec<&Name> = Vec::new();
    let rows: Vec<Value> = statements
        .iter()
        .map(|statement| row(statement, &mut named))
        .collect();
    let networks: Vec<Value> = named.iter().map(|name| prefixes(site, name)).collect();
    let asks_country = statements
        .iter()
        .filter_map(|statement| statement.when.as_ref())
        .any(asks_country);
    let known: String = match asks_country {
        true => Country::all().map(|country| country.to_string()).collect(),
        false => String::new(),
    };
    format!(
        "// Policy {policy} of {site}, made from the manifest: change that.\nvar S = {}, N = {}, C = '{known}', E = {enforces};{PROGRAM}",
        Value::from(rows),
        Value::from(networks),
        site = site.site,
    )
}

fn asks_country(when: &Conditions) -> bool {
    when.countries.is_some() || when.unknown_country
}

fn row<'a>(statement: &'a Statement, named: &mut Vec<&'a Name>) -> Value {
    let allows = u8::from(statement.effect == Effect::Allow);
    let Some(when) = &statement.when else {
        return json!([allows, null, null]);
    };
    let countries = asks_country(when).then(|| {
        let countries = when.countries.iter().flatten();
        countries.map(ToString::to_string).collect::<String>()
    });
    let networks = when.networks.as_ref().map(|names| {
        let numbers = names.iter().map(|name| {
            named
                .iter()
                .position(|known| *known == name)
                .unwrap_or_else(|| {
                    named.push(name);
                    named.len() - 1
                })
        });
        numbers.collect::<Vec<usize>>()
    });
    json!([allows, countries, networks])
}

fn prefixes(site: &Site, name: &Name) -> Value {
    match site.networks.get(name) {
        Some(Network::Addresses(ranges)) => ranges.iter().map(prefix).collect(),
        // Prefix lists were refused before, and a name that is not there holds nobody.
        Some(Network::PrefixList { .. }) | None => json!([]),
    }
}

fn prefix(range: &IpNet) -> Value {
    let bits = usize::from(range.prefix_len());
    let digits = match range.network() {
        IpAddr::V4(address) => format!("4{:08x}", u32::from(address)),
        IpAddr::V6(address) => format!("6{:032x}", u128::from(address)),
    };
    let counted = 1 + bits.div_ceil(4);
    let digits: String = digits.chars().take(counted).collect();
    json!([digits, bits])
}
