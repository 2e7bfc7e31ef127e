//! The lines of a log, one after the other, under the rules of a site.

use crate::caching::{Cache, Ratio};
use crate::rules::{Rules, Said};
use crate::tally::{Counted, Tally};
use portcullis_access_log::read::{Entry, Lines, Unreadable};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many places of unreadable lines are kept for each reason.
pub const PLACES_MAX: usize = 3;

/// A log under new rules, compared with others or with what happened.
#[derive(Debug)]
pub struct Replay {
    rules: Rules,
    against: Option<Rules>,
    text: String,
    counts: Counts,
    refused: Changed,
    admitted: Changed,
    cache: Cache,
    cache_against: Cache,
    logged: Ratio,
    unreadable: BTreeMap<Unreadable, (u64, Vec<Place>)>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
}

/// How many lines there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests that were read.
    pub requests: u64,
    /// Of these, the ones the rules admit.
    pub admitted: u64,
    /// Requests without a country in the log, for which the database's was taken.
    pub country_assumed: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
}

/// Requests of which the rules say otherwise than before.
#[derive(Debug, Default)]
struct Changed {
    by_reason: Tally,
    by_country: Tally,
    by_path: Tally,
    /// The first, to look at.
    example: Option<String>,
}

/// The same as a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedReport {
    /// How many.
    pub requests: u64,
    /// By the code of the reason: why they are refused now, or were before.
    pub by_reason: Vec<Counted>,
    /// By country; `-` where the log has none.
    pub by_country: Vec<Counted>,
    /// By path.
    pub by_path: Vec<Counted>,
    /// The first of them.
    pub example: Option<String>,
}

/// What came of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many lines there were.
    pub counts: Counts,
    /// Requests that were admitted and would be refused.
    pub newly_refused: ChangedReport,
    /// Requests that were refused and would be admitted.
    pub newly_admitted: ChangedReport,
    /// What a cache would make of the requests by these rules.
    pub caching: Ratio,
    /// The same by the rules that these are compared with.
    pub caching_against: Option<Ratio>,
    /// What the log says came of them.
    pub caching_logged: Ratio,
    /// Lines that could not be read, by reason, with the first places.
    pub unreadable: Vec<UnreadableReport>,
}

/// Lines that could not be read for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadableReport {
    /// The reason.
    pub why: String,
    /// How many.
    pub lines: u64,
    /// The first places.
    pub first: Vec<Place>,
}

impl Changed {
    fn count(&mut self, entry: &Entry<'_>, reason: &str) {
        self.by_reason.count(reason);
        let country = &*entry.country;
        self.by_country
            .count(if country.is_empty() { "-" } else { country });
        self.by_path.count(&entry.path);
        if self.example.is_none() {
            let (method, path, viewer) = (&entry.method, &entry.path, &entry.viewer);
            self.example = Some(format!("{method} {path} from {viewer} at {}", entry.time));
        }
    }

    fn report(&self, top: usize) -> ChangedReport {
        ChangedReport {
            requests: self.by_reason.total(),
            by_reason: self.by_reason.top(top),
            by_country: self.by_country.top(top),
            by_path: self.by_path.top(top),
            example: self.example.clone(),
        }
    }
}

/// What was before: whether it was admitted, and the reason if it was not.
struct Before<'a> {
    admits: bool,
    reason: &'a str,
}

impl Replay {
    /// Under `rules`, compared with `against`; without it with what the log says happened: a decision where there is one,
    /// else a 403 is a refusal.
    #[must_use]
    pub fn new(rules: Rules, against: Option<Rules>) -> Self {
        Self {
            rules,
            against,
            text: String::new(),
            counts: Counts::default(),
            refused: Changed::default(),
            admitted: Changed::default(),
            cache: Cache::default(),
            cache_against: Cache::default(),
            logged: Ratio::default(),
            unreadable: BTreeMap::new(),
        }
    }

    /// Takes a line, without its end, of the file that `lines` reads; it is the `number`th, counted from 1.
    pub fn line(&mut self, lines: &mut Lines, line: &[u8], file: &str, number: u64) {
        match lines.read(line) {
            Ok(Some(entry)) => self.entry(&entry),
            Ok(None) => {}
            Err(why) => self.skip(why, file, number),
        }
    }

    fn skip(&mut self, why: Unreadable, file: &str, line: u64) {
        self.counts.unreadable += 1;
        let (count, places) = self.unreadable.entry(why).or_default();
        *count += 1;
        if places.len() < PLACES_MAX {
            let file = file.to_owned();
            places.push(Place { file, line });
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        let said = self.rules.say(entry, &mut self.text);
        let against = self
            .against
            .as_ref()
            .map(|rules| rules.say(entry, &mut self.text));
        self.counts.requests += 1;
        self.counts.admitted += u64::from(said.admits);
        self.counts.country_assumed += u64::from(said.country_assumed);
        let before = before(entry, against);
        match (before.admits, said.admits) {
            (true, false) => self.refused.count(entry, said.reason),
            (false, true) => self.admitted.count(entry, before.reason),
            _ => {}
        }
        play(&mut self.cache, self.rules.site(), said, entry);
        if let (Some(rules), Some(said)) = (&self.against, against) {
            play(&mut self.cache_against, rules.site(), said, entry);
        }
        log(&mut self.logged, entry);
    }

    /// What came of the lines so far, with at most `top` names in each list.
    #[must_use]
    pub fn report(&self, top: usize) -> Report {
        let unreadable = self.unreadable.iter();
        Report {
            counts: self.counts,
            newly_refused: self.refused.report(top),
            newly_admitted: self.admitted.report(top),
            caching: self.cache.ratio(),
            caching_against: self.against.as_ref().map(|_| self.cache_against.ratio()),
            caching_logged: self.logged,
            unreadable: unreadable
                .map(|(why, (lines, first))| UnreadableReport {
                    why: why.to_string(),
                    lines: *lines,
                    first: first.clone(),
                })
                .collect(),
        }
    }
}

fn before<'a>(entry: &'a Entry<'_>, against: Option<Said>) -> Before<'a> {
    if let Some(said) = against {
        return Before {
            admits: said.admits,
            reason: said.reason,
        };
    }
    match &entry.decided {
        Some(decided) => Before {
            admits: matches!(&*decided.verdict, "admitted" | "reported"),
            reason: &decided.reason,
        },
        None => Before {
            admits: entry.status != 403,
            reason: "403",
        },
    }
}

fn play(cache: &mut Cache, site: &portcullis_site::Site, said: Said, entry: &Entry<'_>) {
    match said.behavior {
        Some(behavior) if said.admits => cache.play(site, behavior, entry),
        _ => cache.leave_out(),
    }
}

/// What the log says came of a request.
fn log(logged: &mut Ratio, entry: &Entry<'_>) {
    match &*entry.result {
        "Hit" | "RefreshHit" => logged.hits += 1,
        "Miss" => logged.misses += 1,
        _ => logged.left_out += 1,
    }
}
