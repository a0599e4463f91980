//! A definition as fields, and fields as a definition.

use serde_json::{Map, Value};

use super::fields::{Field, all};
use super::value::{parse, text};
use crate::wire::{FieldError, NewApp};

/// Objects, and the members without which there is nothing that their other members say something of.
const WITHOUT_THEM_IDLE: [(&str, &[&str]); 4] = [
    ("health_check", &["url", "tcp", "script"]),
    ("hooks", &["before_start"]),
    ("watch", &["paths"]),
    ("schedule", &["cron"]),
];

/// Stands for a program that cannot be run, where the rest is checked.
const ANY_PROGRAM: &str = "/bin/sh";

/// What every field says of that definition, by name.
pub fn texts(app: &NewApp) -> Vec<(String, String)> {
    let shown = serde_json::to_value(app).unwrap_or_default();
    let one = |field: &Field| {
        let value = shown.pointer(&field.pointer()).unwrap_or(&Value::Null);
        (field.member.to_owned(), text(field.kind, value))
    };
    all().map(one).collect()
}

/// The definition that `now` becomes by what the fields say, and what of them is not even a value. Where
/// a name comes several times the last one counts. A member without a field stays as it is.
pub fn read(said: &[(String, String)], now: &NewApp) -> (NewApp, Vec<FieldError>) {
    let before = serde_json::to_value(now).unwrap_or_default();
    let (mut after, mut errors) = (before.clone(), Vec::new());
    for field in all() {
        let Some((_, text)) = said.iter().rev().find(|(name, _)| name == field.member) else { continue };
        let pointer = field.pointer();
        match parse(field.kind, text, before.pointer(&pointer)) {
            Ok(value) => put(&mut after, field.member, value),
            Err(detail) => errors.push(FieldError::new(pointer, detail)),
        }
    }
    drop_idle(&before, &mut after);
    if let Value::Object(members) = &mut after {
        members.entry("script").or_insert_with(|| "".into());
        members.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
    }
    match serde_json::from_value(after) {
        Ok(app) => (app, errors),
        Err(e) => {
            errors.push(FieldError::new("", e.to_string()));
            (now.clone(), errors)
        }
    }
}

/// What is left of a definition to be checked when the member that `pointer` names is wrong. `None` where
/// there is no such member.
pub fn without(app: &NewApp, pointer: &str) -> Option<NewApp> {
    // It needs a program, whatever is wrong with the one it has.
    if pointer == "/script" {
        let is_program = app.script == ANY_PROGRAM;
        // Not a name that is made of that program's.
        let name = app.name.clone().or_else(|| Some("_".to_owned()));
        return (!is_program).then(|| NewApp { script: ANY_PROGRAM.to_owned(), name, ..app.clone() });
    }
    let mut members = serde_json::to_value(app).ok()?;
    // An element goes with its list.
    let mut path = pointer;
    loop {
        let (outer, name) = path.rsplit_once('/')?;
        if let Some(Value::Object(outer)) = members.pointer_mut(outer)
            && outer.remove(name).is_some()
        {
            break;
        }
        path = outer;
    }
    serde_json::from_value(members).ok()
}

/// Sets a member, or removes it.
fn put(app: &mut Value, member: &str, value: Option<Value>) {
    let (outer, name) = member.split_once('.').map_or((None, member), |(outer, name)| (Some(outer), name));
    let Value::Object(members) = app else { return };
    let members = match outer {
        None => members,
        Some(outer) => {
            let inner = members.entry(outer).or_insert_with(|| Map::new().into());
            let Value::Object(inner) = inner else { return };
            inner
        }
    };
    match value {
        Some(value) => drop(members.insert(name.to_owned(), value)),
        None => drop(members.remove(name)),
    }
}

