//! `token`: what programs need to use the HTTP API.

use super::super::error::CliError;
use super::super::identity_args::{CreateTokenArgs, RevokeTokenArgs, TokenArgs, TokenCommand};
use super::super::out::{self, Screen};
use super::super::render::table::{self, Cell, Column};
use super::super::render::units;
use super::super::session::Session;
use crate::wire::{NewToken, Role, Token};

/// Runs the command.
pub async fn run(args: TokenArgs) -> Result<(), CliError> {
    match args.command {
        None => own("").await,
        Some(TokenCommand::Header) => own("Authorization: Bearer ").await,
        Some(TokenCommand::Create(args)) => create(args).await,
        Some(TokenCommand::List(args)) => list(args.json).await,
        Some(TokenCommand::Revoke(args)) => revoke(args).await,
    }
}

/// Prints the token of this command line and nothing else, after the daemon has accepted it.
async fn own(before: &str) -> Result<(), CliError> {
    let session = Session::open().await?;
    session.ask(async |c| c.whoami().await).await?;
    out::line(&format!("{before}{}", session.client.token()));
    Ok(())
}

async fn create(args: CreateTokenArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let new = NewToken {
        name: args.name,
        role: args.grant.role.into(),
        namespaces: args.grant.namespaces(),
        expires_in_ms: Some(args.expires.as_millis() as i64),
    };
    let made = session.ask_once(async |c| c.create_token(&new).await).await?;
    if args.json {
        out::json(&made);
        return Ok(());
    }
    out::line(&made.secret);
    let token = &made.token;
    out::notice(&format!(
        "This is shown once. {} is {} in {} until {}; pmdaemon token revoke {} ends that at once.",
        token.name,
        word(token.role),
        everywhere(&token.namespaces),
        units::local_time(&token.expires_at),
        token.name
    ));
    Ok(())
}

async fn list(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let tokens = session.ask(async |c| c.tokens().await).await?.items;
    match json {
        true => out::json(&tokens),
        false => out::print(&shown(&tokens, session.screen)),
    }
    Ok(())
}

fn shown(tokens: &[Token], screen: Screen) -> String {
    let column = |title, expendable| Column { title, expendable, right: false };
    let columns = [
        column("name", 0),
        column("role", 1),
        column("namespaces", 2),
        column("made by", 4),
        column("last used", 5),
        column("void from", 3),
        column("id", 6),
    ];
    let time = |time: &String| units::local_time(time);
    let row = |token: &Token| -> Vec<Cell> {
        let texts = [
            token.name.clone(),
            word(token.role).to_owned(),
            token.namespaces.join(","),
            token.made_by.clone().unwrap_or_else(|| "the daemon".to_owned()),
            token.last_used_at.as_ref().map_or_else(|| "never".to_owned(), time),
            time(&token.expires_at),
            token.id.clone(),
        ];
        texts.into_iter().map(Cell::from).collect()
    };
    let rows: Vec<Vec<Cell>> = tokens.iter().map(row).collect();
    table::render(&columns, &rows, screen)
}

/// The word for a role.
pub fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Deployer => "deployer",
        Role::Admin => "admin",
    }
}

/// Namespaces, in a sentence.
pub fn everywhere(namespaces: &[String]) -> String {
    match namespaces {
        [all] if all == "*" => "all namespaces".to_owned(),
        some => some.join(", "),
    }
}

async fn revoke(args: RevokeTokenArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    for id in &args.ids {
        session.ask_once(async |c| c.revoke_token(id).await).await?;
        out::done(&format!("{id} is void."));
    }
    Ok(())
}
