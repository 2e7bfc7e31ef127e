//! One release: opened once, by one request while others wait.

use super::held::Held;
use super::{RETRY_AFTER, Reader};
use crate::field::FieldValue;
use crate::serve::OriginFault;
use bytes::Bytes;
use portcullis_release_manifest::ReleaseManifest;
use portcullis_release_manifest::serving::Stored;
use std::sync::{Arc, OnceLock};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A release that can be asked.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) stored: Stored,
    pub(crate) manifest: ReleaseManifest<Held>,
    /// The document that is sent with a 404, so that a path that is unknown costs no call.
    pub(crate) not_found: Option<Document>,
}

/// A small document in memory.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: FieldValue,
}

/// A place for a release.
#[derive(Debug, Default)]
pub(super) struct Slot {
    opened: OnceLock<Arc<Opened>>,
    /// Held by whoever reads; the last failure.
    turn: Mutex<Option<(Instant, OriginFault)>>,
}

impl Slot {
    pub(super) async fn open(
        &self,
        stored: Stored,
        reader: &impl Reader,
    ) -> Result<Arc<Opened>, OriginFault> {
        if let Some(opened) = self.opened.get() {
            return Ok(Arc::clone(opened));
        }
        let mut turn = self.turn.lock().await;
        if let Some(opened) = self.opened.get() {
            return Ok(Arc::clone(opened));
        }
        if let Some((until, fault)) = *turn
            && Instant::now() < until
        {
            return Err(fault);
        }
        match reader.open(stored).await {
            Ok(opened) => Ok(Arc::clone(self.opened.get_or_init(|| Arc::new(opened)))),
            Err(fault) => {
                *turn = Some((Instant::now() + RETRY_AFTER, fault));
                Err(fault)
            }
        }
    }
}
