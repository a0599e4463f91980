//! Where the output of an app goes, how much of it is kept, and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The logs of an app. Everything has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogPolicy {
    /// File of standard output; `NULL` or `/dev/null`: none. A relative path counts from `cwd`; of
    /// several processes each has its number before the extension. It is never deleted. Default: a
    /// file in the home, which goes with the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub out_file: Option<String>,
    /// File of standard error, by the same rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error_file: Option<String>,
    /// File that gets both in the order in which they came, besides the others, by the same rules.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/srv/logs/app.log")]
    pub combined_file: Option<String>,
    /// All processes of the app write into the same files, without a number. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub merge: Option<bool>,
    /// No files at all. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disable: Option<bool>,
    /// A file with so many bytes is closed, at the end of its line, and the next begins; 0: never.
    /// Default 10485760.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9_007_199_254_740_992_u64)]
    pub max_size_bytes: Option<i64>,
    /// How many closed files of each log are kept; -1: as many as the budget of all logs allows.
    /// Default 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = -1, maximum = 1_000_000)]
    pub max_files: Option<i64>,
    /// A file whose first line is so old is closed with the next output; a closed one whose last
    /// line is so old is removed. 0: at any age. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 3_155_760_000_000_u64)]
    pub max_age_ms: Option<i64>,
    /// What happens when the disk is full. Default `block`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub when_full: Option<WhenFull>,
    /// How times are written when lines are shown, as in PM2: `YYYY-MM-DD HH:mm:ss`. The files hold
    /// what the app wrote and nothing else. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "YYYY-MM-DD HH:mm:ss.SSS")]
    pub date_format: Option<String>,
}

/// What happens to output that its file does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// The program waits once its pipe is full. Nothing is lost.
    Block,
    /// It is counted and dropped.
    Drop,
}

/// How the logs of a process are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogState {
    /// What its logs take on the disk, with their indexes.
    pub bytes: i64,
    /// How many files hold its output: the active ones and the closed ones.
    pub segments: i64,
    /// Why one of them takes no output now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/srv/app.log: No space left on device")]
    pub trouble: Option<String>,
    /// Bytes that were dropped of the present run, or of the latest.
    pub dropped_bytes: i64,
    /// Lines among them.
    pub dropped_lines: i64,
}

/// What became of an order about logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsTended {
    /// The logs that it was about.
    pub files: Vec<String>,
    /// How much was removed.
    pub freed_bytes: i64,
}
