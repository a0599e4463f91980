//! Whether another program is fit to take the place of this one, found out before anything is
//! changed: it is given a copy of the store, and has to answer in time.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::self_check::SelfCheck;
use crate::home::Home;
use crate::store::Recorder;

/// A self-check may take this long.
const LIMIT: Duration = Duration::from_secs(10);

/// One at a time: they share the place of the copy.
static CHECKING: Mutex<()> = Mutex::const_new(());

/// Why a program is not used. Each is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It is not there, or nothing that can be executed.
    #[error("{0}")]
    NoProgram(String),
    /// It was tried, and did not pass.
    #[error("{0}")]
    Failed(String),
    /// Another one is being tried.
    #[error("another upgrade is under way: wait until it is over")]
    Busy,
    /// The copy for it could not be made.
    #[error("the upgrade cannot be prepared: {0}")]
    NoCopy(String),
}

/// Tries that program. Answers where it really is and what it says about itself.
///
/// # Errors
/// Why it is not fit; nothing has changed then.
pub async fn check(home: &Home, recorder: &Recorder, program: &str) -> Result<(PathBuf, SelfCheck), Unfit> {
    let program = find(program)?;
    let _one = CHECKING.try_lock().map_err(|_| Unfit::Busy)?;
    let copy = Copy::make(home, recorder).await?;
    let said = ask(&program, copy.store()).await?;
    Ok((program, said))
}

fn find(program: &str) -> Result<PathBuf, Unfit> {
    let path = Path::new(program);
    if !path.is_absolute() {
        return Err(Unfit::NoProgram(format!("{program:?} is not an absolute path")));
    }
    let no = |why: &dyn std::fmt::Display| Unfit::NoProgram(format!("{program} cannot be used: {why}"));
    let path = std::fs::canonicalize(path).map_err(|e| no(&e))?;
    let meta = std::fs::metadata(&path).map_err(|e| no(&e))?;
    if !meta.is_file() {
        return Err(no(&"it is not a file"));
    }
    if meta.permissions().mode() & 0o111 == 0 {
        return Err(no(&"it is not executable"));
    }
    Ok(path)
}

/// A copy of the store in a directory of its own, which goes with it.
struct Copy(PathBuf);

impl Copy {
    async fn make(home: &Home, recorder: &Recorder) -> Result<Copy, Unfit> {
        let dir = home.path().join("upgrade");
        let made = recorder.read(move |store| {
            // Left by a daemon that died meanwhile.
            let _ = std::fs::remove_dir_all(&dir);
            DirBuilder::new()
                .mode(0o700)
                .create(&dir)
                .map_err(|e| format!("cannot create {}: {e}", dir.display()))?;
            let copy = Copy(dir);
            store.copy(&copy.store()).map_err(|e| e.to_string())?;
            Ok(copy)
        });
        made.await.map_err(|_| Unfit::NoCopy("the store is closed".to_owned()))?.map_err(Unfit::NoCopy)
    }

    fn store(&self) -> PathBuf {
        self.0.join("store.db")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn ask(program: &Path, store: PathBuf) -> Result<SelfCheck, Unfit> {
    let shown = program.display();
    let mut command = Command::new(program);
    command.arg("self-check").arg("--store").arg(&store);
    // Should it do more than it is asked for, it does so to the copy.
    command.env("PMDAEMON_HOME", store.with_file_name("home"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    let child = command.spawn().map_err(|e| Unfit::Failed(format!("{shown} cannot be executed: {e}")))?;
    let group = child.id();
    let mut ended = pin!(child.wait_with_output());
    let Ok(ended) = tokio::time::timeout(LIMIT, &mut ended).await else {
        // It was not waited for, so the number is its own.
        if let Some(pid) = group {
            let _ = killpg(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
        return Err(Unfit::Failed(format!(
            "{shown} did not finish its self-check within {} s",
            LIMIT.as_secs()
        )));
    };
    let output = ended.map_err(|e| Unfit::Failed(format!("the self-check of {shown} was lost: {e}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        let why = match last {
            Some(line) => line.trim().trim_start_matches("pmdaemon: ").chars().take(500).collect(),
            None => format!("it ended with {}", output.status),
        };
        return Err(Unfit::Failed(format!("{shown} failed its self-check: {why}")));
    }
    serde_json::from_slice(&output.stdout).map_err(|_| {
        Unfit::Failed(format!(
            "{shown} is not a pmdaemon that can take over: its self-check is not understood"
        ))
    })
}
