//! From what somebody asked for to a definition that can run (acceptance row A1).
//!
//! Everything that can be found out before a launch is found out here, so that a mistake is one
//! sentence and leaves no entry behind. Nothing goes through a shell, except a command line with
//! shell operators, which asks for one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::finder::{Asked, Finder, reason};
use super::{define_health, define_hooks, define_logs, define_watch, env_file, exposed, node, resources};
use crate::model::{
    AppSpec, Balance, Dependency, EnvSources, HealthPolicy, Hooks, Labels, ListenMode, LogPolicy, Name,
    PortPlan, ReadyBy, ReadyPolicy, Resources, RestartPolicy, RollPolicy, Schedule, Spread, StopPolicy,
    WatchPolicy,
};

/// What somebody asked for, with every single value parsed.
#[derive(Clone)]
pub struct Draft {
    /// The app's name; by the script if absent.
    pub name: Option<Name>,
    /// Its namespace.
    pub namespace: Name,
    /// A file, a command in PATH, or a whole command line.
    pub script: String,
    /// Arguments of the script.
    pub args: Vec<String>,
    /// Absolute working directory.
    pub cwd: PathBuf,
    /// Who runs the script; `none`: the file itself.
    pub interpreter: Option<String>,
    /// Arguments of the interpreter.
    pub interpreter_args: Vec<String>,
    /// Declared variables.
    pub env: BTreeMap<String, String>,
    /// Where more variables come from. Paths may be relative.
    pub env_sources: EnvSources,
    /// The caller's environment.
    pub inherited_env: BTreeMap<String, String>,
    /// How many processes.
    pub instances: u32,
    /// The ports of its processes.
    pub port: Option<PortPlan>,
    /// How they come to listen on them.
    pub listen: ListenMode,
    /// How connections come to one of them, if they share one.
    pub spread: Spread,
    /// What stands before them.
    pub balance: Option<Balance>,
    /// Start now and at boot.
    pub autostart: bool,
    /// After an exit that nobody asked for.
    pub restart: RestartPolicy,
    /// How it ends.
    pub stop: StopPolicy,
    /// How a reload replaces its processes.
    pub roll: RollPolicy,
    /// How it is checked.
    pub health: Option<HealthPolicy>,
    /// What makes it ready.
    pub ready: ReadyPolicy,
    /// What is run at certain moments.
    pub hooks: Hooks,
    /// What it may use; who it runs as is in `user` and `group`.
    pub resources: Resources,
    /// Where its output goes; relative paths count from `cwd`.
    pub logs: LogPolicy,
    /// The user to run as, by name or number.
    pub user: Option<String>,
    /// The group to run as, by name or number.
    pub group: Option<String>,
    /// What must be there before it is started.
    pub depends_on: Vec<Dependency>,
    /// The files whose changes restart it; relative paths count from `cwd`, and none means `cwd`.
    pub watch: Option<WatchPolicy>,
    /// When it is restarted or run.
    pub schedule: Option<Schedule>,
    /// They have a pipe as standard input.
    pub stdin: bool,
    /// To choose apps by.
    pub labels: Labels,
}

/// What is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Undefinable {
    /// The member that is wrong.
    pub member: &'static str,
    /// One sentence.
    pub detail: String,
}

