//! A view of a release's bytes: nothing is parsed but the header and the rules, everything else where it is asked for.
//!
//! Always holds: opening costs the same whatever the number of files; no bytes make a look-up panic, read outside of them
//! or look at more slots than the form allows. [`ReleaseManifest::verify`] proves all of it, once, when the bytes arrive.

mod check;

use crate::headers;
use crate::key::{Digest, ReleaseId, VersionedKey};
use crate::layout::{
    COVERED, EXTENSION, FILE, HEADER, MAGIC, NO_CLASS, OBJECT, PROBES_MAX, RULES_BYTES_MAX, SLOT,
    SLOTS_LOG2_MAX, VERSION, VERSIONED, fingerprint, first_slot, flag, hash,
};
use crate::redirects::Redirect;
use crate::release::{Coding, FILES_MAX, File, Object, Release, Rules};
use crate::wire;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::ops::Range;

/// The bytes of a release, opened.
#[derive(Debug)]
pub struct ReleaseManifest<B> {
    bytes: B,
    layout: Sections,
    rules: Rules,
    /// For each path the first redirect that is for it alone.
    exact: HashMap<Box<str>, usize>,
    /// The redirects with placeholders.
    dynamic: Vec<usize>,
}

/// Where the sections are.
#[derive(Debug, Clone)]
struct Sections {
    files: Range<usize>,
    objects: Range<usize>,
    slots: Range<usize>,
    texts: Range<usize>,
    log2: u16,
    probes: u16,
}

/// Why bytes are no release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// They begin otherwise.
    #[error("this is no release manifest")]
    NotAManifest,
    /// They are of another version.
    #[error("this release manifest has version {0}, which this program does not read")]
    Version(u32),
    /// They are longer or shorter than they say, or say what cannot be.
    #[error("the release manifest is cut off or damaged")]
    Length,
    /// The header or the rules are not what was written.
    #[error("the release manifest is damaged: its checksum is another")]
    Checksum,
    /// The rules cannot be read.
    #[error("the rules of the release manifest are damaged")]
    Rules,
    /// They are those of another release.
    #[error("the release manifest is not the one of this id")]
    OtherRelease,
    /// A table is damaged.
    #[error("the release manifest is damaged in its tables")]
    Tables,
}

/// A record is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of the release manifest is damaged")]
pub struct Damaged;

/// A file of a release.
#[derive(Debug, Clone, Copy)]
pub struct FileRef<'a> {
    /// Its public path, without the first slash.
    pub path: &'a str,
    /// `Content-Type`.
    pub content_type: &'a str,
    /// `Cache-Control` as it is stored with the object.
    pub cache_control: &'a str,
    /// The number of its class, if it has one.
    pub class: Option<u8>,
    /// Whether its name changes with its content.
    pub versioned: bool,
    /// The object that holds its bytes.
    pub object: ObjectRef<'a>,
    tags: &'a str,
    flags: u8,
    variants: &'a [u8],
}

/// A stored object of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectRef<'a> {
    /// What it is named by: the digest of its bytes and of all that is stored with them.
    pub identity: &'a [u8; 32],
    /// The SHA-256 of its bytes.
    pub sha256: &'a [u8; 32],
    /// Its size in bytes.
    pub size: u64,
    /// The era of its key.
    pub era: u64,
    /// The extension of its key.
    pub extension: &'a str,
}

