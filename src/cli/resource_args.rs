//! Options of `start` about what an app may use and as whom it runs.

use clap::Args;

use crate::wire::{NewApp, size};

/// Said for each option: a heading for all of them would go on over what follows.
const HEADING: &str = "Limits";

/// What an app may use.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct ResourceArgs {
    /// Restart it when its processes use more memory than this together, e.g. 512M
    #[arg(help_heading = HEADING, long, alias = "max-memory-restart", value_name = "SIZE", allow_hyphen_values = true, value_parser = size)]
    pub max_memory: Option<i64>,
    /// Priority for the CPU, from -20 (first) to 19 (last)
    #[arg(help_heading = HEADING, long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-20..=19))]
    pub nice: Option<i64>,
    /// Run it as this user, by name or number (as root only)
    #[arg(help_heading = HEADING, short = 'u', long, alias = "user", value_name = "USER")]
    pub uid: Option<String>,
    /// Run it with this group, by name or number (as root only) [default: the user's]
    #[arg(help_heading = HEADING, long, alias = "group", value_name = "GROUP")]
    pub gid: Option<String>,
    /// How many files each of its processes may have open
    #[arg(help_heading = HEADING, long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=1 << 53))]
    pub max_open_files: Option<i64>,
    /// Largest core dump: a size, 0 for none, or unlimited
    #[arg(help_heading = HEADING, long, value_name = "SIZE", value_parser = core_size)]
    pub core_size: Option<i64>,
    /// Permission bits that new files do not get, e.g. 027 [default: 022]
    #[arg(help_heading = HEADING, long, value_name = "MASK", value_parser = umask)]
    pub umask: Option<String>,
    /// Its programs never gain rights by set-user-ID bits or file capabilities (sudo does nothing then) [default: with --uid]
    #[arg(help_heading = HEADING, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub no_new_privileges: Option<bool>,
}

impl ResourceArgs {
    /// Puts them into a definition.
    pub fn define(&self, app: NewApp) -> NewApp {
        NewApp {
            max_memory_bytes: self.max_memory,
            nice: self.nice,
            user: self.uid.clone(),
            group: self.gid.clone(),
            max_open_files: self.max_open_files,
            core_size_bytes: self.core_size,
            umask: self.umask.clone(),
            no_new_privileges: self.no_new_privileges,
            ..app
        }
    }
}

fn size(text: &str) -> Result<i64, String> {
    size::parse(text).map(|bytes| bytes as i64)
}

fn core_size(text: &str) -> Result<i64, String> {
    match text {
        "0" => Ok(0),
        "unlimited" => Ok(-1),
        _ => size(text).map_err(|e| format!("{e}; or 0 for none, or unlimited")),
    }
}

fn umask(text: &str) -> Result<String, String> {
    size::parse_umask(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        args: ResourceArgs,
    }

    fn parsed(line: &str) -> Result<NewApp, String> {
        let words = std::iter::once("x").chain(line.split_whitespace());
        Only::try_parse_from(words).map(|only| only.args.define(NewApp::default())).map_err(|e| e.to_string())
    }

    #[test]
    fn every_option_becomes_a_member() {
        let line = "--max-memory 1.5G --nice -5 --uid www --gid 33 --max-open-files 4096 --core-size unlimited \
                    --umask 027 --no-new-privileges";
        let expected = serde_json::json!({
            "script": "", "max_memory_bytes": 1_610_612_736, "nice": -5, "user": "www", "group": "33",
            "max_open_files": 4096, "core_size_bytes": -1, "umask": "027", "no_new_privileges": true,
        });
        assert_eq!(serde_json::to_value(parsed(line).unwrap()).unwrap(), expected);
        let other_words = "--max-memory-restart 100M --user 33 --group www --core-size 0 \
                           --no-new-privileges=false";
        let expected = serde_json::json!({
            "script": "", "max_memory_bytes": 104_857_600, "user": "33", "group": "www", "core_size_bytes": 0,
            "no_new_privileges": false,
        });
        assert_eq!(serde_json::to_value(parsed(other_words).unwrap()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_limit_is_refused_with_an_example() {
        let check = |line: &str, word: &str| assert!(parsed(line).unwrap_err().contains(word), "{line}");
        check("--max-memory 0", "100M");
        check("--max-memory -5M", "100M");
        check("--max-memory lots", "100M");
        check("--nice 20", "-20..=19");
        check("--umask 9", "027");
        check("--core-size big", "unlimited");
        check("--max-open-files 0", "1..");
    }
}
