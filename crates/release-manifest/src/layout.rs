//! The layout of the bytes, version 1. Everything is little-endian; sections follow each other without gaps.
//!
//! ```text
//! header    64       magic 8 · version u32 · files u32 · objects u32 · slots, as a power of two, u16 · probes u16 ·
//!                    rules' bytes u32 · texts' bytes u32 · SHA-256 of the 32 bytes before it and of the rules
//! files     32 each  path u32 + u16 · class u8 · flags u8 · media type u32 + u16 · lifetime u32 + u16 · tags u32 + u16 ·
//!                    first object u32 · zero u16; in the order of the paths' bytes
//! objects   88 each  identity 32 · SHA-256 32 · size u64 · era u64 · extension 8, zero-padded; those of one file together,
//!                    its own first, then one for each coding in its flags, in the order of `Coding`
//! slots      8 each  number of a file + 1, u32, or 0 · the low half of its path's hash, u32
//! rules              see `wire`
//! texts              UTF-8, named by offset and length
//! ```
//!
//! A path is found at the slot that the high bits of its hash name, or at one of the next `probes`. At most half of the
//! slots are taken, so a look-up costs the same in a small release and in a large one.

use crate::release::Coding;

pub(crate) const MAGIC: [u8; 8] = *b"\x89PCREL\r\n";
pub(crate) const VERSION: u32 = 1;
pub(crate) const HEADER: usize = 64;
/// What of the header the checksum covers.
pub(crate) const COVERED: usize = 32;
pub(crate) const FILE: usize = 32;
pub(crate) const OBJECT: usize = 88;
pub(crate) const SLOT: usize = 8;
pub(crate) const EXTENSION: usize = 8;

/// The most slots after the first that are looked at.
pub(crate) const PROBES_MAX: u16 = 256;
/// The most slots, as a power of two.
pub(crate) const SLOTS_LOG2_MAX: u16 = 27;
/// The longest rules, in bytes: they are parsed when a manifest is opened.
pub(crate) const RULES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// No class.
pub(crate) const NO_CLASS: u8 = u8::MAX;
/// The flag of a file whose name changes with its content.
pub(crate) const VERSIONED: u8 = 1;

/// The flag of a coding.
pub(crate) const fn flag(coding: Coding) -> u8 {
    match coding {
        Coding::Brotli => 2,
        Coding::Gzip => 4,
        Coding::Zstd => 8,
    }
}

/// The hash of a path. Part of the form: it never changes within a version.
pub(crate) fn hash(path: &[u8]) -> u64 {
    const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = path.as_chunks::<8>();
    let mut hash = SEED ^ (path.len() as u64);
    for word in words {
        hash = fold(hash ^ u64::from_le_bytes(*word));
    }
    let last = rest
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte));
    fold(fold(hash ^ last))
}

/// Both halves of a product, so that each bit of the input reaches each bit of the result.
fn fold(word: u64) -> u64 {
    const FACTOR: u64 = 0xD6E8_FEB8_6659_FD93;
    // Never zero times something: a word of zeros would forget what came before it.
    let product = u128::from(word ^ 0xA076_1D64_78BD_642F) * u128::from(FACTOR);
    let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or_default();
    let high = u64::try_from(product >> 64).unwrap_or_default();
    low ^ high
}

/// The first slot for a hash among 2^`log2`, `log2` being at least 1.
pub(crate) fn first_slot(hash: u64, log2: u16) -> usize {
    usize::try_from(hash >> (64 - u32::from(log2).clamp(1, 32))).unwrap_or_default()
}

/// What a slot remembers of a hash.
pub(crate) fn fingerprint(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or_default()
}
