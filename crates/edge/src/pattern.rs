//! Path patterns of behaviors, and the choice of a behavior (DG:downloaddistvaluescachebehavior).
//!
//! - `*` stands for any number of characters, slashes included; `?` for exactly one;
//! - everything else is literal and case-sensitive, and the whole path has to match;
//! - a slash at the beginning is implied when it is left out;
//! - behaviors are tried in order and the first match wins, not the most specific.
//!
//! A pattern is compiled to a set of states held in a few machine words, so that matching takes time linear in the path
//! whatever the pattern. A character is a byte here: paths arrive percent-encoded.

use crate::path::{normalize_for_matching, split_target};

/// The longest pattern, in characters as written.
pub const PATTERN_CHARS_MAX: usize = 255;

/// One state before each unit of a pattern and one at its end; the implied slash adds a unit.
const WORDS_MAX: usize = (PATTERN_CHARS_MAX + 2).div_ceil(64);

/// The characters CloudFront allows in a pattern besides letters and digits, `*` and `?` among them.
const PUNCTUATION: &[u8] = b"_-.*$/~\"'@:+&?";

/// A path pattern that CloudFront accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    program: Program,
}

/// Why a text is no path pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is empty.
    #[error("a path pattern is not empty")]
    Empty,
    /// It is longer than [`PATTERN_CHARS_MAX`].
    #[error("a path pattern has at most {PATTERN_CHARS_MAX} characters")]
    TooLong,
    /// It holds a character that no pattern may hold.
    #[error("`{}` at offset {offset} may not stand in a path pattern", found.escape_debug())]
    Character {
        /// The character.
        found: char,
        /// Where it stands, counted in characters from zero.
        offset: usize,
    },
}

impl PathPattern {
    /// Accepts a pattern as it is written in a distribution.
    ///
    /// # Errors
    /// [`PatternError`] says which rule it breaks.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if let Some((offset, found)) = text
            .chars()
            .enumerate()
            .find(|&(_, c)| !may_stand_in_pattern(c))
        {
            return Err(PatternError::Character { found, offset });
        }
        if text.len() > PATTERN_CHARS_MAX {
            return Err(PatternError::TooLong);
        }
        let implied = if text.starts_with('/') { "" } else { "/" };
        let program = Program::compile(format!("{implied}{text}").as_bytes());
        Ok(Self {
            text: text.to_owned(),
            program,
        })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern matches a path that is already normalised.
    #[must_use]
    pub fn matches(&self, normalized_path: &str) -> bool {
        self.program.accepts(normalized_path.as_bytes())
    }
}

fn may_stand_in_pattern(c: char) -> bool {
    c.is_ascii_alphanumeric() || u8::try_from(c).is_ok_and(|byte| PUNCTUATION.contains(&byte))
}

/// The index of the first pattern that matches a raw request target; `None` selects the default behavior.
#[must_use]
pub fn first_match<'p>(
    patterns: impl IntoIterator<Item = &'p PathPattern>,
    raw_target: &str,
) -> Option<usize> {
    let (raw_path, _) = split_target(raw_target);
    let path = normalize_for_matching(raw_path);
    patterns
        .into_iter()
        .position(|pattern| pattern.matches(&path))
}

/// A set of states, one bit each, least significant first.
type States = [u64; WORDS_MAX];

/// A pattern as a machine that is in a set of states at once.
///
/// State `i` means that the first `i` units (characters and `?`) have matched. A state that a `*` follows also stays
/// where it is on every byte.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    /// How many words of a state set are in use.
    words: usize,
    /// The states a `*` keeps.
    stays: States,
    /// The state in which the whole pattern has matched.
    end: States,
    /// The states that each byte of the alphabet leaves for the next one; the bytes ascend.
    moves: Vec<(u8, States)>,
    /// The states that any other byte leaves: those before a `?`.
    other: States,
}

impl Program {
    fn compile(pattern: &[u8]) -> Self {
        let (mut stays, mut other, mut end) = ([0; WORDS_MAX], [0; WORDS_MAX], [0; WORDS_MAX]);
        let mut moves: Vec<(u8, States)> = Vec::new();
        let mut state = 0;
        for &unit in pattern {
            match unit {
                b'*' => {
                    insert(&mut stays, state);
                    continue;
                }
                b'?' => insert(&mut other, state),
                literal => match moves.iter_mut().find(|(byte, _)| *byte == literal) {
                    Some((_, states)) => insert(states, state),
                    None => moves.push((literal, only(state))),
                },
            }
            state += 1;
        }
        insert(&mut end, state);
        for (_, states) in &mut moves {
            states
                .iter_mut()
                .zip(other)
                .for_each(|(word, any)| *word |= any);
        }
        moves.sort_unstable_by_key(|(byte, _)| *byte);
        Self {
            words: state / 64 + 1,
            stays,
            end,
            moves,
            other,
        }
    }

