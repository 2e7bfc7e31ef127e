//! The headers that are read, out of an object of headers.
//!
//! Names are compared in lower case, whatever the front did to them. A name that comes twice, in another case or as a list,
//! has its values joined with a comma, as a function URL joins them, so that two secrets are two values and never one.

use super::text::{Text, Values, lent};
use portcullis_origin::request::Headers;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// The longest name that is compared, in bytes; those that are read have 30 at most.
const NAME_BYTES_MAX: usize = 48;

fn has_known_length(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX && KNOWN_LENGTHS & (1 << name.len()) != 0
}

macro_rules! known_headers {
    ($($variant:ident $field:ident $name:literal;)+) => {
        /// A header that is read.
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Known {
            Secret,
            $($variant,)+
        }

        /// The values of the headers that are read.
        #[derive(Debug, Default)]
        pub(super) struct HeaderValues<'a> {
            secret: Option<Text<'a>>,
            $(pub(super) $field: Option<Text<'a>>,)+
        }

        impl Known {
            fn of_lower_case(name: &[u8]) -> Option<Self> {
                $(const { assert!($name.len() <= NAME_BYTES_MAX) };)+
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        /// Bit n is set if a name has n bytes.
        const KNOWN_LENGTHS: u64 = $((1 << $name.len()))|+;

        impl<'a> HeaderValues<'a> {
            fn slot(&mut self, known: Known) -> &mut Option<Text<'a>> {
                match known {
                    Known::Secret => &mut self.secret,
                    $(Known::$variant => &mut self.$field,)+
                }
            }
        }
    };
}

known_headers! {
    ViewerAddress viewer_address b"cloudfront-viewer-address";
    ViewerCountry viewer_country b"cloudfront-viewer-country";
    Range range b"range";
    IfRange if_range b"if-range";
    IfMatch if_match b"if-match";
    IfNoneMatch if_none_match b"if-none-match";
    IfModifiedSince if_modified_since b"if-modified-since";
    IfUnmodifiedSince if_unmodified_since b"if-unmodified-since";
    AcceptEncoding accept_encoding b"accept-encoding";
    Origin origin b"origin";
    RequestMethod request_method b"access-control-request-method";
    RequestHeaders request_headers b"access-control-request-headers";
    Accept accept b"accept";
    FetchDest fetch_dest b"sec-fetch-dest";
    FetchMode fetch_mode b"sec-fetch-mode";
    Host host b"x-portcullis-host";
    Preview preview b"x-portcullis-preview";
    Sticky sticky b"x-portcullis-sticky";
    CdnLoop cdn_loop b"cdn-loop";
    Via via b"via";
    CloudFrontId cloudfront_id b"x-amz-cf-id";
    Cookie cookie b"cookie";
    ForwardedFor forwarded_for b"x-forwarded-for";
}

impl Known {
    fn of(name: &str, secret_name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case(secret_name) {
            return Some(Self::Secret);
        }
        // Most names are of headers that are not read, and most of those are seen by their length.
        if !has_known_length(name) {
            return None;
        }
        let name = name.as_bytes();
        Self::of_lower_case(name).or_else(|| {
            let mut lower = [0; NAME_BYTES_MAX];
            let lower = lower.get_mut(..name.len())?;
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            Self::of_lower_case(lower)
        })
    }

    fn values(self) -> Values {
        Values {
            separator: if self == Self::Cookie { "; " } else { "," },
        }
    }
}

impl HeaderValues<'_> {
    /// What of it a request has.
    pub(super) fn lend(&self) -> Headers<'_> {
        Headers {
            secret: lent(&self.secret),
            viewer_address: lent(&self.viewer_address),
            viewer_country: lent(&self.viewer_country),
            range: lent(&self.range),
            if_range: lent(&self.if_range),
            if_match: lent(&self.if_match),
            if_none_match: lent(&self.if_none_match),
            if_modified_since: lent(&self.if_modified_since),
            if_unmodified_since: lent(&self.if_unmodified_since),
            accept_encoding: lent(&self.accept_encoding),
            origin: lent(&self.origin),
            request_method: lent(&self.request_method),
            request_headers: lent(&self.request_headers),
            accept: lent(&self.accept),
            fetch_dest: lent(&self.fetch_dest),
            fetch_mode: lent(&self.fetch_mode),
            host: lent(&self.host),
            preview: lent(&self.preview),
            sticky: lent(&self.sticky),
            cdn_loop: lent(&self.cdn_loop),
            via: lent(&self.via),
            cloudfront_id: lent(&self.cloudfront_id),
        }
    }
}

/// Reads an object of headers, or `null` for none, to where it belongs.
pub(super) struct HeadersSeed<'s, 'v, 'a> {
    /// The name of the secret header in lower case.
    pub(super) secret_name: &'s str,
    /// Where the values go. They are many, so they are not handed around.
    pub(super) values: &'v mut Option<HeaderValues<'a>>,
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for HeadersSeed<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.values.is_some() {
            return Err(D::Error::custom("a field comes twice"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for HeadersSeed<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of headers or null")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let secret_name = self.secret_name;
        let headers = self.values.insert(HeaderValues::default());
        while let Some(known) = object.next_key_seed(NameSeed { secret_name })? {
            let Some(known) = known else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            let values = known.values();
            let Some(value) = object.next_value_seed(values)? else {
                continue;
            };
            match headers.slot(known) {
                Some(earlier) => earlier.append(values.separator, value.as_str()),
                none => *none = Some(value),
            }
        }
        Ok(())
    }
}

/// Reads a name, and says whether the header is read.
struct NameSeed<'s> {
    secret_name: &'s str,
}

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Option<Known>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Option<Known>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a header")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Known::of(name, self.secret_name))
    }
}
