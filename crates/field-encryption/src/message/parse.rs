//! The parts of a message, before any of it is believed.

use super::suite::{FINAL_FRAME, FRAME, NONCE_BYTES, SINGLE_BLOCK, Suite, TAG_BYTES};
use super::{LAST, MessageError};
use std::collections::BTreeMap;

/// The type of version 1: "customer authenticated encrypted data".
pub(super) const CUSTOMER_AUTHENTICATED: u8 = 0x80;
/// The content is framed.
pub(super) const FRAMED: u8 = 2;
const UNFRAMED: u8 = 1;
/// The longest message that is read, in bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// The most wrapped data keys.
const KEYS_MAX: usize = 16;
/// The most pairs of an encryption context.
const PAIRS_MAX: usize = 64;

/// A data key, wrapped for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped<'a> {
    /// The provider's name.
    pub provider: &'a [u8],
    /// The name of its key.
    pub key_name: &'a [u8],
    /// The wrapped data key.
    pub wrapped: &'a [u8],
}

/// How the content is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// In frames with so many bytes of plaintext, but for the last.
    Framed(u32),
    /// Not at all.
    Whole,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The suite.
    pub suite: Suite,
    /// The message's id, 16 bytes in version 1 and 32 in version 2.
    pub id: &'a [u8],
    /// The encryption context.
    pub context: BTreeMap<&'a str, &'a str>,
    /// The wrapped data keys.
    pub keys: Vec<Wrapped<'a>>,
    /// How the content is divided.
    pub framing: Framing,
    pub(super) commitment: Option<&'a [u8]>,
    pub(super) nonce: [u8; NONCE_BYTES],
    pub(super) tag: &'a [u8],
    /// What the header's tag authenticates.
    pub(super) authenticated: &'a [u8],
}

/// A sealed part of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: &'static str,
    pub(super) sequence: u32,
    pub(super) nonce: [u8; NONCE_BYTES],
    /// Ciphertext and tag.
    pub(super) sealed: &'a [u8],
}

/// A message in its parts; nothing of it is authentic yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What its header says.
    pub header: Header<'a>,
    pub(super) frames: Vec<Frame<'a>>,
    /// What the signature is over.
    pub(super) signed: &'a [u8],
    pub(super) signature: Option<&'a [u8]>,
}

/// Reads a message of at most 1 MiB.
///
/// # Errors
/// [`MessageError::Malformed`] and [`MessageError::Unknown`].
pub fn parse(message: &[u8]) -> Result<Message<'_>, MessageError> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(MessageError::Malformed("it is longer than 1 MiB"));
    }
    let mut from = Reader(message);
    let header = header(&mut from, message)?;
    let frames = match header.framing {
        Framing::Whole => vec![whole(&mut from)?],
        Framing::Framed(frame_bytes) => frames(&mut from, frame_bytes)?,
    };
    let signed = before(message, &from);
    let is_signed = header.suite.is_signed();
    let signature = is_signed.then(|| from.counted()).transpose()?;
    match from.0.is_empty() {
        true => Ok(Message {
            header,
            frames,
            signed,
            signature,
        }),
        false => Err(MessageError::Malformed("something stands behind it")),
    }
}

fn before<'a>(message: &'a [u8], from: &Reader<'_>) -> &'a [u8] {
    let read = message.len() - from.0.len();
    message.get(..read).unwrap_or_default()
}

fn header<'a>(from: &mut Reader<'a>, message: &'a [u8]) -> Result<Header<'a>, MessageError> {
    let suite = suite(from)?;
    let id = from.take(if suite.commits() { 32 } else { 16 })?;
    let context = context(from)?;
    let keys = keys(from)?;
    let content = from.byte()?;
    if !suite.commits() {
        reserved(from)?;
    }
    let framing = framing(content, from.number()?)?;
    let commitment = suite.commits().then(|| from.take(32)).transpose()?;
    let authenticated = before(message, from);
    let nonce = match suite.commits() {
        true => [0; NONCE_BYTES],
        false => from.nonce()?,
    };
    Ok(Header {
        suite,
        id,
        context,
        keys,
        framing,
        commitment,
        nonce,
        tag: from.take(TAG_BYTES)?,
        authenticated,
    })
}

fn whole<'a>(from: &mut Reader<'a>) -> Result<Frame<'a>, MessageError> {
    Ok(Frame {
        kind: SINGLE_BLOCK,
        sequence: 1,
        nonce: from.nonce()?,
        sealed: {
            let bytes = usize::try_from(from.long()?).unwrap_or(usize::MAX);
            from.take(bytes.saturating_add(TAG_BYTES))?
        },
    })
}