    fn accepts(&self, path: &[u8]) -> bool {
        let mut states = only(0);
        for &byte in path {
            let leaves = self.leaves(byte);
            let mut carry = 0;
            let mut alive = 0;
            let columns = states.iter_mut().zip(leaves).zip(self.stays);
            for ((word, leave), stay) in columns.take(self.words) {
                let moving = *word & leave;
                *word = (moving << 1) | carry | (*word & stay);
                carry = moving >> 63;
                alive |= *word;
            }
            if alive == 0 {
                return false;
            }
        }
        states
            .iter()
            .zip(self.end)
            .any(|(word, end)| word & end != 0)
    }

    fn leaves(&self, byte: u8) -> &States {
        let found = self
            .moves
            .binary_search_by_key(&byte, |(literal, _)| *literal)
            .ok();
        found
            .and_then(|index| self.moves.get(index))
            .map_or(&self.other, |(_, states)| states)
    }
}

fn only(state: usize) -> States {
    let mut states = [0; WORDS_MAX];
    insert(&mut states, state);
    states
}

/// Adds a state; compiled patterns have no state past the last word.
fn insert(states: &mut States, state: usize) {
    if let Some(word) = states.get_mut(state / 64) {
        *word |= 1 << (state % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::{PATTERN_CHARS_MAX, PathPattern, PatternError, first_match};
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, matches: bool) {
        assert_eq!(
            PathPattern::new(pattern).unwrap().matches(path),
            matches,
            "{pattern} {path}"
        );
    }

    #[test]
    fn a_star_crosses_slashes_and_the_ends_are_anchored() {
        check("/a*", "/a/b/c", true);
        check("*c", "/a/b/c", true);
        check("*b", "/a/b/c", false);
        check("/a/*/c", "/a/c", false);
        check("/a/*/c", "/a//c", true);
        check("a***b", "/axb", true);
        check("?a", "/a", false);
        check("?", "/x", true);
        check("/?", "//", true);
    }

    #[test]
    fn the_longest_pattern_uses_every_word() {
        let stem = "a".repeat(PATTERN_CHARS_MAX - 1);
        check(&format!("{stem}b"), &format!("/{stem}b"), true);
        check(&format!("{stem}b"), &format!("/{stem}c"), false);
        check(&format!("{stem}*"), &format!("/{stem}"), true);
        check(&"?".repeat(PATTERN_CHARS_MAX), &format!("/{stem}a"), true);
        check(&"?".repeat(PATTERN_CHARS_MAX), &format!("/{stem}"), false);
    }

    #[test]
    fn what_is_no_pattern() {
        for (text, error) in [
            ("", PatternError::Empty),
            (
                "/a b",
                PatternError::Character {
                    found: ' ',
                    offset: 2,
                },
            ),
            (
                "/%41",
                PatternError::Character {
                    found: '%',
                    offset: 1,
                },
            ),
            (
                "/\u{e9}",
                PatternError::Character {
                    found: '\u{e9}',
                    offset: 1,
                },
            ),
            (
                "/a#",
                PatternError::Character {
                    found: '#',
                    offset: 2,
                },
            ),
            (
                "/[a]",
                PatternError::Character {
                    found: '[',
                    offset: 1,
                },
            ),
            (&"a".repeat(PATTERN_CHARS_MAX + 1), PatternError::TooLong),
        ] {
            assert_eq!(PathPattern::new(text), Err(error), "{text:?}");
        }
        assert!(PathPattern::new("AZaz09_-.*$/~\"'@:+&?").is_ok());
    }

    #[test]
    fn the_first_match_wins_over_the_most_specific() {
        let patterns = ["/a*", "/a/b*"].map(|p| PathPattern::new(p).unwrap());
        assert_eq!(first_match(&patterns, "/a/b/c"), Some(0));
        assert_eq!(first_match(&patterns, "/b"), None);
        // Routed by the normalised path, without the query.
        assert_eq!(first_match(&patterns, "/x/../a?/b"), Some(0));
    }

    /// The rules as a recursion over pattern and path.
    fn obvious(pattern: &[u8], path: &[u8]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=path.len()).any(|skip| obvious(rest, &path[skip..])),
            ([b'?', rest @ ..], [_, path @ ..]) => obvious(rest, path),
            ([c, rest @ ..], [d, path @ ..]) => c == d && obvious(rest, path),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]
        #[test]
        fn the_machine_equals_the_recursion(pattern in "/[ab*?/]{0,8}", path in "/[ab/]{0,10}") {
            let machine = PathPattern::new(&pattern).unwrap();
            prop_assert_eq!(machine.matches(&path), obvious(pattern.as_bytes(), path.as_bytes()));
        }

        #[test]
        fn words_join_without_a_seam(
            head in "[ab]{55,70}", tail in "[ab]{0,70}", path in "[ab]{0,4}", star in prop::sample::select(vec!["", "*", "?", "*?"]),
        ) {
            let pattern = PathPattern::new(&format!("{head}{star}{tail}")).unwrap();
            let filled = format!("/{head}{path}{tail}");
            prop_assert_eq!(pattern.matches(&filled), obvious(format!("/{head}{star}{tail}").as_bytes(), filled.as_bytes()));
        }
    }
}
