//! Values of options: numbers of instances, variables, times.

use std::str::FromStr;
use std::time::Duration;

use regex::Regex;

use crate::wire::span;

/// How many processes an app gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instances {
    /// So many.
    Exactly(i64),
    /// One per CPU, less so many, at least one.
    CpusLess(i64),
}

impl Instances {
    /// The number on a host with that many CPUs.
    pub fn on(self, cpus: i64) -> i64 {
        match self {
            Instances::Exactly(number) => number,
            Instances::CpusLess(less) => (cpus - less).max(1),
        }
    }
}

/// Reads `4`, `max` or `-1`.
pub fn instances(text: &str) -> Result<Instances, String> {
    match text {
        "max" => return Ok(Instances::CpusLess(0)),
        "-1" => return Ok(Instances::CpusLess(1)),
        "0" => return Err("0 processes cannot run: use max for one per CPU".into()),
        _ => {}
    }
    match i64::from_str(text) {
        Ok(number @ 1..=1000) => Ok(Instances::Exactly(number)),
        Ok(_) | Err(_) => Err("use a number from 1 to 1000, max for one per CPU, or -1 for one less".into()),
    }
}

/// What a number of processes is to become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    /// So many.
    To(Instances),
    /// So many more, or fewer.
    By(i64),
}

/// Reads `6`, `max`, `+2` or `-1`.
pub fn scale(text: &str) -> Result<Scale, String> {
    if let Some(signed) = text.strip_prefix(['+', '-']) {
        let most = i64::from_str(signed).ok().filter(|n| (1..=1000).contains(n));
        let by = most.ok_or("use +1 to +1000 for more processes, -1 to -1000 for fewer")?;
        return Ok(Scale::By(if text.starts_with('-') { -by } else { by }));
    }
    if text == "0" {
        return Err("an app has at least one process: use stop or delete".into());
    }
    instances(text).map(Scale::To).map_err(|_| "use a number from 1 to 1000, max, +2 or -1".into())
}

/// Reads a reference. A relative path counts from here, so the daemon gets it as an absolute one.
pub fn reference(text: &str) -> Result<String, String> {
    let is_pattern = text.len() > 2 && text.starts_with('/') && text.ends_with('/');
    if !text.contains('/') || is_pattern || text.starts_with('/') || text.contains(':') {
        return Ok(text.to_owned());
    }
    let here = std::env::current_dir().map_err(|e| format!("the current directory is not usable: {e}"))?;
    here.join(text).into_os_string().into_string().map_err(|_| "this path is not UTF-8".into())
}

/// Reads `90%`, or `90`.
pub fn percent(text: &str) -> Result<i64, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let above_zero = i64::from_str(number).ok().filter(|number| *number > 0);
    above_zero.ok_or_else(|| "use a whole number above 0, for example 90%".to_owned())
}

/// Reads days: `14d`, or `14`.
pub fn days(text: &str) -> Result<i64, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    let above_zero = i64::from_str(number).ok().filter(|number| *number > 0);
    above_zero.ok_or_else(|| "use a whole number of days above 0, for example 14d".to_owned())
}

/// Reads a regular expression.
pub fn regex(text: &str) -> Result<Regex, String> {
    // The last line of several says what is wrong.
    let wrong = |e: regex::Error| e.to_string().lines().last().unwrap_or_default().trim().to_owned();
    Regex::new(text).map_err(wrong)
}

/// A word after `--env`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EnvWord {
    /// A variable.
    Variable(String, String),
    /// The variables that a file has in `env_NAME`.
    Environment(String),
}

/// Reads `KEY=VALUE`, or the name of an environment.
pub fn env_word(text: &str) -> Result<EnvWord, String> {
    match text.contains('=') {
        true => variable(text).map(|(key, value)| EnvWord::Variable(key, value)),
        false if text.is_empty() => variable(text).map(|(key, value)| EnvWord::Variable(key, value)),
        false => Ok(EnvWord::Environment(text.to_owned())),
    }
}

/// Reads `KEY=VALUE`; the value may be empty and may hold `=`.
pub fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("a variable needs a name before the =: use KEY=VALUE".into()),
        Some((key, value)) => Ok((variable_name(key)?, value.to_owned())),
        None => Err(format!("a variable needs a value: use {text}=VALUE")),
    }
}

