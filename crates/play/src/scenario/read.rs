//! A scenario from its text.

use super::{
    Act, Answering, Asked, AskedFrom, BEGINS, Expected, Fault, Object, Plays, STEPS_MAX, Scenario,
    Step,
};
use portcullis_distribution::read::{Dialect, Item, Object as Map, root};
use portcullis_distribution::value::{self, Kind, Value};
use portcullis_distribution::{Faults, Rule};
use portcullis_http_semantics::HttpDate;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The methods that a step may begin with.
const METHODS: [&str; 7] = ["get", "head", "options", "post", "put", "patch", "delete"];
/// Keys that begin a step.
const ACTS: [&str; 5] = ["wait", "store", "remove", "invalidate", "down"];
/// The units of a time, in seconds.
const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
/// The months as HTTP names them.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
/// The days of the week as HTTP names them.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// The verdicts that may be expected.
const VERDICTS: [(&str, &str); 4] = [
    ("admitted", "admitted"),
    ("reported", "reported"),
    ("refused", "refused"),
    ("rejected", "rejected"),
];

/// Reads a scenario, YAML or JSON.
///
/// # Errors
/// Every mistake, in the order of the text.
pub fn read(bytes: &[u8]) -> Result<Scenario, Vec<Fault>> {
    let value = value::read(bytes)?;
    let faults = Faults::default();
    let scenario = scenario(&root(&faults, Dialect::Template, false, &value));
    faults.end(scenario)
}

fn scenario(item: &Item<'_>) -> Option<Scenario> {
    let map = item.clone().object()?;
    let title = map.required_text("scenario");
    let plays = plays(&map);
    let begins = map.get("at").map_or(Some(BEGINS), |at| moment(&at));
    let pops = map.texts("pops");
    let folder = map.text("folder").map(PathBuf::from);
    let objects = objects(&map);
    let origins = origins(&map);
    let (alone, steps) = steps(&map);
    map.end(&[]);
    Some(Scenario {
        title: title?.to_owned(),
        plays: plays?,
        begins: begins?,
        pops,
        folder,
        objects,
        origins,
        alone,
        steps,
    })
}

fn plays(map: &Map<'_>) -> Option<Plays> {
    let manifest = map.text("manifest");
    let (described, deployed) = (map.get("distribution"), map.get("deployed"));
    let parameters = pairs(map.get("parameters"));
    if described.is_some() && (manifest.is_some() || deployed.is_some()) {
        let message = "either a site (`manifest`, `deployed`) or a `distribution` is played";
        map.fault_at("distribution", Rule::InvalidArgument, message);
        return None;
    }
    Some(match described {
        Some(files) => Plays::Distribution {
            files: paths(files),
            parameters,
        },
        None => Plays::Site {
            manifest: PathBuf::from(manifest.unwrap_or("portcullis.yaml")),
            deployed: deployed.map(paths).unwrap_or_default(),
            parameters,
        },
    })
}

/// One path, or a list of them.
fn paths(item: Item<'_>) -> Vec<PathBuf> {
    let texts = match item.value.kind {
        Kind::List(_) => portcullis_distribution::read::texts(item),
        _ => item.text().map(str::to_owned).into_iter().collect(),
    };
    texts.into_iter().map(PathBuf::from).collect()
}

/// The members of a map whose values are texts.
fn pairs(item: Option<Item<'_>>) -> BTreeMap<String, String> {
    let Some(item) = item else {
        return BTreeMap::new();
    };
    if !matches!(item.value.kind, Kind::Map(_)) {
        item.fault(Rule::WrongType, "expected a map of texts");
    }
    let members = item.value.members().iter();
    members
        .filter_map(|member| {
            let text = text_of(&item, &member.key, &member.value)?;
            Some((member.key.clone(), text))
        })
        .collect()
}

fn text_of(within: &Item<'_>, key: &str, value: &Value) -> Option<String> {
    let item = at(within, key, value);
    item.text().map(str::to_owned)
}

fn at<'v>(within: &Item<'v>, key: &str, value: &'v Value) -> Item<'v> {
    Item {
        context: within.context,
        path: format!("{}.{key}", within.path),
        value,
    }
}

/// A time as `2026-01-01T00:00:00Z`, or in seconds since the epoch.
fn moment(item: &Item<'_>) -> Option<u64> {
    let text = item.text()?;
    let found = text.parse().ok().or_else(|| rfc3339(text));
    if found.is_none() {
        let message = format!("`{text}` is no time: expected 2026-01-01T00:00:00Z");
        item.fault(Rule::InvalidArgument, message);
    }
    found
}

