//! `user`: people who log in with a password.

use super::super::error::CliError;
use super::super::identity_args::{AddUserArgs, GrantUserArgs, PasswordArgs, UserCommand};
use super::super::out::{self, Screen};
use super::super::password;
use super::super::render::table::{self, Cell, Column};
use super::super::render::units;
use super::super::session::Session;
use super::token::{everywhere, word};
use crate::wire::{NewPassword, NewUser, User, UserGrant};

/// Runs the command.
pub async fn run(command: UserCommand) -> Result<(), CliError> {
    match command {
        UserCommand::Add(args) => add(args).await,
        UserCommand::Passwd(args) => passwd(args).await,
        UserCommand::Grant(args) => grant(args).await,
        UserCommand::List(args) => list(args.json).await,
        UserCommand::Remove(args) => {
            let session = Session::open().await?;
            for name in &args.names {
                session.ask_once(async |c| c.remove_user(name).await).await?;
                out::done(&format!("{name} is removed; their sessions and tokens are void."));
            }
            Ok(())
        }
    }
}

async fn add(args: AddUserArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let new = NewUser {
        password: password::new(&args.name, args.password_stdin)?,
        name: args.name,
        role: args.grant.role.into(),
        namespaces: args.grant.namespaces(),
    };
    let user = session.ask_once(async |c| c.add_user(&new).await).await?;
    match args.json {
        true => out::json(&user),
        false => out::done(&told(&user)),
    }
    Ok(())
}

async fn passwd(args: PasswordArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let who = session.ask(async |c| c.whoami().await).await?;
    let is_own = who.subject == args.name;
    let (current, password) = match (is_own, args.password_stdin) {
        (true, true) => password::both_from_stdin().map(|(present, new)| (Some(present), new))?,
        (true, false) => {
            (Some(password::present("Present password: ", false)?), password::new(&args.name, false)?)
        }
        (false, stdin) => (None, password::new(&args.name, stdin)?),
    };
    let new = NewPassword { password, current };
    session.ask_once(async |c| c.set_password(&args.name, &new).await).await?;
    out::done(&format!(
        "{} has another password; whoever was logged in by the old one is not any more.",
        args.name
    ));
    Ok(())
}

async fn grant(args: GrantUserArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let grant = UserGrant { role: args.grant.role.into(), namespaces: args.grant.namespaces() };
    let user = session.ask_once(async |c| c.grant_user(&args.name, &grant).await).await?;
    out::done(&told(&user));
    Ok(())
}

fn told(user: &User) -> String {
    format!("{} is {} in {}.", user.name, word(user.role), everywhere(&user.namespaces))
}

async fn list(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let users = session.ask(async |c| c.users().await).await?.items;
    if json {
        out::json(&users);
        return Ok(());
    }
    if users.is_empty() {
        out::notice("there are no users: pmdaemon user add NAME --role ROLE adds one");
    }
    out::print(&shown(&users, session.screen));
    Ok(())
}

fn shown(users: &[User], screen: Screen) -> String {
    let column = |title, expendable| Column { title, expendable, right: false };
    let columns = [column("name", 0), column("role", 1), column("namespaces", 2), column("since", 3)];
    let row = |user: &User| -> Vec<Cell> {
        let since = match user.has_password {
            true => units::local_time(&user.created_at),
            false => "needs a password: user passwd".to_owned(),
        };
        let texts = [user.name.clone(), word(user.role).to_owned(), user.namespaces.join(","), since];
        texts.into_iter().map(Cell::from).collect()
    };
    table::render(&columns, &users.iter().map(row).collect::<Vec<_>>(), screen)
}
