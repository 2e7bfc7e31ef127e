//! Durations as a manifest writes them: a whole number and one unit.

use super::meant;
use crate::shape::Mistake;
use portcullis_site::Seconds;

/// The seconds in a duration such as `10m`.
pub(crate) fn seconds(text: &str) -> Option<Seconds> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let plain =
        !digits.is_empty() && digits.len() <= 10 && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| plain)?;
    Seconds::new(number.checked_mul(factor)?).ok()
}

pub(super) fn check(text: &str) -> Result<(), Mistake> {
    if seconds(text).is_some() {
        return Ok(());
    }
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = text
        .get(number.len()..)
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    let unit = match unit.as_str() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "w" | "week" | "weeks" => return Err(weeks(number)),
        _ => return Err(Mistake::default()),
    };
    let whole = format!("{number}{unit}");
    Err(if seconds(&whole).is_some() {
        meant(whole)
    } else {
        Mistake::default()
    })
}

fn weeks(number: &str) -> Mistake {
    let days = number
        .parse::<u32>()
        .ok()
        .and_then(|n| n.checked_mul(7))
        .map(|days| format!("{days}d"));
    days.filter(|days| seconds(days).is_some())
        .map_or_else(Mistake::default, meant)
}

#[cfg(test)]
mod tests {
    use super::{check, seconds};

    #[test]
    fn durations_are_read_strictly() {
        for (text, expected) in [
            ("0s", 0),
            ("90s", 90),
            ("10m", 600),
            ("12h", 43_200),
            ("30d", 2_592_000),
        ] {
            assert_eq!(
                seconds(text).map(portcullis_site::Seconds::get),
                Some(expected),
                "{text}"
            );
        }
        for text in [
            "",
            "s",
            "10",
            "1.5h",
            "-1s",
            "1w",
            "10 m",
            "99999999999s",
            "36501d",
            "1é",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn the_nearest_duration_is_proposed() {
        for (text, expected) in [
            ("10", "10s"),
            ("5min", "5m"),
            ("2 hours", "2h"),
            ("1w", "7d"),
            ("3D", "3d"),
        ] {
            assert_eq!(
                check(text).unwrap_err().nearest.as_deref(),
                Some(expected),
                "{text}"
            );
        }
        assert_eq!(check("1.5h").unwrap_err().nearest, None);
    }
}