impl<B: AsRef<[u8]>> ReleaseManifest<B> {
    /// Opens the bytes of a release. Checks the header, the lengths and the rules; the tables are checked where they are
    /// read, and all together by [`ReleaseManifest::verify`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(bytes: B) -> Result<Self, OpenError> {
        let all = bytes.as_ref();
        let (layout, rules) = sections(all)?;
        let rules_bytes = all.get(rules).ok_or(OpenError::Length)?;
        let covered = all.get(..COVERED).ok_or(OpenError::Length)?;
        let stated = all.get(COVERED..HEADER).ok_or(OpenError::Length)?;
        let checksum = Sha256::new()
            .chain_update(covered)
            .chain_update(rules_bytes)
            .finalize();
        if checksum[..] != *stated {
            return Err(OpenError::Checksum);
        }
        let rules = wire::read(rules_bytes).ok_or(OpenError::Rules)?;
        let (exact, dynamic) = index(&rules.redirects);
        Ok(Self {
            bytes,
            layout,
            rules,
            exact,
            dynamic,
        })
    }

    /// Opens the bytes of the release `id` and checks all of them: every bit, and that every file can be found.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn verified(bytes: B, id: &ReleaseId) -> Result<Self, OpenError> {
        if Digest::of(bytes.as_ref()) != *id {
            return Err(OpenError::OtherRelease);
        }
        let manifest = Self::open(bytes)?;
        manifest.verify()?;
        Ok(manifest)
    }

    /// Checks every table. It takes time for each file.
    ///
    /// # Errors
    /// [`OpenError::Tables`].
    pub fn verify(&self) -> Result<(), OpenError> {
        check::tables(self).ok_or(OpenError::Tables)
    }

    /// The number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.files.len() / FILE
    }

    /// Whether there are no files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout.files.is_empty()
    }

    /// How the site answers around its files.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The file at `path`, which has no first slash.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn find(&self, path: &str) -> Result<Option<FileRef<'_>>, Damaged> {
        match self.number_of(path)? {
            Some(number) => self.file(number).map(Some).ok_or(Damaged),
            None => Ok(None),
        }
    }

    /// Whether there is a file at `path`.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn contains(&self, path: &str) -> Result<bool, Damaged> {
        self.number_of(path).map(|number| number.is_some())
    }

    fn number_of(&self, path: &str) -> Result<Option<usize>, Damaged> {
        let hash = hash(path.as_bytes());
        let print = fingerprint(hash);
        let slots = self.section(&self.layout.slots);
        let mask = (1 << self.layout.log2) - 1;
        let first = first_slot(hash, self.layout.log2);
        for probe in 0..=usize::from(self.layout.probes) {
            let at = ((first + probe) & mask) * SLOT;
            let slot = slots
                .get(at..at + SLOT)
                .and_then(<[u8]>::first_chunk::<SLOT>);
            let [a, b, c, d, rest @ ..] = slot.ok_or(Damaged)?;
            let Some(number) = u32::from_le_bytes([*a, *b, *c, *d]).checked_sub(1) else {
                return Ok(None);
            };
            if u32::from_le_bytes(*rest) != print {
                continue;
            }
            let number = usize::try_from(number).map_err(|_| Damaged)?;
            if self.path_bytes(number).ok_or(Damaged)? == path.as_bytes() {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// The files in the order of their paths' bytes.
    pub fn files(&self) -> impl ExactSizeIterator<Item = Result<FileRef<'_>, Damaged>> {
        (0..self.len()).map(|number| self.file(number).ok_or(Damaged))
    }

    /// The keys of all objects, variants too, in the order of the files; a key may occur more than once.
    pub fn keys(&self) -> impl Iterator<Item = Result<VersionedKey, Damaged>> {
        self.section(&self.layout.objects)
            .chunks(OBJECT)
            .map(|record| object(record).map(|object| object.key()).ok_or(Damaged))
    }

    /// The first redirect for `path`, which is decoded and begins with `/`, and where it leads. `exists`: there is a file
    /// that would answer, so only a forced rule holds.
    #[must_use]
    pub fn redirect(&self, path: &str, exists: bool) -> Option<(&Redirect, String)> {
        let holds = |number: usize| {
            let rule = self.rules.redirects.get(number)?;
            let target = (rule.is_forced() || !exists).then(|| rule.target(path))??;
            Some((number, rule, target))
        };
        // A second rule for one path can only be reached where the first is not forced.
        let exact = self.exact.get(path).copied();
        let exact = exact
            .into_iter()
            .flat_map(|first| first..self.rules.redirects.len());
        let exact = exact
            .filter(|number| self.is_for(*number, path))
            .find_map(holds);
        let before = exact.as_ref().map_or(usize::MAX, |(number, ..)| *number);
        let dynamic = self
            .dynamic
            .iter()
            .copied()
            .take_while(|number| *number < before);
        let (_, rule, target) = dynamic.into_iter().find_map(holds).or(exact)?;
        Some((rule, target))
    }

    fn is_for(&self, number: usize, path: &str) -> bool {
        let rule = self.rules.redirects.get(number);
        rule.is_some_and(|rule| rule.from().as_str() == path)
    }

    /// The headers that the site's rules give the answers to `path`, which is decoded and begins with `/`.
    #[must_use]
    pub fn headers(&self, path: &str) -> Vec<(&str, String)> {
        headers::applied(&self.rules.headers, path)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// The release that was written.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn to_release(&self) -> Result<Release, Damaged> {
        let files = self.files().map(|file| {
            let file = file?;
            Ok((file.path.to_owned(), file.to_file()?))
        });
        Ok(Release {
            files: files.collect::<Result<_, Damaged>>()?,
            rules: self.rules.clone(),
        })
    }

    fn section(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.as_ref().get(range.clone()).unwrap_or_default()
    }

    fn record(&self, number: usize) -> Option<&[u8; FILE]> {
        let at = number.checked_mul(FILE)?;
        self.section(&self.layout.files).get(at..)?.first_chunk()
    }

    fn text_bytes(&self, record: &[u8; FILE], at: usize) -> Option<&[u8]> {
        let [a, b, c, d, low, high] = record.get(at..)?.first_chunk::<6>()?;
        let start = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?;
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        self.section(&self.layout.texts)
            .get(start..start.checked_add(length)?)
    }

    fn path_bytes(&self, number: usize) -> Option<&[u8]> {
        self.text_bytes(self.record(number)?, 0)
    }

    fn file(&self, number: usize) -> Option<FileRef<'_>> {
        let record = self.record(number)?;
        let text = |at| std::str::from_utf8(self.text_bytes(record, at)?).ok();
        let [class, flags] = *record.get(6..)?.first_chunk::<2>()?;
        let first = u32::from_le_bytes(*record.get(26..)?.first_chunk::<4>()?);
        let at = usize::try_from(first).ok()?.checked_mul(OBJECT)?;
        let objects = self.section(&self.layout.objects).get(at..)?;
        let (own, rest) = objects.split_at_checked(OBJECT)?;
        let count = usize::try_from((flags & !VERSIONED).count_ones()).ok()?;
        Some(FileRef {
            path: text(0)?,
            content_type: text(8)?,
            cache_control: text(14)?,
            tags: text(20)?,
            class: Some(class).filter(|class| *class != NO_CLASS),
            versioned: flags & VERSIONED != 0,
            object: object(own)?,
            flags,
            variants: rest.get(..count * OBJECT)?,
        })
    }
}

