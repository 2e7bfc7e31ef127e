//! HTTP dates (RFC 9110 §5.6.7).
//!
//! All three forms are read: IMF-fixdate, RFC 850 and asctime. Only IMF-fixdate is written. A date that does not exist,
//! such as 30 February or a Monday that was a Sunday, is none: RFC 9110 asks a recipient to ignore a condition whose
//! date is invalid. An RFC 850 year of two digits reads 70 to 99 as 1970 to 1999 and the rest as 2000 to 2069, whatever
//! the present year is, because no clock is read here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second a date can name: 9999-12-31T23:59:59Z, as the year is written with four digits.
pub const EPOCH_SECONDS_MAX: u64 = 253_402_300_799;

/// The longest text read as a date, in bytes: RFC 850 with `Wednesday` has 33.
pub const DATE_BYTES_MAX: usize = 40;

/// A date as HTTP can write it: a whole second from 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate(u64);

impl HttpDate {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Reads a date in any of the three forms; `None` when it is not one, or lies before 1970.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        if value.len() > DATE_BYTES_MAX {
            return None;
        }
        let written: httpdate::HttpDate = std::str::from_utf8(value).ok()?.parse().ok()?;
        let since_epoch = SystemTime::from(written).duration_since(UNIX_EPOCH).ok()?;
        Self::from_epoch_seconds(since_epoch.as_secs())
    }

    /// The date of a second since the epoch; `None` past [`EPOCH_SECONDS_MAX`].
    #[must_use]
    pub fn from_epoch_seconds(seconds: u64) -> Option<Self> {
        (seconds <= EPOCH_SECONDS_MAX).then_some(Self(seconds))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn epoch_seconds(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for HttpDate {
    /// Writes IMF-fixdate, the one form a sender generates.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(self.0)).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{EPOCH_SECONDS_MAX, HttpDate};
    use proptest::prelude::*;

    #[track_caller]
    fn check(value: &str, expected: Option<u64>) {
        let found = HttpDate::parse(value.as_bytes()).map(HttpDate::epoch_seconds);
        assert_eq!(found, expected, "{value:?}");
    }

    #[test]
    fn rfc9110_5_6_7_the_three_forms_name_the_same_second() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for not in [
            "",
            "0",
            "-1",
            "now",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 30 Feb 2025 08:49:37 GMT",
            "Sat, 29 Feb 2025 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37 GMT Sun, 06 Nov 1994 08:49:37 GMT",
            "S\u{fc}n, 06 Nov 1994 08:49:37 GMT",
        ] {
            check(not, None);
        }
        assert_eq!(HttpDate::parse(b"\xff\xfe"), None);
    }

    #[test]
    fn leap_days_exist() {
        check("Thu, 29 Feb 2024 00:00:00 GMT", Some(1_709_164_800));
        check("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400));
    }

    #[test]
    fn the_last_second_is_written_and_the_next_refused() {
        let last = HttpDate::from_epoch_seconds(EPOCH_SECONDS_MAX).unwrap();
        assert_eq!(last.to_string(), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(HttpDate::parse(last.to_string().as_bytes()), Some(last));
        assert_eq!(HttpDate::from_epoch_seconds(EPOCH_SECONDS_MAX + 1), None);
    }

    proptest! {
        #[test]
        fn a_written_date_reads_back(seconds in 0..=EPOCH_SECONDS_MAX) {
            let date = HttpDate::from_epoch_seconds(seconds).unwrap();
            prop_assert_eq!(HttpDate::parse(date.to_string().as_bytes()), Some(date));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
            let _ = HttpDate::parse(&bytes);
        }
    }
}
