//! What is wrong with a host or an installation, and what to do about it.
//!
//! Each check is a function that gives findings; nothing is changed, and no daemon is started. What
//! can be tried is tried: a kernel that has a feature may be in a container that forbids it.

mod alerts;
mod daemon;
mod home;
mod host;
mod service;
mod store;

pub use home::close_to_others;
use serde::Serialize;

use crate::home::Home;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Something works less well than it could.
    Warning,
    /// Something does not work, or is not safe.
    Serious,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub finding: String,
    /// What to do. Absent when nothing has to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, finding: impl Into<String>) -> Finding {
        Finding { check, level: Level::Ok, finding: finding.into(), remedy: None }
    }

    fn bad(
        level: Level,
        check: &'static str,
        finding: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { check, level, finding: finding.into(), remedy: Some(remedy.into()) }
    }
}

/// Everything that is checked, in the order in which it is told.
pub async fn examine(home: &Home) -> Vec<Finding> {
    let mut findings =
        vec![host::kernel(), host::pidfd(), host::cgroup(), host::open_files(), host::clock(home)];
    findings.extend(home::permissions(home));
    findings.push(home::socket_path(home));
    findings.push(home::disk(home));
    findings.push(service::try_one(home));
    findings.extend(daemon::all(home).await);
    findings
}