impl<'a> FileRef<'a> {
    /// The same content in codings, in their order.
    pub fn variants(
        &self,
    ) -> impl Iterator<Item = Result<(Coding, ObjectRef<'a>), Damaged>> + use<'a> {
        let flags = self.flags;
        let codings = Coding::ALL
            .into_iter()
            .filter(move |coding| flags & flag(*coding) != 0);
        let records = self.variants.chunks(OBJECT);
        codings
            .zip(records)
            .map(|(coding, record)| Ok((coding, object(record).ok_or(Damaged)?)))
    }

    /// The codings there are.
    pub fn codings(&self) -> impl Iterator<Item = Coding> + use<> {
        let flags = self.flags;
        Coding::ALL
            .into_iter()
            .filter(move |coding| flags & flag(*coding) != 0)
    }

    /// Its own cache tags.
    pub fn tags(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.tags.split(',').filter(|tag| !tag.is_empty())
    }

    fn to_file(self) -> Result<File, Damaged> {
        let variants = self
            .variants()
            .map(|variant| variant.map(|(coding, object)| (coding, object.to_object())));
        Ok(File {
            object: self.object.to_object(),
            content_type: self.content_type.to_owned(),
            cache_control: self.cache_control.to_owned(),
            class: self.class,
            versioned: self.versioned,
            tags: self.tags().map(str::to_owned).collect(),
            variants: variants.collect::<Result<_, _>>()?,
        })
    }
}

impl ObjectRef<'_> {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> VersionedKey {
        let extension = Some(self.extension).filter(|extension| !extension.is_empty());
        VersionedKey::of_object(self.era, &Digest::new(*self.identity), extension)
    }

    /// Its strong entity tag, quotes included: half of its identity. It differs between codings, and where the bytes are
    /// equal but what is said of them is not.
    #[must_use]
    pub fn etag(&self) -> String {
        use std::fmt::Write as _;
        let mut tag = String::with_capacity(34);
        tag.push('"');
        for byte in self.identity.iter().take(16) {
            // Writing to a string cannot fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        tag
    }

    fn to_object(self) -> Object {
        Object {
            key: self.key(),
            size: self.size,
            sha256: Digest::new(*self.sha256),
        }
    }
}

