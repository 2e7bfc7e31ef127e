//! The IPv4 part of the table: two steps from an address to its answer, without a search.
//!
//! - The first 16 bits choose a bucket. Most buckets have one answer for all their addresses, and hold it.
//! - Any other bucket names a node: a bitmap of the /24s at which another run of equal answers begins. The number of
//!   runs begun so far is the place of the answer. Nothing here searches or loops.
//! - A /24 with more than one answer is a split, and rare. Splits alone are searched, in a list of their own.

use super::{SPLIT, array_at};
use std::ops::Range;

/// How many values the first 16 bits have.
const BUCKETS: usize = 1 << 16;
/// A bucket from here on names a node, counted from here.
const NODES_FROM: u32 = 256;
/// Place of the first run (4 bytes), runs begun before each word (4 × 1), the words of the bitmap (4 × 8).
const NODE_BYTES: usize = 40;
/// First address (4 bytes) and answer.
const SPLIT_BYTES: usize = 5;

/// Numbers of nodes, runs and ranges in splits, as the header writes them.
pub(super) type Counts = [u32; 3];

/// The bytes of the four sections, in order: buckets, nodes, runs, splits.
pub(super) fn section_bytes([nodes, runs, splits]: Counts) -> [u64; 4] {
    [
        4 * BUCKETS as u64,
        u64::from(nodes) * NODE_BYTES as u64,
        u64::from(runs),
        u64::from(splits) * SPLIT_BYTES as u64,
    ]
}

/// The answer for `address`; none in a damaged file.
#[inline]
pub(super) fn answer(file: &[u8], sections: &[Range<usize>; 4], address: u32) -> Option<u8> {
    let [buckets, nodes, runs, splits] = sections;
    let buckets = file.get(buckets.clone())?.as_chunks::<4>().0;
    let bucket = u32::from_le_bytes(*buckets.get((address >> 16) as usize)?);
    let answer = match bucket.checked_sub(NODES_FROM) {
        None => bucket as u8,
        Some(node) => {
            let nodes = file.get(nodes.clone())?.as_chunks::<NODE_BYTES>().0;
            let run = run_of(nodes.get(node as usize)?, (address >> 8) as u8)?;
            *file.get(runs.clone())?.get(run)?
        }
    };
    if answer == SPLIT {
        return answer_in_split(file.get(splits.clone())?, address);
    }
    Some(answer)
}

/// The place of the run that a /24 is in.
#[inline]
fn run_of(node: &[u8; NODE_BYTES], third_octet: u8) -> Option<usize> {
    let (word, bit) = (usize::from(third_octet >> 6), third_octet & 63);
    let first = u32::from_le_bytes(array_at(node, 0)?) as usize;
    let before = usize::from(*node.get(4 + word)?);
    let begun = u64::from_le_bytes(array_at(node, 8 + 8 * word)?) & (u64::MAX >> (63 - bit));
    (first + before + begun.count_ones() as usize).checked_sub(1)
}

#[cold]
fn answer_in_split(splits: &[u8], address: u32) -> Option<u8> {
    let splits = splits.as_chunks::<SPLIT_BYTES>().0;
    let begun =
        splits.partition_point(|&[a, b, c, d, _]| u32::from_le_bytes([a, b, c, d]) <= address);
    let &[.., answer] = splits.get(begun.checked_sub(1)?)?;
    Some(answer)
}

/// The four sections, written from the ranges of all IPv4 addresses: ascending, the first at 0.0.0.0.
#[derive(Default)]
pub(super) struct Sections {
    buckets: Vec<u8>,
    nodes: Vec<u8>,
    runs: Vec<u8>,
    splits: Vec<u8>,
}

impl Sections {
    pub(super) fn of(ranges: &[(u32, u8)]) -> Self {
        let mut sections = Self::default();
        let (mut rest, mut current) = (ranges, SPLIT);
        for bucket in 0..BUCKETS as u32 {
            let mut answers = [SPLIT; 256];
            for (third_octet, answer) in (0..).zip(&mut answers) {
                let first = bucket << 16 | third_octet << 8;
                let begun = rest
                    .iter()
                    .take_while(|&&(start, _)| start <= first)
                    .count();
                let inside = rest
                    .iter()
                    .take_while(|&&(start, _)| start <= first | 0xff)
                    .count();
                if let Some(&(_, begun)) = rest.get(..begun).and_then(<[_]>::last) {
                    current = begun;
                }
                let split = rest.get(begun..inside).unwrap_or_default();
                *answer = if split.is_empty() { current } else { SPLIT };
                if let Some(&(_, last)) = split.last() {
                    sections.push_split(first, current);
                    split
                        .iter()
                        .for_each(|&(start, answer)| sections.push_split(start, answer));
                    current = last;
                }
                rest = rest.get(inside..).unwrap_or_default();
            }
            sections.push_bucket(&answers);
        }
        sections
    }

    /// The numbers for the header. There are at most 2^24 runs, and fewer nodes and splits than ranges.
    pub(super) fn counts(&self) -> Counts {
        [
            (self.nodes.len() / NODE_BYTES) as u32,
            self.runs.len() as u32,
            (self.splits.len() / SPLIT_BYTES) as u32,
        ]
    }

    pub(super) fn write(self, file: &mut Vec<u8>) {
        for section in [self.buckets, self.nodes, self.runs, self.splits] {
            file.extend(section);
        }
    }

    fn push_split(&mut self, start: u32, answer: u8) {
        self.splits.extend(start.to_le_bytes());
        self.splits.push(answer);
    }

    fn push_bucket(&mut self, answers: &[u8; 256]) {
        let [first, ..] = *answers;
        let bucket = if first != SPLIT && answers.iter().all(|&answer| answer == first) {
            u32::from(first)
        } else {
            NODES_FROM + (self.nodes.len() / NODE_BYTES) as u32
        };
        self.buckets.extend(bucket.to_le_bytes());
        if bucket >= NODES_FROM {
            self.push_node(answers);
        }
    }

    fn push_node(&mut self, answers: &[u8; 256]) {
        self.nodes.extend((self.runs.len() as u32).to_le_bytes());
        let (mut before, mut words) = ([0; 4], [0u64; 4]);
        let (mut begun, mut previous) = (0, None);
        for ((answers, word), before) in answers.chunks(64).zip(&mut words).zip(&mut before) {
            *before = begun;
            for (bit, &answer) in answers.iter().enumerate() {
                if previous != Some(answer) {
                    previous = Some(answer);
                    *word |= 1 << bit;
                    self.runs.push(answer);
                    begun = u8::wrapping_add(begun, 1);
                }
            }
        }
        self.nodes.extend(before);
        self.nodes
            .extend(words.into_iter().flat_map(u64::to_le_bytes));
    }
}
