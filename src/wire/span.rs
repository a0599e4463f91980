//! Time spans as people write them.

use std::time::Duration;

/// Reads `500ms`, `5s`, `1m`, `2h` or `1.5s` (acceptance row R10). A number without a unit counts
/// in `bare`, or is refused if that is absent.
///
/// # Errors
/// One sentence with an example.
pub fn parse(text: &str, bare: Option<Duration>) -> Result<Duration, String> {
    let trimmed = text.trim().to_ascii_lowercase();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let unit = match (unit.trim(), bare) {
        ("ms", _) => Duration::from_millis(1),
        ("s", _) => Duration::from_secs(1),
        ("m" | "min", _) => Duration::from_secs(60),
        ("h", _) => Duration::from_secs(3600),
        ("d", _) => Duration::from_secs(86_400),
        ("", Some(bare)) => bare,
        ("", None) if !number.is_empty() => {
            return Err(format!("{text:?} has no unit: write {number}s, {number}ms or {number}m"));
        }
        (_, _) => return Err(format!("{text:?} is not a time span: write 500ms, 5s, 1m or 2h")),
    };
    let number: f64 =
        number.parse().map_err(|_| format!("{text:?} is not a time span: write 500ms, 5s, 1m or 2h"))?;
    Duration::try_from_secs_f64(number * unit.as_secs_f64())
        .ok()
        .filter(|span| *span <= Duration::from_secs(366 * 86_400))
        .ok_or_else(|| format!("{text:?} is too long: the longest time span is 366d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_with_a_unit() {
        let check =
            |text: &str, ms: u64| assert_eq!(parse(text, None), Ok(Duration::from_millis(ms)), "{text}");
        check("500ms", 500);
        check("5s", 5_000);
        check("1.5s", 1_500);
        check("1m", 60_000);
        check("2H", 7_200_000);
        assert_eq!(parse("1600", Some(Duration::from_millis(1))), Ok(Duration::from_millis(1600)));
        for bad in ["", "s", "-5s", "5 parsecs", "1e9h", "999999999h", "..s"] {
            assert!(parse(bad, None).is_err(), "{bad}");
        }
        assert!(parse("30", None).unwrap_err().contains("30s"));
    }
}
