//! The fields of an event that are read, whichever front it is from.

use super::headers::{HeaderValues, HeadersSeed};
use super::may_sign;
use super::text::Text;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The fields at the top of an event.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub(super) version: Option<Text<'a>>,
    pub(super) raw_path: Option<Text<'a>>,
    pub(super) raw_query: Option<Text<'a>>,
    /// Those that may sign a request.
    pub(super) cookies: Option<Vec<Text<'a>>>,
    pub(super) context: Option<Context<'a>>,
    pub(super) method: Option<Text<'a>>,
    pub(super) path: Option<Text<'a>>,
    pub(super) headers: Option<HeaderValues<'a>>,
    pub(super) multi_value_headers: Option<HeaderValues<'a>>,
    /// Unread, because a function URL's event has its query in one piece.
    pub(super) parameters: Option<&'a RawValue>,
    pub(super) multi_value_parameters: Option<&'a RawValue>,
}

/// `requestContext`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Context<'a> {
    #[serde(borrow)]
    pub(super) domain_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) authorizer: Option<Authorizer<'a>>,
    #[serde(borrow)]
    pub(super) http: Option<Http<'a>>,
    #[serde(borrow)]
    pub(super) elb: Option<Elb<'a>>,
}

/// `requestContext.authorizer`: only what IAM says.
#[derive(Deserialize)]
pub(super) struct Authorizer<'a> {
    #[serde(borrow)]
    pub(super) iam: Option<Iam<'a>>,
}

/// `requestContext.authorizer.iam`: who signed the request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Iam<'a> {
    #[serde(borrow)]
    pub(super) user_arn: Option<Text<'a>>,
}

/// `requestContext.http`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Http<'a> {
    #[serde(borrow)]
    pub(super) method: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source_ip: Option<Text<'a>>,
}

/// `requestContext.elb`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Elb<'a> {
    #[serde(borrow)]
    pub(super) target_group_arn: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Version,
    RawPath,
    RawQueryString,
    Cookies,
    RequestContext,
    HttpMethod,
    Path,
    Headers,
    MultiValueHeaders,
    QueryStringParameters,
    MultiValueQueryStringParameters,
    #[serde(other)]
    Other,
}

impl<'a> Envelope<'a> {
    /// Reads the whole text.
    pub(super) fn read(text: &'a str, secret_name: &str) -> Result<Self, serde_json::Error> {
        let mut envelope = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer.deserialize_map(EnvelopeVisitor {
            secret_name,
            envelope: &mut envelope,
        })?;
        deserializer.end()?;
        Ok(envelope)
    }
}

struct EnvelopeVisitor<'s, 'e, 'a> {
    secret_name: &'s str,
    envelope: &'e mut Envelope<'a>,
}

impl<'de: 'a, 'a> Visitor<'de> for EnvelopeVisitor<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self {
            secret_name,
            envelope,
        } = self;
        while let Some(field) = object.next_key::<Field>()? {
            match field {
                Field::Version => once(&mut envelope.version, object.next_value()?)?,
                Field::RawPath => once(&mut envelope.raw_path, object.next_value()?)?,
                Field::RawQueryString => once(&mut envelope.raw_query, object.next_value()?)?,
                Field::Cookies => {
                    once(&mut envelope.cookies, object.next_value_seed(CookiesSeed)?)?;
                }
                Field::RequestContext => once(&mut envelope.context, object.next_value()?)?,
                Field::HttpMethod => once(&mut envelope.method, object.next_value()?)?,
                Field::Path => once(&mut envelope.path, object.next_value()?)?,
                Field::Headers => {
                    let values = &mut envelope.headers;
                    object.next_value_seed(HeadersSeed {
                        secret_name,
                        values,
                    })?;
                }
                Field::MultiValueHeaders => {
                    let values = &mut envelope.multi_value_headers;
                    object.next_value_seed(HeadersSeed {
                        secret_name,
                        values,
                    })?;
                }
                Field::QueryStringParameters => {
                    once(&mut envelope.parameters, object.next_value()?)?;
                }
                Field::MultiValueQueryStringParameters => {
                    once(&mut envelope.multi_value_parameters, object.next_value()?)?;
                }
                Field::Other => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Sets a field that may come once; `null` is as if it had not come.
fn once<T, E: Error>(field: &mut Option<T>, value: Option<T>) -> Result<(), E> {
    if field.is_some() {
        return Err(E::custom("a field comes twice"));
    }
    *field = value;
    Ok(())
}

/// Reads the list of cookies and keeps those that may sign a request.
struct CookiesSeed;

impl<'de> DeserializeSeed<'de> for CookiesSeed {
    type Value = Option<Vec<Text<'de>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CookiesSeed {
    type Value = Option<Vec<Text<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of cookies or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut cookies = Vec::new();
        while let Some(cookie) = list.next_element::<Text<'de>>()? {
            if may_sign(cookie.as_str()) {
                cookies.push(cookie);
            }
        }
        Ok(Some(cookies))
    }
}
