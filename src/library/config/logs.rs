//! Where output goes, and how much of it is kept.

use std::time::Duration;

use super::{Mistake, ProcessConfigBuilder};
use crate::wire::WhenFull;

/// The smallest size at which a file may be closed.
const SMALLEST: u64 = 1024;
/// The largest number that is exact in JSON.
const LARGEST: u64 = 1 << 53;

/// Logs. The options are those of `pmdaemon start`, with the same defaults.
impl ProcessConfigBuilder {
    /// File that gets both outputs in the order in which they came, besides the others. A relative
    /// path counts from the working directory of the app. It is never deleted. Default: none.
    pub fn log_file(mut self, file: impl Into<String>) -> Self {
        self.logs.combined_file = Some(file.into());
        self
    }

    /// File of standard output, or `NULL` for none, by the same rules. Default: a file in the home
    /// of pmdaemon, which goes with the app.
    pub fn out_file(mut self, file: impl Into<String>) -> Self {
        self.logs.out_file = Some(file.into());
        self
    }

    /// File of standard error, as for [`out_file`](ProcessConfigBuilder::out_file).
    pub fn error_file(mut self, file: impl Into<String>) -> Self {
        self.logs.error_file = Some(file.into());
        self
    }

    /// Whether all processes of the app write into the same files, without their numbers. Default
    /// false.
    pub fn merge_logs(mut self, merge: bool) -> Self {
        self.logs.merge = Some(merge);
        self
    }

    /// Whether there are no log files at all. Default false.
    pub fn disable_logs(mut self, disable: bool) -> Self {
        self.logs.disable = Some(disable);
        self
    }

    /// A file with so many bytes is closed, and the next begins; 0: never. At least 1024. Default
    /// 10 MiB.
    pub fn log_max_size(mut self, bytes: u64) -> Self {
        self.log_max_size = Some(bytes);
        self
    }

    /// How many closed files of each log are kept. Default 30.
    pub fn log_max_files(mut self, files: u32) -> Self {
        self.logs.max_files = Some(i64::from(files));
        self
    }

    /// Files as old as this are closed and removed. Default: at no age.
    pub fn log_max_age(mut self, age: Duration) -> Self {
        self.logs.max_age_ms = Some(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        self
    }

    /// What happens when the disk is full. Default: the app waits, and nothing is lost.
    pub fn log_policy(mut self, policy: WhenFull) -> Self {
        self.logs.when_full = Some(policy);
        self
    }

    /// How times are written when lines are shown, as in PM2: `YYYY-MM-DD HH:mm:ss`. Default: none.
    pub fn log_date_format(mut self, format: impl Into<String>) -> Self {
        self.logs.date_format = Some(format.into());
        self
    }

    /// The mistakes in what was said about logs; takes the size over.
    pub(super) fn check_logs(&mut self, mistakes: &mut Vec<Mistake>) {
        if let Some(size) = self.log_max_size {
            if size > 0 && size < SMALLEST {
                mistakes.push(Mistake::BadLogSize(size));
            }
            self.logs.max_size_bytes = Some(size.min(LARGEST) as i64);
        }
        let files = [&self.logs.out_file, &self.logs.error_file, &self.logs.combined_file];
        for file in files.into_iter().flatten() {
            if file.is_empty() || file.contains('\0') || file.ends_with('/') {
                mistakes.push(Mistake::BadLogFile(file.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProcessConfig;

    #[test]
    fn every_option_of_logs_goes_into_the_definition() {
        let config = ProcessConfig::builder()
            .script("a")
            .log_file("both.log")
            .out_file("/srv/out.log")
            .error_file("NULL")
            .merge_logs(true)
            .log_max_size(1 << 20)
            .log_max_files(5)
            .log_max_age(Duration::from_secs(60))
            .log_policy(WhenFull::Drop)
            .log_date_format("HH:mm");
        let logs = config.build().unwrap().into_new_app().logs.unwrap();
        let expected = serde_json::json!({
            "combined_file": "both.log", "out_file": "/srv/out.log", "error_file": "NULL", "merge": true,
            "max_size_bytes": 1 << 20, "max_files": 5, "max_age_ms": 60_000, "when_full": "drop",
            "date_format": "HH:mm"
        });
        assert_eq!(serde_json::to_value(logs).unwrap(), expected);
        assert_eq!(ProcessConfig::builder().script("a").build().unwrap().into_new_app().logs, None);
    }

    #[test]
    fn a_file_that_cannot_be_and_one_that_is_too_small_are_mistakes() {
        let error =
            ProcessConfig::builder().script("a").log_max_size(5).out_file("logs/").build().unwrap_err();
        assert_eq!(error.mistakes, [Mistake::BadLogSize(5), Mistake::BadLogFile("logs/".into())]);
        assert!(ProcessConfig::builder().script("a").log_max_size(0).build().is_ok());
    }
}