/// Resolves the draft against the file system.
///
/// # Errors
/// The first thing that is wrong.
pub fn define(draft: Draft) -> Result<AppSpec, Undefinable> {
    check_cwd(&draft.cwd)?;
    let listen = draft.spread.listen(draft.listen, draft.port, draft.balance.is_some());
    let listen = listen.map_err(|bad| Undefinable { member: "spread", detail: bad.to_string() })?;
    let port = listen.apply(draft.port, draft.instances);
    let port = port.map_err(|bad| Undefinable { member: "listen_mode", detail: bad.to_string() })?;
    if let Some(Err(few)) = port.map(|plan| plan.suffices_for(draft.instances)) {
        return Err(Undefinable { member: "port", detail: few.to_string() });
    }
    resources::check(&draft.resources)?;
    let logs = define_logs::resolve(draft.logs, &draft.cwd, draft.instances)?;
    let watch = draft.watch.map(|policy| define_watch::resolve(policy, &draft.cwd)).transpose()?;
    let run_as = resources::run_as(draft.user.as_deref(), draft.group.as_deref())?;
    let files = draft.env_sources.files.iter().map(|file| draft.cwd.join(file)).collect();
    let env_sources = EnvSources { files, ..draft.env_sources };
    let inherited_env = env_sources.inherit(draft.inherited_env);
    let from_files =
        env_file::read(&env_sources.files).map_err(|detail| Undefinable { member: "env_file", detail })?;
    let has_port = draft.port.is_some() || draft.env.contains_key("PORT") || from_files.contains_key("PORT");
    check_ready(&draft.ready.by, has_port)?;
    let path = [&draft.env, &from_files, &inherited_env].into_iter().find_map(|env| env.get("PATH"));
    let path = path.cloned().unwrap_or_default();
    let finder = Finder { cwd: &draft.cwd, path: &path };
    let health = draft.health.map(|policy| define_health::resolve(policy, &finder)).transpose()?;
    let hooks = define_hooks::resolve(draft.hooks, &finder)?;
    let found = finder.find(&Asked {
        script: &draft.script,
        args: &draft.args,
        interpreter: draft.interpreter.as_deref(),
        interpreter_args: &draft.interpreter_args,
    })?;
    exposed::check(&draft.cwd, &draft.script, &hooks, &env_sources.files, run_as.as_ref())?;
    // Who is given connections must be able to take them.
    let takes_turns = draft.balance.is_some() || draft.spread == Spread::Even;
    let ready = match draft.ready.by {
        ReadyBy::Auto if takes_turns && health.is_none() => ReadyPolicy { by: ReadyBy::Port, ..draft.ready },
        ReadyBy::Auto | ReadyBy::Notify | ReadyBy::Message | ReadyBy::Port | ReadyBy::Log(_) => draft.ready,
    };
    if let Some(PortPlan::Shared(_)) = port {
        node::check(&found.program, run_as.as_ref().map(|user| (user.uid, user.gid)))?;
    }
    let name = match draft.name {
        Some(name) => name,
        None => default_name(&draft.script, &draft.cwd),
    };
    Ok(AppSpec {
        name,
        namespace: draft.namespace,
        script: draft.script,
        interpreter: found.interpreter,
        interpreter_args: draft.interpreter_args,
        program: found.program,
        args: found.args,
        cwd: draft.cwd,
        inherited_env,
        env: draft.env,
        env_sources,
        instances: draft.instances,
        numbered: draft.instances > 1,
        port,
        spread: draft.spread,
        balance: draft.balance,
        autostart: draft.autostart,
        restart: draft.restart,
        stop: draft.stop,
        roll: draft.roll,
        health,
        ready,
        hooks,
        resources: Resources { run_as, ..draft.resources },
        logs,
        depends_on: draft.depends_on,
        watch,
        schedule: draft.schedule,
        stdin: draft.stdin,
        labels: draft.labels,
    })
}

fn check_cwd(cwd: &Path) -> Result<(), Undefinable> {
    let refuse = |detail| Err(Undefinable { member: "cwd", detail });
    let shown = cwd.display();
    match std::fs::metadata(cwd) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => refuse(format!("the working directory {shown} is not a directory")),
        Err(e) => refuse(format!("the working directory {shown} cannot be used: {}", reason(&e))),
    }
}

/// What is looked for can be found.
fn check_ready(by: &ReadyBy, has_port: bool) -> Result<(), Undefinable> {
    let refuse = |detail| Err(Undefinable { member: "ready", detail });
    match by {
        ReadyBy::Auto | ReadyBy::Notify | ReadyBy::Message => Ok(()),
        ReadyBy::Port if !has_port => refuse(
            "ready by port needs a port to connect to: give the app one with port, or with PORT in its env"
                .to_owned(),
        ),
        ReadyBy::Port => Ok(()),
        ReadyBy::Log(pattern) => match regex::Regex::new(pattern) {
            Ok(_) => Ok(()),
            Err(e) => {
                // The last line of its message is the reason; those before draw the pattern.
                let why = e.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                refuse(format!("the pattern {pattern} of log: is no regular expression: {why}"))
            }
        },
    }
}

/// The file name of the script, or of the first word of a command line.
fn default_name(script: &str, cwd: &Path) -> Name {
    let first = match shlex::split(script) {
        Some(words) if !cwd.join(script).exists() => words.into_iter().next().unwrap_or_default(),
        Some(_) | None => script.to_owned(),
    };
    let file = Path::new(&first).file_name().map(|name| name.to_string_lossy().into_owned());
    Name::from_file_name(file.as_deref().unwrap_or("app"))
}
