//! The machine's clock and its randomness.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many random bytes are asked for at once where many are needed.
const DRAWN: usize = 4_096;

/// Now, in milliseconds since 1970-01-01T00:00:00Z.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// Random bytes; zeros where there is no randomness, which only makes ids repeat.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ids_repeat = getrandom::fill(&mut bytes);
    bytes
}

/// The same for the ids of many requests: drawn from the system a page at a time, each byte given once.
pub(crate) fn many_random<const N: usize>() -> [u8; N] {
    thread_local! {
        static PAGE: RefCell<(usize, [u8; DRAWN])> = const { RefCell::new((DRAWN, [0; DRAWN])) };
    }
    PAGE.with_borrow_mut(|(used, page)| {
        if *used + N > DRAWN {
            *page = random();
            *used = 0;
        }
        let mut bytes = [0; N];
        if let Some(fresh) = page.get(*used..*used + N) {
            bytes.copy_from_slice(fresh);
        }
        *used += N;
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::many_random;
    use std::collections::HashSet;

    #[test]
    fn no_bytes_are_given_twice() {
        let drawn: HashSet<[u8; 24]> = (0..10_000).map(|_| many_random()).collect();
        assert_eq!(drawn.len(), 10_000);
    }
}
