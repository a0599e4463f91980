//! The hooks of an app in a file.

use serde_json::Value;

use super::value;
use crate::wire::Hooks;

/// Reads its members, the time with or without `_ms`.
///
/// # Errors
/// What is no hook, or has no such value.
pub(super) fn read(given: &Value) -> Result<Hooks, String> {
    let members = given.as_object().ok_or("is an object with before_start")?;
    let mut hooks = Hooks::default();
    for (key, given) in members {
        let wrong = |why: String| format!("{key}: {why}");
        match key.as_str() {
            "before_start" => hooks.before_start = Some(value::text(given).map_err(wrong)?),
            "timeout" | "timeout_ms" => hooks.timeout_ms = Some(value::time(given).map_err(wrong)?),
            _ => return Err(format!("{key:?} is no hook: before_start and timeout are known")),
        }
    }
    Ok(hooks)
}
