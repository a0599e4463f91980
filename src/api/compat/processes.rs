//! `/api/processes`: list, start, show and delete as PM2's users know it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::jlist::elements;
use crate::api::access::{AppDelete, AppWrite, Auth, View};
use crate::api::act::act;
use crate::api::apps::create::create_app;
use crate::api::audit::Note;
use crate::api::extract::{Json, Path};
use crate::api::resolve::resolve;
use crate::api::{ApiError, Shared};
use crate::wire;

/// How long a request waits for its outcome.
const LIMIT: Duration = Duration::from_secs(60);

/// The largest size, in bytes.
const MAX_SIZE: i64 = 1 << 53;

/// One app in PM2's words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pm2App {
    /// File or command.
    #[schema(example = "node")]
    script: String,
    /// Its name.
    #[schema(nullable = false, example = "api-server")]
    name: Option<String>,
    /// Its namespace.
    #[schema(nullable = false)]
    namespace: Option<String>,
    /// Arguments.
    #[serde(default)]
    args: Vec<String>,
    /// Working directory.
    #[schema(nullable = false)]
    cwd: Option<String>,
    /// Who runs the script.
    #[serde(alias = "exec_interpreter")]
    #[schema(nullable = false)]
    interpreter: Option<String>,
    /// Arguments of whoever runs it.
    #[serde(default, alias = "node_args")]
    interpreter_args: Pm2List,
    /// Files with variables, read at each start.
    #[serde(default)]
    env_file: Pm2Texts,
    /// Parts of the names of variables that are not inherited.
    #[serde(default)]
    filter_env: Pm2Texts,
    /// One more variable that holds the number of the instance.
    #[schema(nullable = false)]
    instance_var: Option<String>,
    /// Declared variables.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// How many processes.
    #[schema(nullable = false)]
    instances: Option<i64>,
    /// `PORT` of its processes: a port, `3000-3005` or `auto:4000-4100`.
    #[schema(nullable = false)]
    port: Option<Pm2Port>,
    /// Start it now.
    #[schema(nullable = false)]
    autostart: Option<bool>,
    /// Start it again when it ends.
    #[schema(nullable = false)]
    autorestart: Option<bool>,
    /// Unstable runs in a row before it is given up.
    #[schema(nullable = false)]
    max_restarts: Option<i64>,
    /// A shorter run is unstable, in ms.
    #[schema(nullable = false)]
    min_uptime: Option<i64>,
    /// Wait before each automatic restart, in ms.
    #[schema(nullable = false)]
    restart_delay: Option<i64>,
    /// First of the waits before automatic restarts, which grow by half each time, in ms.
    #[schema(nullable = false)]
    exp_backoff_restart_delay: Option<i64>,
    /// Exit codes after which it stays stopped.
    #[serde(default)]
    stop_exit_codes: Vec<i64>,
    /// From the stop signal to SIGKILL, in ms.
    #[schema(nullable = false)]
    kill_timeout: Option<i64>,
    /// It is ready when it has sent `"ready"` on its IPC channel.
    #[schema(nullable = false)]
    wait_ready: Option<bool>,
    /// With `wait_ready`: one that is not ready within this is a failed start, in ms. Default 3000.
    #[schema(nullable = false)]
    listen_timeout: Option<i64>,
    /// Ask it to end by the message `"shutdown"` instead of the signal.
    #[schema(nullable = false)]
    shutdown_with_message: Option<bool>,
    /// Restart it when it uses more memory: bytes, or a size such as `100M`.
    #[schema(nullable = false)]
    max_memory_restart: Option<Pm2Size>,
    /// User to run as, by name or number.
    #[schema(nullable = false)]
    uid: Option<Pm2Id>,
    /// Group to run as, by name or number.
    #[schema(nullable = false)]
    gid: Option<Pm2Id>,
}

/// Several apps, as in a file of PM2.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pm2Apps {
    /// Which.
    #[schema(min_items = 1, max_items = 1000)]
    apps: Vec<Pm2App>,
}

/// One app, or several.
#[derive(Debug)]
pub struct Pm2Order(Vec<Pm2App>);