/// Who empties the field of a health check has its times go with it. New times without one stay, and
/// are refused.
fn drop_idle(before: &Value, after: &mut Value) {
    for (object, bearers) in WITHOUT_THEM_IDLE {
        let Some(Value::Object(members)) = after.get_mut(object) else { continue };
        if !bearers.iter().any(|member| members.contains_key(*member)) {
            let old = before.get(object);
            members.retain(|member, value| old.and_then(|old| old.get(member)) != Some(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::HealthCheck;

    fn fields(said: &[(&str, &str)]) -> Vec<(String, String)> {
        said.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn fields_become_members_of_the_definition() {
        let said = [
            ("script", " a.js "),
            ("args", "x 'y z'"),
            ("env", "A=1\r\n\r\nB=c=d"),
            ("instances", "3"),
            ("max_memory_bytes", "1M"),
            ("autorestart", "true"),
            ("autorestart", "false"),
            ("port", ""),
            ("health_check.url", "http://localhost"),
            ("logs.max_files", "5"),
        ];
        let (app, errors) = read(&fields(&said), &NewApp::default());
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!((app.script.as_str(), app.args), ("a.js", vec!["x".to_owned(), "y z".to_owned()]));
        assert_eq!(app.env, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "c=d".to_owned())].into());
        assert_eq!((app.instances, app.max_memory_bytes), (Some(3), Some(1 << 20)));
        assert_eq!((app.autorestart, app.port), (Some(false), None));
        assert_eq!(app.health_check.and_then(|check| check.url).as_deref(), Some("http://localhost"));
        assert_eq!(app.logs.and_then(|logs| logs.max_files), Some(5));
    }

    #[test]
    fn everything_that_is_no_value_is_told_at_once() {
        let said = [
            ("script", "a"),
            ("args", "'x"),
            ("instances", "many"),
            ("max_memory_bytes", "lots"),
            ("env", "A"),
        ];
        let (_, errors) = read(&fields(&said), &NewApp::default());
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/args", "/env", "/instances", "/max_memory_bytes"]);
    }

    #[test]
    fn what_is_wrong_is_left_out_so_that_the_rest_can_be_checked() {
        let app = NewApp {
            script: "nosuch.js".to_owned(),
            cwd: Some("/no/such/dir".to_owned()),
            args: vec!["a".to_owned()],
            env: [("KEY".to_owned(), "x".to_owned())].into(),
            ..NewApp::default()
        };
        let left = |pointer: &str| without(&app, pointer).unwrap();
        assert_eq!(left("/cwd").cwd, None);
        assert!(left("/args/0").args.is_empty() && left("/env/KEY").env.is_empty());
        assert_eq!(left("/script").script, "/bin/sh");
        assert!(without(&left("/script"), "/script").is_none());
        assert!(without(&app, "/port").is_none() && without(&app, "").is_none());
    }

    #[test]
    fn what_nobody_touched_stays_as_it_is_and_secrets_are_in_no_field() {
        let app = NewApp {
            script: "a.js".to_owned(),
            env: [("KEY".to_owned(), "canary".to_owned())].into(),
            inherited_env: Some([("PATH".to_owned(), "/bin".to_owned())].into()),
            health_check: Some(HealthCheck { tcp: Some("localhost:1".to_owned()), ..HealthCheck::default() }),
            ..NewApp::default()
        };
        let texts = texts(&app);
        assert!(texts.iter().all(|(_, text)| !text.contains("canary")), "{texts:?}");
        let (same, errors) = read(&texts, &app);
        assert!(errors.is_empty(), "{errors:?}");
        let json = |app: &NewApp| {
            let mut shown = serde_json::to_value(app).unwrap();
            // Unticked boxes are said; these are the defaults where nothing was said.
            let boxes = ["autostart", "autorestart", "shutdown_with_message", "stdin", "logs"];
            shown.as_object_mut().unwrap().retain(|name, _| !boxes.contains(&name.as_str()));
            shown
        };
        assert_eq!(json(&same), json(&app));
    }

    #[test]
    fn times_of_a_health_check_go_with_it_and_are_not_dropped_in_silence() {
        let check = HealthCheck {
            url: Some("http://localhost".to_owned()),
            interval_ms: Some(10_000),
            ..HealthCheck::default()
        };
        let app = NewApp { script: "a".to_owned(), health_check: Some(check), ..NewApp::default() };
        let after = |interval: &str| {
            let said = [("health_check.url", ""), ("health_check.interval_ms", interval)];
            read(&fields(&said), &app).0.health_check
        };
        assert_eq!(after("10s"), None);
        assert_eq!(after("5s").and_then(|check| check.interval_ms), Some(5_000));
    }
}
