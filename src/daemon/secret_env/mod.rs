//! Secrets of namespaces, and how programs get them (acceptance row K17).
//!
//! ```text
//!   API ── set ──▶ sealed by the Vault ──▶ Recorder: a small fact of the store, "secret NS/NAME"
//!   definition: env DB=${secret:DB}  (only the reference is ever stored or shown)
//!   launch ── opened now ──▶ the environment in the order to the keeper, or a file of this run
//! ```
//!
//! What a run gets is what is set when it starts: a rotated value comes with the next start. The
//! keeper launches nothing by itself, so nobody but the daemon ever opens one. Files are in a
//! directory for this run alone, and go with it.

mod files;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

pub(super) use files::{remove, remove_all_but};

use crate::home::Home;
use crate::model::secret_ref::{Given, Piece, pieces, refers};
use crate::model::{AppSpec, Name, RunId};
use crate::secrets::SecretError;
use crate::secrets::vault::Vault;
use crate::store::Change;

/// What is before namespace and name.
const SECRET: &str = "secret ";

/// One secret, without its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// Whose apps may refer to it.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// When it was set last: milliseconds of Unix time.
    pub at_ms: u64,
    /// By whom.
    pub by: String,
}

/// How the store keeps one.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    sealed: String,
    at_ms: u64,
    by: String,
}

/// All secrets, sealed.
pub struct Secrets {
    home: Home,
    /// Made when it is needed first.
    vault: OnceLock<Vault>,
    all: Mutex<BTreeMap<(Name, Name), Stored>>,
}

impl Secrets {
    /// Those that the store has.
    pub(super) fn of(home: &Home, settings: &BTreeMap<String, String>) -> Secrets {
        let known = |(name, value): (&String, &String)| {
            let (namespace, name) = name.strip_prefix(SECRET)?.split_once('/')?;
            let names = (Name::parse(namespace).ok()?, Name::parse(name).ok()?);
            Some((names, serde_json::from_str(value).ok()?))
        };
        let all = Mutex::new(settings.iter().filter_map(known).collect());
        Secrets { home: home.clone(), vault: OnceLock::new(), all }
    }

    /// Sets one. What is to be written down.
    ///
    /// # Errors
    /// When there is no key and none can be made.
    pub fn set(
        &self,
        namespace: &Name,
        name: &Name,
        value: &str,
        by: &str,
        at_ms: u64,
    ) -> Result<Change, SecretError> {
        let sealed = self.vault()?.seal(&label(namespace, name), value);
        let stored = Stored { sealed, at_ms, by: by.to_owned() };
        let change = Change::PutSetting {
            name: format!("{SECRET}{}", label(namespace, name)),
            value: serde_json::to_string(&stored).unwrap_or_default(),
        };
        self.locked().insert((namespace.clone(), name.clone()), stored);
        Ok(change)
    }

    /// Forgets one. What is to be written down; `None` if there is none.
    pub fn remove(&self, namespace: &Name, name: &Name) -> Option<Change> {
        self.locked().remove(&(namespace.clone(), name.clone()))?;
        Some(Change::DropSetting(format!("{SECRET}{}", label(namespace, name))))
    }

    /// Which there are.
    pub fn list(&self) -> Vec<Known> {
        let known = |((namespace, name), stored): (&(Name, Name), &Stored)| Known {
            namespace: namespace.clone(),
            name: name.clone(),
            at_ms: stored.at_ms,
            by: stored.by.clone(),
        };
        self.locked().iter().map(known).collect()
    }

    /// Whether every secret that a definition refers to is there.
    ///
    /// # Errors
    /// The first thing that is wrong, as a sentence without any value.
    pub fn check(&self, spec: &AppSpec) -> Result<(), String> {
        for (variable, value) in &spec.env {
            for piece in pieces(value).map_err(|why| format!("{variable}: {why}"))? {
                let Piece::Secret(reference) = piece else { continue };
                if !self.locked().contains_key(&(spec.namespace.clone(), reference.name.clone())) {
                    return Err(missing(&spec.namespace, &reference.name));
                }
            }
        }
        Ok(())
    }

    /// Fills in what those variables of a run refer to that were declared for it; what it inherits is
    /// left alone.
    ///
    /// # Errors
    /// Which secret is not there, or cannot be read or written.
    pub(super) fn fill(
        &self,
        run: RunId,
        spec: &AppSpec,
        declared: &HashSet<String>,
        env: &mut BTreeMap<String, String>,
    ) -> Result<(), String> {
        for (variable, value) in
            env.iter_mut().filter(|(name, value)| refers(value) && declared.contains(*name))
        {
            let mut filled = String::new();
            for piece in pieces(value).map_err(|why| format!("{variable}: {why}"))? {
                match piece {
                    Piece::Text(text) => filled.push_str(text),
                    Piece::Secret(reference) => {
                        let secret = self.value(&spec.namespace, &reference.name)?;
                        match reference.given {
                            Given::AsValue => filled.push_str(&secret),
                            Given::AsFile => {
                                let run_as = spec.resources.run_as.as_ref();
                                let path = files::write(&self.home, run, run_as, &reference.name, &secret)?;
                                filled.push_str(&path);
                            }
                        }
                    }
                }
            }
            *value = filled;
        }
        Ok(())
    }

    fn value(&self, namespace: &Name, name: &Name) -> Result<String, String> {
        let stored = self.locked().get(&(namespace.clone(), name.clone())).cloned();
        let stored = stored.ok_or_else(|| missing(namespace, name))?;
        let vault = self.vault().map_err(|e| e.to_string())?;
        vault.open(&label(namespace, name), &stored.sealed).map_err(|e| {
            format!(
                "the secret {name} of namespace {namespace} is not usable: {e}; set it again: {}",
                how(namespace, name)
            )
        })
    }

    fn vault(&self) -> Result<&Vault, SecretError> {
        if let Some(vault) = self.vault.get() {
            return Ok(vault);
        }
        let vault = Vault::load_or_create(&self.home.secret_key())?;
        Ok(self.vault.get_or_init(|| vault))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Name, Name), Stored>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The secrets, for whoever launches.
pub type Shared = Arc<Secrets>;

fn label(namespace: &Name, name: &Name) -> String {
    format!("{namespace}/{name}")
}

fn missing(namespace: &Name, name: &Name) -> String {
    format!("there is no secret {name} in namespace {namespace}: {} sets it", how(namespace, name))
}

fn how(namespace: &Name, name: &Name) -> String {
    match *namespace == Name::default_namespace() {
        true => format!("pmdaemon secret set {name}"),
        false => format!("pmdaemon secret set {name} --namespace {namespace}"),
    }
}

/// Written by hand: what is sealed need not get into a log either.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}
