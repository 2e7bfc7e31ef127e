//! Which behavior governs a path in one site, and which in the other: all pairs there are, each with a shortest path.
//!
//! All patterns of both sites are followed at once, letter by letter, over one spelling of every path: the product of their
//! automata. A letter that no pattern names stands for all such letters.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// The states that are followed; beyond them pairs may be missing, and that is told.
pub const STATES_MAX: usize = 200_000;
/// The longest path that is looked at, in bytes.
pub const PATH_BYTES_MAX: usize = 512;

/// Two behaviors that govern the same path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The position in the old site.
    pub old: usize,
    /// The position in the new one.
    pub new: usize,
    /// A shortest path that both govern.
    pub path: String,
}

/// All pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// In the order of the old site, then of the new one.
    pub pairs: Vec<Pair>,
    /// Whether no pair can be missing.
    pub exact: bool,
}

/// Where a path ends: what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Segment {
    /// After a slash.
    Empty,
    /// One dot.
    Dot,
    /// Two dots.
    Dots,
    /// Anything else.
    Other,
}

/// How far each pattern is: bit `n` of its words says that its first `n` letters are matched.
type Positions = Vec<u64>;

struct Patterns {
    /// The letters of each pattern and where its words begin.
    all: Vec<(Vec<u8>, usize)>,
    words: usize,
    alphabet: Vec<u8>,
}

impl Patterns {
    fn of<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let (mut all, mut words) = (Vec::new(), 0);
        let mut named = [false; 256];
        for pattern in patterns {
            let letters = with_slash(pattern);
            letters.iter().for_each(|letter| {
                if let Some(place) = named.get_mut(usize::from(*letter)) {
                    *place = true;
                }
            });
            let needed = (letters.len() + 1).div_ceil(64);
            all.push((letters, words));
            words += needed;
        }
        let is_named = |letter: &u8| named.get(usize::from(*letter)) == Some(&true);
        let usual = |letter: &u8| letter.is_ascii_graphic() && !b"*?/%".contains(letter);
        let mut alphabet: Vec<u8> = (0..=255).filter(is_named).filter(usual).collect();
        alphabet.push(b'/');
        // The first letter that no pattern names stands for all of them.
        let other = b"xabcdefghijklmnopqrstuvwyz0123456789".iter();
        alphabet.extend(other.copied().find(|letter| !is_named(letter)));
        Self {
            all,
            words,
            alphabet,
        }
    }

    fn start(&self) -> Positions {
        let mut positions = vec![0; self.words];
        for (letters, at) in &self.all {
            set(&mut positions, *at, 0);
            close(&mut positions, *at, letters, 0);
        }
        positions
    }

    fn step(&self, from: &Positions, letter: u8) -> Positions {
        let mut to = vec![0; self.words];
        for (letters, at) in &self.all {
            for (place, own) in letters.iter().enumerate() {
                if !has(from, *at, place) {
                    continue;
                }
                let next = match own {
                    b'*' => Some(place),
                    b'?' => Some(place + 1),
                    own if *own == letter => Some(place + 1),
                    _ => None,
                };
                if let Some(next) = next {
                    set(&mut to, *at, next);
                    close(&mut to, *at, letters, next);
                }
            }
        }
        to
    }

    /// The first pattern of a range that matches the whole of what was read.
    fn first(&self, positions: &Positions, range: std::ops::Range<usize>) -> Option<usize> {
        let start = range.start;
        let mut patterns = self.all.get(range)?.iter();
        let found = patterns.position(|(letters, at)| has(positions, *at, letters.len()));
        found.map(|found| found + start)
    }
}

/// A pattern as it meets a path, which begins with a slash.
fn with_slash(pattern: &str) -> Vec<u8> {
    match pattern.as_bytes().first() {
        Some(b'/' | b'?') => pattern.bytes().collect(),
        Some(b'*') if pattern != "*" => pattern.bytes().collect(),
        _ => [b'/'].into_iter().chain(pattern.bytes()).collect(),
    }
}

/// Goes on over stars, which match nothing too.
fn close(positions: &mut Positions, at: usize, letters: &[u8], mut place: usize) {
    while letters.get(place) == Some(&b'*') {
        place += 1;
        set(positions, at, place);
    }
}

fn set(positions: &mut Positions, at: usize, place: usize) {
    if let Some(word) = positions.get_mut(at + place / 64) {
        *word |= 1 << (place % 64);
    }
}

fn has(positions: &Positions, at: usize, place: usize) -> bool {
    let word = positions.get(at + place / 64);
    word.is_some_and(|word| word >> (place % 64) & 1 == 1)
}

/// What may follow a segment, so that only the one spelling of a path is read.
fn follow(segment: Segment, letter: u8) -> Option<Segment> {
    match (segment, letter) {
        (Segment::Other, b'/') => Some(Segment::Empty),
        (_, b'/') => None,
        (Segment::Empty, b'.') => Some(Segment::Dot),
        (Segment::Dot, b'.') => Some(Segment::Dots),
        _ => Some(Segment::Other),
    }
}

/// The pairs of two lists of patterns, of which the first that matches governs.
#[must_use]
pub fn pairs(old: &[&str], new: &[&str]) -> Pairs {
    let patterns = Patterns::of(old.iter().chain(new).copied());
    let (olds, news) = (0..old.len(), old.len()..old.len() + new.len());
    let mut found: HashMap<(usize, usize), String, FixedState> =
        HashMap::with_hasher(FixedState::default());
    let mut seen: HashMap<(Positions, Segment), (), FixedState> =
        HashMap::with_hasher(FixedState::default());
    let mut waiting = VecDeque::new();
    let begin = patterns.step(&patterns.start(), b'/');
    waiting.push_back((begin, Segment::Empty, "/".to_owned()));
    let mut exact = true;
    while let Some((positions, segment, path)) = waiting.pop_front() {
        if matches!(segment, Segment::Empty | Segment::Other)
            && let Some(one) = patterns.first(&positions, olds.clone())
            && let Some(other) = patterns.first(&positions, news.clone())
        {
            let pair = (one, other - old.len());
            found.entry(pair).or_insert_with(|| path.clone());
        }
        for letter in &patterns.alphabet {
            let Some(segment) = follow(segment, *letter) else {
                continue;
            };
            let next = patterns.step(&positions, *letter);
            let state = (next, segment);
            if seen.contains_key(&state) {
                continue;
            }
            if seen.len() >= STATES_MAX || path.len() >= PATH_BYTES_MAX {
                exact = false;
                continue;
            }
            let path = format!("{path}{}", char::from(*letter));
            waiting.push_back((state.0.clone(), segment, path));
            seen.insert(state, ());
        }
    }
    let mut pairs: Vec<Pair> = found
        .into_iter()
        .map(|((old, new), path)| Pair { old, new, path })
        .collect();
    pairs.sort_by_key(|pair| (pair.old, pair.new));
    Pairs { pairs, exact }
}