fn object(record: &[u8]) -> Option<ObjectRef<'_>> {
    let (identity, rest) = record.split_first_chunk::<32>()?;
    let (sha256, rest) = rest.split_first_chunk::<32>()?;
    let (size, rest) = rest.split_first_chunk::<8>()?;
    let (era, rest) = rest.split_first_chunk::<8>()?;
    let extension: &[u8; EXTENSION] = rest.first_chunk()?;
    let length = extension
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(EXTENSION);
    Some(ObjectRef {
        identity,
        sha256,
        size: u64::from_le_bytes(*size),
        era: u64::from_le_bytes(*era),
        extension: std::str::from_utf8(extension.get(..length)?).ok()?,
    })
}

/// Where the sections are, and the rules among them.
fn sections(all: &[u8]) -> Result<(Sections, Range<usize>), OpenError> {
    let header: &[u8; HEADER] = all.first_chunk().ok_or(OpenError::NotAManifest)?;
    if header.first_chunk() != Some(&MAGIC) {
        return Err(OpenError::NotAManifest);
    }
    let word = |at: usize| {
        let bytes = header.get(at..).and_then(<[u8]>::first_chunk::<4>);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    if word(8) != VERSION {
        return Err(OpenError::Version(word(8)));
    }
    let size = |at: usize| usize::try_from(word(at)).map_err(|_| OpenError::Length);
    let [low, high, probes @ ..] = word(20).to_le_bytes();
    let (log2, probes) = (u16::from_le_bytes([low, high]), u16::from_le_bytes(probes));
    let (files, objects, rules, texts) = (size(12)?, size(16)?, size(24)?, size(28)?);
    let is_possible = files <= FILES_MAX
        && (1..=SLOTS_LOG2_MAX).contains(&log2)
        && probes <= PROBES_MAX
        && rules <= RULES_BYTES_MAX;
    if !is_possible {
        return Err(OpenError::Length);
    }
    let mut at = HEADER;
    let mut next = |count: usize, size: usize| {
        let end = count
            .checked_mul(size)
            .and_then(|length| at.checked_add(length));
        let range = at..end.ok_or(OpenError::Length)?;
        at = range.end;
        Ok(range)
    };
    let files = next(files, FILE)?;
    let objects = next(objects, OBJECT)?;
    let slots = next(1 << log2, SLOT)?;
    let rules = next(rules, 1)?;
    let texts = next(texts, 1)?;
    if texts.end != all.len() {
        return Err(OpenError::Length);
    }
    let sections = Sections {
        files,
        objects,
        slots,
        texts,
        log2,
        probes,
    };
    Ok((sections, rules))
}

fn index(redirects: &[Redirect]) -> (HashMap<Box<str>, usize>, Vec<usize>) {
    let (mut exact, mut dynamic) = (HashMap::new(), Vec::new());
    for (number, rule) in redirects.iter().enumerate() {
        if rule.from().is_literal() {
            exact.entry(rule.from().as_str().into()).or_insert(number);
        } else {
            dynamic.push(number);
        }
    }
    (exact, dynamic)
}

#[cfg(test)]
mod tests;
