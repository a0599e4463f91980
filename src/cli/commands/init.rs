//! `init`: an ecosystem file to begin with.

use std::io::Write;

use super::super::error::CliError;
use super::super::out;

const FILE: &str = "ecosystem.config.js";

/// Every line of it loads as it is, once there is a `./app.js`.
const SAMPLE: &str = "module.exports = {
  apps: [
    {
      name: 'app',
      script: './app.js',
      instances: 1,
      env: { NODE_ENV: 'development' },
      env_production: { NODE_ENV: 'production' },
      max_memory_restart: '500M',
    },
  ],
};
";

/// Runs the command. What is there is never overwritten.
pub fn run() -> Result<(), CliError> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(FILE);
    file.and_then(|mut file| file.write_all(SAMPLE.as_bytes())).map_err(|e| {
        CliError::new(match e.kind() {
            std::io::ErrorKind::AlreadyExists => format!("{FILE} is there already, and is left as it is"),
            _ => format!("cannot write {FILE}: {e}"),
        })
    })?;
    out::done(&format!("Wrote {FILE}: change it, see pmdaemon plan, and then pmdaemon start."));
    Ok(())
}
