//! Whether the files are still there that an app runs. Looked at before a run ends for another one: the
//! keeper would find out too late.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::model::AppSpec;

/// Looks for the program, and for the script that an interpreter is to run.
///
/// # Errors
/// A sentence with the first that is gone. What cannot be seen from here is taken to be there.
pub fn check(spec: &AppSpec) -> Result<(), String> {
    let script = spec.cwd.join(&spec.script);
    // A command line has words of its own, and only a script is an argument as it was found.
    let is_run = spec.interpreter.is_some() && spec.args.iter().any(|word| Path::new(word) == script);
    let files: Vec<(&str, PathBuf)> = match is_run {
        true => vec![("interpreter", spec.program.clone()), ("script", script)],
        false if spec.program == script => vec![("script", script)],
        false => vec![("program", spec.program.clone())],
    };
    let missing = files.iter().find(|(_, file)| {
        std::fs::metadata(file)
            .is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
    });
    match missing {
        Some((what, file)) => Err(format!("the {what} {} does not exist", file.display())),
        None => Ok(()),
    }
}
