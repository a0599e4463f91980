//! Settings of an installation that come from the environment of the command that starts its
//! keeper.

use std::ffi::OsString;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::wire::size;

/// So many automatic restarts may come at once, on the whole host.
const BURST: &str = "PMDAEMON_RESTART_BURST";
/// So many follow in a second, on the whole host.
const RATE: &str = "PMDAEMON_RESTART_RATE";

/// Where log files of one's own may be, for those who are not admins.
const LOG_ROOTS: &str = "PMDAEMON_LOG_ROOTS";

/// Whether a daemon that runs as root runs what others can change: `allow`, or `refuse`.
pub const WRITABLE: &str = "PMDAEMON_WRITABLE_SCRIPTS";

/// What the environment says of [`WRITABLE`]; refused, if nothing.
///
/// # Errors
/// A sentence, when it is neither word.
pub fn runs_what_others_can_write() -> Result<bool, String> {
    writable(std::env::var_os(WRITABLE))
}

fn writable(said: Option<OsString>) -> Result<bool, String> {
    match said.as_ref().map(|word| word.to_string_lossy()).as_deref() {
        None | Some("refuse") => Ok(false),
        Some("allow") => Ok(true),
        Some(other) => Err(format!(
            "{WRITABLE} is {other:?}: use allow to have root run scripts that others can change, or refuse"
        )),
    }
}

/// What all logs together may take.
const LOG_BUDGET: &str = "PMDAEMON_LOG_BUDGET";

/// The variable that says what this setting is, if it is in the environment. It counts then.
pub fn said(setting: &str) -> Option<&'static str> {
    let variable = variable(setting)?;
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(|_| variable)
}

/// The variable that can say what this setting is.
pub fn variable(setting: &str) -> Option<&'static str> {
    match setting {
        "log_budget_bytes" => Some(LOG_BUDGET),
        "log_level" => Some("PMDAEMON_LOG"),
        "log_roots" => Some(LOG_ROOTS),
        "log_format" => Some("PMDAEMON_LOG_FORMAT"),
        "restart_burst" => Some(BURST),
        "restart_rate" => Some(RATE),
        "writable_scripts" => Some(WRITABLE),
        _ => None,
    }
}

/// What the environment says that all logs together may take, in bytes.
///
/// # Errors
/// A sentence, when it is no size.
pub fn log_budget() -> Result<Option<u64>, String> {
    match std::env::var(LOG_BUDGET) {
        Ok(text) if !text.is_empty() => {
            let bytes = size::parse(&text).map_err(|e| format!("{LOG_BUDGET} is not usable: {e}"))?;
            Ok(Some(bytes))
        }
        Ok(_) | Err(_) => Ok(None),
    }
}

/// How many automatic restarts the host bears (acceptance row K7), as far as somebody said that.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct RestartBudget {
    /// At once; at least 1.
    pub burst: Option<u32>,
    /// In a second, after a burst; more than 0.
    pub per_second: Option<f64>,
}

impl RestartBudget {
    /// What the environment says.
    ///
    /// # Errors
    /// A sentence with the variable that is wrong and what is allowed.
    pub fn from_env() -> Result<RestartBudget, String> {
        let value = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        RestartBudget::parse(value(BURST).as_deref(), value(RATE).as_deref())
    }

    fn parse(burst: Option<&str>, rate: Option<&str>) -> Result<RestartBudget, String> {
        let burst = burst.map(|text| match text.parse() {
            Ok(number @ 1..=1_000_000) => Ok(number),
            Ok(_) | Err(_) => Err(format!(
                "{BURST} is {text:?}: give the number of automatic restarts that may come at once, 1 to 1000000, \
                 such as 20"
            )),
        });
        let rate = rate.map(|text| match text.parse() {
            Ok(number) if (0.01..=10_000.0).contains(&number) => Ok(number),
            Ok(_) | Err(_) => Err(format!(
                "{RATE} is {text:?}: give the number of automatic restarts in a second, 0.01 to 10000, such as 4"
            )),
        });
        Ok(RestartBudget { burst: burst.transpose()?, per_second: rate.transpose()? })
    }
}

/// The directories beneath which somebody who is no admin may have log files in a place of their
/// own: `/var/log` and the home directory of the daemon's user, if nobody says otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRoots(Vec<PathBuf>);

impl LogRoots {
    /// These.
    pub fn of(roots: Vec<PathBuf>) -> LogRoots {
        LogRoots(roots)
    }

    /// Those of everybody.
    pub fn usual() -> LogRoots {
        LogRoots(std::env::home_dir().into_iter().chain([PathBuf::from("/var/log")]).collect())
    }

