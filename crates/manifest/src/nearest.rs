//! The nearest right word for a wrong one.

use strsim::{jaro_winkler, osa_distance};

/// Longer words are not compared.
const WORD_CHARS_MAX: usize = 64;
/// Only so many candidates are compared.
const CANDIDATES_MAX: usize = 2_000;

/// The candidate that `word` most likely meant, if any is near: the same but for case, or few typing mistakes away.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = word.chars().count();
    if length == 0 || length > WORD_CHARS_MAX {
        return None;
    }
    let given = word.to_lowercase();
    let mistakes_max = (length / 3).max(1);
    candidates
        .into_iter()
        .take(CANDIDATES_MAX)
        .filter(|c| c.chars().count() <= WORD_CHARS_MAX)
        .filter_map(|candidate| {
            let wanted = candidate.to_lowercase();
            let mistakes = osa_distance(&given, &wanted);
            let alike = jaro_winkler(&given, &wanted);
            // A word of two letters with one of them wrong is another word.
            let begun = wanted.len() >= 3 && given.starts_with(&wanted);
            let near = mistakes == 0
                || begun
                || (length > 2 && mistakes <= mistakes_max)
                || (length > 3 && alike > 0.88);
            near.then_some((mistakes, alike, candidate))
        })
        .min_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)))
        .map(|(_, _, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[track_caller]
    fn check(word: &str, candidates: &[&str], expected: Option<&str>) {
        assert_eq!(
            nearest(word, candidates.iter().copied()),
            expected,
            "{word}"
        );
    }

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        check("orgin", &["origin", "policy", "path"], Some("origin"));
        check("polcy", &["origin", "policy", "path"], Some("policy"));
        check("behaviours", &["behaviors", "networks"], Some("behaviors"));
        check("minimum", &["min", "max", "default"], Some("min"));
        check("de", &["DE", "FR"], Some("DE"));
        check("DX", &["DE", "FR"], None);
        check(
            "europe",
            &["launch-countries", "europe-only"],
            Some("europe-only"),
        );
        check("xyzzy", &["origin", "policy"], None);
        check("", &["origin"], None);
    }
}
