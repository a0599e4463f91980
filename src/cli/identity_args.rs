//! What can be typed about who may do what.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::values;
use crate::wire;

/// `token`.
#[derive(Args, Debug)]
#[command(
    after_help = "Without a command it prints the token of this command line, which is renewed every 12 hours: for curl \
                        on this host. For programs and people elsewhere make one with create. An operator's token \
                        starts and stops, a deployer's is a shell as the user that apps run as, an admin's one as the \
                        daemon's.\n\n\
                        Examples:\n  curl -H \"Authorization: Bearer $(pmdaemon token)\" http://localhost:9615/api/v1/processes\n  \
                        pmdaemon token header | curl -H @- http://localhost:9615/api/v1/processes\n  \
                        pmdaemon token create ci --role deployer --namespace shop --expires 90d > ci.token\n  \
                        pmdaemon token revoke ci"
)]
pub struct TokenArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<TokenCommand>,
}

/// What can be done with tokens.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Print the token of this command line as an HTTP header
    Header,
    /// Make a token and print it, this once
    Create(CreateTokenArgs),
    /// Show which tokens there are
    #[command(visible_alias = "ls")]
    List(super::args::JsonArgs),
    /// Make tokens void at once
    Revoke(RevokeTokenArgs),
}

/// `token create`.
#[derive(Args, Debug)]
pub struct CreateTokenArgs {
    /// Whom it speaks for, as the audit will name them
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it allows
    #[command(flatten)]
    pub grant: GrantArgs,
    /// It is void after this: 12h, 30d, 1 minute to 365d
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = values::time_with_unit)]
    pub expires: Duration,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What somebody may do, and where.
#[derive(Args, Clone, Debug)]
pub struct GrantArgs {
    /// viewer sees and reads logs; operator starts and stops, too; deployer defines and deletes apps,
    /// too; admin does everything
    #[arg(long, value_enum, value_name = "ROLE")]
    pub role: Role,
    /// Only in this namespace; may be given several times [default: everywhere]
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Vec<String>,
}

impl GrantArgs {
    /// The namespaces; absent: all that whoever asks may.
    pub fn namespaces(&self) -> Option<Vec<String>> {
        (!self.namespace.is_empty()).then(|| self.namespace.clone())
    }
}

/// A role, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Role {
    /// Sees everything but values of environments; reads logs.
    Viewer,
    /// Starts, stops, restarts.
    Operator,
    /// Defines and deletes apps.
    Deployer,
    /// Everything.
    Admin,
}

impl From<Role> for wire::Role {
    fn from(role: Role) -> wire::Role {
        match role {
            Role::Viewer => wire::Role::Viewer,
            Role::Operator => wire::Role::Operator,
            Role::Deployer => wire::Role::Deployer,
            Role::Admin => wire::Role::Admin,
        }
    }
}

/// `token revoke`.
#[derive(Args, Debug)]
pub struct RevokeTokenArgs {
    /// Names or ids, as token list shows them
    #[arg(required = true, value_name = "NAME|ID")]
    pub ids: Vec<String>,
}

/// What can be done with users.
#[derive(Subcommand, Debug)]
#[command(after_help = USER)]
pub enum UserCommand {
    /// Add somebody who logs in with a password, which is asked for twice
    Add(AddUserArgs),
    /// Give somebody another password; whoever is logged in by the old one is put out
    Passwd(PasswordArgs),
    /// Give somebody another role, or other namespaces; they have to log in again
    Grant(GrantUserArgs),
    /// Show who there is
    #[command(visible_alias = "ls")]
    List(super::args::JsonArgs),
    /// Remove users, with their sessions, their tokens and those that they had made
    #[command(visible_alias = "rm")]
    Remove(RemoveUserArgs),
}

/// Help of `user`.
pub const USER: &str = "Examples:\n  pmdaemon user add alice --role operator\n  pmdaemon user add bob --role deployer \
                        --namespace shop --password-stdin < file\n  pmdaemon user grant alice --role admin\n\n\
                        Users log in on the page /login, or from another host with pmdaemon login.";

