//! From a release to its bytes.
//!
//! Always holds: equal releases give equal bytes; what is written can be opened and passes every check.

use crate::key::ReleaseId;
use crate::layout::{
    COVERED, EXTENSION, FILE, HEADER, MAGIC, NO_CLASS, OBJECT, PROBES_MAX, RULES_BYTES_MAX, SLOT,
    SLOTS_LOG2_MAX, VERSION, VERSIONED, fingerprint, first_slot, flag, hash,
};
use crate::release::{FILES_MAX, File, Object, PATH_BYTES_MAX, Release, TEXT_BYTES_MAX};
use crate::wire;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// Why a release cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// There are too many files.
    #[error("a release has at most {FILES_MAX} files")]
    Files,
    /// A path is empty, too long, begins with `/`, or has a control character.
    #[error("{0:?} is no path of a release")]
    Path(String),
    /// A media type, lifetime or tag is too long, or not printable ASCII.
    #[error("{0}: its media type, lifetime or tags cannot stand in a header")]
    Text(String),
    /// A key is that of a manifest, or a coding or class number is used wrongly.
    #[error("{0}: its key is none of an object, its class is not listed, or a coding occurs twice")]
    Object(String),
    /// The rules are more than a reader takes.
    #[error("the redirects, headers or classes are more than a reader takes")]
    Rules,
    /// A document that the rules name is not in the release.
    #[error("the document {0} is not in the release")]
    Document(String),
    /// All texts together are longer than 4 GiB, or the paths collide.
    #[error("the release is too large for one manifest")]
    TooLarge,
}

/// The bytes of a release.
///
/// # Errors
/// [`EncodeError`] says what cannot be written.
pub fn encode(release: &Release) -> Result<Vec<u8>, EncodeError> {
    if release.files.len() > FILES_MAX {
        return Err(EncodeError::Files);
    }
    for document in [&release.rules.fallback, &release.rules.not_found] {
        let missing = document
            .iter()
            .find(|path| !release.files.contains_key(*path));
        if let Some(path) = missing {
            return Err(EncodeError::Document(path.clone()));
        }
    }
    let rules = wire::write(&release.rules).ok_or(EncodeError::Rules)?;
    if rules.len() > RULES_BYTES_MAX {
        return Err(EncodeError::Rules);
    }
    let mut tables = Tables::default();
    for (path, file) in &release.files {
        check(path, file, release.rules.classes.len())?;
        tables.push(path, file).ok_or(EncodeError::TooLarge)?;
    }
    let slots = Slots::of(release.files.keys()).ok_or(EncodeError::TooLarge)?;
    assemble(&tables, &slots, &rules).ok_or(EncodeError::TooLarge)
}

/// The id of the release with these bytes.
#[must_use]
pub fn id_of(bytes: &[u8]) -> ReleaseId {
    ReleaseId::of(bytes)
}

fn check(path: &str, file: &File, classes: usize) -> Result<(), EncodeError> {
    let is_path = !path.is_empty()
        && path.len() <= PATH_BYTES_MAX
        && !path.starts_with('/')
        && !path.chars().any(char::is_control);
    if !is_path {
        return Err(EncodeError::Path(path.to_owned()));
    }
    let is_text = |text: &str| {
        text.len() <= TEXT_BYTES_MAX && text.bytes().all(|b| (0x20..0x7F).contains(&b))
    };
    let is_tag = |tag: &String| !tag.is_empty() && is_text(tag) && !tag.contains([',', ' ']);
    let tags = file.tags.iter().map(|tag| tag.len() + 1).sum::<usize>();
    if !(is_text(&file.content_type)
        && is_text(&file.cache_control)
        && file.tags.iter().all(is_tag)
        && tags <= TEXT_BYTES_MAX)
    {
        return Err(EncodeError::Text(path.to_owned()));
    }
    let codings = file.variants.iter().map(|(coding, _)| flag(*coding));
    let distinct = codings.clone().fold(0, |all, one| all | one).count_ones();
    let objects = file.variants.iter().map(|(_, object)| object);
    let are_objects = std::iter::once(&file.object)
        .chain(objects)
        .all(|o| o.key.is_object());
    let is_listed = file.class.is_none_or(|class| usize::from(class) < classes);
    if usize::try_from(distinct) != Ok(codings.len()) || !are_objects || !is_listed {
        return Err(EncodeError::Object(path.to_owned()));
    }
    Ok(())
}

#[derive(Default)]
struct Tables<'a> {
    files: Vec<u8>,
    objects: Vec<u8>,
    texts: Vec<u8>,
    /// Where texts that repeat are: media types, lifetimes, tags.
    known: HashMap<std::borrow::Cow<'a, str>, u32>,
    count: u32,
}

