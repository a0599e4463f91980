//! Options of `start` about files whose changes restart an app.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::error::CliError;
use crate::wire::{FileWatch, NewApp, span};

/// Said for each option: a heading for all of them would go on over what follows.
const HEADING: &str = "Watching";

/// What is watched.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct WatchArgs {
    /// Restart it when a file changes: in this file or directory, or in its working directory; may be
    /// given several times
    #[arg(help_heading = HEADING, long, value_name = "PATH", num_args = 0..=1, default_missing_value = "")]
    pub watch: Option<Vec<String>>,
    /// Globs of names or paths that do not count, besides node_modules and names with a dot in front
    #[arg(help_heading = HEADING, long, value_name = "PATTERN,…", value_delimiter = ',', requires = "watch")]
    pub ignore_watch: Vec<String>,
    /// Restart when nothing has changed for so long; a bare number is seconds, as in PM2 [default: 100ms]
    #[arg(help_heading = HEADING, long, value_name = "TIME", value_parser = delay, requires = "watch")]
    pub watch_delay: Option<Duration>,
    /// Only files with these extensions count: js,json
    #[arg(help_heading = HEADING, long, value_name = "EXT,…", value_delimiter = ',', requires = "watch")]
    pub ext: Vec<String>,
}

impl WatchArgs {
    /// The last path, if there is no other target: `start --watch app.js` means the script.
    pub fn take_target(&mut self) -> Option<String> {
        self.watch.as_mut()?.pop_if(|path| !path.is_empty())
    }

    /// Puts them into a definition. Paths count from `here`, whatever directory the app gets.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub fn define(&self, app: NewApp, here: &Path) -> Result<NewApp, CliError> {
        let Some(paths) = &self.watch else { return Ok(app) };
        let absolute = |path: &String| {
            here.join(path)
                .into_os_string()
                .into_string()
                .map_err(|path| CliError::new(format!("the path {} is not UTF-8: rename it", path.display())))
        };
        let named = paths.iter().filter(|path| !path.is_empty());
        let watch = FileWatch {
            paths: named.map(absolute).collect::<Result<_, _>>()?,
            ignore: self.ignore_watch.clone(),
            extensions: self.ext.clone(),
            delay_ms: self.watch_delay.map(|delay| delay.as_millis() as i64),
        };
        Ok(NewApp { watch: Some(watch), ..app })
    }
}

/// `4` is 4 s here, and only here.
fn delay(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds.into())),
        Err(_) => span::parse(text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        targets: Vec<String>,
        #[command(flatten)]
        args: WatchArgs,
    }

    fn parsed(line: &str) -> Only {
        Only::parse_from(["x"].into_iter().chain(line.split_whitespace()))
    }

    fn watch(line: &str) -> Option<FileWatch> {
        parsed(line).args.define(NewApp::default(), Path::new("/here")).unwrap().watch
    }

    #[test]
    fn options_become_the_member() {
        assert_eq!(watch("app.js"), None);
        assert_eq!(watch("app.js --watch"), Some(FileWatch::default()));
        let all = "app.js --watch src --watch /etc/x --ignore-watch logs,*.tmp --ignore-watch a --watch-delay 4 --ext js,json";
        let expected = FileWatch {
            paths: vec!["/here/src".into(), "/etc/x".into()],
            ignore: vec!["logs".into(), "*.tmp".into(), "a".into()],
            extensions: vec!["js".into(), "json".into()],
            delay_ms: Some(4_000),
        };
        assert_eq!(watch(all), Some(expected));
        assert_eq!(watch("a --watch --watch-delay 250ms").unwrap().delay_ms, Some(250));
    }

    #[test]
    fn a_script_after_watch_is_a_script() {
        let mut only = parsed("--watch app.js");
        assert!(only.targets.is_empty());
        assert_eq!(only.args.take_target().as_deref(), Some("app.js"));
        assert_eq!(only.args.watch, Some(Vec::new()));
        assert_eq!(parsed("app.js --watch").args.take_target(), None);
    }
}
