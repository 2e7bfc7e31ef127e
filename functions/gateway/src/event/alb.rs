//! The event of a load balancer, where it differs from a function URL's.
//!
//! - Its path and parameters are undecoded, as a client sent them, but the query comes taken apart. It is put together in
//!   the order of the event; a parameter without a value cannot be told from one with an empty value and becomes the latter.
//! - The peer is the last entry of `X-Forwarded-For`: the balancer's own word, because it appends the address it speaks to.
//!   That holds for its default mode `append` only; in the modes `preserve` and `remove` the entry is the client's or absent.
//! - Nobody has verified who signed the request, so there is no principal.
//! - With single header values only the last value of a repeated header arrives.

use super::read::Envelope;
use super::text::Text;
use super::{AnswerForm, Decoded, Source, Unreadable, signed_cookie};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

pub(super) fn decoded(envelope: Envelope<'_>) -> Result<Decoded<'_>, Unreadable> {
    let elb = envelope.context.and_then(|context| context.elb);
    let target_group = elb.and_then(|elb| elb.target_group_arn);
    let form = match &envelope.multi_value_headers {
        Some(_) => AnswerForm::AlbMultiValue,
        None => AnswerForm::Alb,
    };
    let mut headers = envelope
        .multi_value_headers
        .or(envelope.headers)
        .unwrap_or_default();
    let peer = headers.forwarded_for.take().map(Text::last_entry);
    let cookies = signed_cookie(headers.cookie.take());
    let parameters = envelope.multi_value_parameters.or(envelope.parameters);
    Ok(Decoded {
        form,
        source: Source::TargetGroup(target_group.ok_or(Unreadable::Malformed)?),
        principal: None,
        peer,
        method: envelope.method.ok_or(Unreadable::Malformed)?,
        path: envelope.path.ok_or(Unreadable::Malformed)?,
        query: parameters.map_or(Ok(Text::default()), query)?,
        headers,
        cookies,
    })
}

/// The query of which `parameters` are the parts.
fn query<'a>(parameters: &RawValue) -> Result<Text<'a>, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_str(parameters.get());
    let query = deserializer.deserialize_map(ParametersVisitor);
    query.map(Text::owned).map_err(|_| Unreadable::Malformed)
}

struct ParametersVisitor;

impl<'de> Visitor<'de> for ParametersVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<String, A::Error> {
        let mut query = String::new();
        while let Some(name) = object.next_key::<Text<'de>>()? {
            let name = name.as_str();
            object.next_value_seed(Parameter {
                query: &mut query,
                name,
            })?;
        }
        Ok(query)
    }
}

/// Reads the value of a parameter, or all of them, and adds each to the query under its name.
struct Parameter<'q> {
    query: &'q mut String,
    name: &'q str,
}

impl Parameter<'_> {
    fn add(&mut self, value: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.extend([self.name, "=", value]);
    }
}

impl<'de> DeserializeSeed<'de> for Parameter<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Parameter<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        self.add(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<Text<'de>>()? {
            self.add(value.as_str());
        }
        Ok(())
    }
}
