//! The fields of an app: PM2's with all their names, and our own beside them.

/// What a field takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text; a number counts as its digits.
    Text,
    /// true or false.
    Flag,
    /// A whole number.
    Number,
    /// A time: milliseconds, or text such as `10s`.
    Time,
    /// Memory: bytes, or text such as `100M`.
    Bytes,
    /// A list, or text that is split by quotes.
    Words,
    /// A list of text, or one.
    List,
    /// A list of whole numbers, or one.
    Numbers,
    /// Variables.
    Variables,
    /// true or false, or a list of text.
    FlagOrList,
    /// An object with keys of its own.
    Object,
    /// Anything: it has no effect here, because of this.
    Without(&'static str),
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its other names. Each may be written in camelCase, too.
    pub aliases: &'static [&'static str],
    /// What it takes.
    pub kind: Kind,
    /// What it means.
    pub meaning: &'static str,
}

const fn field(
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    meaning: &'static str,
) -> Field {
    Field { name, aliases, kind, meaning }
}

const METRICS: Kind = Kind::Without("metrics are taken from outside");
const FILES: Kind = Kind::Without("files of logs hold exactly what the app wrote");

/// All of them.
pub const FIELDS: &[Field] = &[
    field(
        "script",
        &["exec", "cmd", "command"],
        Kind::Text,
        "A file, a command, or a line with both and arguments.",
    ),
    field("name", &[], Kind::Text, "Default: the file name of the script without its extension."),
    field("name_prefix", &[], Kind::Text, "Comes before the name."),
    field("namespace", &[], Kind::Text, "Groups apps. Default: default."),
    field("cwd", &[], Kind::Text, "Working directory. Default: where the command is typed."),
    field("args", &[], Kind::Words, "Arguments of the script."),
    field(
        "interpreter",
        &["exec_interpreter"],
        Kind::Text,
        "Program that runs the script; none: the file itself.",
    ),
    field("interpreter_args", &["node_args"], Kind::Words, "Arguments of the interpreter."),
    field("instances", &[], Kind::Text, "Number of processes; 0 or max: one per CPU; -1: one less."),
    field("exec_mode", &["_mode"], Kind::Text, "fork or cluster (also fork_mode, cluster_mode)."),
    field("env", &[], Kind::Variables, "Variables. Objects become JSON."),
    field(
        "env_file",
        &["env_files"],
        Kind::List,
        "Files with variables in dotenv format, read at each start.",
    ),
    field(
        "filter_env",
        &[],
        Kind::FlagOrList,
        "Parts of names of variables that are not inherited; true: none is.",
    ),
    field(
        "instance_var",
        &[],
        Kind::Text,
        "One more variable that holds the number of the instance, beside NODE_APP_INSTANCE.",
    ),
    field("port", &[], Kind::Text, "3000, 3000-3003 or auto:4000-4100; PORT of each process."),
    field(
        "listen_mode",
        &[],
        Kind::Text,
        "shared: one listening socket for all processes; proxy: a balancer; auto.",
    ),
    field(
        "spread",
        &[],
        Kind::Text,
        "With a shared port. queue: who has time is next; even: the same for each.",
    ),
    field(
        "balance",
        &[],
        Kind::Object,
        "Port of a balancer, or port, mode, method, sticky, timeout_ms, drain_timeout_ms, slow_start_ms.",
    ),
    field(
        "soak",
        &["soak_ms"],
        Kind::Time,
        "How long a new run must stay well in a reload. Default: 1000, or min_uptime if less.",
    ),
    field("max_surge", &[], Kind::Text, "New runs beside old ones in a reload: 2 or 25%. Default: 1."),
    field("max_unavailable", &[], Kind::Text, "Processes missing in a reload: 1 or 25%. Default: 0."),
    field("increment_var", &[], Kind::Text, "PORT: each process gets the next number."),
    field("user", &["uid"], Kind::Text, "User to run as. Only as root."),
    field("group", &["gid"], Kind::Text, "Group to run as. Only as root."),
    field("autostart", &[], Kind::Flag, "Start it now and at boot. Default: true."),
    field("autorestart", &[], Kind::Flag, "Start it again when it ends. Default: true."),
    field("stop_exit_codes", &[], Kind::Numbers, "Exit codes after which it stays stopped."),
    field("min_uptime", &["min_uptime_ms"], Kind::Time, "A shorter run is unstable. Default: 1000."),
    field(
        "max_restarts",
        &[],
        Kind::Number,
        "Unstable runs in a row after which it is given up. Default: 16.",
    ),
    field("restart_delay", &["restart_delay_ms"], Kind::Time, "Fixed wait before each automatic restart."),
    field(
        "exp_backoff_restart_delay",
        &["exp_backoff_restart_delay_ms"],
        Kind::Time,
        "First of the growing waits before automatic restarts.",
    ),
    field(
        "max_memory_restart",
        &["max_memory", "max_memory_bytes"],
        Kind::Bytes,
        "More memory than this, the whole tree together, leads to a restart.",
    ),
    field("kill_signal", &[], Kind::Text, "Signal that asks it to end. Default here: SIGINT, as in PM2."),
    field(
        "kill_timeout",
        &["kill_timeout_ms"],
        Kind::Time,
        "After this it is killed. Default here: 1600, as in PM2.",
    ),
    field("stdin", &[], Kind::Flag, "Give it a pipe as standard input, for send and attach."),
    field("shutdown_with_message", &[], Kind::Flag, "Ask it to end by the message \"shutdown\"."),
    field("treekill", &[], Kind::Flag, "The whole tree is always ended."),
    field("ready", &[], Kind::Text, "auto, notify, message, port or log:REGEX."),
    field("wait_ready", &[], Kind::Flag, "Ready by the message \"ready\"."),
    field(
        "listen_timeout",
        &["listen_timeout_ms"],
        Kind::Time,
        "Not ready (or healthy) within it is a failed start. Default: 3000 with wait_ready.",
    ),
    field(
        "health_check",
        &["health"],
        Kind::Object,
        "url, tcp or script; timeout, interval, retries, start_limit.",
    ),
    field("hooks", &[], Kind::Object, "Commands of your own: before_start; timeout."),
    field("labels", &[], Kind::Variables, "To choose apps by: {tier: \"web\"}."),
    field("depends_on", &[], Kind::Object, "Names in a list, or an object {db: \"healthy\"}."),
    field("nice", &[], Kind::Number, "Scheduling priority."),
    field("max_open_files", &[], Kind::Number, "Limit of open files."),
    field("core_size", &["core_size_bytes"], Kind::Bytes, "Largest core dump; -1: no limit."),
    field("umask", &[], Kind::Text, "Octal digits, as text: \"027\"."),
    field("no_new_privileges", &[], Kind::Flag, "Its programs never gain rights; sudo does nothing in it."),
    field("out_file", &["out", "output", "out_log"], Kind::Text, "File of standard output; NULL: none."),
    field(
        "error_file",
        &["error", "err", "err_file", "err_log"],
        Kind::Text,
        "File of standard error; NULL: none.",
    ),
    field("log_file", &["log", "combined_file"], Kind::Text, "File that gets both."),
    field("merge_logs", &["combine_logs"], Kind::Flag, "All processes write into the same files."),
    field("disable_logs", &[], Kind::Flag, "No files at all."),
    field("log_date_format", &[], Kind::Text, "How times are shown: YYYY-MM-DD HH:mm:ss."),
    field("time", &[], Kind::Flag, "As log_date_format YYYY-MM-DDTHH:mm:ss."),
    field("log_max_size", &[], Kind::Bytes, "A larger file is closed, and the next begins; 0: never."),
    field(
        "log_max_files",
        &[],
        Kind::Number,
        "How many closed files are kept; -1: as many as the budget allows.",
    ),
    field("log_max_age", &[], Kind::Time, "Older files are closed and removed; 0: at any age."),
    field("log_policy", &[], Kind::Text, "With a full disk: block or drop."),
    field("source_map_support", &[], Kind::Flag, "true: --enable-source-maps for node."),
    field(
        "watch",
        &[],
        Kind::FlagOrList,
        "Restart it when files change: in these paths, or in its working directory with true.",
    ),
    field("ignore_watch", &[], Kind::List, "Globs of names or paths that do not count."),
    field("watch_delay", &[], Kind::Time, "It restarts when nothing has changed for so long. Default: 100."),
    field("watch_extensions", &["ext"], Kind::List, "Only files with these extensions count."),
    field(
        "cron_restart",
        &["cron"],
        Kind::Text,
        "Restart it at these times, 5 or 6 fields; with autostart false it is a job that is run then.",
    ),
    field("timezone", &["cron_timezone"], Kind::Text, "Time zone of cron_restart. Default: the daemon's."),
    field("overlap", &[], Kind::Text, "A job that is due while it runs: skip, queue or replace."),
    field("catch_up", &[], Kind::Text, "Times when nobody could look: skip or once."),
    // What PM2 has and pmdaemon does not.
    field(
        "watch_options",
        &[],
        Kind::Without("files are watched by the kernel: ignore_watch and watch_delay say what and when"),
        "Use ignore_watch and watch_delay.",
    ),
    field("log_type", &[], FILES, "JSON is made when logs are read."),
    field(
        "pid_file",
        &["pid"],
        Kind::Without("no pid files are written; pmdaemon pid tells them"),
        "Not written.",
    ),
    field("kill_retry_time", &[], Kind::Without("ends are noticed at once"), "Ends are noticed at once."),
    field("username", &[], Kind::Without("it informs only; user makes it run as somebody"), "Informs only."),
    field("force", &[], Kind::Without("names are unique"), "Names are unique."),
    field("windows_hide", &[], Kind::Without("this is Linux"), "Of Windows."),
    field("vizion", &[], Kind::Without("repositories are not looked at"), "Repositories are not looked at."),
    field(
        "versioning",
        &[],
        Kind::Without("repositories are not looked at"),
        "Repositories are not looked at.",
    ),
    field("post_update", &[], Kind::Without("there is no pull"), "There is no pull."),
    field("pmx", &[], METRICS, "Metrics are taken from outside."),
    field("automation", &[], METRICS, "Metrics are taken from outside."),
    field("trace", &[], METRICS, "Metrics are taken from outside."),
    field("disable_trace", &[], METRICS, "Metrics are taken from outside."),
    field("v8", &[], METRICS, "Metrics are taken from outside."),
    field("event_loop_inspector", &[], METRICS, "Metrics are taken from outside."),
    field("deep_monitoring", &[], METRICS, "Metrics are taken from outside."),
    field("io", &[], METRICS, "Metrics are taken from outside."),
    field("execute_command", &[], Kind::Without("exec_mode says it"), "Use exec_mode."),
    field("append_env_to_name", &[], Kind::Without("give each app its own name"), "Use name."),
    field("install_url", &[], Kind::Without("nothing is installed"), "Nothing is installed."),
    field(
        "write",
        &[],
        Kind::Without("files of yours are never written"),
        "Files of yours are never written.",
    ),
];

