//! Servers that somebody has logged in to: their names, addresses and tokens, in one file of the
//! user (0600), and which of them is used.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ClientError;
use crate::secrets::{SecretError, file};

/// The daemon of this machine, which is no context.
pub const LOCAL: &str = "local";

/// More than any file of contexts.
const LIMIT: u64 = 4 << 20;

/// A server, and what lets one in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// What it is called here.
    pub name: String,
    /// Its origin.
    pub url: String,
    /// The token.
    pub token: String,
    /// It came from a login with a password, so it is of nobody else.
    #[serde(default)]
    pub by_password: bool,
    /// The only certificates that its own may be signed by, in PEM form; absent: those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Written by hand: a token must not get into a log.
impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Context({}, {})", self.name, self.url)
    }
}

/// All of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Contexts {
    /// The one that is used; absent: this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// By name.
    #[serde(default)]
    pub contexts: Vec<Context>,
}

impl Contexts {
    /// The file of this user: `pmdaemon/contexts.json` in `XDG_CONFIG_HOME` or `~/.config`. Absent
    /// when neither is set.
    pub fn path() -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let config = set("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let config = config.or_else(|| set("HOME").map(|home| home.join(".config")))?;
        Some(config.join("pmdaemon").join("contexts.json"))
    }

    /// What the file has; nothing when there is none.
    ///
    /// # Errors
    /// When it is somebody else's, open to others, or makes no sense.
    pub fn load(path: &Path) -> Result<Contexts, ClientError> {
        let content = match file::read(path, LIMIT) {
            Err(SecretError::NotThere { .. }) => return Ok(Contexts::default()),
            found => found?,
        };
        serde_json::from_slice(&content).map_err(|e| {
            ClientError::BadContext(format!(
                "{} makes no sense ({e}): remove it and log in again",
                path.display()
            ))
        })
    }

    /// The same; `None` when the file is another user's, as it is with a `HOME` of theirs.
    ///
    /// # Errors
    /// When it is open to others, or makes no sense.
    pub fn load_own(path: &Path) -> Result<Option<Contexts>, ClientError> {
        match file::read(path, LIMIT) {
            Err(SecretError::Foreign { .. }) => Ok(None),
            Err(SecretError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => Ok(None),
            Ok(_) | Err(_) => Contexts::load(path).map(Some),
        }
    }

    /// Writes the file, for its owner alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ClientError> {
        use std::os::unix::fs::DirBuilderExt;
        if let Some(dir) = path.parent() {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
            made.map_err(|e| ClientError::BadContext(format!("cannot create {}: {e}", dir.display())))?;
        }
        let content = serde_json::to_vec_pretty(self).expect("texts are JSON");
        Ok(file::replace(path, &content)?)
    }

    /// The one of that name.
    ///
    /// # Errors
    /// A sentence with the names that there are.
    pub fn get(&self, name: &str) -> Result<&Context, ClientError> {
        self.contexts.iter().find(|context| context.name == name).ok_or_else(|| {
            let names: Vec<&str> =
                self.contexts.iter().map(|context| context.name.as_str()).chain([LOCAL]).collect();
            ClientError::BadContext(format!("there is no context {name:?}: there is {}", names.join(", ")))
        })
    }

    /// Adds one, in the place of one that is called the same, and uses it.
    pub fn put(&mut self, context: Context) {
        self.current = Some(context.name.clone());
        self.contexts.retain(|other| other.name != context.name);
        self.contexts.push(context);
        self.contexts.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Forgets one.
    pub fn remove(&mut self, name: &str) {
        self.contexts.retain(|context| context.name != name);
        if self.current.as_deref() == Some(name) {
            self.current = None;
        }
    }
}

/// Whether a context may be called so.
///
/// # Errors
/// A sentence.
pub fn check_name(name: &str) -> Result<(), ClientError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '[' | ']');
    match !name.is_empty() && name.len() <= 255 && name.chars().all(plain) && name != LOCAL {
        true => Ok(()),
        false => Err(ClientError::BadContext(format!(
            "{name:?} cannot be the name of a context: use letters, digits, '.', '_' or '-', and not local"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn context(name: &str) -> Context {
        Context {
            name: name.into(),
            url: format!("https://{name}.example"),
            token: "a.b.c".into(),
            by_password: false,
            ca: None,
        }
    }

    #[test]
    fn contexts_are_kept_for_their_owner_alone_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        nix::sys::stat::umask(nix::sys::stat::Mode::empty());
        let path = dir.path().join("pmdaemon/contexts.json");
        assert_eq!(Contexts::load(&path).unwrap(), Contexts::default());
        let mut contexts = Contexts::default();
        contexts.put(context("prod"));
        contexts.put(context("lab"));
        contexts.put(Context { token: "d.e.f".into(), ..context("prod") });
        contexts.save(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let loaded = Contexts::load(&path).unwrap();
        assert_eq!(loaded, contexts);
        assert_eq!((loaded.current.as_deref(), loaded.contexts.len()), (Some("prod"), 2));
        assert_eq!(loaded.get("prod").unwrap().token, "d.e.f");
        assert!(!format!("{loaded:?}").contains("d.e.f"));
        let refused = loaded.get("nosuch").unwrap_err().to_string();
        assert!(refused.contains("lab, prod, local"), "{refused}");
        contexts.remove("prod");
        assert_eq!((contexts.current, contexts.contexts.len()), (None, 1));

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Contexts::load(&path).unwrap_err().to_string().contains("chmod 600"));
        std::fs::write(&path, "{").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Contexts::load(&path).unwrap_err().to_string().contains("makes no sense"));
    }

    #[test]
    fn the_name_local_is_for_this_machine() {
        for good in ["prod", "10.0.0.1", "prod.example:9615", "[::1]"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "local", "a b", "a/b", "a\n", "é"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
