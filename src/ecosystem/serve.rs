//! The script `serve` of a file, as PM2 has it: the server of static files, which is a part of this
//! program.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::keys::Keys;
use super::{Unusable, value};
use crate::wire::NewApp;

/// The word by which this program serves files.
pub const SERVE_FILES: &str = "serve-files";

/// The path of this program, which other programs are told to run.
///
/// # Errors
/// A sentence, when it cannot be said.
pub fn this_program() -> Result<String, String> {
    let path = std::env::current_exe().map_err(|e| format!("the path of pmdaemon is not known: {e}"))?;
    let path = path.into_os_string().into_string();
    let path = path.map_err(|_| "the path of pmdaemon is not UTF-8: rename it".to_owned())?;
    // So it is called while another version has taken its place.
    Ok(path.strip_suffix(" (deleted)").map(str::to_owned).unwrap_or(path))
}

/// Makes an app with the script `serve` the server, unless there is a file of that name.
pub fn resolve(keys: &Keys<'_>, new: &mut NewApp) -> Result<(), Unusable> {
    let is_file = new.cwd.as_ref().is_some_and(|cwd| Path::new(cwd).join("serve").is_file());
    if new.script != "serve" || is_file || new.interpreter.is_some() {
        return Ok(());
    }
    if new.cwd.is_none() {
        return Err(keys.wrong(
            "script",
            "serve is for the machine that the file is on: name the path of the server's pmdaemon",
        ));
    }
    new.script = this_program().map_err(|why| keys.wrong("script", &why))?;
    new.interpreter = Some("none".to_owned());
    new.args = vec![SERVE_FILES.to_owned()];
    if new.port.is_none() {
        // So that it is reserved, and shared by several processes.
        let is_port = |port: &&String| port.parse::<u16>().is_ok_and(|port| port > 0);
        new.port = new.env.get("PM2_SERVE_PORT").filter(is_port).cloned();
    }
    Ok(())
}

/// The apps of `static: [{ path, port }]`, as they would be written under `apps`.
///
/// # Errors
/// What is wrong with an entry.
pub fn of_static(file: &str, list: &Value) -> Result<Vec<Map<String, Value>>, Unusable> {
    let wrong = |what: &str| {
        Unusable(format!("{file}: static {what}: write [{{ \"path\": \"dist\", \"port\": 8080 }}]"))
    };
    let Value::Array(entries) = list else { return Err(wrong(&format!("is {}", value::shown(list)))) };
    let entry = |entry: &Value| {
        let Value::Object(entry) = entry else { return Err(wrong("has an entry that is no object")) };
        let unknown = entry.keys().find(|key| !["path", "port", "name", "spa"].contains(&key.as_str()));
        if let Some(unknown) = unknown {
            return Err(wrong(&format!("has a key {unknown:?} that is not known")));
        }
        let told = |key: &str, why: String| wrong(&format!("has {key}: {why}"));
        let text = |key: &str, usual: &str| match entry.get(key) {
            None => Ok(usual.to_owned()),
            Some(given) => value::text(given).map_err(|why| told(key, why)),
        };
        let (path, port) = (text("path", ".")?, text("port", "8080")?);
        let name = text("name", &format!("static-page-server-{port}"))?;
        let spa = entry.get("spa").map(value::flag).transpose().map_err(|why| told("spa", why))?;
        let spa = spa.unwrap_or(false);
        let env = json!({"PM2_SERVE_PATH": path, "PM2_SERVE_PORT": port, "PM2_SERVE_SPA": spa.to_string()});
        Ok(Map::from_iter([
            ("name".to_owned(), json!(name)),
            ("script".to_owned(), json!("serve")),
            ("env".to_owned(), env),
        ]))
    };
    entries.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_for_every_path_is_served_only_where_that_is_asked_for() {
        let check = |spa: Value, expected: Result<&str, &str>| {
            let list = json!([{"path": "dist", "port": 3000, "spa": spa}]);
            let read = of_static("x.json", &list).map(|apps| apps[0]["env"]["PM2_SERVE_SPA"].clone());
            match (read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected),
                (Err(wrong), Err(words)) => assert!(wrong.0.contains(words), "{wrong:?}"),
                (read, expected) => panic!("{read:?} instead of {expected:?}"),
            }
        };
        check(json!(true), Ok("true"));
        check(json!("true"), Ok("true"));
        check(json!(false), Ok("false"));
        check(json!("false"), Ok("false"));
        check(json!("perhaps"), Err("spa: \"perhaps\" is not true or false"));
    }
}