    /// Which they are.
    pub fn all(&self) -> &[PathBuf] {
        &self.0
    }

    /// What the environment says: absolute directories with colons between them; empty is nowhere.
    ///
    /// # Errors
    /// A sentence with the one that is none.
    pub fn from_env() -> Result<LogRoots, String> {
        LogRoots::parse(std::env::var_os(LOG_ROOTS), std::env::home_dir())
    }

    fn parse(said: Option<OsString>, home: Option<PathBuf>) -> Result<LogRoots, String> {
        let Some(said) = said else {
            return Ok(LogRoots(home.into_iter().chain([PathBuf::from("/var/log")]).collect()));
        };
        let roots = std::env::split_paths(&said).filter(|root| !root.as_os_str().is_empty());
        let whole = |root: PathBuf| {
            let usable = root.is_absolute() && !root.components().any(|part| part == Component::ParentDir);
            usable.then_some(()).map(|()| root.clone()).ok_or_else(|| {
                format!(
                    "{LOG_ROOTS} names {}: give absolute directories with colons between them, such as \
                     /var/log:/srv/logs",
                    root.display()
                )
            })
        };
        roots.map(whole).collect::<Result<_, _>>().map(LogRoots)
    }

    /// Whether that file is in one of them, also when links on the way are followed.
    pub fn have(&self, file: &Path) -> bool {
        let really = file.ancestors().skip(1).find_map(|dir| dir.canonicalize().ok());
        self.0.iter().any(|root| {
            let root_really = root.canonicalize().unwrap_or_else(|_| root.clone());
            file.starts_with(root)
                && really.as_ref().is_none_or(|dir| {
                    // What is not there yet will be made beneath what is.
                    dir.starts_with(&root_really) || root_really.starts_with(dir)
                })
        })
    }
}

impl fmt::Display for LogRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(|root| root.display().to_string()).collect();
        match names.is_empty() {
            true => f.write_str("there are none"),
            false => f.write_str(&names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_roots_hold_what_really_is_beneath_them() {
        let place = tempfile::tempdir().unwrap();
        let dir = |name: &str| {
            let path = place.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let (logs, other) = (dir("logs"), dir("other"));
        std::os::unix::fs::symlink(&other, logs.join("way")).unwrap();
        let said = std::env::join_paths([&logs, &place.path().join("later")]).unwrap();
        let roots = LogRoots::parse(Some(said), None).unwrap();
        for (file, held) in [
            ("logs/a.log", true),
            ("logs/new/a.log", true),
            ("later/on/a.log", true),
            ("other/a.log", false),
            ("logs/way/a.log", false),
            ("logs2/a.log", false),
        ] {
            assert_eq!(roots.have(&place.path().join(file)), held, "{file}");
        }
        let usual = LogRoots::parse(None, Some("/home/me".into())).unwrap();
        assert!(usual.have(Path::new("/var/log/x/a.log")) && !usual.have(Path::new("/etc/a.log")));
        assert!(!LogRoots::parse(Some("".into()), None).unwrap().have(Path::new("/var/log/a.log")));
        for wrong in ["logs", "/var/log:../x", "/var/../etc"] {
            assert!(LogRoots::parse(Some(wrong.into()), None).unwrap_err().contains("/srv/logs"), "{wrong}");
        }
    }

    #[test]
    fn what_others_can_write_is_refused_unless_that_is_said() {
        for (said, expected) in [(None, Ok(false)), (Some("refuse"), Ok(false)), (Some("allow"), Ok(true))] {
            assert_eq!(writable(said.map(OsString::from)), expected, "{said:?}");
        }
        assert!(writable(Some("yes".into())).unwrap_err().contains("use allow"));
    }

    #[test]
    fn a_budget_is_two_numbers_or_refused_with_an_example() {
        let check = |burst, rate, expected: RestartBudget| {
            assert_eq!(RestartBudget::parse(burst, rate), Ok(expected));
        };
        check(None, None, RestartBudget::default());
        check(Some("5"), Some("0.5"), RestartBudget { burst: Some(5), per_second: Some(0.5) });
        let refused = |burst, rate, words: &str| {
            let why = RestartBudget::parse(burst, rate).expect_err(words);
            assert!(why.contains(words), "{why}");
        };
        refused(Some("0"), None, "such as 20");
        refused(Some("many"), None, "PMDAEMON_RESTART_BURST is \"many\"");
        refused(None, Some("0"), "such as 4");
        refused(None, Some("NaN"), "PMDAEMON_RESTART_RATE");
        refused(None, Some("-1"), "0.01 to 10000");
    }
}
