//! Numbers and words as people read them. `web/format.js` does the same for live values; both are
//! held to `web/tests/format_cases.json`.

use crate::wire::{LastExit, Role};

/// What stands for "not known" and "not running".
pub const NOTHING: &str = "-";

/// A share of one core: `3.4%`.
pub fn cpu(percent: f64) -> String {
    format!("{:.1}%", (percent * 10.0).round() / 10.0)
}

/// A size in binary units, three digits or one decimal: `812 B`, `18.4 MiB`, `512 MiB`.
pub fn bytes(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes.max(0) as f64;
    let mut unit = 0;
    // 1023.5 would be shown as 1024 of this unit: it is 1.0 of the next.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let tenths = (value * 10.0).round() / 10.0;
    if unit == 0 || tenths >= 100.0 {
        format!("{:.0} {}", value.round(), UNITS[unit])
    } else {
        format!("{tenths:.1} {}", UNITS[unit])
    }
}

/// A time span by its two largest units: `42s`, `3m 7s`, `5h 3m`, `12d 4h`.
pub fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if minutes == 0 {
        format!("{seconds}s")
    } else if hours == 0 {
        format!("{minutes}m {}s", seconds % 60)
    } else if days == 0 {
        format!("{hours}h {}m", minutes % 60)
    } else {
        format!("{days}d {}h", hours % 24)
    }
}

/// A setting in milliseconds: `250 ms`, `1.5 s`, `10 s`, `2m 0s`.
pub fn span(milliseconds: i64) -> String {
    match milliseconds {
        ..1000 => format!("{milliseconds} ms"),
        1000..60_000 if milliseconds % 1000 != 0 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        1000..60_000 => format!("{} s", milliseconds / 1000),
        _ => duration(milliseconds),
    }
}

/// So many of something: `1 thread`, `3 threads`.
pub fn count(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Ports: `3000 3001`.
pub fn ports(ports: &[i64]) -> String {
    ports.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

/// Load averages: `0.42 0.40 0.35`.
pub fn load(averages: &[f64]) -> String {
    let two_digits = |average: &f64| format!("{:.2}", (average * 100.0).round() / 100.0);
    averages.iter().map(two_digits).collect::<Vec<_>>().join(" ")
}

/// A part of a whole in percent, 0 to 100; 0 of nothing.
pub fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole * 1000.0).round().clamp(0.0, 1000.0) / 10.0 } else { 0.0 }
}

/// The role's word.
pub fn role(role: &Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Deployer => "deployer",
        Role::Admin => "admin",
    }
}

/// How a run ended: `exit code 1`, `SIGKILL`, `end not seen`.
pub fn exit(exit: &LastExit) -> String {
    match (exit.code, &exit.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => signal.clone(),
        (None, None) => "end not seen".to_owned(),
    }
}

/// The icon and colour of a status word. Words may be added to the API: those look neutral.
pub fn look(status: &str) -> &'static str {
    match status {
        "starting" => "starting",
        "online" => "online",
        "stopping" => "stopping",
        "stopped" => "stopped",
        "errored" => "errored",
        "restarting" => "restarting",
        _ => "other",
    }
}

/// The colour of a health word. Words may be added to the API: those look neutral.
pub fn health_look(health: &str) -> &'static str {
    match health {
        "healthy" => "healthy",
        "unhealthy" => "unhealthy",
        _ => "unknown",
    }
}

/// A log line without escape sequences and control characters; tabs stay.
pub fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_until_final(&mut rest),
            '\t' => plain.push('\t'),
            _ if character.is_control() => {}
            _ => plain.push(character),
        }
    }
    plain
}

/// Skips what follows ESC: a control sequence, a string (OSC, DCS, ...) or a short sequence.
fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next() {
        Some('[') => skip_until_final(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            // Up to BEL or ESC \; a line that ends earlier ends it too.
            while let Some(character) = rest.next() {
                if character == '\u{7}' || character == '\u{9c}' {
                    return;
                }
                if character == '\u{1b}' {
                    rest.next_if_eq(&'\\');
                    return;
                }
            }
        }
        // Intermediates, then one final character: ESC ( B and the like.
        Some(' '..='/') => {
            while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
            rest.next();
        }
        Some(_) | None => {}
    }
}

/// Skips parameters and intermediates of a control sequence, and its final character.
fn skip_until_final(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
    rest.next_if(|c| ('@'..='~').contains(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_the_shared_cases_say() {
        let cases: serde_json::Value =
            serde_json::from_str(include_str!("../../web/tests/format_cases.json")).unwrap();
        let check = |kind: &str, format: &dyn Fn(&serde_json::Value) -> String| {
            let cases = cases[kind].as_array().unwrap();
            assert!(!cases.is_empty(), "no cases for {kind}");
            for case in cases {
                assert_eq!(format(&case[0]), case[1].as_str().unwrap(), "{kind} of {}", case[0]);
            }
        };
        check("cpu", &|v| cpu(v.as_f64().unwrap()));
        check("bytes", &|v| bytes(v.as_i64().unwrap()));
        check("duration", &|v| duration(v.as_i64().unwrap()));
        check("load", &|v| {
            load(&v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>())
        });
    }

    #[test]
    fn a_log_line_loses_its_escapes_and_nothing_else() {
        let check = |line: &str, expected: &str| assert_eq!(plain(line), expected, "{line:?}");
        check("plain ünïcode 日本 <b>", "plain ünïcode 日本 <b>");
        check("\u{1b}[31;1merror\u{1b}[0m: no", "error: no");
        check("\u{1b}]0;title\u{7}after", "after");
        check("\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link");
        check("\u{1b}(Bx\u{1b}7y", "xy");
        check("a\tb\r\u{8}c", "a\tbc");
        check("\u{9b}31mred", "red");
        check("broken \u{1b}[", "broken ");
        check("broken \u{1b}", "broken ");
    }

    #[test]
    fn a_share_stays_between_0_and_100() {
        assert_eq!(share(1.0, 3.0), 33.3);
        assert_eq!(share(5.0, 0.0), 0.0);
        assert_eq!(share(9.0, 3.0), 100.0);
    }
}
