//! Path patterns as languages: whether two overlap, whether one contains the other, and a path that shows it.
//!
//! `*` is any run of characters, slashes included; `?` is one; anything else is itself. Both questions are decided, not
//! sampled: on the product of the automata, over the characters of both patterns and one other.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// The longest pattern that is looked at, in characters. CloudFront takes 255.
pub const LENGTH_MAX: usize = 512;
/// The most states that are looked at before a question counts as undecided, and the worse answer is given.
const STATES_MAX: usize = 200_000;

/// A pattern with its leading slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Token {
    Char(char),
    One,
    Any,
}

impl Token {
    fn takes(self, c: char) -> bool {
        match self {
            Self::Char(own) => own == c,
            Self::One | Self::Any => true,
        }
    }
}

impl Pattern {
    /// The pattern as CloudFront reads it: `*.jpg` is `/*.jpg`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let slash = if text.starts_with('/') { "" } else { "/" };
        let text: String = slash.chars().chain(text.chars()).take(LENGTH_MAX).collect();
        let mut tokens: Vec<Token> = Vec::new();
        for c in text.chars() {
            let token = match c {
                '*' => Token::Any,
                '?' => Token::One,
                c => Token::Char(c),
            };
            // Two stars are one.
            if token != Token::Any || tokens.last() != Some(&Token::Any) {
                tokens.push(token);
            }
        }
        Self { text, tokens }
    }

    /// The pattern for every path.
    #[must_use]
    pub fn everything() -> Self {
        Self::new("/*")
    }

    /// The text, with its slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a path matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let mut states = self.start();
        for c in path.chars() {
            states = self.step(&states, c);
        }
        states.contains(&self.tokens.len())
    }

    /// The positions that are reached without reading, from these.
    fn closure(&self, mut states: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut open: Vec<usize> = states.iter().copied().collect();
        while let Some(at) = open.pop() {
            if self.tokens.get(at) == Some(&Token::Any) && states.insert(at + 1) {
                open.push(at + 1);
            }
        }
        states
    }

    fn start(&self) -> BTreeSet<usize> {
        self.closure(BTreeSet::from([0]))
    }

    fn step(&self, states: &BTreeSet<usize>, c: char) -> BTreeSet<usize> {
        let next = states.iter().filter_map(|at| {
            let token = *self.tokens.get(*at)?;
            token.takes(c).then_some(match token {
                Token::Any => *at,
                Token::Char(_) | Token::One => at + 1,
            })
        });
        self.closure(next.collect())
    }

    fn accepts(&self, states: &BTreeSet<usize>) -> bool {
        states.contains(&self.tokens.len())
    }
}

/// The characters that tell two patterns apart: their own, and one that neither has.
fn alphabet(a: &Pattern, b: &Pattern) -> Vec<char> {
    let own = a
        .tokens
        .iter()
        .chain(&b.tokens)
        .filter_map(|token| match token {
            Token::Char(c) => Some(*c),
            Token::One | Token::Any => None,
        });
    let mut own: BTreeSet<char> = own.collect();
    let other = ('a'..='z').chain('A'..='Z').chain('0'..='9');
    let other = other.into_iter().find(|c| !own.contains(c));
    own.extend(other.or(Some('~')));
    own.into_iter().collect()
}

/// The shortest path for which both automata are in states that `wanted` takes.
fn search(
    a: &Pattern,
    b: &Pattern,
    wanted: impl Fn(bool, bool) -> bool,
) -> Result<Option<String>, Undecided> {
    type State = (BTreeSet<usize>, BTreeSet<usize>);
    let alphabet = alphabet(a, b);
    let first: State = (a.start(), b.start());
    let mut seen: HashMap<State, Option<(State, char)>> = HashMap::from([(first.clone(), None)]);
    let mut open = VecDeque::from([first]);
    while let Some(state) = open.pop_front() {
        if wanted(a.accepts(&state.0), b.accepts(&state.1)) {
            let mut path = Vec::new();
            let mut at = &state;
            while let Some(Some((before, c))) = seen.get(at) {
                path.push(*c);
                at = before;
            }
            return Ok(Some(path.into_iter().rev().collect()));
        }
        if seen.len() > STATES_MAX {
            return Err(Undecided);
        }
        for c in &alphabet {
            let next = (a.step(&state.0, *c), b.step(&state.1, *c));
            if !seen.contains_key(&next) {
                seen.insert(next.clone(), Some((state.clone(), *c)));
                open.push_back(next);
            }
        }
    }
    Ok(None)
}

/// There are too many states to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecided;

/// The shortest path in both patterns.
///
/// # Errors
/// [`Undecided`]
pub fn overlap(a: &Pattern, b: &Pattern) -> Result<Option<String>, Undecided> {
    search(a, b, |in_a, in_b| in_a && in_b)
}

/// Whether every path of `b` is in `a`.
///
/// # Errors
/// [`Undecided`]
pub fn contains(a: &Pattern, b: &Pattern) -> Result<bool, Undecided> {
    search(a, b, |in_a, in_b| !in_a && in_b).map(|witness| witness.is_none())
}

#[cfg(test)]
mod tests {
    use super::{Pattern, contains, overlap};

    #[test]
    fn containment_is_of_languages() {
        let rows = [
            ("/*", "/media/*", true),
            ("*", "/media/*", true),
            ("/media/*", "/*", false),
            ("/files*", "/files/*", true),
            ("/files/*", "/files*", false),
            ("/a/*", "/a/b/*", true),
            ("/Files/*", "/files/*", false),
            ("*.jpg", "/a/?.jpg", true),
            ("/a?", "/ab", true),
            ("/ab", "/a?", false),
            ("/*a*", "/*ab*", true),
        ];
        for (a, b, holds) in rows {
            let decided = contains(&Pattern::new(a), &Pattern::new(b));
            assert_eq!(decided, Ok(holds), "{a} {b}");
        }
    }

    #[test]
    fn an_overlap_has_a_shortest_witness() {
        let rows = [
            ("*.jpg", "/media/*", Some("/media/.jpg")),
            ("/*/public/*", "/partners/*", Some("/partners/public/")),
            ("/a/*", "/b/*", None),
            ("/a?", "/ab", Some("/ab")),
        ];
        for (a, b, witness) in rows {
            let (a, b) = (Pattern::new(a), Pattern::new(b));
            let found = overlap(&a, &b).unwrap();
            assert_eq!(found.as_deref(), witness, "{a:?} {b:?}");
            if let Some(path) = found {
                assert!(a.matches(&path) && b.matches(&path), "{path}");
            }
        }
    }
}