fn rfc3339(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = date.split('-').chain(time.split(':'));
    let mut next = || parts.next()?.parse::<u32>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let (hour, minute, second) = (next()?, next()?, next()?);
    let month_name = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let rest = format!("{day:02} {month_name} {year:04} {hour:02}:{minute:02}:{second:02} GMT");
    // A date of HTTP names its day, and one of the seven is right.
    let dates = DAYS.iter().map(|name| format!("{name}, {rest}"));
    let date = dates
        .filter_map(|date| HttpDate::parse(date.as_bytes()))
        .next();
    date.map(HttpDate::epoch_seconds)
}

/// A length of time, as `90s`, `5m`, `1h` or `2d`; in seconds.
fn duration(item: &Item<'_>) -> Option<u64> {
    let text = item.text()?;
    let unit = text.chars().last().and_then(|last| {
        let unit = UNITS.iter().find(|(unit, _)| *unit == last)?;
        Some((text.strip_suffix(last)?, unit.1))
    });
    let found = unit.and_then(|(number, unit)| number.parse::<u64>().ok()?.checked_mul(unit));
    if found.is_none() {
        let message = format!("`{text}` is no length of time: expected 90s, 5m, 1h or 2d");
        item.fault(Rule::InvalidArgument, message);
    }
    found
}

fn objects(map: &Map<'_>) -> Vec<(String, String, Object)> {
    let mut found = Vec::new();
    let Some(buckets) = map.get("objects") else {
        return found;
    };
    for bucket in buckets.value.members() {
        let item = at(&buckets, &bucket.key, &bucket.value);
        for member in bucket.value.members() {
            if let Some(object) = object(&at(&item, &member.key, &member.value)) {
                found.push((bucket.key.clone(), member.key.clone(), object));
            }
        }
    }
    found
}

fn object(item: &Item<'_>) -> Option<Object> {
    if let Kind::Text { text, .. } = &item.value.kind {
        return Some(Object {
            body: text.clone(),
            ..Object::default()
        });
    }
    let map = item.clone().object()?;
    let object = Object {
        body: map.text("body").unwrap_or_default().to_owned(),
        content_type: map.text("content-type").map(str::to_owned),
        cache_control: map.text("cache-control").map(str::to_owned),
    };
    map.end(&["in"]);
    Some(object)
}

fn origins(map: &Map<'_>) -> BTreeMap<String, Vec<Answering>> {
    let Some(origins) = map.get("origins") else {
        return BTreeMap::new();
    };
    let members = origins.value.members().iter();
    let answers = members.map(|member| {
        let item = at(&origins, &member.key, &member.value);
        let answers = item.items().iter().filter_map(answering).collect();
        (member.key.clone(), answers)
    });
    answers.collect()
}

fn answering(item: &Item<'_>) -> Option<Answering> {
    let map = item.clone().object()?;
    let path = map.required_text("path");
    let status = map.integer("status", 200..=599).unwrap_or(200);
    let answer = Answering {
        path: path.unwrap_or_default().to_owned(),
        when: lower(pairs(map.get("when"))).collect(),
        status: u16::try_from(status).unwrap_or(500),
        headers: lower(pairs(map.get("headers"))).collect(),
        body: map.text("body").unwrap_or_default().to_owned(),
    };
    map.end(&[]);
    path.map(|_| answer)
}

fn lower(pairs: BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    let pairs = pairs.into_iter();
    pairs.map(|(name, value)| (name.to_ascii_lowercase(), value))
}

fn steps(map: &Map<'_>) -> (bool, Vec<Step>) {
    let (sequence, alone) = (map.get("steps"), map.get("cases"));
    let is_alone = alone.is_some();
    let Some(list) = sequence.or(alone) else {
        map.fault(
            Rule::MissingMember,
            "`steps`, which follow each other, or `cases`, each of which stands alone, is missing",
        );
        return (false, Vec::new());
    };
    let items = list.plain_items();
    if items.len() > STEPS_MAX {
        list.fault(Rule::Limit, format!("more than {STEPS_MAX} steps"));
    }
    (is_alone, items.iter().filter_map(step).collect())
}

fn step(item: &Item<'_>) -> Option<Step> {
    let map = item.clone().object()?;
    let act = act(item, &map);
    map.end(&[]);
    Some(Step {
        at: item.value.at,
        act: act?,
    })
}

fn act(item: &Item<'_>, map: &Map<'_>) -> Option<Act> {
    let asked = METHODS
        .iter()
        .find_map(|name| Some((*name, map.get(name)?)));
    if let Some((method, target)) = asked {
        return ask(map, method, &target);
    }
    if let Some(time) = map.get("wait") {
        return duration(&time).map(Act::Wait);
    }
    if let Some(key) = map.get("store") {
        let (bucket, key) = (map.required_text("in")?, key.text()?);
        let object = Object {
            body: map.text("body").unwrap_or_default().to_owned(),
            content_type: map.text("content-type").map(str::to_owned),
            cache_control: map.text("cache-control").map(str::to_owned),
        };
        return Some(Act::Put(bucket.to_owned(), key.to_owned(), object));
    }
    if let Some(key) = map.get("remove") {
        let bucket = map.required_text("in")?;
        return Some(Act::Delete(bucket.to_owned(), key.text()?.to_owned()));
    }
    if let Some(paths) = map.get("invalidate") {
        return Some(Act::Invalidate(portcullis_distribution::read::texts(paths)));
    }
    if let Some(origin) = map.get("down") {
        return Some(Act::Down(origin.text()?.to_owned(), true));
    }
    if let Some(origin) = map.get("up") {
        return Some(Act::Down(origin.text()?.to_owned(), false));
    }
    let known = [&METHODS[..], &ACTS[..], &["up"]].concat().join("`, `");
    item.fault(
        Rule::MissingMember,
        format!("a step begins with one of `{known}`"),
    );
    None
}

