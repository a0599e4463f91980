//! Puts the daemon together: store, keeper's line, brain, API, sockets. What `pmdaemon daemon` runs.

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::api::{self, Api, Shared};
use crate::auth::{Accounts, SigningKey};
use crate::daemon::alert::watch::Watch;
use crate::daemon::driver::{Driver, Ended};
use crate::daemon::keeper_line::KeeperLine;
use crate::daemon::presence::Farewell;
use crate::daemon::retention;
use crate::daemon::{backing_up, clock, file_watch};
use crate::fault;
use crate::home::Home;
use crate::keeper;
use crate::local_token::LocalToken;
use crate::model::Rest;
use crate::store::{self, Backups, Change, Opened, Recorder, Saved, StoreError, Trouble};
use crate::supervisor::Ports;
use crate::wire::size;

/// Another daemon holds this home; also the keeper's code when another keeper does
/// (`EX_TEMPFAIL` of sysexits.h).
pub const EXIT_LOCKED: u8 = 75;
/// How often expired tokens and sessions are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// The setting in the store that names the boot of the host in which the last daemon ran.
const BOOT: &str = "boot";

/// Runs the daemon of `home` until it is told to end.
pub fn daemon(home: &Home) -> ExitCode {
    crate::own_log::start();
    raise_limit();
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

/// Takes all the descriptors that we may have: thousands of clients may come.
fn raise_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

async fn run(home: &Home) -> Result<ExitCode, String> {
    let started = clock::now();
    home.create()?;
    fault::arm(home);
    fault::point!("daemon.start");
    let Some(lock) = lock(home)? else {
        tracing::warn!("another daemon serves {}", home.path().display());
        return Ok(ExitCode::from(EXIT_LOCKED));
    };
    // First of all: the keeper waits for nobody, but nothing works without it.
    let keeper = KeeperLine::inherited()
        .map_err(|e| format!("it is started by the keeper only ({e}): run `pmdaemon start`"))?;
    let backups = Backups::at(home.backup_dir());
    let opened = store::open(&home.store(), &backups, clock::unix_ms()).map_err(|e| e.to_string())?;
    let Opened { store, mut saved, loss } = opened;
    let key = SigningKey::load_or_create(&home.jwt_key()).map_err(|e| e.to_string())?;
    let accounts = Accounts::new(
        key,
        saved.installation.clone(),
        saved.tokens.clone(),
        saved.sessions.clone(),
        saved.users.clone(),
    );
    let settings = saved.settings.clone();
    let audit = saved.audit.clone();
    let (operations, next_operation) = (std::mem::take(&mut saved.operations), saved.next_operation);
    let recorder = Recorder::start(store);
    after_boot(&mut saved, &recorder);
    let (driver, handle) = Driver::begin(home.clone(), keeper, saved, loss, recorder.clone()).await?;
    let sign = lock.try_clone().map_err(|e| format!("cannot open {}: {e}", home.daemon_lock().display()))?;
    handle.usages().start(handle.watch(), &home.history(), sign)?;
    let budget = log_budget()?;
    let log_space = retention::start(home.clone(), handle.clone(), budget)
        .map_err(|e| format!("cannot look after logs: {e}"))?;

    let usages = handle.usages().clone();
    let api = Api::new(handle, accounts, audit, started, default_cwd(), log_space);
    api.operations.restore(operations, next_operation);
    let token = LocalToken::write(&api)?;
    let (end, ending) = watch::channel(false);
    // Before the socket: whoever finds that one is told the addresses.
    api.listeners.restore(&api, &settings).await;
    api.forwards.restore(&settings);
    api.alerts.restore(&settings);
    let (unix, name) = api::serve::unix(&home.socket(), api.handle.sockets())
        .map_err(|e| format!("cannot serve {}: {e}", home.socket().display()))?;
    let mut used = api.listeners.held();
    used.insert(name);
    api.handle.sockets().release_all_but(&used);
    let unix = tokio::spawn(api::serve::serve(unix, None, api::router::router(api.clone()), ending));
    if let Err(e) = crate::store::before::is_over(&home.store()) {
        tracing::warn!("{e}");
    }
    let expiries = {
        let api = api.clone();
        Arc::new(move || api.listeners.expiries())
    };
    tokio::spawn(Watch::of(api.alerts.clone(), expiries).for_ever());
    tokio::spawn(file_watch::for_ever(api.handle.clone()));
    tokio::spawn(token.keep(api.clone()));
    tokio::spawn(sweep_accounts_for_ever(api.clone()));
    tokio::spawn(backing_up::for_ever(recorder.clone(), backups));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "the daemon is ready");

    let mut driving = pin!(driver.run());
    let (early, farewell) = tokio::select! {
        ended = &mut driving => (Some(ended), match ended {
            Ended::Everything => Some(Farewell::Stopped),
            Ended::Left => Some(Farewell::Upgraded),
            Ended::Replaced => None,
        }),
        () = asked_to_end() => (None, Some(Farewell::Asked)),
        () = api.handle.leaving() => (None, Some(Farewell::Upgraded)),
        () = damaged(recorder.trouble()) => (None, None),
    };
    if early == Some(Ended::Everything) {
        // While we still hold the lock: later this could be the socket of the next daemon.
        let _ = std::fs::remove_file(home.socket());
    }
    // Nobody comes in any more; who is in is answered.
    api.handle.begin_to_leave();
    let _ = end.send(true);
    let answered = async {
        api.listeners.end_all().await;
        let _ = unix.await;
    };
    let ended = match early {
        Some(ended) => {
            answered.await;
            ended
        }
        // Their requests need the driver until the last one is answered.
        None => {
            let finish = async {
                answered.await;
                api.handle.leave().await;
                std::future::pending().await
            };
            tokio::select! {
                ended = &mut driving => ended,
                never = finish => never,
            }
        }
    };
    usages.history().flush(clock::unix_ms());
    if let (Some(farewell), Ended::Everything | Ended::Left) = (farewell, ended) {
        recorder.write(vec![farewell.change(clock::unix_ms())]);
    }
    recorder.close();
    match ended {
        Ended::Everything => tracing::info!("everything is stopped; the daemon ends"),
        Ended::Replaced => {}
        Ended::Left => tracing::info!("the daemon ends; services go on, the keeper starts a new one"),
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

/// Waits until the store turns out to be damaged. The next daemon finds that at its start, and
/// puts a good copy in its place.
async fn damaged(mut trouble: watch::Receiver<Trouble>) {
    let is_damaged = |trouble: &Trouble| {
        trouble.as_deref().is_some_and(|error| matches!(error, StoreError::Damaged { .. }))
    };
    if trouble.wait_for(is_damaged).await.is_err() {
        std::future::pending().await
    }
}

/// The directory in which the command that started us was typed.
fn default_cwd() -> PathBuf {
    std::env::var_os("PMDAEMON_START_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir())
        .unwrap_or_else(|| "/".into())
}

/// What all logs together may take, as the environment says.
fn log_budget() -> Result<Option<u64>, String> {
    match std::env::var("PMDAEMON_LOG_BUDGET") {
        Ok(text) if !text.is_empty() => {
            let bytes = size::parse(&text).map_err(|e| format!("PMDAEMON_LOG_BUDGET is not usable: {e}"))?;
            Ok(Some(bytes))
        }
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Forgets expired tokens and sessions.
async fn sweep_accounts_for_ever(api: Shared) {
    loop {
        tokio::time::sleep(SWEEP).await;
        api.note(|accounts| ((), accounts.sweep(clock::unix_ms())));
    }
}

/// After a boot of the host everything begins anew: what had finished by itself is due again, since
/// its goal is still "up", and ports are those of the definition. Counters of restarts, and the
/// history, go on.
fn after_boot(saved: &mut Saved, recorder: &Recorder) {
    let boot = keeper::boot_id();
    if saved.settings.get(BOOT).is_some_and(|known| *known == boot) {
        return;
    }
    let mut changes = vec![Change::PutSetting { name: BOOT.to_owned(), value: boot }];
    for process in &mut saved.processes {
        let before = process.clone();
        // Moments of another boot mean nothing.
        (process.unstable, process.waits, process.waits_until) = (0, 0, None);
        (process.ports, process.asked) = (Ports::default(), None);
        if let Rest::Finished(_) = process.rest {
            process.rest = Rest::Stopped;
        }
        if *process != before {
            changes.push(Change::PutProcess(process.clone()));
        }
    }
    recorder.write(changes);
}
