//! Which lines of unproven requests are written: a flood of them must not become a flood of log.

use std::sync::Mutex;

/// Lines of unproven requests in one second.
const LINES_PER_SECOND: u32 = 10;

/// Lets through the first lines of each second and counts the rest.
#[derive(Debug, Default)]
pub struct Sampler(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    at: u64,
    written: u32,
    left_out: u64,
}

impl Sampler {
    /// Whether a line may be written at `now` (seconds since the epoch): if so, how many were left out before it.
    #[must_use]
    pub fn admit(&self, now: u64) -> Option<u64> {
        let mut second = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if second.at != now {
            second.at = now;
            second.written = 0;
        }
        if second.written >= LINES_PER_SECOND {
            second.left_out = second.left_out.saturating_add(1);
            return None;
        }
        second.written += 1;
        Some(std::mem::take(&mut second.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::Sampler;

    #[test]
    fn a_flood_is_counted_not_written() {
        let sampler = Sampler::default();
        let written = (0..1_000).filter(|_| sampler.admit(5).is_some()).count();
        assert_eq!(written, 10);
        assert_eq!(
            sampler.admit(6),
            Some(990),
            "the next line says how many are missing"
        );
        assert_eq!(sampler.admit(6), Some(0));
    }
}
