//! Numbers as people read them.

/// `0 B`, `512.0 KiB`, `1.5 GiB`.
pub fn bytes(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    // 1023.95 and more would be shown as 1024.0.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// The two largest parts: `12s`, `5m 3s`, `3h 0m`, `2d 4h`.
pub fn span(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        (_, _, _) => format!("{days}d {}h", hours % 24),
    }
}

/// A configured time, exactly: `500ms`, `1s`, `1.5s`, `2m`.
pub fn setting(milliseconds: i64) -> String {
    match milliseconds {
        0 => "0".to_owned(),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

/// `0.0%`, `100.0%` for one busy core.
pub fn percent(percent: f64) -> String {
    format!("{percent:.1}%")
}

/// A time of the API (`2026-01-31T12:00:00.000Z`) in the zone of this host:
/// `2026-01-31 13:00:00`. What cannot be read is shown as it is.
pub fn local_time(rfc3339: &str) -> String {
    match rfc3339.parse::<jiff::Timestamp>() {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// `1 process`, `2 processes`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit_that_fits() {
        let check = |n: i64, text: &str| assert_eq!(bytes(n), text);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1.0 KiB");
        check(1536, "1.5 KiB");
        check(1024 * 1024 - 1, "1.0 MiB");
        check(512 * 1024 * 1024, "512.0 MiB");
        check(5 << 40, "5.0 TiB");
        check(5 << 50, "5120.0 TiB");
    }

    #[test]
    fn spans_have_two_parts() {
        let check = |seconds: i64, text: &str| assert_eq!(span(seconds * 1000), text);
        check(0, "0s");
        check(59, "59s");
        check(60, "1m 0s");
        check(3599, "59m 59s");
        check(3600, "1h 0m");
        check(86_399, "23h 59m");
        check(86_400, "1d 0h");
        check(-5, "0s");
    }

    #[test]
    fn settings_are_exact() {
        let check = |ms: i64, text: &str| assert_eq!(setting(ms), text);
        check(0, "0");
        check(1600, "1600ms");
        check(10_000, "10s");
        check(60_000, "1m");
        check(7_200_000, "2h");
    }
}
