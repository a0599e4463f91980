//! `/apps/new`: defines and starts an app, and shows the same as a command.

use askama::Template;
use askama::filters::HtmlSafe;

use super::frame::{Frame, Here};
use super::{command_line, render};
use crate::wire::{FieldError, NewApp, Whoami};

/// A field of the form.
struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    placeholder: &'static str,
    kind: Kind,
    /// The member of the definition that it becomes, as a JSON pointer.
    pointer: &'static str,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Lines,
    Yes,
}

const fn field(
    name: &'static str,
    pointer: &'static str,
    kind: Kind,
    label: &'static str,
    placeholder: &'static str,
    hint: &'static str,
) -> Field {
    Field { name, label, hint, placeholder, kind, pointer }
}

/// What one says in any case, and what has good defaults.
const FIRST: [Field; 4] = [
    field(
        "script",
        "/script",
        Kind::Text,
        "Script or command",
        "/srv/app/server.js",
        "A file, or a command with its arguments in PATH.",
    ),
    field("name", "/name", Kind::Text, "Name", "server", "Default: the script's name without its extension."),
    field(
        "args",
        "/args",
        Kind::Text,
        "Arguments",
        "--verbose 'two words'",
        "As in a shell, with quotes where a word has blanks.",
    ),
    field("cwd", "/cwd", Kind::Text, "Directory", "/srv/app", "An absolute path."),
];
const MORE: [Field; 9] = [
    field("instances", "/instances", Kind::Number, "Instances", "1", "How many processes."),
    field(
        "port",
        "/port",
        Kind::Text,
        "Port",
        "3000, 3000-3003 or auto:3000-3100",
        "Given as PORT to each process.",
    ),
    field("namespace", "/namespace", Kind::Text, "Namespace", "default", "Apps that belong together."),
    field(
        "interpreter",
        "/interpreter",
        Kind::Text,
        "Interpreter",
        "node",
        "Default: by the extension or the first line.",
    ),
    field(
        "health",
        "/health_check",
        Kind::Text,
        "Health check",
        "http://localhost:{port}/health",
        "GET of this URL: 2xx is healthy.",
    ),
    field("ready", "/ready", Kind::Text, "Ready", "auto, port, notify or log:REGEX", "What makes it ready."),
    field(
        "memory",
        "/max_memory_bytes",
        Kind::Text,
        "Memory limit",
        "512M",
        "More leads to a graceful restart.",
    ),
    field(
        "env",
        "/env",
        Kind::Lines,
        "Environment",
        "NODE_ENV=production",
        "One variable on each line, as NAME=value.",
    ),
    field("once", "/autorestart", Kind::Yes, "Do not start it again when it ends by itself", "", ""),
];

/// What the page shows.
pub struct StartPage<'a> {
    /// What the fields say, by name.
    pub values: &'a [(String, String)],
    /// The definition that they make, as far as they do.
    pub app: &'a NewApp,
    /// What is wrong.
    pub errors: &'a [FieldError],
    /// The reader.
    pub who: &'a Whoami,
}

/// The page.
pub fn start_page(page: &StartPage<'_>) -> String {
    let shown = |fields: &'static [Field]| fields.iter().map(|field| Shown::new(field, page)).collect();
    render(&View {
        frame: Frame::new(page.who, Here::Processes),
        first: shown(&FIRST),
        more: shown(&MORE),
        is_more: page
            .values
            .iter()
            .any(|(name, value)| !value.is_empty() && MORE.iter().any(|f| f.name == name)),
        checked: Checked::new(page.app, page.errors),
    })
}

/// What is wrong at each field, and the command: for the form while one types.
pub fn start_fragment(app: &NewApp, errors: &[FieldError]) -> String {
    let partial = |field: &Field| {
        let told = Told { error: error_of(field, errors) };
        format!(
            "<hx-partial hx-target=\"#e-{}\" hx-swap=\"innerHTML\">{}</hx-partial>",
            field.name,
            render(&told)
        )
    };
    let fields = FIRST.iter().chain(&MORE).map(partial).collect::<String>();
    format!("{}{fields}", render(&Checked::new(app, errors)))
}

fn error_of(field: &Field, errors: &[FieldError]) -> String {
    let of_field = |error: &&FieldError| {
        error.pointer.strip_prefix(field.pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    errors.iter().find(of_field).map(|error| error.detail.clone()).unwrap_or_default()
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

/// A field with what it says and what is wrong with that.
#[derive(Template)]
#[template(path = "start_field.html")]
struct Shown {
    field: &'static Field,
    value: String,
    error: String,
}

impl HtmlSafe for Shown {}

impl Shown {
    fn new(field: &'static Field, page: &StartPage<'_>) -> Shown {
        let value = page.values.iter().find(|(name, _)| name == field.name);
        Shown {
            field,
            value: value.map(|(_, value)| value.clone()).unwrap_or_default(),
            error: error_of(field, page.errors),
        }
    }
}

#[derive(Template)]
#[template(source = "{{ error }}", ext = "html")]
struct Told {
    error: String,
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
        let has_field = |error: &&FieldError| {
            let one = std::slice::from_ref(*error);
            FIRST.iter().chain(&MORE).any(|field| !error_of(field, one).is_empty())
        };
        Checked {
            command: (!app.script.is_empty()).then(|| command(app)),
            others: errors
                .iter()
                .filter(|error| !has_field(error))
                .map(|error| error.detail.clone())
                .collect(),
            wrong: errors.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::who;
    use super::*;
    use crate::wire::Role;

    fn error(pointer: &str, detail: &str) -> FieldError {
        FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() }
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field_and_what_was_typed_stays() {
        let values = [("port".to_owned(), "\"<9>".to_owned())];
        let errors = [error("/port", "\"<9>\" is no port"), error("", "an app named web exists already")];
        let app = NewApp { script: "x.js".to_owned(), ..NewApp::default() };
        let html =
            start_page(&StartPage { values: &values, app: &app, errors: &errors, who: &who(Role::Deployer) });
        assert!(html.contains(r#"value="&#34;&#60;9&#62;""#), "{html}");
        assert!(
            html.contains(r#"<p class="wrong" id="e-port">&#34;&#60;9&#62;&#34; is no port</p>"#),
            "{html}"
        );
        assert!(html.contains("an app named web exists already"), "{html}");
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