/// The field of that name, alias or camelCase of one.
pub fn find(key: &str) -> Option<&'static Field> {
    let key = snake(key);
    FIELDS.iter().find(|field| field.name == key || field.aliases.contains(&key.as_str()))
}

/// The known name nearest to a key, if one is near.
pub fn nearest(key: &str) -> Option<&'static str> {
    let key = snake(key);
    let names = FIELDS.iter().flat_map(|field| field.aliases.iter().chain([&field.name]));
    let near = names.map(|name| (strsim::damerau_levenshtein(&key, name), *name)).min()?;
    (near.0 <= 1 + near.1.len() / 4).then_some(near.1)
}

/// camelCase as snake_case.
fn snake(key: &str) -> String {
    let mut snake = String::new();
    for c in key.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_each_of_its_names() {
        let check =
            |key: &str, name: &str| assert_eq!(find(key).map(|field| field.name), Some(name), "{key}");
        check("maxMemoryRestart", "max_memory_restart");
        check("nodeArgs", "interpreter_args");
        check("cmd", "script");
        check("errFile", "error_file");
        check("windowsHide", "windows_hide");
        check("_mode", "exec_mode");
        assert!(find("scirpt").is_none());
        assert_eq!(nearest("scirpt"), Some("script"));
        assert_eq!(nearest("max_memory_restarts"), Some("max_memory_restart"));
        assert_eq!(nearest("flux_capacitor"), None);
    }

    #[test]
    fn no_name_belongs_to_two_fields() {
        let mut names: Vec<&str> =
            FIELDS.iter().flat_map(|field| field.aliases.iter().chain([&field.name])).copied().collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
