//! A reader for the JSON a policy is written in: objects, strings and unsigned integers, nothing else.
//!
//! It is not a general parser: it walks a text of a known shape, so a duplicate member, an array in place of an object
//! or anything after the end is refused by construction. Recursion goes as deep as the shape of a policy.

use crate::policy::epoch;
use crate::refusal::PolicyFault;
use std::borrow::Cow;

/// A position in a policy text.
pub(crate) struct Json<'a> {
    rest: &'a str,
}

impl<'a> Json<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The text ends here, white space apart.
    pub(crate) fn end(&mut self) -> Result<(), PolicyFault> {
        self.skip_white();
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(PolicyFault::Syntax)
        }
    }

    /// Takes `symbol` if it comes next.
    pub(crate) fn take(&mut self, symbol: char) -> bool {
        self.skip_white();
        let after = self.rest.strip_prefix(symbol);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    pub(crate) fn expect(&mut self, symbol: char) -> Result<(), PolicyFault> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(PolicyFault::Syntax)
        }
    }

    /// An object; `member` reads the value of each member, or refuses its name.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), PolicyFault>,
    ) -> Result<(), PolicyFault> {
        self.expect('{')?;
        if self.take('}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(':')?;
            member(self, &name)?;
            if !self.take(',') {
                return self.expect('}');
            }
        }
    }

    /// An object with the one member `name`.
    pub(crate) fn object_of<T>(
        &mut self,
        name: &str,
        mut value: impl FnMut(&mut Self) -> Result<T, PolicyFault>,
    ) -> Result<T, PolicyFault> {
        let mut slot = None;
        self.object(|json, found| {
            if found != name {
                return Err(PolicyFault::UnknownMember);
            }
            fill(&mut slot, value(json)?)
        })?;
        slot.ok_or(PolicyFault::Syntax)
    }

    /// A string with its escapes resolved.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, PolicyFault> {
        self.expect('"')?;
        let mut escaped = false;
        let end = self.rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends || byte < 0x20
        });
        let (raw, rest) = end
            .and_then(|end| self.rest.split_at_checked(end))
            .ok_or(PolicyFault::Syntax)?;
        self.rest = rest.strip_prefix('"').ok_or(PolicyFault::Syntax)?;
        if raw.contains('\\') {
            let resolved =
                serde_json::from_str(&format!("\"{raw}\"")).map_err(|_| PolicyFault::Syntax)?;
            return Ok(Cow::Owned(resolved));
        }
        Ok(Cow::Borrowed(raw))
    }

    /// A time in epoch seconds. Whatever stands in the place of one is the same fault: a quoted number, a fraction, an
    /// exponent, a sign, milliseconds.
    pub(crate) fn epoch(&mut self) -> Result<u64, PolicyFault> {
        self.skip_white();
        let end = self
            .rest
            .bytes()
            .position(|byte| matches!(byte, b',' | b'}') || is_white(byte))
            .ok_or(PolicyFault::Syntax)?;
        let (number, rest) = self.rest.split_at_checked(end).ok_or(PolicyFault::Syntax)?;
        self.rest = rest;
        epoch(number).ok_or(PolicyFault::Epoch)
    }

    fn skip_white(&mut self) {
        while let Some((_, rest)) = self
            .rest
            .split_at_checked(1)
            .filter(|(first, _)| first.bytes().all(is_white))
        {
            self.rest = rest;
        }
    }
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Puts a member's value in its place, once.
pub(crate) fn fill<T>(slot: &mut Option<T>, value: T) -> Result<(), PolicyFault> {
    if slot.is_some() {
        return Err(PolicyFault::DuplicateMember);
    }
    *slot = Some(value);
    Ok(())
}
