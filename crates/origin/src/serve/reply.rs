//! What an origin answered, before it is known whether the front can carry it.

use super::outcome::{OriginFault, Outcome};
use super::plain::plain;
use crate::object_path::{ObjectKey, ObjectPath};
use crate::response::Response;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use portcullis_release_manifest::ReleaseId;

/// Bytes to come; an error means that the rest will not.
pub(super) type PendingBody = UnsyncBoxBody<Bytes, OriginFault>;

/// An answer whose head is complete and whose content, if it has any, is not yet read.
pub(super) struct Reply {
    pub(super) outcome: Outcome,
    pub(super) head: Response,
    pub(super) content: Option<Content>,
    /// The object that answers.
    pub(super) key: Option<ObjectKey>,
    /// The path of that object, for a hand-off.
    pub(super) path: Option<ObjectPath<'static>>,
    /// The release that answers.
    pub(super) release: Option<ReleaseId>,
    /// Values that could not be sent.
    pub(super) dropped: u32,
}

/// The content of a representation.
pub(super) struct Content {
    /// Bytes, if the origin says how many.
    pub(super) length: Option<u64>,
    /// Whether a front that streams without a length may have it: a plain 200 without coding.
    pub(super) streamable: bool,
    /// The bytes; `None` for HEAD, which is decided like GET.
    pub(super) body: Option<PendingBody>,
}

impl Reply {
    /// An answer that is complete.
    pub(super) fn of(outcome: Outcome, head: Response) -> Self {
        Self {
            outcome,
            head,
            content: None,
            key: None,
            path: None,
            release: None,
            dropped: 0,
        }
    }

    /// The answer to a failed origin.
    pub(super) fn fault(fault: OriginFault) -> Self {
        Self::of(Outcome::OriginFailed(fault), fault_answer(fault))
    }

    /// There is no such object.
    pub(super) fn missing() -> Self {
        Self::of(Outcome::Missing, plain(404, "There is nothing here.\n"))
    }
}

/// What a viewer reads when an origin failed; which fault it was is for the log.
pub(super) fn fault_answer(fault: OriginFault) -> Response {
    let status = fault.status();
    plain(
        status,
        match status {
            504 => "The origin did not answer in time.\n",
            503 => "The origin is busy. Try again in a moment.\n",
            _ => "The origin failed.\n",
        },
    )
}