impl<'de> Deserialize<'de> for Pm2Order {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pm2Order, D::Error> {
        let value = Value::deserialize(from)?;
        // By what tells them apart, so that a mistake in one is told as that.
        let apps = match value.get("apps") {
            Some(_) => serde_json::from_value::<Pm2Apps>(value).map(|several| several.apps),
            None => serde_json::from_value(value).map(|one| vec![one]),
        };
        apps.map(Pm2Order).map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for Pm2Order {
    fn schema() -> RefOr<Schema> {
        let form = Ref::from_schema_name;
        OneOfBuilder::new().item(form(Pm2App::name())).item(form(Pm2Apps::name())).into()
    }
}

impl ToSchema for Pm2Order {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Pm2App::name().into(), Pm2App::schema()));
        schemas.push((Pm2Apps::name().into(), Pm2Apps::schema()));
        Pm2App::schemas(schemas);
        Pm2Apps::schemas(schemas);
    }
}

/// PM2's own `listen_timeout`.
const LISTEN_TIMEOUT_MS: i64 = 3_000;

/// A port as a number or as a text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Pm2Port {
    /// One port.
    Number(i64),
    /// One of the three forms.
    Text(String),
}

/// One text, or several; none of them empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Pm2Texts {
    /// Several.
    Several(Vec<String>),
    /// One.
    One(String),
}

/// Arguments.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Pm2List {
    /// One by one.
    Several(Vec<String>),
    /// All in one text, split as a shell splits it.
    One(String),
}

/// An amount of memory.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Pm2Size {
    /// Bytes.
    Bytes(i64),
    /// Number and unit.
    #[schema(example = "100M")]
    Text(String),
}

/// A user or group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Pm2Id {
    /// Its number.
    Number(u32),
    /// Its name.
    #[schema(example = "www-data")]
    Name(String),
}

impl Default for Pm2Texts {
    fn default() -> Self {
        Pm2Texts::Several(Vec::new())
    }
}

impl Default for Pm2List {
    fn default() -> Self {
        Pm2List::Several(Vec::new())
    }
}

impl Pm2Texts {
    fn all(self) -> Vec<String> {
        match self {
            Pm2Texts::Several(texts) => texts,
            Pm2Texts::One(text) => vec![text],
        }
    }
}

impl Pm2List {
    fn words(self, pointer: &str) -> Result<Vec<String>, ApiError> {
        match self {
            Pm2List::Several(words) => Ok(words),
            Pm2List::One(text) => shlex::split(&text).ok_or_else(|| {
                ApiError::member(pointer, format!("{text:?} has a quote that is never closed"))
            }),
        }
    }
}

impl Pm2Size {
    fn bytes(self) -> Result<i64, ApiError> {
        let refuse = |detail: String| ApiError::member("/max_memory_restart", detail);
        let bytes = match self {
            Pm2Size::Bytes(bytes) => bytes,
            Pm2Size::Text(text) => wire::size::parse(&text).map_err(refuse)? as i64,
        };
        match bytes {
            1..=MAX_SIZE => Ok(bytes),
            _ => Err(refuse(format!(
                "max_memory_restart is {bytes} bytes: write 1 to {MAX_SIZE}, or a size such as 100M"
            ))),
        }
    }
}

impl Pm2Id {
    fn text(self) -> String {
        match self {
            Pm2Id::Number(number) => number.to_string(),
            Pm2Id::Name(name) => name,
        }
    }
}

impl TryFrom<Pm2App> for wire::NewApp {
    type Error = ApiError;

    fn try_from(app: Pm2App) -> Result<wire::NewApp, ApiError> {
        let waits = app.wait_ready.unwrap_or(false);
        Ok(wire::NewApp {
            script: app.script,
            name: app.name,
            namespace: app.namespace,
            args: app.args,
            cwd: app.cwd,
            interpreter: app.interpreter,
            interpreter_args: app.interpreter_args.words("/interpreter_args")?,
            env_file: app.env_file.all(),
            filter_env: app.filter_env.all(),
            instance_var: app.instance_var,
            env: app.env,
            inherited_env: None,
            instances: app.instances,
            port: app.port.map(|port| match port {
                Pm2Port::Number(port) => port.to_string(),
                Pm2Port::Text(text) => text,
            }),
            autostart: app.autostart,
            autorestart: app.autorestart,
            max_restarts: app.max_restarts,
            min_uptime_ms: app.min_uptime,
            restart_delay_ms: app.restart_delay,
            exp_backoff_restart_delay_ms: app.exp_backoff_restart_delay,
            stop_exit_codes: app.stop_exit_codes,
            kill_signal: None,
            kill_timeout_ms: app.kill_timeout,
            ready: waits.then(|| "message".to_owned()),
            // Without wait_ready PM2 uses it for clusters only.
            listen_timeout_ms: waits.then(|| app.listen_timeout.unwrap_or(LISTEN_TIMEOUT_MS)),
            shutdown_with_message: app.shutdown_with_message,
            max_memory_bytes: app.max_memory_restart.map(Pm2Size::bytes).transpose()?,
            user: app.uid.map(Pm2Id::text),
            group: app.gid.map(Pm2Id::text),
            ..wire::NewApp::default()
        })
    }
}

