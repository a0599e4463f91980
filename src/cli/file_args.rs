//! Options of commands that take an ecosystem file, and reading one with them.

use clap::Args;

use super::commands::update_env;
use super::error::CliError;
use super::out;
use super::session::{self, Session};
use crate::ecosystem::{self, Around, Declared, Document};

/// Which apps of a file, and with which variables.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct FileArgs {
    /// Of a file: only these apps
    #[arg(long, value_name = "APP,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Of a file: with the variables in env_NAME, too
    #[arg(long = "env", value_name = "NAME")]
    pub environment: Option<String>,
}

impl FileArgs {
    /// Reads the apps of a file, and says what of it is not acted on.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn read(&self, file: &str) -> Result<Declared, CliError> {
        let document = ecosystem::read(file).await.map_err(|e| CliError::new(e.to_string()))?;
        declared(&document, &self.only, self.environment.as_deref()).await
    }

    /// Reads the apps of several files, and says what of them is not acted on.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub async fn read_all(&self, files: &[String]) -> Result<Declared, CliError> {
        let mut all = Declared { apps: Vec::new(), notices: Vec::new() };
        for file in files {
            let Declared { apps, notices } = self.read(file).await?;
            all.apps.extend(apps);
            all.notices.extend(notices);
        }
        Ok(all)
    }

    /// References, with the apps of a file in the place of each file.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub async fn references(&self, refs: &[String]) -> Result<Vec<String>, CliError> {
        let mut all = Vec::new();
        for reference in refs {
            if ecosystem::is_file(reference) {
                let declared = self.read(reference).await?;
                all.extend(declared.apps.iter().map(|app| {
                    let name = app.name.as_deref().unwrap_or_default();
                    format!("{}:{name}", app.namespace.as_deref().unwrap_or("default"))
                }));
            } else {
                all.push(reference.clone());
            }
        }
        Ok(all)
    }
}

/// Words of a command line: files, and what is none.
pub fn split(words: Vec<String>) -> (Vec<String>, Vec<String>) {
    words.into_iter().partition(|word| ecosystem::is_file(word))
}

/// The apps of a document that was read.
///
/// # Errors
/// What is wrong with it.
pub async fn declared(
    document: &Document,
    only: &[String],
    environment: Option<&str>,
) -> Result<Declared, CliError> {
    let here = here()?;
    // The variables and directories of this machine are none of a server's.
    let is_ours = session::context()?.is_none();
    let cpus = match is_ours {
        true => session::cpus_here(),
        false => Session::open().await?.cpus().await?,
    };
    let around = Around {
        cwd: is_ours.then_some(here.as_path()),
        cpus,
        env: environment,
        only,
        inherited: is_ours.then(update_env::of_this_shell),
    };
    let declared = ecosystem::declared(document, &around).map_err(|e| CliError::new(e.to_string()))?;
    declared.notices.iter().for_each(|notice| out::notice(notice));
    Ok(declared)
}

/// The file that is meant when none is named.
///
/// # Errors
/// There is none, in one sentence.
pub fn default_file() -> Result<String, CliError> {
    let file = ecosystem::default_file(&here()?).and_then(|file| file.into_os_string().into_string().ok());
    file.ok_or_else(|| {
        CliError::Usage("name a script, a command, an app or a file: there is no ecosystem.config.js (.cjs .mjs .ts .json .yaml .toml) here".to_owned())
    })
}

fn here() -> Result<std::path::PathBuf, CliError> {
    std::env::current_dir().map_err(|e| CliError::new(format!("the current directory is not usable: {e}")))
}
