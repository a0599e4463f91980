//! What of a definition only admins may say: variables by which another program is loaded into one
//! that runs as root, and log files in any place.
//!
//! What is so already may stay so: whoever changes something else of an app has not said it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use nix::unistd::geteuid;

use crate::api::ApiError;
use crate::auth::Principal;
use crate::model::{AppSpec, LogPolicy, LogTarget, Role};
use crate::settings::LogRoots;

/// Names of variables that make a program run somebody else's code, besides all of `LD_…`: those
/// of the dynamic loader, of interpreters and of shells.
const LOADERS: [&str; 14] = [
    "BASH_ENV",
    "ENV",
    "GCONV_PATH",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PERL5LIB",
    "PERL5OPT",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
];

/// Whether `principal` may say what `spec` says and `before` did not.
///
/// # Errors
/// 403 with what is for admins.
pub fn check(
    principal: &Principal,
    spec: &AppSpec,
    before: Option<&AppSpec>,
    roots: &LogRoots,
) -> Result<(), ApiError> {
    if principal.role == Role::Admin {
        return Ok(());
    }
    let as_root = match &spec.resources.run_as {
        Some(user) => user.uid == 0,
        None => geteuid().is_root(),
    };
    if as_root && let Some(name) = loader(spec, before) {
        let detail = format!(
            "{name} makes {} load other code as root: only an admin may set it; leave it out (--filter-env {name} \
             where it comes from your shell), or run the app as another user",
            spec.name
        );
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden_variable", detail));
    }
    let known = before.map(|before| files(&before.logs)).unwrap_or_default();
    match files(&spec.logs).into_iter().find(|file| !known.contains(file) && !roots.have(file)) {
        None => Ok(()),
        Some(file) => {
            let detail = format!(
                "the log file {} is in none of the places where {} may have some ({roots}): name one there, leave it out \
                 to have one in pmdaemon's home, or ask an admin; PMDAEMON_LOG_ROOTS of the daemon says which places \
                 those are",
                file.display(),
                principal.subject
            );
            Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden_log_place", detail))
        }
    }
}

/// The first loader's variable that is not as it was.
fn loader<'a>(spec: &'a AppSpec, before: Option<&AppSpec>) -> Option<&'a str> {
    let new = |now: &'a BTreeMap<String, String>, was: Option<&BTreeMap<String, String>>| {
        now.iter()
            .filter(|(name, _)| name.starts_with("LD_") || LOADERS.contains(&name.as_str()))
            .find(|(name, value)| was.and_then(|was| was.get(*name)) != Some(value))
            .map(|(name, _)| name.as_str())
    };
    new(&spec.env, before.map(|before| &before.env))
        .or_else(|| new(&spec.inherited_env, before.map(|before| &before.inherited_env)))
}

fn files(logs: &LogPolicy) -> Vec<&Path> {
    let file = |target| match target {
        &LogTarget::Own | &LogTarget::Null => None,
        LogTarget::File(path) => Some(path),
    };
    let all: [Option<&PathBuf>; 3] = [file(&logs.out), file(&logs.err), logs.combined.as_ref()];
    all.into_iter().flatten().map(PathBuf::as_path).collect()
}
