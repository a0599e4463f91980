//! Hooks: commands of the user's own at certain moments in the life of an app.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A moment at which a command of the user's is run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hook {
    /// Before each run is launched. It fails: the run does not begin.
    BeforeStart,
}

impl Hook {
    /// All of them, in the order in which they come.
    pub const ALL: [Hook; 1] = [Hook::BeforeStart];

    /// Its name, as a definition has it.
    pub fn word(self) -> &'static str {
        match self {
            Hook::BeforeStart => "before_start",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is run, and for how long at most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hooks {
    /// The command of each moment that has one.
    pub commands: BTreeMap<Hook, HookCommand>,
    /// One that takes longer has failed.
    pub timeout: Duration,
}

impl Hooks {
    /// The limit when nobody says another: a database may be migrated meanwhile.
    pub const USUAL_TIMEOUT: Duration = Duration::from_secs(60);
}

/// No hooks.
impl Default for Hooks {
    fn default() -> Self {
        Hooks { commands: BTreeMap::new(), timeout: Hooks::USUAL_TIMEOUT }
    }
}

/// A command of a hook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HookCommand {
    /// What the user named. For display.
    pub script: String,
    /// Absolute path of what is executed.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}
