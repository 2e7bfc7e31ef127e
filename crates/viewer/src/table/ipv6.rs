//! The IPv6 part of the table: ranges by the first 64 bits of their first address, under an index.
//!
//! - It covers global unicast (2000::/3), the only part of IPv6 with countries.
//! - The index is on the 16 bits after the first three, which are the same everywhere in it.

use std::ops::Range;

const BUCKETS: usize = 1 << 16;
const INDEX_BYTES: usize = 4 * (BUCKETS + 1);
/// First 64 bits of the first address (8 bytes) and answer.
const ENTRY_BYTES: usize = 9;

/// The bytes of the two sections, in order: index and entries.
pub(super) fn section_bytes(entries: u32) -> [u64; 2] {
    [INDEX_BYTES as u64, u64::from(entries) * ENTRY_BYTES as u64]
}

/// The answer for an address that begins with `key`; none in a damaged file.
#[inline]
pub(super) fn answer(file: &[u8], [index, entries]: &[Range<usize>; 2], key: u64) -> Option<u8> {
    let counts = file.get(index.clone())?.as_chunks::<4>().0;
    let entries = file.get(entries.clone())?.as_chunks::<ENTRY_BYTES>().0;
    let bucket = bucket_of(key);
    let from = u32::from_le_bytes(*counts.get(bucket)?) as usize;
    let to = u32::from_le_bytes(*counts.get(bucket + 1)?) as usize;
    let begun = entries
        .get(from..to)?
        .partition_point(|entry| start_of(entry) <= key);
    // An address before the first range that begins in its bucket is in the last one that began before it.
    let &[.., answer] = entries.get((from + begun).checked_sub(1)?)?;
    Some(answer)
}

/// Writes the two sections from the ranges of all global unicast addresses: ascending, the first at 2000::.
pub(super) fn write(ranges: &[(u64, u8)], file: &mut Vec<u8>) {
    let mut before: u32 = 0;
    let mut rest = ranges.iter().peekable();
    for bucket in 0..=BUCKETS {
        while rest
            .next_if(|&&(start, _)| bucket_of(start) < bucket)
            .is_some()
        {
            before += 1;
        }
        file.extend(before.to_le_bytes());
    }
    for &(start, answer) in ranges {
        file.extend(start.to_le_bytes());
        file.push(answer);
    }
}

#[inline]
fn start_of(&[a, b, c, d, e, f, g, h, _]: &[u8; ENTRY_BYTES]) -> u64 {
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[inline]
fn bucket_of(key: u64) -> usize {
    (key >> 45) as usize & (BUCKETS - 1)
}
