//! The one table: rows with a figure, a ratio and a bar, and what the bar makes of them.

use crate::measure::Ratio;
use serde::Serialize;
use std::fmt::Write as _;

/// What must hold of a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }

    fn number(self) -> f64 {
        match self {
            Self::AtMost(bound) | Self::AtLeast(bound) => bound,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::AtMost(bound) => format!("≤ {}{unit}", plain(bound)),
            Self::AtLeast(bound) => format!("≥ {}{unit}", plain(bound)),
        }
    }
}

/// Whether a bar is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The bar holds.
    Holds,
    /// And the stretch does.
    Stretch,
    /// The bar does not hold.
    FallsShort,
    /// Nothing was measured.
    Failed,
}

impl Verdict {
    fn text(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Stretch => "holds, stretch too",
            Self::FallsShort => "FALLS SHORT",
            Self::Failed => "FAILED",
        }
    }
}

/// Which number of a row the bar is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// The figure itself.
    Figure,
    /// The ratio to the other side.
    Ratio,
}

/// One row of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The group by which rows are chosen.
    pub group: &'static str,
    /// What is measured.
    pub name: String,
    /// Ours.
    pub figure: Option<f64>,
    /// The unit of the figure and of the other side's.
    pub unit: &'static str,
    /// The other side: a rival, or the same at another size.
    pub against: Option<Against>,
    /// Ours to theirs, or theirs to ours where the bar asks how many times faster ours is; without another side, the
    /// figure to its bar.
    pub ratio: Option<f64>,
    /// The lowest and highest ratio of any round.
    pub spread: Option<(f64, f64)>,
    /// How many samples each side had, in words.
    pub rounds: String,
    /// What must hold, in words.
    pub bar: String,
    /// What would be near the limit known, in words.
    pub stretch: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
    /// Anything that must be known to read the row, or why it failed.
    pub note: String,
}

/// The other side of a row.
#[derive(Debug, Clone, Serialize)]
pub struct Against {
    /// Who it is.
    pub name: String,
    /// Its figure, in the row's unit.
    pub figure: f64,
}

/// What a row must reach.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// Which number counts.
    pub judged: Judged,
    /// What must hold.
    pub bar: Bound,
    /// What would be near the limit known.
    pub stretch: Option<f64>,
}

impl Goal {
    /// A goal for the figure: no more than `bar`.
    #[must_use]
    pub fn figure(bar: f64, stretch: Option<f64>) -> Self {
        Self {
            judged: Judged::Figure,
            bar: Bound::AtMost(bar),
            stretch,
        }
    }

    /// A goal for ours as a multiple of theirs: no more than `bar`.
    #[must_use]
    pub fn at_most(bar: f64, stretch: Option<f64>) -> Self {
        Self {
            judged: Judged::Ratio,
            bar: Bound::AtMost(bar),
            stretch,
        }
    }

    /// A goal for how many times faster ours is: no less than `bar`.
    #[must_use]
    pub fn times_faster(bar: f64, stretch: Option<f64>) -> Self {
        Self {
            judged: Judged::Ratio,
            bar: Bound::AtLeast(bar),
            stretch,
        }
    }

    fn stretch_bound(self) -> Option<Bound> {
        self.stretch.map(|stretch| match self.bar {
            Bound::AtMost(_) => Bound::AtMost(stretch),
            Bound::AtLeast(_) => Bound::AtLeast(stretch),
        })
    }

    fn unit(self, unit: &str) -> String {
        match self.judged {
            Judged::Figure => format!(" {unit}"),
            Judged::Ratio => "×".to_owned(),
        }
    }

    fn verdict(self, value: f64) -> Verdict {
        if !self.bar.holds(value) {
            Verdict::FallsShort
        } else if self.stretch_bound().is_some_and(|bound| bound.holds(value)) {
            Verdict::Stretch
        } else {
            Verdict::Holds
        }
    }
}

impl Row {
    /// A row without a rival: its figure against its bar.
    #[must_use]
    pub fn figure(
        group: &'static str,
        name: impl Into<String>,
        figure: f64,
        unit: &'static str,
        goal: Goal,
    ) -> Self {
        let bar = goal.bar.number();
        Self {
            figure: Some(figure),
            ratio: (bar > 0.0).then(|| figure / bar),
            verdict: goal.verdict(figure),
            ..Self::empty(group, name.into(), unit, goal)
        }
    }

    /// A row with another side, by one figure each.
    #[must_use]
    pub fn compared(
        group: &'static str,
        name: impl Into<String>,
        figure: f64,
        unit: &'static str,
        against: (impl Into<String>, f64),
        goal: Goal,
    ) -> Self {
        let (who, theirs) = (against.0.into(), against.1);
        let ratio = match goal.bar {
            Bound::AtMost(_) => figure / theirs,
            Bound::AtLeast(_) => theirs / figure,
        };
        let judged = match goal.judged {
            Judged::Figure => figure,
            Judged::Ratio => ratio,
        };
        Self {
            figure: Some(figure),
            against: Some(Against {
                name: who,
                figure: theirs,
            }),
            ratio: ratio.is_finite().then_some(ratio),
            verdict: goal.verdict(judged),
            ..Self::empty(group, name.into(), unit, goal)
        }
    }

    /// A row that could not be measured. It is never left out.
    #[must_use]
    pub fn failed(
        group: &'static str,
        name: impl Into<String>,
        goal: Goal,
        unit: &'static str,
        why: impl ToString,
    ) -> Self {
        Self {
            note: why.to_string(),
            ..Self::empty(group, name.into(), unit, goal)
        }
    }

