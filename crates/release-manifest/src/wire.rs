//! The rules of a release in bytes: numbers in little-endian, lists and texts behind their length.
//!
//! Always holds: what is read was made by the constructors that made what was written, so a rule that is no rule is refused.

use crate::headers::{Change, HEADERS_MAX, HeaderRule, RULES_MAX};
use crate::redirects::{DYNAMIC_MAX, Redirect, STATIC_MAX, within_limits};
use crate::release::{CLASSES_MAX, Rules};

/// Writes `rules`; `None` if a text or a list is longer than its length can say or than a reader takes.
pub(crate) fn write(rules: &Rules) -> Option<Vec<u8>> {
    within_limits(&rules.redirects).ok()?;
    let mut out = Vec::new();
    put(&mut out, &rules.entry)?;
    out.push(u8::from(rules.clean_urls));
    for document in [&rules.fallback, &rules.not_found] {
        out.push(u8::from(document.is_some()));
        put(&mut out, document.as_deref().unwrap_or_default())?;
    }
    count(&mut out, rules.classes.len(), CLASSES_MAX)?;
    for class in &rules.classes {
        put(&mut out, class)?;
    }
    count(&mut out, rules.redirects.len(), STATIC_MAX + DYNAMIC_MAX)?;
    for redirect in &rules.redirects {
        put(&mut out, redirect.from().as_str())?;
        put(&mut out, redirect.to())?;
        out.extend_from_slice(&redirect.status().to_le_bytes());
        out.push(u8::from(redirect.is_forced()));
    }
    count(&mut out, rules.headers.len(), RULES_MAX)?;
    for rule in &rules.headers {
        put(&mut out, rule.path().as_str())?;
        count(&mut out, rule.changes().len(), HEADERS_MAX)?;
        for change in rule.changes() {
            let (name, value) = match change {
                Change::Add(name, value) => (name, &**value),
                Change::Remove(name) => (name, ""),
            };
            put(&mut out, name)?;
            put(&mut out, value)?;
        }
    }
    Some(out)
}

fn put(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.extend_from_slice(&u16::try_from(text.len()).ok()?.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    Some(())
}

fn count(out: &mut Vec<u8>, length: usize, most: usize) -> Option<()> {
    let length = u16::try_from(length).ok().filter(|_| length <= most)?;
    out.extend_from_slice(&length.to_le_bytes());
    Some(())
}

/// Reads rules from all of `bytes`.
pub(crate) fn read(bytes: &[u8]) -> Option<Rules> {
    let mut from = Reader(bytes);
    let rules = Rules {
        entry: from.text()?.to_owned(),
        clean_urls: from.flag()?,
        fallback: from.document()?,
        not_found: from.document()?,
        classes: from.list(CLASSES_MAX, |from| from.text().map(str::to_owned))?,
        redirects: from.list(STATIC_MAX + DYNAMIC_MAX, Reader::redirect)?,
        headers: from.list(RULES_MAX, Reader::header_rule)?,
    };
    within_limits(&rules.redirects).ok()?;
    from.0.is_empty().then_some(rules)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn flag(&mut self) -> Option<bool> {
        match self.take(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length.into())?).ok()
    }

    fn document(&mut self) -> Option<Option<String>> {
        let is_there = self.flag()?;
        let text = self.text()?;
        (is_there || text.is_empty()).then(|| is_there.then(|| text.to_owned()))
    }

    fn list<T>(
        &mut self,
        most: usize,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let length = usize::from(self.number()?);
        if length > most {
            return None;
        }
        (0..length).map(|_| item(self)).collect()
    }

    fn redirect(&mut self) -> Option<Redirect> {
        let (from, to) = (self.text()?, self.text()?);
        Redirect::new(from, to, self.number()?, self.flag()?).ok()
    }

    fn header_rule(&mut self) -> Option<HeaderRule> {
        let path = self.text()?;
        let changes = self.list(HEADERS_MAX, |from| {
            let (name, value) = (from.text()?, from.text()?);
            match value {
                "" => Change::remove(name).ok(),
                value => Change::add(name, value).ok(),
            }
        })?;
        HeaderRule::new(path, changes).ok()
    }
}
