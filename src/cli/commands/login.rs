//! `login`: a server that commands go to from then on.

use std::io::{BufRead, IsTerminal, Write};

use super::super::error::CliError;
use super::super::identity_args::LoginArgs;
use super::super::{out, password};
use super::token::{everywhere, word};
use crate::client::contexts::{Context, Contexts, check_name};
use crate::client::{Client, place};
use crate::wire::Login;

/// Runs the command. Nothing is kept before the server has accepted it.
pub async fn run(args: LoginArgs) -> Result<(), CliError> {
    let url = place::server(&args.url, args.insecure_http)?;
    let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host).to_owned();
    let name = args.name.clone().unwrap_or(host);
    check_name(&name)?;
    let path = Contexts::path().ok_or_else(|| {
        CliError::new("neither XDG_CONFIG_HOME nor HOME is set: there is nowhere to keep it")
    })?;
    let mut contexts = Contexts::load(&path)?;
    let ca = args.ca.as_ref().map(|file| {
        std::fs::read_to_string(file)
            .map_err(|e| CliError::new(format!("cannot read {}: {e}", file.display())))
    });
    let mut context = Context { name, url, token: String::new(), by_password: false, ca: ca.transpose()? };
    if place::is_unencrypted(&context.url) {
        out::notice(&format!("The token travels to {} unencrypted.", context.url));
    }
    if args.token_stdin {
        context.token = password::from_stdin()?.trim().to_owned();
    } else {
        let nobody = Client::remote(&context)?;
        let user = match args.user {
            Some(user) => user,
            None => ask_user()?,
        };
        let password = password::present(&format!("Password of {user}: "), args.password_stdin)?;
        context.token = nobody.log_in(&Login { user, password }).await?.secret;
        context.by_password = true;
    }
    let who = Client::remote(&context)?.whoami().await?;
    contexts.put(context.clone());
    contexts.save(&path)?;
    out::done(&format!(
        "Logged in to {} as {}, who is {} in {}.",
        context.url,
        who.subject,
        word(who.role),
        everywhere(&who.namespaces)
    ));
    out::notice(&format!(
        "Commands go to {} from now on; pmdaemon context use local has them go to this machine.",
        context.name
    ));
    Ok(())
}

fn ask_user() -> Result<String, CliError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(CliError::new(
            "there is no terminal to ask on: give --token-stdin, or --user with --password-stdin",
        ));
    }
    let _ = write!(std::io::stderr(), "User: ");
    let mut user = String::new();
    stdin.lock().read_line(&mut user).map_err(|e| CliError::new(format!("cannot read your answer: {e}")))?;
    Ok(user.trim().to_owned())
}
