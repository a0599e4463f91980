//! All apps of a file, in the order in which they can be defined.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::app::app;
use super::read::Document;
use super::{Unusable, fields, serve, value};
use crate::wire::NewApp;

/// What a file is read with.
pub struct Around<'a> {
    /// Where the command is typed: relative paths count from there, as in PM2. Absent: the apps are on
    /// another machine, which has no such place.
    pub cwd: Option<&'a Path>,
    /// CPUs of this host.
    pub cpus: i64,
    /// The environment whose `env_NAME` counts.
    pub env: Option<&'a str>,
    /// Only these apps; empty: all.
    pub only: &'a [String],
    /// The caller's environment, if the apps inherit it.
    pub inherited: Option<BTreeMap<String, String>>,
}

/// What a file declares.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The apps; what one depends on comes before it.
    pub apps: Vec<NewApp>,
    /// What is not acted on, one sentence each.
    pub notices: Vec<String>,
}

/// Reads all apps of a file.
///
/// # Errors
/// The first thing that is wrong, with file, app and field.
pub fn declared(document: &Document, around: &Around<'_>) -> Result<Declared, Unusable> {
    let file = &document.name;
    let mut notices = Vec::new();
    let (list, below) = list(document, around, &mut notices)?;
    let mut apps: Vec<NewApp> = Vec::new();
    let sites = match document.value.get("static").filter(|_| !document.is_package) {
        Some(sites) => serve::of_static(file, sites)?,
        None => Vec::new(),
    };
    let mut objects: Vec<&Map<String, Value>> = Vec::new();
    for (at, item) in list.iter().enumerate() {
        let Value::Object(object) = item else {
            return Err(Unusable(format!("{file}: app {at} is {}, not an object", value::shown(item))));
        };
        objects.push(object);
    }
    let mut lacking: Vec<&str> = Vec::new();
    for object in objects.iter().copied().chain(&sites) {
        let (new, told) = app(file, object, &below, around)?;
        if !around.only.is_empty() && !around.only.contains(new.name.as_ref().unwrap_or(&new.script)) {
            continue;
        }
        if apps.iter().any(|other| (&other.name, &other.namespace) == (&new.name, &new.namespace)) {
            let name = new.name.unwrap_or_default();
            return Err(Unusable(format!(
                "{file}: two apps are named {name}: give one of them another name"
            )));
        }
        notices.extend(told);
        if let Some(env) = around.env
            && !object.contains_key(&format!("env_{env}"))
        {
            lacking.extend(object.get("name").or(object.get("script")).and_then(Value::as_str));
        }
        apps.push(new);
    }
    let dated = |app: &&NewApp| app.logs.as_ref().is_some_and(|logs| logs.date_format.is_some());
    let dated: Vec<&str> = apps.iter().filter(dated).filter_map(|app| app.name.as_deref()).collect();
    if !dated.is_empty() {
        notices.push(format!(
            "{file}: {}: log_date_format and time shape what logs shows; files hold exactly what the app wrote, without \
             times.",
            dated.join(", ")
        ));
    }
    if let Some(env) = around.env.filter(|_| !lacking.is_empty()) {
        notices.push(lacks(file, env, &lacking, &objects));
    }
    let has = |name: &String| apps.iter().any(|app| app.name.as_ref() == Some(name));
    if let Some(missing) = around.only.iter().find(|name| !has(name)) {
        return Err(Unusable(format!("{file}: there is no app {missing} in it")));
    }
    if apps.is_empty() {
        return Err(Unusable(format!("{file}: there are no apps in it")));
    }
    Ok(Declared { apps: in_order(file, apps)?, notices })
}

/// Whose variables do not depend on the chosen environment, in one sentence for all.
fn lacks(file: &str, env: &str, apps: &[&str], objects: &[&Map<String, Value>]) -> String {
    let keys = objects.iter().flat_map(|object| object.keys()).filter(|key| fields::find(key).is_none());
    let known: BTreeSet<&str> = keys.filter_map(|key| key.strip_prefix("env_")).collect();
    let known = match known.is_empty() {
        true => "none".to_owned(),
        false => Vec::from_iter(known).join(", "),
    };
    let has = if apps.len() == 1 { "has" } else { "have" };
    format!("{file}: {} {has} no env_{env}, so env alone counts; there is {known}.", apps.join(", "))
}

/// The apps of a document, and the variables of the chosen deployment.
fn list<'a>(
    document: &'a Document,
    around: &Around<'_>,
    notices: &mut Vec<String>,
) -> Result<(&'a [Value], BTreeMap<String, String>), Unusable> {
    let file = &document.name;
    let top = match &document.value {
        Value::Array(apps) => return Ok((apps, BTreeMap::new())),
        Value::Object(top) => top,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(Unusable(format!(
                "{file}: it is {}, and has no apps",
                value::shown(&document.value)
            )));
        }
    };
    let apps = top.get("apps").or_else(|| top.get("pm2"));
    let is_app = top.keys().any(|key| fields::find(key).is_some_and(|field| field.name == "script"));
    let apps = match apps {
        // `{"pm2": {"apps": […]}}`
        Some(Value::Object(inner)) => inner.get("apps").or(apps),
        Some(_) => apps,
        None if is_app && !document.is_package => {
            return Ok((std::slice::from_ref(&document.value), BTreeMap::new()));
        }
        None => None,
    };
    let apps = apps.ok_or_else(|| {
        Unusable(format!(
            "{file}: it has no apps: it exports an object with apps, a list of them, or one app"
        ))
    })?;
    if !document.is_package {
        told_of_top(file, top, notices);
    }
    let below = match around.env.and_then(|env| top.get("deploy")?.get(env)?.get("env")) {
        Some(env) => value::variables(env).map_err(|why| Unusable(format!("{file}: deploy: env: {why}")))?,
        None => BTreeMap::new(),
    };
    match apps {
        Value::Array(apps) => Ok((apps, below)),
        Value::Object(_) => Ok((std::slice::from_ref(apps), below)),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            Err(Unusable(format!("{file}: apps is {}, not a list", value::shown(other))))
        }
    }
}

/// What else a file has beside its apps.
fn told_of_top(file: &str, top: &Map<String, Value>, notices: &mut Vec<String>) {
    for key in top.keys() {
        match key.as_str() {
            // What deploy has is for the command of that name; its env counts with --env.
            "apps" | "pm2" | "$schema" | "deploy" | "static" => {}
            _ => notices.push(format!("{file}: {key:?} is not known beside apps, and is ignored.")),
        }
    }
}

/// What others depend on comes first; otherwise as in the file.
fn in_order(file: &str, mut left: Vec<NewApp>) -> Result<Vec<NewApp>, Unusable> {
    let mut ordered: Vec<NewApp> = Vec::new();
    while !left.is_empty() {
        let names: BTreeSet<String> = left.iter().flat_map(names).collect();
        let free = |app: &NewApp| {
            app.depends_on.iter().all(|on| !names.contains(&on.app) || self::names(app).contains(&on.app))
        };
        let Some(at) = left.iter().position(free) else {
            let names: Vec<&str> = left.iter().filter_map(|app| app.name.as_deref()).collect();
            return Err(Unusable(format!("{file}: {} depend on each other in a circle", names.join(", "))));
        };
        ordered.push(left.remove(at));
    }
    Ok(ordered)
}

/// How others may call it.
fn names(app: &NewApp) -> Vec<String> {
    let name = app.name.clone().unwrap_or_default();
    let namespace = app.namespace.as_deref().unwrap_or("default");
    vec![format!("{namespace}:{name}"), name]
}