/// `user add`.
#[derive(Args, Debug)]
pub struct AddUserArgs {
    /// The name to log in with
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What they may do
    #[command(flatten)]
    pub grant: GrantArgs,
    /// Read the password from the first line of standard input instead of asking
    #[arg(long)]
    pub password_stdin: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `user passwd`.
#[derive(Args, Debug)]
pub struct PasswordArgs {
    /// Who gets another password
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Read the new password from the first line of standard input instead of asking; of one's own, the
    /// present one from the first line and the new one from the second
    #[arg(long)]
    pub password_stdin: bool,
}

/// `user grant`.
#[derive(Args, Debug)]
pub struct GrantUserArgs {
    /// Who gets it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What they may do
    #[command(flatten)]
    pub grant: GrantArgs,
}

/// `user remove`.
#[derive(Args, Debug)]
pub struct RemoveUserArgs {
    /// Who goes
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// What can be done with sessions.
#[derive(Subcommand, Debug)]
pub enum SessionCommand {
    /// Show which browsers are logged in
    #[command(visible_alias = "ls")]
    List(super::args::JsonArgs),
    /// Log browsers out
    End(EndSessionArgs),
}

/// `session end`.
#[derive(Args, Debug)]
pub struct EndSessionArgs {
    /// Ids, as session list shows them
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}

/// `login`.
#[derive(Args, Debug)]
#[command(
    after_help = "Asks for name and password, or takes a token. What was given is kept for you alone (0600), and sent to \
                        that server only. Another terminal can use another one: PMDAEMON_CONTEXT, or --context.\n\n\
                        Examples:\n  pmdaemon login https://prod.example:9615\n  \
                        pmdaemon login https://10.0.0.5:9615 --ca ca.pem --name prod --token-stdin < ci.token\n  \
                        pmdaemon list --context local"
)]
pub struct LoginArgs {
    /// The server: https://HOST:PORT
    #[arg(value_name = "URL")]
    pub url: String,
    /// What to call it [default: HOST:PORT]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Who logs in [default: is asked]
    #[arg(long, value_name = "USER", conflicts_with = "token_stdin")]
    pub user: Option<String>,
    /// Read the password from the first line of standard input instead of asking
    #[arg(long, requires = "user")]
    pub password_stdin: bool,
    /// Read a token from the first line of standard input, in place of name and password
    #[arg(long)]
    pub token_stdin: bool,
    /// The only certificates (PEM) that the server's may be signed by [default: those of this system]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<std::path::PathBuf>,
    /// Also over plain HTTP to another machine: everybody on the way can read the token
    #[arg(long)]
    pub insecure_http: bool,
}

/// What can be done with contexts.
#[derive(Subcommand, Debug)]
pub enum ContextCommand {
    /// Show which there are, and which is used
    #[command(visible_alias = "ls")]
    List(super::args::JsonArgs),
    /// Have commands go there; local is this machine
    Use(ContextNameArgs),
    /// Forget one; a token that came from a password is made void
    #[command(visible_alias = "rm")]
    Remove(ContextNameArgs),
}

/// `context use`, `context remove`.
#[derive(Args, Debug)]
pub struct ContextNameArgs {
    /// Its name, as context list shows it
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `audit`.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Everything that changed something leaves a record, and so do a refusal and a login that failed: when, \
                        who, from where, what, to what, with which answer. The newest 100000 are kept, each with a hash \
                        that covers the one before. Who may write the store can make the whole chain anew: note the hash \
                        that verify prints elsewhere, too.\n\n\
                        Examples:\n  pmdaemon audit --since 24h\n  pmdaemon audit --lines 1000 --json\n  pmdaemon audit verify"
)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    /// Not older than: 30m, 24h, 7d or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// How many of the latest [default: 50; with --since all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub lines: Option<u32>,
    /// Print JSON, one document per line
    #[arg(long)]
    pub json: bool,
}

/// What can be done with the records.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Find out whether somebody altered the records; exit code 1 if so
    Verify(super::args::JsonArgs),
}