    fn empty(group: &'static str, name: String, unit: &'static str, goal: Goal) -> Self {
        let suffix = goal.unit(unit);
        Self {
            group,
            name,
            figure: None,
            unit,
            against: None,
            ratio: None,
            spread: None,
            rounds: String::new(),
            bar: goal.bar.text(&suffix),
            stretch: goal.stretch_bound().map(|bound| bound.text(&suffix)),
            verdict: Verdict::Failed,
            note: String::new(),
        }
    }

    /// With the spread of the rounds. `ratio` is ours to theirs.
    #[must_use]
    pub fn with_spread(mut self, ratio: Ratio) -> Self {
        let inverted = self.bar.starts_with('≥');
        self.spread = Some(if inverted {
            (1.0 / ratio.highest, 1.0 / ratio.lowest)
        } else {
            (ratio.lowest, ratio.highest)
        });
        self
    }

    /// With the number of samples, in words.
    #[must_use]
    pub fn with_rounds(mut self, rounds: impl Into<String>) -> Self {
        self.rounds = rounds.into();
        self
    }

    /// With what must be known to read it.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn cells(&self) -> [String; 7] {
        let against = self
            .against
            .as_ref()
            .map(|against| format!("{} ({})", number(against.figure, self.unit), against.name));
        let ratio = self.ratio.map(|ratio| format!("{}×", plain(ratio)));
        let spread = self
            .spread
            .map(|(low, high)| format!(" ({}–{})", plain(low), plain(high)));
        let ratio = ratio.map(|ratio| ratio + &spread.unwrap_or_default());
        let dash = || "–".to_owned();
        [
            self.name.clone(),
            self.figure
                .map_or_else(dash, |figure| number(figure, self.unit)),
            against.unwrap_or_else(dash),
            ratio.unwrap_or_else(dash),
            self.bar.clone(),
            self.stretch.clone().unwrap_or_else(dash),
            self.verdict.text().to_owned(),
        ]
    }
}

const HEAD: [&str; 7] = [
    "what",
    "ours",
    "against",
    "ratio (rounds)",
    "bar",
    "stretch",
    "verdict",
];

/// Everything one run has to say.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The machine, the versions, and how to repeat it.
    pub facts: Vec<(&'static str, String)>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Report {
    /// Whether every bar holds and everything was measured.
    #[must_use]
    pub fn all_hold(&self) -> bool {
        let holds = |row: &Row| matches!(row.verdict, Verdict::Holds | Verdict::Stretch);
        self.rows.iter().all(holds)
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(Row::cells).collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|cells| cells.get(column));
            let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            widest.max(HEAD.get(column).map_or(0, |head| head.chars().count()))
        };
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths);
            let padded = padded.map(|(cell, width)| format!("{cell:<width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut text = line(&HEAD.map(str::to_owned));
        for (row, cells) in self.rows.iter().zip(&rows) {
            let _ = write!(text, "\n{}", line(cells));
            for remark in [&row.rounds, &row.note] {
                if !remark.is_empty() {
                    let _ = write!(text, "\n    {remark}");
                }
            }
        }
        for (name, value) in &self.facts {
            let _ = write!(text, "\n{name}: {value}");
        }
        text.push('\n');
        text
    }

    /// For the documentation.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&HEAD.map(str::to_owned));
        text.push_str(&line(&HEAD.map(|_| "---".to_owned())));
        for (at, row) in self.rows.iter().enumerate() {
            let mut cells = row.cells();
            let [name, ..] = &mut cells;
            *name = format!("{} {name}", at + 1);
            text.push_str(&line(&cells));
        }
        text.push('\n');
        for (at, row) in self.rows.iter().enumerate() {
            let remarks = [row.rounds.as_str(), row.note.as_str()];
            let remarks: Vec<_> = remarks
                .into_iter()
                .filter(|remark| !remark.is_empty())
                .collect();
            if !remarks.is_empty() {
                let _ = writeln!(text, "- Row {}: {}.", at + 1, remarks.join("; "));
            }
        }
        text.push('\n');
        for (name, value) in &self.facts {
            let _ = writeln!(text, "- {name}: {value}");
        }
        text
    }
}

/// A figure with its unit.
fn number(figure: f64, unit: &str) -> String {
    format!("{} {unit}", plain(figure))
}

/// A number with as many digits as mean something.
fn plain(number: f64) -> String {
    if number.fract().abs() < 1e-9 && number.abs() < 1e15 {
        return grouped(number as i64);
    }
    match number.abs() {
        size if size >= 100.0 => grouped(number.round() as i64),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 0.1 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0 { format!("-{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Row, Verdict, plain};

    #[test]
    fn a_bar_is_met_at_the_bar_and_not_beyond() {
        let verdict = |figure, goal| Row::figure("g", "n", figure, "Ir", goal).verdict;
        let goal = Goal::figure(3_500.0, Some(2_000.0));
        assert_eq!(verdict(3_501.0, goal), Verdict::FallsShort);
        assert_eq!(verdict(3_500.0, goal), Verdict::Holds);
        assert_eq!(verdict(2_000.0, goal), Verdict::Stretch);
    }

    #[test]
    fn times_faster_is_theirs_to_ours() {
        let row = |ours| {
            let goal = Goal::times_faster(5.0, Some(10.0));
            Row::compared("g", "n", ours, "ns", ("them", 100.0), goal)
        };
        assert_eq!(row(20.0).ratio, Some(5.0));
        assert_eq!(row(20.0).verdict, Verdict::Holds);
        assert_eq!(row(25.0).verdict, Verdict::FallsShort);
        assert_eq!(row(10.0).verdict, Verdict::Stretch);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [155_973.0, 1_234.4, 33.33, 1.2345, 0.0123].map(plain);
        assert_eq!(shown, ["155,973", "1,234", "33.3", "1.23", "0.0123"]);
    }
}
