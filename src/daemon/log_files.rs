//! Where the output of a process goes.

use std::path::PathBuf;

use crate::home::Home;
use crate::model::{AppSpec, Name};

/// The two files of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFiles {
    /// Standard output.
    pub out: PathBuf,
    /// Standard error.
    pub err: PathBuf,
}

impl LogFiles {
    /// `logs/NAME-out.log` and `logs/NAME-error.log`; of a numbered instance `NAME-out-i.log`;
    /// other namespaces than `default` in a folder of theirs (acceptance row B13).
    pub fn of(home: &Home, spec: &AppSpec, instance: u32) -> LogFiles {
        let dir = match &spec.namespace {
            default if *default == Name::default_namespace() => home.log_dir(),
            other => home.log_dir().join(other.as_str()),
        };
        let suffix = if spec.has_number(instance) { format!("-{instance}") } else { String::new() };
        let file = |stream: &str| dir.join(format!("{}-{stream}{suffix}.log", spec.name));
        LogFiles { out: file("out"), err: file("error") }
    }

    /// Removes both files and their indexes. What is not there is not missed.
    pub fn remove(&self) {
        for file in [&self.out, &self.err] {
            let mut index = file.clone().into_os_string();
            index.push(".idx");
            for path in [file.clone(), PathBuf::from(index)] {
                match std::fs::remove_file(&path) {
                    Ok(()) => {}
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(e) => tracing::warn!("cannot remove {}: {e}", path.display()),
                }
            }
        }
    }
}
