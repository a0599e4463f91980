//! The disk format of hooks. The same rules as for definitions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{Misfit, StoredPath, micros};
use crate::model::{Hook, HookCommand, Hooks};

/// Member `hooks` of a definition: absent when there are none.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredHooks {
    /// By the name of the hook.
    commands: BTreeMap<String, StoredCommand>,
    timeout_us: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredCommand {
    script: String,
    program: StoredPath,
    args: Vec<String>,
}

impl StoredHooks {
    /// What to write for `hooks`, if there are any.
    pub(super) fn new(hooks: &Hooks) -> Option<StoredHooks> {
        let stored = |(hook, command): (&Hook, &HookCommand)| {
            let HookCommand { script, program, args } = command;
            let program = StoredPath::new(program);
            (hook.word().to_owned(), StoredCommand { script: script.clone(), program, args: args.clone() })
        };
        (!hooks.commands.is_empty()).then(|| StoredHooks {
            commands: hooks.commands.iter().map(stored).collect(),
            timeout_us: micros(hooks.timeout),
        })
    }

    /// The hooks that were written.
    pub(super) fn into_model(self) -> Result<Hooks, Misfit> {
        let command = |(word, command): (String, StoredCommand)| {
            let hook = Hook::ALL.into_iter().find(|hook| hook.word() == word);
            let hook = hook.ok_or_else(|| format!("{word} is no hook"))?;
            let StoredCommand { script, program, args } = command;
            Ok((hook, HookCommand { script, program: program.into_model(), args }))
        };
        let commands = self.commands.into_iter().map(command).collect::<Result<_, Misfit>>()?;
        Ok(Hooks { commands, timeout: Duration::from_micros(self.timeout_us) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_come_back_as_they_were() {
        let command = |hook: Hook| HookCommand {
            script: format!("./{hook}.sh --all"),
            program: "/bin/sh".into(),
            args: vec![format!("/srv/{hook}.sh"), "--all".into()],
        };
        let commands = Hook::ALL.map(|hook| (hook, command(hook))).into();
        let hooks = Hooks { commands, timeout: Duration::from_millis(1) };
        let json = serde_json::to_string(&StoredHooks::new(&hooks).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<StoredHooks>(&json).unwrap().into_model().unwrap(), hooks);
        assert!(StoredHooks::new(&Hooks::default()).is_none());
    }
}
