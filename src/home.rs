//! Where everything of one installation lives: the paths inside `PMDAEMON_HOME`, nothing else.
//!
//! Used by the daemon, the keeper and the command line, which must agree on them.

use std::path::{Path, PathBuf};

/// Bytes in the path of a unix socket (`sun_path`), without the zero at its end.
const LONGEST_SOCKET: usize = 107;

/// One installation's directory (0700). One keeper and one daemon at most serve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// The home of this environment: `PMDAEMON_HOME`, or `~/.pmdaemon`.
    ///
    /// # Errors
    /// A sentence, when neither `PMDAEMON_HOME` nor `HOME` says where, or the path is relative.
    pub fn from_env() -> Result<Home, String> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let path = match (set("PMDAEMON_HOME"), set("HOME")) {
            (Some(home), _) => std::path::absolute(PathBuf::from(home))
                .map_err(|e| format!("PMDAEMON_HOME is not usable: {e}"))?,
            (None, Some(user)) => Path::new(&user).join(".pmdaemon"),
            (None, None) => {
                return Err(
                    "neither PMDAEMON_HOME nor HOME is set: set PMDAEMON_HOME to a directory of yours".into(),
                );
            }
        };
        Ok(Home(path))
    }

    /// The home at that absolute path.
    pub fn at(path: impl Into<PathBuf>) -> Home {
        Home(path.into())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The unix socket of the API (0600).
    pub fn socket(&self) -> PathBuf {
        self.0.join("pmdaemon.sock")
    }

    /// The bearer token of the local command line (0600).
    pub fn token(&self) -> PathBuf {
        self.0.join("token")
    }

    /// The key that signs tokens (0600).
    pub fn jwt_key(&self) -> PathBuf {
        self.0.join("jwt.key")
    }

    /// The key of secrets (0600).
    pub fn secret_key(&self) -> PathBuf {
        self.0.join("secrets.key")
    }

    /// Secrets that runs get as files (0700).
    pub fn secret_file_dir(&self) -> PathBuf {
        self.0.join("secret-files")
    }

    /// The SQLite database.
    pub fn store(&self) -> PathBuf {
        self.0.join("store.db")
    }

    /// What processes and the host have used.
    pub fn history(&self) -> PathBuf {
        self.0.join("history.db")
    }

    /// Copies of the store.
    pub fn backup_dir(&self) -> PathBuf {
        self.0.join("backup")
    }

    /// Restore points.
    pub fn point_dir(&self) -> PathBuf {
        self.0.join("points")
    }

    /// Held (flock) by whoever is starting a keeper.
    pub fn start_lock(&self) -> PathBuf {
        self.0.join("start.lock")
    }

    /// Held (flock) by the keeper while it lives.
    pub fn keeper_lock(&self) -> PathBuf {
        self.0.join("keeper.lock")
    }

    /// What the keeper is just moving from a program to its log.
    pub fn move_note(&self) -> PathBuf {
        self.0.join("keeper.move")
    }

    /// Held (flock) by the daemon while it lives.
    pub fn daemon_lock(&self) -> PathBuf {
        self.0.join("daemon.lock")
    }

    /// Own log of keeper and daemon.
    pub fn daemon_log(&self) -> PathBuf {
        self.0.join("daemon.log")
    }

    /// What is needed to find the runs again: records and FIFOs.
    pub fn run_dir(&self) -> PathBuf {
        self.0.join("run")
    }

    /// What says which processes the hooks are that run.
    pub fn hook_dir(&self) -> PathBuf {
        self.0.join("hooks")
    }

    /// What balancers are told.
    pub fn balance_dir(&self) -> PathBuf {
        self.0.join("balance")
    }

    /// Where the balancer of that app says how it is doing. Short: the path of a socket is.
    pub fn balancer_socket(&self, app: u32) -> PathBuf {
        self.0.join(format!("b{app}.sock"))
    }

    /// Logs of the services.
    pub fn log_dir(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// Makes the directories, for their owner alone.
    ///
    /// # Errors
    /// A sentence with the path, when one cannot be made or belongs to somebody else, or others
    /// may write to it, or it is too long for the kernel to have a socket in it.
    pub fn create(&self) -> Result<(), String> {
        use std::os::unix::fs::{DirBuilderExt, MetadataExt};
        let room = LONGEST_SOCKET - "/pmdaemon.sock".len();
        if self.0.as_os_str().len() > room {
            return Err(format!(
                "the path {} is too long for a socket: set PMDAEMON_HOME to a directory whose path has at most \
                 {room} bytes",
                self.0.display()
            ));
        }
        for dir in [self.0.clone(), self.run_dir(), self.log_dir()] {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
            made.map_err(|e| {
                format!("cannot create {}: {e}; PMDAEMON_HOME may name a directory of yours", dir.display())
            })?;
            let meta = std::fs::metadata(&dir).map_err(|e| format!("cannot read {}: {e}", dir.display()))?;
            let me = nix::unistd::geteuid().as_raw();
            if meta.uid() != me {
                return Err(format!(
                    "{} belongs to user {}, not to you (user {me}): set PMDAEMON_HOME to a directory of yours",
                    dir.display(),
                    meta.uid()
                ));
            }
            if meta.mode() & 0o077 != 0 {
                return Err(format!("{} is open to others: run chmod 700 {0}", dir.display()));
            }
        }
        Ok(())
    }
}
