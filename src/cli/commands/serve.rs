//! `serve`: the files of a directory over HTTP. It is an app like any other, whose program is ours.

use clap::{Args, Command, FromArgMatches};

use super::super::error::CliError;
use super::super::out;
use super::super::serve_args::ServeArgs;
use super::super::session::on_this_machine;
use super::super::start_args::StartArgs;
use super::start;
use crate::ecosystem::SERVE_FILES;

/// Runs the command: `start`, in other words.
pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    on_this_machine("pmdaemon serve")?;
    if args.ftp {
        return Err(CliError::new(
            "directories are not listed here: leave --ftp out, or put an index.html there",
        ));
    }
    if args.monitor.is_some() {
        out::notice("Without effect in pmdaemon: --monitor.");
    }
    let matches = StartArgs::augment_args(Command::new("pmdaemon")).try_get_matches_from(words(&args)?);
    match matches.and_then(|matches| StartArgs::from_arg_matches(&matches)) {
        Ok(start) => start::run(start).await,
        // As for every other option that is not understood.
        Err(error) => error.exit(),
    }
}

/// What `start` would be told.
fn words(args: &ServeArgs) -> Result<Vec<String>, CliError> {
    let path = args.path.as_deref().unwrap_or(std::path::Path::new("."));
    let path = path
        .canonicalize()
        .ok()
        .filter(|path| path.is_dir())
        .ok_or_else(|| CliError::new(format!("there is no directory {}", path.display())))?;
    let path = path.into_os_string().into_string();
    let path = path.map_err(|_| CliError::new("the path of the directory is not UTF-8: rename it"))?;
    let program = crate::ecosystem::this_program().map_err(CliError::new)?;
    let name = args.name.clone().unwrap_or_else(|| format!("static-page-server-{}", args.port));
    let mut words: Vec<String> =
        ["pmdaemon", &program, "--interpreter", "none", "--cwd", &path].map(str::to_owned).to_vec();
    words.push(format!("--name={name}"));
    let variables = [
        ("PATH", Some(path)),
        ("HOST", args.host.clone()),
        ("SPA", args.spa.then(|| "true".to_owned())),
        ("HOMEPAGE", args.homepage.clone()),
        ("BASIC_AUTH_USERNAME", args.basic_auth_username.clone()),
        ("BASIC_AUTH_PASSWORD", args.basic_auth_password.clone()),
        ("MAX_AGE", (args.max_age > 0).then(|| args.max_age.to_string())),
    ];
    for (variable, value) in variables {
        words.extend(value.map(|value| format!("--env=PM2_SERVE_{variable}={value}")));
    }
    words.push(format!("--port={}", args.port));
    words.extend(args.instances.as_ref().map(|number| format!("--instances={number}")));
    words.extend(args.namespace.as_ref().map(|namespace| format!("--namespace={namespace}")));
    words.extend(args.force.then(|| "--force".to_owned()));
    words.extend(args.json.then(|| "--json".to_owned()));
    words.extend(["--".to_owned(), SERVE_FILES.to_owned()]);
    Ok(words)
}
