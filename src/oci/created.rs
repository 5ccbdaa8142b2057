//! When an image was made.

/// The seconds since 1970 of a time as RFC 3339 writes it, such as `2026-01-05T08:00:00.5+01:00`; none where the text is no
/// time. Fractions of a second are left out.
#[must_use]
pub fn seconds(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let is = |at: usize, of: &[u8]| {
        text.as_bytes()
            .get(at)
            .is_some_and(|byte| of.contains(byte))
    };
    let separated = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !separated
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
    {
        return None;
    }
    let rest = text.get(19..)?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone {
        "Z" | "z" => 0,
        zone => {
            let at = text.len() - zone.len();
            let sign = match zone.chars().next()? {
                '+' => 1,
                '-' => -1,
                _ => return None,
            };
            sign * (number(at + 1..at + 3)? * 60 + number(at + 4..at + 6)?)
        }
    };
    Some(days(year, month, day) * 86_400 + hour * 3600 + (minute - offset) * 60 + second)
}

/// The days since 1970 of a date of the Gregorian calendar
/// (<https://howardhinnant.github.io/date_algorithms.html#days_from_civil>).
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-05T08:00:00Z", Some(1_767_600_000)),
            ("2026-01-05T09:00:00.500849935+01:00", Some(1_767_600_000)),
            ("2026-01-05T02:30:00-05:30", Some(1_767_600_000)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800)),
            ("2026-13-05T08:00:00Z", None),
            ("2026-01-05", None),
            ("yesterday", None),
            ("2026-01-05T08:00:00é", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
