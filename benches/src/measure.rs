//! Times of several things in one process, in turn, and what may be said of them.

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Duration;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds in which every side has its turn.
    pub rounds: usize,
    /// Operations of one turn, for operations of some tens of nanoseconds.
    pub operations: usize,
    /// Invocations of a function, in all.
    pub invocations: usize,
    /// Starts of each function.
    pub starts: usize,
}

impl Effort {
    /// What figures are published from.
    pub const FULL: Self = Self {
        rounds: 15,
        operations: 1 << 17,
        invocations: 10_000,
        starts: 30,
    };
    /// Enough to see that nothing is broken, too little to publish.
    pub const QUICK: Self = Self {
        rounds: 5,
        operations: 1 << 14,
        invocations: 1_000,
        starts: 5,
    };
}

/// The samples of one side, in the order of the rounds.
#[derive(Debug, Clone, Default)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// The middle one.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(self.0.clone())
    }
}

/// How one side compares with another.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// The ratio of the medians.
    pub of_medians: f64,
    /// The lowest ratio of any round.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

/// How `ours` compares with `theirs`; both have a sample for every round.
#[must_use]
pub fn ratio(ours: &Samples, theirs: &Samples) -> Ratio {
    let rounds = ours.0.iter().zip(&theirs.0).map(|(a, b)| a / b);
    Ratio {
        of_medians: ours.median() / theirs.median(),
        lowest: rounds.clone().fold(f64::INFINITY, f64::min),
        highest: rounds.fold(0.0, f64::max),
    }
}

/// The median; the upper one of an even number.
#[must_use]
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds of processor time of one operation of each side, round by round. On a machine that is shared, time on the
/// wall would measure the others. Each closure does `operations` operations in one turn; the
/// first turn of each warms it up and does not count.
pub fn in_turn<const SIDES: usize>(
    rounds: usize,
    operations: usize,
    mut sides: [&mut dyn FnMut(); SIDES],
) -> [Samples; SIDES] {
    let mut samples = std::array::from_fn(|_| Samples::default());
    for side in &mut sides {
        side();
    }
    for _ in 0..rounds {
        for (side, samples) in sides.iter_mut().zip(&mut samples) {
            let started = processor_time();
            side();
            let took = processor_time().saturating_sub(started);
            samples.0.push(took.as_secs_f64() * 1e9 / operations as f64);
        }
    }
    samples
}

/// What this thread has used of its processor.
fn processor_time() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(tv_nsec).unwrap_or(0))
}
