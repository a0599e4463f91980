//! Options of `start` about logs.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::wire::{LogPolicy, WhenFull, size};

/// Said for each option: a heading for all of them would go on over what follows.
const HEADING: &str = "Logs";
/// What `--time` means.
const PLAIN_TIME: &str = "YYYY-MM-DDTHH:mm:ss";

/// Where output goes, and how much of it is kept.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct LogArgs {
    /// File for standard output, or NULL for none [default: in PMDAEMON_HOME/logs]
    #[arg(help_heading = HEADING, short, long, alias = "output", value_name = "FILE")]
    pub out_file: Option<String>,
    /// File for standard error, or NULL for none [default: in PMDAEMON_HOME/logs]
    #[arg(help_heading = HEADING, short, long, alias = "error", value_name = "FILE")]
    pub error_file: Option<String>,
    /// File that gets both in order of arrival, besides the others; it is never deleted
    #[arg(help_heading = HEADING, short, long, alias = "log", value_name = "FILE")]
    pub log_file: Option<String>,
    /// The same files for all processes of the app, without their numbers
    #[arg(help_heading = HEADING, long)]
    pub merge_logs: bool,
    /// No log files at all
    #[arg(help_heading = HEADING, long, conflicts_with_all = ["out_file", "error_file", "log_file"])]
    pub disable_logs: bool,
    /// Close a file of this size and begin the next, or none: never [default: 10M]
    #[arg(help_heading = HEADING, long, value_name = "SIZE", allow_hyphen_values = true, value_parser = max_size)]
    pub log_max_size: Option<i64>,
    /// How many closed files of each log are kept, or none: no limit but that for all logs [default: 30]
    #[arg(help_heading = HEADING, long, value_name = "N", allow_hyphen_values = true, value_parser = max_files)]
    pub log_max_files: Option<i64>,
    /// Close and remove files as old as this, e.g. 7d, or none: at no age [default: none]
    #[arg(help_heading = HEADING, long, value_name = "TIME", allow_hyphen_values = true, value_parser = max_age)]
    pub log_max_age: Option<i64>,
    /// When the disk is full: block (the app waits) or drop (what it writes) [default: block]
    #[arg(help_heading = HEADING, long, value_name = "block|drop", value_parser = when_full)]
    pub log_policy: Option<WhenFull>,
    /// Show lines with their times; files hold exactly what the app wrote, without them
    #[arg(help_heading = HEADING, long)]
    pub time: bool,
    /// Show lines with their times in this form, e.g. "YYYY-MM-DD HH:mm:ss"
    #[arg(help_heading = HEADING, long, value_name = "FORMAT")]
    pub log_date_format: Option<String>,
}

impl LogArgs {
    /// As a part of a definition; `None` when nothing was said.
    pub fn define(&self) -> Option<LogPolicy> {
        let format = self.log_date_format.clone().or(self.time.then(|| PLAIN_TIME.to_owned()));
        let policy = LogPolicy {
            out_file: self.out_file.clone(),
            error_file: self.error_file.clone(),
            combined_file: self.log_file.clone(),
            merge: self.merge_logs.then_some(true),
            disable: self.disable_logs.then_some(true),
            max_size_bytes: self.log_max_size,
            max_files: self.log_max_files,
            max_age_ms: self.log_max_age,
            when_full: self.log_policy,
            date_format: format,
        };
        (policy != LogPolicy::default()).then_some(policy)
    }
}

fn max_size(text: &str) -> Result<i64, String> {
    match text {
        "0" | "none" => Ok(0),
        _ => match size::parse(text).map_err(|e| format!("{e}; or none for files that grow without end"))? {
            bytes @ 0..1024 => Err(format!("{bytes} bytes are too few: 1K at least")),
            bytes => Ok(bytes as i64),
        },
    }
}

fn when_full(text: &str) -> Result<WhenFull, String> {
    match text {
        "block" => Ok(WhenFull::Block),
        "drop" => Ok(WhenFull::Drop),
        _ => Err("use block (the app waits) or drop (what it writes is lost)".into()),
    }
}

fn max_files(text: &str) -> Result<i64, String> {
    match (text, text.parse()) {
        ("none", _) => Ok(-1),
        (_, Ok(number @ 0..=1_000_000)) => Ok(number),
        (_, Ok(_) | Err(_)) => {
            Err("use a number such as 30, 0 to keep no closed file, or none for no limit".into())
        }
    }
}

fn max_age(text: &str) -> Result<i64, String> {
    let time = match text {
        "0" | "none" => return Ok(0),
        _ => match text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
            Some(days) => Duration::from_secs(u64::from(days) * 86_400),
            None => values::time_with_unit(text).map_err(|e| format!("{e}; days are 7d; or none"))?,
        },
    };
    match time.as_millis() {
        0..1000 => {
            Err("a file is not removed before it is 1s old: use a time such as 12h or 7d, or none".into())
        }
        millis => Ok(millis as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        args: LogArgs,
    }

    fn parsed(line: &str) -> Result<Option<LogPolicy>, String> {
        let words = std::iter::once("x").chain(line.split_whitespace());
        Only::try_parse_from(words).map(|only| only.args.define()).map_err(|e| e.to_string())
    }

    #[test]
    fn every_option_becomes_a_member() {
        let line = "-o o.log -e NULL -l both.log --merge-logs --log-max-size 20M --log-max-files none --log-max-age 7d \
                    --log-policy drop --time";
        let expected = serde_json::json!({
            "out_file": "o.log", "error_file": "NULL", "combined_file": "both.log", "merge": true,
            "max_size_bytes": 20 << 20, "max_files": -1, "max_age_ms": 604_800_000, "when_full": "drop",
            "date_format": "YYYY-MM-DDTHH:mm:ss",
        });
        assert_eq!(serde_json::to_value(parsed(line).unwrap()).unwrap(), expected);
        let line = "--output o --error e --log l --log-max-size none --log-max-files 0 --log-max-age 0 --log-date-format HH:mm";
        let expected = serde_json::json!({
            "out_file": "o", "error_file": "e", "combined_file": "l", "max_size_bytes": 0, "max_files": 0,
            "max_age_ms": 0, "date_format": "HH:mm",
        });
        assert_eq!(serde_json::to_value(parsed(line).unwrap()).unwrap(), expected);
        assert_eq!(parsed(""), Ok(None));
        assert_eq!(parsed("--disable-logs").unwrap().unwrap().disable, Some(true));
    }

    #[test]
    fn what_is_no_limit_is_refused_with_an_example() {
        let check = |line: &str, word: &str| {
            let refused = parsed(line).unwrap_err();
            assert!(refused.contains(word), "{refused}");
        };
        check("--log-max-size 10", "10M");
        check("--log-max-size 10B", "1K");
        check("--log-max-size -5M", "none");
        check("--log-max-files many", "30");
        check("--log-max-files -1", "none");
        check("--log-max-age 7", "7d");
        check("--log-max-age 1ms", "7d");
        check("--log-policy both", "block");
        check("--disable-logs -o x", "--out-file");
    }
}
