//! Options of `start` about where the variables of an app come from, besides `--env`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CliError;
use super::values;
use crate::wire::NewApp;

/// Sources of variables.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct EnvArgs {
    /// File with variables (NAME=value), read at each start; may be given several times
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Do not hand on variables of this shell whose name contains this; may be given several times
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = part)]
    pub filter_env: Vec<String>,
    /// One more variable that tells each instance its number, which NODE_APP_INSTANCE does always
    #[arg(long, value_name = "NAME", value_parser = values::variable_name)]
    pub instance_var: Option<String>,
}

impl EnvArgs {
    /// Puts them into a definition. Files count from `here`, whatever directory the app gets.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub fn define(&self, app: NewApp, here: &Path) -> Result<NewApp, CliError> {
        let absolute = |path: &PathBuf| {
            here.join(path).into_os_string().into_string().map_err(|path| {
                CliError::new(format!("the path of the env file {} is not UTF-8: rename it", path.display()))
            })
        };
        let env_file = self.env_file.iter().map(absolute).collect::<Result<_, _>>()?;
        let instance_var = self.instance_var.clone();
        Ok(NewApp { env_file, filter_env: self.filter_env.clone(), instance_var, ..app })
    }
}

fn part(text: &str) -> Result<String, String> {
    match text {
        "" => Err("name a part of the variables to leave out, for example AWS_".to_owned()),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        args: EnvArgs,
    }

    #[test]
    fn files_count_from_here_and_parts_are_collected() {
        let line = "x --env-file .env --env-file /etc/web.env --filter-env AWS_,SECRET --filter-env TOKEN";
        let args = Only::parse_from(line.split(' ')).args;
        let app = args.define(NewApp::default(), Path::new("/here")).unwrap();
        assert_eq!(app.env_file, ["/here/.env", "/etc/web.env"]);
        assert_eq!(app.filter_env, ["AWS_", "SECRET", "TOKEN"]);
        assert!(Only::try_parse_from(["x", "--filter-env", ""]).is_err());
    }
}