fn ask(map: &Map<'_>, method: &str, target: &Item<'_>) -> Option<Act> {
    let path = target.text()?;
    if !path.starts_with('/') {
        let message = format!("`{path}` does not begin with `/`");
        target.fault(Rule::InvalidArgument, message);
        return None;
    }
    let plain = map.get("scheme").and_then(|scheme| {
        let schemes = [("http", true), ("https", false)];
        scheme.one_of(&schemes)
    });
    let asked = Asked {
        method: method.to_ascii_uppercase(),
        target: path.to_owned(),
        plain: plain.unwrap_or(false),
        host: map.text("host").map(str::to_owned),
        from: map
            .get("from")
            .map_or(Some(AskedFrom::default()), |item| from(&item))?,
        pop: map.text("pop").map(str::to_owned),
        headers: lower(pairs(map.get("headers"))).collect(),
        signed: signed(map),
    };
    let expected = map
        .get("expect")
        .map_or_else(|| Some(Expected::default()), |item| expected(&item))?;
    Some(Act::Ask(Box::new(asked), Box::new(expected)))
}

/// A key group whose key signs the URL for an hour, or for the time that is said.
fn signed(map: &Map<'_>) -> Option<(String, i64)> {
    let group = map.text("signed")?.to_owned();
    let expires = map.get("expires").map_or(Some(3_600), |item| {
        let ago = item.text()?.strip_prefix('-').is_some();
        let value = Value::text(item.value.at, item.text()?.trim_start_matches('-'));
        let seconds = duration(&at(&item, "", &value))?;
        let seconds = i64::try_from(seconds).ok()?;
        Some(if ago { -seconds } else { seconds })
    });
    Some((group, expires?))
}

/// A country, an address, or both in a map.
fn from(item: &Item<'_>) -> Option<AskedFrom> {
    if let Kind::Map(_) = item.value.kind {
        let map = item.clone().object()?;
        let from = AskedFrom {
            address: map
                .get("address")
                .and_then(|item| parsed(&item, "an address")),
            country: map
                .get("country")
                .and_then(|item| parsed(&item, "a country code")),
        };
        map.end(&[]);
        return Some(from);
    }
    let text = item.text()?;
    if let Ok(address) = text.parse() {
        return Some(AskedFrom {
            address: Some(address),
            country: None,
        });
    }
    let country = parsed(item, "an address or a country code")?;
    Some(AskedFrom {
        address: None,
        country: Some(country),
    })
}

fn parsed<T: std::str::FromStr>(item: &Item<'_>, what: &str) -> Option<T> {
    let text = item.text()?;
    let found = text.parse().ok();
    if found.is_none() {
        let message = format!("`{text}` is not {what}");
        item.fault(Rule::InvalidArgument, message);
    }
    found
}

fn expected(item: &Item<'_>) -> Option<Expected> {
    let map = item.clone().object()?;
    let text = |name: &str| map.text(name).map(str::to_owned);
    let number = |name: &str, max: u64| map.integer(name, 0..=max);
    let verdict = map.get("verdict").and_then(|item| item.one_of(&VERDICTS));
    let expected = Expected {
        status: number("status", 999).and_then(|status| u16::try_from(status).ok()),
        result: text("result"),
        body: text("body"),
        contains: text("contains"),
        headers: headers(map.get("headers")),
        origin_requests: number("origin-requests", 255).and_then(|n| u8::try_from(n).ok()),
        verdict: verdict.map(str::to_owned),
        reason: text("reason"),
        policy: text("policy"),
        statement: number("statement", 1_000).and_then(|n| usize::try_from(n).ok()),
    };
    map.end(&[]);
    Some(expected)
}

fn headers(item: Option<Item<'_>>) -> BTreeMap<String, Option<String>> {
    let Some(item) = item else {
        return BTreeMap::new();
    };
    let members = item.value.members().iter();
    members
        .filter_map(|member| {
            let name = member.key.to_ascii_lowercase();
            let absent = member.value.is_null();
            let value = if absent {
                None
            } else {
                Some(text_of(&item, &member.key, &member.value)?)
            };
            Some((name, value))
        })
        .collect()
}
