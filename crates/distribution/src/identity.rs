//! The id and the domain name of a distribution that AWS has not named yet.
//!
//! Always holds: the same seed gives the same names, different seeds different ones as far as 64 bits can tell.
//! Deliberately absent: ids that CloudFront would give.

/// Id and domain name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) domain: String,
}

/// `E` and `d` with 13 letters and digits that follow from `seed` (FNV-1a).
pub(crate) fn derived(seed: &str) -> Identity {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let letters = (0..13).filter_map(|at| {
        let value = (hash >> (5 * at)) & 31;
        let letter = ALPHABET.get(usize::try_from(value).ok()?)?;
        Some(char::from(*letter))
    });
    let letters: String = letters.collect();
    Identity {
        domain: format!("d{}.cloudfront.net", letters.to_ascii_lowercase()),
        id: format!("E{letters}"),
    }
}
