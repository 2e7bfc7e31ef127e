//! Counts by name in bounded memory.
//!
//! Always holds: a name that was counted often enough is among the results, with at most the error that is told (the
//! algorithm is "space saving", Metwally, Agrawal and El Abbadi, 2005).

use hashbrown::HashMap;
use serde::Serialize;

/// The names that are counted at once.
pub const NAMES_MAX: usize = 4_096;
/// The longest name that is kept, in bytes; longer ones are cut.
pub const NAME_BYTES_MAX: usize = 256;

/// Counts by name.
#[derive(Debug, Default)]
pub struct Tally {
    counts: HashMap<String, u64, foldhash::fast::FixedState>,
    /// The largest count that was given up for another name.
    given_up: u64,
    total: u64,
}

/// A name and how often it was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The name.
    pub name: String,
    /// How often; too high by `error` at most.
    pub count: u64,
    /// By how much the count may be too high.
    pub error: u64,
}

impl Tally {
    /// Counts a name once.
    pub fn count(&mut self, name: &str) {
        self.total += 1;
        let name = cut(name);
        if let Some(count) = self.counts.get_mut(name) {
            *count += 1;
            return;
        }
        if self.counts.len() >= NAMES_MAX {
            self.make_room();
        }
        self.counts.insert(name.to_owned(), self.given_up + 1);
    }

    /// Gives up the lower half of the counts at once, so that a name costs little on average.
    fn make_room(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let middle = counts.len() / 2;
        let (_, median, _) = counts.select_nth_unstable(middle);
        let median = *median;
        self.given_up = self.given_up.max(median);
        self.counts.retain(|_, count| *count > median);
    }

    /// How often anything was counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The names with the highest counts, at most `number`. One that may be there by chance, because its error is more than
    /// half of its count, is not told.
    #[must_use]
    pub fn top(&self, number: usize) -> Vec<Counted> {
        let mut all: Vec<Counted> = self
            .counts
            .iter()
            .map(|(name, count)| Counted {
                name: name.clone(),
                count: *count,
                error: self.given_up.min(*count - 1),
            })
            .filter(|one| one.error <= one.count / 2)
            .collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        all.truncate(number);
        all
    }
}

fn cut(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{NAMES_MAX, Tally};

    #[test]
    fn few_names_are_counted_exactly() {
        let mut tally = Tally::default();
        for name in ["a", "b", "a", "c", "a", "b"] {
            tally.count(name);
        }
        let top: Vec<_> = tally
            .top(2)
            .into_iter()
            .map(|c| (c.name, c.count, c.error))
            .collect();
        assert_eq!(top, [("a".to_owned(), 3, 0), ("b".to_owned(), 2, 0)]);
        assert_eq!(tally.total(), 6);
    }

    /// The bound of the algorithm: what is frequent is there, and no count is too low or too high by more than its error.
    #[test]
    fn many_names_take_bounded_memory_and_the_frequent_ones_stay() {
        let mut tally = Tally::default();
        for number in 0..200_000_u32 {
            tally.count(&format!("rare-{number}"));
            if number % 20 == 0 {
                tally.count("often");
            }
        }
        assert!(tally.counts.len() <= NAMES_MAX);
        let top = tally.top(1);
        assert_eq!(top[0].name, "often");
        assert!(top[0].count >= 10_000 && top[0].count - top[0].error <= 10_000);
    }
}
