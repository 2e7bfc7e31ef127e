//! Every table of a manifest, record by record.

use super::{ReleaseManifest, VersionedKey};
use crate::layout::{OBJECT, VERSIONED, flag};
use crate::release::Coding;

/// Whether the paths ascend, each is found, every text, object and number is in its place, and nothing is left over.
pub(super) fn tables<B: AsRef<[u8]>>(manifest: &ReleaseManifest<B>) -> Option<()> {
    let mut before: Option<&str> = None;
    let mut objects = 0;
    let known = Coding::ALL
        .into_iter()
        .fold(VERSIONED, |all, coding| all | flag(coding));
    for number in 0..manifest.len() {
        let file = manifest.file(number)?;
        let ascends = before.is_none_or(|before| before < file.path);
        let found = manifest.number_of(file.path).ok()? == Some(number);
        let class = file
            .class
            .is_none_or(|class| usize::from(class) < manifest.rules.classes.len());
        let record = manifest.record(number)?;
        let first = u32::from_le_bytes(*record.get(26..)?.first_chunk()?);
        let in_place = usize::try_from(first).ok()? == objects && record.get(30..)? == [0, 0];
        let is_whole = ascends && found && class && in_place && file.flags & !known == 0;
        if !is_whole {
            return None;
        }
        // A key that reads back is one that the store could have been given.
        VersionedKey::parse(file.object.key().as_str()).ok()?;
        for variant in file.variants() {
            VersionedKey::parse(variant.ok()?.1.key().as_str()).ok()?;
        }
        objects += 1 + file.codings().count();
        before = Some(file.path);
    }
    let documents = [&manifest.rules.fallback, &manifest.rules.not_found];
    let are_there = documents
        .into_iter()
        .flatten()
        .all(|path| manifest.contains(path) == Ok(true));
    (are_there && objects == manifest.layout.objects.len() / OBJECT).then_some(())
}
