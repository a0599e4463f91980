//! From hooks that somebody asked for to ones that can be run.

use super::define::Undefinable;
use super::finder::{Asked, Finder};
use crate::model::{Hook, HookCommand, Hooks};

/// Finds the program of each command, as that of an app is found: no shell reads it, unless it is a
/// command line with shell operators.
///
/// # Errors
/// The first that cannot be run.
pub(super) fn resolve(hooks: Hooks, finder: &Finder<'_>) -> Result<Hooks, Undefinable> {
    let find = |(hook, command): (Hook, HookCommand)| {
        let HookCommand { script, .. } = command;
        let asked = Asked { script: &script, args: &[], interpreter: None, interpreter_args: &[] };
        let found = finder.find(&asked).map_err(|e| Undefinable {
            member: member(hook),
            detail: format!("the hook {hook} cannot be run: {}", e.detail),
        })?;
        Ok((hook, HookCommand { script, program: found.program, args: found.args }))
    };
    let commands = hooks.commands.into_iter().map(find).collect::<Result<_, Undefinable>>()?;
    Ok(Hooks { commands, ..hooks })
}

/// Its member of a definition.
pub(super) fn member(hook: Hook) -> &'static str {
    match hook {
        Hook::BeforeStart => "hooks/before_start",
    }
}
