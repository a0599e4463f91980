//! Where the output of a process goes.

use std::path::{Path, PathBuf};

use super::log_disk;
use crate::home::Home;
use crate::model::log_policy::numbered;
use crate::model::{AppSpec, LogTarget, Name};

/// Where output goes that nobody wants.
const NULL: &str = "/dev/null";

/// The files of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFiles {
    /// Standard output; `/dev/null` if it goes nowhere.
    pub out: PathBuf,
    /// Standard error; `/dev/null` if it goes nowhere.
    pub err: PathBuf,
    /// A copy of both.
    pub combined: Option<PathBuf>,
}

impl LogFiles {
    /// `logs/NAME-out.log` and `logs/NAME-error.log`; of a numbered instance `NAME-out-i.log`;
    /// other namespaces than `default` in a folder of theirs (acceptance row B13). Or the files
    /// that the definition names, with the same number before the extension (D7).
    pub fn of(home: &Home, spec: &AppSpec, instance: u32) -> LogFiles {
        let number = (spec.has_number(instance) && !spec.logs.merge).then_some(instance);
        let [own_out, own_err] = own(home, spec, number);
        let named = |path: &Path| number.map_or_else(|| path.to_owned(), |number| numbered(path, number));
        let target = |target: &LogTarget, own: PathBuf| match target {
            LogTarget::Own => own,
            LogTarget::Null => NULL.into(),
            LogTarget::File(path) => named(path),
        };
        LogFiles {
            out: target(&spec.logs.out, own_out),
            err: target(&spec.logs.err, own_err),
            combined: spec.logs.combined.as_deref().map(named),
        }
    }

    /// Where the keeper puts that output: with no file of its own, straight into the combined one.
    pub fn written(&self, own: &Path) -> PathBuf {
        match &self.combined {
            Some(combined) if own == Path::new(NULL) => combined.clone(),
            Some(_) | None => own.to_owned(),
        }
    }

    /// Those that are files, each once.
    pub fn all(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> =
            [&self.out, &self.err].into_iter().chain(&self.combined).cloned().collect();
        all.retain(|path| path != Path::new(NULL));
        all.sort();
        all.dedup();
        all
    }
}

/// Removes the files of ours that a process had, with everything that belongs to them; the shared
/// ones with the last process of the app. What a user named stays (acceptance row A5).
pub fn remove(home: &Home, spec: &AppSpec, instance: u32, is_last: bool) {
    let number = spec.has_number(instance).then_some(instance);
    let shared = (spec.logs.merge && is_last).then(|| own(home, spec, None)).into_iter().flatten();
    let of_its_own = (!spec.logs.merge || number.is_some()).then(|| own(home, spec, number));
    for log in of_its_own.into_iter().flatten().chain(shared) {
        if let Err(e) = log_disk::remove(&log) {
            tracing::warn!("cannot remove {}: {e}", log.display());
        }
    }
}

/// The files of ours: standard output, standard error.
fn own(home: &Home, spec: &AppSpec, number: Option<u32>) -> [PathBuf; 2] {
    let dir = match &spec.namespace {
        default if *default == Name::default_namespace() => home.log_dir(),
        other => home.log_dir().join(other.as_str()),
    };
    let suffix = number.map(|number| format!("-{number}")).unwrap_or_default();
    ["out", "error"].map(|stream| dir.join(format!("{}-{stream}{suffix}.log", spec.name)))
}