/// Frames in their order, until the last; each takes bytes of the message, so there is an end.
fn frames<'a>(from: &mut Reader<'a>, frame_bytes: u32) -> Result<Vec<Frame<'a>>, MessageError> {
    let mut frames = Vec::new();
    for expected in 1.. {
        let sequence = from.number()?;
        let is_last = sequence == LAST;
        let sequence = if is_last { from.number()? } else { sequence };
        let nonce = from.nonce()?;
        let bytes = if is_last { from.number()? } else { frame_bytes };
        if sequence != expected || bytes > frame_bytes {
            return Err(MessageError::Malformed("its frames"));
        }
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        frames.push(Frame {
            kind: if is_last { FINAL_FRAME } else { FRAME },
            sequence,
            nonce,
            sealed: from.take(bytes.saturating_add(TAG_BYTES))?,
        });
        if is_last {
            break;
        }
    }
    Ok(frames)
}

fn suite(from: &mut Reader<'_>) -> Result<Suite, MessageError> {
    let version = from.byte()?;
    match version {
        1 if from.byte()? != CUSTOMER_AUTHENTICATED => {
            return Err(MessageError::Unknown("its type"));
        }
        1 | 2 => {}
        _ => return Err(MessageError::Unknown("its version")),
    }
    let id = from.short()?;
    let mut known = Suite::ALL.into_iter();
    known
        .find(|suite| usize::from(suite.id()) == id && suite.version() == version)
        .ok_or(MessageError::Unknown("its algorithm suite"))
}

fn framing(content: u8, frame_bytes: u32) -> Result<Framing, MessageError> {
    match (content, frame_bytes) {
        (FRAMED, 1..) => Ok(Framing::Framed(frame_bytes)),
        (UNFRAMED, 0) => Ok(Framing::Whole),
        _ => Err(MessageError::Malformed(
            "its content is neither framed nor whole",
        )),
    }
}

fn context<'a>(from: &mut Reader<'a>) -> Result<BTreeMap<&'a str, &'a str>, MessageError> {
    let mut found = BTreeMap::new();
    let mut pairs = Reader(from.counted()?);
    if pairs.0.is_empty() {
        return Ok(found);
    }
    let count = pairs.short()?;
    if !(1..=PAIRS_MAX).contains(&count) {
        return Err(MessageError::Malformed(
            "the number of pairs in its context",
        ));
    }
    for _ in 0..count {
        if found.insert(pairs.text()?, pairs.text()?).is_some() {
            return Err(MessageError::Malformed(
                "a name stands twice in its context",
            ));
        }
    }
    match pairs.0.is_empty() {
        true => Ok(found),
        false => Err(MessageError::Malformed("its context has a rest")),
    }
}

fn keys<'a>(from: &mut Reader<'a>) -> Result<Vec<Wrapped<'a>>, MessageError> {
    let count = from.short()?;
    if !(1..=KEYS_MAX).contains(&count) {
        return Err(MessageError::Malformed("the number of its data keys"));
    }
    let keys = (0..count).map(|_| {
        Ok(Wrapped {
            provider: from.counted()?,
            key_name: from.counted()?,
            wrapped: from.counted()?,
        })
    });
    keys.collect()
}

/// Four bytes of zero and the length of nonces, in version 1.
fn reserved(from: &mut Reader<'_>) -> Result<(), MessageError> {
    match (from.number()?, usize::from(from.byte()?)) {
        (0, NONCE_BYTES) => Ok(()),
        _ => Err(MessageError::Malformed("the length of its nonces")),
    }
}

/// What is left to read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], MessageError> {
        let cut = self.0.split_at_checked(bytes);
        let (taken, rest) = cut.ok_or(MessageError::Malformed("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let taken = self.take(N)?.try_into();
        taken.map_err(|_| MessageError::Malformed("it is cut off"))
    }

    fn byte(&mut self) -> Result<u8, MessageError> {
        self.array().map(u8::from_be_bytes)
    }

    fn short(&mut self) -> Result<usize, MessageError> {
        self.array().map(u16::from_be_bytes).map(usize::from)
    }

    fn number(&mut self) -> Result<u32, MessageError> {
        self.array().map(u32::from_be_bytes)
    }

    fn long(&mut self) -> Result<u64, MessageError> {
        self.array().map(u64::from_be_bytes)
    }

    fn nonce(&mut self) -> Result<[u8; NONCE_BYTES], MessageError> {
        self.array()
    }

    fn counted(&mut self) -> Result<&'a [u8], MessageError> {
        let bytes = self.short()?;
        self.take(bytes)
    }

    fn text(&mut self) -> Result<&'a str, MessageError> {
        let bytes = self.counted()?;
        std::str::from_utf8(bytes).map_err(|_| MessageError::Malformed("its context is no text"))
    }
}
