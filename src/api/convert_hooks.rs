//! Introduces hooks to the API, in both directions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ApiError;
use super::convert::{millis, number};
use crate::model::{Hook, HookCommand, Hooks};
use crate::wire;

const MAX_MS: i64 = 86_400_000;

/// The hooks that were asked for, not resolved yet: a command has no program.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn wanted(asked: Option<wire::Hooks>) -> Result<Hooks, ApiError> {
    let Some(mut asked) = asked else { return Ok(Hooks::default()) };
    let mut commands = BTreeMap::new();
    for hook in Hook::ALL {
        let Some(script) = command(&mut asked, hook).take() else { continue };
        if script.contains('\0') {
            let why = format!("{script:?} contains a NUL character");
            return Err(ApiError::member(&format!("/hooks/{hook}"), why));
        }
        commands.insert(hook, HookCommand { script, program: Default::default(), args: Vec::new() });
    }
    if commands.is_empty() {
        let known = Hook::ALL.map(Hook::word).join(", ");
        let why = format!("there is no hook: give a command for at least one of {known}, or leave hooks out");
        return Err(ApiError::member("/hooks", why));
    }
    let ms = number("/hooks/timeout_ms", asked.timeout_ms, millis(Hooks::USUAL_TIMEOUT), 1, MAX_MS)?;
    Ok(Hooks { commands, timeout: Duration::from_millis(ms as u64) })
}

/// The hooks as the API shows them, if there are any.
pub fn show(hooks: &Hooks) -> Option<wire::Hooks> {
    let mut shown = wire::Hooks { timeout_ms: Some(millis(hooks.timeout)), ..wire::Hooks::default() };
    for (hook, its) in &hooks.commands {
        *command(&mut shown, *hook) = Some(its.script.clone());
    }
    (!hooks.commands.is_empty()).then_some(shown)
}

fn command(hooks: &mut wire::Hooks, hook: Hook) -> &mut Option<String> {
    match hook {
        Hook::BeforeStart => &mut hooks.before_start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_shown_as_they_were_asked_for_with_60_s_if_nobody_says_another() {
        let asked = wire::Hooks { before_start: Some("./migrate.sh --all".into()), timeout_ms: None };
        let hooks = wanted(Some(asked.clone())).unwrap();
        assert_eq!(show(&hooks), Some(wire::Hooks { timeout_ms: Some(60_000), ..asked }));
        assert_eq!(show(&wanted(None).unwrap()), None);
    }

    #[test]
    fn no_hook_and_useless_numbers_are_refused_with_their_member() {
        let check = |asked: wire::Hooks, words: &str| {
            let refused = format!("{:?}", wanted(Some(asked)).expect_err(words));
            assert!(refused.contains(words), "{refused}");
        };
        let one = || wire::Hooks { before_start: Some("true".into()), ..Default::default() };
        check(wire::Hooks::default(), "at least one of before_start");
        check(wire::Hooks { timeout_ms: Some(5), ..Default::default() }, "there is no hook");
        check(wire::Hooks { timeout_ms: Some(0), ..one() }, "/hooks/timeout_ms");
        check(wire::Hooks { timeout_ms: Some(86_400_001), ..one() }, "1 to 86400000");
        check(wire::Hooks { before_start: Some("a\0b".into()), ..Default::default() }, "/hooks/before_start");
    }
}