/// A name that shells and programs can ask for.
pub fn variable_name(name: &str) -> Result<String, String> {
    match name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
        true => {
            Err(format!("{name:?} cannot be the name of a variable: leave out spaces and =, like LOG_LEVEL"))
        }
        false => Ok(name.to_owned()),
    }
}

/// Reads a time above zero: `500ms`, `5s`, `1m`, `2h`; a bare number is milliseconds.
pub fn time(text: &str) -> Result<Duration, String> {
    match delay(text)? {
        Duration::ZERO => Err("must be longer than 0, for example 5s".into()),
        time => Ok(time),
    }
}

/// Reads a time above zero that says its unit: `500ms`, `5s`, `1m`.
pub fn time_with_unit(text: &str) -> Result<Duration, String> {
    match span::parse(text, None)? {
        Duration::ZERO => Err("must be longer than 0, for example 5s".into()),
        time => Ok(time),
    }
}

/// Reads a time like [`time`], or 0.
pub fn delay(text: &str) -> Result<Duration, String> {
    span::parse(text, Some(Duration::from_millis(1)))
}

/// Reads a time above zero; a bare number is seconds: `2`, `0.5`, `500ms`.
pub fn interval(text: &str) -> Result<Duration, String> {
    match span::parse(text, Some(Duration::from_secs(1)))? {
        Duration::ZERO => Err("must be longer than 0, for example 2 or 0.5".into()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_in_seconds_unless_it_has_a_unit() {
        let check = |text: &str, ms: u64| assert_eq!(interval(text), Ok(Duration::from_millis(ms)), "{text}");
        check("2", 2_000);
        check("0.5", 500);
        check("250ms", 250);
        check("1m", 60_000);
        for text in ["0", "0.0", "0s", "-1", "", "often", "0.0000000001"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_with_a_unit_or_as_milliseconds() {
        let check = |text: &str, ms: u64| assert_eq!(delay(text), Ok(Duration::from_millis(ms)), "{text}");
        check("500ms", 500);
        check("5s", 5_000);
        check("1m", 60_000);
        check("2h", 7_200_000);
        check("1600", 1_600);
        check("1.5s", 1_500);
        check("0", 0);
        for text in ["", "-5s", "soon", "s", "1.2.3s", "١s"] {
            assert!(delay(text).is_err(), "{text}");
        }
        assert!(time("0").unwrap_err().contains("for example 5s"));
        assert!(time("0s").is_err());
    }

    #[test]
    fn instances_are_a_number_max_or_one_less() {
        let check = |text: &str, on_four: i64| assert_eq!(instances(text).unwrap().on(4), on_four, "{text}");
        check("2", 2);
        check("max", 4);
        check("-1", 3);
        assert_eq!(instances("-1").unwrap().on(1), 1);
        assert!(instances("0").unwrap_err().contains("max"));
        for text in ["", "-2", "1001", "two", "1.5"] {
            assert!(instances(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_scale_is_a_number_or_a_difference() {
        assert_eq!(scale("6"), Ok(Scale::To(Instances::Exactly(6))));
        assert_eq!(scale("max"), Ok(Scale::To(Instances::CpusLess(0))));
        assert_eq!(scale("+2"), Ok(Scale::By(2)));
        assert_eq!(scale("-1"), Ok(Scale::By(-1)));
        for text in ["", "0", "+", "-", "+0", "--1", "two", "1001", "+1001"] {
            assert!(scale(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_relative_path_is_made_absolute() {
        for text in ["web", "/^web/", "/srv/app.js", "ns:blue", "3", "app.js"] {
            assert_eq!(reference(text).as_deref(), Ok(text));
        }
        assert!(reference("./app.js").unwrap().ends_with("/./app.js"));
        assert!(reference("sub/app.js").unwrap().starts_with('/'));
    }

    #[test]
    fn percent_and_days_may_say_their_unit() {
        assert_eq!((percent("90%"), percent("150")), (Ok(90), Ok(150)));
        assert_eq!((days("14d"), days("14")), (Ok(14), Ok(14)));
        for text in ["", "%", "0%", "-1%", "1.5%", "much", "90 %"] {
            assert!(percent(text).is_err(), "{text}");
        }
        for text in ["", "d", "0d", "2h", "1.5d"] {
            assert!(days(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_variable_is_split_at_its_first_equals_sign() {
        assert_eq!(variable("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(variable("A="), Ok(("A".into(), "".into())));
        assert!(variable("FOO").unwrap_err().contains("FOO=VALUE"));
        assert!(variable("=x").unwrap_err().contains("name before"));
    }
}
