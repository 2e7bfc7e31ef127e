//! Answers as CloudFront's API gives them.

use portcullis_distribution::value::{Kind, Member, Value};
use portcullis_distribution::{Place, xml};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `ETag`
    pub etag: Option<String>,
    /// `Location`
    pub location: Option<String>,
    /// The body, XML.
    pub body: String,
}

/// An error with CloudFront's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The status.
    pub status: u16,
    /// The code, by which programs tell errors apart.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl ApiError {
    /// `InvalidArgument`
    #[must_use]
    pub fn argument(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: "InvalidArgument",
            message: message.into(),
        }
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self, request_id: &str) -> Answer {
        let error = map([
            (
                "Type",
                text(if self.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                }),
            ),
            ("Code", text(self.code)),
            ("Message", text(&self.message)),
        ]);
        let whole = map([("Error", error), ("RequestId", text(request_id))]);
        Answer {
            status: self.status,
            etag: None,
            location: None,
            body: xml::document("ErrorResponse", &whole),
        }
    }
}

pub(crate) fn text(text: impl Into<String>) -> Value {
    Value::text(Place::START, text)
}

pub(crate) fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().map(|(key, value)| Member {
        key: key.to_owned(),
        at: Place::START,
        value,
    });
    Value {
        at: Place::START,
        kind: Kind::Map(members.collect()),
    }
}

pub(crate) fn list(items: Vec<Value>) -> Value {
    Value {
        at: Place::START,
        kind: Kind::List(items),
    }
}
