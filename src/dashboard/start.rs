//! `/apps/new`: defines and starts an app, and shows the same as a command.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::{self, Field, Shown};
use super::frame::{Frame, Here, Reader};
use super::{command_line, render};
use crate::wire::{FieldError, NewApp};

/// What one says in any case, and what has good defaults.
const FIRST: [&str; 4] = ["script", "name", "args", "cwd"];
const MORE: [&str; 9] = [
    "instances",
    "port",
    "namespace",
    "interpreter",
    "health_check.url",
    "ready",
    "max_memory_bytes",
    "env",
    "autorestart",
];

fn fields(members: &[&str]) -> Vec<&'static Field> {
    members.iter().filter_map(|member| form::field(member)).collect()
}

/// What the page shows.
pub struct StartPage<'a> {
    /// What the fields say, by name.
    pub values: &'a [(String, String)],
    /// The definition that they make, as far as they do.
    pub app: &'a NewApp,
    /// What is wrong.
    pub errors: &'a [FieldError],
    /// The reader.
    pub reader: &'a Reader,
}

/// The page.
pub fn start_page(page: &StartPage<'_>) -> String {
    let shown = |members: &[&str]| {
        let one = |field| Shown::new(field, page.values, page.errors, false);
        fields(members).into_iter().map(one).collect()
    };
    let says_something = |(name, value): &(String, String)| {
        !value.is_empty() && MORE.contains(&name.as_str()) && name != "autorestart"
    };
    render(&View {
        frame: Frame::new(page.reader, Here::Processes),
        first: shown(&FIRST),
        more: shown(&MORE),
        is_more: page.values.iter().any(says_something),
        checked: Checked::new(page.app, page.errors),
    })
}

/// What is wrong at each field, and the command: for the form while one types.
pub fn start_fragment(app: &NewApp, errors: &[FieldError]) -> String {
    format!("{}{}", render(&Checked::new(app, errors)), form::errors_as_partials(errors))
}

/// The same as a command.
fn command(app: &NewApp) -> String {
    let mut words = vec!["pmdaemon".to_owned(), "start".to_owned(), app.script.clone()];
    let mut put = |option: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([option.to_owned(), value]);
        }
    };
    put("--name", app.name.clone());
    put("--namespace", app.namespace.clone());
    put("--cwd", app.cwd.clone());
    put("--instances", app.instances.map(|number| number.to_string()));
    put("--port", app.port.clone());
    put("--interpreter", app.interpreter.clone());
    put("--ready", app.ready.clone());
    put("--max-memory", app.max_memory_bytes.map(|bytes| bytes.to_string()));
    put("--health-check-url", app.health_check.as_ref().and_then(|check| check.url.clone()));
    for (name, value) in &app.env {
        put("--env", Some(format!("{name}={value}")));
    }
    if app.autorestart == Some(false) {
        words.push("--no-autorestart".to_owned());
    }
    if !app.args.is_empty() {
        words.push("--".to_owned());
        words.extend(app.args.iter().cloned());
    }
    command_line::words(words.iter().map(String::as_str))
}

#[derive(Template)]
#[template(path = "start.html")]
struct View<'a> {
    frame: Frame<'a>,
    first: Vec<Shown>,
    more: Vec<Shown>,
    /// One of the fields that have good defaults says something.
    is_more: bool,
    checked: Checked,
}

#[derive(Template)]
#[template(path = "start_checked.html")]
struct Checked {
    /// Absent while there is nothing to run.
    command: Option<String>,
    /// What is wrong and belongs to no field.
    others: Vec<String>,
    /// How much is wrong.
    wrong: usize,
}

impl HtmlSafe for Checked {}

impl Checked {
    fn new(app: &NewApp, errors: &[FieldError]) -> Checked {
        let shown: Vec<&'static Field> = fields(&FIRST).into_iter().chain(fields(&MORE)).collect();
        Checked {
            command: (!app.script.is_empty()).then(|| command(app)),
            others: form::without_field(errors, &shown),
            wrong: errors.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::reader;
    use super::*;
    use crate::wire::Role;

    fn error(pointer: &str, detail: &str) -> FieldError {
        FieldError::new(pointer, detail)
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field_and_what_was_typed_stays() {
        let values = [("port".to_owned(), "\"<9>".to_owned())];
        let errors = [error("/port", "\"<9>\" is no port"), error("", "an app named web exists already")];
        let app = NewApp { script: "x.js".to_owned(), ..NewApp::default() };
        let html = start_page(&StartPage {
            values: &values,
            app: &app,
            errors: &errors,
            reader: &reader(Role::Deployer),
        });
        assert!(html.contains(r#"value="&#34;&#60;9&#62;""#), "{html}");
        assert!(
            html.contains(r#"<p class="wrong" id="e-port">&#34;&#60;9&#62;&#34; is no port</p>"#),
            "{html}"
        );
        assert!(html.contains("an app named web exists already"), "{html}");
    }

    #[test]
    fn every_field_of_the_form_is_one() {
        assert_eq!(fields(&FIRST).len() + fields(&MORE).len(), FIRST.len() + MORE.len());
    }

    #[test]
    fn the_same_is_shown_as_a_command() {
        let app = NewApp {
            script: "server.js".to_owned(),
            name: Some("web".to_owned()),
            args: vec!["two words".to_owned()],
            env: [("A".to_owned(), "it's".to_owned())].into(),
            instances: Some(2),
            autorestart: Some(false),
            ..NewApp::default()
        };
        let html = start_fragment(&app, &[]);
        let line = r#"pmdaemon start server.js --name web --instances 2 --env &#34;A=it&#39;s&#34; --no-autorestart -- &#39;two words&#39;"#;
        assert!(html.contains(line), "{html}");
    }
}
