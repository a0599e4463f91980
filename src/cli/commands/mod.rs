//! One file per command.

mod act;
mod alert;
mod apply;
mod attach;
mod audit;
mod change;
mod cleardump;
mod completion;
mod context;
mod cut_off;
mod delete;
mod deploy;
mod doctor;
mod env;
mod events;
mod flush;
mod forward;
mod from_file;
mod history;
mod import;
mod info;
mod init;
mod interruptible;
mod jlist;
mod job;
mod kill;
mod list;
mod log_printer;
mod login;
mod logs;
mod mini_list;
mod monit;
mod monitoring;
mod open;
mod operations;
mod pid;
mod ping;
mod plan;
mod pm2_lines;
mod port_clash;
mod ports;
mod progress;
mod reload;
mod reload_logs;
mod report;
mod reset;
mod restart;
mod resurrect;
mod rollback;
mod runtime;
mod save;
mod scale;
mod schema;
mod secret;
mod send;
mod serve;
mod session;
mod settings;
mod signal;
mod start;
mod startup;
pub(super) mod status;
mod stop;
mod token;
mod trigger;
mod unstartup;
pub(super) mod update_env;
mod upgrade;
mod user;
mod watch;
mod web;
mod why;

use interruptible::interruptible;

use super::args::ClientCommand;
use super::error::CliError;
use super::session::on_this_machine;

/// Carries out a command.
///
/// # Errors
/// Why it ends with exit code 1.
pub async fn dispatch(command: ClientCommand) -> Result<(), CliError> {
    match command {
        ClientCommand::Start(args) => start::run(*args).await,
        ClientCommand::Runtime(args) => runtime::run(*args).await,
        ClientCommand::Stop(args) => interruptible("stop", stop::run(args)).await,
        ClientCommand::Restart(args) => interruptible("restart", restart::run(args)).await,
        ClientCommand::Reload(args) => interruptible("reload", reload::run(args)).await,
        ClientCommand::StartOrRestart(args) => interruptible("restart", restart::run(args)).await,
        ClientCommand::StartOrReload(args) => interruptible("reload", reload::run(args)).await,
        ClientCommand::Plan(args) => plan::run(args).await,
        ClientCommand::Apply(args) => apply::run(args).await,
        ClientCommand::Schema => schema::run(),
        ClientCommand::Init(_) => init::run(),
        ClientCommand::Import(args) => import::run(args).await,
        ClientCommand::Job(command) => job::run(command).await,
        ClientCommand::Secret(command) => secret::run(command).await,
        ClientCommand::Settings(args) => settings::run(args).await,
        ClientCommand::Jlist => jlist::run(false).await,
        ClientCommand::Prettylist => jlist::run(true).await,
        ClientCommand::Pid(args) => pid::run(args).await,
        ClientCommand::Id(args) => pid::ids(args).await,
        ClientCommand::Completion(args) => completion::run(&args),
        ClientCommand::Scale(args) => interruptible("scale", scale::run(args)).await,
        ClientCommand::Signal(args) => signal::run(args).await,
        ClientCommand::Send(args) => send::run(args).await,
        ClientCommand::Attach(args) => attach::run(args).await,
        ClientCommand::Trigger(args) => trigger::run(args).await,
        ClientCommand::Message(args) => send::message(args).await,
        ClientCommand::Reset(args) => reset::run(args).await,
        ClientCommand::Why(args) => why::run(args).await,
        ClientCommand::History(args) => history::run(args).await,
        ClientCommand::Rollback(args) => interruptible("rollback", rollback::run(args)).await,
        ClientCommand::Delete(args) => delete::run(args).await,
        ClientCommand::List(args) => list::run(args).await,
        ClientCommand::Info(args) => info::run(args).await,
        ClientCommand::Serve(args) => serve::run(args).await,
        ClientCommand::Logs(args) => logs::run(args).await,
        ClientCommand::Flush(args) => flush::run(args).await,
        ClientCommand::Forward(args) => forward::run(args).await,
        ClientCommand::Monitoring(args) => monitoring::run(args).await,
        ClientCommand::Alert(args) => alert::run(args).await,
        ClientCommand::ReloadLogs(args) => reload_logs::run(args).await,
        ClientCommand::Ports(args) => ports::run(args).await,
        ClientCommand::Events(args) => events::run(args).await,
        ClientCommand::Operations(args) => operations::run(args).await,
        ClientCommand::Monit(args) => monit::run(args).await,
        ClientCommand::Doctor(args) => {
            on_this_machine("pmdaemon doctor")?;
            doctor::run(args).await
        }
        ClientCommand::Web(args) => {
            on_this_machine("pmdaemon web")?;
            web::run(args).await
        }
        ClientCommand::Open => open::run().await,
        ClientCommand::Status(args) => status::run(args).await,
        ClientCommand::Token(args) => token::run(args).await,
        ClientCommand::User(command) => user::run(command).await,
        ClientCommand::Audit(args) => audit::run(args).await,
        ClientCommand::Login(args) => login::run(args).await,
        ClientCommand::Context(command) => context::run(command).await,
        ClientCommand::Session(command) => session::run(command).await,
        ClientCommand::Startup(args) => {
            on_this_machine("pmdaemon startup")?;
            startup::run(args).await
        }
        ClientCommand::Unstartup(args) => {
            on_this_machine("pmdaemon unstartup")?;
            unstartup::run(args).await
        }
        ClientCommand::Save(args) => save::run(args).await,
        ClientCommand::Resurrect(args) => resurrect::run(args).await,
        ClientCommand::Cleardump(args) => cleardump::run(args).await,
        ClientCommand::Upgrade(args) => {
            on_this_machine("pmdaemon upgrade")?;
            upgrade::run(args).await
        }
        ClientCommand::Env(args) => env::list(args).await,
        ClientCommand::Get(args) => env::get(args).await,
        ClientCommand::Set(args) => interruptible("set", env::set(args)).await,
        ClientCommand::Unset(args) => interruptible("unset", env::unset(args)).await,
        ClientCommand::Deploy(args) => deploy::run(args).await,
        ClientCommand::Ping => ping::run().await,
        ClientCommand::Kill => {
            on_this_machine("pmdaemon kill")?;
            kill::run().await
        }
    }
}