impl<'a> Tables<'a> {
    fn push(&mut self, path: &str, file: &'a File) -> Option<()> {
        let first = u32::try_from(self.objects.len() / OBJECT).ok()?;
        let path_at = self.append(path)?;
        let content_type = self.text(file.content_type.as_str().into())?;
        let cache_control = self.text(file.cache_control.as_str().into())?;
        let tags = file.tags.join(",");
        let tags = self.text(tags.into())?;
        let mut variants: Vec<_> = file.variants.iter().collect();
        variants.sort_unstable_by_key(|(coding, _)| *coding);
        let codings = variants
            .iter()
            .fold(0, |flags, (coding, _)| flags | flag(*coding));
        let versioned = if file.versioned { VERSIONED } else { 0 };
        self.name(path_at, path.len())?;
        self.files.push(file.class.unwrap_or(NO_CLASS));
        self.files.push(codings | versioned);
        for (at, length) in [content_type, cache_control, tags] {
            self.name(at, length)?;
        }
        self.files.extend_from_slice(&first.to_le_bytes());
        self.files.extend_from_slice(&[0; 2]);
        self.object(&file.object)?;
        for (_, object) in variants {
            self.object(object)?;
        }
        self.count += 1;
        Some(())
    }

    fn name(&mut self, at: u32, length: usize) -> Option<()> {
        self.files.extend_from_slice(&at.to_le_bytes());
        self.files
            .extend_from_slice(&u16::try_from(length).ok()?.to_le_bytes());
        Some(())
    }

    fn object(&mut self, object: &Object) -> Option<()> {
        self.objects
            .extend_from_slice(object.key.digest()?.as_bytes());
        self.objects.extend_from_slice(object.sha256.as_bytes());
        self.objects.extend_from_slice(&object.size.to_le_bytes());
        self.objects
            .extend_from_slice(&object.key.era().to_le_bytes());
        let extension = object.key.extension().as_bytes();
        self.objects.extend_from_slice(extension);
        let padding = EXTENSION.checked_sub(extension.len())?;
        self.objects.extend(std::iter::repeat_n(0, padding));
        Some(())
    }

    fn append(&mut self, text: &str) -> Option<u32> {
        let at = u32::try_from(self.texts.len()).ok()?;
        self.texts.extend_from_slice(text.as_bytes());
        Some(at)
    }

    fn text(&mut self, text: std::borrow::Cow<'a, str>) -> Option<(u32, usize)> {
        let length = text.len();
        if let Some(at) = self.known.get(&text) {
            return Some((*at, length));
        }
        let at = self.append(&text)?;
        self.known.insert(text, at);
        Some((at, length))
    }
}

/// The table by which paths are found.
struct Slots {
    slots: Vec<(u32, u32)>,
    log2: u16,
    probes: u16,
}

impl Slots {
    fn of<'a>(paths: impl ExactSizeIterator<Item = &'a String>) -> Option<Self> {
        let smallest = (paths.len() * 2).max(2).next_power_of_two().ilog2();
        let hashes: Vec<u64> = paths.map(|path| hash(path.as_bytes())).collect();
        let smallest = u16::try_from(smallest).ok()?;
        (smallest..=SLOTS_LOG2_MAX).find_map(|log2| Self::sized(&hashes, log2))
    }

    fn sized(hashes: &[u64], log2: u16) -> Option<Self> {
        let mut slots = vec![(0, 0); 1 << log2];
        let mask = slots.len() - 1;
        let mut probes = 0;
        for (number, hash) in hashes.iter().enumerate() {
            let first = first_slot(*hash, log2);
            let mut tried = 0..=PROBES_MAX;
            let probe = tried.find(|probe| {
                slots
                    .get((first + usize::from(*probe)) & mask)
                    .is_some_and(|(file, _)| *file == 0)
            })?;
            *slots.get_mut((first + usize::from(probe)) & mask)? =
                (u32::try_from(number + 1).ok()?, fingerprint(*hash));
            probes = probes.max(probe);
        }
        Some(Self {
            slots,
            log2,
            probes,
        })
    }
}

fn assemble(tables: &Tables<'_>, slots: &Slots, rules: &[u8]) -> Option<Vec<u8>> {
    let length = HEADER + tables.files.len() + tables.objects.len() + slots.slots.len() * SLOT;
    let mut out = Vec::with_capacity(length + rules.len() + tables.texts.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&tables.count.to_le_bytes());
    let objects = u32::try_from(tables.objects.len() / OBJECT).ok()?;
    out.extend_from_slice(&objects.to_le_bytes());
    out.extend_from_slice(&slots.log2.to_le_bytes());
    out.extend_from_slice(&slots.probes.to_le_bytes());
    for section in [rules, &tables.texts] {
        out.extend_from_slice(&u32::try_from(section.len()).ok()?.to_le_bytes());
    }
    let checksum = Sha256::new()
        .chain_update(out.get(..COVERED)?)
        .chain_update(rules)
        .finalize();
    out.extend_from_slice(&checksum);
    out.extend_from_slice(&tables.files);
    out.extend_from_slice(&tables.objects);
    for (file, fingerprint) in &slots.slots {
        out.extend_from_slice(&file.to_le_bytes());
        out.extend_from_slice(&fingerprint.to_le_bytes());
    }
    out.extend_from_slice(rules);
    out.extend_from_slice(&tables.texts);
    debug_assert_eq!(tables.files.len(), tables.count as usize * FILE);
    Some(out)
}
