//! A client that has a daemon: what nearly every command begins with.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::error::CliError;
use super::out::{self, Screen};
use super::port_owner;
use crate::client::contexts::{Context, Contexts, LOCAL};
use crate::client::start::{self, Patience};
use crate::client::{Client, ClientError, place};
use crate::home::Home;
use crate::wire::Listener;

/// The port that the API has unless it is taken.
pub const USUAL_PORT: i64 = 9615;

/// A daemon, and what stdout can show.
pub struct Session {
    whose: Whose,
    /// Speaks to the daemon.
    pub client: Client,
    /// What stdout can show.
    pub screen: Screen,
}

/// Whose daemon it is.
enum Whose {
    /// That of a home of this machine.
    Ours(Home),
    /// A server's.
    Servers(Context),
}

/// What `--context` said.
static CHOSEN: OnceLock<String> = OnceLock::new();

/// Nothing is told that was not asked for.
static QUIET: OnceLock<()> = OnceLock::new();

/// Has this command not tell that it started a daemon.
pub fn be_quiet() {
    let _ = QUIET.set(());
}

/// Has this command use that context, whatever else says which one.
pub fn choose(context: String) {
    // Said once, by the one command that this process carries out.
    let _ = CHOSEN.set(context);
}

/// The server that commands go to: `--context`, `PMDAEMON_CONTEXT`, or the one that was logged in to
/// or chosen last. `None`: the daemon of this machine.
///
/// # Errors
/// When that is not known, or the file cannot be used.
pub fn context() -> Result<Option<Context>, CliError> {
    let of_env = || std::env::var("PMDAEMON_CONTEXT").ok().filter(|name| !name.is_empty());
    let named = CHOSEN.get().cloned().or_else(of_env);
    if named.as_deref() == Some(LOCAL) {
        return Ok(None);
    }
    let own = match Contexts::path() {
        Some(path) => Contexts::load_own(&path)?.ok_or(path),
        None => Ok(Contexts::default()),
    };
    let contexts = match (own, &named) {
        (Ok(contexts), _) => contexts,
        // Those of somebody else are no reason not to work with what is ours.
        (Err(_), None) => Contexts::default(),
        (Err(path), Some(name)) => {
            return Err(CliError::new(format!(
                "there is no context {name:?}: {} is another user's; set HOME, or XDG_CONFIG_HOME, to a directory of \
                 yours",
                path.display()
            )));
        }
    };
    match named.or_else(|| contexts.current.clone()) {
        None => Ok(None),
        Some(name) => Ok(Some(contexts.get(&name)?.clone())),
    }
}

/// For what only the machine itself can do.
///
/// # Errors
/// When commands go to a server.
pub fn on_this_machine(what: &str) -> Result<(), CliError> {
    match context()? {
        None => Ok(()),
        Some(context) => Err(CliError::new(format!(
            "{what} is for the machine that it is typed on, and commands go to {} now: add --context local, or \
             type it there",
            context.name
        ))),
    }
}

impl Session {
    /// Finds the server that was chosen; or the home of this environment and its daemon, which is
    /// started when there is none.
    ///
    /// # Errors
    /// A sentence, when there is no home, or no daemon becomes ready, or its token is unusable.
    pub async fn open() -> Result<Session, CliError> {
        if let Some(context) = context()? {
            if place::is_unencrypted(&context.url) {
                out::notice(&format!("The token travels to {} unencrypted.", context.url));
            }
            let client = Client::remote(&context)?;
            return Ok(Session { whose: Whose::Servers(context), client, screen: Screen::of_stdout() });
        }
        let home = Home::from_env().map_err(CliError::new)?;
        let started = start::ensure(&home, this_program).await?;
        let client = Client::local(&home)?;
        let session = Session { whose: Whose::Ours(home), client, screen: Screen::of_stdout() };
        if started && QUIET.get().is_none() {
            session.announce().await;
        }
        Ok(session)
    }

    /// The server that this goes to, if it is none of this machine.
    pub fn server(&self) -> Option<&Context> {
        match &self.whose {
            Whose::Ours(_) => None,
            Whose::Servers(context) => Some(context),
        }
    }

    /// The CPUs of the machine on which the apps run.
    ///
    /// # Errors
    /// When a server does not say it.
    pub async fn cpus(&self) -> Result<i64, CliError> {
        match &self.whose {
            Whose::Ours(_) => Ok(cpus_here()),
            Whose::Servers(_) => Ok(self.ask(async |c| c.system().await).await?.host.cpus),
        }
    }

    /// Asks for something that may be asked twice: also again when the daemon dies meanwhile.
    pub async fn ask<T>(
        &self,
        request: impl AsyncFnMut(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        self.repeat(Patience::new(ClientError::is_absence), request).await
    }

    /// Asks for something that must not happen twice: again only when it did not arrive.
    pub async fn ask_once<T>(
        &self,
        request: impl AsyncFnMut(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        self.repeat(Patience::new(ClientError::is_undelivered), request).await
    }

    async fn repeat<T>(
        &self,
        mut patience: Patience,
        mut request: impl AsyncFnMut(&Client) -> Result<T, ClientError>,
    ) -> Result<T, CliError> {
        loop {
            match request(&self.client).await {
                Ok(answer) => return Ok(answer),
                Err(error) => match &self.whose {
                    Whose::Ours(home) => patience.after(error, home, this_program).await?,
                    Whose::Servers(_) => return Err(error.into()),
                },
            }
        }
    }

    /// The addresses of a daemon that has just been started: they come a moment after the socket.
    async fn listeners(&self) -> Option<Vec<Listener>> {
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let listeners = self.client.system().await.ok()?.daemon.listeners;
            if !listeners.is_empty() || Instant::now() > deadline {
                return Some(listeners);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Says that a daemon was started, and where it listens when that is not the usual place.
    async fn announce(&self) {
        out::notice("Started the pmdaemon daemon.");
        let Some(listeners) = self.listeners().await else { return };
        if listeners.iter().any(|listener| listener.port == USUAL_PORT) {
            return;
        }
        let owner = match port_owner::of(USUAL_PORT as u16) {
            Some((program, pid)) => format!("{program} (pid {pid})"),
            None => "another program".to_owned(),
        };
        out::notice(&match listeners.first() {
            Some(used) => {
                format!("Port {USUAL_PORT} is used by {owner}: the API is on {} instead.", address(used))
            }
            None => format!(
                "Port {USUAL_PORT} is used by {owner}: the API has no address besides the socket until you run \
                 pmdaemon web --port with another one."
            ),
        });
    }
}

/// The CPUs of this machine that programs may use.
pub fn cpus_here() -> i64 {
    std::thread::available_parallelism().map_or(1, |number| number.get() as i64)
}

/// The daemon that a command starts is of its own version.
pub fn this_program() -> Result<std::path::PathBuf, ClientError> {
    std::env::current_exe()
        .map_err(|e| ClientError::Start(format!("cannot start the daemon: the program is not found: {e}")))
}

/// `http://HOST:PORT`.
pub fn address(listener: &Listener) -> String {
    listener.url()
}
