//! What a CloudFront Function is shown (DG:functions-event-structure).
//!
//! Always holds: parameters, fields and cookies stand in the order of the request, each name once; cookies are not among the
//! fields, and fields that no function sees are not there.

use crate::Place;
use crate::rules::{is_hidden, reason, text};
use portcullis_edge::compute::{ComputeCall, FunctionResponse};
use portcullis_edge::headers::Headers;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// One value of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The value.
    pub value: String,
    /// A cookie's attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
}

/// What stands under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The first value.
    #[serde(default)]
    pub value: Option<String>,
    /// A cookie's attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
    /// All values, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_value: Option<Vec<Part>>,
}

impl Item {
    /// The values in force, given what was shown. A changed list wins; else a changed first value replaces the first.
    #[must_use]
    pub fn parts(self, shown: Option<&Self>) -> Vec<Part> {
        let first = self.value.map(|value| Part {
            value,
            attributes: self.attributes,
        });
        let unchanged = shown.is_some_and(|shown| shown.multi_value == self.multi_value);
        match (self.multi_value, first) {
            (Some(mut all), Some(first)) if unchanged => {
                if let Some(one) = all.first_mut() {
                    *one = first;
                }
                all
            }
            (Some(all), _) => all,
            (None, first) => first.into_iter().collect(),
        }
    }
}

/// Members of an object in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members<T>(pub Vec<(String, T)>);

/// The items of an object.
pub type Items = Members<Item>;

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Members<T> {
    /// What stands under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, item)| item)
    }
}

impl Items {
    /// Adds a value under a name: a second one makes both a list.
    fn add(&mut self, name: &str, part: Part) {
        let known = self.0.iter_mut().find(|(own, _)| own == name);
        let Some((_, item)) = known else {
            let item = Item {
                value: Some(part.value),
                attributes: part.attributes,
                multi_value: None,
            };
            self.0.push((name.to_owned(), item));
            return;
        };
        let first = Part {
            value: item.value.clone().unwrap_or_default(),
            attributes: item.attributes.clone(),
        };
        item.multi_value
            .get_or_insert_with(|| vec![first])
            .push(part);
    }

    fn add_plain(&mut self, name: &str, value: &str) {
        let part = Part {
            value: value.to_owned(),
            attributes: None,
        };
        self.add(name, part);
    }
}

impl<T: Serialize> Serialize for Members<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, item) in &self.0 {
            map.serialize_entry(name, item)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

struct InOrder<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
    type Value = Members<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = map.next_entry()? {
            members.push(entry);
        }
        Ok(Members(members))
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    version: &'static str,
    context: Context<'a>,
    viewer: Viewer,
    request: Request<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    distribution_domain_name: &'a str,
    distribution_id: &'a str,
    event_type: &'static str,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Viewer {
    ip: String,
}

#[derive(Serialize)]
struct Request<'a> {
    method: &'a str,
    uri: &'a str,
    querystring: Items,
    headers: Items,
    cookies: Items,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status_code: u16,
    status_description: &'static str,
    headers: Items,
    cookies: Items,
}

/// The event of a call, as JSON.
///
/// # Errors
/// None that is known: all of it can be written as JSON. The error is serde's.
pub fn of(call: &ComputeCall, place: Place<'_>) -> Result<String, serde_json::Error> {
    let request = &call.request;
    let shown = Shown {
        version: "1.0",
        context: Context {
            distribution_domain_name: place.domain,
            distribution_id: place.id,
            event_type: call.event.name(),
            request_id: call.id.as_str(),
        },
        viewer: Viewer {
            ip: call.viewer.to_string(),
        },
        request: Request {
            method: &request.method,
            uri: &request.uri,
            querystring: query(&request.query),
            headers: headers(&request.headers),
            cookies: cookies(&request.headers),
        },
        response: call.response.as_ref().map(response),
    };
    serde_json::to_string(&shown)
}

fn response(response: &FunctionResponse) -> Response {
    Response {
        status_code: response.status,
        status_description: reason(response.status),
        headers: headers(&response.headers),
        cookies: set_cookies(&response.headers),
    }
}

/// Query parameters, escapes as they came.
#[must_use]
pub fn query(query: &str) -> Items {
    let mut items = Items::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        items.add_plain(name, value);
    }
    items
}

/// Fields by lower-case name, without cookies and what no function sees.
#[must_use]
pub fn headers(headers: &Headers) -> Items {
    let mut items = Items::default();
    for (name, value) in headers.iter() {
        let name = name.to_ascii_lowercase();
        if !is_cookie(&name) && !is_hidden(&name) {
            items.add_plain(&name, &text(value));
        }
    }
    items
}

pub(crate) fn is_cookie(lower: &str) -> bool {
    matches!(lower, "cookie" | "set-cookie")
}

/// The cookies of a request.
#[must_use]
pub fn cookies(headers: &Headers) -> Items {
    let mut items = Items::default();
    let all = headers.joined("cookie", "; ").unwrap_or_default();
    for pair in text(&all).split(';').map(str::trim) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !pair.is_empty() {
            items.add_plain(name, value);
        }
    }
    items
}

/// The cookies that a response sets, with their attributes.
#[must_use]
pub fn set_cookies(headers: &Headers) -> Items {
    let mut items = Items::default();
    let fields = headers.iter();
    for (_, value) in fields.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")) {
        let set = text(value);
        let (pair, attributes) = set.split_once(';').unwrap_or((&set, ""));
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let attributes = attributes.trim();
        let part = Part {
            value: value.trim().to_owned(),
            attributes: (!attributes.is_empty()).then(|| attributes.to_owned()),
        };
        items.add(name.trim(), part);
    }
    items
}
