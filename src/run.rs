//! Puts the daemon together: store, keeper's line, brain, API, sockets. What `pmdaemon daemon` runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::api::{self, Api, Shared};
use crate::auth::{Accounts, SigningKey, token_file};
use crate::daemon::clock;
use crate::daemon::driver::{Driver, Ended};
use crate::daemon::keeper_line::KeeperLine;
use crate::home::Home;
use crate::model::Role;
use crate::store::{Recorder, Store};

/// Another daemon holds this home; also the keeper's code when another keeper does
/// (`EX_TEMPFAIL` of sysexits.h).
pub const EXIT_LOCKED: u8 = 75;
/// The address that everybody knows (PM2's web port).
const DEFAULT_PORT: u16 = 9615;
/// The command line's token lives this long and is renewed halfway.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Runs the daemon of `home` until it is told to end.
pub fn daemon(home: &Home) -> ExitCode {
    crate::own_log::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(home)),
        Err(e) => Err(format!("cannot start: {e}")),
    };
    match done {
        Ok(code) => code,
        Err(sentence) => {
            tracing::error!("the daemon cannot run: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(home: &Home) -> Result<ExitCode, String> {
    let started = clock::now();
    home.create()?;
    let Some(_lock) = lock(home)? else {
        tracing::warn!("another daemon serves {}", home.path().display());
        return Ok(ExitCode::from(EXIT_LOCKED));
    };
    // First of all: the keeper waits for nobody, but nothing works without it.
    let keeper = KeeperLine::inherited()
        .map_err(|e| format!("it is started by the keeper only ({e}): run `pmdaemon start`"))?;
    let store = Store::open(&home.store()).map_err(|e| e.to_string())?;
    let saved = store.load().map_err(|e| e.to_string())?;
    let key = SigningKey::load_or_create(&home.jwt_key()).map_err(|e| e.to_string())?;
    let accounts =
        Accounts::new(key, saved.installation.clone(), saved.tokens.clone(), saved.sessions.clone());
    let wanted = String::new();
    let recorder = Recorder::start(store);
    let (driver, handle) = Driver::begin(home.clone(), keeper, saved, recorder.clone()).await?;
    handle.usages().start(handle.watch())?;

    let api = Api::new(handle, accounts, started, default_cwd());
    renew_token(&api)?;
    let (end, ending) = watch::channel(false);
    let unix = api::serve::unix(&home.socket(), api::router::router(api.clone()), ending)
        .map_err(|e| format!("cannot serve {}: {e}", home.socket().display()))?;
    listen(&api, &wanted).await;
    tokio::spawn(renew_token_for_ever(api.clone()));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "the daemon is ready");

    let ended = tokio::select! {
        ended = driver.run() => Some(ended),
        () = asked_to_end() => None,
    };
    api.listeners.end_all();
    let _ = end.send(true);
    let _ = unix.await;
    // Answers that are on their way leave; SIGTERM lets running requests finish.
    tokio::time::sleep(Duration::from_millis(50)).await;
    recorder.close();
    match ended {
        Some(Ended::Everything) => {
            let _ = std::fs::remove_file(home.socket());
            tracing::info!("everything is stopped; the daemon ends");
        }
        Some(Ended::Replaced) => {}
        None => tracing::info!("the daemon ends; services go on, the keeper starts a new one"),
    }
    Ok(ExitCode::SUCCESS)
}

/// One daemon per home: the lock says who it is. Kept until the process ends.
fn lock(home: &Home) -> Result<Option<Flock<std::fs::File>>, String> {
    let path = home.daemon_lock();
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|e| format!("cannot open {}: {e}", path.display()))?;
    Ok(Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
}

async fn asked_to_end() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// The directory in which the command that started us was typed.
fn default_cwd() -> PathBuf {
    std::env::var_os("PMDAEMON_START_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir())
        .unwrap_or_else(|| "/".into())
}

/// The key under which addresses are stored.
pub const LISTENERS: &str = "listeners";

/// The stored addresses, or the default one; another port when that is taken. The unix socket
/// always works, so a port that cannot be had is no reason to stop.
async fn listen(api: &Shared, stored: &str) {
    let stored: Vec<SocketAddr> = stored.split_whitespace().filter_map(|text| text.parse().ok()).collect();
    let wanted =
        if stored.is_empty() { vec![SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT))] } else { stored };
    for address in wanted {
        let Err(taken) = api.listeners.add(api, address).await else { continue };
        tracing::warn!("{}; using a free one instead", taken.detail);
        let any = SocketAddr::new(address.ip(), 0);
        if let Err(e) = api.listeners.add(api, any).await {
            tracing::error!("no TCP address at all: {}", e.detail);
        }
    }
}

fn renew_token(api: &Shared) -> Result<(), String> {
    let (jwt, change) = api.accounts().mint("local", Role::Admin, TOKEN_LIFE, clock::unix_ms());
    api.handle.recorder().write(vec![change]);
    token_file::write(&api.handle.home().token(), &jwt).map_err(|e| e.to_string())
}

async fn renew_token_for_ever(api: Shared) {
    loop {
        tokio::time::sleep(TOKEN_LIFE / 2).await;
        if let Err(e) = renew_token(&api) {
            tracing::error!("the token for the command line cannot be renewed: {e}");
        }
    }
}