/// List all processes, as `pm2 jlist` does
#[utoipa::path(get, path = "/api/processes", tag = "compat", operation_id = "compat_list",
    responses((status = 200, description = "a bare array", body = Vec<Object>)))]
pub async fn list(auth: Auth<View>, State(api): State<Shared>) -> JsonAnswer<Vec<Value>> {
    let measured = api.handle.measured().await;
    let snapshot = auth.snapshot(&api);
    let views: Vec<_> = snapshot.processes.values().cloned().collect();
    JsonAnswer(elements(&views, measured.as_deref()).await)
}

/// Show the processes of one app, as `pm2 jlist` does
#[utoipa::path(get, path = "/api/processes/{ref}", tag = "compat", operation_id = "compat_show",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name")),
    responses(
        (status = 200, description = "a bare array", body = Vec<Object>),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<JsonAnswer<Vec<Value>>, ApiError> {
    let measured = api.handle.measured().await;
    let views = resolve(&auth.snapshot(&api), &reference)?;
    Ok(JsonAnswer(elements(&views, measured.as_deref()).await))
}

/// Start an app, or several, in PM2's words
///
/// All of them, or none.
#[utoipa::path(post, path = "/api/processes", tag = "compat", operation_id = "compat_start",
    request_body(content = Pm2Order, example = json!({"name": "api-server", "script": "node", "args": ["server.js"]})),
    responses(
        (status = 201, description = "a bare array of its processes", body = Vec<Object>),
        (status = "4XX", description = "refused; nothing was changed", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn start(
    auth: Auth<AppWrite>,
    State(api): State<Shared>,
    note: Note,
    Json(Pm2Order(apps)): Json<Pm2Order>,
) -> Result<(StatusCode, JsonAnswer<Vec<Value>>), ApiError> {
    if !(1..=1000).contains(&apps.len()) {
        return Err(ApiError::member("/apps", "1 to 1000 apps can be started at once"));
    }
    let apps = apps.into_iter().map(TryInto::try_into).collect::<Result<Vec<wire::NewApp>, ApiError>>()?;
    let names: Vec<String> = apps.iter().filter_map(|app| app.name.clone()).collect();
    let mut views = Vec::new();
    for app in apps {
        match create_app(&api, &auth.principal, &note, app, Duration::ZERO).await {
            Ok(created) => views.extend(created),
            Err(error) => {
                // What is half done is undone.
                act(&api, &auth.principal, wire::Action::Delete, &views, LIMIT).await?;
                return Err(error);
            }
        }
    }
    note.about(names.join(" "));
    let measured = api.handle.measured().await;
    Ok((StatusCode::CREATED, JsonAnswer(elements(&views, measured.as_deref()).await)))
}

/// Stop an app and delete it
#[utoipa::path(delete, path = "/api/processes/{ref}", tag = "compat", operation_id = "compat_delete",
    params(("ref" = String, Path, description = "id, name, instance or namespace:name")),
    responses(
        (status = 204, description = "it is gone"),
        (status = "4XX", description = "refused", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn delete(
    auth: Auth<AppDelete>,
    State(api): State<Shared>,
    Path(reference): Path<String>,
) -> Result<StatusCode, ApiError> {
    let targets = resolve(&auth.snapshot(&api), &reference)?;
    act(&api, &auth.principal, wire::Action::Delete, &targets, LIMIT).await?;
    Ok(StatusCode::NO_CONTENT)
}
