//! Dates as logs write them: `2026-01-31` and `23:59:59`, in UTC.

/// The last day that is written, in days since 1970-01-01: 9999-12-31.
const DAYS_MAX: u64 = 2_932_896;

/// Seconds since 1970-01-01T00:00:00Z of a date and a time of day; `None` where either is none.
#[must_use]
pub fn seconds(date: &str, time: &str) -> Option<u64> {
    let [year, month, day] = numbers(date, b'-')?;
    let [hour, minute, second] = numbers(time, b':')?;
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    if !in_range {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days since 1970-01-01, by the rule of the proleptic Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years begin in March here, so that the leap day is the last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

/// A date and a time of day.
#[must_use]
pub fn written(seconds: u64) -> (String, String) {
    let (day, rest) = ((seconds / 86_400).min(DAYS_MAX), seconds % 86_400);
    let day = day + 719_468;
    let era = day / 146_097;
    let of_era = day % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (era * 400 + year, month + 3)
    } else {
        (era * 400 + year + 1, month - 9)
    };
    (
        format!("{year:04}-{month:02}-{of_month:02}"),
        format!("{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60),
    )
}

fn numbers(text: &str, between: u8) -> Option<[u64; 3]> {
    let mut parts = text.as_bytes().split(|byte| *byte == between);
    let mut next = || {
        let digits = parts.next().filter(|part| (1..=4).contains(&part.len()))?;
        digits.iter().try_fold(0, |number, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + u64::from(digit - b'0'))
        })
    };
    let found = [next()?, next()?, next()?];
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::{seconds, written};
    use proptest::prelude::*;

    #[test]
    fn dates_are_read() {
        assert_eq!(seconds("1970-01-01", "00:00:00"), Some(0));
        assert_eq!(seconds("2024-02-29", "12:00:01"), Some(1_709_208_001));
        assert_eq!(seconds("2000-03-01", "00:00:00"), Some(951_868_800));
        for (date, time) in [
            ("2024-13-01", "00:00:00"),
            ("2024-01-01", "24:00:00"),
            ("2024-01", "00:00:00"),
            ("", ""),
            ("2024-01-01", "00:00:00:00"),
            ("1969-12-31", "00:00:00"),
            ("99999-01-01", "00:00:00"),
        ] {
            assert_eq!(seconds(date, time), None, "{date} {time}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(second in 0_u64..=253_402_300_799) {
            let (date, time) = written(second);
            prop_assert_eq!(seconds(&date, &time), Some(second));
        }
    }
}
